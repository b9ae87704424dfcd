"""Patch ranks by singular values: the gap, what is refused, and what float64 cannot tell."""

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from numerics import PatchRank, UndecidedRankError, patch_rank
from tests.cases import WindowCase, plain_images, seeds, windows

EPS = np.finfo(float).eps


def image_of(matrix) -> np.ndarray:
    """An image whose patch matrix, for a kernel of one tap, is the given one: a row per pixel, a column per channel."""
    matrix = np.asarray(matrix)
    return np.moveaxis(matrix[:, None, :], -1, 0)


def noise_of(matrix: np.ndarray) -> float:
    """How far rounding is assumed to move a singular value: see `numerics.row_space`."""
    rows, columns = matrix.shape
    return EPS * (rows**0.5 + columns) * np.linalg.norm(matrix, 2)


def test_gap_is_smallest_kept_over_largest_dropped():
    small = np.diag([1.0, 0.5, 1e-3, 1e-15])
    assert noise_of(small) > 1e-15
    found = patch_rank(image_of(small), 1)
    assert (found.rank, found.columns, found.deficiency, found.method) == (3, 4, 1, "svd")
    # Rounding moves a singular value by the noise at most.
    assert found.gap == pytest.approx(1e-3 / noise_of(small), rel=noise_of(small) / 1e-3)


@given(seeds, st.integers(2, 6), st.integers(1, 6), st.floats(-12, 3))
def test_gap_and_rank_of_a_matrix_with_given_singular_values(seed, columns, rank, exponent):
    """Rotated so that no entry is zero; the dropped values are rounding alone."""
    assume(rank <= columns)
    generator = np.random.default_rng(seed)
    left = np.linalg.qr(generator.standard_normal((9, columns)))[0]
    right = np.linalg.qr(generator.standard_normal((columns, columns)))[0]
    values = np.concatenate([np.geomspace(1, 1e-6, rank), np.zeros(columns - rank)]) * 10**exponent
    matrix = left * values @ right.T
    found = patch_rank(image_of(matrix), 1)
    assert found.rank == rank
    # Rounding moves a singular value by the noise at most: in making the matrix (two products), and in computing it.
    least = values[rank - 1]
    assert found.gap == pytest.approx(least / noise_of(matrix), rel=3 * noise_of(matrix) / least)


@pytest.mark.parametrize("scale", [1.0, 1e6, 1e-30])
def test_a_gap_too_small_to_decide_is_refused_naming_both_singular_values(scale):
    matrix = np.diag([1.0, 1.2e-15, 0.8e-15])
    noise = noise_of(matrix)
    assert 0.8e-15 < noise < 1.2e-15 < 0.8e-15 + 2 * noise
    with pytest.raises(UndecidedRankError, match=rf"{1.2e-15 * scale:.3e} and {0.8e-15 * scale:.3e}"):
        patch_rank(image_of(matrix * scale), 1)
    assert issubclass(UndecidedRankError, ValueError)


@pytest.mark.parametrize("gap", [2.1, 10.0, 1e6])
def test_a_gap_wider_than_rounding_is_decided(gap):
    matrix = np.diag([1.0, 1.1e-15 * (1 + gap), 1e-16])
    assert patch_rank(image_of(matrix), 1).rank == 2


def test_rank_of_a_zero_image_is_zero():
    for method, dtype in (("svd", float), ("svd", np.uint8), ("exact", np.uint8)):
        assert patch_rank(np.zeros((1, 4, 5), dtype), 3, method=method) == PatchRank(0, 9, float("inf"), method)


def test_columns_count_channels_and_taps():
    found = patch_rank(np.arange(60).reshape(3, 4, 5) ** 2, (2, 3), method="exact")
    assert (found.columns, found.gap, found.method) == (18, float("inf"), "exact")


@pytest.mark.parametrize("n", range(20, 60))
def test_singular_values_never_count_too_many_though_they_miss_fibonaccis(n):
    """[[F, F′], [F′, F″]] has determinant ±1: its lesser singular value falls below the rounding of the greater."""
    fibonacci = [0, 1]
    while len(fibonacci) < n + 3:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    image = np.array([[fibonacci[n : n + 3]]])
    assert patch_rank(image, (1, 2), padding="valid", method="exact").rank == 2
    assert patch_rank(image, (1, 2), padding="valid").rank == (2 if n < 36 else 1)


@given(windows(kind=plain_images), st.sampled_from(["svd", "exact"]))
def test_every_array_kind_has_the_same_rank(case, method):
    whole = np.rint(case.images * 3).astype(np.int64)
    expected = patch_rank(whole, case.kernel, method=method, **case.settings)
    for images in (torch.from_numpy(whole), array_api_strict.asarray(whole)):
        found = patch_rank(images, case.kernel, method=method, **case.settings)
        assert (found.rank, found.columns) == (expected.rank, expected.columns)
    narrow = WindowCase(whole.astype(np.uint8), case.kernel, case.settings)
    assert patch_rank(narrow.images, case.kernel, method=method, **case.settings).rank == expected.rank


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"method": "qr"}, ValueError, "method must be 'svd' or 'exact', got 'qr'"),
        ({"method": None}, ValueError, "method must be 'svd' or 'exact', got None"),
        ({"images": np.ones((1, 5, 5))}, TypeError, "method='exact' needs images of integers, got dtype float64"),
        (
            {"images": torch.ones(1, 5, 5)},
            TypeError,
            "method='exact' needs images of integers, got dtype torch.float32",
        ),
        ({"images": np.ones((1, 5, 5), bool)}, TypeError, "integers or real"),
        ({"images": np.ones((5, 5), int)}, ValueError, "images must have shape"),
        ({"images": [[[1]]]}, TypeError, "images must be a NumPy or torch array"),
        ({"images": np.ones((0, 1, 5, 5), int)}, ValueError, "images must not be empty"),
        ({"kernel_size": 0}, ValueError, "kernel_size must be at least 1"),
        ({"kernel_size": 9, "padding": "valid"}, ValueError, "kernel_size spans 9 pixels of height"),
        ({"stride": 2}, ValueError, "padding='same' needs stride 1"),
    ],
)
def test_bad_input_gets_a_sentence(arguments, error, message):
    arguments = {"images": np.ones((1, 5, 5), int), "kernel_size": 3, "method": "exact", **arguments}
    with pytest.raises(error, match=message):
        patch_rank(**arguments)
