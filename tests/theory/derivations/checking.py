"""What every derivation must pass, whatever it derives."""

from pathlib import Path

import pytest
from sympy import Basic

from tests.theory.derivations.latex_syntax import assert_compiles
from tests.theory.derivations.mutations import alone, altered_rules, mutants, without_premises
from theory.derivations.derivation import Derivation, DerivationError, Rule


def assert_rejects_wrong_statements(derivation: Derivation, *, still_true: frozenset[Basic] = frozenset()) -> None:
    """Every step fails once anything in its statement is changed, but for the changes known to leave it true."""
    for index, step in enumerate(derivation.steps):
        changed = [mutant for mutant in mutants(step.statement) if mutant not in still_true]
        assert changed, f"nothing to change in {step.title}"
        for mutant in changed:
            with pytest.raises(DerivationError, match=r"step 1"):
                _check(derivation, index, statement=mutant)


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
