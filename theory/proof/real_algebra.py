"""Statements about real polynomials, decided exactly by cylindrical algebraic decomposition in few variables.

Space is cut into cells on which no polynomial of the statement changes sign; the statement holds everywhere if it holds
at one point of every cell. Projection as by McCallum (coefficients, discriminants, resultants), which is sound as long
as no polynomial vanishes identically over a cell; where one does, or where a cell's point is not rational before the
last variable, the rule does not decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import ClassVar

from sympy import And, Basic, Expr, Implies, Poly, S, Symbol, discriminant, factor_list, real_roots, resultant
from sympy.core.relational import Relational

from theory.proof.counterexample import record
from theory.proof.derivation import Rule

__all__ = ["RealAlgebra"]


class _UndecidableCellError(ArithmeticError):
    """A cell whose sample point this decomposition cannot handle."""


@dataclass(frozen=True)
class RealAlgebra(Rule):
    """A Boolean combination of polynomial relations that holds for all real values of the variables.

    Attributes:
        premises: Relations that restrict the values.
        variables: All variables, at most three or so; the last may have irrational cells.
    """

    variables: tuple[Symbol, ...] = field(kw_only=True)
    name: ClassVar[str] = "cylindrical algebraic decomposition"

    def prove(self, statement: Basic) -> bool | None:
        """Evaluate the statement at one point of every cell."""
        claim = Implies(And(*self.premises), statement) if self.premises else statement
        if not claim.free_symbols <= set(self.variables) or not all(
            v.is_real and not v.is_integer for v in self.variables
        ):
            return None
        polynomials = [relation.lhs - relation.rhs for relation in claim.atoms(Relational)]
        if not all(polynomial.is_polynomial(*self.variables) for polynomial in polynomials):
            return None
        try:
            for point in _cells(polynomials, self.variables):
                truth = statement.subs(point) if _admitted(point, self.premises) else S.true
                if truth == S.false:
                    record(point)
                    return False
                if truth != S.true:
                    return None
        except _UndecidableCellError:
            return None
        return True


def _admitted(point: dict[Symbol, Expr], premises: tuple[Basic, ...]) -> bool:
    """Whether the point satisfies the premises and the signs that its variables have by assumption."""
    for symbol, value in point.items():
        if (symbol.is_positive and not value.is_positive) or (symbol.is_nonnegative and value.is_negative):
            return False
    for premise in premises:
        truth = premise.subs(point)
        if truth not in (S.true, S.false):
            raise _UndecidableCellError
        if truth == S.false:
            return False
    return True


def _cells(polynomials: list[Expr], variables: tuple[Symbol, ...]) -> Iterator[dict[Symbol, Expr]]:
    """One point of every cell on which all the polynomials keep their signs."""
    *lower, last = variables
    factors = {factor for polynomial in polynomials for factor, _ in factor_list(polynomial, *variables)[1]}
    factors |= {last} if last.is_nonnegative else set()
    bases = _cells(_projection(factors, last), tuple(lower)) if lower else iter([{}])
    for base in bases:
        over = [Poly(factor.subs(base), last) for factor in factors if factor.has(last)]
        if any(above.is_zero for above in over) or not all(value.is_rational for value in base.values()):
            raise _UndecidableCellError
        roots = sorted({root for above in over if above.degree() > 0 for root in real_roots(above)})
        yield from ({**base, last: value} for value in _samples(roots))


def _projection(factors: set[Expr], last: Symbol) -> list[Expr]:
    """Polynomials without the last variable that vanish where roots in it appear, meet or go to infinity."""
    rising = [factor for factor in factors if factor.has(last)]
    projected = [factor for factor in factors if not factor.has(last)]
    for factor in rising:
        projected += [*Poly(factor, last).all_coeffs(), discriminant(factor, last)]
    projected += [resultant(first, second, last) for first, second in combinations(rising, 2)]
    return [polynomial for polynomial in projected if not polynomial.is_number]


def _samples(roots: list[Expr]) -> Iterator[Expr]:
    """The roots, and a rational number in every interval between and beside them."""
    if not roots:
        yield S.Zero
        return
    yield S(int(roots[0].evalf()) - 2)
    for left, right in pairwise(roots):
        yield left
        yield _between(left, right)
    yield roots[-1]
    yield S(int(roots[-1].evalf()) + 2)


def _between(left: Expr, right: Expr) -> Expr:
    """A rational number strictly between two numbers."""
    digits = 2
    while True:
        middle = S(round(((left + right) / 2).evalf(30) * 10**digits)) / 10**digits
        if (left < middle) == True and (middle < right) == True:  # noqa: E712
            return middle
        digits += 2
