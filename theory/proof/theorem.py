"""A derived theorem applied: what another derivation has proved, with values put in for its symbols."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from sympy import Basic, Expr, MatrixSymbol, S, Symbol
from sympy.core.relational import Relational
from sympy.matrices.expressions import MatrixExpr

from theory.proof.derivation import Derivation
from theory.proof.expressions import Iterate
from theory.proof.lemma import Lemma
from theory.proof.rules import Rewriting
from theory.proof.scope import bound_symbols, free_symbols, indices, may_stand_for
from theory.proof.steps import Rule, Step, says_the_same
from theory.proof.vanishing import vanishes
from theory.proof.words import as_words, reduce_words

__all__ = ["ByTheorem"]

_CHECKED: dict[int, Derivation] = {}  # derivations that have been checked, by identity


@dataclass(frozen=True)
class ByTheorem(Rule):
    """An instance of a claim that another derivation proves.

    Sound because that derivation is checked here, too, and its proof is one for all values of its symbols that satisfy
    its assumptions. Of these only those count that the proof of the claim leads back to; with the values put in, each
    must be a premise, or an identity of matrices. A value has all that its symbol is declared to have, a matrix the
    shape that its symbol then has, and none depends on an index or on what the claim runs over: there the theorem's
    symbols are fixed. What is assumed of all terms of a sequence must be known of all of them here, to which
    `Derivation.check` sees by `generalizes`.

    Attributes:
        premises: the assumptions of the theorem with the values put in.
        theorem: the derivation.
        claim: the statement of one of its steps.
        values: what stands for which symbol or matrix; the others stand for themselves.
        sequences: which sequence of matrices stands for which, each given by its terms.
    """

    theorem: Derivation = field(kw_only=True)
    claim: Basic = field(kw_only=True)
    values: tuple[tuple[Basic, Basic], ...] = ()
    sequences: tuple[tuple[Callable[[Any], Iterate], Callable[[Any], Iterate]], ...] = ()
    name: ClassVar[str] = "a theorem"

    @property
    def cites(self) -> tuple[Lemma, ...]:
        """What the proof of the claim cites."""
        return tuple(lemma for step in self._behind[1] for lemma in step.rule.cites)

    @cached_property
    def _behind(self) -> tuple[tuple[Basic, ...], tuple[Step, ...]]:
        return self.theorem.behind(self.claim)

    def describe(self) -> str:
        """Name the theorem."""
        return f"the theorem “{self.theorem.name}”"

    def generalizes(self, statement: Basic) -> frozenset[Basic]:
        """What the claim runs over, and the indices for all of which the theorem assumes something."""
        assumed = (self._put_in(assumption) for assumption in self._behind[0])
        return super().generalizes(statement).union(*(indices(assumption) for assumption in assumed))

    def prove(self, statement: Basic) -> bool | None:
        """Check the theorem, its assumptions with the values put in, and compare."""
        if id(self.theorem) not in _CHECKED:
            self.theorem.check()
            _CHECKED[id(self.theorem)] = self.theorem
        assumptions, _ = self._behind
        if not self._may_be_put_in(assumptions):
            return None
        if not all(self._is_known(self._put_in(assumption)) for assumption in assumptions):
            return None
        return _same(self._put_in(self.claim), statement) or None

    def _may_be_put_in(self, assumptions: tuple[Basic, ...]) -> bool:
        fixed = frozenset[Basic]().union(*(bound_symbols(part) | indices(part) for part in (self.claim, *assumptions)))
        for old, new in self.values:
            if old in fixed or free_symbols(new) & fixed:
                return False
            if isinstance(old, MatrixSymbol):
                shape = tuple(side.xreplace(dict(self.values)) for side in old.shape)
                if not isinstance(new, MatrixExpr) or tuple(new.shape) != shape:
                    return False
            elif not (isinstance(old, Symbol) and isinstance(new, Expr) and may_stand_for(new, old)):
                return False
        return all(
            tuple(side.xreplace(dict(self.values)) for side in old(0).shape) == tuple(new(0).shape)
            for old, new in self.sequences
        )

    def _put_in(self, part: Basic) -> Basic:
        values: dict[Basic, Basic] = dict(self.values)
        for old, new in self.sequences:
            terms = (term for term in part.atoms(Iterate) if term.args[0] == old(0).args[0])
            values |= {term: new(term.args[-1].xreplace(dict(self.values))) for term in terms}
        return _rebuilt(part, values)

    def _is_known(self, assumption: Basic) -> bool:
        if any(says_the_same(premise, assumption) or _same(premise, assumption) for premise in self.premises):
            return True
        return isinstance(assumption, Relational) and _is_identity(assumption)


def _rebuilt(part: Basic, values: Mapping[Basic, Basic]) -> Basic:
    """The part with the values put in; a relation stays one, however obvious it becomes."""
    if isinstance(part, Relational):
        return part.func(*(side.xreplace(values) for side in part.args), evaluate=False)
    return part.xreplace(values)


def _is_identity(statement: Relational) -> bool:
    sides = statement.args
    return all(isinstance(side, MatrixExpr) for side in sides) and Rewriting().prove(statement) is True


def _same(one: Basic, other: Basic) -> bool:
    """Whether two statements are the same, side by side, products and sums multiplied out."""
    if one == other:
        return True
    if type(one) is not type(other) or not isinstance(one, Relational):
        return False
    return all(_same_side(left, right) for left, right in zip(one.args, other.args, strict=True))


def _same_side(one: Basic, other: Basic) -> bool:
    if one == other:
        return True
    if isinstance(one, MatrixExpr) and isinstance(other, MatrixExpr):
        if one.shape != other.shape:
            return False
        try:
            first, second = (reduce_words(as_words(side), {}) for side in (one, other))
        except TypeError:  # of something that words are not made of
            return False
        return all(vanishes(first.get(word, S.Zero) - second.get(word, S.Zero)) is True for word in {*first, *second})
    if isinstance(one, Expr) and isinstance(other, Expr) and not (one.is_Matrix or other.is_Matrix):
        return vanishes(one - other) is True
    return False
