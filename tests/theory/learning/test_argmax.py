"""The probability of being the largest, against scipy's adaptive quadrature, closed forms and exact identities."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import quad
from scipy.special import ndtr, wofz

from theory.learning import probability_of_largest
from theory.learning.argmax import DIGITS, LEAST, quadrature_step

# The rule's own error; and each of C factors and of some 100 weights, which add up to 1, rounds by a few units.
ROUNDING = 2 * math.exp(-DIGITS)
means = st.floats(-20, 20, allow_subnormal=False)
deviations = st.one_of(st.floats(1e-3, 1e3), st.sampled_from([1e-150, 1e-9, 1.0, 1e150]))


def rounding(classes: int) -> float:
    return ROUNDING + 4 * (classes + 100) * 2.0**-53


def naive(mean, deviation, label) -> tuple[float, float]:
    """The integral and its error, by adaptive quadrature between the places where a factor changes."""
    ahead = [(mean[label] - other) / deviation for c, other in enumerate(mean) if c != label]
    places = sorted({min(max(-d, -9.0), 9.0) for d in ahead} | {0.0})
    return quad(
        lambda z: math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * math.prod(ndtr(d + z) for d in ahead),
        -12, 12, points=places, limit=400, epsabs=1e-13, epsrel=1e-13,
    )  # fmt: skip


@given(st.integers(2, 5).flatmap(lambda c: arrays(np.float64, c, elements=means)), st.floats(0.05, 100), st.data())
def test_it_is_the_integral(mean, deviation, data):
    label = data.draw(st.integers(0, len(mean) - 1))
    known, error = naive(mean, deviation, label)
    found = probability_of_largest(mean[None], np.array([deviation]), np.array([label]))[0]
    assert abs(found - known) <= rounding(len(mean)) + max(error, 1e-13)


@pytest.mark.parametrize("classes", [2, 10, 97, 98, 99, 300])
def test_equal_means_are_equally_likely(classes):
    """On either side of where the step is chosen by another rule, and where the integrand is narrow."""
    found = probability_of_largest(np.zeros((3, classes)), np.array([0.1, 1, 10]), np.array([0, 1, classes - 1]))
    assert np.abs(found - 1 / classes).max() <= rounding(classes)


@pytest.mark.parametrize("classes", [30, 98, 120])
def test_many_classes(classes):
    mean = np.random.default_rng(classes).normal(size=classes)
    known, error = naive(mean, 0.7, 3)
    found = probability_of_largest(mean[None], np.array([0.7]), np.array([3]))[0]
    assert abs(found - known) <= rounding(classes) + max(error, 1e-13)


@given(means, means, deviations)
def test_of_two_classes_the_difference_decides(one, other, deviation):
    found = probability_of_largest(np.array([[one, other]]), np.array([deviation]), np.array([0]))[0]
    known = ndtr((one - other) / deviation / math.sqrt(2))
    assert abs(found - known) <= rounding(2) + 4 * 2.0**-53  # φ's slope is below 1, arguments round by a unit


@given(st.integers(2, 12).flatmap(lambda c: arrays(np.float64, c, elements=means)), deviations)
def test_one_of_them_is_the_largest(mean, deviation):
    classes = len(mean)
    labels = np.arange(classes)
    found = probability_of_largest(np.tile(mean, (classes, 1)), np.full(classes, deviation), labels)
    assert abs(found.sum() - 1) <= classes * rounding(classes)
    assert np.all((found >= 0) & (found <= 1))


@given(st.integers(2, 6).flatmap(lambda c: arrays(np.int64, c, elements=st.integers(-3, 3))), st.data())
def test_without_chance_the_largest_wins_and_ties_share(mean, data):
    label = data.draw(st.integers(0, len(mean) - 1))
    found = probability_of_largest(mean[None].astype(float), np.zeros(1), np.array([label]))[0]
    best = [c for c in range(len(mean)) if mean[c] == max(mean)]
    assert found == (1 / len(best) if label in best else 0)


def test_axes_in_front_are_kept():
    rng = np.random.default_rng(0)
    mean, deviation, labels = rng.normal(size=(4, 3, 5)), rng.random((4, 3)), np.array([0, 4, 2])
    found = probability_of_largest(mean, deviation, labels)
    alone = [[naive(mean[t, i], deviation[t, i], labels[i])[0] for i in range(3)] for t in range(4)]
    assert found.shape == (4, 3)
    assert np.abs(found - alone).max() <= rounding(5) + 1e-12


@pytest.mark.parametrize("classes", [2, 10, 98, 1000])
def test_the_step_is_small_enough_by_the_rules_bound(classes):
    """C a²/2 − 2πa/h, the logarithm of M(a)/e^{2πa/h}, at the best a that the derivation allows."""
    a = np.linspace(LEAST, 10, 10**5)
    assert np.min(classes * a**2 / 2 - 2 * np.pi * a / quadrature_step(classes)) <= -DIGITS + 1e-6


def test_phi_grows_off_the_real_line_no_faster_than_derived():
    height, z = np.linspace(LEAST, 6, 50)[:, None], np.linspace(-12, 12, 501)
    left = -np.abs(z) - 1j * height * np.where(z < 0, -1, 1)  # z, or −z where its real part is positive
    tail = np.exp(-(left**2) / 2) * wofz(-1j * left / np.sqrt(2)) / 2  # Φ(left), by Faddeeva's function
    assert np.all(np.abs(np.where(z < 0, tail, 1 - tail)) <= np.exp(height**2 / 2))
