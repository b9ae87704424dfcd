"""Statements made to deceive the rules: nothing is proved that fails at a point where everything is as declared.

Statements are drawn: a true one, or one that looks like it (a power split that may not be, a bound moved, a factor
changed). What a rule proves is evaluated at many points by code that shares nothing with it. The thorough profile draws
a hundred thousand of them.
"""

import itertools
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import (
    Identity,
    MatrixSymbol,
    Symbol,
    Trace,
    ZeroMatrix,
)

from tests.theory.derivations.evaluation import Point, holds
from tests.theory.proof.hostile import (
    BUDGET,
    eq,
    product,
)
from theory.proof.expressions import SquaredNorm
from theory.proof.rules import Rewriting

size = Symbol("d", integer=True, positive=True)
A, B = (MatrixSymbol(name, size, size) for name in "AB")
v = MatrixSymbol("v", size, 1)
POOL = {
    1: [[[0]], [[1]], [[-1]], [[2]]],
    2: [
        [[0, 0], [0, 0]],
        [[1, 0], [0, 1]],
        [[0, 1], [1, 0]],
        [[1, 0], [0, 0]],
        [[0, 1], [0, 0]],
        [[1, 2], [3, 4]],
        [[0, -1], [1, 0]],
        [[1, 1], [0, 1]],
        [[1, -1], [0, 1]],
        [[2, 0], [0, 2]],
    ],
    3: [[[0, 1, 0], [0, 0, 1], [1, 0, 0]], [[0, 1, 2], [0, 0, 3], [0, 0, 0]], [[1, 0, 2], [-1, 3, 1], [0, 2, 2]]],
}
words = st.lists(st.sampled_from([A, B, A.T, B.T, Identity(size)]), min_size=1, max_size=3).map(product)
matrix_sums = st.lists(words, min_size=1, max_size=2).map(lambda terms: sum(terms[1:], terms[0]))
matrix_premises = st.sampled_from(
    [
        (),
        (eq(A * B, Identity(size)),),
        (eq(A * A, A),),
        (eq(A.T * A, Identity(size)),),
        (eq(A * B, B * A),),
        (eq(A.T, A),),
        (eq(A * A, A), eq(A.T, A)),
        (eq(A * B, ZeroMatrix(size, size)),),
        (eq(B, A * A.T),),
        (eq(A * A, A), eq(A * B, B)),
        (eq(A.T, -A),),
        (eq(A * A * A, A),),
    ]
)


def matrix_points(premises):
    for order, table in POOL.items():
        tables = [np.array([[Fraction(entry) for entry in row] for row in rows], dtype=object) for rows in table]
        column = np.array([[Fraction(i + 1)] for i in range(order)], dtype=object)
        for first, second in itertools.product(tables, repeat=2):
            point = Point({"d": order}, {"A": first, "B": second, "v": column})
            if all(holds(premise, point) for premise in premises):
                yield point


@settings(BUDGET, max_examples=3 * BUDGET.max_examples)
@given(matrix_premises, matrix_sums, matrix_sums, st.sampled_from(["matrix", "trace", "norm", "form"]))
def test_no_matrices_commute_that_need_not(premises, left, right, kind):
    if kind == "trace":
        left, right = Trace(left), Trace(right)
    elif kind == "norm":
        left, right = SquaredNorm(left), Trace(left * right.T)
    elif kind == "form":
        left, right = v.T * left * v, v.T * right * v
    statement = eq(left.doit(), right.doit())
    try:
        verdict = Rewriting(premises).prove(statement)
    except (ArithmeticError, ValueError, TypeError):
        return  # a step with such a rule is undecided
    if verdict is True:
        for point in matrix_points(premises):
            assert holds(statement, point), f"{statement} is false at {point.matrices}, given {premises}"
    if verdict is False:
        assert not all(holds(statement, point) for point in matrix_points(premises)) or premises
