"""Infinitely wide networks: the derivations, and the numeric functions that use their results."""

import mpmath as mp
import numpy as np
import pytest

from theory import wide
from theory.derivations import derive
from theory.derivations.arc_cosine import D, f, g, half, j
from theory.derivations.wide_limit import Theta_before, beta, kappa, kappa_dot, omega, sigma, sigma_b
from theory.wide.activations import ACTIVATIONS, UNIT_ROUNDOFF


@pytest.fixture(scope="module", params=["arc-cosine", "wide-limit"])
def derivation(request):
    return derive(request.param)


@pytest.mark.parametrize("angle", [0.0, 1e-6, 0.7, 1.5, 2.9])
def test_numeric_activation_is_the_derived_one(angle):
    found = derive("arc-cosine")
    a, b = 0.8, 1.7
    near, far = 4 * a * b * np.sin(angle / 2) ** 2, 4 * a * b * np.cos(angle / 2) ** 2
    jump = np.sqrt(near * far) - angle / 2 * (far - near)
    apart = (a - b) ** 2
    dual = ACTIVATIONS["relu"].dual(
        np.full((1, 1), a**2),
        np.full((1, 1), b**2),
        np.full((1, 1), apart + near),
        np.full((1, 1), apart + far),
        4,
        9.0,
    )
    # A dozen roundings on either side, in units of the variances; the angle from D as in tests/theory/wide.
    bound = 24 * UNIT_ROUNDOFF * (a + b) ** 2 / max(np.sin(angle), UNIT_ROUNDOFF ** (1 / 2))
    assert abs(dual.covariance.item() - found.function("covariance", f, g, j)(far, near, jump)) <= bound
    assert abs(dual.derivative.item() - found.function("derivative", half)(angle / 2)) <= bound
    assert abs(dual.pair.item() - found.function("difference", D, j)(apart + near, jump)) <= bound


def test_derived_covariance_is_the_textbooks():
    derived = derive("arc-cosine")
    with mp.workdps(30):
        for angle in (mp.mpf("0.3"), mp.mpf(1), mp.mpf(3)):
            near, far = 4 * mp.sin(angle / 2) ** 2, 4 * mp.cos(angle / 2) ** 2
            jump = mp.sqrt(near * far) - angle / 2 * (far - near)
            textbook = (mp.sin(angle) + (mp.pi - angle) * mp.cos(angle)) / (2 * mp.pi)
            stable = derived.result["covariance"].subs({f: far, g: near, j: jump}).evalf(30)
            assert abs(stable - textbook) < mp.mpf(10) ** -27


def test_numeric_recursion_is_the_derived_one():
    """Two layers of a fully connected network: the second's kernels from the first's by the derived formulas."""
    derived = derive("wide-limit")
    network = wide.FullyConnected(2, weight_variance=1.7, bias_variance=0.3)
    x = np.random.default_rng(0).normal(size=(2, 4))
    first = 1.7 * x @ x.T / 4 + 0.3
    angle = np.arccos(first[0, 1] / np.sqrt(first[0, 0] * first[1, 1]))
    size = np.sqrt(first[0, 0] * first[1, 1])
    covariance = size * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    slope = (np.pi - angle) / (2 * np.pi)
    nngp = derived.function("nngp", sigma, sigma_b, kappa)(np.sqrt(1.7), np.sqrt(0.3), covariance)
    arguments = (omega, beta, kappa, sigma, kappa_dot, Theta_before)
    ntk = derived.function("ntk", *arguments)(1.7, 0.3, covariance, np.sqrt(1.7), slope, first[0, 1])
    # two dozen roundings; the angle here from an arccos, which knows it to u/sin
    bound = 24 * UNIT_ROUNDOFF * size * 1.7 / np.sin(angle) * 4
    assert abs(network.nngp(x)[0, 1] - nngp) <= bound
    assert abs(network.ntk(x)[0, 1] - ntk) <= bound


def test_small_weights_forget_differences_at_the_derived_rate():
    """D shrinks by σ_w²/2 a layer or more, and variances settle at σ_b²/(1 − σ_w²/2): a constant kernel."""
    weight, bias, depth = 1 / 3, 1 / 2400, 30
    x = np.random.default_rng(1).random((6, 10))
    differences = []
    for layers in (1, depth):
        K = wide.FullyConnected(layers, weight_variance=weight, bias_variance=bias).nngp(x)
        variance = np.diagonal(K)
        differences.append(variance[:, None] + variance[None, :] - 2 * K)
    rounding = 64 * depth * UNIT_ROUNDOFF * np.max(K)
    assert np.all(differences[1] <= (weight / 2) ** (depth - 1) * differences[0] + rounding)
    # the derived approach to the fixed point
    start = np.diagonal(wide.FullyConnected(1, weight_variance=weight, bias_variance=bias).nngp(x))
    fixed = bias / (1 - weight / 2)
    expected = fixed + (weight / 2) ** (depth - 1) * (start - fixed)
    assert np.max(np.abs(variance - expected)) <= rounding
