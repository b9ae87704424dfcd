"""Exact dynamics: the network after any number of steps, and where descent stops converging."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import theory
from tests import reference
from tests.cases import Descent, descents, images, seeds, windows
from tests.claims.one_layer import OneLayerTraining, first_digits, from_any_weights, naive_patches, schemes
from verification import claim

D_EXACT = claim(
    "D.exact",
    statement="At every step of a really trained one-layer network, with momentum and step decay, the weights are "
    "those of the closed form.",
    source="theory/derivations (fcn-trajectory, cnn-limit, momentum)",
)
D_STABLE = claim(
    "D.stable",
    statement="Gradient descent converges below max_stable_lr = 2(1 + β)/λ_max and diverges above it.",
    source="Jury's conditions: theory/derivations (momentum)",
)

D_EFFECTIVE = claim(
    "D.effective",
    statement="An image of full patch rank whose slow modes are not learned in the steps given leaves an error on "
    "other images that the spectrum predicts: f(x) − x = A(x) V diag(e_t) Vᵀ (θ₀ − θ*).",
    source="theory/derivations (cnn-limit, momentum)",
)


@D_EXACT
@given(
    case=windows(max_channels=3), bias=st.booleans(), outputs=st.integers(1, 2), steps=st.integers(1, 60),
    descent=descents(steps=60), scheme=schemes, seed=seeds, data=st.data(),
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_convolution_follows_the_closed_form_at_every_step(
    case, bias, outputs, steps, descent, scheme, seed, data, ledger
):
    network = theory.Convolutional(case.images.shape[1], outputs, kernel_size=case.kernel, bias=bias, **case.settings)
    targets = data.draw(images(network.target_shape(case.images)))
    descent = Descent(
        descent.fraction, descent.momentum, tuple(m for m in descent.milestones if m <= steps), descent.gamma
    )
    run = OneLayerTraining(network, case.images, targets, descent, steps, scheme, seed % 1000, trajectory=True)
    _check_every_step(data.draw(from_any_weights(run)), ledger)


@D_EXACT
@given(
    features=st.integers(1, 8), examples=st.integers(1, 4), bias=st.booleans(), outputs=st.integers(1, 4),
    descent=descents(steps=50), scheme=schemes, seed=seeds, data=st.data(),
)  # fmt: skip
def test_fully_connected_follows_the_closed_form_at_every_step(
    features, examples, bias, outputs, descent, scheme, seed, data, ledger
):
    network = theory.FullyConnected(features, outputs, bias=bias)
    inputs, targets = data.draw(images((examples, features))), data.draw(images((examples, outputs)))
    run = OneLayerTraining(network, inputs, targets, descent, 50, scheme, seed % 1000, trajectory=True)
    _check_every_step(data.draw(from_any_weights(run)), ledger)


@D_EXACT
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_digits_follow_the_closed_form_at_every_step(precision, ledger):
    """Two digits, a 5×5 kernel, momentum 0.9 and the paper's three milestones at 30, 60 and 80 %."""
    descent = Descent(fraction=0.8, momentum=0.9, milestones=(60, 120, 160), gamma=0.2)
    network = theory.Convolutional(1, kernel_size=5, bias=True)
    run = OneLayerTraining(
        network, first_digits()[[2, 7]], None, descent, 200, "default", 0, precision, trajectory=True
    )
    _check_every_step(run, ledger)


def _check_every_step(run: OneLayerTraining, ledger) -> None:
    predicted = run.predicted(steps=range(run.steps + 1))
    weights = predicted.weight.reshape(run.steps + 1, run.network.outputs, -1)
    if run.network.bias:
        weights = np.concatenate([weights, predicted.bias[..., None]], axis=-1)
    trained = np.array([run.flat(run.trained.snapshots[t]) for t in range(run.steps + 1)])
    measured = np.linalg.norm(trained - weights, axis=(1, 2))
    ledger.agree(measured, run.rounding.weights, what="weights at each step", precision=run.precision)


@D_STABLE
@given(
    case=windows(),
    bias=st.booleans(),
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    near=st.floats(0.01, 0.2),
    scheme=schemes,
    seed=seeds,
    data=st.data(),
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_descent_converges_below_the_limit_and_diverges_above(case, bias, momentum, near, scheme, seed, data, ledger):
    network = theory.Convolutional(case.images.shape[1], kernel_size=case.kernel, bias=bias, **case.settings)
    targets = data.draw(images(network.target_shape(case.images)))
    _check_stability(network, case.images, targets, momentum, near, scheme, seed % 1000, ledger)


@D_STABLE
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_digit_converges_below_the_limit_and_diverges_above(momentum, ledger):
    image = first_digits()[5:6]
    _check_stability(theory.Convolutional(1, kernel_size=5), image, image, momentum, 0.01, "yann_normal", 0, ledger)


def _check_stability(network, trained_on, targets, momentum, near, scheme, seed, ledger) -> None:
    limit = theory.max_stable_lr(network, trained_on, momentum=momentum)
    if not (trained_on.any() or network.bias):  # nothing to descend: no rate is too large
        ledger.holds(limit == np.inf, what="black images")
        return
    for factor in (1 - near, 1 + near):
        steps, left = _until_decided(factor, momentum)
        run = OneLayerTraining(network, trained_on, targets, Descent(factor, momentum, (), 1.0), steps, scheme, seed)
        ledger.agree(abs(run.optimizer.lr / factor - limit) / limit, _relative(run.design), what="max_stable_lr")
        # The trained network's component along the fastest direction, seen from the minimum.
        direction = np.linalg.svd(run.design, full_matrices=False)[2][0]
        minimum = np.linalg.lstsq(run.design, run.responses, rcond=None)[0].T
        before, after = (
            np.linalg.norm((run.flat(weights) - minimum) @ direction)
            for weights in (run.trained.initial_weights, run.trained.weights)
        )
        ledger.agree(abs(after - abs(left) * before), run.rounding.weights[-1], what="fastest mode", factor=factor)
        if before * abs(left) > 2 * run.rounding.weights[-1]:  # else it started at the minimum, to rounding
            ledger.holds(bool(after < before / 5 if factor < 1 else after > 5 * before), factor=factor, steps=steps)


def _until_decided(factor: float, momentum: float) -> tuple[int, float]:
    """How long a mode at `factor` times its largest stable rate takes to change tenfold, and by how much it then has.

    Tenfold for 20 steps on end: an oscillation passes through zero without having decayed.
    """
    error, velocity, steps, since = 1.0, 0.0, 0, 0
    while since < 20:
        velocity = momentum * velocity + 2 * (1 + momentum) * error
        error -= factor * velocity
        steps += 1
        since = since + 1 if (abs(error) < 0.1 if factor < 1 else abs(error) > 10) else 0
    return steps, error


def _relative(design: np.ndarray) -> float:
    """Relative rounding of a largest singular value, squared, computed twice."""
    return 4 * 2.0**-52 * (np.sqrt(design.shape[0]) + design.shape[1])


@D_EFFECTIVE
@pytest.mark.parametrize("kernel", [5, 9, 15])
def test_modes_too_slow_to_be_learned_leave_the_predicted_error(kernel, ledger):
    """A digit has full rank for every kernel, and 200 steps do not teach it all: the error left is as computed."""
    images = first_digits()
    network = theory.Convolutional(1, kernel_size=kernel)
    run = OneLayerTraining(network, images[3:4], None, Descent(0.9, 0.9, (), 1.0), 200, "kaiming_normal", 0)
    now, limit = run.predicted(steps=run.steps), run.predicted()
    ledger.holds(limit.deficiency == 0, kernel=kernel)
    x = images[[0, 8]]
    outputs = np.asarray(run.trained.predict(x))[0]
    bound = run.prediction_bound(x, run.rounding.weights[-1])
    ledger.agree(np.abs(outputs - now(x)), bound, what="predictions after 200 steps", kernel=kernel)
    # The spectrum tells how many directions are effectively missing: those that keep more than 1 % of their error.
    values = limit.spectrum
    left = reference.heavy_ball(2 * values**2 / images[3].size, run.optimizer.lr, 0.9, (), 1.0, run.steps)[-1]
    slow = int(np.sum(np.abs(left) > 0.01))
    error = np.abs(outputs - x)
    ledger.holds(bool((error > bound).any()) == (slow > 0), kernel=kernel, slow_modes=slow)
    ledger.note(f"kernel {kernel}: {slow} of {kernel**2} modes are still short of 99 % after {run.steps} steps")


@D_EFFECTIVE
@given(size=st.integers(4, 7), steps=st.integers(1, 100), scheme=schemes, seed=seeds, data=st.data())
def test_error_after_t_steps_follows_from_the_spectrum(size, steps, scheme, seed, data, ledger):
    """Smoothed images: modes from fast to hopelessly slow, and some that are missing."""
    noise = data.draw(images((1, 1, size, size)))
    smooth = (noise + np.roll(noise, 1, 2) + np.roll(noise, 1, 3) + np.roll(noise, (1, 1), (2, 3))) / 4
    network = theory.Convolutional(1, kernel_size=3)
    run = OneLayerTraining(network, smooth, None, Descent(0.9, 0.9, (), 1.0), steps, scheme, seed % 1000)
    x = data.draw(images((2, 1, size, size)))
    outputs = np.asarray(run.trained.predict(x))[0]
    # f(x) − x = A(x) V diag(e_t) Vᵀ (θ₀ − θ*): what is left of each mode, from the spectrum.
    _, values, right = np.linalg.svd(run.design, full_matrices=False)
    left = reference.heavy_ball(2 * values**2 / size**2, run.optimizer.lr, 0.9, (), 1.0, steps)[-1]
    delta = np.zeros((1, 9))
    delta[0, 4] = 1
    error = (run.flat(run.trained.initial_weights) - delta) @ (right.T * left) @ right
    found = (naive_patches(network, x) @ error.T).reshape(x.shape)
    ledger.agree(np.abs(outputs - x - found), run.prediction_bound(x, run.rounding.weights[-1]), what="error")
