"""Deep networks against the fixed points that they are said to have."""

import math

import numpy as np
import pytest

from tests.theory.wide.cases import images, rounding, vectors
from theory import wide
from theory.wide.activations import ACTIVATIONS


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "erf"])
def test_ordered_networks_tend_to_a_constant(activation):
    settings = {"activation": activation, "weight_variance": 0.4, "bias_variance": 0.2}
    point = wide.fixed_point(**settings)
    assert point.regime == "ordered"
    deep = wide.FullyConnected(150, **settings)
    x = vectors(0, 3, 5)
    # what is left after L layers: χ^L of the differences; kinks feel their square root
    left = 10 * math.sqrt(point.contraction) ** 149 + rounding(deep)
    assert np.max(np.abs(deep.nngp(x) / point.variance - 1)) <= left
    assert np.max(np.abs(deep.ntk(x) / point.tangent - 1)) <= left


def test_convolutional_networks_forget_all_but_position():
    """With zeros around images, deep kernels are those of black images."""
    network = wide.Convolutional(60, kernel_size=3, weight_variance=1 / 3, bias_variance=0.01)
    x = images(1, 2, 1, 5, 4)
    for kernel in (network.nngp, network.ntk):
        deep, black = kernel(x), kernel(0 * x[:1])
        left = 100 * math.sqrt(1 / 6) ** 59 + rounding(network)
        assert np.max(np.abs(deep - black)) <= left * np.max(black)


def test_differences_shrink_at_the_fixed_points_rate():
    point = wide.fixed_point(activation="erf", weight_variance=0.6, bias_variance=0.1)
    x = vectors(2, 1, 4)
    x = np.concatenate([x, x + 1e-4 * vectors(3, 1, 4)])
    differences = []
    for depth in (30, 31):
        K = wide.FullyConnected(depth, activation="erf", weight_variance=0.6, bias_variance=0.1).nngp(x)
        differences.append(K[0, 0] + K[1, 1] - 2 * K[0, 1])
        # Variances come to the fixed point at least as fast as differences do, whose rate is below 0.6 here: 0.6³⁰ is
        # 2e-7, times how far inputs are from it at first, a few times the variance.
        assert point.contraction < 0.6
        assert K[0, 0] == pytest.approx(point.variance, rel=1e-6)
    # the differences of K are known to its rounding
    known = 8 * 2.0**-53 * point.variance / differences[1]
    assert differences[1] / differences[0] == pytest.approx(point.contraction, rel=2 * known + 1e-6)


def test_regimes():
    regime = {
        (activation, w, b): wide.fixed_point(activation=activation, weight_variance=w, bias_variance=b).regime
        for activation in ACTIVATIONS
        for w in (0.5, 2.0, 5.0)
        for b in (0.0, 0.1)
    }
    assert regime["relu", 0.5, 0.0] == regime["linear", 0.5, 0.0] == "vanishing"
    assert regime["relu", 0.5, 0.1] == regime["erf", 0.5, 0.1] == regime["linear", 0.5, 0.1] == "ordered"
    assert regime["relu", 2.0, 0.0] == regime["relu", 2.0, 0.1] == "critical"
    assert regime["relu", 5.0, 0.1] == regime["linear", 2.0, 0.0] == "exploding"
    assert regime["erf", 5.0, 0.0] == "chaotic"
    assert wide.fixed_point(weight_variance=1.0, bias_variance=0.3).variance == 0.6
    assert wide.fixed_point(weight_variance=2.0, bias_variance=0.1).variance == math.inf
    assert math.isnan(wide.fixed_point(weight_variance=2.0).variance)
    chaotic = wide.fixed_point(activation="erf", weight_variance=5.0).variance
    assert chaotic > 1
    assert 5 * ACTIVATIONS["erf"].second_moment(np.array([chaotic]))[0] == pytest.approx(
        chaotic, rel=1e-14
    )  # brentq's 16 u, and a few roundings


def test_where_kernels_vanish_or_grow():
    x = vectors(4, 1, 5)
    vanishing, critical, exploding = (wide.fixed_point(weight_variance=w).tangent for w in (1.0, 2.0, 3.0))
    assert vanishing == 0
    assert wide.FullyConnected(150, weight_variance=1.0).ntk(x).item() < 1e-40
    assert critical == exploding == math.inf
    # at the critical point Θ(x, x) is L K: each layer adds the same
    for depth in (10, 20):
        network = wide.FullyConnected(depth, weight_variance=2.0)
        assert network.ntk(x).item() == pytest.approx(2 * np.mean(x**2) * depth, rel=rounding(network))


def test_bad_input_gets_a_sentence():
    with pytest.raises(ValueError, match="weight_variance must be positive"):
        wide.fixed_point(weight_variance=0.0)
    with pytest.raises(ValueError, match="activation must be one of"):
        wide.fixed_point(activation="gelu", weight_variance=1.0)
