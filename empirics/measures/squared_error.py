"""How far a prediction is from an image."""

from typing import Any

import torch
from jaxtyping import Float, Num
from torch import Tensor

from empirics.measures.pearson import compared


def mean_squared_error(prediction: Num[Any, "..."], reference: Num[Any, "..."]) -> Float[Any, "..."]:
    """Return the mean squared difference of each predicted image and its reference, over all its entries.

    Equivalent to `torch.nn.functional.mse_loss` in float64, one pair at a time.

    Args:
        prediction: the reference's shape, or with further axes in front of it, as `correlation` takes them.
        reference: images (n, C, H, W) or (C, H, W), or vectors (n, d) or (d,).

    Returns:
        One number per predicted image, of the prediction's kind and device, in float64; shape (seeds, n) for
        predictions (seeds, n, C, H, W).

    Raises:
        TypeError: not real arrays, or of different kinds.
        ValueError: empty or not finite (leave out diverged members first), or shapes that do not go together.
    """
    predicted, known = compared(prediction, reference)
    difference = predicted.to(torch.float64) - known.to(torch.float64)
    result = difference.square().flatten(-3 if known.ndim >= 3 else -1).mean(-1)
    return result if isinstance(prediction, Tensor) else result.numpy()
