"""Projectors and minimum-norm solutions against matrices whose answer is known."""

import array_api_compat
import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numerics import UndecidedRankError, row_space
from tests.cases import seeds

EPS = np.finfo(float).eps


def projector(space):
    """Π = D⁺D, the orthogonal projector onto the row space."""
    xp = array_api_compat.array_namespace(space.right)
    basis = space.right * xp.astype(space.kept, xp.float64)[..., None, :]
    return basis @ xp.matrix_transpose(basis)


def solution(space, targets):
    """D⁺T: the least-squares solution of D X = T of smallest norm."""
    xp = array_api_compat.array_namespace(space.right)
    return space.right @ (space.inverse_singular_values()[..., :, None] * (xp.matrix_transpose(space.left) @ targets))


def orthonormal(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    return np.linalg.qr(rng.standard_normal((rows, columns)))[0]


@st.composite
def spectra(draw):
    """A matrix built from its own decomposition: D = U diag(σ) Vᵀ, condition number up to 10¹²."""
    columns = draw(st.integers(1, 12))
    rank = draw(st.integers(min(2, columns), columns))
    rows = draw(st.sampled_from([rank, rank + 3, 100]))
    condition = 10.0 ** draw(st.integers(0, 12)) if columns > 1 else 1.0
    rng = np.random.default_rng(draw(seeds))
    values = np.geomspace(1, 1 / condition, rank)
    return orthonormal(rng, rows, rank), values, orthonormal(rng, columns, rank), condition


def rounding(rows: int, columns: int, condition: float) -> float:
    """What rounding moves a subspace or a solution by: the backward error of forming and factoring D, times κ.

    Forming D from its factors costs columns · ε, factoring it ε (√rows + columns); √2 for the two-sided subspace.
    """
    return 2 * EPS * (np.sqrt(rows) + 2 * columns) * np.sqrt(columns) * condition


@given(spectra(), seeds)
def test_projector_and_minimum_norm_solution_up_to_condition_1e12(spectrum, seed):
    left, values, right, condition = spectrum
    matrix = left * values @ right.T
    space = row_space(matrix)
    assert int(space.rank) == len(values)
    bound = rounding(*matrix.shape, condition)
    assert np.linalg.norm(projector(space) - right @ right.T) <= bound
    # A consistent system whose minimum-norm solution is known: targets made from a vector of the row space.
    known = right @ np.random.default_rng(seed).standard_normal((len(values), 2))
    found = solution(space, matrix @ known)
    assert np.linalg.norm(found - known) <= bound * np.linalg.norm(known)


@given(spectra())
def test_decomposition_reproduces_the_matrix(spectrum):
    left, values, right, _ = spectrum
    matrix = left * values @ right.T
    space = row_space(matrix)
    rebuilt = (space.left * space.singular_values) @ space.right.T
    # The vectors pass through as many sweeps of rotations as there are columns, each adding its own rounding.
    assert np.linalg.norm(rebuilt - matrix) <= matrix.shape[1] * rounding(*matrix.shape, 1)


def test_minimum_norm_solution_of_inconsistent_targets_is_least_squares():
    rng = np.random.default_rng(0)
    matrix, targets = rng.standard_normal((30, 4)), rng.standard_normal((30, 2))
    expected = np.linalg.lstsq(matrix, targets, rcond=None)[0]
    condition = np.linalg.cond(matrix)
    bound = rounding(30, 4, condition**2) * np.linalg.norm(targets)
    assert np.linalg.norm(solution(row_space(matrix), targets) - expected) <= bound


def test_stacks_of_matrices_are_independent():
    rng = np.random.default_rng(1)
    stack = rng.standard_normal((3, 5, 4))
    stack[1, :, 0] = 0
    space = row_space(stack)
    assert space.rank.tolist() == [4, 3, 4]
    for matrix, found in zip(stack, projector(space), strict=True):
        assert np.linalg.norm(found - np.linalg.pinv(matrix) @ matrix) <= rounding(5, 4, 1e3)


def test_the_gram_route_is_taken_only_for_small_condition_numbers():
    """Through DᵀD, left singular vectors would be orthogonal to ε κ² only."""
    rng = np.random.default_rng(2)
    left, right = orthonormal(rng, 400, 5), orthonormal(rng, 5, 5)
    for condition in (1.0, 9.9, 10.1, 90.0, 1e6, 1e12):
        values = np.geomspace(1, 1 / condition, 5)
        space = row_space(left * values @ right.T)
        error = np.abs(space.singular_values - values).max()
        assert error <= rounding(400, 5, min(condition, 10))
        loss = condition**2 if condition < 10 else 1
        assert np.linalg.norm(space.left.T @ space.left - np.eye(5)) <= rounding(400, 5, loss)


@pytest.mark.parametrize("rows", [5, 100])
def test_scaling_by_powers_of_two_changes_nothing_else(rows):
    """Each matrix of a stack in a unit of its own, from near the least to near the largest float64."""
    matrix = np.random.default_rng(4).random((rows, 4))
    powers = 2.0 ** np.array([-1020, -600, 0, 600, 1015])
    plain, scaled = row_space(matrix), row_space(powers[:, None, None] * matrix)
    for power, left, values, right, noise in zip(
        powers, scaled.left, scaled.singular_values, scaled.right, scaled.noise, strict=True
    ):
        np.testing.assert_array_equal(values, power * plain.singular_values)
        np.testing.assert_array_equal(noise, power * plain.noise)
        np.testing.assert_array_equal(left, plain.left)
        np.testing.assert_array_equal(right, plain.right)


@pytest.mark.parametrize("convert", [torch.from_numpy, array_api_strict.asarray])
def test_array_kinds_agree(convert):
    matrix = np.random.default_rng(3).standard_normal((6, 4))
    matrix[:, 3] = matrix[:, 0]
    space, other = row_space(matrix), row_space(convert(matrix))
    assert other.rank == space.rank == 3
    assert np.linalg.norm(np.asarray(projector(other)) - projector(space)) <= rounding(6, 4, 10)


@pytest.mark.parametrize("rows", [4, 100])
def test_zero_matrix_spans_nothing(rows):
    space = row_space(np.zeros((rows, 3)))
    space.require_decided()
    assert int(space.rank) == 0
    assert not projector(space).any()
    assert not solution(space, np.ones((rows, 1))).any()


@pytest.mark.parametrize(("above", "below"), [(1.2, 0.9), (1.1, 0.1), (2.0, 0.5), (2.09, 0.01)])
def test_an_ambiguous_rank_is_refused_naming_both_singular_values(above, below):
    # With noise ε (√3 + 3) = 1.05e-15: one value above it, one below, less than twice that apart.
    space = row_space(np.diag([1.0, above * 1e-15, below * 1e-15]))
    with pytest.raises(UndecidedRankError, match=rf"{above * 1e-15:.3e} and {below * 1e-15:.3e}"):
        space.require_decided()


@pytest.mark.parametrize(
    ("matrix", "error", "message"),
    [
        (np.ones(3), ValueError, "matrix must have shape"),
        ("text", ValueError, "matrix must have shape"),
        (np.full((2, 2), np.nan), ValueError, "matrix must be finite"),
        (np.ones((0, 2)), ValueError, "matrix must not be empty"),
        (np.ones((2, 2), bool), TypeError, "integers or real"),
        (np.full((2, 2), 1e308), ValueError, "matrix must have singular values that float64 holds"),
    ],
)
def test_bad_input_gets_a_sentence(matrix, error, message):
    with pytest.raises(error, match=message):
        row_space(matrix)
