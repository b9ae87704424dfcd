"""Counterexamples: a statement is called false only with a point in hand that contradicts it.

Points are drawn without chance in it (the same ones every time): rational numbers for scalars, small explicit matrices
for matrices, any values for the terms of sequences. Equations among the premises are solved for what they define;
a point counts only if every premise can be evaluated there and holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from random import Random
from typing import Any

from sympy import (
    And,
    Basic,
    Derivative,
    Dummy,
    Eq,
    Equivalent,
    Expr,
    ImmutableMatrix,
    Implies,
    Integer,
    Integral,
    Limit,
    MatrixBase,
    MatrixSymbol,
    Ne,
    Not,
    Or,
    Rational,
    S,
    Symbol,
    eye,
    preorder_traversal,
    zeros,
)
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.matrices.expressions import MatrixExpr

from theory.proof.explicit import explicit
from theory.proof.expressions import Iterate, Term
from theory.proof.real_terms import RealTerm
from theory.proof.scope import bound_symbols, free_symbols, indices

__all__ = ["counterexample", "found_counterexamples", "record", "refuted", "truth"]

Point = Mapping[Basic, Any]
ATTEMPTS = 12
SMALLEST = Rational(1, 10**15)  # a number computed to 30 digits is called nonzero if it is larger than this
SCALARS = tuple(
    Rational(*pair)
    for pair in ((3, 11), (-2, 1), (5, 3), (0, 1), (1, 1), (-1, 1), (-7, 4), (13, 2), (1, 9), (40, 1), (2, 1), (9, 10))
)
INDICES = (2, 0, 1, 3, 5)
SIZES = (2, 1, 3)
_recorder: ContextVar[list[Point] | None] = ContextVar("counterexamples", default=None)


@contextmanager
def found_counterexamples() -> Iterator[list[Point]]:
    """Collects the counterexamples that are found while a step is being proved."""
    found: list[Point] = []
    token = _recorder.set(found)
    try:
        yield found
    finally:
        _recorder.reset(token)


def record(point: Point) -> None:
    """Keep a counterexample for the error that will name it."""
    found = _recorder.get()
    if found is not None:
        found.append(dict(point))


def refuted(statement: Basic, premises: Iterable[Basic] = (), attempts: int = ATTEMPTS) -> bool | None:
    """False if there is a counterexample, which is kept for the error; None otherwise."""
    point = counterexample(statement, premises, attempts)
    if point is None:
        return None
    record(point)
    return False


def counterexample(statement: Basic, premises: Iterable[Basic] = (), attempts: int = ATTEMPTS) -> Point | None:
    """A point at which all premises hold and the statement does not, or None if none was found."""
    premises = tuple(premise for premise in premises if isinstance(premise, Basic))
    if any(_is_beyond_evaluation(part) for part in (statement, *premises)):
        return None
    if any(indices(premise) for premise in premises):  # one point cannot satisfy what is said of a whole sequence
        return None
    for attempt in range(attempts):
        try:
            point = _point(statement, premises, Random(attempt))
            if point is None or not all(truth(premise, point) is True for premise in premises):
                continue
            if truth(statement, point) is False:
                return point
        except (ArithmeticError, TypeError, ValueError, AttributeError, NotImplementedError, IndexError):
            continue  # something in it is not defined at this point, or cannot be written out
    return None


@lru_cache(maxsize=4096)
def _is_beyond_evaluation(statement: Basic) -> bool:
    """Whether something in it has no value at a point, or none that this module computes."""
    return statement.has(AppliedUndef, Derivative, Integral, Limit, S.Infinity) or any(
        getattr(part, "over", None) is not None for part in preorder_traversal(statement)
    )


def truth(statement: Basic, point: Point) -> bool | None:
    """Whether the statement is true at a point; None where that cannot be computed."""
    if statement in (S.true, S.false):
        return bool(statement)
    if isinstance(statement, Not):
        inner = truth(statement.args[0], point)
        return None if inner is None else not inner
    if isinstance(statement, And | Or | Implies | Equivalent):
        parts = [truth(part, point) for part in statement.args]
        if None in parts:
            return None
        if isinstance(statement, Implies):
            return bool(parts[1] or not parts[0])
        if isinstance(statement, Equivalent):
            return len(set(parts)) == 1
        return all(parts) if isinstance(statement, And) else any(parts)
    if not isinstance(statement, Relational):
        return None
    left, right = (explicit(side, point) for side in statement.args)
    if isinstance(left, MatrixBase) or isinstance(right, MatrixBase):
        if not isinstance(statement, Eq | Ne):
            return None
        if left.shape != right.shape:
            return None
        signs = [_sign(entry) for entry in left - right]
        if any(sign not in (0, None) for sign in signs):
            return isinstance(statement, Ne)
        return None if None in signs else isinstance(statement, Eq)
    sign = _sign(left - right)
    if sign is None:
        return None
    if isinstance(statement, Eq | Ne):
        return (sign == 0) == isinstance(statement, Eq)
    if not (left.is_real and right.is_real):
        return None
    return bool(statement.func(S(sign), 0))


def _sign(number: Expr) -> Any:
    """−1, 0 or 1 for a real number, the number itself for a complex one that is not zero, None if it is not known."""
    if number.is_Rational:
        return 0 if number == 0 else (1 if number > 0 else -1)
    if not number.is_number or number.is_finite is False:
        return None
    value = number.evalf(30)
    if value.is_Float and abs(value) > SMALLEST:
        return 1 if value > 0 else -1
    if abs(value) > SMALLEST:
        return value
    return 0 if number.equals(0) else None


def _point(statement: Basic, premises: tuple[Basic, ...], random: Random) -> dict[Basic, Any] | None:
    """Values for everything in statement and premises, such that the premises that define something hold."""
    parts = (statement, *premises)
    symbols = set().union(*(part.atoms(Symbol) for part in parts))
    bound = set().union(*(bound_symbols(part) - free_symbols(part) for part in parts))
    matrices = set().union(*(part.atoms(MatrixSymbol) for part in parts))
    shapes = {side for matrix in matrices for side in matrix.shape}
    shapes |= {side for part in parts for term in part.atoms(Iterate) for side in term.shape}
    shapes = set().union(*(side.free_symbols for side in shapes))
    values: dict[Basic, Any] = {}
    for symbol in sorted(symbols - bound, key=lambda symbol: symbol.sort_key()):
        if symbol.is_integer:
            values[symbol] = Integer(random.choice(SIZES if symbol in shapes else INDICES))
            if not _is_allowed(symbol, values[symbol]):
                values[symbol] = next(
                    (Integer(k) for k in (1, 2, 3, 4, 7, -1, -2) if _is_allowed(symbol, Integer(k))), None
                )
                if values[symbol] is None:
                    return None
    scalars = {symbol: symbol for symbol in symbols - bound - set(values)}
    letters: dict[Basic, list[Basic]] = {}  # the same letter as it is written with sizes and indices put in, or not
    for part in parts:
        for term in (*part.atoms(Iterate), *part.atoms(Term), *part.atoms(MatrixSymbol)):
            numbered = term.xreplace(values)
            if not (numbered.free_symbols - {numbered}) & bound:
                indexed = term if isinstance(term, MatrixSymbol) else term.func(*term.args[:-1], numbered.args[-1])
                letters.setdefault(numbered, []).extend((term, indexed))
    unknown: dict[Basic, Symbol] = {}
    for letter in sorted(letters, key=str):
        if isinstance(letter, Term):
            unknown[letter] = Dummy(str(letter), real=True)
    equations = [premise.xreplace(values) for premise in premises if isinstance(premise, Eq)]
    known = _matrices(letters, equations, {**values, **unknown}, random)
    solved = _solved(equations, {**values, **unknown, **known})
    numbers: dict[Basic, Any] = {}
    for symbol in sorted({*scalars, *unknown.values()} - set(solved), key=str):
        allowed = [value for value in SCALARS if symbol.is_Dummy or _is_allowed(symbol, value)]
        if not allowed:
            return None
        numbers[symbol] = random.choice(allowed)
    for symbol, expression in solved.items():
        numbers[symbol] = expression.xreplace(numbers)
        if not numbers[symbol].is_number or not (symbol.is_Dummy or _is_allowed(symbol, numbers[symbol])):
            return None
    point = {**values, **{symbol: numbers[symbol] for symbol in scalars}}
    point |= {term: numbers[dummy] for term, dummy in unknown.items()}
    if any(isinstance(term, RealTerm) and not point[term].is_real for term in unknown):
        return None
    for letter, matrix in known.items():
        point |= dict.fromkeys((letter, *letters[letter]), matrix.xreplace(numbers))
    return point


def _matrices(
    letters: Iterable[Basic], equations: list[Basic], values: dict[Basic, Any], random: Random
) -> dict[Basic, ImmutableMatrix]:
    """Explicit matrices: what an equation defines, as it says; the others drawn."""
    wanted = [letter for letter in sorted(letters, key=str) if isinstance(letter, MatrixExpr)]
    definitions = {
        equation.lhs: equation.rhs
        for equation in equations
        if isinstance(equation.lhs, MatrixSymbol | Iterate) and not equation.rhs.has(equation.lhs)
    }
    known: dict[Basic, ImmutableMatrix] = {}

    def value_of(letter: Basic, pending: frozenset[Basic]) -> None:
        if letter in known:
            return
        rule = definitions.get(letter)
        inside = rule.atoms(MatrixSymbol) | rule.atoms(Iterate) if rule is not None else set()
        if rule is not None and not inside & pending:
            for other in sorted(inside, key=str):
                value_of(other, pending | {letter})
            if inside <= set(known):
                known[letter] = ImmutableMatrix(explicit(rule, {**values, **known}))
        if letter not in known:
            rows, columns = (int(side) for side in letter.shape)
            known[letter] = _drawn(rows, columns, random)

    for letter in wanted:
        value_of(letter, frozenset({letter}))
    return known


def _drawn(rows: int, columns: int, random: Random) -> ImmutableMatrix:
    """A small matrix: most often any integers, sometimes zero, the identity or of rank one."""
    kind = random.random()
    if kind < 0.1:
        return ImmutableMatrix(zeros(rows, columns))
    if kind < 0.25:
        return ImmutableMatrix(eye(max(rows, columns))[:rows, :columns])
    if kind < 0.4:
        return ImmutableMatrix(rows, columns, lambda i, j: Integer((i + 1) * (2 * j - 1)))
    return ImmutableMatrix(rows, columns, lambda *_: Integer(random.randint(-3, 3)))


def _solved(equations: list[Basic], values: Point) -> dict[Symbol, Expr]:
    """The equations solved one after the other, each for an unknown that it is linear in."""
    solved: dict[Symbol, Expr] = {}
    for equation in equations:
        left, right = (explicit(side, values) for side in equation.args)
        gaps = list(left - right) if isinstance(left, MatrixBase) else [left - right]
        for gap in gaps:
            above = gap.xreplace(solved).together().as_numer_denom()[0].expand()
            for unknown in sorted(
                above.free_symbols, key=lambda symbol: (symbol not in left.free_symbols, str(symbol))
            ):
                if not above.is_polynomial(unknown):
                    continue
                slope = above.coeff(unknown, 1)
                if slope == 0 or slope.has(unknown) or (above - slope * unknown).expand().has(unknown):
                    continue
                value = -(above - slope * unknown).expand() / slope
                solved = {known: expression.xreplace({unknown: value}) for known, expression in solved.items()}
                solved[unknown] = value
                break
    return solved


def _is_allowed(symbol: Basic, value: Expr) -> bool:
    """Whether the value has what the symbol is declared to have (for all we know, where that is not decided)."""
    return all(
        getattr(value, f"is_{fact}") is truth
        for fact, truth in symbol.assumptions0.items()
        if fact != "commutative" and truth is not None
    )
