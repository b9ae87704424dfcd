"""Correlation is Pearson's, image by image."""

import numpy as np
import pytest
import torch

from empirics import correlation

U = 2.0**-53


def pair(shape: tuple, seed: int = 0, offset: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=shape) + offset
    return a, 0.3 * a + rng.normal(size=shape)


def rounding(*images: np.ndarray) -> float:
    """How far two ways to compute a correlation may differ.

    Centring n entries errs by n u ‖x‖ relative to what is left, ‖x − mean‖; norms and products add about 2 n u.
    """
    n = images[0].size
    return 2 * sum((n + 2) * U * np.linalg.norm(x) / np.linalg.norm(x - x.mean()) + (n + 4) * U for x in images)


@pytest.mark.parametrize("offset", [0.0, 1e3])
@pytest.mark.parametrize("shape", [(5, 2, 4, 3), (5, 24)])
def test_it_equals_numpys_corrcoef(shape: tuple, offset: float) -> None:
    predictions, references = pair(shape, offset=offset)
    result = correlation(predictions, references)
    assert result.shape == (5,)
    for value, a, b in zip(result, predictions, references, strict=True):
        assert abs(value - np.corrcoef(a.ravel(), b.ravel())[0, 1]) <= rounding(a, b)


def test_one_reference_serves_many_predictions() -> None:
    predictions, references = pair((3, 5, 2, 4, 4))
    by_seed = correlation(predictions, references[0])
    assert by_seed.shape == (3, 5)
    assert by_seed[2, 4] == correlation(predictions[2, 4], references[0, 4])
    single = correlation(predictions[0], references[0, 1])
    assert single.shape == (5,)
    assert single[3] == correlation(predictions[0, 3], references[0, 1])


def test_constant_images_have_no_correlation() -> None:
    a, b = pair((3, 1, 4, 4))
    a[0], b[1] = 0.1, 0.0
    result = correlation(a, b)
    assert np.isnan(result).tolist() == [True, True, False]


def test_an_image_correlates_fully_with_itself_at_any_scale() -> None:
    a, _ = pair((6,))
    for scale in (1e-300, 1.0, 1e300):
        assert abs(correlation(a * scale, a) - 1) <= rounding(a, a)
        assert abs(correlation(-a * scale, a) + 1) <= rounding(a, a)


def test_the_predictions_kind_comes_back() -> None:
    a, b = pair((2, 6))
    result = correlation(torch.from_numpy(a), torch.from_numpy(b))
    assert isinstance(result, torch.Tensor)
    assert np.array_equal(result.numpy(), correlation(a, b))
    assert correlation(a.astype(np.float32), b).dtype == np.float64


@pytest.mark.parametrize(
    ("prediction", "reference", "error", "words"),
    [
        (
            np.ones((2, 3)),
            np.ones((3, 2)),
            ValueError,
            r"reference's shape, \(3, 2\), with any axes in front, got \(2, 3\)",
        ),
        (np.ones((1, 4, 4)), np.ones((1, 1, 4, 4)), ValueError, "prediction must have the reference's shape"),
        (np.ones((1, 4, 4)), np.ones((3, 1, 1, 4, 4)), ValueError, "reference must have shape"),
        (np.full(3, np.nan), np.ones(3), ValueError, "prediction must be finite"),
        (np.ones(3), torch.ones(3), TypeError, "must be arrays of one kind"),
        (np.ones(3) > 0, np.ones(3), TypeError, "got dtype bool"),
        (np.ones((0, 3)), np.ones((0, 3)), ValueError, "prediction must not be empty"),
        ([1.0, 2.0], np.ones(2), TypeError, "prediction must be a NumPy or torch array, got list"),
    ],
)
def test_what_cannot_be_compared_is_refused(prediction, reference, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        correlation(prediction, reference)
