"""Factorials, and definite integrals by an antiderivative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sympy import (
    Add,
    Basic,
    Eq,
    Expr,
    Integral,
    Mul,
    Pow,
    S,
    Symbol,
    combsimp,
    cos,
    diff,
    exp,
    expand,
    expand_power_base,
    factorial,
    integrate,
    limit,
    powsimp,
    sin,
)

from theory.proof.lemma import Lemma
from theory.proof.lemmas import FUNDAMENTAL_THEOREM
from theory.proof.scope import runs_from
from theory.proof.steps import Rule
from theory.proof.vanishing import vanishes

__all__ = ["Factorials", "Integration"]

REAL = Symbol("v", real=True)


@dataclass(frozen=True)
class Factorials(Rule):
    """An equation of products of factorials whose arguments differ by integers.

    Sound because a factorial of a nonnegative integer is positive, so that two sides whose quotient is 1 are equal; the
    quotient is simplified by `(n + 1)! = (n + 1) n!` alone, for arguments that are declared nonnegative integers.
    """

    name: ClassVar[str] = "the recurrence of the factorial"

    def prove(self, statement: Basic) -> bool | None:
        """Reduce the quotient of the sides to a rational function, which must be 1."""
        if not isinstance(statement, Eq) or not statement.lhs.has(factorial):
            return None
        if not all(part.args[0].is_integer and part.args[0].is_nonnegative for part in statement.atoms(factorial)):
            return None
        return vanishes(combsimp(statement.lhs / statement.rhs) - 1)


@dataclass(frozen=True)
class Integration(Rule):
    """A definite integral, by an antiderivative that SymPy finds; that it is one is proved, and that it has no jumps.

    What it tends to where the interval has no end is SymPy's.

    Sound because the antiderivative is differentiated and compared with the integrand, and is made of functions without
    poles or jumps, so that the fundamental theorem of calculus applies on the whole interval; where an end is infinite
    the integral is by definition the limit.
    """

    name: ClassVar[str] = "integration"
    rests_on: ClassVar[tuple[Lemma, ...]] = (FUNDAMENTAL_THEOREM,)

    def prove(self, statement: Basic) -> bool | None:
        """Integrate and compare."""
        if not (isinstance(statement, Eq) and isinstance(statement.lhs, Integral)):
            return None
        if len(statement.lhs.args) != 2 or len(statement.lhs.args[1]) != 3:
            return None
        integrand, (z, lower, upper) = statement.lhs.args
        if z.is_integer or not (z.assumptions0 == REAL.assumptions0 or (runs_from(S.One, z) and lower.is_nonnegative)):
            return None
        found = integrate(integrand, z)
        if found.has(Integral) or not _is_smooth(found, z):
            return None
        if vanishes(powsimp(diff(found, z)) - integrand) is not True:  # where z/z was cancelled, by continuity
            return None
        ends = [limit(found, z, end) if end.is_infinite else found.subs(z, end) for end in (lower, upper)]
        return vanishes(expand_power_base(expand(ends[1] - ends[0])) - statement.rhs, self.premises)


def _is_smooth(part: Expr, z: Symbol) -> bool:
    """Whether the part is made of sums, products, whole powers, exponentials, sines and cosines: it has no poles."""
    if not part.has(z) or part == z:
        return True
    if isinstance(part, Pow) and not (part.exp.is_integer and part.exp.is_nonnegative and not part.exp.has(z)):
        return False
    return isinstance(part, Add | Mul | Pow | exp | sin | cos) and all(_is_smooth(inner, z) for inner in part.args)
