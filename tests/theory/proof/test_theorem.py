"""A derived theorem applies to other matrices and sequences where its assumptions hold for them, and nowhere else."""

from dataclasses import replace

import pytest
from sympy import Eq, Identity, Integer, MatrixSymbol, Symbol, symbols

from theory.proof.derivation import Derivation, UndecidedStepError
from theory.proof.expressions import matrix_sequence
from theory.proof.rules import Algebra, Induction, Rewriting
from theory.proof.steps import Assumption, Step
from theory.proof.theorem import ByTheorem

t = Symbol("t", integer=True, nonnegative=True)
size, other = (Symbol(name, integer=True, positive=True) for name in "nm")
a, b = symbols("a b", positive=True)
x = Symbol("x", real=True)
M, v = MatrixSymbol("M", size, size), MatrixSymbol("v", size, 1)
N, w, wide = MatrixSymbol("N", other, other), MatrixSymbol("w", other, 1), MatrixSymbol("w", other, 2)
U, W, narrow = (
    matrix_sequence(name, *shape) for name, shape in (("U", (size, size)), ("W", (other,) * 2), ("V", (1, 1)))
)


def eq(left, right):
    return Eq(left, right, evaluate=False)


def sequence_of(terms, matrix, vector, factor):
    """What the theorem assumes, and what it claims: U_{t+1} = a U_t and M v = v give U_t M v = a^t U_0 v."""
    grows, fixed = eq(terms(t + 1), factor * terms(t)), eq(matrix * vector, vector)
    return grows, fixed, eq(terms(t) * matrix * vector, factor**t * terms(0) * vector)


grows, fixed, claim = sequence_of(U, M, v, a)
power = eq(U(t), a**t * U(0))
unused = eq(M * M, Identity(size))
THEOREM = Derivation(
    name="growth",
    title="A sequence that grows",
    statement=(claim,),
    assumptions=(Assumption("It grows:", grows), Assumption("and", fixed), Assumption("Not needed:", unused)),
    steps=(
        Step("Powers", power, Induction(variable=t, recurrence=grows), "By induction."),
        Step("The claim", claim, Rewriting((power, fixed)), "Put in."),
    ),
    source="None",
)


def applied(terms=W, matrix=N, vector=w, factor=b, premises=None, values=(), theorem=THEOREM, said=None):
    """The theorem for other things, in place of U, M, v and a."""
    of_these = sequence_of(terms, matrix, vector, factor)
    rule = ByTheorem(
        of_these[:2] if premises is None else premises,
        theorem=theorem,
        claim=claim,
        values=((size, other), (M, matrix), (v, vector), (a, factor), *values),
        sequences=((U, terms),),
    )
    return rule.prove(of_these[2] if said is None else said)


def test_it_holds_for_others_of_the_same_kind():
    THEOREM.check()
    assert applied() is True
    assert applied(matrix=N.T * N) is True
    assert applied(factor=b**2 + 1) is True
    assumptions, steps = THEOREM.behind(claim)
    assert assumptions == (grows, fixed)  # what the proof does not lead back to is not needed
    assert [step.title for step in steps] == ["The claim", "Powers"]


def test_each_assumption_that_the_proof_needs_must_be_known():
    known = sequence_of(W, N, w, b)[:2]
    for premise in known:
        assert applied(premises=(premise,)) is None
    assert applied(premises=()) is None
    assert applied(premises=sequence_of(W, N, w, 2 * b)[:2]) is None


def test_values_are_as_their_symbols_are_declared():
    assert applied(factor=x) is None  # a is positive
    assert applied(vector=wide) is None  # v is a column
    assert applied(terms=narrow) is None
    assert applied(matrix=W(t)) is None  # M is the same at every t
    assert applied(vector=W(t) * w) is None
    assert applied(values=((t, Integer(3)),)) is None  # the index stays free


def test_only_the_claim_itself_follows():
    said = sequence_of(W, N, w, b)[2]
    assert applied(said=said) is True
    assert applied(said=eq(said.lhs, 2 * said.rhs)) is None
    assert applied(said=eq(2 * said.lhs, said.rhs)) is None
    assert applied(said=eq(said.lhs, said.rhs * Identity(1))) is True
    with pytest.raises(ValueError, match="claim must be the statement of a step of growth"):
        THEOREM.behind(unused.reversed.func(M, Identity(size), evaluate=False))


def test_the_theorem_is_checked_itself():
    """One whose proof has a gap proves nothing."""
    steps = (Step("Powers", power, Algebra(), "It is so."), THEOREM.steps[1])
    with pytest.raises(UndecidedStepError):
        applied(theorem=replace(THEOREM, steps=steps))


def test_what_it_assumes_of_all_terms_must_be_known_of_all():
    grows_now, fixed_too, said = sequence_of(W, N, w, b)
    rule = ByTheorem(
        (grows_now, fixed_too),
        theorem=THEOREM,
        claim=claim,
        values=((size, other), (M, N), (v, w), (a, b)),
        sequences=((U, W),),
    )
    assert t in rule.generalizes(said)
    step = Step("Other things", said, rule, "By the theorem.")
    whole = Derivation(
        "others", "Others", (said,), (Assumption("", grows_now), Assumption("", fixed_too)), (step,), "None"
    )
    whole.check()
    assert whole.cited == ()
    restricted = eq(t * w, 3 * w)  # singles out t = 3
    for_one = replace(rule, premises=(grows_now, fixed_too, restricted))
    with pytest.raises(UndecidedStepError, match="known for some t only"):
        replace(
            whole,
            assumptions=(*whole.assumptions, Assumption("", restricted)),
            steps=(replace(step, rule=for_one),),
        ).check()
