"""Statements about real polynomials: roots of any size, as near to each other as may be, and variables as declared."""

import pytest
from sympy import And, Eq, Equivalent, Implies, Integer, Lt, Ne, Or, Rational, Symbol, pi, sqrt, symbols

from theory.proof.counterexample import found_counterexamples
from theory.proof.real_algebra import RealAlgebra

x, y, z = symbols("x y z", real=True)
HUGE = Integer(10) ** 40


def decide(statement, *variables, given=()):
    return RealAlgebra(given, variables=variables or (x,)).prove(statement)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("size", [HUGE, Integer(10) ** 17 + 1, Rational(1, 10**40)])
def test_roots_of_any_size(sign, size):
    root = sign * size
    assert decide(Or(x < root, x > root)) is False  # the root itself
    assert decide(Or(x <= root, x > root)) is True
    assert decide(Or(x**2 <= size**2, x > size, x < -size)) is True
    assert decide(Or(x**2 <= size**2, x > size)) is False
    assert decide(x**2 >= size) is False


def test_roots_as_near_as_may_be():
    gap = 1 / HUGE
    assert decide((x - 1) * (x - 1 - gap) >= 0) is False
    assert decide((x**2 - 2) * (x**2 - 2 - gap) >= 0) is False
    assert decide(((x**2 - 2) ** 2 + gap) * (x**2 + gap) > 0) is True
    assert decide(Implies(x**2 > 2, x**2 > 2 + gap)) is False
    assert decide(Implies(x**2 > 2 + gap, x**2 > 2)) is True


def test_irrational_roots_are_points_too():
    assert decide(Ne(x**2, 2)) is False
    assert decide(Ne(x**3 - x - 1, 0)) is False
    assert decide(Implies(Eq(x**2, 2), Eq(x**4, 4))) is True
    assert decide(Implies(Eq(x**2, 2), x**3 - 2 * x >= 0)) is True
    assert decide(Implies(Eq(x**2, 2), x < Rational(1414213562, 10**9))) is False
    with found_counterexamples() as found:
        decide(Ne(x**2, 2))
    assert abs(found[-1][x]) == sqrt(2)


def test_variables_are_what_they_are_declared_to_be():
    negative, nonpositive = Symbol("m", negative=True), Symbol("m", nonpositive=True)
    nonzero, nonnegative = Symbol("m", real=True, nonzero=True), Symbol("m", nonnegative=True)
    assert decide(negative * (negative - 1) > 0, negative) is True
    assert decide(nonpositive * (nonpositive - 1) > 0, nonpositive) is False
    assert decide(nonpositive * (nonpositive - 1) >= 0, nonpositive) is True
    assert decide(negative + 5 < 0, negative) is False
    positive = Symbol("m", positive=True)
    assert decide(Lt(positive, -3, evaluate=False), positive) is False  # no root is positive, but there are numbers
    assert decide(Ne(nonzero * (x**2 + 1), 0), nonzero, x) is True
    assert decide(Ne(nonnegative * (x**2 + 1), 0), nonnegative, x) is False
    assert decide(nonnegative + 1 > 0, nonnegative) is not False


@pytest.mark.parametrize("declared", [{"rational": True}, {"integer": True}, {"irrational": True}, {"prime": True}, {}])
def test_what_is_declared_otherwise_is_left_alone(declared):
    """x² ≠ 2 is true of rational numbers; x² + 1 ≠ 0 is false of complex ones."""
    symbol = Symbol("r", **declared)
    assert decide(Ne(symbol**2 - 2, 0), symbol) is None
    assert decide(Ne(symbol**2 + 1, 0), symbol) is not True or symbol.is_real


def test_coefficients_are_rational():
    assert decide(x**2 - 2 * sqrt(2) * x + 2 >= 0) is None
    assert decide(pi * x**2 >= x) is None
    assert decide(x**2 + 0.1 > x) is None
    assert decide(1 / x**2 > -1) is None


def test_premises_that_contradict_each_other_leave_nothing_to_prove():
    assert decide(x**2 + y**2 < 1, x, y, given=(x > 1, y < 0, x < 0)) is True
    assert decide(x + y < 1, x, y, given=(x < 1, y < 1)) is False


def test_equations_of_reals():
    assert decide(Implies(Eq(x**2 + y**2, 0), Eq(x, 0)), x, y) is True
    assert decide(Implies(Eq(x**2 - y**2, 0), Eq(x, y)), x, y) is False
    assert decide(Equivalent(Eq(x * y, 0), Or(Eq(x, 0), Eq(y, 0))), x, y) is True
    assert decide((x + y + z) ** 2 >= 3 * (x * y + y * z + z * x), x, y, z) is True
    assert decide(And(x**2 >= 0, (x + y + z) ** 2 >= 4 * (x * y + y * z + z * x)), x, y, z) is False


def test_no_variable_twice_and_none_left_out():
    assert decide(x * y > 1, x) is None
    assert RealAlgebra(variables=(x, x)).prove(x**2 >= 0) is None


def test_cells_end_where_roots_appear_meet_or_go_to_infinity():
    """Each is false in a cell that one part of the projection alone cuts off."""
    assert decide((y + x) ** 2 + (x - 1) * (x - 2) >= 0, x, y) is False  # two roots, for x between 1 and 2 only
    assert decide(x * y < 1, x, y) is False  # the root goes to infinity at x = 0
    assert decide(x <= 5) is False  # beyond the last root
    assert decide(x >= 5) is False
    crossing = Implies(And(y > x - 5, y < 2 * x - 12, x > 0), x > 8)  # the lines meet at x = 7
    assert decide(crossing, x, y) is False
    assert decide(Implies(And(y > x - 5, y < 2 * x - 12), x > 7), x, y) is True


def test_roots_of_one_polynomial_are_not_those_of_another():
    assert decide(Implies(Eq(x**2, 3), Ne(x**2, 2))) is True
    assert decide(Implies(Eq((x**2 - 2) * (x**2 - 3), 0), Or(Eq(x**2, 2), Eq(x**2, 3)))) is True
    assert decide(Implies(Eq((x**2 - 2) * (x**2 - 3), 0), Eq(x**2, 2))) is False


def test_a_polynomial_that_vanishes_over_a_cell_is_not_decided():
    """The polynomial x z − y is zero for every z at x = y = 0: the projection promises nothing there."""
    assert decide(Or(x * z >= y, x * z <= y), x, y, z) is None
