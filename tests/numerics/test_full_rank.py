"""Proofs of full rank by Cholesky's algorithm, against exact determinants of integer matrices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from numerics.full_rank import least_eigenvalue_bound, positive_definite
from tests import rational

matrices = st.tuples(st.integers(1, 7), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(-300, 300), fill=st.just(0))
)


@given(matrices, st.sampled_from([0, 10, 20, 40]))
def test_what_is_proved_has_full_rank_and_what_is_well_conditioned_is_proved(matrix, shift):
    """Equal but for a few bits: the last column is the first, the first entry one more."""
    matrix = matrix.astype(object)
    if matrix.shape[1] > 1:
        matrix[:, -1] = matrix[:, 0] * 2**shift
        matrix[0, -1] += 1
    gram = matrix.T @ matrix
    exact = all(int(entry) == int(float(entry)) for entry in gram.ravel())  # else float64 has another matrix
    proved = bool(positive_definite(gram.astype(np.float64)))
    if exact and proved:
        assert rational.rank(matrix.tolist()) == matrix.shape[1]
    values = np.linalg.eigvalsh(gram.astype(np.float64))
    # LAPACK's eigenvalues are within a small multiple of m u ‖A‖.
    if values[0] > 2 * least_eigenvalue_bound(gram.astype(np.float64), 0.0) + 64 * 2.0**-53 * values[-1]:
        assert proved


def test_matrices_of_a_stack_are_told_apart():
    well, singular = np.eye(3) + 0.1, np.ones((3, 3))
    stack = np.stack([well, singular, np.zeros((3, 3)), well, well, singular])
    assert positive_definite(stack).tolist() == [True, False, False, True, True, False]
    assert positive_definite(stack.reshape(2, 3, 3, 3)).tolist() == [[True, False, False], [True, True, False]]
    assert positive_definite(np.zeros((0, 3, 3))).shape == (0,)


def test_what_the_matrix_may_be_off_by_is_taken_into_account():
    gram = np.diag([1.0, 1e-6])
    assert positive_definite(gram)
    assert positive_definite(np.stack([gram, gram]), error=np.array([1e-7, 1e-6])).tolist() == [True, False]


@pytest.mark.parametrize("order", [1, 2, 10, 100])
def test_rounding_of_a_singular_matrix_is_never_taken_for_rank(order):
    """Gram matrices of one column less than they claim: their least eigenvalue is rounding, of either sign."""
    rng = np.random.default_rng(order)
    for _ in range(20):
        matrix = rng.standard_normal((2 * order, order)) * 10.0 ** rng.uniform(-2, 2, order)
        matrix[:, 0] = matrix[:, 1:] @ rng.standard_normal(order - 1)
        gram = matrix.T @ matrix
        # Rounding of 2 · order products each, in the spectral norm.
        assert not positive_definite(gram, error=order * 2 * order * 2.0**-53 * np.abs(gram).max())
