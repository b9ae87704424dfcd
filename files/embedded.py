"""The images that come with the library, each set a contact sheet in `files/data`."""

from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

DATA = Path(__file__).with_name("data")


def embedded_digits() -> UInt8[np.ndarray, "200 1 28 28"]:
    """Return real MNIST digits, 8-bit, twenty of each class in order of class.

    Source: MNIST (LeCun, Cortes, Burges), CC BY-SA 3.0; see files/data/LICENSE-digits.md.
    """
    return _cells("digits.png", 28).copy()  # row r of the sheet holds the digit r


def embedded_photographs() -> UInt8[np.ndarray, "8 3 32 32"]:
    """Return eight crops of two colour photographs, 8-bit.

    Source: photographs by danielbuechele and vultilion, CC BY 2.0; see files/data/LICENSE-natural.md.
    """
    return _cells("natural.png", 32).copy()


@cache
def _cells(file: str, side: int) -> UInt8[np.ndarray, "n channels side side"]:
    """The squares of a contact sheet, row by row."""
    with Image.open(DATA / file) as picture:
        sheet = np.atleast_3d(np.asarray(picture))
    height, width, channels = sheet.shape
    cells = sheet.reshape(height // side, side, width // side, side, channels)
    return cells.transpose(0, 2, 4, 1, 3).reshape(-1, channels, side, side)
