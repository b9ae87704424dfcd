"""Gradient descent carried out on explicit matrices, with every partial derivative: the ground truth of brute force."""

from __future__ import annotations

from collections.abc import Callable

from sympy import QQ, Dummy, Expr, ImmutableMatrix, Matrix, Symbol, diff, expand
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyRing

__all__ = ["descend", "multiplied_out", "real_matrix"]


def real_matrix(name: str, rows: int, columns: int, *, positive: bool | None = None) -> ImmutableMatrix:
    """A matrix of real symbols `name_ij`."""
    return ImmutableMatrix(rows, columns, lambda i, j: Symbol(f"{name}_{i + 1}{j + 1}", real=True, positive=positive))


def descend(
    loss: Callable[[ImmutableMatrix], Expr], initial: ImmutableMatrix, learning_rate: Expr, steps: int
) -> list[ImmutableMatrix]:
    """The initial matrix and the iterates after it.

    Args:
        loss: a polynomial function of an explicit matrix; it is differentiated entry by entry.
        initial: where the descent starts; entries are rational numbers or polynomials.
        learning_rate: the step size.
        steps: how many steps to take.
    """
    entries = Matrix(*initial.shape, lambda i, j: Dummy(f"w{i}{j}", real=True))
    slopes = [diff(loss(ImmutableMatrix(entries)), entry) for entry in entries]
    symbols = set().union(initial.free_symbols, learning_rate.free_symbols, *(slope.free_symbols for slope in slopes))
    polynomials = PolyRing([*sorted(symbols - set(entries), key=str), *entries], QQ, lex)
    descents = [polynomials.from_expr(expand(learning_rate * slope)) for slope in slopes]
    variables = polynomials.gens[-len(entries) :]
    iterates = [initial]
    here = [polynomials.from_expr(expand(entry)) for entry in initial]
    for _ in range(steps):
        moved = [descent.compose(list(zip(variables, here, strict=True))) for descent in descents]
        here = [entry - change for entry, change in zip(here, moved, strict=True)]
        iterates.append(ImmutableMatrix(*initial.shape, [entry.as_expr() for entry in here]))
    return iterates


def multiplied_out(left: ImmutableMatrix, right: ImmutableMatrix) -> ImmutableMatrix:
    """The product of two matrices of polynomials, expanded."""
    polynomials = PolyRing(sorted(left.free_symbols | right.free_symbols, key=str), QQ, lex)
    rows, columns = (
        [[polynomials.from_expr(entry) for entry in vector] for vector in vectors]
        for vectors in (left.tolist(), right.T.tolist())
    )
    products = [
        [sum((a * b for a, b in zip(row, column, strict=True)), polynomials.zero) for column in columns] for row in rows
    ]
    return ImmutableMatrix([[entry.as_expr() for entry in row] for row in products])
