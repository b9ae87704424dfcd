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


def test_what_leaves_float64_is_refused():
    for variance in (1000.0, 0.001):
        with pytest.raises(OverflowError, match="float64's range"):
            wide.FullyConnected(200, weight_variance=variance).ntk(vectors(7, 2, 3))


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
        network = wide.Convolutional(3, kernel_size=(3, 5), scheme=scheme, width=7, bias=bias)
        for layer, (before, after) in zip(network.layers(2, 4), ((2, 7), (7, 7), (7, 4)), strict=True):
            one = theory.Convolutional(before, after, kernel_size=(3, 5), bias=bias)
            known = scheme_of(scheme, one, before * 15)
            assert layer.weight_variance == pytest.approx(known.weight_variance * before * 15, rel=4 * 2.0**-53)
            assert layer.bias_variance == pytest.approx(known.bias_variance, rel=4 * 2.0**-53)
