"""How like its input, and how like the training image, is what a network answers? One rule for each awkward case."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Num
from torch import Tensor

from empirics.arrays import real_tensor, same_kind, tensor_of
from empirics.measures.comparison import directions, mean_squares

SHAPES = {5: "(seeds, n, C, H, W)", 4: "(n, C, H, W)", 3: "(seeds, n, d)", 2: "(n, d)"}
REFERENCES = {4: "(n, C, H, W)", 3: "(C, H, W)", 2: "(n, d)", 1: "(d,)"}


@dataclass(frozen=True, eq=False)
class Likeness:
    """What answers have in common with what was asked and with what was trained on, of the kind that was measured.

    An answer that is constant correlates with nothing, as little as with a reference that is constant: 0. Where a
    member's answers are not all finite it has diverged, and has no likeness: NaN. Where sizes differ there is nothing
    to compare: None.

    Attributes:
        with_input: Pearson's correlation of each answer with the image asked, 1 for the identity: (seeds, n) or (n,).
        with_training_image: and with the training image, of several the one for which it is greatest; 1 for the
            constant function.
        mse: mean squared difference of each answer and the image asked.
    """

    with_input: Float[Any, "*seeds n"] | None
    with_training_image: Float[Any, "*seeds n"] | None
    mse: Float[Any, "*seeds n"] | None

    def mean(self) -> "Likeness":
        """The same averaged over the images asked: (seeds,), or () for one network."""
        averages = (None if value is None else value.mean(-1) for value in vars(self).values())
        return Likeness(*averages)


def likeness(answers: Num[Any, "..."], asked: Num[Any, "..."], training_images: Num[Any, "..."]) -> Likeness:
    """Measure how like its input, and how like a training image, each answer is.

    Args:
        answers: of several networks, (seeds, n, C, H, W) or (seeds, n, d), or of one, (n, C, H, W) or (n, d). They
            need not be finite.
        asked: the images asked, (n, C, H, W) or (n, d).
        training_images: those trained on, (k, C, H, W), (C, H, W), (k, d) or (d,).

    Returns:
        The likeness of each answer, in float64, of the answers' kind and on their device.

    Raises:
        TypeError: not real arrays, or of different kinds.
        ValueError: empty arrays, images that are not finite, or another number of answers than of images asked.

    Example:
        >>> import numpy as np
        >>> asked = np.array([[0.0, 1.0, 0.0, 1.0], [1.0, 1.0, 0.0, 0.0]])
        >>> found = likeness(asked, asked, np.array([1.0, 0.0, 0.0, 1.0]))
        >>> found.with_input.round(6).tolist(), found.with_training_image.round(6).tolist()
        ([1.0, 1.0], [0.0, 0.0])
    """
    given = tensor_of("answers", answers)
    references = real_tensor("asked", asked, REFERENCES), real_tensor("training_images", training_images, REFERENCES)
    same_kind(answers=answers, asked=asked, training_images=training_images, same_dtype=False)
    inputs, known = (value if value.ndim in (2, 4) else value[None] for value in references)
    axes = inputs.ndim - 1  # of one image
    if given.ndim not in (axes + 1, axes + 2) or given.shape[-axes - 1] != len(inputs):
        raise ValueError(
            f"answers must be one for each of the {len(inputs)} images asked, as (n, ...) or (seeds, n, ...), "
            f"got shape {tuple(given.shape)}"
        )
    sound = torch.isfinite(given.flatten(-axes - 1)).all(-1)[..., None]  # (seeds, 1) or (1,)
    finite = torch.where(torch.isfinite(given), given, 0).to(torch.float64)
    ours = directions(finite, axes)

    def told(value: Tensor) -> Any:
        value = torch.where(sound, value, torch.nan)
        return value if isinstance(answers, Tensor) else value.numpy()

    with_input = with_training_image = mse = None
    if given.shape[-axes:] == inputs.shape[1:]:
        with_input = told((ours * directions(inputs, axes)).sum(-1).clamp(-1, 1))
        mse = told(mean_squares(finite, inputs, axes))
    if known.ndim == inputs.ndim and given.shape[-axes:] == known.shape[1:]:
        with_training_image = told((ours @ directions(known, axes).T).amax(-1).clamp(-1, 1))
    return Likeness(with_input, with_training_image, mse)
