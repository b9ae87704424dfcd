"""An expression vanishes only if it is zero at every point that its symbols' declarations allow."""

import pytest
from sympy import Eq, Integer, Ne, Rational, Symbol, exp, oo, sqrt, symbols

from theory.proof.rules import Algebra
from theory.proof.vanishing import vanishes

a, b, x, y = symbols("a b x y", real=True)
z, w = symbols("z w")
n = Symbol("n", integer=True)
m = Symbol("m", integer=True, nonnegative=True)
p, q = symbols("p q", positive=True)


def eq(left, right):
    return Eq(left, right, evaluate=False)


@pytest.mark.parametrize("exponent", [n / 2, n / 3, Rational(1, 2), x, m / 2])
def test_a_power_of_a_product_is_split_for_whole_exponents_only(exponent):
    """At a = b = −1 and the exponent ½ it is 1 on one side, and −1 on the other."""
    assert Algebra().prove(eq((a * b) ** exponent, a**exponent * b**exponent)) is not True


def test_whole_exponents_split_products():
    assert vanishes((a * b) ** m - a**m * b**m) is True
    assert vanishes((a * b) ** n - a**n * b**n, (Ne(a, 0), Ne(b, 0))) is True
    assert vanishes((p * q) ** n - p**n * q**n) is True


def test_zero_has_no_negative_powers():
    """0ⁿ⁺¹ = 0 · 0ⁿ has no right side at n = −1."""
    assert vanishes(a ** (n + 1) - a * a**n) is None
    assert vanishes(a ** (x + 1) - a * a**x) is None
    assert vanishes(a ** (m + 1) - a * a**m) is True
    assert vanishes(p ** (x + 1) - p * p**x) is True
    assert vanishes(exp(x + 1) - exp(1) * exp(x)) is True


def test_a_root_in_a_denominator_may_vanish_too():
    """Of (x + 1)² / √(x² + 2x + 1) there is no value at x = −1."""
    square = x**2 + 2 * x + 1
    assert vanishes((x + 1) ** 2 / sqrt(square) - sqrt(square)) is None
    assert vanishes((x**2 + 1) / sqrt(x**2 + 1) - sqrt(x**2 + 1)) is True


def test_only_numbers_that_commute_are_put_in_any_order():
    first, second = symbols("A B", commutative=False)
    assert vanishes(first * second - second * first) is None
    endless = Symbol("e", extended_real=True)
    assert vanishes(endless + 1 - endless - exp(endless) * 0 - 1 + endless * (x - x + 1) - endless) is not False
    assert vanishes((endless + 1) ** 2 - endless**2 - 2 * endless - 1) is None  # ∞ − ∞
    assert vanishes(x * (1 + oo * p) - oo) is None


def test_roots_are_the_principal_ones():
    assert vanishes(sqrt(p) * sqrt(p) - p) is True
    assert vanishes(sqrt(z) ** 2 - z) is True
    assert vanishes(sqrt(z**2) - z) is not True  # −1
    assert vanishes(sqrt(z) * sqrt(w) - sqrt(z * w)) is not True  # −1, −1
    assert vanishes(sqrt(x**2 + 2 * x + 1) - x - 1) is not True  # −2
    assert vanishes(Integer(-8) ** Rational(1, 3) + 2) is not True
