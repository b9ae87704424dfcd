"""Limits of sequences of matrices that are continuous functions of a sequence whose limit is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sympy import Basic, Eq, Limit, S, Symbol, oo
from sympy.matrices.expressions import MatrixExpr

from theory.proof.lemma import Lemma
from theory.proof.lemmas import LIMIT_LAWS
from theory.proof.scope import hold_throughout
from theory.proof.steps import Rule
from theory.proof.vanishing import vanishes
from theory.proof.words import MatrixWords, Word, as_words, reduce_words, word_product, word_rules

__all__ = ["MatrixLimit"]


@dataclass(frozen=True)
class MatrixLimit(Rule):
    """`lim F(R_t) = F(R)` for sums of products, where `lim R_t = R` is a premise.

    The other premises are equations of matrices, used as rewriting rules from left to right before the limit is taken.

    Sound because the limit of a finite sum of products is the sum of the products of the limits, where every factor has
    one: each factor is constant in the index or a sequence whose limit is a premise, and a factor of any other kind,
    which might be unbounded, makes it undecided.

    Attributes:
        closed: an equation whose left side is the sequence; its right side takes the sequence's place, once.
    """

    closed: Basic | None = None

    name: ClassVar[str] = "continuity of sums and products"
    rests_on: ClassVar[tuple[Lemma, ...]] = (LIMIT_LAWS,)

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
        if not hold_throughout(self.premises, t):
            return None
        if self.closed is not None and sequence == self.closed.lhs:
            sequence = self.closed.rhs
        known = [premise for premise in self.premises if isinstance(premise.lhs, Limit)]
        if any(premise.lhs.args[1:3] != (t, oo) for premise in known):
            return None
        equations = [premise for premise in self.premises if premise not in known and premise != self.closed]
        limits = word_rules(Eq(premise.lhs.args[0], premise.rhs, evaluate=False) for premise in known)
        if any(part.has(t) for value in limits.values() for word in value for part in word):
            return None
        words: MatrixWords = {}
        for word, coefficient in reduce_words(as_words(sequence), word_rules(equations)).items():
            limit = _limit_of(word, t, limits)
            if limit is None or coefficient.has(t):
                return None
            for part, factor in limit.items():
                words[part] = words.get(part, S.Zero) + coefficient * factor
        words = reduce_words(words, word_rules(equations))
        for word, coefficient in reduce_words(as_words(statement.rhs), word_rules(equations)).items():
            words[word] = words.get(word, S.Zero) - coefficient
        return all(vanishes(coefficient) for coefficient in words.values()) or None


def _limit_of(word: Word, t: Symbol, limits: Mapping[Word, MatrixWords]) -> MatrixWords | None:
    """The limit of a product whose factors all have a known limit or are constant; None if it has others.

    A factor that has no limit may be unbounded: `W_t A → H` does not make `W_t A W_t − H W_t` small.
    """
    if not word:
        return {(): S.One}
    constant = {} if word[0].has(t) else {word[:1]: {word[:1]: S.One}}
    for factor, value in {**constant, **limits}.items():
        if word[: len(factor)] == factor:
            rest = _limit_of(word[len(factor) :], t, limits)
            if rest is not None:
                return word_product([value, rest])
    return None
