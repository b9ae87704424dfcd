"""Brute force: a general statement compared with explicit small cases, each recomputed from first principles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sympy import Basic, Eq, MatrixBase, S
from sympy.core.relational import Relational

from theory.proof.counterexample import record
from theory.proof.explicit import explicit
from theory.proof.steps import Rule, conjunction
from theory.proof.vanishing import vanishes

__all__ = ["BruteForce", "Case"]


@dataclass(frozen=True)
class Case:
    """A small case: what the symbols, matrices and terms of a statement are in it.

    Attributes:
        label: what the case is, for instance `"d = 2, t = 3"`.
        values: computes the values, from first principles; called when the case is checked.
    """

    label: str
    values: Callable[[], Mapping[Basic, Any]]


@dataclass(frozen=True)
class BruteForce(Rule):
    """A statement instantiated in explicit cases, and recomputed there. It never replaces a proof; it attends one.

    Sound for these cases and no others: the page says how many there are.
    """

    cases: tuple[Case, ...] = ()
    name: ClassVar[str] = "brute force"

    def prove(self, statement: Basic) -> bool | None:
        """True if the statement holds in every case, False if it fails in one."""
        if not self.cases:
            return None
        return conjunction(_holds(statement, case.values(), self.premises) for case in self.cases)

    def describe(self) -> str:
        """Say how many cases there are, and which is the last."""
        return f"brute force in {len(self.cases)} explicit cases, up to {self.cases[-1].label}"


def _holds(statement: Basic, values: Mapping[Basic, Any], premises: tuple[Basic, ...]) -> bool | None:
    if not isinstance(statement, Eq):
        if not isinstance(statement, Relational):
            return None
        truth = statement.func(*(explicit(side, values) for side in statement.args))
        if truth == S.false:
            record(values)
        return {S.true: True, S.false: False}.get(truth)
    left, right = (explicit(side, values) for side in statement.args)
    if not isinstance(left, MatrixBase):
        return vanishes(left - right, premises)
    if not isinstance(right, MatrixBase) or left.shape != right.shape:
        return None
    return conjunction(vanishes(entry, premises) for entry in left - right)
