"""Kernels against the recursion done pair by pair in 40 digits, and against networks that are only wide."""

import numpy as np
import pytest
import torch

from tests.theory.wide import naive
from tests.theory.wide.cases import SETTINGS, images, rounding, vectors
from theory import wide
from theory.wide.activations import ACTIVATIONS

MODES = ["zeros", "circular", "reflect", "replicate"]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize(("mode", "activation", "kernel"), [
    ("zeros", "relu", (3, 2)), ("zeros", "leaky_relu", (2, 3)), ("zeros", "erf", (1, 4)), ("zeros", "linear", (3, 3)),
    ("circular", "relu", (3, 2)), ("reflect", "leaky_relu", (3, 3)), ("replicate", "erf", (2, 2)),
])  # fmt: skip
def test_convolutional_kernels(mode, activation, kernel, settings):
    network = wide.Convolutional(4, kernel_size=kernel, padding_mode=mode, activation=activation, **SETTINGS[settings])
    x1, x2 = images(1, 1, 2, 3, 3), images(2, 1, 2, 2, 4)
    K, theta = naive.image_kernels(x1[0], x2[0], network.layers(2, 2), kernel, mode, activation)
    assert naive.relative_error(network.nngp(x1, x2), K) <= rounding(network)
    assert naive.relative_error(network.ntk(x1, x2), theta) <= rounding(network)


@pytest.mark.parametrize("kernel", [(7, 6), (6, 7)])
def test_kernels_larger_than_images(kernel):
    """Taps that are sums of several powers of 2, most of them in the padding."""
    network = wide.Convolutional(3, kernel, weight_variance=1.5, bias_variance=0.1)
    x1, x2 = images(1, 1, 1, 4, 3), images(2, 1, 1, 3, 5)
    K, theta = naive.image_kernels(x1[0], x2[0], network.layers(1, 1), kernel, "zeros", "relu")
    assert naive.relative_error(network.nngp(x1, x2), K) <= rounding(network)
    assert naive.relative_error(network.ntk(x1, x2), theta) <= rounding(network)


def test_flat_pictures_of_different_brightness_but_for_one_pixel():
    """Their patches are multiples of each other but for what comes from far, where D hides the angle the most.

    The bound is the digits promised of Θ for images; vectors have all of them, see below.
    """
    network = wide.Convolutional(5, kernel_size=3, padding_mode="replicate", weight_variance=2.0)
    x1, x2 = np.full((1, 1, 3, 9), 77 / 255), np.full((1, 1, 3, 9), 190 / 255)
    x2[..., 0, 0] = 191 / 255
    K, theta = naive.image_kernels(x1[0], x2[0], network.layers(1, 1), (3, 3), "replicate", "relu")
    assert naive.relative_error(network.nngp(x1, x2), K) <= rounding(network)
    assert naive.relative_error(network.ntk(x1, x2), theta) <= 1e-10


@pytest.mark.parametrize("mode", ["zeros", "reflect"])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "erf"])
def test_residual_convolutional_kernels(mode, activation):
    settings = {"activation": activation, "weight_variance": 1.3, "bias_variance": 0.1}
    network = wide.Convolutional(6, 2, padding_mode=mode, residual=True, **settings)
    x1, x2 = images(1, 1, 2, 2, 3), images(2, 1, 2, 2, 2)
    K, theta = naive.image_kernels(x1[0], x2[0], network.layers(2, 2), (2, 2), mode, activation, residual=True)
    assert naive.relative_error(network.nngp(x1, x2), K) <= rounding(network)
    assert naive.relative_error(network.ntk(x1, x2), theta) <= rounding(network)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("residual", [False, True])
def test_fully_connected_kernels(activation, settings, residual):
    network = wide.FullyConnected(7, activation=activation, residual=residual, **SETTINGS[settings])
    x1 = vectors(0, 2, 4)
    # a multiple, an opposite, a neighbour, any other, and black
    x2 = np.concatenate([3 * x1[:1], -x1[:1], x1[:1] + 1e-9 * vectors(1, 1, 4), vectors(2, 1, 4), np.zeros((1, 4))])
    layers = network.layers(4, 4)
    both = [[naive.vector_kernels(one, other, layers, activation, residual) for other in x2] for one in x1]
    both = np.array(both, dtype=object)
    assert naive.relative_error(network.nngp(x1, x2), both[..., 0]) <= rounding(network)
    assert naive.relative_error(network.ntk(x1, x2), both[..., 1]) <= rounding(network)


def test_skips_between_unlike_vectors():
    """All angles are large, and nothing but the skips keeps K from being carried."""
    x1, x2 = np.array([[1.0, 0.1, 0.3]]), np.array([[0.1, 1.5, 0.2]])
    network = wide.FullyConnected(8, weight_variance=1.3, residual=True)
    K, theta = naive.vector_kernels(x1[0], x2[0], network.layers(3, 3), "relu", residual=True)
    assert abs(network.nngp(x1, x2).item() / K - 1) <= rounding(network)
    assert abs(network.ntk(x1, x2).item() / theta - 1) <= rounding(network)


@pytest.mark.parametrize("mode", MODES)
def test_half_of_a_symmetric_kernel_gives_the_whole(mode):
    network = wide.Convolutional(3, kernel_size=(3, 4), padding_mode=mode, weight_variance=2.0, bias_variance=0.1)
    x = images(3, 3, 2, 4, 5)
    for kernel in (network.ntk, network.nngp):
        whole = kernel(x)
        assert whole.shape == (3, 3, 4, 5, 4, 5)
        assert np.array_equal(whole, whole.transpose(1, 0, 4, 5, 2, 3))
        assert np.max(np.abs(whole - kernel(x, x.copy()))) <= rounding(network) * np.max(np.abs(whole))


def test_a_fully_connected_network_is_a_convolutional_one_on_single_pixels():
    x1, x2 = vectors(4, 3, 5), vectors(5, 2, 5)
    settings = {"weight_variance": 1.7, "bias_variance": 0.2}
    dense, sliding = wide.FullyConnected(5, **settings), wide.Convolutional(5, kernel_size=1, **settings)
    pixels = sliding.ntk(x1[:, :, None, None], x2[:, :, None, None])
    assert np.max(np.abs(pixels[:, :, 0, 0, 0, 0] - dense.ntk(x1, x2))) <= rounding(sliding) * np.max(pixels)


def test_zeros_stay_zeros():
    """Where no path leads from one image's ink to the other's, kernels are 0 and not crumbs."""
    x = np.zeros((2, 1, 12, 12))
    x[0, :, :3, :3], x[1, :, -3:, -3:] = 1 / 3, 0.7
    for activation, settings in (("linear", {}), ("relu", {})):
        network = wide.Convolutional(3, kernel_size=3, activation=activation, weight_variance=2.0, **settings)
        theta = network.ntk(x)
        reach = np.zeros((2, 12, 12), dtype=bool)
        reach[0, :6, :6], reach[1, 6:, 6:] = True, True
        alive = reach[:, None, :, :, None, None] & reach[None, :, None, None, :, :]
        assert np.all(theta[~alive] == 0)
        # ink at distance (a, b) meets only pixels at the same offset
        if activation == "linear":
            assert np.count_nonzero(theta[0, 1]) < np.count_nonzero(alive[0, 1])


@pytest.mark.parametrize(("scheme", "growth"), [("default", 1 / 6), ("yann_normal", 1 / 2), ("kaiming_uniform", 1.0)])
def test_two_hundred_layers(scheme, growth):
    """Of known growth per layer, with neither overflow nor underflow."""
    network = wide.Convolutional(200, kernel_size=3, padding_mode="circular", scheme=scheme)
    x = images(6, 1, 1, 3, 3)
    variance = np.mean(x**2) * growth**199 * 2 * growth  # the mean over pixels; the last layer is linear
    found = np.mean(np.einsum("ijij->ij", network.nngp(x)[0, 0]))
    assert abs(found / variance - 1) <= rounding(network)
    theta = network.ntk(x)[0, 0].reshape(9, 9)
    values = np.linalg.eigvalsh(theta)
    assert values[0] >= -9 * rounding(network) * values[-1]
    assert np.all(np.isfinite(theta))
    assert values[-1] > 0


def test_what_leaves_the_range_of_its_dtype_is_refused():
    for variance in (1000.0, 0.001):
        with pytest.raises(OverflowError, match="float64's range"):
            wide.FullyConnected(200, weight_variance=variance).ntk(vectors(7, 2, 3))
    for variance, message in ((8.0, "are beyond the range of float32"), (0.5, "is below the range of float32")):
        network = wide.FullyConnected(100, weight_variance=variance)
        assert np.all(np.isfinite(network.ntk(vectors(7, 2, 3))))
        with pytest.raises(OverflowError, match=message):
            network.ntk(vectors(7, 2, 3).astype(np.float32))


@pytest.mark.parametrize("variance", [4.0, 0.25])
def test_two_hundred_layers_of_growing_or_shrinking_signals(variance):
    """ReLU is homogeneous: without biases kernels are those of a variance of 2, times a power."""
    x = images(6, 2, 1, 3, 4)
    kept, scaled = (wide.Convolutional(200, kernel_size=3, weight_variance=w) for w in (2.0, variance))
    # Θ has a factor of σ_w² a layer, its own layer's included
    for name in ("nngp", "ntk"):
        known, found = getattr(kept, name)(x), getattr(scaled, name)(x) / (variance / 2) ** 200
        assert np.max(np.abs(found - known)) <= 2 * rounding(kept) * np.max(np.abs(known))
    settled, found = wide.gradient_flow(kept, x[0]), wide.gradient_flow(scaled, x[0])
    assert settled.rank == found.rank
    assert np.allclose(settled.spectrum, found.spectrum / (variance / 2) ** 200, rtol=0, atol=2 * settled.noise)


def test_squares_beyond_float64_do_not_matter_to_a_bounded_activation():
    """The error function of large inputs is their sign: (2/π) times the angle's complement."""
    x = vectors(9, 2, 5)
    cosines = x @ x.T / np.sqrt(np.outer(np.diag(x @ x.T), np.diag(x @ x.T)))
    network = wide.FullyConnected(2, activation="erf", weight_variance=1.0)
    found = network.nngp(1e80 * x)
    assert abs(found[0, 1] - 2 / np.pi * np.arcsin(cosines[0, 1])) <= 16 * 2.0**-53
    assert np.max(np.abs(np.diag(found) - 1)) <= 16 * 2.0**-53


@pytest.mark.parametrize("settings", [{"weight_variance": 2.0}, SETTINGS["small weights and biases"]])
@pytest.mark.parametrize("factor", [1.0, 3.0, -0.2])
@pytest.mark.parametrize("step", [1e-3, 1e-5, 1e-7, 1e-9, 1e-12])
def test_near_multiples_of_a_vector_keep_their_digits(settings, factor, step):
    """Near correlation ±1, where κ̇ moves like the angle, whatever the lengths; one pair at a time."""
    network = wide.FullyConnected(3, **settings)
    x1 = vectors(0, 1, 6)
    x2 = factor * (x1 + step * vectors(1, 1, 6))
    K, theta = naive.vector_kernels(x1[0], x2[0], network.layers(6, 6), "relu")
    size = [naive.vector_kernels(x[0], x[0], network.layers(6, 6), "relu")[1] for x in (x1, x2)]
    scale = float(np.sqrt(float(size[0] * size[1])))
    assert abs(network.nngp(x1, x2).item() - K) <= rounding(network) * scale
    assert abs(network.ntk(x1, x2).item() - theta) <= rounding(network) * scale


def test_multiples_of_an_image_have_multiples_of_its_kernel():
    """Without biases ReLU networks are homogeneous; a pixel meets its own multiple at angle 0, one pair at a time."""
    network = wide.Convolutional(4, kernel_size=1, weight_variance=2.0)
    for pixel, factor in np.random.default_rng(10).random((50, 2)).tolist():
        x = np.full((1, 1, 1, 1), pixel)
        known = network.ntk(x).item()
        assert abs(network.ntk(x, factor * x).item() / (factor * known) - 1) <= 4 * rounding(network)


def test_many_vectors_are_treated_a_block_at_a_time(monkeypatch):
    x1, x2 = vectors(11, 7, 4), vectors(12, 5, 4)
    network = wide.FullyConnected(4, weight_variance=1.5, bias_variance=0.1)
    whole = network.ntk(x1, x2)
    monkeypatch.setattr("theory.wide.fully_connected.BLOCK", 2 * x2.size)
    assert np.max(np.abs(network.ntk(x1, x2) - whole)) <= rounding(network) * np.max(np.abs(whole))
    images1, images2 = images(11, 3, 1, 3, 4), images(12, 2, 1, 3, 4)
    network = wide.Convolutional(4, kernel_size=3, weight_variance=1.5, bias_variance=0.1)
    whole = network.ntk(images1, images2)
    monkeypatch.setattr("theory.wide.convolutional.BLOCK", 1)
    assert np.max(np.abs(network.ntk(images1, images2) - whole)) <= rounding(network) * np.max(np.abs(whole))


@pytest.mark.parametrize("case", ["fully connected", "convolutional"])
def test_variances_are_the_diagonal(case):
    settings = {"weight_variance": 1.5, "bias_variance": 0.1, "residual": True}
    if case == "convolutional":
        network, x = wide.Convolutional(5, kernel_size=3, **settings), images(13, 2, 2, 3, 4)
        diagonal = np.einsum("nnijij->nij", network.nngp(x))
    else:
        network, x = wide.FullyConnected(5, **settings), vectors(13, 3, 4)
        diagonal = np.diag(network.nngp(x))
    found = network.variances(x, network.layers(x.shape[1], x.shape[1]))
    assert np.max(np.abs(found - diagonal)) <= rounding(network) * np.max(diagonal)


def test_angles_from_covariances_are_those_from_differences(monkeypatch):
    """Without biases, once all angles are large, K is carried in place of D: the same kernel."""
    network = wide.Convolutional(12, kernel_size=3, weight_variance=2.0)
    x = np.abs(images(9, 2, 1, 9, 9))
    quick = network.ntk(x)
    monkeypatch.setattr("theory.wide.activations.APART", np.inf)
    careful = network.ntk(x)
    assert not np.array_equal(quick, careful)
    assert np.max(np.abs(quick - careful)) <= 4 * rounding(network) * np.max(careful)  # up to 3ε in κ̇, see Rectifier


def test_inputs_give_their_kind_and_dtype():
    x = images(8, 2, 1, 3, 3)
    network = wide.Convolutional(3, kernel_size=3, weight_variance=2.0)
    reference = network.ntk(x)
    single = network.ntk(torch.from_numpy(x).float())
    assert isinstance(single, torch.Tensor)
    assert single.dtype == torch.float32
    assert network.ntk(x[0]).shape == (1, 1, 3, 3, 3, 3)
    assert np.array_equal(network.ntk(torch.from_numpy(x)).numpy(), reference)
    assert network.ntk((255 * x).astype(np.int64)).dtype == np.float64


def test_schemes_are_those_of_one_layer():
    """The variances by name are the ones that `theory.schemes` gives for a layer of these sizes."""
    import theory
    from theory.schemes import scheme_of

    for scheme in ("default", "yann_uniform", "xavier_normal", "kaiming_normal", "orthogonal"):
        bias = scheme == "default"
        network = wide.Convolutional(3, kernel_size=(3, 5), scheme=scheme, width=40, bias=bias)
        for layer, (before, after) in zip(network.layers(2, 4), ((2, 40), (40, 40), (40, 4)), strict=True):
            one = theory.Convolutional(before, after, kernel_size=(3, 5), bias=bias)
            known = scheme_of(scheme, one)
            assert layer.weight_variance == pytest.approx(known.weight_variance * before * 15, rel=4 * 2.0**-53)
            assert layer.bias_variance == pytest.approx(known.bias_variance, rel=4 * 2.0**-53)


@pytest.mark.parametrize("settings", [{"bias": True}, {"bias_variance": 0.5}, {}])
def test_standard_parameterization_counts_every_parameter(settings):
    """Θ of a network whose gradients are taken by torch, averaged over draws; its hidden layer is as narrow as it is.

    With one hidden layer E Σ ∂f ∂f' is the limit at any width: units are independent and alike.
    """
    width, draws = 4, 4000
    network = wide.FullyConnected(2, weight_variance=1.5, parameterization="standard", width=width, **settings)
    x = vectors(14, 2, 3)
    bias, spread = bool(settings), np.sqrt(settings.get("bias_variance", 0.0))
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(draws, *shape, generator=generator, dtype=torch.float64)

    first, last = normal(width, 3) * np.sqrt(1.5 / 3), normal(width) * np.sqrt(1.5 / width)
    begin = spread * normal(width, 1)
    inputs = torch.from_numpy(x)
    h = first @ inputs.T + begin  # (draws, width, 2)
    active = (h > 0).double()
    outer = torch.einsum("dwi,dwj->dij", h * active, h * active) + bias
    back = torch.einsum("dw,dwi,dwj->dij", last**2, active, active)
    found = (outer + back * (inputs @ inputs.T + bias)).numpy()
    # 7 standard errors: below 1e-11 for a mean of 4000
    error = found.std(axis=0, ddof=1) / np.sqrt(draws)
    assert np.all(np.abs(found.mean(axis=0) - network.ntk(x)) <= 7 * error)


@pytest.mark.parametrize("activation", ["relu", "erf"])
def test_one_by_one_kernels_on_single_pixels_are_fully_connected_however_near_to_parallel(activation):
    """Inputs 1e-7 from parallel: where the angle hides in the difference of two variances."""
    x1 = vectors(1, 1, 4)
    x2 = 1.3 * x1 + 1e-7 * vectors(2, 1, 4)
    settings = {"activation": activation, "weight_variance": 2.0, "bias_variance": 0.1}
    full, pixel = wide.FullyConnected(2, **settings), wide.Convolutional(2, kernel_size=1, **settings)
    images1, images2 = x1.reshape(1, 4, 1, 1), x2.reshape(1, 4, 1, 1)
    for name in ("nngp", "ntk"):
        expected, found = getattr(full, name)(x1, x2), getattr(pixel, name)(images1, images2)
        # An angle of 1e-7 is known to 1e-9 of itself from numbers that are rounded at 1e-16.
        assert abs(found.item() / expected.item() - 1) <= 1e-9
