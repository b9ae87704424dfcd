"""Make natural.png, the embedded pack of natural-image crops: `python make_natural.py FOLDER`.

FOLDER is `sklearn/datasets/images` of the Python package scikit-learn, which holds the photographs. The pack is one row
of squares cut out of them, 128 pixels wide and averaged over 4×4 blocks down to 32×32, which also averages out the
photographs' JPEG artefacts.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

SIDE, BLOCK = 32, 4
# Photograph, left, top; `empirics.images.embedded.NATURAL_NAMES` says what is seen there, in the same order.
CORNERS = [
    ("china.jpg", 140, 30),
    ("china.jpg", 150, 180),
    ("china.jpg", 60, 230),
    ("china.jpg", 380, 290),
    ("china.jpg", 510, 170),
    ("flower.jpg", 240, 150),
    ("flower.jpg", 170, 120),
    ("flower.jpg", 280, 300),
]


def crop(photograph: Path, left: int, top: int) -> np.ndarray:
    """One square, (32, 32, 3) bytes; below the photograph's lower edge it is moved up to fit."""
    with Image.open(photograph) as picture:
        pixels = np.asarray(picture.convert("RGB"), dtype=float)
    top = min(top, len(pixels) - SIDE * BLOCK)
    square = pixels[top : top + SIDE * BLOCK, left : left + SIDE * BLOCK]
    return np.rint(square.reshape(SIDE, BLOCK, SIDE, BLOCK, 3).mean(axis=(1, 3))).astype(np.uint8)


def main() -> None:
    """Write the row of crops beside this file."""
    folder = Path(sys.argv[1])
    row = np.hstack([crop(folder / name, left, top) for name, left, top in CORNERS])
    Image.fromarray(row).save(Path(__file__).with_name("natural.png"), optimize=True)


if __name__ == "__main__":
    main()
