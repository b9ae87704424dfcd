"""Exact ranks against elimination in fractions, and integers too large for machine words."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from numerics import exact_rank as module
from numerics import patch_rank
from numerics.window import Window
from tests import rational, reference
from tests.cases import WindowCase, plain_images, windows


def naive_rank(images: np.ndarray, case: WindowCase) -> int:
    options = {key: case.settings[key] for key in ("stride", "padding", "dilation")}
    matrix = reference.patch_matrix(images.astype(object), case.kernel, mode=case.settings["padding_mode"], **options)
    return rational.rank(matrix)


@given(windows(max_size=5, kind=plain_images), st.integers(1, 3), st.integers(0, 61))
def test_exact_rank_is_that_of_elimination_in_fractions(case, levels, shift):
    """Few gray levels make images short of rank, many bits overflow 64-bit sums."""
    whole = np.rint(case.images * levels).astype(np.int64) << shift
    assert patch_rank(whole, case.kernel, method="exact", **case.settings).rank == naive_rank(whole, case)


@given(
    arrays(np.int64, (1, 1, 3, 5), elements=st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.integers(1, 3), st.integers(1, 4)),
)
@example(np.array([[[[2**62, 2**62 + 1, 2**62 + 2, 2**62 + 3, 2**62 + 4]] * 3]]), (1, 3))
def test_integers_of_any_size_are_exact(images, kernel):
    same = {"stride": (1, 1), "padding": "same", "padding_mode": "zeros", "dilation": (1, 1)}
    for whole in (images, images.astype(np.uint64)):
        expected = naive_rank(whole, WindowCase(whole, kernel, same))
        assert patch_rank(whole, kernel, method="exact").rank == expected


@pytest.mark.parametrize("shift", [0, 20, 25, 26, 27, 31, 32, 62])
def test_ranks_near_the_limits_of_machine_arithmetic(shift):
    """A ramp plus one has 1-D patches of rank 2, and one more unit somewhere makes it 3, however large the ramp."""
    ramp = (np.arange(1, 9) + 2**shift).reshape(1, 1, 8)
    dented = ramp + np.eye(1, 8, 4, dtype=int)
    for dtype in (np.int64, np.uint64):
        assert patch_rank(ramp.astype(dtype), (1, 3), method="exact", padding="valid").rank == 2
        assert patch_rank(dented.astype(dtype), (1, 3), method="exact", padding="valid").rank == 3


@pytest.mark.parametrize("count", [1, 2, 3, 63])
@pytest.mark.parametrize("shift", [25, 26, 27, 31, 32, 63])
def test_sums_of_many_products_are_exact(count, shift):
    """A row of equal pixels: the product of a column, or of a row, with itself."""
    pixel = 2**shift - 1
    row, channels = np.full((1, 1, count), pixel), np.full((count, 1, 1), pixel)
    for image in (row, channels, -row):
        assert module.exact_gram(image, Window.of(1)).tolist() == [[count * pixel**2]]


def test_a_prime_that_divides_a_determinant_costs_time_not_truth():
    multiple = np.diag([1, module.PRIME, 2 * module.PRIME])
    image = np.moveaxis(multiple[:, None, :], -1, 0)
    assert patch_rank(image, 1, method="exact").rank == 3


@given(windows(max_size=5, kind=plain_images))
def test_gram_is_the_smaller_one_and_the_same_in_floats_and_in_big_integers(case):
    whole = np.rint(case.images * 255).astype(np.int64)
    window = Window.of(case.kernel, **case.settings)
    options = {key: case.settings[key] for key in ("stride", "padding", "dilation")}
    matrix = reference.patch_matrix(whole, case.kernel, mode=case.settings["padding_mode"], **options)
    expected = matrix @ matrix.T if matrix.shape[0] < matrix.shape[1] else matrix.T @ matrix
    for scale in (1, 2**40):
        gram = module.exact_gram(whole * scale, window)
        assert [[int(entry) for entry in row] for row in gram.tolist()] == (expected.astype(object) * scale**2).tolist()
