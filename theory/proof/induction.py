"""Inequalities for every step, by induction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from sympy import And, Basic, Expr, S, Symbol
from sympy.core.relational import Relational

from theory.proof.inequalities import Inequality
from theory.proof.lemma import Lemma
from theory.proof.scope import counts_from_zero, free_symbols, hold_throughout
from theory.proof.series import Factorials
from theory.proof.steps import Rule, conjunction

__all__ = ["InequalityInduction", "JointInduction"]


@dataclass(frozen=True)
class InequalityInduction(Rule):
    """An inequality for every integer n ≥ 0: at 0, and from n to n + 1.

    Sound because it is induction over the natural numbers: the index runs through all of them, and the premises of the
    step hold at every n. The hypothesis is used for the n at hand; a rule that would use it for all is refused.

    Attributes:
        variable: the index n.
        base: proves the inequality at 0.
        step: proves it at n + 1; the inequality at n is added to its premises.
    """

    variable: Symbol = field(kw_only=True)
    base: Rule = field(default_factory=Inequality)
    step: Rule = field(default_factory=Inequality)
    name: ClassVar[str] = "induction"

    def __post_init__(self) -> None:
        object.__setattr__(self, "premises", (*self.premises, *self.base.premises, *self.step.premises))

    @property
    def cites(self) -> tuple[Lemma, ...]:
        """What base and step cite."""
        return (*self.base.cites, *self.step.cites)

    def generalizes(self, statement: Basic) -> frozenset[Basic]:
        """The index, and what base and step take their premises to hold for."""
        inner = self.base.generalizes(statement) | self.step.generalizes(statement)
        return super().generalizes(statement) | inner | {self.variable}

    def prove(self, statement: Basic) -> bool | None:
        """Prove base and step."""
        return self.prove_from(statement, (statement,))

    def prove_from(self, statement: Basic, hypotheses: tuple[Basic, ...]) -> bool | None:
        """Prove the base, and the step from what is supposed to hold at n."""
        n = self.variable
        if not (isinstance(statement, Relational) and counts_from_zero(n) and n in free_symbols(statement)):
            return None
        if not all(hold_throughout((premise,), n) or Factorials().prove(premise) is True for premise in self.premises):
            return None
        if n in self.step.generalizes(statement):  # the hypothesis is about this n, not about all
            return None

        def at(index: Expr) -> Basic:
            return statement.func(*(side.subs(n, index) for side in statement.args), evaluate=False)

        base = replace(self.base, premises=self.premises)
        step = replace(self.step, premises=(*self.premises, *hypotheses))
        verdicts = base.prove(at(S.Zero)), step.prove(at(n + 1))
        return conjunction(verdicts) or (False if verdicts[0] is False else None)


@dataclass(frozen=True)
class JointInduction(Rule):
    """Several inequalities for every integer n ≥ 0, each of which needs the others one step before.

    Sound because it is one induction for their conjunction: all hold at 0, and if all hold at n then each holds at n +
    1. No base may use any of them as a hypothesis.

    Attributes:
        parts: an induction for each of the inequalities that the statement is a conjunction of.
    """

    parts: tuple[tuple[Basic, InequalityInduction], ...] = ()
    name: ClassVar[str] = "induction"

    def __post_init__(self) -> None:
        of_parts = (premise for _, induction in self.parts for premise in induction.premises)
        object.__setattr__(self, "premises", (*self.premises, *of_parts))

    @property
    def cites(self) -> tuple[Lemma, ...]:
        """What bases and steps cite."""
        return tuple(lemma for _, induction in self.parts for lemma in induction.cites)

    def generalizes(self, statement: Basic) -> frozenset[Basic]:
        """The indices, and what bases and steps take their premises to hold for."""
        inner = (induction.generalizes(part) for part, induction in self.parts)
        return super().generalizes(statement).union(*inner)

    def prove(self, statement: Basic) -> bool | None:
        """Prove every base and step, with all the inequalities at n as premises of the steps."""
        known = tuple(part for part, _ in self.parts)
        if not isinstance(statement, And) or set(statement.args) != set(known):
            return None
        inductions = ((part, replace(induction, premises=self.premises)) for part, induction in self.parts)
        return conjunction(induction.prove_from(part, known) for part, induction in inductions)
