"""Definitions put in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sympy import Basic, Eq, Symbol, expand

from theory.proof.scope import bound_symbols, free_symbols
from theory.proof.steps import Rule

__all__ = ["Unfolding"]


@dataclass(frozen=True)
class Unfolding(Rule):
    """An equation whose sides are the same once every symbol that a premise defines is replaced by its definition.

    The premises are `symbol = definition`, used in their order.

    Sound because equals are put in for equals; none of the symbols is bound in the statement, where it would be
    another.
    """

    name: ClassVar[str] = "putting definitions in"

    def prove(self, statement: Basic) -> bool | None:
        """Replace and compare."""
        if not isinstance(statement, Eq):
            return None
        if any(free_symbols(premise) & bound_symbols(statement) for premise in self.premises):
            return None
        left, right = statement.args
        for premise in self.premises:
            if not (isinstance(premise, Eq) and isinstance(premise.lhs, Symbol)):
                return None
            left, right = (side.subs(premise.lhs, premise.rhs) for side in (left, right))
        return expand(left - right) == 0 or None
