"""What is known for some values of a variable proves nothing about all of them."""

import pytest
from sympy import (
    Abs,
    Eq,
    Identity,
    Integer,
    Integral,
    Limit,
    MatrixSymbol,
    Ne,
    Sum,
    Symbol,
    Trace,
    exp,
    oo,
    pi,
    sqrt,
    symbols,
)

from theory.proof import lemmas
from theory.proof.chance import Expectation, ExpectedMatrix
from theory.proof.citing import ByLemma
from theory.proof.derivation import Derivation, UndecidedStepError
from theory.proof.expectation import ExpectedTraces
from theory.proof.expressions import SquaredNorm, matrix_sequence, scalar_sequence
from theory.proof.induction import InequalityInduction, JointInduction
from theory.proof.inequalities import Inequality
from theory.proof.limits import MatrixLimit
from theory.proof.order import Conditional, Transitivity, at_most, slack, times, total, when
from theory.proof.probability import Independence, MatrixInstance
from theory.proof.rules import Algebra, GeometricLimit, Induction, Instance, Rewriting
from theory.proof.scope import bound_symbols, free_symbols
from theory.proof.steps import Assumption, Rule, Step
from theory.proof.unfolding import Unfolding

n, t = (Symbol(name, integer=True, nonnegative=True) for name in "nt")
i, size = (Symbol(name, integer=True, positive=True) for name in "id")
x, y, q = symbols("x y q", real=True)
u, k = scalar_sequence("u"), scalar_sequence("k")
Z, H, A, M = (MatrixSymbol(name, size, size) for name in "ZHAM")


def eq(left, right):
    return Eq(left, right, evaluate=False)


def derivation(assumptions, *steps):
    return Derivation(
        name="trial",
        title="A trial",
        statement=(steps[-1].statement,),
        assumptions=tuple(item if isinstance(item, Assumption) else Assumption("Given", item) for item in assumptions),
        steps=steps,
        source="None",
    )


def step(statement, rule):
    return Step("A step", statement, rule, "By the rule.")


def test_an_induction_knows_its_index_only_as_any_index():
    """n² ≥ 10 n at n = 0, and from n ≥ 5 on; at n = 6 it is 36 against 60."""
    five = at_most(Integer(5), n)
    claim = at_most(10 * n, n**2)
    rule = InequalityInduction(
        variable=n,
        base=Inequality(),
        step=Inequality((five,), certificate=total(slack(claim), times(Integer(2), slack(five)), 1)),
    )
    step_alone = Inequality((five, claim), certificate=rule.step.certificate)
    assert step_alone.prove(at_most(10 * (n + 1), (n + 1) ** 2)) is True
    assert rule.prove(claim) is None
    joint = JointInduction(parts=((claim, rule), (five, rule)))
    assert joint.prove(when(claim)(five).args[0] & five) is None
    with pytest.raises(UndecidedStepError):
        derivation([five], step(claim, rule)).check()


def test_an_induction_with_a_premise_about_its_index_proves_no_equation():
    """u₁ = 0, u₂ = −2, u₃ = −4."""
    start, recurrence, some = eq(u(0), Integer(0)), eq(u(t + 1), u(t) + t * (t - 3)), eq(t * (t - 3), Integer(0))
    rule = Induction(variable=t, recurrence=recurrence, initial=(start,), by=Algebra((some,)))
    assert rule.prove(eq(u(t), Integer(0))) is None
    with pytest.raises(UndecidedStepError):
        derivation([start, recurrence, some], step(eq(u(t), Integer(0)), rule)).check()
    elsewhere = Induction(
        variable=t, recurrence=eq(u(t + 1), u(t) + 1 / (t - 3) - 1 / (t - 3)), by=Algebra((Ne(t, 3),))
    )
    assert elsewhere.prove(eq(u(t), u(0))) is None


def test_what_follows_from_a_premise_about_the_index_is_no_better():
    """The detour puts the index into a statement about a sequence; ``check`` still knows where it comes from."""
    some, detour = eq(t * (t - 3), Integer(0)), eq(u(t) + t * (t - 3), u(t))
    start, recurrence = eq(u(0), Integer(0)), eq(u(t + 1), u(t) + t * (t - 3))
    rule = Induction(variable=t, recurrence=recurrence, initial=(start,), by=Algebra((detour,)))
    assert rule.prove(eq(u(t), Integer(0))) is True  # true of a sequence with such a property at every t
    trial = derivation([start, recurrence, some], step(detour, Algebra((some,))), step(eq(u(t), Integer(0)), rule))
    with pytest.raises(UndecidedStepError, match="known for some t only; induction needs it for all"):
        trial.check()


def test_an_index_that_leaves_numbers_out_is_no_index_of_an_induction():
    even, late = Symbol("n", even=True, nonnegative=True), Symbol("n", integer=True, positive=True)
    for index in (even, late):
        rule = Induction(variable=index, recurrence=eq(u(index + 1), u(index)), by=Algebra())
        assert rule.prove(eq(u(index), u(0))) is None
        keeps = at_most(u(index + 1), u(index))
        falling = InequalityInduction(variable=index, step=Inequality((keeps,), certificate=slack(keeps)))
        assert falling.prove(at_most(u(index), u(0))) is None
    general = eq(u(late), Integer(0))
    assert Instance((general,), variable=late, value=Integer(0)).prove(eq(u(0), Integer(0))) is None
    assert Instance((general,), variable=late, value=Integer(2)).prove(eq(u(2), Integer(0))) is True
    every = eq(u(n), Integer(0))
    assert Instance((every,), variable=n, value=n - 1).prove(eq(u(n - 1), Integer(0))) is None  # u₋₁ is none of them
    assert Instance((every,), variable=n, value=n / 2).prove(eq(u(n / 2), Integer(0))) is None


def test_a_step_may_not_take_its_hypothesis_for_all_indices():
    """u₀ = 0 says nothing of u₁."""
    start, claim = eq(u(0), Integer(0)), eq(u(n), Integer(0))
    circular = InequalityInduction(variable=n, base=Algebra((start,)), step=Instance((claim,), variable=n, value=n + 1))
    assert circular.prove(claim) is None


def test_a_base_may_not_use_the_hypothesis():
    """u_{n+1} = u_n keeps u at 0 if it starts there; that it does, only the hypothesis says."""
    claim = eq(u(n), Integer(0))

    class Keeps(Rule):
        """For sequences that do stay at 0."""

        def prove(self, statement):
            return True

    rule = InequalityInduction(variable=n, base=Instance(variable=n, value=Integer(0)), step=Keeps())
    with pytest.raises(UndecidedStepError):
        derivation([], step(claim, rule)).check()


def test_no_rule_inside_an_induction_may_take_the_hypothesis_for_all_indices():
    class Bold(Rule):
        def prove(self, statement):
            return True

        def generalizes(self, statement):
            return frozenset({n})

    assert Induction(variable=n, recurrence=eq(u(n + 1), u(n)), by=Bold()).prove(eq(u(n), u(0))) is None
    assert InequalityInduction(variable=n, base=Bold(), step=Bold()).prove(at_most(u(n), u(0))) is None


def test_limits_need_their_premises_for_every_index():
    assert GeometricLimit((eq(n, Integer(3)),)).prove(eq(Limit(n, n, oo), Integer(3))) is None
    assert GeometricLimit((Abs(u(n)) < 1,)).prove(eq(Limit(u(n) ** n, n, oo), Integer(0))) is None  # (1 − 1/n)^n → 1/e
    W = matrix_sequence("W", size, size)
    known, fixed = eq(Limit(W(n) * A, n, oo), H), eq(n * M, 3 * M)
    assert MatrixLimit((known,)).prove(eq(Limit(M * W(n) * A, n, oo), M * H)) is True
    assert MatrixLimit((known, fixed)).prove(eq(Limit(M * W(n) * A, n, oo), M * H)) is None
    assert MatrixLimit((known,)).prove(eq(Limit(n * W(n) * A - n * H, n, oo), 0 * A)) is None  # W_n A = H + I / n
    grown = eq(Limit(q**n * 3**n, n, oo), Integer(0))  # (3 q)ⁿ
    assert GeometricLimit((Abs(q) < 1,)).prove(grown) is None
    assert GeometricLimit((Abs(q) < 1,)).prove(eq(Limit(n**3 * q**n, n, oo), Integer(0))) is True
    assert MatrixLimit((known,)).prove(eq(Limit(n * W(n) * A, n, oo), H)) is None
    assert MatrixLimit((known,)).prove(eq(Limit(W(n) * A * W(n) - H * W(n), n, oo), 0 * A)) is None  # W may grow


def test_limits_are_taken_at_infinity():
    W = matrix_sequence("W", size, size)
    at_zero = eq(Limit(W(n) * A, n, 0), H)
    assert MatrixLimit((at_zero,)).prove(eq(Limit(W(n) * A, n, oo), H)) is None
    assert MatrixLimit((eq(Limit(W(n) * A, n, oo), H),)).prove(at_zero) is None
    assert GeometricLimit((Abs(q) < 1,)).prove(eq(Limit(q**n, n, 0), Integer(0))) is None
    assert GeometricLimit((Abs(q) < 1,)).prove(eq(Limit(q**n, n, oo), Integer(0))) is True


def test_sums_and_expectations_need_their_premises_for_all_values():
    small = at_most(i, Integer(3))
    sums = at_most(Sum(i, (i, 1, size)), 3 * size)
    with pytest.raises(UndecidedStepError, match="known for some i only"):
        derivation(
            [small], step(sums, ByLemma((small,), lemma=lemmas.TERMS_BY_THEIR_NUMBER, values={lemmas.g: small.rhs}))
        ).check()
    traces = at_most(exp(Trace(Z)), exp(Trace(H)))
    means = at_most(*(Expectation(side, Z) for side in traces.args))
    with pytest.raises(UndecidedStepError, match="known for some Z only"):
        derivation([traces], step(means, ByLemma((traces,), lemma=lemmas.EXPECTATION_IS_MONOTONE))).check()
    derivation(
        [Assumption("For every Z", traces, every=(Z,))],
        step(means, ByLemma((traces,), lemma=lemmas.EXPECTATION_IS_MONOTONE)),
    ).check()
    special = at_most(exp(Trace(A)), exp(Trace(H)))
    with pytest.raises(UndecidedStepError, match="known for some Z only"):
        derivation([traces], step(special, MatrixInstance((traces,), values=((Z, A),)))).check()


def test_one_entry_stands_for_all_only_if_it_may_be_any():
    """E exp(h z) = 1 for h = 0 says nothing of matrices H."""
    h, entry = symbols("h z", real=True)
    density = exp(-(entry**2) / 2) / sqrt(2 * pi)
    line = (entry, -oo, oo)
    normal = eq(Integral(density, line), Integer(1))
    moved = eq(Integral((exp(h * entry) * density).powsimp(), line), exp(h**2 / 2))
    claim = eq(Expectation(exp(Trace(H.T * Z)), Z), exp(SquaredNorm(H) / 2))
    rule = Independence((moved, normal), random=(Z, entry), fixed=(H, h))
    assert rule.prove(claim) is True
    with pytest.raises(UndecidedStepError, match="known for some h only"):
        derivation([moved, normal], step(claim, rule)).check()
    known = (Assumption("For every h", moved, every=(h,)), normal)
    derivation(known, step(claim, rule)).check()


def test_no_expectation_is_rewritten_by_what_is_known_of_one_draw():
    drawn = eq(Z * A, H)
    assert ExpectedTraces((drawn,)).prove(eq(Expectation(Trace(Z * A), Z), Trace(H))) is None
    assert Rewriting((drawn,)).prove(eq(Expectation(Trace(Z * A), Z), Expectation(Trace(H), Z))) is None
    moment = eq(ExpectedMatrix(Z, Z), M)
    assert ExpectedTraces((moment,)).prove(eq(Expectation(Trace(Z * A), Z), Trace(M * A))) is True


def test_nothing_is_captured():
    """E over Z of tr(HᵀZ) is 0 for H that know nothing of Z; for H = Z it is not."""
    general = eq(Expectation(Trace(H.T * Z), Z), Integer(0))
    captured = eq(Expectation(Trace(Z.T * Z), Z), Integer(0))
    assert MatrixInstance((general,), values=((H, Z),)).prove(captured) is None
    assert MatrixInstance((general,), values=((H, A),)).prove(eq(Expectation(Trace(A.T * Z), Z), Integer(0))) is True
    summed = eq(Sum(x, (i, 1, size)), size * x)
    assert Unfolding((eq(x, i),)).prove(eq(summed.lhs, Sum(i, (i, 1, size)))) is None  # size · x is no triangle number


def test_what_is_bound_is_not_free():
    nested = eq(Expectation(Trace(Z.T * H), Z) + x, Sum(y**i, (i, 1, n)))
    assert free_symbols(nested) == {H, size, x, y, n}
    assert bound_symbols(nested) == {Z, i}
    limit = eq(Limit(x**n, n, oo), y)
    assert free_symbols(limit) == {x, y}
    assert bound_symbols(limit) == {n}
    assert free_symbols(eq(Expectation(Trace(Z), Z), Trace(Z))) == {Z, size}


def test_a_size_is_put_in_everywhere_or_nowhere():
    """‖M‖² = the number of columns, for any M of one law; with M's place taken by c columns the number is c too."""
    columns, others = (Symbol(name, integer=True, positive=True) for name in "bc")
    wide, value = MatrixSymbol("M", size, columns), MatrixSymbol("N", size, others)
    unit, short = eq(SquaredNorm(wide), columns), at_most(SquaredNorm(wide), x)
    wrong, right = eq(SquaredNorm(value), columns), at_most(SquaredNorm(value), x)
    assert MatrixInstance((unit,), values=((wide, value),)).prove(wrong) is None
    assert MatrixInstance((short,), values=((wide, value),)).prove(right) is True


def test_a_condition_is_about_what_is_at_hand():
    claim = at_most(SquaredNorm(Z), x)
    assert Conditional(by=Transitivity((claim,))).prove(when(at_most(Integer(0), x))(claim)) is True
    large = at_most(Integer(3), n)
    constant = GeometricLimit()
    assert Conditional(by=constant).prove(when(large)(eq(Limit(x + 0 * n, n, oo), x))) is not False


def test_an_identity_of_matrices_is_a_premise_for_any_index():
    W = matrix_sequence("W", size, size)
    recurrence, inverse = eq(W(n + 1), W(n) * A * M), eq(A * M, Identity(size))
    assert Induction(variable=n, recurrence=recurrence, by=Rewriting((inverse,))).prove(eq(W(n), W(0))) is True


def test_a_trace_that_turns_in_a_circle_is_no_proof():
    with pytest.raises(ArithmeticError, match="do not terminate in a trace"):
        Rewriting((eq(Z * H, H * Z),)).prove(eq(Trace(Z * H), Trace(Z)))
