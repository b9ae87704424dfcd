"""False means that there is a counterexample: a truth that a rule cannot see is undecided."""

import pytest
from sympy import (
    And,
    Eq,
    Equivalent,
    Identity,
    Implies,
    Integer,
    Integral,
    MatrixSymbol,
    Ne,
    Not,
    Or,
    Rational,
    Sum,
    Symbol,
    Trace,
    exp,
    oo,
    sqrt,
    symbols,
)

from theory.proof import lemmas
from theory.proof.brute_force import BruteForce, Case
from theory.proof.citing import ByLemma
from theory.proof.counterexample import counterexample, found_counterexamples, refuted, truth
from theory.proof.derivation import Derivation, RefutedStepError, UndecidedStepError
from theory.proof.expressions import SquaredNorm, matrix_sequence, scalar_sequence
from theory.proof.inequalities import Inequality
from theory.proof.order import at_most
from theory.proof.rules import Algebra, Chain, Induction, Rewriting
from theory.proof.steps import Assumption, Rule, Step
from theory.proof.vanishing import vanishes

x, y, z = symbols("x y z", real=True)
p = Symbol("p", positive=True)
n = Symbol("n", integer=True, nonnegative=True)
size = Symbol("d", integer=True, positive=True)
A, B = (MatrixSymbol(name, size, size) for name in "AB")
v = MatrixSymbol("v", size, 1)
u = scalar_sequence("u")


def eq(left, right):
    return Eq(left, right, evaluate=False)


def one_step(statement, rule, *assumptions):
    return Derivation(
        name="trial",
        title="A trial",
        statement=(statement,),
        assumptions=tuple(Assumption("Given", assumption) for assumption in assumptions),
        steps=(Step("The only step", statement, rule, "By the rule."),),
        source="None",
    )


def test_truths_that_no_rule_sees_are_not_called_false():
    inverse = eq(A * B, Identity(size))
    assert Rewriting((inverse,)).prove(eq(B * A, Identity(size))) is None
    assert Rewriting().prove(eq(v.T * A * v, v.T * A.T * v)) is not False
    assert Algebra((eq(x**2 + y**2, Integer(0)),)).prove(eq(x, Integer(0))) is None
    assert vanishes(sqrt(x**2 + 2 * x * y + y**2) - sqrt((x + y) ** 2)) is not False
    wave = exp(-(z**2) / 2)
    gaussian = {lemmas.w: Integer(1), lemmas.b: Integer(0), lemmas.k: Integer(1)}
    longer = at_most(Integral(wave, (z, -oo, oo)), Integer(3))  # √(2π) = 2.50…
    assert ByLemma(lemma=lemmas.GAUSSIAN_INTEGRAL, values=gaussian).prove(longer) is not False
    links = (eq(x, y), eq(y, Integer(0)))
    assert Chain(through=(x + 1,), by=(Algebra(links), Algebra(links))).prove(eq(x, Integer(0))) is not False


def test_a_premise_about_a_whole_sequence_refutes_nothing_at_one_point():
    """u_{n+2} = 4 u_n follows from u_{n+1} = 2 u_n, used twice."""
    assert Algebra((eq(u(n + 1), 2 * u(n)),)).prove(eq(u(n + 2), 4 * u(n))) is None


def test_a_refuted_step_names_its_counterexample():
    statement = eq((x + y) ** 2, x**2 + y**2)
    with pytest.raises(RefutedStepError, match=r"is false at x = .*, y = ") as caught:
        one_step(statement, Algebra()).check()
    values = caught.value.counterexample
    assert 2 * values[x] * values[y] != 0


def test_counterexamples_satisfy_the_premises():
    double, large = eq(x, 2 * y), y > 1
    point = counterexample(eq(x**2, 2 * y**2), (double, large))
    assert point is not None
    assert point[x] == 2 * point[y] > 2
    assert counterexample(eq(x**2, 4 * y**2), (double, large)) is None
    assert counterexample(eq(x, y), (eq(x, Integer(1)), eq(x, Integer(2)))) is None
    assert counterexample(p > 0) is None


def test_counterexamples_of_matrices_are_explicit():
    point = counterexample(eq(A * B, B * A))
    assert point is not None
    assert point[A] * point[B] != point[B] * point[A]
    zero = counterexample(eq(B, A), (eq(B, 2 * A),))
    assert zero is not None
    assert zero[B] == 2 * zero[A]


def test_a_rule_that_says_false_without_a_counterexample_is_undecided():
    class Pessimist(Rule):
        def prove(self, statement):
            return False

    with pytest.raises(UndecidedStepError):
        one_step(eq(x, x + 1), Pessimist()).check()


def test_an_induction_is_refuted_by_the_first_terms():
    recurrence, start = eq(u(n + 1), 2 * u(n) + 1), eq(u(0), Integer(0))
    rule = Induction(variable=n, recurrence=recurrence, initial=(start,), by=Algebra())
    with found_counterexamples():
        assert rule.prove(eq(u(n), n)) is False
    w = matrix_sequence("w", size, size)
    assert Induction(variable=n, recurrence=eq(w(n + 1), A * w(n))).prove(eq(w(n), A * w(0))) is False


def test_truth_at_a_point():
    at = {x: Integer(1), y: Rational(1, 2)}
    true, false, unknown = x > y, x < y, eq(z, Integer(0))
    assert truth(And(true, false, evaluate=False), at) is False
    assert truth(Or(true, false), at) is True
    assert truth(Implies(false, true), at) is True
    assert truth(Implies(true, false), at) is False
    assert truth(Equivalent(true, false), at) is False
    assert truth(Not(false), at) is True
    assert truth(Ne(x, y), at) is True
    assert truth(unknown, at) is None
    assert truth(eq(sqrt(x + 1) ** 2, 2 * x), at) is True
    assert truth(eq(Sum(x * n, (n, 1, 3)), 6 * x), at) is True


def test_explicit_cases_are_refuted_with_their_values():
    case = Case("$x = 2$", lambda: {x: Integer(2), A: Identity(2), size: Integer(2)})
    with found_counterexamples() as found:
        assert BruteForce(cases=(case,)).prove(x > 3) is False
    assert found[-1][x] == 2


def test_inequalities_are_refuted_at_points_that_are_allowed():
    assert Inequality((x >= 2,)).prove(x**2 >= 5) is False
    assert Inequality((p <= 1,)).prove(at_most(p**2, p)) is not False
    assert refuted(at_most(Integer(0), SquaredNorm(A))) is None
    assert refuted(at_most(3 * Trace(A), SquaredNorm(A)), attempts=60) is False
