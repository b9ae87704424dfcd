"""Does a scalar expression vanish? Decided exactly, as a question about rational functions.

Whatever is not rational (`q**t` with a symbolic exponent, `exp`, roots, terms of sequences, traces) becomes a
generator; a root brings its defining equation with it. The expression vanishes if its numerator is zero, or lies in the
radical of the ideal of the given equations (Gröbner basis, Rabinowitsch's trick); no denominator may vanish unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sympy import (
    QQ,
    Add,
    Basic,
    Dummy,
    E,
    Eq,
    Expr,
    I,
    Mul,
    Ne,
    PolynomialError,
    Pow,
    Rational,
    S,
    StrictGreaterThan,
    StrictLessThan,
    Symbol,
    exp,
    expand,
    factor_list,
    groebner,
    sympify,
)
from sympy.matrices.expressions import MatrixExpr
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyElement, PolyRing

from theory.proof.counterexample import refuted

__all__ = ["vanishes"]

FIRST_ATTEMPTS = 3  # at finding a counterexample, before anything is proved


@dataclass
class _Generators:
    """The generators given to the parts of expressions that are not rational, and the equations these satisfy."""

    by_part: dict[Basic, Symbol] = field(default_factory=dict)
    relations: list[Expr] = field(default_factory=list)
    denominators: list[Expr] = field(default_factory=list)

    def name(self, part: Basic) -> Symbol:
        return self.by_part.setdefault(part, Dummy(f"g{len(self.by_part)}"))

    def root(self, base: Expr, order: int) -> Symbol:
        part = Pow(base, Rational(1, order))
        if part not in self.by_part:
            self.relations.append(self.name(part) ** order - self.rational(base))
        return self.by_part[part]

    def rational(self, expression: Expr) -> Expr:
        """The expression as a rational function of symbols and generators."""
        if not _is_a_number(expression):
            raise PolynomialError(f"{expression} is not a number that commutes with the others")
        if expression.is_Rational or expression.is_Symbol:
            return expression
        if isinstance(expression, Add | Mul):
            arguments = [self.rational(argument) for argument in expression.args]
            unchanged = all(new is old for new, old in zip(arguments, expression.args, strict=True))
            return expression if unchanged else expression.func(*arguments)
        if expression == I:
            if I not in self.by_part:
                self.relations.append(self.name(I) ** 2 + 1)
            return self.by_part[I]
        if isinstance(expression, exp):
            return self.power(E, expression.args[0])
        if isinstance(expression, Pow):
            return self.power(expression.base, expression.exp)
        if expression.args and isinstance(expression, Expr) and expression.is_Function:
            return self.name(expression.func(*(expand(argument) for argument in expression.args)))
        return self.name(expression)

    def power(self, base: Expr, exponent: Expr) -> Expr:
        """`base**exponent`, split so that `q**(t + 1)` is `q · q**t` and `q**(2*t)` is `(q**t)**2`.

        Both hold for every base but zero; at zero where no exponent can be negative.
        """
        result = S.One
        for term in Add.make_args(expand(exponent)):
            coefficient, rest = term.as_coeff_Mul()
            if not coefficient.is_Rational:
                coefficient, rest = S.One, term
            if not term.is_nonnegative and base != E:
                self.denominators.append(base)
            if rest == 1 and coefficient.is_Integer:
                result *= (self.rational(base) if base != E else self.name(E)) ** coefficient
            elif rest == 1:
                result *= self.root(base, coefficient.q) ** coefficient.p
            else:
                exponent_of_one = rest / coefficient.q
                # (a b)^s is a^s b^s for whole s only: at a = b = -1, s = 1/2 it is 1 against -1
                for factor in Mul.make_args(base) if exponent_of_one.is_integer else (base,):
                    result *= self.name(Pow(expand(factor), exponent_of_one, evaluate=False)) ** coefficient.p
        return result


def _is_a_number(part: Expr) -> bool:
    """Whether the part stands for a finite number: no matrix, nothing infinite, nothing that does not commute."""
    infinite = part.is_infinite or (part.is_Symbol and part.is_extended_real and not part.is_real)
    return bool(part.is_commutative) and not infinite and part is not S.NaN


def _numerator(rational: Expr) -> PolyElement:
    """The numerator of a rational function over a common denominator, in sparse polynomials (`expand` is slow)."""
    polynomials = PolyRing(sorted(rational.free_symbols, key=lambda symbol: symbol.sort_key()), QQ, lex)
    by_symbol = dict(zip(polynomials.symbols, polynomials.gens, strict=True))

    def fraction(part: Expr) -> tuple[PolyElement, PolyElement]:
        if part.is_Symbol:
            return by_symbol[part], polynomials.one
        if part.is_Rational:
            return polynomials.ground_new(QQ(part.p, part.q)), polynomials.one
        if part.is_Pow:
            above, below = fraction(part.base)
            above, below = (above, below) if part.exp > 0 else (below, above)
            return above ** abs(int(part.exp)), below ** abs(int(part.exp))
        above, below = polynomials.zero if part.is_Add else polynomials.one, polynomials.one
        for argument in part.args:
            over, under = fraction(argument)
            if part.is_Mul:
                above, below = above * over, below * under
            elif under == below:
                above = above + over
            else:
                shared = below.gcd(under)
                above = above * (under // shared) + over * (below // shared)
                below = below * (under // shared)
        return above, below

    return fraction(rational)[0]


def vanishes(expression: Expr, premises: Iterable[Basic] = ()) -> bool | None:
    """Whether a scalar expression is zero wherever the premises hold.

    Args:
        expression: a commutative scalar expression.
        premises: equations that may be used, and `Ne(…, 0)` or strict inequalities that keep denominators from zero.

    Returns:
        True; False if there is a point where the premises hold and it is not zero; None where neither is known, a
        denominator could vanish, or the premises contradict each other.
    """
    premises = tuple(premises)
    generators = _Generators()
    try:
        numerator = _numerator(generators.rational(sympify(expression)))
    except PolynomialError:
        return None
    if not all(_cannot_vanish(part, premises) for part in generators.denominators):
        return None
    if numerator == 0:
        return True
    statement = Eq(expression, 0, evaluate=False)
    if refuted(statement, premises, attempts=FIRST_ATTEMPTS) is False:  # far quicker than what follows
        return False
    equations = [
        _numerator(generators.rational(premise.lhs - premise.rhs)).as_expr()
        for premise in premises
        if isinstance(premise, Eq) and isinstance(premise.lhs, Expr) and not isinstance(premise.lhs, MatrixExpr)
    ]
    equations = [equation for equation in equations if equation != 0]
    relations = [*equations, *generators.relations]
    if relations and _follows(numerator.as_expr(), relations):
        return True
    return refuted(statement, premises)


def _follows(polynomial: Expr, equations: list[Expr]) -> bool:
    """Whether the polynomial vanishes on the variety of the equations, and that is not empty."""
    symbols = sorted(set().union(*(item.free_symbols for item in (polynomial, *equations))), key=lambda s: s.sort_key())
    basis = groebner(equations, *symbols, order="grevlex", domain=QQ)
    if basis.exprs == [S.One]:
        return False
    if basis.contains(polynomial):
        return True
    auxiliary = Dummy("y")
    return bool(
        groebner([*basis.exprs, 1 - auxiliary * polynomial], auxiliary, *symbols, order="grevlex", domain=QQ).exprs
        == [S.One]
    )


def _cannot_vanish(denominator: Expr, premises: tuple[Basic, ...]) -> bool:
    """Whether a denominator is nonzero by the assumptions on its symbols or by a premise."""
    if denominator.is_nonzero or (denominator.is_zero is False):
        return True
    allowed = [item.lhs - item.rhs for item in premises if isinstance(item, Ne | StrictLessThan | StrictGreaterThan)]
    try:
        factors = [part for part, _ in factor_list(denominator)[1]]
    except PolynomialError:
        factors = [denominator]
    known = [expand(item) for item in allowed]
    return all(
        part.is_zero is False or any(expand(part - item) == 0 or expand(part + item) == 0 for item in known)
        for part in factors
    )
