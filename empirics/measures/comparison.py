"""How alike two images are: Pearson's correlation, and the mean squared error."""

from typing import Any

import torch
from jaxtyping import Float, Num
from torch import Tensor

from empirics.arrays import real_tensor, same_kind

KNOWN = {4: "(n, C, H, W)", 3: "(C, H, W)", 2: "(n, d)", 1: "(d,)"}
SHAPES = {5: "(seeds, n, C, H, W)", **KNOWN}


def correlation(prediction: Num[Any, "..."], reference: Num[Any, "..."]) -> Float[Any, "..."]:
    """Return Pearson's correlation of each predicted image with its reference, over all its entries.

    Equivalent to `numpy.corrcoef` of the two images, flattened, one pair at a time.

    Args:
        prediction: the reference's shape, or with further axes in front of it: predictions of several seeds, or of
            several inputs when the reference is a single image.
        reference: images (n, C, H, W) or (C, H, W), or vectors (n, d) or (d,).

    Returns:
        One number in [−1, 1] per predicted image, of the prediction's kind and device, in float64; shape
        (seeds, n) for predictions (seeds, n, C, H, W). NaN where either image is constant.

    Raises:
        TypeError: not real arrays, or of different kinds.
        ValueError: empty or not finite (leave out diverged members first), or shapes that do not go together.

    Example:
        >>> import numpy as np
        >>> correlation(np.array([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]), np.array([0.0, 2.0, 4.0])).round(6).tolist()
        [1.0, -1.0]
    """
    predicted, known = _compared(prediction, reference)
    axes = 3 if known.ndim >= 3 else 1
    a, b = (directions(images, axes) for images in (predicted, known))
    constant = ~((a != 0).any(-1) & (b != 0).any(-1))
    result = torch.where(constant, torch.nan, (a * b).sum(-1).clamp(-1, 1))
    return result if isinstance(prediction, Tensor) else result.numpy()


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

    Example:
        >>> import numpy as np
        >>> mean_squared_error(np.array([[1.0, 3.0], [0.0, 0.0]]), np.array([1.0, 1.0])).tolist()
        [2.0, 1.0]
    """
    predicted, known = _compared(prediction, reference)
    result = mean_squares(predicted, known, 3 if known.ndim >= 3 else 1)
    return result if isinstance(prediction, Tensor) else result.numpy()


def directions(images: Tensor, axes: int) -> Float[Tensor, "... entries"]:
    """Images flattened, centred and of unit length, in float64; 0 where constant. `axes` is how many an image has."""
    flat = images.to(torch.float64).flatten(-axes)
    # Scaled first, so that no square of a huge or a tiny entry leaves float64's range.
    largest = flat.abs().amax(-1, keepdim=True)
    flat = flat / torch.where(largest > 0, largest, 1.0)
    constant = flat.amax(-1, keepdim=True) == flat.amin(-1, keepdim=True)
    centred = flat - flat.mean(-1, keepdim=True)
    return torch.where(constant, 0.0, centred / torch.where(constant, 1.0, centred.norm(dim=-1, keepdim=True)))


def mean_squares(images: Tensor, others: Tensor, axes: int) -> Float[Tensor, "..."]:
    """Mean over an image's entries of the squared difference, in float64."""
    return (images.to(torch.float64) - others.to(torch.float64)).square().flatten(-axes).mean(-1)


def _compared(prediction: Any, reference: Any) -> tuple[Tensor, Tensor]:
    """Predictions and the reference that they are compared with, checked: see `correlation`."""
    predicted = real_tensor("prediction", prediction, SHAPES)
    known = real_tensor("reference", reference, KNOWN)
    same_kind(prediction=prediction, reference=reference, same_dtype=False)
    if predicted.shape[-known.ndim :] != known.shape:
        raise ValueError(
            f"prediction must have the reference's shape, {tuple(known.shape)}, with any axes in front, "
            f"got {tuple(predicted.shape)}"
        )
    return predicted, known
