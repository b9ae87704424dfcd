"""Trained one-layer networks as theory predicts them, against descent written out step by step."""

import math

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import theory
from numerics import patches
from tests import reference
from tests.bounds import Rounding
from tests.cases import descents, random_images, seeds, windows
from tests.theory.one_layer import convolutional, drawn_weights_and_targets, naive_design, optimizer_for
from theory import sliding_window

EPS = np.finfo(float).eps


def flat(network, trained) -> np.ndarray:
    """Weights, and biases after them, as (times, outputs, columns)."""
    weight = trained.weight.reshape(trained.weight.shape[0], network.outputs, -1)
    return weight if trained.bias is None else np.concatenate([weight, trained.bias[..., None]], axis=-1)


@given(windows(), descents(steps=40), st.booleans(), st.integers(1, 3), seeds)
def test_convolution_at_every_step_is_descent_written_out(case, descent, bias, outputs, seed):
    network = convolutional(case, bias=bias, outputs=outputs)
    targets, initial, start = drawn_weights_and_targets(network, case.images, seed)
    design = naive_design(case, bias=bias)
    optimizer = optimizer_for(descent, design, targets.size)
    rows = np.moveaxis(targets, 1, -1).reshape(-1, outputs)
    expected = reference.gradient_descent(
        design, rows, start, optimizer.lr, descent.momentum, descent.milestones, descent.gamma, steps=40
    )
    trained = theory.gradient_descent(
        network, case.images, targets, initial=initial, steps=range(41), optimizer=optimizer
    )
    bound = Rounding.of(design, rows, start, optimizer, steps=40).weights
    assert (np.linalg.norm(flat(network, trained) - expected, axis=(1, 2)) <= bound).all()


@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), descents(steps=40), st.booleans(), seeds)
def test_fully_connected_at_every_step_is_descent_written_out(features, examples, outputs, descent, bias, seed):
    rng = np.random.default_rng(seed)
    inputs, targets = rng.standard_normal((examples, features)), rng.standard_normal((examples, outputs))
    start = rng.standard_normal((outputs, features + bias))
    network = theory.FullyConnected(features, outputs, bias=bias)
    design = np.hstack([inputs, np.ones((examples, 1))]) if bias else inputs
    optimizer = optimizer_for(descent, design, targets.size)
    expected = reference.gradient_descent(
        design, targets, start, optimizer.lr, descent.momentum, descent.milestones, descent.gamma, steps=40
    )
    initial = (start[:, :-1], start[:, -1]) if bias else start
    trained = theory.gradient_descent(network, inputs, targets, initial=initial, steps=range(41), optimizer=optimizer)
    bound = Rounding.of(design, targets, start, optimizer, steps=40).weights
    assert (np.linalg.norm(flat(network, trained) - expected, axis=(1, 2)) <= bound).all()


@given(windows(max_size=5), descents(steps=20), st.booleans(), seeds)
def test_locally_connected_is_one_descent_for_each_pixel(case, descent, bias, seed):
    channels = case.images.shape[1]
    network = theory.LocallyConnected(channels, 2, kernel_size=case.kernel, bias=bias, **case.settings)
    rng = np.random.default_rng(seed)
    targets = rng.standard_normal(network.target_shape(case.images))
    weight = rng.standard_normal(network.weight_shape(case.images))
    biases = rng.standard_normal(network.bias_shape(case.images))
    design = naive_design(case, bias=bias)
    optimizer = optimizer_for(descent, design, targets.size)
    trained = theory.gradient_descent(
        network, case.images, targets, initial=(weight, biases) if bias else weight, steps=20, optimizer=optimizer
    )
    n, high, wide = len(case.images), *targets.shape[2:]
    by_pixel = design.reshape(n, high, wide, -1)
    for i in range(high):
        for j in range(wide):
            start = weight[i, j].reshape(2, -1)
            start = np.hstack([start, biases[i, j][:, None]]) if bias else start
            # A pixel's loss is averaged over the entries of all pixels: its rate is smaller by their number.
            lr = optimizer.lr / (high * wide)
            slow = theory.GradientDescent(
                lr, momentum=descent.momentum, milestones=descent.milestones, gamma=descent.gamma
            )
            rows = (by_pixel[:, i, j], targets[:, :, i, j])
            expected = reference.gradient_descent(
                *rows, start, lr, descent.momentum, descent.milestones, descent.gamma, steps=20
            )[-1]
            found = trained.weight[i, j].reshape(2, -1)
            found = np.hstack([found, trained.bias[i, j][:, None]]) if bias else found
            assert np.linalg.norm(found - expected) <= Rounding.of(*rows, start, slow, steps=20).weights[-1]


@given(windows(), st.booleans(), seeds)
def test_limit_is_the_projection_formula(case, bias, seed):
    """Θ_∞ = Θ₀ (I − D⁺D) + (D⁺T)ᵀ, with NumPy's pseudo-inverse."""
    network = convolutional(case, bias=bias, outputs=2)
    rng = np.random.default_rng(seed)
    targets = rng.standard_normal(network.target_shape(case.images))
    start = rng.standard_normal((2, case.images.shape[1] * math.prod(case.kernel) + bias))
    weight = start[:, : start.shape[1] - bias].reshape(network.weight_shape(case.images))
    trained = theory.gradient_descent(network, case.images, targets, initial=(weight, start[:, -1]) if bias else weight)
    design = naive_design(case, bias=bias)
    rows = np.moveaxis(targets, 1, -1).reshape(-1, 2)
    values = np.linalg.svd(design, compute_uv=False)
    inverse = np.linalg.pinv(design, rcond=EPS * sum(design.shape))
    expected = start @ (np.eye(len(start[0])) - inverse @ design) + (inverse @ rows).T
    assert trained.rank == np.linalg.matrix_rank(design, tol=EPS * sum(design.shape) * values[0])
    largest = values[0] or 1.0  # black images: nothing is learned, and nothing is divided by
    assert trained.deficiency == len(start[0]) - trained.rank
    condition = values[0] / values[trained.rank - 1] if trained.rank else 1.0
    # A pseudo-inverse applied to targets off its range: error κ² ε, twice computed.
    bound = 4 * EPS * sum(design.shape) * condition**2 * (np.linalg.norm(start) + np.linalg.norm(inverse @ rows))
    found = trained.weight.reshape(2, -1)
    found = np.hstack([found, trained.bias[:, None]]) if bias else found
    assert np.linalg.norm(found - expected) <= bound + 4 * EPS * condition**2 * np.linalg.norm(rows) / largest


@given(windows(max_channels=3), st.booleans(), seeds)
def test_identity_task_targets_what_the_central_tap_sees(case, bias, seed):
    network = convolutional(case, bias=bias)
    try:
        trained = theory.gradient_descent(network, case.images)
    except ValueError:
        even = any(k % 2 == 0 and d > 1 for k, d in zip(case.kernel, case.settings["dilation"], strict=True))
        assert case.settings["stride"] != (1, 1) or (case.settings["padding"] == "same" and even)
        return
    channels = case.images.shape[1]
    delta = np.zeros((channels, channels, *case.kernel))
    delta[range(channels), range(channels), (case.kernel[0] - 1) // 2, (case.kernel[1] - 1) // 2] = 1
    options = {key: case.settings[key] for key in ("stride", "padding", "dilation")}
    rows = reference.patch_matrix(case.images, case.kernel, mode=case.settings["padding_mode"], **options)
    targets = (rows @ delta.reshape(channels, -1).T).reshape(len(case.images), -1, channels)
    targets = np.moveaxis(targets, -1, 1).reshape(network.target_shape(case.images))
    if case.settings["padding"] == "same":
        np.testing.assert_array_equal(targets, case.images)
    explicit = theory.gradient_descent(network, case.images, targets)
    values = np.asarray(explicit.spectrum)
    kept = values[: explicit.rank]
    condition = kept[0] / kept[-1] if len(kept) else 1.0
    # Found by a decomposition, or by solving: either is off by κ ε times the solution, of size √channels, and (off the
    # range, where rounding leaves its residuals) by κ² ε times what those are of it, ε.
    bound = 4 * EPS * (np.sqrt(len(rows)) + rows.shape[1]) * condition * np.sqrt(channels)
    assert np.linalg.norm(trained.weight - explicit.weight) <= bound
    if trained.method != "decomposition":
        np.testing.assert_array_equal(trained.weight, delta)


def test_predictions_keep_batching_and_take_other_image_sizes():
    network = theory.Convolutional(3, kernel_size=3, padding="valid")
    trained = theory.gradient_descent(network, random_images(0, (3, 9, 9)))
    many = random_images(1, (4, 3, 12, 7))
    assert trained(many).shape == (4, 3, 10, 5)
    assert trained(many[0]).shape == (3, 10, 5)
    # The same 27 products, summed in an order that the batch's size decides.
    assert np.abs(trained(many)[2] - trained(many[2])).max() <= 2 * 27 * EPS * np.abs(trained.weight).sum()
    # Full rank: the centre crop of anything is reproduced, to the rounding of the weights.
    assert trained.deficiency == 0
    values = trained.spectrum
    crop = many[:, :, 1:-1, 1:-1]
    assert np.abs(trained(many) - crop).max() <= EPS * sum(trained.weight.shape) * 81 * values[0] / values[-1]


def test_fully_connected_predictions_keep_batching():
    trained = theory.gradient_descent(theory.FullyConnected(4, bias=True), random_images(0, (2, 4)))
    x = random_images(1, (5, 4))
    assert trained(x).shape == (5, 4)
    assert trained(x[0]).shape == (4,)
    assert np.abs(trained(x)[0] - trained(x[0])).max() <= 2 * 5 * EPS * np.abs(trained.weight).sum()


@pytest.mark.parametrize(
    "network",
    [
        theory.FullyConnected(5, 3, bias=True),
        theory.Convolutional(2, 3, kernel_size=2, bias=True),
        theory.LocallyConnected(2, 3, kernel_size=2, bias=True),
    ],
)
def test_one_example_is_a_batch_of_one(network):
    inputs = random_images(0, (1, 5) if isinstance(network, theory.FullyConnected) else (1, 2, 4, 5))
    targets = random_images(1, network.target_shape(inputs))
    for options in ({}, {"steps": 3, "optimizer": theory.GradientDescent(0.1)}):
        alone = theory.gradient_descent(network, inputs[0], targets[0], **options)
        batch = theory.gradient_descent(network, inputs, targets, **options)
        np.testing.assert_array_equal(alone.weight, batch.weight)
        np.testing.assert_array_equal(alone.bias, batch.bias)
        np.testing.assert_array_equal(alone(inputs[0]), batch(inputs)[0])


@pytest.mark.parametrize("bias", [False, True])
def test_rank_and_spectrum_of_a_locally_connected_network_are_given_pixel_by_pixel(bias):
    images = random_images(0, (2, 1, 3, 5))
    images[:, :, 0, :2] = 0  # the upper left windows see little, or nothing
    trained = theory.gradient_descent(theory.LocallyConnected(1, kernel_size=2, padding="valid", bias=bias), images)
    assert (trained.rank.shape, trained.spectrum.shape) == ((2, 4), (2, 4, 2))
    for i, j in np.ndindex(2, 4):
        seen = images[:, 0, i : i + 2, j : j + 2].reshape(2, 4)
        seen = np.hstack([seen, np.ones((2, 1))]) if bias else seen
        values = np.linalg.svd(seen, compute_uv=False)
        assert np.abs(trained.spectrum[i, j] - values).max() <= 2 * EPS * sum(seen.shape) * values[0]
        assert trained.rank[i, j] == np.linalg.matrix_rank(seen)
        assert trained.deficiency[i, j] == seen.shape[1] - trained.rank[i, j]


def test_locally_connected_predictions_keep_batching():
    network = theory.LocallyConnected(2, kernel_size=3, padding="valid", bias=True)
    trained = theory.gradient_descent(network, random_images(0, (2, 4, 5)))
    many = random_images(1, (3, 2, 4, 5))
    assert trained(many).shape == (3, 2, 2, 3)
    assert trained(many[0]).shape == (2, 2, 3)
    assert np.abs(trained(many)[0] - trained(many[0])).max() <= 2 * 19 * EPS * np.abs(trained.weight).sum()


@pytest.mark.parametrize(
    "network",
    [
        theory.FullyConnected(6),
        theory.FullyConnected(6, 2, bias=True),
        theory.Convolutional(1, kernel_size=3),
        theory.LocallyConnected(1, 2, kernel_size=2, bias=True),
    ],
)
def test_a_trajectory_is_its_steps_one_by_one(network):
    inputs = random_images(0, (2, 6) if isinstance(network, theory.FullyConnected) else (2, 1, 4, 5))
    targets = random_images(1, network.target_shape(inputs))
    optimizer = theory.GradientDescent(0.1, momentum=0.5, milestones=(3,))
    steps = [0, 7, 2]
    whole = theory.gradient_descent(network, inputs, targets, steps=steps, optimizer=optimizer)
    assert whole.steps == (0, 7, 2)
    for index, t in enumerate(steps):
        single = theory.gradient_descent(network, inputs, targets, steps=t, optimizer=optimizer)
        # Products V c with orthonormal columns, summed in another order: each is off by q roundings of ‖c‖ = ‖V c‖.
        size = math.prod(single.weight.shape)
        assert np.abs(whole.weight[index] - single.weight).max() <= size * EPS * np.linalg.norm(single.weight)
        # Several steps' kernels make wider matrices, whose products may be summed in another order.
        size = float(np.abs(single.weight).max() * np.abs(inputs).max() + (network.bias and np.abs(single.bias).max()))
        assert np.abs(whole(inputs)[index] - single(inputs)).max() <= 2 * 8 * EPS * 7 * size
        assert single.steps == t
        assert (whole.bias is None) == (not network.bias)


@pytest.mark.parametrize("kind", [torch.from_numpy, array_api_strict.asarray])
def test_array_kinds_agree_and_come_back(kind):
    images, start = random_images(0, (2, 1, 6, 6)), random_images(1, (1, 1, 3, 3))
    network = theory.Convolutional(1, kernel_size=3)
    expected = theory.gradient_descent(network, images, initial=start)
    trained = theory.gradient_descent(network, kind(images), initial=kind(start))
    assert type(trained.weight) is type(kind(start))
    condition = expected.spectrum[0] / expected.spectrum[-1]
    assert np.abs(np.asarray(trained.weight) - expected.weight).max() <= EPS * 45 * condition
    assert type(trained(kind(images))) is type(kind(images))


def test_integers_count_as_float64_and_float32_is_rounded_once():
    whole = np.random.default_rng(0).integers(0, 256, (1, 1, 6, 6), dtype=np.uint8)
    network = theory.Convolutional(1, kernel_size=3)
    exact = theory.gradient_descent(network, whole)
    assert exact.weight.dtype == np.float64
    assert exact(whole).dtype == np.float64
    single = theory.gradient_descent(network, whole.astype(np.float32))
    assert single.weight.dtype == np.float32
    np.testing.assert_array_equal(single.weight, exact.weight.astype(np.float32))
    np.testing.assert_array_equal(single(whole), exact(whole).astype(np.float32))


def test_zero_image_teaches_nothing_and_is_no_error():
    network = theory.Convolutional(1, kernel_size=3)
    start = random_images(0, (1, 1, 3, 3))
    for steps, optimizer in ((math.inf, None), (10, theory.GradientDescent(1.0, momentum=0.9))):
        trained = theory.gradient_descent(network, np.zeros((1, 5, 5)), initial=start, steps=steps, optimizer=optimizer)
        assert (trained.rank, trained.deficiency) == (0, 9)
        np.testing.assert_array_equal(trained.weight, start)
    assert theory.max_stable_lr(network, np.zeros((1, 5, 5))) == math.inf


def test_one_pixel_image_works():
    trained = theory.gradient_descent(theory.Convolutional(1, kernel_size=3), np.array([[[0.5]]]))
    assert (trained.rank, trained.deficiency) == (1, 8)
    assert abs(trained.weight[0, 0, 1, 1] - 1) <= 4 * EPS


def test_a_slow_mode_is_not_lost_to_rounding():
    """Singular values 1 and 1e-11: after few steps the slow one has learned ηλt σ⁻¹, which 1 − e_t would not know."""
    inputs = np.diag([1.0, 1e-11])
    targets = np.array([[1.0], [1.0]])
    trained = theory.gradient_descent(
        theory.FullyConnected(2, 1), inputs, targets, steps=3, optimizer=theory.GradientDescent(0.1)
    )
    # w₂ after t steps of rate λ = 2σ²/2: (1 − (1 − 0.1 σ²)ᵗ)/σ, here 3 · 0.1 · σ to first order in σ² = 1e-22
    assert abs(trained.weight[0, 1] / 3e-12 - 1) <= 20 * EPS


def test_an_undecided_rank_is_refused_in_the_limit_only():
    inputs = np.diag([1.0, 1.2e-15, 0.9e-15])
    with pytest.raises(ValueError, match="rank cannot be decided"):
        theory.gradient_descent(theory.FullyConnected(3), inputs)
    theory.gradient_descent(theory.FullyConnected(3), inputs, steps=5, optimizer=theory.GradientDescent(0.1))


@pytest.mark.parametrize("steps", [np.int64(3), np.array(3), torch.tensor(3)])
def test_one_number_of_steps_may_be_any_integer(steps):
    optimizer = theory.GradientDescent(0.1)
    network, inputs = theory.FullyConnected(3), random_images(0, (2, 3))
    trained = theory.gradient_descent(network, inputs, steps=steps, optimizer=optimizer)
    assert trained.steps == 3
    np.testing.assert_array_equal(
        trained.weight, theory.gradient_descent(network, inputs, steps=3, optimizer=optimizer).weight
    )


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e-30, 1e30, 1e150, 1e300])
def test_the_scale_of_the_pixels_does_not_matter(scale):
    """The identity is learned from an image however dark; its largest stable rate scales with the inverse square."""
    network, image = theory.Convolutional(1, kernel_size=3), random_images(0, (1, 6, 6))
    trained, scaled = (theory.gradient_descent(network, factor * image) for factor in (1, scale))
    condition = trained.spectrum[0] / trained.spectrum[-1]
    assert np.abs(trained.weight - scaled.weight).max() <= 2 * 45 * EPS * condition
    if 1e-100 < scale < 1e100:
        ratio = theory.max_stable_lr(network, scale * image) * scale * scale / theory.max_stable_lr(network, image)
        assert abs(ratio - 1) <= 45 * EPS


@pytest.mark.parametrize("exponent", [-1040, -500, 500, 1000])
@pytest.mark.parametrize("bias", [False, True])
def test_images_of_any_scale_that_float64_holds_have_their_limit(exponent, bias):
    """Squares of such numbers vanish or overflow; full rank teaches the identity all the same, short rank not."""
    network = theory.Convolutional(1, kernel_size=3, bias=bias)
    start = random_images(1, (1, 1, 3, 3))
    initial = (start, np.ones(1)) if bias else start
    full, grey = random_images(0, (1, 8, 8)), np.ones((1, 8, 8))
    trained = theory.gradient_descent(network, full * 2.0**exponent, initial=initial)
    assert trained.deficiency == 0
    np.testing.assert_array_equal(trained.weight, theory.gradient_descent(network, full).weight)
    # A grey image under circular padding has rank 1: all of the rest of the initial weights stays.
    constant = theory.Convolutional(1, kernel_size=3, padding_mode="circular")
    trained = theory.gradient_descent(constant, grey * 2.0**exponent, initial=start)
    assert trained.rank == 1
    assert np.abs(trained.weight - (start - start.mean() + 1 / 9)).max() <= 1e3 * EPS  # sums of nine products


def test_results_beyond_a_dtype_are_refused_in_a_sentence():
    network, image = theory.Convolutional(1, kernel_size=3), random_images(0, (1, 8, 8)).astype(np.float16)
    bright = np.full((1, 8, 8), 6e4, np.float16)
    with pytest.raises(OverflowError, match="the trained weights are beyond the range of float16"):
        theory.gradient_descent(network, image * np.float16(1e-3), bright)
    slow = theory.GradientDescent(0.1)
    trained = theory.gradient_descent(
        network, image, initial=np.ones((1, 1, 3, 3), np.float16), steps=0, optimizer=slow
    )
    with pytest.raises(OverflowError, match="predictions are beyond the range of float16"):
        trained(bright)
    tiny = random_images(0, (1, 8, 8)) * 2.0**-1040
    with pytest.raises(OverflowError, match="the trained weights are beyond the range of float64"):
        theory.gradient_descent(network, tiny, random_images(1, (1, 8, 8)) * 1e10)


def test_a_design_in_blocks_is_decomposed_as_the_whole(monkeypatch):
    """Of short rank, so that no proof makes the decomposition unnecessary."""
    network = theory.Convolutional(3, 2, kernel_size=3, bias=True)
    images = np.repeat(random_images(0, (2, 1, 9, 8)), 3, axis=1)
    targets, start = random_images(1, (2, 2, 9, 8)), random_images(2, (2, 3, 3, 3))
    options = {"initial": (start, np.ones(2)), "optimizer": theory.GradientDescent(0.01, momentum=0.9), "steps": 50}
    whole = theory.gradient_descent(network, images, targets, **options)
    limit = theory.gradient_descent(network, images, targets, initial=(start, np.ones(2)))
    monkeypatch.setattr(sliding_window, "LARGE", 1)
    monkeypatch.setattr(patches, "BLOCK_ENTRIES", 100)
    for expected, found in (
        (whole, theory.gradient_descent(network, images, targets, **options)),
        (limit, theory.gradient_descent(network, images, targets, initial=(start, np.ones(2)))),
    ):
        assert (found.rank, found.method) == (expected.rank, expected.method) == (10, "decomposition")
        condition = float(expected.spectrum[0] / expected.spectrum[9])
        bound = 4 * EPS * (144**0.5 + 28) * condition**2 * (np.linalg.norm(start) + np.linalg.norm(targets))
        assert np.abs(found.weight - expected.weight).max() <= bound
        assert np.abs(found.bias - expected.bias).max() <= bound
