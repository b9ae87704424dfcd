"""A textbook fact as a datum: what it says, under which conditions, and where it is proved.

Nothing here proves anything. `theory.proof.citing.ByLemma` is the one rule that applies a lemma: it puts values in for
the symbols of its statement, and proves each condition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sympy import Basic, Expr, Symbol

__all__ = [
    "Condition",
    "CountsFromZero",
    "Finite",
    "Given",
    "Holds",
    "Lemma",
    "OnTheLine",
    "Real",
    "RunsFrom",
]


@dataclass(frozen=True)
class Condition:
    """What must hold for a lemma to apply; each kind is proved in its own way."""


@dataclass(frozen=True)
class Given(Condition):
    """A statement that must be assumed or proved before, for every value of what the lemma sums or averages over."""

    statement: Basic


@dataclass(frozen=True)
class Holds(Condition):
    """An inequality that is a premise, or follows from the premises and from what symbols are declared to be."""

    statement: Basic


@dataclass(frozen=True)
class Real(Condition):
    """A part that is a real number."""

    part: Expr


@dataclass(frozen=True)
class Finite(Condition):
    """A part that is a finite number."""

    part: Expr


@dataclass(frozen=True)
class CountsFromZero(Condition):
    """An index that runs through 0, 1, 2, … and leaves none out."""

    index: Symbol


@dataclass(frozen=True)
class RunsFrom(Condition):
    """An index that may take every whole value from the first one on."""

    index: Symbol
    first: Expr


@dataclass(frozen=True)
class OnTheLine(Condition):
    """A variable that may be any real number."""

    variable: Symbol


@dataclass(frozen=True)
class Lemma:
    """A textbook fact.

    Attributes:
        name: what it is called, as it stands after "By" on the page.
        words: what it says (`$...$` is mathematics).
        source: where it is proved.
        statement: the same as a formula, an equation or an inequality; every symbol in it may be given a value. None
            for facts that only a procedure uses.
        conditions: under which it holds.
        varies: which of the variables that the statement sums, integrates or averages over a symbol's value may depend
            on. Without an entry it may depend on none of them.
    """

    name: str
    words: str
    source: str
    statement: Basic | None = None
    conditions: tuple[Condition, ...] = ()
    varies: Mapping[Symbol, tuple[Symbol, ...]] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.name, self.source))
