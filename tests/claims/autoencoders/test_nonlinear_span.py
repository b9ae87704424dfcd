"""One-layer networks with an activation: trained outputs lie in the nonlinear span of the training examples."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import empirics
import theory
from tests import reference
from tests.bounds import UNIT_ROUNDOFF, gamma, passed_on
from tests.cases import SCALES, either_sign, images, plain_images, seeds
from tests.claims.one_layer import first_digits, parameters, schemes
from verification import claim

N_SPAN = claim(
    "N.span",
    statement="A one-layer network φ(W x) with leaky ReLU that training brings to zero loss ends at "
    "W₀(I − Π) + φ⁻¹(Y)X⁺: its outputs lie in the nonlinear span of the training examples.",
    source="Radhakrishnan, Yang, Belkin, Uhler 2018; theory/derivations (nonlinear-span)",
)

SLOPE = 0.01  # torch's leaky ReLU below zero
U = UNIT_ROUNDOFF["float64"]


def inverse(y: np.ndarray) -> np.ndarray:
    """φ⁻¹ of leaky ReLU."""
    return np.where(y >= 0, y, y / SLOPE)


@N_SPAN
@given(features=st.integers(2, 6), examples=st.integers(1, 3), scheme=schemes, seed=seeds, data=st.data())
def test_leaky_relu_ends_in_the_nonlinear_span(features, examples, scheme, seed, data, ledger):
    examples = min(examples, features)
    shape = (examples, features)
    # Orthonormal examples, then moved: well conditioned, so that training has time to reach zero loss.
    straight = np.linalg.qr(data.draw(plain_images(shape[::-1], values=either_sign)))[0].T
    inputs = straight + 0.2 * data.draw(plain_images(shape))
    assume(np.linalg.cond(inputs) < 10)
    # Any target is inside φ's open range, ℝ; a negative one is learned 10⁴ times as slowly, hence positive ones.
    targets = 0.1 + 0.9 * data.draw(plain_images(shape))
    inputs, targets = (array * 2.0 ** data.draw(st.sampled_from(SCALES)) for array in (inputs, targets))
    x = data.draw(images((4, features)))
    assume(_check_span(inputs, targets, x, scheme, seed % 1000, 2000, ledger))


@N_SPAN
def test_leaky_relu_on_digits(ledger):
    """A small 8 on grey paper as input and target, from three draws of the initial weights."""
    small = 0.1 + 0.8 * first_digits()[8].reshape(1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(1, 49)
    for seed in range(3):
        assert _check_span(
            small,
            small,
            first_digits()[:4].reshape(4, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(4, 49),
            "kaiming_normal",
            seed,
            2000,
            ledger,
        )


def _check_span(inputs, targets, x, scheme, seed, steps, ledger) -> bool:
    """Whether training came near zero loss, which is what the statement is about; if so, examine it."""
    (n, features), outputs, momentum = inputs.shape, targets.shape[1], 0.9
    values = np.linalg.svd(inputs, compute_uv=False)
    # φ' ≤ 1: half the largest rate at which the linear network is stable.
    lr = 0.5 * (1 + momentum) * targets.size / values[0] ** 2
    recipe = empirics.Recipe(lr=lr, momentum=momentum, decay_at=(), steps=steps, precision="float64", scheme=scheme)
    runs = empirics.train(
        lambda: empirics.FCN(features, 1, out_features=outputs, output_activation="leaky_relu"),
        inputs,
        targets,
        recipe=recipe,
        seeds=(seed,),
        snapshots=range(0, steps + 1, 10),
        progress=False,
    )
    start, end = parameters(runs.initial_weights, False), parameters(runs.weights, False)
    losses = np.asarray(runs.history.losses)[0]
    if losses[-1] > 1e-6 * losses[0]:
        return False

    pseudo_inverse = np.linalg.pinv(inputs)
    limit = start @ (np.eye(features) - pseudo_inverse @ inputs) + (pseudo_inverse @ inverse(targets)).T
    # In the row space: (W − W_∞) Xᵀ is what the pre-activations still miss, and ‖·‖ ≤ that over σ_min.
    missing = np.linalg.norm(inputs @ end.T - inverse(targets))
    # Off it exact steps do not move at all, and rounded ones by this much each, passed on by momentum 1/(1 − β)-fold.
    size = max(np.linalg.norm(parameters(weights, False)) for weights in runs.snapshots.values())
    residual = np.sqrt(targets.size * losses.max()) + values[0] * size
    gradient = 2 / targets.size * values[0] * residual
    drift = steps * (2 * U * size + lr * gamma(features + n + 8, U) * gradient / (1 - momentum))
    bound = missing / values[-1] + drift + 64 * U * values[0] / values[-1] * (size + np.linalg.norm(limit))
    ledger.agree(np.linalg.norm(end - limit), bound, what="weights", features=features, examples=n)

    predicted = x @ limit.T
    predicted = np.where(predicted >= 0, predicted, SLOPE * predicted)
    measured = np.asarray(runs.predict(x))[0]
    rows = np.linalg.norm(x, axis=1)[:, None]
    rounding = gamma(features + 2, U) * rows * (size + np.linalg.norm(limit))
    ledger.agree(np.abs(measured - predicted), rows * bound + rounding, what="predictions")
    return True


N_RELU = claim(
    "N.relu",
    statement="Trained on one example, each unit of a one-layer ReLU network arrives at its target or dies, in the "
    "step and with the weights that its first response, the learning rate and momentum decide: overshoot kills units "
    "that started alive, and momentum revives none.",
    source="theory/derivations (nonlinear-span)",
)


@N_RELU
@given(
    features=st.integers(1, 6), units=st.integers(1, 12), fraction=st.floats(0.05, 0.95),
    momentum=st.sampled_from([0.0, 0.5, 0.9]), scheme=schemes, seed=seeds, data=st.data(),
)  # fmt: skip
def test_relu_units_arrive_or_die_as_computed(features, units, fraction, momentum, scheme, seed, data, ledger):
    example, targets = data.draw(images((1, features), values=either_sign)), data.draw(images((1, units)))
    assume(example.any())  # a black example moves nothing, and no rate is too large for it
    assume(_check_units(example, targets, fraction, momentum, scheme, seed % 1000, ledger))


@N_RELU
@pytest.mark.parametrize(("fraction", "momentum"), [(0.4, 0.0), (0.8, 0.0), (0.5, 0.9)])
def test_relu_units_on_a_digit(fraction, momentum, ledger):
    """196 units that are to reproduce a small 3, most of them black."""
    digit = first_digits()[3].reshape(14, 2, 14, 2).mean(axis=(1, 3)).reshape(1, 196)
    assert _check_units(digit, digit, fraction, momentum, "kaiming_normal", 0, ledger)


def _check_units(example, targets, fraction, momentum, scheme, seed, ledger) -> bool:
    """Whether any unit keeps clear of zero, so that rounding does not decide its fate; if so, examine those."""
    steps, (features, units) = 400, (example.shape[1], targets.shape[1])
    square = float(example[0] @ example[0])
    rate = fraction * 2 * (1 + momentum)
    lr = rate * units / (2 * square)
    recipe = empirics.Recipe(lr=lr, momentum=momentum, decay_at=(), steps=steps, precision="float64", scheme=scheme)
    runs = empirics.train(
        lambda: empirics.FCN(features, 1, out_features=units, output_activation="relu"),
        example,
        targets,
        recipe=recipe,
        seeds=(seed,),
        snapshots=range(steps + 1),
        progress=False,
    )
    weights = np.array([parameters(runs.snapshots[t], False) for t in range(steps + 1)])
    measured = weights @ example[0]  # responses, (steps + 1, units)
    optimizer = theory.GradientDescent(lr, momentum=momentum)
    fate = theory.relu_fate(weights[0], example[0], targets[0], optimizer=optimizer)

    alive = np.arange(steps)[:, None] < fate.death  # before each step, (steps, units)
    bound = _rounding(weights, example[0], targets[0], alive, lr, momentum)  # of each response, after each step
    # A unit that comes nearer to zero than rounding may die or live by rounding; what it then does is not examined.
    before_rest = np.arange(steps + 1)[:, None] <= np.minimum(fate.death, steps)
    told = ((np.abs(measured) > 2 * bound[:, None]) | ~before_rest).all(axis=0)
    killed = told & (fate.death > 0) & ~fate.alive
    ledger.note(
        f"momentum {momentum:g}: {told.sum()} of {units} units keep clear of zero, {fate.alive.sum()} live, "
        f"overshoot kills {killed.sum()}"
    )
    died = np.where((measured <= 0).any(axis=0), (measured <= 0).argmax(axis=0), np.inf)
    early = told & (np.minimum(died, fate.death) <= steps)
    ledger.holds(bool(np.all(died[early] == fate.death[early])), rate=rate, momentum=momentum)
    ledger.holds(bool(np.all(measured[-1][told & fate.alive] > 0)), rate=rate, momentum=momentum)

    # What 400 steps leave: of a living unit's error, e_t; of a dead one's coasting, the powers of β after its death.
    left = abs(reference.heavy_ball(np.array([2 * square / units]), lr, momentum, (), 1.0, steps)[-1, 0])
    moved = np.abs(np.diff(measured, axis=0)).max(axis=0)
    coasting = moved * momentum ** np.clip(steps - fate.death, 0, None) * momentum / (1 - momentum)
    to_go = np.where(fate.alive, left * np.abs(measured[0] - targets[0]), np.where(fate.death <= steps, coasting, 0.0))
    settled = told & (fate.alive | (fate.death <= steps))
    if not settled.any():
        return False
    own = 64 * U * (np.abs(measured[0]) + targets[0] + np.abs(fate.response)) / (1 - momentum) ** 2
    ledger.agree(np.abs(measured[-1] - fate.response)[settled], (to_go + bound[-1] + own)[settled], what="responses")
    # Training moves weights along the example only: w = w₀ + (z − z₀) x̂/‖x̂‖².
    off = np.linalg.norm(weights[-1] - fate.weight, axis=1)
    along = ((to_go + bound[-1] + own) / np.sqrt(square))[settled]
    ledger.agree(off[settled], along + bound[-1] / np.sqrt(square), what="weights")
    return True


def _rounding(weights, example, targets, alive, lr, momentum) -> np.ndarray:
    """How far rounding can carry any unit's weights along the example, times its length: see tests/bounds.py."""
    steps, features, units = len(alive), len(example), len(targets)
    length = np.linalg.norm(example)
    # λ of each unit at each step, 0 once it is dead and for what lies off the example.
    modes = np.hstack([np.where(alive, 2 * length**2 / units, 0.0), np.zeros((steps, 1))])
    in_weights, in_velocity = passed_on(modes, [lr] * steps, momentum)
    size = np.linalg.norm(weights, axis=2).max()
    speed = np.linalg.norm(np.diff(weights, axis=0), axis=2).max() / lr + 4 * U * size / lr
    missing = length * size + np.abs(targets).max()
    gradient = 2 / units * length * ((gamma(features, U) + 8 * U) * length * size + 8 * U * missing)
    errors = in_weights * U * (size + 2 * lr * speed) + in_velocity * (3 * U * speed + gradient)
    return length * errors + gamma(features, U) * length * size
