"""Theorem 2: a one-layer convolution learns the identity iff its training image's patch matrix has full column rank."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import theory
from tests.bounds import Rounding
from tests.cases import Descent, images, random_images, seeds, windows
from tests.claims.one_layer import OneLayerTraining, first_digits, from_any_weights, parameters, schemes
from verification import claim

T2_LIMIT = claim(
    "T2.limit",
    statement="A one-layer CNN converges to the patch-matrix limit θ₀(I − D⁺D) + (D⁺T)ᵀ, with any padding mode, with "
    "and without bias, of one channel or three.",
    source="Zhang et al. 2020, Theorem 2; theory/derivations (cnn-limit)",
)
T2_LOCAL = claim(
    "T2.local",
    statement="A one-layer locally connected network converges to the same limit, pixel by pixel.",
    source="theory/derivations (cnn-limit), with one design matrix per output pixel",
)
T2_IDENTITY = claim(
    "T2.identity",
    statement="With full column rank a one-layer CNN learns the identity whatever its initial weights; short of it, "
    "from generic initial weights, it errs by exactly A(x) N (θ₀ − θ*).",
    source="Zhang et al. 2020, Theorem 2",
)

MOMENTUM = Descent(fraction=0.9, momentum=0.9, milestones=(), gamma=1.0)
steady = st.builds(
    Descent,
    fraction=st.floats(0.3, 0.9),
    momentum=st.sampled_from([0.0, 0.9]),
    milestones=st.sampled_from([(), (200,)]),
    gamma=st.just(0.5),
)


@T2_LIMIT
@given(
    case=windows(max_channels=3),
    bias=st.booleans(),
    outputs=st.integers(1, 3),
    descent=steady,
    scheme=schemes,
    seed=seeds,
    data=st.data(),
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_weights_and_predictions_are_the_patch_matrix_limit(case, bias, outputs, descent, scheme, seed, data, ledger):
    network = theory.Convolutional(case.images.shape[1], outputs, kernel_size=case.kernel, bias=bias, **case.settings)
    targets = data.draw(images(network.target_shape(case.images)))
    run = data.draw(
        from_any_weights(OneLayerTraining(network, case.images, targets, descent, 300, scheme, seed % 1000))
    )
    height, width = case.images.shape[2:]
    _check_limit(run, data.draw(images((2, case.images.shape[1], height + 1, width + 2))), ledger)


@T2_LIMIT
@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize("bias", [False, True])
def test_patch_matrix_limit_on_a_digit(mode, bias, ledger):
    images = first_digits()
    run = OneLayerTraining(
        theory.Convolutional(1, kernel_size=5, padding_mode=mode, bias=bias), images[2:3], None, MOMENTUM, 400,
        "kaiming_uniform", 0,
    )  # fmt: skip
    _check_limit(run, images, ledger)


@T2_LIMIT
def test_patch_matrix_limit_on_three_channels_in_single_precision(ledger):
    """Three different digits as the channels of one picture."""
    pack = first_digits()
    picture, others = pack[[0, 1, 2], 0][None], pack[[3, 4, 5, 6, 7, 8], 0].reshape(2, 3, 28, 28)
    for precision in ("float64", "float32"):
        run = OneLayerTraining(
            theory.Convolutional(3, kernel_size=3), picture, None, MOMENTUM, 400, "xavier_uniform", 3, precision
        )
        _check_limit(run, others, ledger)


@T2_LOCAL
@given(case=windows(max_size=5), bias=st.booleans(), descent=steady, scheme=schemes, seed=seeds, data=st.data())
def test_each_pixel_of_a_locally_connected_network_has_its_own_limit(case, bias, descent, scheme, seed, data, ledger):
    channels = case.images.shape[1]
    network = theory.LocallyConnected(channels, kernel_size=case.kernel, bias=bias, **case.settings)
    targets = data.draw(images(network.target_shape(case.images)))
    run = OneLayerTraining(network, case.images, targets, descent, 200, scheme, seed % 1000)
    _check_local(data.draw(from_any_weights(run)), ledger)


@T2_LOCAL
def test_locally_connected_on_digits(ledger):
    network = theory.LocallyConnected(1, kernel_size=3)
    _check_local(OneLayerTraining(network, first_digits()[:3], None, MOMENTUM, 300, "kaiming_normal", 0), ledger)


def _check_limit(run: OneLayerTraining, x: np.ndarray, ledger) -> None:
    predicted = run.predicted()
    ledger.agree(run.distance(predicted), run.bound, what="weights", precision=run.precision)
    outputs = np.asarray(run.trained.predict(x))[0]
    ledger.agree(
        np.abs(outputs - predicted(x)), run.prediction_bound(x, run.bound), what="predictions", precision=run.precision
    )


@T2_LOCAL
def test_a_lone_mode_that_starts_opposite_to_its_limit_meets_the_bound_exactly(ledger):
    """Nothing is added to the bound for safety.

    What is left is e_t (θ₀ − θ_∞), and the bound |e_t| (|θ₀| + |θ_∞|): the same where the two have opposite signs, and
    so margins next to 1 are no cause for alarm.
    """
    network = theory.LocallyConnected(1, kernel_size=1)
    image, target = np.ones((1, 1, 1, 1)), np.full((1, 1, 1, 1), -0.75)
    run = OneLayerTraining(network, image, target, Descent(0.3, 0.0, (), 1.0), 20, "default", 0)
    run = replace(run, start={"weight": np.full_like(run.trained.initial_weights["weight"][0], 0.5)})
    _check_local(run, ledger)
    left, error = run.rounding.left[-1, 0], run.flat(run.trained.weights) - target[0, 0]
    assert abs(error.item() - left * 1.25) <= run.rounding.weights[-1]
    assert ledger.worst_margin > 0.999


def _check_local(run: OneLayerTraining, ledger) -> None:
    limit, now = run.predicted(), run.predicted(steps=run.steps)
    trained, initial = run.trained.weights, run.trained.initial_weights
    pixels = len(run.blocks)
    responses = np.moveaxis(run.responses.reshape(len(run.inputs), pixels, -1), 1, 0)
    for pixel, (block, targets) in enumerate(zip(run.blocks, responses, strict=True)):
        start, end = (_pixel(weights, run, pixel) for weights in (initial, trained))
        rounding = Rounding.of(block, targets, start, run.optimizer, steps=run.steps, blocks=pixels)
        slowest = np.abs(rounding.left[-1]).max(initial=0.0)
        bound = rounding.weights[-1] + slowest * rounding.distance
        error = np.linalg.norm(end - _pixel(limit, run, pixel))
        ledger.agree(error, bound, what="weights of a pixel in the limit", pixel=pixel)
        error = np.linalg.norm(end - _pixel(now, run, pixel))
        ledger.agree(error, rounding.weights[-1], what="weights of a pixel after these steps", pixel=pixel)


def _pixel(weights: dict | theory.TrainedNetwork, run: OneLayerTraining, pixel: int) -> np.ndarray:
    """One output pixel's parameters, (outputs, columns), the bias last."""
    if isinstance(weights, theory.TrainedNetwork):
        weight, bias = weights.weight, weights.bias
    elif run.network.bias:
        weight, bias = parameters(weights, True)
    else:
        weight, bias = parameters(weights, False), None
    outputs = run.network.outputs
    flat = weight.reshape(len(run.blocks), outputs, -1)[pixel]
    return flat if bias is None else np.hstack([flat, bias.reshape(-1, outputs, 1)[pixel]])


def corner(images: np.ndarray) -> np.ndarray:
    """What a 3×3 corner of an image holds, the rest black."""
    shifted = np.zeros_like(images)
    shifted[..., :3, :3] = images[..., 12:15, 12:15]
    return shifted


def ramp() -> np.ndarray:
    """A linear gradient on 28×28: as smooth as an image can be."""
    return np.add.outer(np.arange(28.0), np.arange(28))[None, None] / 54


def stripes(period: int) -> np.ndarray:
    """Vertical stripes on 28×28."""
    return np.broadcast_to((np.arange(28) // period) % 2, (1, 1, 28, 28)).astype(float)


SHORT_OF_RANK = {
    "content in a corner": ((), lambda: corner(first_digits()[2:3])),
    "equal colour channels": ((), lambda: np.repeat(first_digits()[2:3], 3, axis=1)),
    "stripes under circular padding": (("circular",), lambda: stripes(7)),
    "valid padding of a smooth image": (("valid",), ramp),
}  # fmt: skip


@T2_IDENTITY
def test_one_digit_teaches_the_identity(ledger):
    """Every class, three kernels: full rank, and the delta kernel is learned from any initial weights."""
    images = first_digits()
    for label in range(10):
        for kernel, steps in ((3, 300), (5, 600)):
            run = OneLayerTraining(
                theory.Convolutional(1, kernel_size=kernel), images[label : label + 1], None, MOMENTUM, steps,
                "kaiming_normal", label,
            )  # fmt: skip
            ledger.holds(run.predicted().deficiency == 0, label=label, kernel=kernel)
            delta = np.zeros((1, kernel**2))
            delta[0, kernel**2 // 2] = 1
            error = float(np.linalg.norm(run.flat(run.trained.weights) - delta))
            ledger.agree(error, run.bound, what="distance from the identity", label=label, kernel=kernel)


@T2_IDENTITY
@pytest.mark.parametrize("name", SHORT_OF_RANK)
def test_images_short_of_rank_err_by_exactly_the_predicted_amount(name, ledger):
    options, make = SHORT_OF_RANK[name]
    image = make()
    channels = image.shape[1]
    kernel = 5 if name != "equal colour channels" else 3
    mode = {"circular": {"padding_mode": "circular"}, "valid": {"padding": "valid"}}.get(
        options[0] if options else "", {}
    )
    network = theory.Convolutional(channels, kernel_size=kernel, **mode)
    targets = image[:, :, 2:-2, 2:-2] if "padding" in mode else image
    run = OneLayerTraining(network, image, targets, MOMENTUM, 1500, "kaiming_normal", 0)
    # Pictures whose channels differ, or grey would be all that is asked of a network that has seen grey only.
    x = first_digits()[: 2 * channels, 0].reshape(2, channels, 28, 28)
    _check_error(run, x, ledger, name)


@T2_IDENTITY
@given(
    height=st.integers(3, 7),
    width=st.integers(3, 7),
    channels=st.integers(1, 2),
    bias=st.booleans(),
    scheme=schemes,
    seed=seeds,
    data=st.data(),
)
def test_identity_iff_full_column_rank(height, width, channels, bias, scheme, seed, data, ledger):
    """Images of any rank, from generic initial weights and for a generic input: others may miss what is missing."""
    image = data.draw(images((1, channels, height, width)))
    network = theory.Convolutional(channels, kernel_size=3, bias=bias)
    run = OneLayerTraining(network, image, None, MOMENTUM, 800, scheme, seed % 1000)
    values = np.linalg.svd(run.design, compute_uv=False)
    rank = int(np.asarray(run.predicted().rank))
    # 800 steps then leave at most 1e-5 of the slowest mode, less than what short rank leaves.
    assume(not rank or values[0] < 50 * values[rank - 1])
    _check_error(run, random_images(seed + 1, (1, channels, height, width)), ledger, "drawn image")


def _check_error(run: OneLayerTraining, x: np.ndarray, ledger, name: str) -> None:
    predicted = run.predicted()
    columns = run.design.shape[1]
    delta = np.zeros((run.network.outputs, columns))
    taps = run.network.window.taps
    for channel in range(run.network.outputs):
        delta[channel, channel * taps + taps // 2] = 1
    # N from NumPy's pseudo-inverse, A(x) from loops
    cut = 2.0**-52 * sum(run.design.shape)
    missing = np.eye(columns) - np.linalg.pinv(run.design, rcond=cut) @ run.design
    initial = run.flat(run.trained.initial_weights)
    ledger.agree(
        np.linalg.norm(run.flat(run.trained.weights) - delta - (initial - delta) @ missing), run.bound, what="weights",
        image=name,
    )  # fmt: skip
    outputs = np.asarray(run.trained.predict(x))[0]
    identity = x if run.network.padding == "same" else x[:, :, 2:-2, 2:-2]
    errs = np.abs(outputs - identity)
    bound = run.prediction_bound(x, run.bound)
    ledger.agree(np.abs(outputs - predicted(x)), bound, what="error on other images", image=name)
    if predicted.deficiency == 0:
        ledger.agree(errs, bound, what="error on other images", image=name)
    else:
        ledger.holds(bool((errs > bound).any()), what="the identity is missed", image=name)
