"""Statements made to deceive the rules: nothing is proved that fails at a point where everything is as declared.

Statements are drawn: a true one, or one that looks like it (a power split that may not be, a bound moved, a factor
changed). What a rule proves is evaluated at many points by code that shares nothing with it. The thorough profile draws
a hundred thousand of them.
"""

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import (
    Abs,
    Eq,
    Integer,
    Ne,
    Rational,
    exp,
    expand,
    expand_log,
    expand_power_base,
    factor,
    log,
    powdenest,
    powsimp,
    radsimp,
    simplify,
    sqrt,
)

from tests.theory.proof.hostile import BUDGET, assert_true_everywhere, c, eq, even, k, n, p, product, q, w, x, y, z
from theory.proof.rules import Algebra

bases = st.sampled_from([x, y, p, q, c, z, w, x * y, -x, p * x, z * w, x + y, x**2, 1 - p, Integer(-1), x**2 + 1, z**2])
exponents = st.sampled_from(
    [
        n,
        k,
        n / 2,
        k / 2,
        even / 2,
        even,
        Integer(2),
        Integer(3),
        Integer(-1),
        Rational(1, 2),
        Rational(-1, 2),
        Rational(1, 3),
        x,
        2 * n,
        k + 1,
        n + 1,
        2 * x,
        n - k,
        Rational(2, 3),
        p,
        n * k,
    ]
)
powers = st.builds(lambda base, exponent: base**exponent, bases, exponents)
atoms = st.one_of(
    powers, bases, st.builds(exp, bases), st.builds(sqrt, bases), st.builds(log, bases), st.builds(Abs, bases)
)
products = st.lists(atoms, min_size=1, max_size=3).map(lambda factors: product([Integer(1), *factors]))
sums = st.lists(products, min_size=1, max_size=2).map(lambda terms: sum(terms[1:], terms[0]))
DISGUISES = [
    lambda e: powsimp(e, force=True),
    lambda e: powdenest(e, force=True),
    lambda e: expand_power_base(e, force=True),
    lambda e: expand_log(e, force=True),
    expand,
    factor,
    radsimp,
    simplify,
    lambda e: e.replace(Abs, lambda inside: inside),
    lambda e: e.subs(x, -x),
    lambda e: e + 1 - 1 if e.is_Add else e * 2 / 2,
    lambda e: e.replace(sqrt, lambda inside: inside) if e.has(sqrt) else -1 * (-1 * e),
]


@BUDGET
@given(sums, st.sampled_from(DISGUISES))
def test_no_disguise_of_a_scalar_is_taken_for_the_same(expression, disguise):
    try:
        other = disguise(expression)
    except (ValueError, TypeError, ZeroDivisionError):
        assume(False)
    statement = eq(expression, other)
    if Algebra().prove(statement) is True:
        assert_true_everywhere(statement)


SPLITS = [
    lambda a, b, s: eq((a * b) ** s, a**s * b**s),
    lambda a, b, s: eq((a / b) ** s, a**s / b**s),
    lambda a, b, s: eq((a**2) ** s, a ** (2 * s)),
    lambda a, b, s: eq((a**s) ** 2, a ** (2 * s)),
    lambda a, b, s: eq(a ** (s + 1), a * a**s),
    lambda a, b, s: eq(a ** (s - 1) * a, a**s),
    lambda a, b, s: eq(a**s * a ** (-s), Integer(1)),
    lambda a, b, s: eq(sqrt(a) * sqrt(b), sqrt(a * b)),
    lambda a, b, s: eq(sqrt(a**2 + 2 * a * b + b**2), a + b),
    lambda a, b, s: eq((a + b) ** 2 / sqrt(a**2 + 2 * a * b + b**2), sqrt(a**2 + 2 * a * b + b**2)),
    lambda a, b, s: eq((a**2 - b**2) / (a - b), a + b),
    lambda a, b, s: eq(exp(a) ** s, exp(a * s)),
    lambda a, b, s: eq(exp(a + b), exp(a) * exp(b)),
    lambda a, b, s: eq((-a) ** s, (-1) ** s * a**s),
    lambda a, b, s: eq(log(a * b), log(a) + log(b)),
    lambda a, b, s: eq((a * b) ** (s + 1), a * b * a**s * b**s),
]


@settings(BUDGET, max_examples=4 * BUDGET.max_examples)
@given(st.sampled_from(SPLITS), bases, bases, exponents)
def test_no_power_is_split_that_may_not_be(split, first, second, exponent):
    statement = split(first, second, exponent)
    assume(isinstance(statement, Eq))
    if Algebra().prove(statement) is True:
        assert_true_everywhere(statement)


relations = st.sampled_from(
    [
        eq(x, 2 * y),
        eq(x**2, y**2),
        eq(x * y, Integer(0)),
        eq(x**2 + y**2, Integer(0)),
        eq(p * x, y),
        eq(x / p, y),
        eq(sqrt(p), q),
        eq(p, q**2),
        eq(z**2, w**2),
        eq(x**2, x),
        eq(x**3, Integer(1)),
        Ne(x, y),
        Ne(x, 0),
        x > y,
        eq(x**2, Integer(-1)),
        eq(1 / x, y),
        eq(z * w, Integer(1)),
        eq(x + y, p),
        eq(2**n, x),
    ]
)
conclusions = st.sampled_from(
    [
        eq(x**2, 4 * y**2),
        eq(x, y),
        eq(x, -y),
        eq(x, Integer(0)),
        eq(x * y**2, Integer(0)),
        eq(y / x, p),
        eq(x / y, 1 / p),
        eq(p, q**2),
        eq(q, sqrt(p)),
        eq(q, -sqrt(p)),
        eq(z, w),
        eq(z**4, w**4),
        eq(x**3, x),
        eq(x, Integer(1)),
        eq(x * y, Integer(1)),
        eq((x - y) / (x - y), Integer(1)),
        eq((x**2 - y**2) / (x - y), x + y),
        eq(z, 1 / w),
        eq(x**2 + y**2, p**2 - 2 * x * y),
        eq(x**2, x**4),
        eq(y, p * x),
        eq(x, p * y),
        eq(2 ** (n + 1), 2 * x),
        eq(4**n, x**2),
    ]
)


@settings(BUDGET, max_examples=2 * BUDGET.max_examples)
@given(st.lists(relations, min_size=1, max_size=2), conclusions)
def test_nothing_follows_that_does_not_follow(premises, conclusion):
    verdict = Algebra(tuple(premises)).prove(conclusion)
    if verdict is True:
        assert_true_everywhere(conclusion, premises)
