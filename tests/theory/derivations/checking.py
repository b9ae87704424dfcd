"""What every derivation must pass, whatever it derives."""

from pathlib import Path

import numpy as np
import pytest
from sympy import Basic, Dummy, Implies, lambdify

from tests.theory.derivations.mutations import alone, altered_rules, mutants, without_premises
from tests.theory.proof.latex_syntax import assert_compiles
from theory.proof.derivation import Derivation, DerivationError
from theory.proof.expressions import Term
from theory.proof.steps import Rule

BRUTE_FORCE_MUTANTS = 3  # of a step that takes seconds to refute; the same mutants fail its proof by algebra


def assert_rejects_wrong_statements(derivation: Derivation, *, still_true: frozenset[Basic] = frozenset()) -> None:
    """Every step fails once anything in its statement is changed, but for the changes known to leave it true.

    An implication may stay true when its condition is strengthened or its conclusion weakened: those that are still
    proved must hold at random points, and others must fail.
    """
    for index, step in enumerate(derivation.steps):
        changed = [mutant for mutant in mutants(step.statement) if mutant not in still_true]
        if step.rule.name == "brute force":
            changed = changed[:BRUTE_FORCE_MUTANTS]
        assert changed, f"nothing to change in {step.title}"
        proved = [mutant for mutant in changed if _is_proved(derivation, index, mutant)]
        assert len(proved) < len(changed), f"{step.title} stays true whatever is changed"
        for mutant in proved:
            assert isinstance(mutant, Implies), f"{step.title}: {mutant} is proved"
            assert holds_at_random_points(mutant), f"{step.title}: {mutant} is proved, and false"


def _is_proved(derivation: Derivation, index: int, statement: Basic) -> bool:
    try:
        _check(derivation, index, statement=statement)
    except DerivationError:
        return False
    return True


def holds_at_random_points(implication: Implies, points: int = 10_000) -> bool:
    """Whether no counterexample is found among points that satisfy what the symbols are assumed to."""
    rng = np.random.default_rng(0)
    terms = {term: Dummy(real=True) for term in implication.atoms(Term)}
    opened = implication.xreplace(terms)
    symbols = sorted(opened.free_symbols, key=str)
    values = [rng.normal(0, 2, points) for _ in symbols]
    values = [np.abs(value) if symbol.is_nonnegative else value for symbol, value in zip(symbols, values, strict=True)]
    condition, conclusion = (lambdify(symbols, part, "numpy")(*values) for part in opened.args)
    return bool(np.all(~np.asarray(condition) | conclusion))


def assert_rejects_wrong_rules(derivation: Derivation) -> None:
    """Every step fails once a premise of its rule is changed to one that nobody has established."""
    for index, step in enumerate(derivation.steps):
        for rule in altered_rules(step):
            with pytest.raises(DerivationError, match="neither assumed nor proved"):
                _check(derivation, index, rule=rule)


def assert_needs_its_premises(derivation: Derivation) -> None:
    """No step is proved by a rule that has been robbed of its premises."""
    for index, step in enumerate(derivation.steps):
        bare = without_premises(step.rule)
        if bare is not None:
            with pytest.raises(DerivationError):
                _check(derivation, index, rule=bare)


def assert_typesets(derivation: Derivation, folder: Path) -> None:
    """The page compiles, and shows every claim, assumption and step."""
    assert_compiles(derivation.to_latex(standalone=True), folder)
    page = derivation.to_latex()
    assert r"\documentclass" not in page
    assert page.count(r"\item") >= len(derivation.assumptions) + len(derivation.steps)
    assert "True" not in page


def _check(derivation: Derivation, index: int, *, statement: Basic | None = None, rule: Rule | None = None) -> None:
    alone(derivation, index, statement=statement, rule=rule).check()
