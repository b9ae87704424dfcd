"""The images that figures show: the digit that networks are trained on, and what they are asked about."""

from functools import cache

import numpy as np

import empirics

TRAINED_ON = 7  # the class of the digit that the paper's figures train on
PATTERNS = ("full", "vertical stripes, period 4", "checkerboard, cells of 4", "large disc", "letter A", "uniform noise")


@cache
def digit(label: int, which: int = 0, size: int = 28) -> np.ndarray:
    """A digit of a class, (1, H, W) in [0, 1]; `which` of the twenty embedded ones."""
    pack = empirics.images("digits", size=size)
    return pack.as_float()[np.flatnonzero(pack.labels == label)[which]]


def specimens(size: int = 28) -> np.ndarray:
    """What a figure shows answers to, (12, 1, H, W): the digit trained on, other digits, a blend, and patterns."""
    trained_on = digit(TRAINED_ON, size=size)
    pack = empirics.images("patterns", size=size)
    drawn = dict(zip(pack.names or (), pack.as_float(), strict=True))
    others = [digit(label, size=size) for label in (1, 4, 0)]
    return np.stack(
        [
            trained_on,
            digit(TRAINED_ON, 1, size),
            *others,
            (trained_on + digit(2, size=size)) / 2,
            *(drawn[name] for name in PATTERNS),
        ]
    )


def other_digits(size: int = 28) -> np.ndarray:
    """Two digits of each class but that trained on, (18, 1, H, W): what correlations are averaged over."""
    return np.stack([digit(label, which, size) for label in range(10) if label != TRAINED_ON for which in (1, 2)])
