"""Statements made to deceive the rules: nothing is proved that fails at a point where everything is as declared.

Statements are drawn: a true one, or one that looks like it (a power split that may not be, a bound moved, a factor
changed). What a rule proves is evaluated at many points by code that shares nothing with it. The thorough profile draws
a hundred thousand of them.
"""

import itertools
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import (
    Abs,
    And,
    Eq,
    Ge,
    Gt,
    Implies,
    Integer,
    Le,
    Lt,
    Ne,
    Or,
    exp,
    expand,
    factor,
    log,
    sqrt,
)

from tests.theory.derivations.evaluation import Point, holds
from tests.theory.proof.hostile import (
    BUDGET,
    c,
    is_true,
    product,
    x,
    y,
)
from theory.proof.inequalities import Growth, Inequality
from theory.proof.real_algebra import RealAlgebra

coefficients = st.integers(-3, 3)
linear = st.builds(lambda a, b, d: a * x + b * y + d, coefficients, coefficients, coefficients)
polynomials = st.one_of(
    linear,
    st.builds(lambda first, second: first * second, linear, linear),
    st.builds(lambda first, second: first**2 + second, linear, linear),
    st.builds(lambda first, second: first**2 - 2 * second**2, linear, linear),
    st.builds(lambda first, second: first**3 - second, linear, linear),
)
comparisons = st.builds(
    lambda kind, left, right: kind(left, right, evaluate=False),
    st.sampled_from([Lt, Le, Gt, Ge, Eq, Ne]),
    polynomials,
    polynomials,
).filter(lambda relation: relation.free_symbols)
GRID = [Fraction(a, 2) for a in range(-6, 7)] + [Fraction(100)]


def on_the_grid(statement, premises=()):
    for a, b in itertools.product(GRID, repeat=2):
        point = Point({"x": a, "y": b})
        if all(holds(premise, point) for premise in premises):
            assert holds(statement, point), f"{statement} is false at {a}, {b}, given {premises}"


@BUDGET
@given(
    st.lists(comparisons, max_size=2),
    st.one_of(
        comparisons,
        st.builds(Or, comparisons, comparisons),
        st.builds(Implies, comparisons, comparisons),
        st.builds(lambda a, b, d: Implies(And(a, b), d), comparisons, comparisons, comparisons),
    ),
)
def test_cells_agree_with_points_and_with_z3(premises, statement):
    verdict = RealAlgebra(tuple(premises), variables=(x, y)).prove(statement)
    if verdict is True:
        on_the_grid(statement, premises)
    if verdict is not None:
        told = third_opinion(statement, premises)
        assert told in (verdict, None), f"z3 says {told} of {statement}, given {premises}"


def third_opinion(statement, premises):
    """What z3 says: True, False, or None where it does not know."""
    z3 = pytest.importorskip("z3")
    reals = {x: z3.Real("x"), y: z3.Real("y")}

    def number(part):
        if part.is_Rational:
            return z3.RatVal(int(part.p), int(part.q))
        if part in reals:
            return reals[part]
        arguments = [number(argument) for argument in part.args]
        if part.is_Add:
            return sum(arguments[1:], arguments[0])
        if part.is_Mul:
            return product(arguments)
        assert part.is_Pow
        assert part.exp.is_Integer
        return product([arguments[0]] * int(part.exp))

    def formula(part):
        if part in (True, False):
            return z3.BoolVal(bool(part))
        if part.is_Relational:
            left, right = (number(side) for side in part.args)
            return {
                "==": left == right, "!=": left != right, "<": left < right, "<=": left <= right, ">": left > right
            }.get(part.rel_op, left >= right)  # fmt: skip
        kinds = {"And": z3.And, "Or": z3.Or, "Not": z3.Not, "Implies": z3.Implies}
        return kinds[type(part).__name__](*(formula(argument) for argument in part.args))

    solver = z3.Solver()
    solver.set("rlimit", 2_000_000)  # steps, not seconds
    solver.add(*(formula(premise) for premise in premises), z3.Not(formula(statement)))
    return {"unsat": True, "sat": False}.get(str(solver.check()))


certificates = st.builds(
    lambda a, b, s: s * a**2 + b, linear, st.one_of(st.just(Integer(0)), linear), st.sampled_from([1, 2, -1])
)


@settings(BUDGET, max_examples=2 * BUDGET.max_examples)
@given(st.lists(comparisons.filter(lambda r: not isinstance(r, Eq | Ne)), max_size=2), comparisons, st.data())
def test_no_sign_is_read_off_that_is_not_there(premises, statement, data):
    assume(not isinstance(statement, Eq | Ne))
    gaps = [premise.gts - premise.lts for premise in premises]
    extra = data.draw(st.sampled_from([None, *gaps, *(2 * gap for gap in gaps), *(gap * x**2 for gap in gaps)]))
    certificate = None
    if extra is not None:
        certificate = extra + expand(statement.gts - statement.lts - extra)
    if Inequality(tuple(premises), certificate=certificate).prove(statement) is True:
        on_the_grid(statement, premises)


functions = st.sampled_from(
    [
        -1 / x,
        1 / x,
        x**2,
        x**3 - x,
        -log(x),
        log(1 + x),
        exp(x) - 1 - x,
        sqrt(x),
        -sqrt(x),
        exp(-x),
        x / (1 - x),
        Abs(x),
        -1 / (x - 1),
    ]
)


@BUDGET
@given(functions, st.integers(-3, 3), st.integers(-3, 3), st.booleans(), st.sampled_from([x, c]), st.integers(0, 4))
def test_nothing_grows_that_jumps(function, shift, start, bounded, variable, power):
    gap = (function + shift + x**power).subs(x, variable)
    premises = (variable >= start, *((variable <= start + 2,) if bounded else ()))
    premises = tuple(premise for premise in premises if premise not in (True, False))
    statement = Ge(gap, 0, evaluate=False)
    slope = gap.diff(variable)
    rules = [
        Inequality(premises),
        Inequality(premises, certificate=factor(slope)),
        Inequality(premises, certificate=expand(slope)),
    ]
    for along in rules:
        try:
            verdict = Growth(premises, variable=variable, start=Integer(start), along=along).prove(statement)
        except (TypeError, ValueError, ArithmeticError):
            continue
        if verdict is True:
            for at in [Fraction(a, 8) for a in range(-40, 60)]:
                point = Point({variable.name: at})
                if (variable is x or at >= 0) and all(holds(premise, point) for premise in premises):
                    assert is_true(statement, point) is not False, f"{statement} is false at {at}, given {premises}"
