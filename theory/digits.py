"""The handwritten digits that come with the library, read as data."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

SIDE, PER_CLASS = 28, 20


def embedded_digits() -> UInt8[np.ndarray, "200 1 28 28"]:
    """Return real MNIST digits, twenty of each class in order of class, 8-bit.

    The pack is the one that `empirics.images("digits")` reads. Its file is found without importing that package, which
    shares no code with this one.

    Raises:
        FileNotFoundError: the distribution was installed without its data.

    Source: MNIST (LeCun, Cortes, Burges), CC BY-SA 3.0; see empirics/data/LICENSE-digits.md.
    """
    package = find_spec("empirics")
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError("the embedded digits are not installed: empirics/data/digits.png is missing")
    with Image.open(Path(package.submodule_search_locations[0]) / "data" / "digits.png") as sheet:
        pixels = np.asarray(sheet)  # one row of digits per class
    tiles = pixels.reshape(10, SIDE, PER_CLASS, SIDE).swapaxes(1, 2)
    return tiles.reshape(-1, 1, SIDE, SIDE)
