"""The dual activations against textbook formulas in 40 digits, up to correlation ±1."""

import mpmath as mp
import numpy as np
import pytest

from tests.theory.wide import naive
from theory.wide.activations import ACTIVATIONS, UNIT_ROUNDOFF

ANGLES = [10.0**-k for k in range(0, 16)] + [1.5, 2.0, 3.0] + [np.pi - 10.0**-k for k in range(1, 8)]
ROUNDINGS = 16


def pairs_at(angle: float, q1: float, q2: float):
    """What networks know of a pair: float64 values of D, S and K, and K to 40 digits from the D or S that is nearer."""
    s = 4 * mp.sqrt(mp.mpf(q1) * mp.mpf(q2))
    apart = (mp.sqrt(mp.mpf(q1)) - mp.sqrt(mp.mpf(q2))) ** 2
    near = float(apart + s * mp.sin(mp.mpf(angle) / 2) ** 2)
    far = float(apart + s * mp.cos(mp.mpf(angle) / 2) ** 2)
    exact = (mp.mpf(q1) + q2 - near) / 2 if angle < 1.6 else (mp.mpf(far) - q1 - q2) / 2
    return near, far, exact


def dual(name: str, q1: float, q2: float, near: float, far: float, exact):
    activation = ACTIVATIONS[name]
    one, other = np.full((1, 1), q1), np.full((1, 1), q2)
    pair = np.full((1, 1), near if activation.carries == "difference" else float(exact))
    return activation.dual(one, other, pair, np.full((1, 1), far), ROUNDINGS, max(q1, q2) / min(q1, q2))


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize("q", [1.0, 0.3, 1e-150, 1e150])
def test_rectifiers_lose_no_digits_where_images_are_nearly_alike_or_opposite(name, angle, q):
    near, far, exact = pairs_at(angle, q, q)
    found = dual(name, q, q, near, far, exact)
    covariance, derivative = naive.dual(name, mp.mpf(q), mp.mpf(q), exact)
    moved = 2 * (naive.dual(name, mp.mpf(q), mp.mpf(q), mp.mpf(q))[0] - covariance)
    assert abs(found.covariance.item() - covariance) <= 1e-12 * q
    assert abs(found.derivative.item() - derivative) <= 1e-12
    # D_φ to its own size: a relative error of 1e-12 in it, or what an error of 4u in the angle makes of it.
    assert abs(found.pair.item() - moved) <= (1e-12 * angle + 4 * UNIT_ROUNDOFF) * angle * q


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
@pytest.mark.parametrize("angle", [a for a in ANGLES if 1e-3 <= a <= np.pi - 1e-3])
def test_rectifiers_of_different_variances(name, angle):
    q1, q2 = 0.7, 1900.0
    near, far, exact = pairs_at(angle, q1, q2)
    found = dual(name, q1, q2, near, far, exact)
    covariance, derivative = naive.dual(name, mp.mpf(q1), mp.mpf(q2), exact)
    # The angle follows from D − (√q₁ − √q₂)² (or from S): dθ = d(D)/(2√(q₁q₂) sin θ), with D and the square off by 4u.
    moved = 4 * UNIT_ROUNDOFF * 2 * max(near, far) / (2 * np.sqrt(q1 * q2) * np.sin(angle))
    assert abs(found.derivative.item() - derivative) <= moved + 4 * UNIT_ROUNDOFF
    assert abs(found.covariance.item() - covariance) <= (moved + 8 * UNIT_ROUNDOFF) * np.sqrt(q1 * q2)


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
@pytest.mark.parametrize("factor", [3.0, 1 / 7, 1e5])
def test_multiples_of_one_image_have_no_angle(name, factor):
    q1, q2 = 0.1, 0.1 * factor**2
    near, far, _ = pairs_at(0.0, q1, q2)
    slope = naive.SLOPES[name]
    found = dual(name, q1, q2, near * (1 + UNIT_ROUNDOFF * 4), far, None)
    assert abs(found.derivative.item() - (1 + slope**2) / 2) <= 2 * UNIT_ROUNDOFF
    # and multiples by a negative factor have an angle of π
    found = dual(name, q1, q2, far, near * (1 + UNIT_ROUNDOFF * 4), None)
    assert abs(found.derivative.item() - slope) <= 2 * UNIT_ROUNDOFF


@pytest.mark.parametrize("q", [1e-12, 1e-3, 1.0, 30.0])
@pytest.mark.parametrize("rho", [-1.0, -1 + 1e-12, -0.5, 0.0, 0.3, 1 - 1e-9, 1 - 1e-15, 1.0])
def test_erf(q, rho):
    exact = mp.mpf(rho * q)
    found = dual("erf", q, q, None, 0.0, exact)
    covariance, derivative = naive.dual("erf", mp.mpf(q), mp.mpf(q), exact)
    error = 8 * UNIT_ROUNDOFF * (1 + 2 * q)  # K known to u, and its effect at most 2q of that
    assert abs(found.covariance.item() - covariance) <= error * min(1, q)
    assert abs(found.derivative.item() - derivative) <= error * derivative


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_moments_of_one_unit_are_those_of_equal_ones(name):
    q = np.array([0.0, 1e-200, 0.5, 3.0, 1e6])
    activation = ACTIVATIONS[name]
    for value, square in zip(q, activation.second_moment(q), strict=True):
        expected = naive.dual(name, mp.mpf(value), mp.mpf(value), mp.mpf(value))[0]
        assert abs(square - expected) <= 8 * UNIT_ROUNDOFF * expected
    for value, mean in zip(q, activation.mean(q), strict=True):
        expected = naive.mean(name, mp.mpf(value))
        assert abs(mean - expected) <= 8 * UNIT_ROUNDOFF * abs(expected)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "erf"])
def test_what_has_no_variance_has_no_covariance(name):
    """And φ'(0) is torch's: 0 for ReLU, the slope for leaky ReLU."""
    one, other = np.array([[0.0], [0.0]]), np.array([[0.0, 2.0]])
    difference = np.array([[0.0, 2.0], [0.0, 2.0]])
    pair = difference if ACTIVATIONS[name].carries == "difference" else np.zeros((2, 2))
    found = ACTIVATIONS[name].dual(one, other, pair, None, ROUNDINGS, np.inf)
    assert np.all(found.covariance == 0)
    for computed, q2 in zip(found.derivative[0], other[0], strict=True):
        expected = naive.dual(name, mp.mpf(0), mp.mpf(q2), mp.mpf(0))[1]
        assert abs(computed - expected) <= 4 * UNIT_ROUNDOFF * abs(expected)
