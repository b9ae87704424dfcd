"""Sums, power series and integrals: compared term by term, integrated term by term, or by completing the square."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from sympy import (
    Add,
    Basic,
    Eq,
    Expr,
    Gt,
    Integral,
    LessThan,
    Mul,
    Pow,
    S,
    Sum,
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
    oo,
    pi,
    powsimp,
    sin,
    sqrt,
)

from theory.proof.inequalities import Inequality
from theory.proof.scope import counts_from_zero, runs_from
from theory.proof.steps import Rule
from theory.proof.vanishing import vanishes

__all__ = [
    "ExponentialMoments",
    "ExponentialSeries",
    "Factorials",
    "GaussianIntegral",
    "Integration",
    "Termwise",
]

REAL = Symbol("v", real=True)


@dataclass(frozen=True)
class Termwise(Rule):
    """``Σ f ≤ Σ g``, or ``Σ f ≤ (number of terms) · g``, from the one premise ``f ≤ g`` for every index."""

    name: ClassVar[str] = "comparison term by term"

    def prove(self, statement: Basic) -> bool | None:
        """Compare the summands with the premise."""
        (premise,) = self.premises
        if not (isinstance(statement, LessThan) and isinstance(premise, LessThan) and isinstance(statement.lhs, Sum)):
            return None
        lesser, greater = statement.args
        if len(lesser.args) != 2 or lesser.function != premise.lhs:
            return None
        if not runs_from(lesser.args[1][1], lesser.args[1][0]):  # i = 0 is no positive index
            return None
        if isinstance(greater, Sum):
            return (greater.args[1:] == lesser.args[1:] and greater.function == premise.rhs) or None
        index, first, last = lesser.args[1]
        if premise.rhs.has(index) or not (last - first + 1).is_nonnegative:  # an empty sum has no −3 terms
            return None
        return vanishes(greater - (last - first + 1) * premise.rhs) or None


@dataclass(frozen=True)
class Factorials(Rule):
    """An equation of products of factorials whose arguments differ by integers."""

    name: ClassVar[str] = "the recurrence of the factorial"

    def prove(self, statement: Basic) -> bool | None:
        """Reduce the quotient of the sides to a rational function, which must be 1."""
        if not isinstance(statement, Eq) or not statement.lhs.has(factorial):
            return None
        if not all(part.args[0].is_integer and part.args[0].is_nonnegative for part in statement.atoms(factorial)):
            return None
        return vanishes(combsimp(statement.lhs / statement.rhs) - 1)


@dataclass(frozen=True)
class ExponentialSeries(Rule):
    """``Σ yⁿ/n! = exp(y)``."""

    name: ClassVar[str] = "the power series of the exponential function"

    def prove(self, statement: Basic) -> bool | None:
        """Compare the summand with the coefficient of the series."""
        if not (isinstance(statement, Eq) and isinstance(statement.lhs, Sum) and isinstance(statement.rhs, exp)):
            return None
        (index, first, last), *others = statement.lhs.args[1:]
        y = statement.rhs.args[0]
        if others or (first, last) != (0, oo) or y.has(index) or not counts_from_zero(index):
            return None
        return vanishes(combsimp(expand_power_base(statement.lhs.function * factorial(index) / y**index)) - 1) or None


@dataclass(frozen=True)
class Integration(Rule):
    """A definite integral, by an antiderivative that SymPy finds; that it is one is proved, and that it has no jumps.

    What it tends to where the interval has no end is SymPy's.
    """

    name: ClassVar[str] = "integration"

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


@dataclass(frozen=True)
class ExponentialMoments(Rule):
    """``∫ exp(hθ) w dθ = Σ h²ⁿ M_n / (2n)!`` over a bounded interval, where every odd moment of w vanishes.

    The premises are ``∫ θ²ⁿ w dθ = M_n`` and ``∫ θ²ⁿ⁺¹ w dθ = 0``. The series of the exponential function converges
    uniformly on the interval, so it may be integrated term by term.
    """

    name: ClassVar[str] = "the series of the exponential function, integrated term by term"

    def prove(self, statement: Basic) -> bool | None:
        """Compare the coefficients of the series with the moments."""
        even, odd = self.premises
        if not (isinstance(statement, Eq) and isinstance(statement.lhs, Integral) and isinstance(statement.rhs, Sum)):
            return None
        integral, series = statement.args
        if len(integral.args) != 2 or len(series.args) != 2 or not counts_from_zero(series.args[1][0]):
            return None
        (theta, lower, upper), (n, first, last) = integral.args[1], series.args[1]
        weight, power = integral.function.as_independent(theta, as_Add=False)
        if not (isinstance(power, exp) and (first, last) == (0, oo) and lower.is_finite and upper.is_finite):
            return None
        h = power.args[0] / theta
        moments = [Integral(theta ** (2 * n + shift) * weight, integral.args[1]) for shift in (0, 1)]
        if h.has(theta) or [even.lhs, odd.lhs] != moments or odd.rhs != 0:
            return None
        coefficient = h ** (2 * n) / factorial(2 * n) * even.rhs
        quotient = (coefficient / series.function).replace(factorial, lambda m: factorial(expand(m)))
        return vanishes(combsimp(expand_power_base(quotient.powsimp(), force=False)) - 1) or None


@dataclass(frozen=True)
class GaussianIntegral(Rule):
    """``∫ exp(−w z²/2 + bz + c) dz = √(2π/w) exp(b²/(2w) + c)`` over the whole line, for w > 0.

    Attributes:
        premises: What makes w positive, if its symbols' assumptions do not.
        curvature: w.
    """

    curvature: Expr = field(kw_only=True)
    name: ClassVar[str] = "completing the square"

    def prove(self, statement: Basic) -> bool | None:
        """Compare the integral's value with the formula."""
        if not (isinstance(statement, Eq | LessThan) and isinstance(statement.lhs, Integral)):
            return None
        z, *bounds = statement.lhs.args[1]
        if len(statement.lhs.args) != 2 or z.assumptions0 != REAL.assumptions0 or self.curvature.has(z):
            return None
        factor, power = statement.lhs.function.powsimp().as_independent(z, as_Add=False)
        if bounds != [-oo, oo] or not isinstance(power, exp):
            return None
        exponent = expand(power.args[0])
        linear, constant, w = exponent.coeff(z, 1), exponent.coeff(z, 0), self.curvature
        if vanishes(exponent - (-w * z**2 / 2 + linear * z + constant)) is not True:
            return None
        if Inequality(self.premises, certificate=w).prove(Gt(w, 0, evaluate=False)) is not True:
            return None
        value = factor * sqrt(2 * pi) * w ** (-S.Half) * exp(linear**2 / (2 * w) + constant)
        verdict = vanishes(value - statement.rhs, self.premises)
        return verdict if isinstance(statement, Eq) else verdict or None  # a greater bound would be true as well
