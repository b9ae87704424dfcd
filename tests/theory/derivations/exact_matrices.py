"""Matrices of fractions with what is known of them.

Those with a known spectrum come from reflections: `H₁ diag(σ) H₂` has the rational singular values σ, and its
pseudoinverse is `H₂ᵀ diag(1/σ) H₁ᵀ`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

Matrix = np.ndarray
EXACT = 10  # steps of gradient descent with fractions, more than any index but the one that stands for infinity


def array(rows: int, columns: int, entry: Callable[[int, int], Any]) -> Matrix:
    table = np.empty((rows, columns), dtype=object)
    for i, j in itertools.product(range(rows), range(columns)):
        table[i, j] = Fraction(entry(i, j))
    return table


def integers(random: Random, rows: int, columns: int) -> Matrix:
    return array(rows, columns, lambda *_: random.randint(-3, 3))


def identity(size: int) -> Matrix:
    return array(size, size, lambda i, j: i == j)


def reflection(random: Random, size: int) -> Matrix:
    """``I − 2 v vᵀ / vᵀv``, orthogonal and rational."""
    v = array(size, 1, lambda *_: random.choice((-2, -1, 1, 2, 3)))
    return identity(size) - 2 * (v @ v.T) / (v.T @ v)[0, 0]


def diagonal(rows: int, columns: int, values: list[Fraction]) -> Matrix:
    return array(rows, columns, lambda i, j: values[i] if i == j and i < len(values) else 0)


def orthonormal(random: Random, rows: int, columns: int) -> Matrix:
    return reflection(random, rows)[:, :columns]


def trace(matrix: Matrix) -> Fraction:
    return sum(matrix[i, i] for i in range(len(matrix)))


def sequence(first: list[Any], following: Callable[[list[Any], int], Any]) -> Callable[[int], Any]:
    """Terms by index: the first ones, then ``following(all terms so far, index of the last)``."""
    terms = list(first)

    def term(index: int) -> Any:
        while len(terms) <= index:
            terms.append(following(terms, len(terms) - 1))
        return terms[index]

    return term


def draws(rows: int, columns: int, law: list[tuple[Any, Any]]) -> list[tuple[Any, Matrix]]:
    """All values of a matrix with independent entries of a discrete law, with their probabilities."""
    found = []
    for entries in itertools.product(law, repeat=rows * columns):
        table = np.empty((rows, columns), dtype=object)
        table.ravel()[:] = [entry for _, entry in entries]
        found.append((math.prod((chance for chance, _ in entries), start=Fraction(1)), table))
    return found


def descent(first: Matrix, design: Matrix, targets: Matrix, rate: Fraction) -> Callable[[int], Matrix]:
    """Gradient descent on the mean squared error, every entry of the gradient by its own sum."""

    def step(terms: list[Matrix], at: int) -> Matrix:
        weights = terms[at] if at < EXACT else terms[at].astype(float)
        error = design @ weights.T - targets
        gradient = np.empty(weights.shape, dtype=object)
        for i, j in np.ndindex(*weights.shape):
            gradient[i, j] = 2 * sum(error[row, i] * design[row, j] for row in range(len(design))) / targets.size
        return weights - rate * gradient

    return sequence([first], step)


def invertible(matrix: Matrix) -> bool:
    try:
        inverse(matrix)
    except StopIteration:
        return False
    return True


def inverse(matrix: Matrix) -> Matrix:
    """By Gauss and Jordan, with fractions. A singular matrix has no pivot: StopIteration."""
    size = len(matrix)
    table = np.concatenate([matrix, identity(size)], axis=1)
    for column in range(size):
        pivot = next(row for row in range(column, size) if table[row, column] != 0)
        table[[column, pivot]] = table[[pivot, column]]
        table[column] = table[column] / table[column, column]
        for row in range(size):
            if row != column:
                table[row] = table[row] - table[row, column] * table[column]
    return table[:, size:]
