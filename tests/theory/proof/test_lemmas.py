"""Textbook facts apply where their conditions hold, and nowhere else; what is cited is listed."""

import pytest
from sympy import (
    Eq,
    Expr,
    Ge,
    Gt,
    Integer,
    Integral,
    LessThan,
    MatrixSymbol,
    Min,
    Sum,
    Symbol,
    Trace,
    exp,
    factorial,
    log,
    oo,
    pi,
    sqrt,
    symbols,
)

import theory
from tests.theory.derivations.evaluation import Point, holds
from theory.derivations import DERIVATIONS
from theory.proof import lemmas
from theory.proof.chance import Expectation, Probability, Variance
from theory.proof.citing import ByLemma
from theory.proof.derivation import Derivation, UndecidedStepError
from theory.proof.lemma import Given, Holds, Lemma
from theory.proof.order import at_most
from theory.proof.real_terms import real_sequence
from theory.proof.scope import bound_symbols
from theory.proof.steps import Assumption, Step

n = Symbol("n", integer=True, nonnegative=True)
i, rows, columns = (Symbol(name, integer=True, positive=True) for name in ("i", "p", "q"))
x, y, z, h = symbols("x y z h", real=True)
a, v = symbols("a v", positive=True)
c, anything = Symbol("c", nonnegative=True), Symbol("g")
u, r = real_sequence("u"), real_sequence("r")
Z, H = MatrixSymbol("Z", rows, columns), MatrixSymbol("H", rows, columns)
T = Trace(H.T * Z)

FORMULAS = {
    name: value for name, value in vars(lemmas).items() if isinstance(value, Lemma) and value.statement is not None
}
CITED_BY_PROCEDURES = {"GEOMETRIC_DECAY"}


def eq(left, right):
    return Eq(left, right, evaluate=False)


# An instance of every lemma: the statement, the premises, and what cannot be read off.
INSTANCES = {
    "MARKOV": (
        at_most(Probability(Ge(T, a, evaluate=False), Z), exp(-v * a) * Expectation(exp(v * T), Z)),
        (),
        {"s": v},
    ),
    "EXPECTATION_IS_MONOTONE": (at_most(Expectation(T, Z), Expectation(T**2 + 1, Z)), (at_most(T, T**2 + 1),), {}),
    "EXPECTATION_OF_EQUALS": (eq(Expectation(T, Z), Expectation(x, Z)), (eq(T, x),), {}),
    "TONELLI": (
        eq(Expectation(Expectation(exp(T), Z), H), Expectation(Expectation(exp(T), H), Z)), (), {},
    ),
    "EXPONENTIAL_INCREASES": (at_most(exp(x), exp(y)), (at_most(x, y),), {}),
    "EXPONENTIAL_SERIES": (eq(Sum(x**n / factorial(n), (n, 0, oo)), exp(x)), (), {}),
    "TERM_BY_TERM": (at_most(Sum(u(i), (i, 1, rows)), Sum(r(i), (i, 1, rows))), (at_most(u(i), r(i)),), {}),
    "SERIES_TERM_BY_TERM": (
        at_most(Sum(a**n / factorial(2 * n), (n, 0, oo)), Sum(a**n / factorial(n), (n, 0, oo))),
        (at_most(a**n / factorial(2 * n), a**n / factorial(n)),),
        {},
    ),
    "TERMS_BY_THEIR_NUMBER": (at_most(Sum(u(i), (i, 1, rows)), rows * x), (at_most(u(i), x),), {"g": x}),
    "SERIES_INTEGRATED": (
        eq(
            Integral(exp(h * z) / 2, (z, -1, 1)),
            Sum(h ** (2 * n) / (2 * n + 1) / factorial(2 * n), (n, 0, oo)),
        ),
        (
            eq(Integral(z ** (2 * n) / 2, (z, -1, 1)), 1 / (2 * n + 1)),
            eq(Integral(z ** (2 * n + 1) / 2, (z, -1, 1)), Integer(0)),
        ),
        {"h": h, "w": Integer(1) / 2, "moment": 1 / (2 * n + 1)},
    ),
    "GAUSSIAN_INTEGRAL": (
        eq(Integral(a * exp(-v * z**2 / 2 + h * z), (z, -oo, oo)), a * sqrt(2 * pi / v) * exp(h**2 / (2 * v))),
        (),
        {"w": v, "b": h, "k": a},
    ),
    "LESS_THAN_THE_LEAST": (at_most(x, Min(y, z)), (at_most(x, y), at_most(x, z)), {"a": y, "b": z}),
    "THE_LEAST_IS_LESS": (at_most(Min(y, z), y), (), {"a": y, "b": z}),
}  # fmt: skip


def rule(name, premises=None, **others):
    _, given, values = INSTANCES[name]
    named = {getattr(lemmas, key): value for key, value in (values | others).items()}
    return ByLemma(given if premises is None else premises, lemma=FORMULAS[name], values=named)


def test_every_lemma_that_has_a_formula_has_an_instance_here():
    assert set(INSTANCES) == set(FORMULAS) - CITED_BY_PROCEDURES


@pytest.mark.parametrize("name", INSTANCES)
def test_an_instance_is_proved_and_the_same_turned_round_is_not(name):
    statement, _, _ = INSTANCES[name]
    assert rule(name).prove(statement) is True
    left, right = statement.args
    assert rule(name).prove(statement.func(left, 2 * right + 1, evaluate=False)) is not True
    assert rule(name).prove(statement.func(left - 1, right, evaluate=False)) is not True
    if isinstance(statement, LessThan):
        assert rule(name).prove(at_most(right, left)) is not True
        assert rule(name).prove(eq(left, right)) is not True  # ≤ is no =
    else:
        assert rule(name).prove(at_most(left, right)) is True  # an equation is an inequality, too


@pytest.mark.parametrize("name", [name for name, (_, premises, _) in INSTANCES.items() if premises])
def test_each_premise_is_needed(name):
    statement, premises, _ = INSTANCES[name]
    for left_out in premises:
        assert rule(name, tuple(premise for premise in premises if premise != left_out)).prove(statement) is None
        wrong = left_out.func(left_out.lhs, left_out.rhs + 1, evaluate=False)
        assert (
            rule(name, tuple(wrong if premise == left_out else premise for premise in premises)).prove(statement)
            is None
        )


@pytest.mark.parametrize("name", INSTANCES)
def test_no_value_depends_on_what_the_lemma_runs_over_unless_it_may(name):
    """E[X E Y] is not E X E Y: what is put in must not be captured."""
    statement, _, _ = INSTANCES[name]
    lemma = FORMULAS[name]
    own = rule(name)
    values = own._found(statement)
    bound = own._bound()
    for symbol in own._symbols() - bound:
        for variable in bound - set(lemma.varies.get(symbol, ())):
            over = values[variable]
            captured = values[symbol] + (SquaredTrace(over) if isinstance(over, MatrixSymbol) else over)
            moved = {**values, symbol: captured}
            sides = [side.xreplace(moved) for side in lemma.statement.args]
            instance = lemma.statement.func(*sides, evaluate=False)
            premises = tuple(
                condition.statement.func(*(side.xreplace(moved) for side in condition.statement.args), evaluate=False)
                for condition in lemma.conditions
                if isinstance(condition, Given | Holds)
            )
            assert ByLemma(premises, lemma=lemma, values=moved).prove(instance) is None, (symbol, variable)


def SquaredTrace(matrix: MatrixSymbol) -> Expr:
    return Trace(matrix.T * matrix)


STANDARD = {"w": Integer(1), "b": Integer(0), "k": Integer(1)}
WRONG = {
    "a negative exponent": ("MARKOV", lambda: (
        at_most(Probability(Ge(T, a, evaluate=False), Z), exp(v * a) * Expectation(exp(-v * T), Z)), (), {"s": -v},
    )),
    "a sign that is not known": ("MARKOV", lambda: (
        at_most(Probability(Ge(T, a, evaluate=False), Z), exp(-x * a) * Expectation(exp(x * T), Z)), (), {"s": x},
    )),
    "one matrix for two": ("TONELLI", lambda: (
        eq(Expectation(Expectation(exp(T), Z), Z), Expectation(Expectation(exp(T), Z), Z)), (), {},
    )),
    "powers of what may be negative": ("EXPONENTIAL_INCREASES", lambda: (
        at_most(x**n, y**n), (at_most(n * log(x), n * log(y)),),
        {"a": n * log(x), "b": n * log(y)},
    )),
    "an index that leaves some out": ("EXPONENTIAL_SERIES", lambda: (
        eq(Sum(x**i / factorial(i), (i, 0, oo)), exp(x)), (), {},
    )),
    "a series from one": ("EXPONENTIAL_SERIES", lambda: (
        eq(Sum(x**n / factorial(n), (n, 1, oo)), exp(x)), (), {},
    )),
    "terms below the first": ("TERM_BY_TERM", lambda: (
        at_most(Sum(u(i), (i, 0, rows)), Sum(r(i), (i, 0, rows))), (at_most(u(i), r(i)),), {},
    )),
    "an infinite sum of any terms": ("TERM_BY_TERM", lambda: (
        at_most(Sum(u(i), (i, 1, oo)), Sum(r(i), (i, 1, oo))), (at_most(u(i), r(i)),), {},
    )),
    "a series of any terms": ("SERIES_TERM_BY_TERM", lambda: (
        at_most(Sum(u(i), (i, 1, oo)), Sum(r(i), (i, 1, oo))), (at_most(u(i), r(i)),), {},
    )),
    "an empty sum": ("TERMS_BY_THEIR_NUMBER", lambda: (
        at_most(Sum(u(i), (i, 5, rows)), (rows - 4) * x), (at_most(u(i), x),), {"g": x},
    )),
    "an unbounded interval": ("SERIES_INTEGRATED", lambda: (
        eq(Integral(exp(h * z) * u(0), (z, -oo, oo)), Sum(h ** (2 * n) * r(n) / factorial(2 * n), (n, 0, oo))),
        (
            eq(Integral(z ** (2 * n) * u(0), (z, -oo, oo)), r(n)),
            eq(Integral(z ** (2 * n + 1) * u(0), (z, -oo, oo)), Integer(0)),
        ),
        {"h": h, "w": u(0), "moment": r(n)},
    )),
    "a curvature of any sign": ("GAUSSIAN_INTEGRAL", lambda: (
        eq(Integral(exp(-x * z**2 / 2), (z, -oo, oo)), sqrt(2 * pi) / sqrt(x)), (), STANDARD | {"w": x},
    )),
    "a curvature that may be zero": (
        "GAUSSIAN_INTEGRAL",
        lambda: (
            eq(Integral(exp(-c * z**2 / 2), (z, -oo, oo)), sqrt(2 * pi) / sqrt(c)), (), STANDARD | {"w": c},
        ),
    ),
    "a factor that is no constant": (
        "GAUSSIAN_INTEGRAL",
        lambda: (
            eq(Integral(z * exp(-(z**2) / 2), (z, -oo, oo)), z * sqrt(2 * pi)), (), STANDARD | {"k": z},
        ),
    ),
    "a factor that may be infinite": (
        "GAUSSIAN_INTEGRAL",
        lambda: (
            eq(Integral(anything * exp(-(z**2) / 2), (z, -oo, oo)), anything * sqrt(2 * pi)),
            (),
            STANDARD | {"k": anything},
        ),
    ),
    "a variance for an expectation": (
        "EXPECTATION_IS_MONOTONE",
        lambda: (at_most(Variance(T, Z), Expectation(T**2 + 1, Z)), (at_most(T, T**2 + 1),), {"f": T, "g": T**2 + 1}),
    ),
    "the opposite premise": (
        "EXPONENTIAL_INCREASES",
        lambda: (at_most(exp(x), exp(y)), (Ge(x, y, evaluate=False),), {}),
    ),
    "logarithms of what may be negative": (
        "EXPONENTIAL_INCREASES",
        lambda: (
            at_most(exp(n * log(x) + a), exp(n * log(y) + a)), (at_most(n * log(x) + a, n * log(y) + a),), {},
        ),
    ),
    "a premise about one index": (
        "TERM_BY_TERM",
        lambda: (
            at_most(Sum(i * u(i), (i, 1, rows)), Sum(r(i), (i, 1, rows))), (at_most(u(i), r(i)), eq(i, Integer(1))),
            {"f": u(i)},
        ),
    ),
    "half the line": ("GAUSSIAN_INTEGRAL", lambda: (
        eq(Integral(exp(-(z**2) / 2), (z, 0, oo)), sqrt(2 * pi)), (), STANDARD,
    )),
    "a variable of one sign": ("GAUSSIAN_INTEGRAL", lambda: (
        eq(Integral(exp(-(a**2) / 2), (a, -oo, oo)), sqrt(2 * pi)), (), STANDARD,
    )),
    "more than the greater": ("THE_LEAST_IS_LESS", lambda: (at_most(y, Min(y, z)), (), {"a": y, "b": z})),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_no_lemma_is_applied_where_a_condition_fails(case):
    name, make = WRONG[case]
    statement, premises, values = make()
    named = {getattr(lemmas, key): value for key, value in values.items()}
    assert ByLemma(premises, lemma=FORMULAS[name], values=named).prove(statement) is None


def test_a_condition_may_be_a_premise():
    statement = at_most(Probability(Ge(T, a, evaluate=False), Z), exp(-x * a) * Expectation(exp(x * T), Z))
    assert ByLemma((Ge(x, 0, evaluate=False),), lemma=lemmas.MARKOV, values={lemmas.s: x}).prove(statement) is True
    integral = eq(Integral(exp(-x * z**2 / 2), (z, -oo, oo)), sqrt(2 * pi) / sqrt(x))
    values = {lemmas.w: x, lemmas.b: Integer(0), lemmas.k: Integer(1)}
    premise = Gt(x, 0, evaluate=False)
    assert ByLemma((premise,), lemma=lemmas.GAUSSIAN_INTEGRAL, values=values).prove(integral) is True


def test_premises_under_a_sum_hold_for_every_index():
    """From u_i ≤ r_i for some i nothing follows about sums."""
    statement, (premise,), _ = INSTANCES["TERM_BY_TERM"]
    fixed = Symbol("j", integer=True, positive=True)
    some = at_most(fixed * x, fixed + x)
    sums = at_most(Sum(some.lhs, (fixed, 1, rows)), Sum(some.rhs, (fixed, 1, rows)))

    def derivation(assumption, claim, premise):
        cite = ByLemma((premise,), lemma=lemmas.TERM_BY_TERM)
        return Derivation("test", "Test", (claim,), (assumption,), (Step("Sums", claim, cite, "So."),), "None")

    derivation(Assumption("For every index", premise), statement, premise).check()
    with pytest.raises(UndecidedStepError, match="known for some j only"):
        derivation(Assumption("For some", some), sums, some).check()
    derivation(Assumption("For every", some, every=(fixed,)), sums, some).check()


NUMBERS = {  # at these, both sides can be computed by summing and integrating
    "EXPONENTIAL_SERIES": {"x": -1.5},
    "SERIES_TERM_BY_TERM": {"a": 2.0},
    "SERIES_INTEGRATED": {"h": 1.25},
    "GAUSSIAN_INTEGRAL": {"a": 0.5, "v": 2.0, "h": -0.75},
}


@pytest.mark.parametrize("name", NUMBERS)
def test_the_formulas_hold_in_numbers(name):
    statement, _, _ = INSTANCES[name]
    assert holds(statement, Point(NUMBERS[name]))


def test_what_is_cited_is_listed_apart_from_what_is_proved():
    for name in DERIVATIONS:
        derivation = theory.derive(name)
        used = {lemma for step in derivation.steps for lemma in step.rule.cites}
        assert set(derivation.cited) == used
        assert len(derivation.cited) == len(used)
        printed, typeset = str(derivation), derivation.to_latex()
        assert ("Cited from textbooks, not proved here" in printed) is bool(used)
        assert (r"\paragraph{Cited from textbooks, not proved here.}" in typeset) is bool(used)
        flat = " ".join(printed.split())
        for lemma in used:
            assert lemma.source in flat
            assert lemma.source in typeset
    bound = [lemma.name for lemma in theory.derive("cnn-mse-bound").cited]
    assert "Markov's inequality" in bound
    assert "the mean value theorem" in bound


def test_every_lemma_says_where_it_is_proved():
    for lemma in (value for value in vars(lemmas).values() if isinstance(value, Lemma)):
        assert lemma.words.endswith(".")
        assert any(word in lemma.source for word in ("theorem", "definition", "equation", "section"))
        if lemma.statement is not None:
            bound = bound_symbols(lemma.statement)
            assert all(set(variables) <= bound for variables in lemma.varies.values())
