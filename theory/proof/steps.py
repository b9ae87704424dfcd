"""What a derivation is made of: assumptions, rules and steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Protocol

from sympy import Basic, Eq, Ge, Gt, Le, Lt
from sympy.matrices.expressions import MatrixExpr

from theory.proof.lemma import Lemma
from theory.proof.scope import bound_symbols, free_symbols, indices
from theory.proof.time_limit import within_time

__all__ = ["Assumption", "Rule", "Step", "Written", "conjunction", "says_the_same"]


@dataclass(frozen=True)
class Rule(ABC):
    """A way to prove a statement by machine.

    Attributes:
        premises: the statements that the rule uses. Each must be an assumption of the derivation or the statement of an
            earlier step; `Derivation.check` sees to it.
    """

    premises: tuple[Basic, ...] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "prove" in vars(cls):  # a rule that cannot decide within a minute says so
            setattr(cls, "prove", within_time(cls.prove))  # noqa: B010

    name: ClassVar[str] = "rule"
    rests_on: ClassVar[tuple[Lemma, ...]] = ()

    @abstractmethod
    def prove(self, statement: Basic) -> bool | None:
        """True if the statement follows from the premises, False if a counterexample is known, None otherwise."""

    @property
    def cites(self) -> tuple[Lemma, ...]:
        """The textbook facts that the rule takes for granted: its own, and those of the rules that it is made of."""
        return self.rests_on

    def generalizes(self, statement: Basic) -> frozenset[Basic]:
        """The symbols for all of whose values the rule takes its premises to hold, not only for those at hand."""
        return bound_symbols(statement)

    def describe(self) -> str:
        """How the step is proved, in words for the typeset page (`$...$` is mathematics)."""
        return self.name


def conjunction(verdicts: Iterable[bool | None]) -> bool | None:
    """True if all verdicts are, False as soon as one is, None otherwise."""
    decided = True
    for verdict in verdicts:
        if verdict is False:
            return False
        decided = decided and verdict is True
    return True if decided else None


@dataclass(frozen=True)
class Assumption:
    """What a derivation takes for granted: words (with `$...$` for mathematics), and the statement if rules use it.

    A definition is an assumption too: it gives a name to something, and a rule may unfold it.

    Attributes:
        words: what is assumed.
        statement: the same as a formula. If it is about terms of a sequence, it is assumed for each of their indices.
        every: what else the statement is assumed for all values of. Of all other symbols it is assumed for the values
            at hand only, so that no rule may conclude anything about their other values.
    """

    words: str
    statement: Basic | None = None
    every: tuple[Basic, ...] = ()

    def restricts(self) -> frozenset[Basic]:
        """The symbols of which the assumption singles out some values."""
        if self.statement is None:
            return frozenset()
        return free_symbols(self.statement) - indices(self.statement) - frozenset(self.every)


@dataclass(frozen=True)
class Step:
    """One step: the statement that is displayed, the rule that proves it, and why it is true, in words."""

    title: str
    statement: Basic
    rule: Rule
    justification: str


class Written(Protocol):
    """What is printed of a derivation; its attributes are those of `theory.proof.derivation.Derivation`."""

    @property
    def title(self) -> str:
        """One line."""

    @property
    def statement(self) -> tuple[Basic, ...]:
        """The claims of the theorem."""

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What is taken for granted."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The proof."""

    @property
    def source(self) -> str:
        """Where the theorem is stated."""

    @property
    def cited(self) -> tuple[Lemma, ...]:
        """The textbook facts that the proof takes for granted."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader should know about its reach."""


def says_the_same(premise: Basic, known: Basic) -> bool:
    """Whether the premise is the known statement, read from left to right, from right to left or transposed."""
    forms = _same_statement(premise)
    return any(form in forms for form in _same_statement(known))


@cache
def _same_statement(statement: Basic) -> list[Basic]:
    """The statement, and the same read from right to left or, for an equation of matrices, transposed."""
    if isinstance(statement, Eq):
        sides = [(statement.lhs, statement.rhs)]
        if all(isinstance(side, MatrixExpr) for side in sides[0]):
            sides.append((statement.lhs.T.doit(), statement.rhs.T.doit()))
        return [Eq(*pair, evaluate=False) for left, right in sides for pair in ((left, right), (right, left))]
    if isinstance(statement, Lt | Le | Gt | Ge):
        return [statement, statement.reversed]
    return [statement]
