"""The framework proves what is displayed, from what has been established, or says that it cannot."""

import importlib
import pkgutil
import subprocess
import sys
from dataclasses import replace

import pytest
from sympy import (
    Abs,
    And,
    Derivative,
    Determinant,
    Eq,
    Equivalent,
    Function,
    Ge,
    Gt,
    Identity,
    ImmutableMatrix,
    Integer,
    Limit,
    MatrixSymbol,
    Ne,
    Piecewise,
    S,
    Symbol,
    Trace,
    exp,
    log,
    oo,
    sign,
    sin,
    sqrt,
    symbols,
)

from theory import proof
from theory.derivations import DERIVATIONS, derive
from theory.proof.brute_force import BruteForce, Case
from theory.proof.derivation import Derivation, RefutedStepError, UndecidedStepError
from theory.proof.expressions import Gradient, SquaredNorm, matrix_sequence, scalar_sequence
from theory.proof.inequalities import Growth, Inequality
from theory.proof.latex import escape
from theory.proof.order import at_most
from theory.proof.real_algebra import RealAlgebra
from theory.proof.rules import (
    Algebra,
    Chain,
    Differentiation,
    GeometricLimit,
    GradientFromDefinition,
    Induction,
    Instance,
    MatrixEntries,
    Rewriting,
)
from theory.proof.steps import Assumption, Rule, Step
from theory.proof.vanishing import vanishes

x, y, q = symbols("x y q", real=True)
positive = Symbol("c", positive=True)
n = Symbol("n", integer=True, nonnegative=True)
size = Symbol("d", integer=True, positive=True)
A, B = (MatrixSymbol(name, size, size) for name in "AB")
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


def test_a_true_step_passes():
    one_step(eq((x + y) ** 2, x**2 + 2 * x * y + y**2), Algebra()).check()


def test_a_false_step_is_refuted_by_name():
    with pytest.raises(RefutedStepError, match=r"trial, step 1 \(The only step\)"):
        one_step(eq((x + y) ** 2, x**2 + y**2), Algebra()).check()


def test_a_step_that_cannot_be_decided_is_no_pass():
    with pytest.raises(UndecidedStepError):
        one_step(eq(log(x**2 * exp(y)), y + log(x**2) + sin(x) - sin(x)), Algebra()).check()


def test_a_rule_that_breaks_down_proves_nothing():
    with pytest.raises(UndecidedStepError, match="failed on"):
        one_step(eq(x, x), Inequality()).check()


def test_a_premise_must_be_assumed_or_proved():
    known = eq(x, 2 * y)
    with pytest.raises(UndecidedStepError, match="neither assumed nor proved"):
        one_step(eq(x**2, 4 * y**2), Algebra((known,))).check()
    one_step(eq(x**2, 4 * y**2), Algebra((known,)), known).check()


def test_a_premise_may_not_come_later():
    early, late = (
        Step("Early", eq(x**2, 4 * y**2), Algebra((eq(x, 2 * y),)), ""),
        Step("Late", eq(x, 2 * y), Algebra(), ""),
    )
    trial = replace(one_step(early.statement, early.rule), steps=(early, late))
    with pytest.raises(UndecidedStepError, match="step 1"):
        trial.check()


def test_contradictory_premises_prove_nothing():
    premises = (eq(x, Integer(1)), eq(x, Integer(2)))
    with pytest.raises(UndecidedStepError):
        one_step(eq(y, Integer(7)), Algebra(premises), *premises).check()


def test_every_claim_needs_a_step():
    trial = one_step(eq(x + x, 2 * x + 0 * y), Algebra())
    with pytest.raises(UndecidedStepError, match="no step proves the claim"):
        replace(trial, statement=(eq(x, y),)).check()
    with pytest.raises(UndecidedStepError, match="claims nothing"):
        replace(trial, statement=()).check()


def test_every_result_stands_in_a_proved_statement():
    trial = one_step(eq((x + y) ** 2, x**2 + 2 * x * y + y**2), Algebra())
    replace(trial, result={"square": (x + y) ** 2}).check()
    with pytest.raises(UndecidedStepError, match="'cube' stands in no proved statement"):
        replace(trial, result={"cube": (x + y) ** 3}).check()


def test_a_statement_evaluated_away_is_no_statement():
    with pytest.raises(UndecidedStepError, match="evaluated away"):
        one_step(S.true, RealAlgebra(variables=(x,))).check()


def test_rational_functions_vanish_only_where_defined():
    assert vanishes(1 / positive - 1 / positive**2 * positive) is True
    assert vanishes(x / x**2 - 1 / x + (1 / (x - y) - 1 / (x - y) * (x - y) / (x - y))) is not False
    assert vanishes((x**2 - y**2) / (x - y) - x - y) is None
    assert vanishes((x**2 - y**2) / (x - y) - x - y, (Ne(x, y),)) is True


def test_roots_exponents_and_powers():
    assert vanishes(q ** (n + 1) - q * q**n) is True
    assert vanishes(q ** (2 * n) - (q**n) ** 2) is True
    assert vanishes(exp(x + y) - exp(x) * exp(y)) is True
    assert vanishes((1 + sqrt(2)) ** 2 - 3 - 2 * sqrt(2)) is True
    assert vanishes(sqrt(2) * sqrt(3) - sqrt(6)) is not False
    assert vanishes(log(2) + log(3) - log(6)) is None
    assert vanishes(q ** (n + 1) - q**n) is False


def test_rewriting_does_not_commute():
    assert Rewriting().prove(eq((A + B) * (A - B), A * A - A * B + B * A - B * B)) is True
    assert Rewriting().prove(eq((A + B) * (A - B), A * A - B * B)) is False


def test_rewriting_needs_its_rule():
    rule = eq(A * B, Identity(size))
    assert Rewriting((rule,)).prove(eq(B * A * B * A, B * A)) is True
    assert Rewriting().prove(eq(B * A * B * A, B * A)) is False
    assert Rewriting((rule,)).prove(eq(B * A, Identity(size))) is None  # true of square matrices


def test_rules_without_unique_normal_forms_refute_nothing():
    rules = (eq(A * A, A), eq(A * B, Identity(size)))  # A A B is A B = I, or A I = A
    assert Rewriting(rules).prove(eq(A, Identity(size))) is None


def test_rules_that_go_on_for_ever_are_no_proof():
    with pytest.raises(UndecidedStepError, match="do not terminate"):
        one_step(eq(A, B), Rewriting((eq(A, A * B),)), eq(A, A * B)).check()


def test_traces_turn_and_transpose():
    assert Rewriting().prove(eq(Trace(A * B.T * B), Trace(B * A.T * B.T))) is True
    assert Rewriting().prove(eq(Trace(A * A * B * B), Trace(A * B * A * B))) is False
    column = MatrixSymbol("v", size, 1)
    unit = eq(column.T * column, 3 * Identity(1))
    assert Rewriting((unit,)).prove(eq(Trace(column * column.T), Integer(3))) is True
    assert Rewriting().prove(eq(Trace(Identity(size)), size)) is True


def test_the_gradient_is_the_gradient():
    claim = eq(Gradient(SquaredNorm(A * B - B), A), 2 * (A * B - B) * B.T)
    assert GradientFromDefinition().prove(claim) is True
    assert GradientFromDefinition().prove(eq(claim.lhs, (A * B - B) * B.T)) is False
    assert GradientFromDefinition().prove(eq(claim.lhs, 2 * (A * B - B) * B)) is False


def test_induction_proves_base_and_step():
    recurrence, start = eq(u(n + 1), 2 * u(n) + 1), eq(u(0), Integer(0))
    rule = Induction(variable=n, recurrence=recurrence, initial=(start,), by=Algebra())
    assert rule.prove(eq(u(n), 2**n - 1)) is True
    assert rule.prove(eq(u(n), 2 ** (n + 1) - 1)) is False  # only the step holds
    assert rule.prove(eq(u(n), n)) is False  # only the base holds


def test_induction_on_matrices_uses_its_hypothesis():
    w, v = matrix_sequence("w", size, size), MatrixSymbol("v", size, 1)
    rule = Induction(variable=n, recurrence=eq(w(n + 1) * v, 3 * w(n) * v))
    assert rule.prove(eq(w(n) * v, 3**n * w(0) * v)) is True
    assert rule.prove(eq(w(n) * v, 3 ** (n + 1) * w(0) * v)) is False


def test_limits_need_the_ratio_to_be_small():
    statement = eq(Limit(1 + n * q**n, n, oo), Integer(1))
    assert GeometricLimit((Abs(q) < 1,)).prove(statement) is True
    assert GeometricLimit().prove(statement) is None
    assert GeometricLimit((Abs(q) < 1,)).prove(eq(Limit(1 + n * q**n, n, oo), Integer(2))) is False
    assert GeometricLimit((Abs(q) < 1,)).prove(eq(Limit(n + q**n, n, oo), Integer(0))) is None


def test_a_chain_is_as_strong_as_its_links():
    by = (Algebra(), Algebra())
    assert Chain(through=((x + 1) ** 2 - 1,), by=by).prove(eq(x * (x + 2), x**2 + 2 * x)) is True
    assert Chain(through=((x + 1) ** 2 - 1,), by=by).prove(eq(x * (x + 2), x**2 + x)) is False
    assert Chain(through=(x,), by=by).prove(eq(x * (x + 2), x**2 + 2 * x)) is None


def test_special_cases_and_entries_and_derivatives():
    general = eq(u(n + 1), 2 * u(n))
    assert Instance((general,), variable=n, value=Integer(0)).prove(eq(u(1), 2 * u(0))) is True
    assert Instance((general,), variable=n, value=Integer(0)).prove(eq(u(1), u(0))) is None
    assert Instance((general,), variable=n, value=Integer(-1)).prove(eq(u(0), 2 * u(-1))) is None
    M, entries = MatrixSymbol("M", 2, 2), ImmutableMatrix([[1, x], [0, 1]])
    squared = ImmutableMatrix([[1, 2 * x], [0, 1]])
    assert MatrixEntries((eq(M, entries),)).prove(eq(M * M, squared)) is True
    assert MatrixEntries((eq(M, entries),)).prove(eq(M * M, entries)) is False
    assert Algebra().prove(eq(Determinant(entries), Integer(1))) is True
    assert Differentiation().prove(eq(Derivative(x**3, x), 3 * x**2)) is True
    assert Differentiation().prove(eq(Derivative(x**3, x), 2 * x**2)) is False
    assert Differentiation().prove(eq(Derivative(Function("f")(x), x), x)) is not True


def test_inequalities_with_manifest_signs_and_certificates():
    assert Inequality().prove(x**2 + y**2 >= 2 * x * y) is True
    assert Inequality().prove(x**2 + y**2 >= 3 * x * y) is False
    assert Inequality().prove(x**2 + y**2 > 2 * x * y) is False
    small = (x < 1, x > -1)
    assert Inequality(small, certificate=(1 - x) * (x + 1)).prove(x**2 < 1) is True
    assert Inequality(certificate=(1 - x) * (x + 1)).prove(x**2 < 1) is not True
    assert Inequality(small, certificate=(1 - x) ** 2).prove(x**2 < 1) is not True
    assert Inequality((x <= y,), certificate=y - x).prove(x < y) is not True  # they may be equal
    assert Inequality((x < y,), certificate=y - x).prove(x < y) is True
    unknown = Function("f", real=True)(x)
    assert Inequality(certificate=S.One).prove(Gt(unknown, 0, evaluate=False)) is None  # that it is 1, nobody says
    ladder = Growth(variable=positive, along=Growth(variable=positive))
    assert ladder.prove(exp(positive) >= 1 + positive + positive**2 / 4) is None
    assert Growth(variable=positive, along=ladder).prove(exp(positive) >= 1 + positive + positive**2 / 2) is True
    assert Growth(variable=positive).prove(exp(positive) <= 1 + positive) is False


def test_growth_uses_its_derivative_from_the_start_on():
    parabola = (x - 2) ** 2 >= 4  # false between 0 and 4, though it grows from 2 on
    assert Growth((x > 3,), variable=x).prove(parabola) is not True
    assert Growth((x > 3, x > 0), variable=x).prove(parabola) is not True
    assert Growth(variable=x).prove(exp(x) >= 1 + x) is None  # nothing says that x starts at 0
    assert Growth(variable=x, start=Integer(2), along=Inequality((x >= 2,))).prove(x**2 >= 4) is True
    assert Growth(variable=x, start=Integer(2), along=Inequality((x >= 2,))).prove(x**2 >= 5) is False


def test_growth_does_not_jump_over_a_pole():
    """−1/x grows on both sides of 0, from 1 at −1 to −1 at 1."""
    upward = Growth((x >= -1,), variable=x, start=Integer(-1), along=Inequality(certificate=x ** (-2)))
    assert upward.prove(-1 / x >= 0) is not True
    falling = Growth((x >= -1,), variable=x, start=Integer(-1), along=Inequality(certificate=S.Zero))
    assert falling.prove(-sign(x) >= 0) is not True
    steps = Piecewise((1, x < 0), (-1, True))  # its derivative is 0 wherever it has one
    assert Growth((x >= -1,), variable=x, start=Integer(-1)).prove(Ge(steps, 0, evaluate=False)) is not True

    class Rising(Rule):
        """For functions that do rise wherever they are defined."""

        def prove(self, statement):
            return True

    beyond = Growth(variable=positive, along=Rising())
    assert beyond.prove(Ge(1 / (1 - positive), 0, evaluate=False)) is not True  # −1 at 2
    assert beyond.prove(Ge(-log(1 - positive), 0, evaluate=False)) is not True  # no number at 2
    assert beyond.prove(Ge(1 - 1 / (1 + positive), 0, evaluate=False)) is True


def test_growth_starts_where_its_variable_does():
    """x³/3 ≥ x²/2 is false at ½, and x ≥ 0 is false at −1; each grows somewhere."""
    assert Growth((x > 0,), variable=y).prove(y >= 0) is not True
    assert Growth(variable=x).prove(at_most(S.Zero, x)) is not True
    above = at_most(positive, positive**2)  # an upper bound that moves with the variable: false below 1
    rising = Inequality((above,), certificate=positive**2 - positive)
    assert rising.prove(at_most(S.Zero, positive**2 - positive)) is True
    assert Growth((above,), variable=positive, along=rising).prove(positive**3 / 3 >= positive**2 / 2) is not True
    assert Growth((x >= x,), variable=x, start=x).prove(at_most(S.Zero, x)) is not True
    nonzero = Symbol("x", real=True, nonzero=True)
    assert Growth((nonzero > -1,), variable=nonzero, start=Integer(-1)).prove(nonzero + 1 >= 0) is not True


def test_real_algebra_decides_by_cells():
    disc = RealAlgebra(variables=(x, y))
    assert disc.prove(Equivalent(And(x * y < 1, x * y > -1), x**2 * y**2 < 1)) is True
    assert disc.prove(Equivalent(And(x < 1, y < 1), x * y < 1)) is False
    assert disc.prove((x - y) ** 2 >= 0) is True
    assert disc.prove(Ne((x - y) ** 2, 0)) is False
    assert RealAlgebra((x**2 + y**2 < 1,), variables=(x, y)).prove(x + y < 2) is True
    assert RealAlgebra((x**2 + y**2 < 1,), variables=(x, y)).prove(x + y < 1) is False
    assert RealAlgebra(variables=(positive,)).prove(positive * (positive + 1) > 0) is True
    assert RealAlgebra(variables=(n,)).prove(2 * n**2 - n >= 0) is None


def test_brute_force_recomputes_every_case():
    w = matrix_sequence("W", size, size)
    powers = ImmutableMatrix([[1, x], [0, 1]])
    cases = tuple(
        Case(f"n = {count}", lambda count=count: {n: count, size: 2, A: powers, w(count): powers**count})
        for count in range(4)
    )
    entry = eq(w(n), Identity(size) + n * (A - Identity(size)))
    assert BruteForce(cases=cases).prove(entry) is True
    assert BruteForce(cases=cases).prove(eq(w(n), Identity(size) + n**2 * (A - Identity(size)))) is False
    assert BruteForce().prove(entry) is None


def test_words_are_escaped_and_mathematics_is_not():
    assert escape("50% of $x_1$ & more_or_less") == r"50\% of $x_1$ \& more\_or\_less"
    with pytest.raises(ValueError, match="not closed"):
        escape("an open $x")
    with pytest.raises(ValueError, match="κ"):
        escape("the rate κ")


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"fcn-limit.*nonlinear-span.*'theorem-3'"):
        derive("theorem-3")
    assert {"fcn-limit", "fcn-trajectory", "cnn-limit", "momentum"} <= set(DERIVATIONS)


def test_sympy_is_not_imported_before_it_is_needed():
    program = "import sys, theory.derivations; sys.exit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def every_rule():
    """All rules of the checker, those that are imported by no derivation too."""
    for module in pkgutil.iter_modules(proof.__path__):
        importlib.import_module(f"{proof.__name__}.{module.name}")
    found, pending = set(), [Rule]
    while pending:
        kinds = pending.pop().__subclasses__()
        pending += kinds
        found |= {kind for kind in kinds if kind.__module__.startswith(proof.__name__)}
    return sorted(found, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("rule", every_rule(), ids=lambda rule: rule.__name__)
def test_every_rule_says_why_it_is_sound(rule):
    """In a paragraph of its own, for a reader who trusts nothing else of the checker."""
    paragraphs = [" ".join(part.split()) for part in rule.__doc__.split("\n\n")]
    reasons = [part for part in paragraphs if part.startswith("Sound ")]
    assert len(reasons) == 1
    assert len(reasons[0].split()) >= 12
    assert rule.prove.__doc__


def test_no_rule_is_made_for_one_textbook_fact():
    """Those are data, `theory.proof.lemmas`; there are few rules, so that each can be read."""
    assert len(every_rule()) <= 28
    with pytest.raises(TypeError, match="abstract"):
        Rule()


def test_no_formula_is_broken_between_lines_of_words():
    for name in DERIVATIONS:
        derivation = derive(name)
        lines = str(derivation).splitlines()
        for step in derivation.steps:
            for formula in step.justification.split("$")[1::2]:
                assert any(formula in line for line in lines), formula
