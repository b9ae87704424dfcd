"""The squared error is torch's, image by image."""

import numpy as np
import pytest
import torch

from empirics import mean_squared_error
from tests.empirics.dyadic import integers


@pytest.mark.parametrize("shape", [(5, 2, 4, 3), (2, 4, 3), (5, 24), (24,)])
def test_it_equals_torchs_mse_loss(shape: tuple) -> None:
    # Small integers: sums are exact, and the division is the one rounding on either side.
    prediction, reference = integers(*shape, seed=0), integers(*shape, seed=1)
    result = mean_squared_error(prediction, reference)
    images = shape[:1] if len(shape) in (2, 4) else ()
    assert result.shape == images
    pairs = zip(prediction, reference, strict=True) if images else [(prediction, reference)]
    expected = torch.stack([torch.nn.functional.mse_loss(a, b) for a, b in pairs])
    assert torch.equal(result.reshape(-1), expected)


def test_one_reference_serves_many_predictions() -> None:
    predictions, references = integers(3, 5, 2, 4, 4, seed=2), integers(5, 2, 4, 4, seed=3)
    by_seed = mean_squared_error(predictions, references)
    assert by_seed.shape == (3, 5)
    assert by_seed[2, 4] == mean_squared_error(predictions[2, 4], references[4])
    assert torch.equal(
        mean_squared_error(predictions[0], references[1])[3],
        by_seed.new_tensor(float((predictions[0, 3] - references[1]).square().mean())),
    )


def test_bytes_are_not_subtracted_as_bytes() -> None:
    assert mean_squared_error(np.zeros(4, np.uint8), np.full(4, 255, np.uint8)) == 255**2


def test_the_predictions_kind_comes_back_in_float64() -> None:
    result = mean_squared_error(np.ones((2, 3), np.float32), np.zeros((2, 3)))
    assert isinstance(result, np.ndarray)
    assert result.dtype == np.float64
    assert result.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("prediction", "reference", "error", "words"),
    [
        (np.ones((2, 3)), np.ones((3, 2)), ValueError, r"prediction must have the reference's shape, \(3, 2\)"),
        (np.full(3, np.inf), np.ones(3), ValueError, "prediction must be finite"),
        (np.ones(3), np.full(3, np.nan), ValueError, "reference must be finite"),
        (np.ones(3), torch.ones(3), TypeError, "must be arrays of one kind"),
    ],
)
def test_what_cannot_be_compared_is_refused(prediction, reference, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        mean_squared_error(prediction, reference)
