"""Expressions written out: every symbol replaced by its value, every matrix by its entries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add, mul
from typing import Any

from sympy import (
    Basic,
    Determinant,
    Dummy,
    ImmutableMatrix,
    Matrix,
    MatrixBase,
    S,
    Sum,
    Symbol,
    Trace,
    diff,
    eye,
    sympify,
    zeros,
)
from sympy.matrices.expressions import (
    Identity,
    Inverse,
    MatAdd,
    MatMul,
    MatPow,
    MatrixExpr,
    MatrixSymbol,
    Transpose,
    ZeroMatrix,
)
from sympy.matrices.expressions.matexpr import MatrixElement

from theory.proof.expressions import Gradient, Iterate, SquaredNorm, Term

__all__ = ["explicit"]


def explicit(part: Basic, values: Mapping[Basic, Any]) -> Any:
    """The expression with every symbol replaced by its value, and every matrix written out.

    Args:
        part: a scalar or matrix expression.
        values: numbers or expressions for symbols, explicit matrices for matrix symbols; terms of a sequence are found
            by the value of their index (`W(3)`).

    Returns:
        A scalar expression or an `ImmutableMatrix`.

    Raises:
        ValueError: a matrix has no value, or a part cannot be written out.
    """
    if part in values:
        value = sympify(values[part])
        if isinstance(value, MatrixBase):
            return ImmutableMatrix(value)
        return explicit(value, values) if isinstance(value, MatrixExpr) else value
    if isinstance(part, Iterate | Term):
        term = part.func(*part.args[:-1], explicit(part.args[-1], values))
        if term in values:
            return explicit(term, values)
    if isinstance(part, MatrixSymbol | Iterate):
        raise ValueError(f"no value for {part} in this case")
    if isinstance(part, Sum):
        (index, first, last), *others = part.args[1:]
        if others:
            raise ValueError(f"no way to write a sum over several indices out, got {part}")
        bounds = range(int(explicit(first, values)), int(explicit(last, values)) + 1)
        return reduce(add, (explicit(part.args[0].xreplace({index: sympify(i)}), values) for i in bounds), S.Zero)
    if not part.args or isinstance(part, Symbol):
        return part
    if isinstance(part, MatrixElement):
        matrix, row, column = (explicit(argument, values) for argument in part.args)
        return matrix[row, column]
    if isinstance(part, Identity):
        return ImmutableMatrix(eye(explicit(part.shape[0], values)))
    if isinstance(part, ZeroMatrix):
        return ImmutableMatrix(zeros(*(explicit(side, values) for side in part.shape)))
    if isinstance(part, MatrixBase):
        return ImmutableMatrix(part.applyfunc(lambda entry: explicit(entry, values)))
    if isinstance(part, Gradient):
        return _differentiated(part.args[0], part.args[1], values)
    arguments = [explicit(argument, values) for argument in part.args]
    if isinstance(part, Transpose):
        return arguments[0].T
    if isinstance(part, Inverse):
        return arguments[0].inv()
    if isinstance(part, MatAdd):
        return reduce(add, arguments)
    if isinstance(part, MatMul):
        return reduce(mul, arguments)
    if isinstance(part, MatPow):
        return arguments[0] ** arguments[1]
    if isinstance(part, Trace):
        return arguments[0].trace()
    if isinstance(part, Determinant):
        return arguments[0].det()
    if isinstance(part, SquaredNorm):
        return sum((entry**2 for entry in arguments[0]), S.Zero)
    if isinstance(part, MatrixExpr):
        raise ValueError(f"no way to write {part} out")
    return part.func(*arguments)


def _differentiated(function: Basic, at: MatrixExpr, values: Mapping[Basic, Any]) -> ImmutableMatrix:
    """The gradient entry by entry: every partial derivative of the function written out."""
    point = explicit(at, values)
    entries = Matrix(*point.shape, lambda i, j: Dummy(f"w{i}{j}", real=True))
    written_out = explicit(function, {**values, at: entries})
    slopes = entries.applyfunc(lambda entry: diff(written_out, entry))
    return ImmutableMatrix(slopes.subs(dict(zip(entries, point, strict=True)), simultaneous=True))
