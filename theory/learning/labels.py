"""Labels at the doors of `theory.learning`: checked, and as targets."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from numerics.arguments import is_integer, positive_int, real_array
from numerics.row_space import to_numpy


def checked_labels(labels: Any, examples: int, classes: int | None = None) -> Int[np.ndarray, " n"]:
    """Labels as NumPy integers, one for each example, from 0 up to the number of classes.

    Args:
        labels: an array of integers, (n,).
        examples: n.
        classes: how many there are; None where nobody has said.

    Raises:
        TypeError: no array of integers.
        ValueError: another number of labels than examples, or one that is no class.
    """
    labels = real_array("labels", labels, {1: "(n,)"})
    if not is_integer(labels):
        raise TypeError(f"labels must be integers, the numbers of classes, got dtype {labels.dtype}")
    found = to_numpy(labels).astype(np.int64)
    if len(found) != examples:
        raise ValueError(f"labels must be one for each of the {examples} inputs, got {len(found)}")
    if found.min() < 0:
        raise ValueError(f"labels must be numbers of classes, from 0, got {found.min()}")
    if classes is not None and found.max() >= classes:
        raise ValueError(f"labels must be below the number of classes, {classes}, got {found.max()}")
    return found


def number_of_classes(labels: Int[np.ndarray, " n"], classes: Any) -> int:
    """How many output units there are: as said, or as many as the labels show.

    Raises:
        TypeError: classes not an integer.
        ValueError: fewer than two, or all examples in one.
    """
    if len(np.unique(labels)) < 2:
        raise ValueError(
            f"labels must be of two classes at least, for there to be something to tell apart, got {labels[0]} only"
        )
    return int(labels.max()) + 1 if classes is None else positive_int("classes", classes, least=2)


def one_hot(labels: Int[np.ndarray, " n"], classes: int) -> Float[np.ndarray, "n classes"]:
    """Targets: 1 for the label's output unit, 0 for the others."""
    return np.eye(classes)[labels]
