"""Statements made to deceive the rules: nothing is proved that fails at a point where everything is as declared.

Statements are drawn: a true one, or one that looks like it (a power split that may not be, a bound moved, a factor
changed). What a rule proves is evaluated at many points by code that shares nothing with it. The thorough profile draws
a hundred thousand of them.
"""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from sympy import (
    Abs,
    Integer,
    Integral,
    Rational,
    Sum,
    Symbol,
    cos,
    exp,
    factorial,
    oo,
    pi,
    sin,
    sqrt,
)

from tests.theory.derivations.evaluation import Point, holds
from tests.theory.proof.hostile import BUDGET, eq, is_true, k, n, p
from theory.proof import lemmas
from theory.proof.citing import ByLemma
from theory.proof.order import at_most
from theory.proof.series import Factorials, Integration
from theory.proof.vanishing import vanishes

line = Symbol("t", real=True)
integrands = st.sampled_from(
    [
        line**2,
        line**3,
        1 / line**2,
        1 / line,
        exp(-line),
        line * exp(-(line**2) / 2),
        sin(line),
        cos(2 * line),
        Abs(line),
        sqrt(line**2),
        1 / (line**2 + 1),
        exp(line) * line,
        line ** (2 * k),
        1 / (line - 1) ** 2,
        line * cos(line),
    ]
)


@BUDGET
@given(
    integrands,
    st.sampled_from([(-1, 1), (0, 1), (0, oo), (-1, 2), (0, pi), (1, 2)]),
    st.sampled_from([0, 1, 2, -2, Rational(1, 3)]),
)
def test_no_integral_is_another_number(integrand, ends, claimed):
    statement = eq(Integral(integrand, (line, *ends)), Integer(1) * claimed)
    shown = [statement]
    antiderivative = integrand.integrate(line)
    if not antiderivative.has(Integral) and oo not in ends:
        shown.append(eq(statement.lhs, antiderivative.subs(line, ends[1]) - antiderivative.subs(line, ends[0])))
    for each in shown:
        if Integration().prove(each) is True:
            for count in (0, 1, 3):
                assert is_true(each, Point({"k": count})) is True, f"{each} is false"


index = Symbol("i", integer=True, positive=True)


@BUDGET
@given(
    st.sampled_from(
        [
            2**n,
            1 / factorial(n),
            p**n / factorial(n),
            p**n / factorial(n + 1),
            n / factorial(n),
            (2 * p) ** n / factorial(n),
        ]
    ),
    st.sampled_from([exp(p), exp(2 * p), exp(Integer(1)), exp(-p)]),
    st.sampled_from([n, k, index]),
    st.integers(0, 1),
)
def test_no_series_is_another(term, value, over, first):
    statement = eq(Sum(term.subs(n, over), (over, first, oo)), value)
    if ByLemma(lemma=lemmas.EXPONENTIAL_SERIES).prove(statement) is True:
        for number in (Fraction(1, 2), Fraction(1), Fraction(3)):
            assert holds(statement, Point({"p": number}))
    quotient = eq(factorial(over + first), (over + first) * factorial(over + first - 1))
    if Factorials().prove(quotient) is True:
        for count in range(0 if over is not index else 1, 5):
            assert is_true(quotient, Point({over.name: count})) is True
    terms = at_most(Sum(over, (over, first, 3)), 3 * Integer(4 - first))
    by_number = ByLemma((at_most(over, Integer(3)),), lemma=lemmas.TERMS_BY_THEIR_NUMBER, values={lemmas.g: Integer(3)})
    if by_number.prove(terms) is True:
        assert holds(terms, Point())


@BUDGET
@given(
    st.integers(-2, 2),
    st.integers(-2, 2),
    st.sampled_from([1, 2, Rational(1, 2), -1]),
    st.sampled_from([1, 2, Rational(1, 2)]),
)
def test_no_square_is_completed_wrongly(slope, constant, curvature, scale):
    exponent = -curvature * line**2 / 2 + slope * line + constant
    value = sqrt(2 * pi / curvature) * exp(Rational(slope**2, 2) / curvature + constant)
    statement = eq(Integral(exp(exponent), (line, -oo, oo)), scale * value)
    values = {lemmas.w: Integer(1) * curvature, lemmas.b: Integer(slope), lemmas.k: exp(constant)}
    if ByLemma(lemma=lemmas.GAUSSIAN_INTEGRAL, values=values).prove(statement) is True:
        assert holds(statement, Point())
    assert vanishes(value * scale - value) is (scale == 1) or curvature == -1
