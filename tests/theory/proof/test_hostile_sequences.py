"""Statements made to deceive the rules: nothing is proved that fails at a point where everything is as declared.

Statements are drawn: a true one, or one that looks like it (a power split that may not be, a bound moved, a factor
changed). What a rule proves is evaluated at many points by code that shares nothing with it. The thorough profile draws
a hundred thousand of them.
"""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import (
    Abs,
    Integer,
    Limit,
    Ne,
    Rational,
    Symbol,
    expand,
    factorial,
    oo,
)

from tests.theory.derivations.evaluation import Point, holds
from tests.theory.proof.hostile import BUDGET, eq, is_true, k
from theory.proof.expressions import scalar_sequence
from theory.proof.induction import InequalityInduction
from theory.proof.inequalities import Inequality
from theory.proof.order import at_most
from theory.proof.real_terms import real_sequence
from theory.proof.rules import Algebra, GeometricLimit, Induction

u, r = scalar_sequence("u"), real_sequence("r")
steps_of = st.sampled_from([2 * u(k), u(k) + k, u(k) + k * (k - 3), -u(k), u(k) ** 2, k * u(k), u(k) / 2 + 1, u(k)])
closed_forms = st.sampled_from(
    [
        2**k * u(0),
        u(0),
        k,
        k * (k - 1) / 2,
        Integer(0),
        (-1) ** k * u(0),
        u(0) ** 2**k,
        2 - 2 / 2**k,
        factorial(k) * u(0),
        2**k - 1,
        k**2,
        u(0) + k,
        u(0) + k * (k - 1) / 2,
        2 + (u(0) - 2) / 2**k,
        u(k),
    ]
)
about_the_index = st.sampled_from(
    [eq(k * (k - 3), Integer(0)), k >= 5, eq(k, Integer(3)), Ne(k, 2), eq(u(k), Integer(0)), k <= 4]
)


@settings(BUDGET, max_examples=2 * BUDGET.max_examples)
@given(
    steps_of,
    closed_forms,
    st.sampled_from([None, Integer(0), Integer(1), Integer(2)]),
    st.lists(about_the_index, max_size=1),
)
def test_no_induction_proves_what_fails_later(following, closed, first, extra):
    start = () if first is None else (eq(u(0), first),)
    rule = Induction(variable=k, recurrence=eq(u(k + 1), following), initial=start, by=Algebra((*start, *extra)))
    if rule.prove(eq(u(k), closed)) is not True or any(premise.has(u(k)) for premise in extra):
        return
    for beginning in (Fraction(0), Fraction(1), Fraction(-2)) if first is None else (Fraction(int(first)),):
        terms = [beginning]
        for index in range(8):
            at = Point({"k": index}, {}, {"u": lambda j, known=terms: known[j]})
            assert holds(eq(u(k), closed), at), f"u_{index} is not {closed} for {following} from {beginning}"
            terms.append(_number(following, at))


def _number(expression, point):
    from tests.theory.derivations.evaluation import value

    return value(expression, point)


@BUDGET
@given(
    st.sampled_from([r(k), r(k) + 1, r(k) - 1, 2 * r(k), r(k) / 2, r(k) + k - 3, r(k) + r(k) ** 2, r(k) * k]),
    st.sampled_from([Integer(0), Integer(1), k, -k, 2 * k, k**2, Integer(-5)]),
    st.integers(-1, 2),
    st.lists(st.sampled_from([k >= 5, k >= 1, k <= 2, r(k) >= 1]), max_size=1),
)
def test_no_inequality_is_carried_on_that_ends(following, bound, first, extra):
    claim = at_most(bound, r(k))
    recurrence, start = eq(r(k + 1), following), eq(r(0), Integer(first))
    gap = r(k) - bound
    for certificate in (
        None,
        gap,
        gap + expand(following - bound.subs(k, k + 1) - gap),
        2 * gap,
        gap + gap**2,
        gap + k,
    ):
        rule = InequalityInduction(
            variable=k,
            base=Inequality((start,), certificate=None if bound.has(k) else Integer(first) - bound),
            step=Inequality((recurrence, *extra), certificate=certificate),
        )
        if rule.prove(claim) is True and not any(premise.has(r(k)) for premise in extra):
            terms = [Fraction(first)]
            for index in range(10):
                at = Point({"k": index}, {}, {"r": lambda j, known=terms: known[j]})
                assert holds(claim, at), f"r_{index} = {terms[index]} is below {bound}, for {following} from {first}"
                terms.append(_number(following, at))


ratio = Symbol("s", real=True)
geometric = st.lists(
    st.sampled_from(
        [
            ratio**k,
            k * ratio**k,
            1,
            k,
            ratio ** (2 * k),
            ratio ** (k + 1),
            (-ratio) ** k,
            2**k,
            k**2 * ratio**k,
            ratio**-k,
        ]
    )
    | st.sampled_from([ratio ** (k**2), (ratio / 2) ** k, (1 + ratio) ** k, ratio, 1 / (k + 1), ratio**k / ratio]),
    min_size=1,
    max_size=2,
).map(lambda terms: sum(terms[1:], terms[0] * Integer(1)))


@settings(BUDGET, max_examples=2 * BUDGET.max_examples)
@given(
    geometric,
    st.sampled_from([Integer(0), Integer(1), ratio, Integer(3), 1 + ratio]),
    st.integers(0, 3),
    st.sampled_from([oo, 0]),
)
def test_no_limit_is_taken_that_is_another(sequence, limit, which, at):
    premises = [(), (Abs(ratio) < 1,), (Abs(ratio) < 2,), (Abs(ratio) < 1, eq(k, Integer(3)))][which]
    if GeometricLimit(premises).prove(eq(Limit(sequence, k, at), limit)) is True:
        assert at is oo
        assert which != 3 or not sequence.has(k)
        for number in (Fraction(-1, 2), Fraction(0), Fraction(1, 3), Fraction(1), Fraction(-3)):
            if which in (0, 2) or abs(number) < 1:
                far = Point({"s": number, "k": 200})
                gap = is_true(at_most(Abs(sequence - limit), Rational(1, 10**6)), far)
                assert gap is not False, f"{sequence} does not tend to {limit} for s = {number}"
