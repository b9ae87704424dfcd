"""Momentum: the derivation, and its closed form against the recurrence carried out."""

from fractions import Fraction

import numpy as np
import pytest

import theory
from numerics import momentum_response
from theory.derivations import derive
from theory.derivations.momentum import U, beta, double, eigenvalue, mu1, mu2, n

EPS = np.finfo(float).eps
RATES = [Fraction(1, 10), Fraction(7, 10), Fraction(21, 10), Fraction(3, 1)]
STRENGTHS = [Fraction(0), Fraction(1, 3), Fraction(9, 10)]


@pytest.fixture(scope="module")
def derivation():
    return derive("momentum")


def heavy_ball(a, strength, steps: int):
    """torch.optim.SGD on one mode with λ = 1; exactly, if the numbers are exact."""
    error, velocity = 1 + 0 * a, 0 * a
    for _ in range(steps):
        velocity = strength * velocity + error
        error = error - a * velocity
    return error


def sequence(a: Fraction, strength: Fraction, count: int) -> list[Fraction]:
    terms = [Fraction(0), Fraction(1)]
    while len(terms) <= count:
        terms.append((1 + strength - a) * terms[-1] - strength * terms[-2])
    return terms


@pytest.mark.parametrize("a", RATES)
@pytest.mark.parametrize("strength", STRENGTHS)
def test_error_by_the_sequence_is_the_recurrence_exactly(derivation, a, strength):
    left_over = derivation.function("left over", beta, U(n), U(n + 1))
    for steps in range(12):
        terms = sequence(a, strength, steps + 1)
        assert left_over(strength, terms[steps], terms[steps + 1]) == heavy_ball(a, strength, steps)


def test_error_by_rational_roots_is_the_recurrence_exactly(derivation):
    by_roots = derivation.function("error by roots", mu1, mu2, beta, n)
    for first, second in [
        (Fraction(1, 2), Fraction(1, 3)),
        (Fraction(-3, 4), Fraction(-1, 5)),
        (Fraction(9, 10), Fraction(0)),
    ]:
        strength = first * second
        for steps in range(10):
            expected = heavy_ball(1 + strength - first - second, strength, steps)
            assert by_roots(first, second, strength, steps) == expected


def test_error_at_a_double_root_is_the_recurrence_exactly(derivation):
    by_double = derivation.function("error by double root", double, n)
    for root in (Fraction(1, 2), Fraction(-2, 3)):
        for steps in range(10):
            assert by_double(root, steps) == heavy_ball(1 + root**2 - 2 * root, root**2, steps)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_numeric_response_is_the_derived_closed_form(derivation, strength):
    left_over = derivation.function("left over", beta, U(n), U(n + 1))
    rates = [Fraction(numerator, 16) for numerator in range(1, 32)]
    stable = [a for a in rates if a < 2 * (1 + strength)]
    steps = range(30)
    # float(strength) is off by one rounding; de_n/dβ is a sum of n products of two terms of U, at most n each
    bound = [4 * EPS * (1 + count) ** 3 for count in steps]
    measured = momentum_response(
        np.array([float(a) for a in stable]), lr=1.0, momentum=float(strength), steps=list(steps)
    )
    for mode, a in enumerate(stable):
        terms = sequence(a, strength, max(steps) + 1)
        for count in steps:
            exact = float(left_over(strength, terms[count], terms[count + 1]))
            assert abs(measured[count, mode] - exact) <= bound[count]


@pytest.mark.parametrize("strength", [0.0, 0.5, 0.9])
def test_max_stable_lr_is_the_derived_one(derivation, strength):
    inputs = np.random.default_rng(0).normal(size=(3, 5))
    largest = 2 * np.linalg.norm(inputs, 2) ** 2 / inputs.size
    derived = derivation.function("max stable lr", beta, eigenvalue)(strength, largest)
    computed = theory.max_stable_lr(theory.FullyConnected(5), inputs, momentum=strength)
    # two singular value decompositions, backward stable to q(3, 5) · eps with q below 8 · 5, squared; a few roundings
    assert abs(computed / derived - 1) <= 2 * 2 * 40 * EPS


@pytest.mark.parametrize("strength", [0.0, 0.5, 0.9])
def test_stability_ends_where_derived(derivation, strength):
    edge = derivation.function("max stable lr", beta, eigenvalue)(strength, 1)
    assert abs(heavy_ball(0.99 * edge, strength, 4000)) < 1e-3
    assert abs(heavy_ball(1.01 * edge, strength, 4000)) > 1e3
