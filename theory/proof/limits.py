"""Limits of sequences of matrices that are continuous functions of a sequence whose limit is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sympy import Basic, Eq, Limit, S, oo
from sympy.matrices.expressions import MatrixExpr

from theory.proof.derivation import Rule, conjunction
from theory.proof.vanishing import vanishes
from theory.proof.words import as_words, reduce_words, word_rules

__all__ = ["MatrixLimit"]


@dataclass(frozen=True)
class MatrixLimit(Rule):
    """``lim F(R_t) = F(R)`` for sums of products, where ``lim R_t = R`` is a premise.

    The other premises are equations of matrices, used as rewriting rules from left to right before the limit is taken.

    Attributes:
        closed: An equation whose left side is the sequence; its right side takes the sequence's place, once.
    """

    closed: Basic | None = None

    name: ClassVar[str] = "continuity of sums and products"

    def __post_init__(self) -> None:
        if self.closed is not None and self.closed not in self.premises:
            object.__setattr__(self, "premises", (*self.premises, self.closed))

    def prove(self, statement: Basic) -> bool | None:
        """Rewrite, put the known limits in, and compare what is left."""
        if not (isinstance(statement, Eq) and isinstance(statement.lhs, Limit)):
            return None
        sequence, t, point, _ = statement.lhs.args
        if point != oo or not isinstance(sequence, MatrixExpr) or statement.rhs.has(t):
            return None
        if self.closed is not None and sequence == self.closed.lhs:
            sequence = self.closed.rhs
        known = [premise for premise in self.premises if isinstance(premise.lhs, Limit)]
        if any(premise.lhs.args[1:3] != (t, oo) for premise in known):
            return None
        equations = [premise for premise in self.premises if premise not in known and premise != self.closed]
        limits = [Eq(premise.lhs.args[0], premise.rhs, evaluate=False) for premise in known]
        words = reduce_words(reduce_words(as_words(sequence), word_rules(equations)), word_rules(limits))
        if any(letter.has(t) for word in words for letter in word):
            return None
        for word, coefficient in reduce_words(as_words(statement.rhs), word_rules(equations)).items():
            words[word] = words.get(word, S.Zero) - coefficient
        return conjunction(vanishes(coefficient) for coefficient in words.values())
