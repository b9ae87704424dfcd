"""Ranks of many images at once: what each image's own patch matrix has."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from numerics import UndecidedRankError, Window, many_ranks, patch_rank, patch_ranks
from numerics.gram import window_sums
from numerics.rank_certificate import full_by_support, support_certificate
from tests import reference
from tests.cases import windows


@given(windows(max_size=7, max_images=4), st.integers(1, 4), st.booleans())
def test_exact_ranks_are_those_of_one_image_after_the_other(case, sparsity, signed):
    whole = np.floor(case.images * 3 * sparsity).astype(np.int64) * (-1 if signed else 1)
    found = patch_ranks(whole, case.kernel, method="exact", **case.settings)
    alone = [patch_rank(image, case.kernel, method="exact", **case.settings) for image in whole]
    assert found.rank.tolist() == [each.rank for each in alone]
    assert found.deficiency.tolist() == [each.deficiency for each in alone]
    assert found.columns == alone[0].columns


@given(windows(max_size=7, max_images=4))
def test_ranks_by_singular_values_are_those_of_one_image_after_the_other(case):
    alone: list[int | str] = []
    for image in case.images:
        try:
            alone.append(patch_rank(image, case.kernel, **case.settings).rank)
        except UndecidedRankError:
            alone.append("open")
    if "open" in alone:
        with pytest.raises(UndecidedRankError, match=rf"images\[{alone.index('open')}\]"):
            patch_ranks(case.images, case.kernel, **case.settings)
    else:
        assert patch_ranks(case.images, case.kernel, **case.settings).rank.tolist() == alone


@given(
    arrays(bool, st.tuples(st.integers(1, 3), st.just(1), st.integers(1, 7), st.integers(1, 7)), fill=st.just(False)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.integers(1, 2),
    st.booleans(),
)
def test_support_proves_full_rank_of_the_very_matrix(lit, kernel, padding, dilation, ones):
    """With a stride, too; and with a column of ones, by rank over the rationals of small whole numbers."""
    images = lit * 3
    size = [n + 2 * p - dilation * (k - 1) for n, p, k in zip(lit.shape[2:], padding, kernel, strict=True)]
    if min(size) < 1:
        return
    for stride in (1, 2):
        settings = {"padding": padding, "dilation": (dilation, dilation), "stride": (stride, stride)}
        told = full_by_support(images, Window.of(kernel, **settings), ones=ones)
        for image, full in zip(images, told, strict=True):
            matrix = reference.patch_matrix(image[None], kernel, mode="zeros", **settings)
            matrix = np.hstack([matrix, np.ones((len(matrix), int(ones)))])
            assert not full or np.linalg.matrix_rank(matrix) == matrix.shape[1]
            if full:
                assert support_certificate(image, kernel, **settings).full_rank


def test_support_tells_of_a_single_pixel_exactly_where_all_taps_see_it():
    for row in range(9):
        for column in range(8):
            image = np.zeros((1, 1, 9, 8))
            image[0, 0, row, column] = 1e-300
            told = full_by_support(image, Window.of((5, 3)))
            assert told.tolist() == [2 <= row < 7 and 1 <= column < 7]


def test_no_support_tells_of_several_channels_or_of_padding_that_repeats_pixels():
    equal = np.zeros((1, 2, 9, 9))
    equal[:, :, 4, 4] = 1
    assert full_by_support(equal[:, :1], Window.of(3)).all()
    assert not full_by_support(equal, Window.of(3)).any()
    assert not full_by_support(equal[:, :1], Window.of(3, padding_mode="circular")).any()


def test_a_column_of_ones_needs_a_window_without_pixels():
    """A constant image without padding: ones are a multiple of every other column."""
    image = np.zeros((1, 1, 5, 5), int)
    image[0, 0, 2, 2] = 1
    assert full_by_support(image, Window.of(3), ones=True).all()
    window = Window.of(1, padding="valid")
    assert full_by_support(image + 1, window).all()
    assert not full_by_support(image + 1, window, ones=True).any()


@pytest.mark.parametrize("at_once", [1, 400, 2**22])
def test_ways_are_told_whatever_is_worked_on_at_a_time(monkeypatch, at_once):
    monkeypatch.setattr(many_ranks, "AT_ONCE", at_once)
    images = np.zeros((4, 1, 6, 6), np.uint8)
    images[1, 0, 2, 3] = 200  # every tap sees it
    images[2] = np.random.default_rng(0).integers(1, 256, (6, 6))  # no zeros
    images[3, 0, 0, 0] = 1  # seen by four taps
    found = patch_ranks(images, 3, method="exact")
    assert found.method.tolist() == ["exact", "support", "gram", "exact"]
    assert found.rank.tolist() == [0, 9, 9, 4]
    by_values = patch_ranks(torch.from_numpy(images / 255), 3)
    assert by_values.method.tolist() == ["svd", "gram", "gram", "svd"]
    assert by_values.rank.tolist() == [0, 9, 9, 4]


def test_images_of_all_sizes_of_numbers_are_decided_as_one_by_one():
    images = np.random.default_rng(1).random((3, 1, 6, 6)) * np.array([1e-160, 1.0, 1e150])[:, None, None, None]
    assert patch_ranks(images, 3).rank.tolist() == [9, 9, 9]


@given(windows(max_size=7, max_images=3))
def test_sums_over_windows_are_those_of_the_patch_matrix(case):
    settings = case.settings | {"stride": (1, 1)}
    whole = np.floor(case.images * 8)
    options = {key: settings[key] for key in ("stride", "padding", "dilation")}
    sums = window_sums(whole, Window.of(case.kernel, **settings))
    for image, found in zip(whole, sums, strict=True):
        matrix = reference.patch_matrix(image[None], case.kernel, mode=settings["padding_mode"], **options)
        np.testing.assert_array_equal(found, matrix.sum(axis=0))


@pytest.mark.parametrize(
    ("images", "options", "error", "sentence"),
    [
        (np.zeros((1, 3, 3)), {}, ValueError, r"images must have shape \(n, C, H, W\), got \(1, 3, 3\); for one image"),
        (np.zeros((1, 1, 3, 3)), {"method": "exact"}, TypeError, "needs images of integers, got dtype float64"),
        (np.zeros((1, 1, 3, 3)), {"method": "qr"}, ValueError, "method must be 'svd' or 'exact', got 'qr'"),
        (np.full((1, 1, 3, 3), np.nan), {}, ValueError, "images must be finite"),
        (
            np.zeros((2, 1, 3, 3)),
            {"padding": "valid", "dilation": 2},
            ValueError,
            "kernel_size spans 5 pixels of height",
        ),
        ([[1]], {}, TypeError, "images must be a NumPy or torch array"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(images, options, error, sentence):
    with pytest.raises(error, match=sentence):
        patch_ranks(images, 3, **options)
