"""Theorem 2's bound: the derivation. The function is held to the derived expression in tests/theory/test_bounds.py."""

import pytest

from tests.theory.derivations.checking import (
    assert_needs_its_premises,
    assert_rejects_wrong_rules,
    assert_rejects_wrong_statements,
    assert_typesets,
)
from theory.derivations import derive


@pytest.fixture(scope="module")
def derivation():
    return derive("cnn-mse-bound")


def test_every_step_is_proved(derivation):
    derivation.check()


def test_wrong_statements_fail(derivation):
    assert_rejects_wrong_statements(derivation)


def test_wrong_rules_fail(derivation):
    assert_rejects_wrong_rules(derivation)


def test_premises_are_needed(derivation):
    assert_needs_its_premises(derivation)


def test_page(derivation, tmp_path):
    assert_typesets(derivation, tmp_path)
