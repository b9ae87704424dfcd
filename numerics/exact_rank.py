"""The rank of an integer patch matrix over the rationals: no floating-point number is ever compared."""

import math

import numpy as np
from flint import fmpz_mat, nmod_mat

from numerics.patches import patch_blocks, patches
from numerics.window import Window

EXACT_IN_FLOAT64 = 2**53
PRIME = 2**31 - 1  # any prime would do; residues of one word make elimination fast


def exact_rank(images: np.ndarray, window: Window) -> int:
    """Return the rank over the rationals of the patch matrix D of checked integer images.

    The rank of D is that of its Gram matrices DᵀD and DDᵀ, of which the smaller one, G, is computed exactly. Modulo a
    prime every minor of G is its remainder, so that

        rank G mod p ≤ rank G,

    and a G of full rank modulo one prime has full rank: a proof, whatever the prime. Elsewhere FLINT's `fmpz_mat.rank`
    decides, by elimination without fractions or by a null space that it finds modulo a prime, lifts to the rationals
    and verifies by multiplication with G.

    Args:
        images: integers, shape (n, C, H, W) or (C, H, W), in NumPy.
        window: what slides over them.
    """
    gram = exact_gram(images, window)
    size = gram.nrows()
    if nmod_mat(gram, PRIME).rank() == size:
        return size
    return int(gram.rank())


def exact_gram(images: np.ndarray, window: Window) -> fmpz_mat:
    """The smaller of DᵀD and DDᵀ in integers of any size.

    Sums of products are taken in float64 where none of them can pass 2⁵³, so that each is exact in any order, and in
    FLINT's integers elsewhere.
    """
    count = images.shape[0] if images.ndim == 4 else 1
    rows = count * math.prod(window.output_size(*images.shape[-2:]))
    columns = images.shape[-3] * window.taps
    if rows < columns:
        blocks = iter([patches(images, window).reshape(rows, columns).T])
    else:
        blocks = patch_blocks(images, window)
    largest = max(abs(int(images.max())), abs(int(images.min())))
    size = min(rows, columns)
    if max(rows, columns) * largest**2 < EXACT_IN_FLOAT64:
        total = np.zeros((size, size))
        for block in blocks:
            part = block.astype(np.float64)
            total += part.T @ part
        return fmpz_mat(total.astype(np.int64).tolist())
    gram = fmpz_mat(size, size)
    for block in blocks:
        part = fmpz_mat(block.tolist())
        gram += part.transpose() * part
    return gram
