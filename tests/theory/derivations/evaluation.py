"""Statements evaluated at a point with fractions: a second opinion that shares no code with the rules of proof.

SymPy is only read here (which operation, which arguments); all arithmetic is Python's. Numbers stay fractions as long
as only whole powers are taken; roots, exponentials and integrals are floats, and compared to within ``ROUNDING``.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from scipy.integrate import quad

ROUNDING = 1e-9  # relative: some thousand operations of 1e-16 each, and integrals to 1e-12
INDICES = (0, 1, 2, 3)
FAR = (
    400  # the index that stands for infinity: ratios in these points are at most 15/16, and (15/16)⁴⁰⁰ < ROUNDING / 100
)
TERMS = 60  # of a series whose terms fall like 1/n!


@dataclass
class Point:
    """What everything in a derivation is, by name.

    Attributes:
        scalars: Numbers, and the sizes of matrices.
        matrices: Arrays of fractions.
        sequences: Terms by index: numbers or arrays.
        random: The values that a random matrix takes, with their probabilities.
        functions: Polynomials, as functions of a SymPy expression.
    """

    scalars: dict[str, Any] = field(default_factory=dict)
    matrices: dict[str, np.ndarray] = field(default_factory=dict)
    sequences: dict[str, Callable[[int], Any]] = field(default_factory=dict)
    random: dict[str, list[tuple[Any, np.ndarray]]] = field(default_factory=dict)
    functions: dict[str, Callable[[Any], Any]] = field(default_factory=dict)

    def __or__(self, other: Point) -> Point:
        return Point(*(getattr(self, name) | getattr(other, name) for name in self.__dataclass_fields__))

    def having(self, **scalars: Any) -> Point:
        return self | Point(scalars)


def holds(statement: Any, point: Point) -> bool:
    """Whether the statement is true at the point, for every index that it leaves open."""
    open_indices = sorted(
        {symbol.name for symbol in statement.free_symbols if isinstance(symbol, sympy.Symbol)}
        & {"t", "n", "i", "j", "m"} - set(point.scalars)
    )
    points = [point]
    for name in open_indices:
        first = 1 if name in "ij" else 0
        points = [
            each.having(**{name: first + index}) for each in points for index in INDICES[: 4 - 2 * (name in "ij")]
        ]
    return all(_true(statement, each) for each in points)


def _true(statement: Any, point: Point) -> bool:
    kind = type(statement).__name__
    if kind in ("And", "Or", "Not", "Implies", "Equivalent"):
        parts = [_true(part, point) for part in statement.args]
        return {
            "And": all(parts),
            "Or": any(parts),
            "Not": not parts[0],
            "Implies": parts[-1] or not parts[0],
            "Equivalent": len(set(parts)) == 1,
        }[kind]
    left, right = (value(side, point) for side in statement.args)
    gap = np.asarray(left - right, dtype=object).ravel()
    exact = all(isinstance(entry, int | Fraction) for entry in gap)
    sizes = [abs(complex(entry)) for entry in (*np.ravel(left), *np.ravel(right))]
    slack = 0 if exact else ROUNDING * (1 + max(sizes))
    if kind == "Equality":
        return all(abs(entry) <= slack for entry in gap)
    if kind == "Unequality":
        return any(abs(entry) > slack for entry in gap)
    (difference,) = gap
    return {
        "LessThan": difference <= slack,
        "StrictLessThan": difference < slack or (slack == 0 and difference < 0),
        "GreaterThan": difference >= -slack,
        "StrictGreaterThan": difference > -slack,
    }[kind]


def value(part: Any, point: Point) -> Any:
    """The number or array that an expression is at the point."""
    kind = type(part).__name__
    if part.is_Rational:
        return Fraction(int(part.p), int(part.q))
    if kind in CONSTANTS:
        return CONSTANTS[kind]
    if kind == "MatrixSymbol":
        return point.matrices[part.name]
    if part.is_Symbol:
        return point.scalars[part.name]
    if kind in ("Iterate", "Term", "RealTerm"):
        return point.sequences[part.args[0].name](int(value(part.args[-1], point)))
    if kind == "Indexed":
        return point.sequences[f"{part.base.name}_entry"](*(int(value(index, point)) for index in part.indices))
    if kind in point.functions:
        return point.functions[kind](value(part.args[0], point))
    if kind in SPECIAL:
        return SPECIAL[kind](part, point)
    arguments = [value(argument, point) for argument in part.args]
    return OPERATIONS[kind](*arguments)


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, np.ndarray):
        return np.linalg.matrix_power(base, int(exponent))
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        return base ** int(exponent)
    if isinstance(base, complex):
        return base ** float(exponent)
    return float(base) ** float(exponent)


def _product(*factors: Any) -> Any:
    result: Any = Fraction(1)
    for factor in factors:
        both = isinstance(result, np.ndarray) and isinstance(factor, np.ndarray)
        result = result @ factor if both else result * factor
    return result


def _sum(*terms: Any) -> Any:
    return sum(terms[1:], start=terms[0])


def _explicit_matrix(part: Any, point: Point) -> np.ndarray:
    rows, columns = part.shape
    return np.array([[value(part[i, j], point) for j in range(columns)] for i in range(rows)], dtype=object)


def _determinant(matrix: np.ndarray) -> Any:
    if len(matrix) == 0:
        return Fraction(1)
    minors = (np.delete(matrix[1:], column, axis=1) for column in range(len(matrix)))
    return sum((-1) ** column * matrix[0, column] * _determinant(minor) for column, minor in enumerate(minors))


def _of_sum(part: Any, point: Point) -> Any:
    index, first, last = part.args[1]
    start = int(value(first, point))
    end = start + TERMS if last is sympy.oo else int(value(last, point))
    return _sum(Fraction(0), *(value(part.args[0], point.having(**{index.name: k})) for k in range(start, end + 1)))


def _integral(part: Any, point: Point) -> float:
    variable, low, high = part.args[1]
    ends = [
        math.copysign(math.inf, 1 if end is sympy.oo else -1) if end.is_infinite else float(value(end, point))
        for end in (low, high)
    ]
    return quad(lambda at: float(value(part.args[0], point.having(**{variable.name: at}))), *ends, epsabs=1e-12)[0]


def _limit(part: Any, point: Point) -> Any:
    return value(part.args[0], point.having(**{part.args[1].name: FAR})) * 1.0


def _expectation(part: Any, point: Point) -> Any:
    inside, over = part.args
    draws = point.random[over.name]
    values = [value(inside, point | Point(matrices={over.name: draw})) for _, draw in draws]
    mean = _sum(*(chance * each for (chance, _), each in zip(draws, values, strict=True)))
    if type(part).__name__ != "Variance":
        return mean
    return _sum(*(chance * (each - mean) ** 2 for (chance, _), each in zip(draws, values, strict=True)))


def _probability(part: Any, point: Point) -> Any:
    event, over = part.args
    draws = point.random[over.name]
    return sum(chance for chance, draw in draws if _true(event, point | Point(matrices={over.name: draw})))


def _gradient(part: Any, point: Point) -> np.ndarray:
    """Entry by entry; of a polynomial of degree two the central difference is the derivative."""
    function, at = part.args
    name, here = at.args[0].name, int(value(at.args[-1], point))
    base = value(at, point)

    def moved(i: int, j: int, by: int) -> Any:
        changed = base.copy()
        changed[i, j] += by
        return value(function, point | Point(sequences={name: lambda k: changed if k == here else None}))

    slopes = [[(moved(i, j, 1) - moved(i, j, -1)) / 2 for j in range(base.shape[1])] for i in range(base.shape[0])]
    return np.array(slopes, dtype=object)


def _derivative(part: Any, point: Point) -> Any:
    """With polynomials in the place of unknown functions."""
    for function in part.atoms(sympy.core.function.AppliedUndef):
        part = part.subs(
            function.func, sympy.Lambda(sympy.Symbol("x"), point.functions[str(function.func)](sympy.Symbol("x")))
        )
    return value(part.doit(), point)


CONSTANTS: Mapping[str, Any] = {"ImaginaryUnit": 1j, "Pi": math.pi, "Exp1": math.e}
OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "Add": _sum,
    "MatAdd": _sum,
    "Mul": _product,
    "MatMul": _product,
    "Pow": _power,
    "MatPow": _power,
    "Transpose": lambda matrix: matrix.T,
    "Trace": lambda matrix: sum(matrix[i, i] for i in range(len(matrix))),
    "SquaredNorm": lambda matrix: sum(entry * entry for entry in matrix.ravel()),
    "Identity": lambda size: np.array([[Fraction(i == j) for j in range(int(size))] for i in range(int(size))]),
    "ZeroMatrix": lambda rows, columns: np.full((int(rows), int(columns)), Fraction(0)),
    "Determinant": _determinant,
    "Abs": abs,
    "Min": min,
    "exp": lambda at: cmath.exp(at) if isinstance(at, complex) else math.exp(at),
    "log": lambda at: cmath.log(at) if isinstance(at, complex) or at < 0 else math.log(at),
    "sin": math.sin,
    "cos": math.cos,
    "factorial": lambda n: Fraction(math.factorial(int(n))),
}
SPECIAL: Mapping[str, Callable[[Any, Point], Any]] = {
    "ImmutableDenseMatrix": _explicit_matrix,
    "Sum": _of_sum,
    "Integral": _integral,
    "Limit": _limit,
    "Expectation": _expectation,
    "ExpectedMatrix": _expectation,
    "Variance": _expectation,
    "Probability": _probability,
    "Gradient": _gradient,
    "Derivative": _derivative,
    "Subs": _derivative,
}
