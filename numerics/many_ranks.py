"""The rank of each image's own patch matrix, for many images of one size at once."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from jaxtyping import Int, Num

from numerics.arguments import image_array, is_integer
from numerics.exact_rank import exact_rank
from numerics.full_rank import positive_definite
from numerics.gram import entry_error, sliding_gram
from numerics.patches import patches
from numerics.rank import METHODS
from numerics.rank_certificate import full_by_support
from numerics.row_space import UndecidedRankError, decomposed, to_numpy
from numerics.window import Window, WindowSettings

AT_ONCE = 2**22  # numbers in all the matrices that are worked on at a time (32 MiB)


@dataclass(frozen=True)
class PatchRanks:
    """The ranks of many patch matrices beside what they could be.

    Attributes:
        rank: of each image's patch matrix, (n,).
        columns: C·k_h·k_w, the parameters of one output channel.
        method: how each was found, (n,): "support", "gram" where full rank was proved from the support of the image or
            by a Cholesky factorization of the Gram matrix; "exact" or "svd" elsewhere.
    """

    rank: Int[np.ndarray, "n"]
    columns: int
    method: np.ndarray

    @property
    def deficiency(self) -> Int[np.ndarray, "n"]:
        """Directions of a kernel that each image says nothing about: columns − rank."""
        return self.columns - self.rank


def patch_ranks(
    images: Num[Any, "n channels height width"],
    kernel_size: Any,
    *,
    method: str = "svd",
    **settings: Unpack[WindowSettings],
) -> PatchRanks:
    """Return the rank of each image's own patch matrix: what `patch_rank` returns for one image after the other.

    Most pictures have full rank, which is proved for many at once.

    Args:
        images: shape (n, C, H, W); integers for exact ranks.
        kernel_size: as in `patch_matrix`.
        method: "svd" or "exact", as in `patch_rank`.
        **settings: how it slides, see `WindowSettings`.

    Returns:
        Ranks, columns, deficiencies, and how each was found.

    Raises:
        TypeError: images that are not a real array, or a setting of the wrong type; exact ranks of images that are
            not integers.
        ValueError: images that are empty, not finite or of the wrong rank, or settings that do not fit them; an unknown
            method.
        UndecidedRankError: (a ValueError) the singular values of an image leave its rank open, naming it.

    Example:
        >>> import numpy as np
        >>> images = np.zeros((2, 1, 5, 5), np.uint8)
        >>> images[1, 0, 2, 2] = 255
        >>> patch_ranks(images, 3, method="exact").rank.tolist()
        [0, 9]

    Source: Zhang et al. 2020, Theorem 2; `numerics.exact_rank`, `numerics.rank_certificate`, `numerics.full_rank`.
    """
    if method not in METHODS:
        raise ValueError(f"method must be 'svd' or 'exact', got {method!r}")
    images = image_array("images", images)
    if images.ndim != 4:
        raise ValueError(f"images must have shape (n, C, H, W), got {tuple(images.shape)}; for one image: patch_rank")
    if method == "exact" and not is_integer(images):
        raise TypeError(
            f"method='exact' needs images of integers, got dtype {images.dtype}: "
            "give the 8-bit pixels themselves, or use method='svd'"
        )
    window = Window.of(kernel_size, **settings)
    rows, columns = math.prod(window.output_size(*images.shape[2:])), images.shape[1] * window.taps
    images = to_numpy(images)
    rank, how = np.full(len(images), columns), np.full(len(images), method, dtype="<U7")
    ranked = _exact if method == "exact" else _by_singular_values
    for part in parts(len(images), columns * max(rows, columns)):
        proved = full_by_support(images[part], window) if method == "exact" else np.zeros(part.stop - part.start, bool)
        how[part][proved] = "support"
        rest = np.arange(part.start, part.stop)[~proved]
        through = _full_by_gram(images[rest], window) if len(rest) and columns <= rows else np.zeros(len(rest), bool)
        how[rest[through]] = "gram"
        ranked(images, rest[~through], window, rank)
    return PatchRanks(rank, columns, how)


def parts(n: int, entries: int) -> Iterator[slice]:
    """Parts of n images, each image with so many entries in the matrices to be worked on."""
    step = max(1, AT_ONCE // entries)
    return (slice(first, min(first + step, n)) for first in range(0, n, step))


def _full_by_gram(images: np.ndarray, window: Window) -> np.ndarray:
    """Which images' patch matrices a Cholesky factorization of their Gram matrices proves to have full column rank."""
    if window.stride != (1, 1):
        return np.zeros(len(images), dtype=bool)
    images = images.astype(np.float64)
    largest = np.abs(images).max(axis=(1, 2, 3), keepdims=True)
    images = np.ldexp(images, 1 - np.frexp(largest)[1])  # by powers of two, exactly: no square overflows or vanishes
    gram = sliding_gram(images, window, each=True)
    # The spectral norm of a matrix of entries of at most e is at most e times its order.
    return positive_definite(gram, gram.shape[-1] * entry_error(images, window, each=True))


def _exact(images: np.ndarray, places: np.ndarray, window: Window, rank: np.ndarray) -> None:
    """Write the exact ranks of the images at some places."""
    for place in places:
        rank[place] = exact_rank(images[place], window)


def _by_singular_values(images: np.ndarray, places: np.ndarray, window: Window, rank: np.ndarray) -> None:
    """Write the ranks of the images at some places as `patch_rank` decides them."""
    if not len(places):
        return
    matrices = patches(images[places].astype(np.float64), window)
    space = decomposed(matrices.reshape(len(places), -1, math.prod(matrices.shape[3:])))
    try:
        space.require_decided()
    except UndecidedRankError as error:
        raise UndecidedRankError(f"images[{places[error.index[0]]}]: {error}", error.index) from None
    rank[places] = space.rank
