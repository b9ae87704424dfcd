"""Ranks and determinants by elimination in fractions: slow, and obviously right."""

from fractions import Fraction


def echelon(matrix) -> tuple[list[list[Fraction]], int, int]:
    """Eliminate below the pivots: the rows left, the number of pivots, and the sign of the row exchanges."""
    rows = [[Fraction(int(entry)) for entry in row] for row in matrix]
    found, sign = 0, 1
    for column in range(len(rows[0])):
        pivot = next((i for i in range(found, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        if pivot != found:
            rows[found], rows[pivot] = rows[pivot], rows[found]
            sign = -sign
        for i in range(found + 1, len(rows)):
            factor = rows[i][column] / rows[found][column]
            if factor:
                rows[i] = [entry - factor * above for entry, above in zip(rows[i], rows[found], strict=True)]
        found += 1
    return rows, found, sign


def rank(matrix) -> int:
    """The rank over the rationals of a matrix of integers, given by rows."""
    return echelon(matrix)[1]


def determinant(matrix) -> Fraction:
    """The determinant of a square matrix of integers."""
    rows, _, product = echelon(matrix)
    for i, row in enumerate(rows):
        product *= row[i]
    return product
