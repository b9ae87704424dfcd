"""The rank of the patch matrix of almost every image of a size."""

import random
from typing import Any, Unpack

import numpy as np
from flint import fmpz, nmod_mat

from numerics.arguments import positive_int
from numerics.exact_rank import exact_rank
from numerics.patches import patches
from numerics.window import Window, WindowSettings

PRIMES_FROM = 2**62  # and below twice that: what fits FLINT's machine words


def generic_patch_rank(
    height: Any,
    width: Any,
    channels: Any,
    kernel_size: Any,
    **settings: Unpack[WindowSettings],
) -> int:
    """Return the rank of the patch matrix of almost every image of a size: the largest rank that any of them has.

    The entries of the patch matrix D are pixels or zeros, so that a minor is a polynomial in the pixels, with integer
    coefficients. Where one that is not zero takes the value zero, a set of measure zero, the rank may be less.

    1. *From above:* the rank is at most the number of distinct columns of D that are not identically zero (a tap may
       never see a pixel, or always the same one as another tap), and of distinct rows.
    2. *From below:* the exact rank of one explicit image. Where it meets the bound from above, the answer is proven.
       It does for every kernel without stride and dilation that we tried, under zero and circular padding.
    3. *Elsewhere* the answer is the rank of D modulo a random prime p, for an image drawn uniformly from the integers
       modulo p. It is never above the generic rank r. Some minor of order r is not the zero polynomial, and a
       coefficient c of it that is not zero has |c| ≤ r!, the number of terms of a determinant. p is uniform among the
       primes from 2⁶² to 2⁶³, of which there are at least N = 3/5 · 2⁶²/ln 2⁶² (Rosser and Schoenfeld), and at most
       log₂(r!)/62 of them divide c. Modulo any other, the minor is a polynomial of degree r that is not zero, and
       vanishes at a random image with probability at most r/p (Schwartz and Zippel). So the answer is short of r
       with probability at most

           log₂(r!) / (62 N) + r / 2⁶²,

       which is below 10⁻¹⁵ for r ≤ 400 and below 10⁻¹² for r ≤ 10⁵; larger matrices do not fit in memory.

    Args:
        height: of the image.
        width: of the image.
        channels: of the image.
        kernel_size: as in `patch_matrix`.
        **settings: how it slides, see `WindowSettings`.

    Returns:
        The generic rank.

    Raises:
        TypeError: a size or a setting of the wrong type.
        ValueError: a size or a setting out of range, or settings that do not fit the image.

    Example:
        >>> generic_patch_rank(28, 28, 1, 5), generic_patch_rank(2, 2, 1, 5)
        (25, 4)

    Source: J. B. Rosser and L. Schoenfeld, Approximate formulas for some functions of prime numbers, Illinois Journal
    of Mathematics 6 (1962), corollary 3 of theorem 2; J. T. Schwartz, Fast probabilistic algorithms for verification of
    polynomial identities, Journal of the ACM 27 (1980). The rest is ours.
    """
    shape = (positive_int("channels", channels), positive_int("height", height), positive_int("width", width))
    window = Window.of(kernel_size, **settings)
    at_most = distinct_lines(*shape, window)
    example = np.random.default_rng(0).integers(0, 256, shape)
    at_least = exact_rank(example, window)
    return at_least if at_least == at_most else max(at_least, rank_modulo_random_prime(shape, window))


def distinct_lines(channels: int, height: int, width: int, window: Window) -> int:
    """The number of distinct columns, or of distinct rows if they are fewer, that are not identically zero.

    A column belongs to a channel, a tap along the height and one along the width; it holds the pixel (channel, i, j)
    in row (p, q), where the one tap sees i from p and the other j from q, and zero where either sees none. So it says
    which i and which j these taps see, and columns are distinct if and only if their taps see differently. Rows alike.
    """
    down, across = window.sources(0, height), window.sources(1, width)
    columns = channels * _distinct(down.T, height) * _distinct(across.T, width)
    return min(columns, _distinct(down, height) * _distinct(across, width))


def _distinct(sources: np.ndarray, nothing: int) -> int:
    """The number of distinct lines of a table that are not all `nothing`."""
    seen = sources[np.any(sources != nothing, axis=1)]
    return len(np.unique(seen, axis=0))


def rank_modulo_random_prime(shape: tuple[int, int, int], window: Window) -> int:
    """The rank over the integers modulo p of a random image's patch matrix, for a random prime p."""
    source = random.SystemRandom()
    prime = source.randrange(PRIMES_FROM, 2 * PRIMES_FROM)
    while not fmpz(prime).is_prime():
        prime = source.randrange(PRIMES_FROM, 2 * PRIMES_FROM)
    pixels = [source.randrange(prime) for _ in range(shape[0] * shape[1] * shape[2])]
    seen = patches(np.array(pixels, dtype=np.int64).reshape(shape), window)
    rows, columns = int(np.prod(seen.shape[:3])), int(np.prod(seen.shape[3:]))
    return int(nmod_mat(rows, columns, seen.reshape(-1).tolist(), prime).rank())
