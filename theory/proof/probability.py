"""Expectations over random matrices with independent entries, and special cases of statements about matrices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sympy import (
    Add,
    Basic,
    Eq,
    Expr,
    Integral,
    LessThan,
    Mul,
    Pow,
    Symbol,
    Trace,
    exp,
    expand,
)
from sympy.matrices.expressions import MatrixExpr, Transpose

from theory.proof.chance import Expectation
from theory.proof.lemma import Lemma
from theory.proof.lemmas import INDEPENDENT_PRODUCT
from theory.proof.scope import bound_symbols, free_symbols, hold_throughout, may_stand_for
from theory.proof.steps import Rule
from theory.proof.vanishing import vanishes
from theory.proof.words import as_words, trace_terms, word_rules

__all__ = ["Independence", "MatrixInstance"]


@dataclass(frozen=True)
class Independence(Rule):
    """The expectation of an exponential over a random matrix with independent entries, from that over one entry.

    `E exp(F) ≤ R` (or `=`) where F is a sum over the entries, by traces `tr(HᵀZ)` and squared norms, and R a
    product over them. The expectation factorizes; every factor is nonnegative and at most (or equal to) its bound.

    Sound because the exponential of a sum over independent entries is the product of functions of one entry each, none
    of them negative, whose expectation is the product of their expectations; each of these is an integral against the
    density of one of the laws, that it is a density being a premise, and products of nonnegative numbers are compared
    factor by factor. The one entry of the fixed matrix stands for all of them, so its premises must hold for any value.

    Attributes:
        premises: for each law that an entry may have, `∫ exp(f) w ≤ r` with its density w, and `∫ w = 1`. An entry
            that is always zero needs the premise `1 ≤ r` alone.
        random: the random matrix and the variable that stands for one entry of it.
        fixed: the fixed matrix that it is multiplied with and its entry, if there is one.
    """

    random: tuple[MatrixExpr, Symbol] = field(kw_only=True)
    fixed: tuple[MatrixExpr, Symbol] | None = None
    name: ClassVar[str] = "independence of the entries"
    rests_on: ClassVar[tuple[Lemma, ...]] = (INDEPENDENT_PRODUCT,)

    def generalizes(self, statement: Basic) -> frozenset[Basic]:
        """The one entry of the fixed matrix stands for all of them."""
        return super().generalizes(statement) | ({self.fixed[1]} if self.fixed else set())

    def prove(self, statement: Basic) -> bool | None:
        """Reduce the statement to one entry and look for it among the premises, for every law."""
        matrix, entry = self.random
        if not isinstance(statement, Eq | LessThan) or not isinstance(statement.lhs, Expectation):
            return None
        value, over = statement.lhs.args
        if over != matrix or not isinstance(value, exp) or not self.premises:
            return None
        exponent, bound = self._of_one_entry(value.args[0]), self._factor(statement.rhs)
        if exponent is None or bound is None:
            return None
        of_one = {premise.lhs for premise in self.premises if isinstance(premise.lhs, Integral) and premise.rhs == 1}
        laws = [premise for premise in self.premises if premise.lhs not in of_one]
        for premise in laws:
            if not isinstance(premise, Eq | type(statement)) or vanishes(premise.rhs - bound) is not True:
                return None
            if isinstance(premise.lhs, Integral):
                variable, *_ = premise.lhs.args[1]
                weight = premise.lhs.function / exp(exponent)
                density = Integral(weight.powsimp(), premise.lhs.args[1])
                fixed = self.fixed[1] if self.fixed else None
                if variable != entry or (fixed is not None and density.has(fixed)) or density not in of_one:
                    return None
            elif vanishes(premise.lhs - exp(exponent.subs(entry, 0))) is not True:
                return None
        return bool(laws) or None

    def _of_one_entry(self, exponent: Expr) -> Expr | None:
        """The summand of one entry: `tr(HᵀZ)` is the sum of `h z`, and `tr(ZᵀZ)` that of `z²`."""
        entries = dict([self.random, *([self.fixed] if self.fixed else [])])

        def summand(trace: Trace) -> Expr:
            words = [word for word in as_words(trace.args[0]) if len(word) == 2]
            plain = [[letter.args[0] if isinstance(letter, Transpose) else letter for letter in word] for word in words]
            if len(plain) != 1 or any(letter not in entries for letter in plain[0]):
                return Symbol("unknown")
            if sum(isinstance(letter, Transpose) for letter in words[0]) != 1:
                return Symbol("unknown")
            return Mul(*(entries[letter] for letter in plain[0]))

        terms = Add.make_args(expand(trace_terms(exponent, {})))
        if any(
            len(term.atoms(Trace)) != 1 or term.as_powers_dict()[next(iter(term.atoms(Trace)))] != 1 for term in terms
        ):
            return None
        one = Add(*terms).replace(lambda part: isinstance(part, Trace), summand)
        return None if one.has(Symbol("unknown")) else one

    def _factor(self, bound: Expr) -> Expr | None:
        """The factor of one entry in a product over all of them."""
        rows, columns = self.random[0].shape
        factors = []
        for part in Mul.make_args(bound):
            if isinstance(part, exp):
                exponent = self._of_one_entry(part.args[0])
                if exponent is None:
                    return None
                factors.append(exp(exponent))
            elif isinstance(part, Pow) and not (part.exp / (rows * columns)).has(rows, columns):
                factors.append(part.base ** (part.exp / (rows * columns)))
            else:
                return None
        return Mul(*factors)


@dataclass(frozen=True)
class MatrixInstance(Rule):
    """A statement that holds for every value of some matrices, for one value of them.

    Sound because a statement that holds for all matrices of all sizes holds for those that are put in: that it does
    hold for all, `Derivation.check` sees to, since the matrices, and their sides where these change, are among what the
    rule generalizes over; and what is put in contains nothing that the statement binds.

    Attributes:
        premises: first the general statement; then equations between matrices, as rewriting rules from left to right.
        values: what is put in for which matrix.
    """

    values: tuple[tuple[Basic, Basic], ...] = field(kw_only=True)
    name: ClassVar[str] = "a special case"

    def generalizes(self, statement: Basic) -> frozenset[Basic]:
        """The matrices that are given a value, and their sides where the value has others."""
        return (
            super()
            .generalizes(statement)
            .union({matrix for matrix, _ in self.values}, {side for side, _ in self._sides()})
        )

    def _sides(self) -> list[tuple[Basic, Basic]]:
        """The sides of matrices that change when the values are put in."""
        pairs = [(matrix.shape, value.shape) for matrix, value in self.values if isinstance(matrix, MatrixExpr)]
        return [(old, new) for shapes in pairs for old, new in zip(*shapes, strict=True) if old != new]

    def _put_in(self, part: Basic) -> Basic:
        return part.xreplace(dict(self.values))

    def prove(self, statement: Basic) -> bool | None:
        """Put the values in; both sides must then have the same normal form as the statement's."""
        general, *equations = self.premises
        new = frozenset[Basic]().union(*(free_symbols(value) for _, value in self.values))
        if new & bound_symbols(general) or not hold_throughout(equations, *bound_symbols(statement)):
            return None
        if any(not may_stand_for(new, old) or self._put_in(general).has(old) for old, new in self._sides()):
            return None
        rules = word_rules(equations)
        if type(general) is not type(statement):
            return None
        for known, claimed in zip(general.args, statement.args, strict=True):
            if _normal(self._put_in(known), rules) != _normal(claimed, rules):
                return None
        return True


def _normal(expression: Expr, rules: Mapping[Any, Any]) -> Expr:
    """Traces in normal form, exponents and products multiplied out."""
    opened = trace_terms(expression, rules)
    return expand(opened.replace(exp, lambda power: exp(expand(power))))
