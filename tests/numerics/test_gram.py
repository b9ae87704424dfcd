"""Gram matrices from strips and correlations, against the patch matrix by loops."""

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numerics import gram
from numerics.gram import entry_error, sliding_gram
from numerics.window import Window
from tests import reference
from tests.cases import WindowCase, images, plain_images, windows


def unstrided(case: WindowCase) -> tuple[Window, np.ndarray]:
    """The case's window at stride 1, and each image's patch matrix, by loops: (n, rows, columns)."""
    options = {key: case.settings[key] for key in ("padding", "dilation")}
    mode = case.settings["padding_mode"]
    blocks = [reference.patch_matrix(image[None], case.kernel, mode=mode, **options) for image in case.images]
    return Window.of(case.kernel, padding_mode=mode, **options), np.array(blocks)


WAYS = {"written down": (2**60, 0), "sums of products": (0, 2**60), "transforms": (0, 0)}  # SMALL, FFT_FROM


def by(way: str):
    """Whatever the images' size."""
    patch = pytest.MonkeyPatch()
    for name, value in zip(("SMALL", "FFT_FROM"), WAYS[way], strict=True):
        patch.setattr(gram, name, value)
    return patch


@given(windows(max_channels=3), st.sampled_from(sorted(WAYS)))
def test_it_is_that_of_the_patch_matrix_of_all_images_and_of_each(case, way):
    window, blocks = unstrided(case)
    expected = np.swapaxes(blocks, 1, 2) @ blocks
    patch = by(way)
    together, apart = (sliding_gram(case.images, window, each=each) for each in (False, True))
    patch.undo()
    # Once for what is tested, and once for the reference's own sums.
    assert (np.abs(together - expected.sum(axis=0)) <= 2 * entry_error(case.images, window)).all()
    assert (np.abs(apart - expected) <= 2 * entry_error(case.images, window, each=True)[:, None, None]).all()


@given(windows(kind=plain_images), st.sampled_from(sorted(WAYS)))
def test_it_is_exact_for_integers(case, way):
    whole = np.rint(case.images * 2**20)
    window, blocks = unstrided(WindowCase(whole, case.kernel, case.settings))
    patch = by(way)
    found = sliding_gram(whole, window, exact=True)
    patch.undo()
    assert (found == (np.swapaxes(blocks, 1, 2) @ blocks).sum(axis=0)).all()


@given(images((5, 2, 6, 7)), st.booleans())
def test_images_in_blocks_are_as_all_at_once(pictures, each):
    window, patch = Window.of(3), pytest.MonkeyPatch()
    expected = sliding_gram(pictures, window, each=each)
    patch.setattr(gram, "BLOCK_ENTRIES", 2 * 2 * 3 * 6 * 7)  # two images
    found = sliding_gram(pictures, window, each=each)
    patch.undo()
    assert (np.abs(found - expected) <= 2 * entry_error(pictures, window)).all()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n", [1, 2])
def test_every_array_kind_has_the_same(way, n, monkeypatch):
    for name, value in zip(("SMALL", "FFT_FROM"), WAYS[way], strict=True):
        monkeypatch.setattr(gram, name, value)
    pictures = np.random.default_rng(0).random((n, 2, 6, 7))
    window = Window.of((3, 2), dilation=(1, 2))
    expected = sliding_gram(pictures, window)
    for convert in (torch.from_numpy, array_api_strict.asarray):
        found = sliding_gram(convert(pictures), window)
        assert type(found) is type(convert(pictures))
        assert (np.abs(np.asarray(found) - expected) <= 2 * entry_error(pictures, window)).all()


@pytest.mark.parametrize("length", range(1, 200))
def test_lengths_of_transforms_have_small_prime_factors_and_are_long_enough(length):
    found = gram._quick(length)
    factors = [2**a * 3**b * 5**c for a in range(9) for b in range(6) for c in range(4)]
    assert found == min(factor for factor in factors if factor >= length)
