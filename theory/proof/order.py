"""Reasoning with inequalities: chains, what follows under a condition, and certificates made of known gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar

from sympy import Add, And, Basic, Eq, Expr, Gt, Implies, LessThan, Mul

from theory.proof.induction import InequalityInduction, JointInduction
from theory.proof.inequalities import Inequality, gap_of
from theory.proof.lemma import Lemma
from theory.proof.rules import Algebra, GeometricLimit
from theory.proof.scope import free_symbols
from theory.proof.steps import Rule

__all__ = [
    "Conditional",
    "PartOf",
    "Transitivity",
    "at_most",
    "positive",
    "slack",
    "times",
    "total",
    "when",
]


def at_most(lesser: Expr, greater: Expr) -> LessThan:
    """The inequality as it stands, not evaluated."""
    return LessThan(lesser, greater, evaluate=False)


def positive(term: Expr) -> Gt:
    """`term > 0` as it stands, not evaluated."""
    return Gt(term, 0, evaluate=False)


def when(*conditions: Basic) -> Callable[[Basic], Implies]:
    """What holds under all these conditions: `when(P)(Q)` is `P ⟹ Q`."""
    return lambda conclusion: Implies(And(*conditions), conclusion)


def slack(premise: Basic) -> Expr:
    """What an inequality says is nonnegative: its greater side minus the lesser."""
    return gap_of(premise)[0]


def total(*terms: Expr) -> Expr:
    """A certificate that is a sum: kept as it stands, so that each term's sign can be read off."""
    return Add(*terms, evaluate=False)


def times(factor: Expr, term: Expr) -> Expr:
    """A product in a certificate, kept as it stands: SymPy would multiply a number into a sum."""
    return Mul(factor, term, evaluate=False)


@dataclass(frozen=True)
class Transitivity(Rule):
    """`a ≤ z` from premises that lead from a to z in order: `a = b` (or `b = a`), `b ≤ c`, …; or `a = z`.

    A premise that does not lead on is passed over.

    Sound because equality and `≤` are transitive, and an equation may be read from either side; a chain with a `≤`
    in it proves no equation.
    """

    name: ClassVar[str] = "transitivity"

    def prove(self, statement: Basic) -> bool | None:
        """Walk along the premises."""
        if not isinstance(statement, Eq | LessThan):
            return None
        here, end = statement.args
        for premise in self.premises:
            if isinstance(premise, Eq | type(statement)) and premise.lhs == here:
                here = premise.rhs
            elif isinstance(premise, Eq) and premise.rhs == here:
                here = premise.lhs
        return here == end or None


@dataclass(frozen=True)
class Conditional(Rule):
    """`P ⟹ Q`: Q is proved with P as a further premise, and with what other premises say follows from P.

    Nothing that Q's proof takes for all values may be restricted by P: no index of an induction, a sum or a limit, and
    no random matrix.

    Sound by the deduction theorem: Q is derived from P with rules that are sound at the values at hand, and P is used
    for those values only, since whatever Q's proof generalizes over does not occur in P.

    Attributes:
        by: proves Q; one of `ASSUMING`.
    """

    by: Rule = field(kw_only=True)
    name: ClassVar[str] = "assuming the left side"

    def __post_init__(self) -> None:
        object.__setattr__(self, "premises", self.by.premises)

    @property
    def cites(self) -> tuple[Lemma, ...]:
        """What the proof of the conclusion cites."""
        return self.by.cites

    def generalizes(self, statement: Basic) -> frozenset[Basic]:
        """What the proof of the conclusion takes its premises to hold for."""
        return self.by.generalizes(statement.args[1] if isinstance(statement, Implies) else statement)

    def prove(self, statement: Basic) -> bool | None:
        """Prove the conclusion."""
        if not isinstance(statement, Implies) or not isinstance(self.by, ASSUMING):
            return None
        given, conclusion = statement.args
        if free_symbols(given) & self.by.generalizes(conclusion):
            return None
        known = list(And.make_args(given))
        for premise in self.by.premises:
            if isinstance(premise, Implies) and set(And.make_args(premise.args[0])) <= set(known):
                known += And.make_args(premise.args[1])
            else:
                known.append(premise)
        verdict: bool | None = replace(self.by, premises=tuple(known)).prove(conclusion)
        return verdict

    def describe(self) -> str:
        """Name the rule that proves the conclusion."""
        return f"{self.by.describe()}, assuming the left side"


@dataclass(frozen=True)
class PartOf(Rule):
    """One of the statements that a premise is a conjunction of.

    Sound because a conjunction holds only where each of its parts does.
    """

    name: ClassVar[str] = "taking one of several statements"

    def prove(self, statement: Basic) -> bool | None:
        """Look for it among the parts."""
        return any(statement in And.make_args(premise) for premise in self.premises) or None


ASSUMING = (Algebra, GeometricLimit, Inequality, InequalityInduction, JointInduction, PartOf, Transitivity)
