"""The one rule that applies textbook facts: it puts values in for a lemma's symbols and proves its conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import singledispatchmethod
from types import MappingProxyType
from typing import Any, ClassVar

from sympy import (
    Basic,
    Dummy,
    Eq,
    Expr,
    Function,
    Gt,
    Integral,
    LessThan,
    Limit,
    MatrixSymbol,
    Pow,
    Sum,
    Symbol,
    Trace,
    combsimp,
    cos,
    exp,
    expand,
    expand_power_base,
    factorial,
    log,
    powsimp,
    preorder_traversal,
    sin,
)
from sympy.core.relational import Relational

from theory.proof.chance import Expectation, Probability
from theory.proof.inequalities import Inequality
from theory.proof.lemma import (
    Condition,
    CountsFromZero,
    Finite,
    Given,
    Holds,
    Lemma,
    OnTheLine,
    Real,
    RunsFrom,
)
from theory.proof.scope import bound_symbols, counts_from_zero, free_symbols, runs_from
from theory.proof.steps import Rule, says_the_same
from theory.proof.vanishing import vanishes

__all__ = ["ByLemma"]

OPAQUE = (Expectation, Probability, Integral, Sum, Limit)
REAL = Symbol("v", real=True)


@dataclass(frozen=True)
class ByLemma(Rule):
    """An instance of a lemma: values are put in for the symbols of its statement, and its conditions proved.

    Values that can be read off the statement are found by laying the lemma's statement over it; others are given. How
    they were found does not matter: the statement must *be* the lemma's with these values, side by side, up to algebra
    and inside sums, integrals and expectations; an equation proves the weaker inequality, too.

    Sound because a lemma holds for all values of its symbols that meet its conditions, and four things are checked.
    Every symbol has a value. No value depends on a variable that the lemma sums, integrates or averages over, unless
    the lemma says that it may: nothing that was free is captured. Each condition is a premise, or proved from the
    premises and declarations. And the premises under a sum or an expectation hold for all values of its variable, to
    which `Derivation.check` sees by `generalizes`.

    Attributes:
        premises: what the lemma's conditions may use.
        lemma: the fact, see `theory.proof.lemmas`.
        values: what stands for which symbol of the lemma, where it cannot be read off.
    """

    lemma: Lemma = field(kw_only=True)
    values: Mapping[Symbol, Basic] = field(default_factory=dict)
    name: ClassVar[str] = "a lemma"

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))

    def __hash__(self) -> int:
        return hash((self.premises, self.lemma, tuple(self.values.items())))

    @property
    def cites(self) -> tuple[Lemma, ...]:
        """The lemma."""
        return (self.lemma,)

    def describe(self) -> str:
        """The lemma's name."""
        return self.lemma.name

    def prove(self, statement: Basic) -> bool | None:
        """Put the values in, compare, and prove the conditions."""
        pattern = self.lemma.statement
        if pattern is None or not isinstance(statement, Eq | LessThan):
            return None
        if not isinstance(statement, type(pattern)) and not (
            isinstance(pattern, Eq) and isinstance(statement, LessThan)
        ):
            return None
        values = self._found(statement)
        if values is None or not self._well_scoped(values):
            return None
        sides = (side.xreplace(values) for side in pattern.args)
        if not all(self._same(put_in, side) for put_in, side in zip(sides, statement.args, strict=True)):
            return None
        return all(self._meets(condition, values) for condition in self.lemma.conditions) or None

    def _found(self, statement: Basic) -> dict[Basic, Basic] | None:
        """A value for every symbol of the lemma; None if one is missing."""
        pattern = self.lemma.statement
        if pattern is None or not isinstance(statement, Relational):
            return None
        found: dict[Basic, Basic] = dict(self.values)
        for part, other in zip(pattern.args, statement.args, strict=True):
            _read_off(part, other, found)
        return found if self._symbols() <= set(found) else None

    def _symbols(self) -> set[Symbol]:
        named = set(_symbols_of(self.lemma.statement))
        for condition in self.lemma.conditions:
            for part in vars(condition).values():
                named |= _symbols_of(part)
        return named

    def _bound(self) -> frozenset[Basic]:
        bound = bound_symbols(self.lemma.statement) if self.lemma.statement is not None else frozenset()
        for condition in self.lemma.conditions:
            if isinstance(condition, Given):
                bound |= bound_symbols(condition.statement)
        return bound

    def _well_scoped(self, values: Mapping[Basic, Basic]) -> bool:
        """Whether what is bound is put in as distinct variables, on which other values depend only where they may."""
        bound = self._bound()
        variables = [values[variable] for variable in bound]
        if len(set(variables)) < len(variables) or not all(isinstance(v, Symbol | MatrixSymbol) for v in variables):
            return False
        for symbol in self._symbols() - bound:
            allowed = {values[variable] for variable in self.lemma.varies.get(symbol, ())}
            if (free_symbols(values[symbol]) & set(variables)) - allowed:
                return False
        return True

    @singledispatchmethod
    def _meets(self, condition: Condition, values: Mapping[Basic, Basic]) -> bool:
        raise TypeError(f"no way to prove {condition}")

    @_meets.register
    def _(self, condition: Given, values: Mapping[Basic, Basic]) -> bool:
        left, right = (side.xreplace(values) for side in condition.statement.args)
        needed = condition.statement.func(left, right, evaluate=False)
        if any(says_the_same(needed, premise) for premise in self.premises):
            return True
        # Under what is summed or averaged over, only premises that do not speak of it are used to compare.
        variables = {values[variable] for variable in self._bound()}
        rule = replace(self, premises=tuple(each for each in self.premises if not free_symbols(each) & variables))
        alike = (premise for premise in self.premises if isinstance(premise, type(condition.statement)))
        return any(rule._same(left, premise.lhs) and rule._same(right, premise.rhs) for premise in alike)

    @_meets.register
    def _(self, condition: Holds, values: Mapping[Basic, Basic]) -> bool:
        sides = (side.xreplace(values) for side in condition.statement.args)
        needed = condition.statement.func(*sides, evaluate=False)
        if any(says_the_same(needed, premise) for premise in self.premises):
            return True
        return any(
            Inequality(self.premises, certificate=certificate).prove(needed) is True
            for certificate in (None, needed.gts - needed.lts)
        )

    @_meets.register
    def _(self, condition: Real, values: Mapping[Basic, Basic]) -> bool:
        return self._is_real(condition.part.xreplace(values))

    @_meets.register
    def _(self, condition: Finite, values: Mapping[Basic, Basic]) -> bool:
        part = condition.part.xreplace(values)
        return bool(part.is_finite) or self._is_real(part)

    @_meets.register
    def _(self, condition: CountsFromZero, values: Mapping[Basic, Basic]) -> bool:
        return counts_from_zero(values[condition.index])

    @_meets.register
    def _(self, condition: RunsFrom, values: Mapping[Basic, Basic]) -> bool:
        index = values[condition.index]
        return bool(index.is_integer) and runs_from(condition.first.xreplace(values), index)

    @_meets.register
    def _(self, condition: OnTheLine, values: Mapping[Basic, Basic]) -> bool:
        return values[condition.variable].assumptions0 == REAL.assumptions0

    def _is_real(self, part: Expr) -> bool:
        """Whether a part is a real number: traces of matrices are, and logarithms of what is positive."""
        if not isinstance(part, Expr) or any(not self._is_positive(each.args[0]) for each in part.atoms(log)):
            return False
        known = {each: Dummy(real=True) for each in part.atoms(Trace, log)}
        return part.xreplace(known).is_real is True

    def _is_positive(self, part: Expr) -> bool:
        return Inequality(self.premises, certificate=part).prove(Gt(part, 0, evaluate=False)) is True

    def _same(self, one: Basic, other: Basic) -> bool:
        """Whether two parts are equal whatever their symbols are: as written, by algebra, or inside a sum."""
        if one == other:
            return True
        if not (isinstance(one, Expr) and isinstance(other, Expr)) or one.is_Matrix or other.is_Matrix:
            return False
        enclosed: dict[Basic, Symbol] = {}
        if one.has(log) or other.has(log):
            one, other = self._powers(one), self._powers(other)
        left, right = (self._opaque(side, enclosed) for side in (one, other))
        return left == right or vanishes(left - right, self.premises) is True or _quotient_is_one(left, right)

    def _powers(self, side: Expr) -> Expr:
        """Powers with a symbol in their exponent as exponentials, where the base is known to be positive."""
        return side.replace(
            lambda part: isinstance(part, Pow) and bool(part.exp.free_symbols) and self._is_positive(part.base),
            lambda part: exp(part.exp * log(part.base), evaluate=False),
        )

    def _opaque(self, side: Expr, enclosed: dict[Basic, Symbol]) -> Expr:
        """The side with a symbol for each sum, integral, limit and expectation in it, one for all that are equal."""
        outer: dict[Basic, Basic] = {}
        walk = preorder_traversal(side)
        for part in walk:
            if isinstance(part, OPAQUE):
                walk.skip()
                known = next((each for each in enclosed if self._congruent(each, part)), part)
                outer[part] = enclosed.setdefault(known, Dummy("enclosed", real=True))
        return side.xreplace(outer)

    def _congruent(self, one: Basic, other: Basic) -> bool:
        """Whether two enclose equal things in the same way."""
        if one == other:
            return True
        if one.func != other.func or one.args[1:] != other.args[1:] or isinstance(one, Limit | Probability):
            return False
        inside = ByLemma(lemma=self.lemma)  # no premise: it may be about the one value that is at hand
        return inside._same(one.args[0], other.args[0])


def _symbols_of(part: Any) -> set[Symbol]:
    return set(part.atoms(Symbol)) if isinstance(part, Basic) else set()


def _read_off(pattern: Basic, part: Basic, found: dict[Basic, Basic]) -> None:
    """Lay the pattern over the part, and note what its symbols lie on; where they do not fit, nothing is noted."""
    if isinstance(pattern, Symbol):
        found.setdefault(pattern, part)
        return
    if pattern.func != part.func or len(pattern.args) != len(part.args):
        return
    if isinstance(pattern, Expr) and (pattern.is_Add or pattern.is_Mul):
        return  # SymPy orders the terms of sums and products its own way
    for inner, other in zip(pattern.args, part.args, strict=True):
        _read_off(inner, other, found)


def _quotient_is_one(left: Expr, right: Expr) -> bool:
    """Whether one part over the other reduces to one: products of powers, exponentials and factorials.

    Both are continuous, so that they agree where the divisor is zero, too.
    """
    kinds = {type(part) for part in (left / right).atoms(Function)}
    if right == 0 or not kinds <= {exp, factorial, sin, cos}:
        return False
    quotient = (left / right).powsimp().replace(factorial, lambda count: factorial(expand(count)))
    return vanishes(combsimp(expand_power_base(powsimp(quotient), force=False)) - 1) is True
