"""What the claims about patch ranks share: exact ranks, small images to draw, real digits."""

from functools import cache

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import empirics
from numerics import PatchRank, patch_rank

KERNELS = range(3, 16, 2)

sides = st.integers(1, 6)
kernels = st.tuples(sides, sides)
values = st.integers(0, 255)
directions = st.tuples(st.integers(-9, 9), st.integers(-9, 9))
pixels = arrays(np.int64, st.tuples(sides, sides), elements=values, fill=st.just(0))
lines = arrays(np.int64, sides, elements=values, fill=st.just(0))


def exact(image: np.ndarray, kernel, **settings) -> PatchRank:
    """The exact patch rank of a picture (H, W), or of (…, C, H, W)."""
    return patch_rank(image if image.ndim > 2 else image[None], kernel, method="exact", **settings)


@cache
def all_digits() -> np.ndarray:
    """Every handwritten digit of the pack, 8-bit, (n, 1, 28, 28)."""
    return empirics.images("digits").pixels
