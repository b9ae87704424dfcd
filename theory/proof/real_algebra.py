"""Statements about real polynomials, decided exactly by cylindrical algebraic decomposition in few variables.

Space is cut into cells on which no polynomial of the statement changes sign; the statement holds everywhere if it holds
at one point of every cell. Projection as by McCallum (coefficients, discriminants, resultants), which is sound as long
as no polynomial vanishes identically over a cell; where one does, or where a cell's point is not rational before the
last variable, the rule does not decide. All arithmetic is with fractions: an irrational root is a polynomial and an
interval that holds no other root of it, and the sign of another polynomial there is found without rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any, ClassVar

from sympy import QQ, Basic, Expr, Poly, Rational, S, Symbol, ceiling, discriminant, factor_list, floor, prod, resultant
from sympy.core.relational import Eq, Ge, Gt, Le, Lt, Ne, Relational
from sympy.logic.boolalg import And, Boolean, Equivalent, Implies, Not, Or

from theory.proof.counterexample import record
from theory.proof.steps import Rule

__all__ = ["RealAlgebra"]

# The declarations that this rule can take into account, and the signs that they leave.
DECLARED = (
    ({"real": True}, (-1, 0, 1)),
    ({"nonnegative": True}, (0, 1)),
    ({"positive": True}, (1,)),
    ({"nonpositive": True}, (-1, 0)),
    ({"negative": True}, (-1,)),
    ({"real": True, "nonzero": True}, (-1, 1)),
)
HOLDS = {
    Eq: (0,),
    Ne: (-1, 1),
    Lt: (-1,),
    Le: (-1, 0),
    Gt: (1,),
    Ge: (0, 1),
}


class _UndecidableCellError(ArithmeticError):
    """A cell whose sample point this decomposition cannot handle."""


@dataclass(frozen=True)
class _Root:
    """The only root of a square-free polynomial in an interval with rational ends, which are no roots of it."""

    of: Poly
    low: Rational
    high: Rational

    def narrowed(self) -> _Root:
        """The same in half the interval."""
        middle = (self.low + self.high) / 2
        # one simple root and none at an end: the sign changes in the half that holds it
        left = self.of.eval(self.low) * self.of.eval(middle) < 0
        return _Root(self.of, self.low, middle) if left else _Root(self.of, middle, self.high)


@dataclass(frozen=True)
class RealAlgebra(Rule):
    """A Boolean combination of polynomial relations that holds for all real values of the variables.

    Sound because no polynomial of the statement, of the premises or of a declared sign changes its own sign within a
    cell (Collins 1975; the projection is McCallum's, 1988, whose condition is checked), so that what holds at one point
    of a cell holds in all of it; the cells cover the whole space, signs are found with exact arithmetic, and where the
    condition fails the rule does not decide.

    Attributes:
        premises: relations that restrict the values.
        variables: all variables, at most three or so, real, of a declared sign or none; the last may have irrational
            cells.
    """

    variables: tuple[Symbol, ...] = field(kw_only=True)
    name: ClassVar[str] = "cylindrical algebraic decomposition"

    def prove(self, statement: Basic) -> bool | None:
        """Evaluate the statement at one point of every cell."""
        claims = (statement, *self.premises)
        signs = {variable: allowed for variable in self.variables if (allowed := _signs(variable)) is not None}
        if len(signs) != len(self.variables):
            return None
        if not set().union(*(claim.free_symbols for claim in claims)) <= set(self.variables):
            return None
        relations = set().union(*(claim.atoms(Relational) for claim in claims))
        found = {relation: _polynomial(relation, self.variables) for relation in relations}
        polynomials = {relation: polynomial for relation, polynomial in found.items() if polynomial is not None}
        if len(polynomials) != len(relations):
            return None
        cut = {polynomial.as_expr() for polynomial in polynomials.values()}
        cut |= {variable for variable, allowed in signs.items() if len(allowed) < 3}
        try:
            for base, last in _cells(cut, self.variables):
                point = {**base, self.variables[-1]: last}
                if any(_sign(Poly(v, v, domain=QQ), point[v]) not in signs[v] for v in self.variables):
                    continue
                held = {
                    relation: _sign(_over(polynomial.as_expr(), base, self.variables[-1]), last) in HOLDS[relation.func]
                    for relation, polynomial in polynomials.items()
                }
                if all(_truth(premise, held) for premise in self.premises) and not _truth(statement, held):
                    record({variable: _as_number(value) for variable, value in point.items()})
                    return False
        except _UndecidableCellError:
            return None
        return True


def _signs(variable: Symbol) -> tuple[int, ...] | None:
    """The signs that a variable may have; None if more is declared of it than that it is real and its sign."""
    return next(
        (signs for facts, signs in DECLARED if variable.assumptions0 == Symbol("v", **facts).assumptions0), None
    )


def _polynomial(relation: Relational, variables: tuple[Symbol, ...]) -> Poly | None:
    """The left side minus the right as a polynomial with rational coefficients, if it is one."""
    gap = relation.lhs - relation.rhs if all(isinstance(side, Expr) for side in relation.args) else None
    if gap is None or relation.func not in HOLDS or not gap.is_polynomial(*variables):
        return None
    polynomial = Poly(gap, *variables)
    return polynomial.set_domain(QQ) if all(c.is_Rational for c in polynomial.coeffs()) else None


def _truth(statement: Basic, held: Mapping[Basic, bool]) -> bool:
    """The truth of a statement from that of its relations."""
    if statement in held:
        return held[statement]
    if statement in (S.true, S.false):
        return bool(statement)
    if not isinstance(statement, Boolean):
        raise _UndecidableCellError
    parts = [_truth(part, held) for part in statement.args]
    if isinstance(statement, And | Or):
        return all(parts) if isinstance(statement, And) else any(parts)
    if isinstance(statement, Not):
        return not parts[0]
    if isinstance(statement, Implies):
        return parts[1] or not parts[0]
    if isinstance(statement, Equivalent):
        return len(set(parts)) == 1
    raise _UndecidableCellError


def _cells(polynomials: Iterable[Expr], variables: tuple[Symbol, ...]) -> Iterator[tuple[dict[Symbol, Any], Any]]:
    """One point of every cell on which all the polynomials keep their signs: the values before the last, and this."""
    *lower, last = variables
    factors = {factor for polynomial in polynomials for factor, _ in factor_list(polynomial, *variables)[1]}
    rising = {factor for factor in factors if factor.has(last)}
    below = _cells([*(factors - rising), *_projection(rising, last)], tuple(lower)) if lower else iter([({}, None)])
    for before, value in below:
        base = {**before, lower[-1]: value} if lower else {}
        if any(isinstance(value, _Root) for value in base.values()):
            raise _UndecidableCellError
        over = [_over(factor, base, last) for factor in rising]
        if any(above.is_zero for above in over):
            raise _UndecidableCellError
        yield from ((base, value) for value in _samples(over, last))


def _projection(rising: set[Expr], last: Symbol) -> list[Expr]:
    """Polynomials without the last variable that vanish where roots in it appear, meet or go to infinity."""
    projected: list[Expr] = []
    for factor in rising:
        projected += [*Poly(factor, last).all_coeffs(), discriminant(factor, last)]
    projected += [resultant(first, second, last) for first, second in combinations(rising, 2)]
    return [polynomial for polynomial in projected if not polynomial.is_number]


def _over(polynomial: Expr, base: Mapping[Symbol, Rational], last: Symbol) -> Poly:
    """The polynomial in the last variable alone, above a point."""
    return Poly(polynomial.subs(base), last, domain=QQ)


def _samples(polynomials: list[Poly], last: Symbol) -> Iterator[Rational | _Root]:
    """The real roots, and a rational number in every interval between and beside them."""
    together = prod(polynomials, start=Poly(1, last, domain=QQ)).sqf_part()
    exact = sorted(-factor.eval(0) / factor.LC() for factor, _ in together.factor_list()[1] if factor.degree() == 1)
    irrational = prod(
        (factor for factor, _ in together.factor_list()[1] if factor.degree() > 1), start=Poly(1, last, domain=QQ)
    )
    apart: list[tuple[Rational, Rational, Rational | _Root]] = [(root, root, root) for root in exact]
    for (low, high), _ in irrational.intervals() if irrational.degree() > 0 else ():
        root = _Root(irrational, S(low), S(high))
        while any(root.low <= other <= root.high for other in exact):
            root = root.narrowed()
        apart.append((root.low, root.high, root))
    if not apart:
        yield S.Zero
        return
    apart.sort(key=lambda item: item[0])
    yield floor(apart[0][0]) - 1
    for (_, end, root), (start, _, _) in pairwise(apart):
        yield root
        yield (end + start) / 2
    yield apart[-1][2]
    yield ceiling(apart[-1][1]) + 1


def _sign(polynomial: Poly, at: Rational | _Root) -> int:
    """The sign of a polynomial at a rational number or at a root, without rounding."""
    if not isinstance(at, _Root):
        value = polynomial.eval(at)
        return bool(value > 0) - bool(value < 0)
    if polynomial.degree() <= 0:
        return _sign(polynomial, S.Zero)
    polynomial = polynomial.replace(at.of.gen)
    shared = polynomial.gcd(at.of)
    if shared.degree() > 0 and shared.count_roots(at.low, at.high) == 1:
        return 0
    while polynomial.count_roots(at.low, at.high) > 0:
        at = at.narrowed()
    return _sign(polynomial, at.low)


def _as_number(value: Rational | _Root) -> Expr:
    """A sample as a number of SymPy's."""
    if not isinstance(value, _Root):
        return value
    return next(root for root in value.of.real_roots() if value.low < root < value.high)
