"""Convolutions in blocks against the patch matrix by loops, and torch's own."""

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numerics import convolution
from numerics.convolution import convolve, convolve_transposed
from numerics.window import Window
from tests import reference
from tests.cases import either_sign, images, windows


def naive(case) -> np.ndarray:
    options = {key: case.settings[key] for key in ("stride", "padding", "dilation")}
    return reference.patch_matrix(case.images, case.kernel, mode=case.settings["padding_mode"], **options)


@given(windows(max_images=3), st.integers(1, 3), st.booleans(), st.data())
def test_a_convolution_is_the_patch_matrix_times_the_kernel(case, outputs, one_by_one, data):
    matrix, window = naive(case), Window.of(case.kernel, **case.settings)
    kernels = data.draw(images((outputs, case.images.shape[1], *case.kernel), values=either_sign))
    size = window.output_size(*case.images.shape[2:])
    patch = pytest.MonkeyPatch()
    if one_by_one:
        patch.setattr(convolution, "BLOCK_ENTRIES", 1)
    found = convolve(case.images, kernels, window)
    patch.undo()
    rows = np.moveaxis(found, 1, -1).reshape(len(matrix), outputs)
    flat = kernels.reshape(outputs, -1)
    # Two sums of the same products in different orders: each within γ_n of the exact one.
    bound = 2 * (matrix.shape[1] + 2) * 2.0**-53 * (np.abs(matrix) @ np.abs(flat.T))
    assert found.shape == (len(case.images), outputs, *size)
    assert (np.abs(rows - matrix @ flat.T) <= bound).all()


@given(windows(max_images=3), st.integers(1, 3), st.booleans(), st.data())
def test_its_transpose_is_the_patch_matrix_transposed_times_the_responses(case, outputs, one_by_one, data):
    matrix, window = naive(case), Window.of(case.kernel, **case.settings)
    shape = (len(case.images), outputs, *window.output_size(*case.images.shape[2:]))
    responses = data.draw(images(shape, values=either_sign))
    patch = pytest.MonkeyPatch()
    if one_by_one:
        patch.setattr(convolution, "BLOCK_ENTRIES", 1)
    found = convolve_transposed(case.images, responses, window)
    patch.undo()
    rows = np.moveaxis(responses, 1, -1).reshape(len(matrix), outputs)
    bound = 2 * (len(matrix) + 2) * 2.0**-53 * (np.abs(rows.T) @ np.abs(matrix))
    assert found.shape == (outputs, case.images.shape[1], *case.kernel)
    assert (np.abs(found.reshape(outputs, -1) - rows.T @ matrix) <= bound).all()


def test_it_is_torchs_convolution():
    rng = np.random.default_rng(0)
    pictures, kernels = rng.random((3, 2, 9, 8)), rng.random((4, 2, 3, 5))
    expected = torch.nn.functional.conv2d(torch.from_numpy(pictures), torch.from_numpy(kernels), padding="same")
    found = convolve(pictures, kernels, Window.of((3, 5)))
    assert (np.abs(found - expected.numpy()) <= 2 * 32 * 2.0**-53 * expected.numpy()).all()  # sums of 30 products


@pytest.mark.parametrize("convert", [torch.from_numpy, array_api_strict.asarray])
def test_every_array_kind_gives_its_own(convert):
    rng = np.random.default_rng(0)
    pictures, kernels, responses = rng.random((3, 2, 6, 7)), rng.random((4, 2, 3, 2)), rng.random((3, 4, 6, 7))
    window = Window.of((3, 2))
    for function, other in ((convolve, kernels), (convolve_transposed, responses)):
        expected = function(pictures, other, window)
        found = function(convert(pictures), convert(other), window)
        assert type(found) is type(convert(pictures))
        assert (np.abs(np.asarray(found) - expected) <= 2 * 130 * 2.0**-53 * expected).all()  # up to 126 products
