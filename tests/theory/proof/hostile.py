"""What the tests with statements made to deceive share: symbols, the values that they may take, the number drawn."""

import itertools
from fractions import Fraction

from hypothesis import HealthCheck, settings
from sympy import (
    Eq,
    Symbol,
    symbols,
)

from tests.theory.derivations.evaluation import Point, holds

THOROUGH = settings.get_current_profile_name() == "thorough"
BUDGET = settings(
    max_examples=5_000 if THOROUGH else 12,
    derandomize=not THOROUGH,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)

x, y = symbols("x y", real=True)
p, q = symbols("p q", positive=True)
c = Symbol("c", nonnegative=True)
z, w = symbols("z w")
n = Symbol("n", integer=True)
k = Symbol("k", integer=True, nonnegative=True)
even = Symbol("g", even=True)
VALUES = {
    "real": [Fraction(-1), Fraction(0), Fraction(2), Fraction(-5, 2), Fraction(1, 3), Fraction(10**6)],
    "positive": [Fraction(1), Fraction(1, 4), Fraction(9)],
    "nonnegative": [Fraction(0), Fraction(2), Fraction(1, 9)],
    "complex": [Fraction(-1), 1j, -1 - 1j, Fraction(0), Fraction(2)],
    "integer": [1, 0, -1, 2, 3, -2],
    "count": [0, 1, 2, 5],
    "even": [0, 2, -2],
}
DOMAIN = {x: "real", y: "real", p: "positive", q: "positive", c: "nonnegative", z: "complex", w: "complex"}
DOMAIN |= {n: "integer", k: "count", even: "even"}


def eq(left, right):
    return Eq(left, right, evaluate=False)


def points(*parts):
    """All combinations of the values that the symbols are declared to be able to take, at most a few hundred."""
    used = sorted(set().union(*(part.free_symbols for part in parts)) & set(DOMAIN), key=str)
    for values in itertools.islice(itertools.product(*(VALUES[DOMAIN[symbol]] for symbol in used)), 300):
        yield Point({symbol.name: value for symbol, value in zip(used, values, strict=True)})


def is_true(statement, point):
    """Whether the statement holds; None where it has no value there."""
    try:
        return holds(statement, point)
    except (ZeroDivisionError, OverflowError, ValueError):
        return None


def assert_true_everywhere(statement, premises=()):
    for point in points(statement, *premises):
        if all(is_true(premise, point) is True for premise in premises):
            assert is_true(statement, point) is not False, f"{statement} is false at {point.scalars}, given {premises}"


def product(factors):
    """The product from left to right, of matrices too."""
    result = factors[0]
    for other in factors[1:]:
        result = result * other
    return result
