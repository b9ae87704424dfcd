"""Mixed images have exactly the correlation that was asked for."""

import numpy as np
import pytest
import torch

from empirics import blend, correlation, images, mix
from tests.empirics.measures.test_correlation import U, rounding

RHOS = [0.0, 1e-9, 0.1, 0.5, 0.9, 1 - 1e-12, 1.0]


def bound(image: np.ndarray, x_hat: np.ndarray) -> float:
    """How far rounding may move the correlation of a mixed image.

    ρ z + √(1 − ρ²) w carries 3 roundings an entry, and the inner product of z and w those of n entries, twice over; the
    affine map onto x̂'s range rounds 4 times what may be as large as x̂; measuring the correlation adds its own.
    """
    n = image.size
    steps = 4 * U * max(np.abs(image).max(), np.abs(x_hat).max()) * np.sqrt(n)
    return (2 * n + 8) * U + 2 * steps / np.linalg.norm(image - image.mean()) + rounding(image, x_hat)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 6, 5), (7,), (3,)])
def test_the_correlation_is_the_one_asked_for(shape: tuple, seed: int) -> None:
    x_hat = np.random.default_rng(9).uniform(size=shape)
    mixed = mix(x_hat, RHOS, seed)
    assert mixed.shape == (len(RHOS), *shape)
    for image, rho in zip(mixed, RHOS, strict=True):
        assert abs(float(correlation(image, x_hat)) - rho) <= bound(image, x_hat)


def test_mixed_images_span_the_pixel_range_of_the_original() -> None:
    x_hat = images("digits").as_float()[140]
    for image in mix(x_hat, RHOS):
        assert (image.min(), image.max()) == (x_hat.min(), x_hat.max())


def test_full_correlation_gives_the_image_back() -> None:
    x_hat = images("natural").as_float()[2]
    # Centring and scaling to unit length and back moves entries of at most 1 by a few roundings of n terms.
    assert np.abs(mix(x_hat, 1.0) - x_hat).max() <= 4 * x_hat.size * U


def test_noise_is_fresh_for_each_image_and_repeats_with_the_seed() -> None:
    x_hat = images("digits").as_float()[0]
    one, again, other = mix(x_hat, [0.3, 0.3], 5), mix(x_hat, [0.3, 0.3], 5), mix(x_hat, [0.3, 0.3], 6)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    # Over 784 pixels, the noises of two images at ρ = 0.3 correlate by ±0.036: at 0.09 + 0.91·r, 0.5 would be r = 12σ.
    assert correlation(one[0], one[1]) < 0.5


def test_kind_dtype_and_shape_come_back() -> None:
    x_hat = images("digits").pixels[0]
    assert mix(x_hat, 0.5).dtype == np.float64
    assert mix(x_hat, 0.5).shape == x_hat.shape
    assert mix(x_hat, [0.5]).shape == (1, *x_hat.shape)
    assert mix(x_hat, np.array([0.5, 0.6])).shape == (2, *x_hat.shape)
    tensor = torch.from_numpy(x_hat).to(torch.float32)
    mixed = mix(tensor, 0.5)
    assert isinstance(mixed, torch.Tensor)
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, torch.from_numpy(mix(x_hat, 0.5)).to(torch.float32))


def test_huge_and_tiny_images_mix_alike() -> None:
    x_hat = np.random.default_rng(0).uniform(size=20) - 0.5
    for scale in (2.0**-1000, 2.0**1000):
        assert np.array_equal(mix(x_hat * scale, 0.4) / scale, mix(x_hat, 0.4))


def test_a_blend_is_linear() -> None:
    a, b = images("digits").as_float()[[3, 150]]
    assert np.array_equal(blend(a, b, 0.0), a)
    assert np.array_equal(blend(a, b, 1.0), b)
    blends = blend(a, b, [0.0, 0.25, 1.0])
    assert blends.shape == (3, 1, 28, 28)
    assert np.array_equal(blends[1], 0.75 * a + 0.25 * b)
    assert torch.equal(blend(torch.from_numpy(a), torch.from_numpy(b), 0.25), torch.from_numpy(blends[1]))
    assert np.array_equal(blend(np.array([2, 4]), np.array([4, 8]), 0.5), [3.0, 6.0])


FINE = np.arange(8.0)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((FINE, 1.1), ValueError, r"rho must be in \[0, 1\], got 1\.1"),
        ((FINE, -0.1), ValueError, r"rho must be in \[0, 1\]"),
        ((FINE, [0.5, np.nan]), ValueError, "rho must be finite, got nan"),
        ((FINE, []), ValueError, "rho must hold at least one number, got none"),
        ((FINE, "half"), TypeError, "rho must be a real number"),
        ((FINE, [[0.5]]), TypeError, "rho must be a real number"),
        ((FINE, 0.5, -1), ValueError, "seed must be at least 0"),
        ((FINE, 0.5, 0.5), TypeError, "seed must be an integer"),
        ((np.ones(8), 0.5), ValueError, r"x_hat must not be constant, got 1\.0 everywhere"),
        ((FINE[:2], 0.5), ValueError, "x_hat must have at least 3 entries, got 2"),
        ((FINE.reshape(2, 4), 0.5), ValueError, r"x_hat must have shape \(C, H, W\) or \(d,\)"),
        ((FINE * np.nan, 0.5), ValueError, "x_hat must be finite"),
        ((FINE.tolist(), 0.5), TypeError, "x_hat must be a NumPy or torch array"),
    ],
)
def test_what_cannot_be_mixed_is_refused(arguments: tuple, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        mix(*arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((FINE, FINE[1:], 0.5), ValueError, r"b must have a's shape, \(8,\), got \(7,\)"),
        ((FINE, torch.ones(8), 0.5), TypeError, "a and b must be arrays of one kind"),
        ((FINE, FINE.astype("f4"), 0.5), TypeError, "a and b must have one floating dtype"),
        ((FINE, FINE, 2), ValueError, r"share must be in \[0, 1\], got 2"),
    ],
)
def test_what_cannot_be_blended_is_refused(arguments: tuple, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        blend(*arguments)


@pytest.mark.parametrize("seed", range(5))
def test_noise_without_a_share_of_the_image_correlates_with_nothing(seed: int) -> None:
    """Orthogonal to it within a few roundings, of sums of 784 products of unit vectors."""
    x_hat = images("digits").as_float()[140]
    assert abs(float(correlation(mix(x_hat, 0.0, seed), x_hat))) < 1e-15
