"""The rank of an integer patch matrix over the rationals: proved, never read off rounded numbers."""

import math

import numpy as np
from flint import fmpz_mat, nmod_mat

from numerics.full_rank import positive_definite
from numerics.patches import gram_of, patch_blocks, patches
from numerics.window import Window

EXACT_IN_FLOAT64 = 2**53
PRIME = 2**31 - 1  # any prime would do; residues of one word make elimination fast


def exact_rank(images: np.ndarray, window: Window) -> int:
    """Return the rank over the rationals of the patch matrix D of checked integer images.

    The rank of D is that of its Gram matrices DᵀD and DDᵀ, of which the smaller one, G, is computed exactly. Where
    Cholesky's algorithm gets through G in floating point with room for all of its rounding, G has full rank: a proof,
    see `numerics.full_rank`. Modulo a prime every minor of G is its remainder, so that

        rank G mod p ≤ rank G,

    and a G of full rank modulo one prime has full rank: a proof, too, whatever the prime. Elsewhere FLINT's
    `fmpz_mat.rank` decides, by elimination without fractions or by a null space that it finds modulo a prime, lifts to
    the rationals and verifies by multiplication with G.

    Args:
        images: integers, shape (n, C, H, W) or (C, H, W), in NumPy.
        window: what slides over them.
    """
    gram = exact_gram(images, window)
    if isinstance(gram, np.ndarray):
        if positive_definite(gram):
            return len(gram)
        gram = fmpz_mat(gram.astype(np.int64).tolist())
    size = gram.nrows()
    if nmod_mat(gram, PRIME).rank() == size:
        return size
    return int(gram.rank())


def exact_gram(images: np.ndarray, window: Window) -> np.ndarray | fmpz_mat:
    """The smaller of DᵀD and DDᵀ, exactly: in float64 where no sum of products can pass 2⁵³, else in big integers."""
    images = images[None] if images.ndim == 3 else images
    rows = len(images) * math.prod(window.output_size(*images.shape[-2:]))
    columns = images.shape[1] * window.taps
    largest = max(abs(int(images.max())), abs(int(images.min())))
    # Twice, for what stands in between where a strip is taken away before another is added.
    if 2 * max(rows, columns) * largest**2 < EXACT_IN_FLOAT64:
        if columns <= rows:
            return np.asarray(gram_of(images.astype(np.float64), window, exact=True))
        matrix = patches(images, window).reshape(rows, columns).astype(np.float64)
        return matrix @ matrix.T
    if columns <= rows:
        gram = fmpz_mat(columns, columns)
        for block in patch_blocks(images, window):
            part = fmpz_mat(block.tolist())
            gram += part.transpose() * part
        return gram
    matrix = fmpz_mat(patches(images, window).reshape(rows, columns).tolist())
    return matrix * matrix.transpose()
