"""The rank of a patch matrix: what a one-layer convolution can learn from the images."""

from dataclasses import dataclass
from typing import Any, Unpack

from jaxtyping import Num

from numerics.arguments import as_float64, image_array, is_integer
from numerics.exact_rank import exact_rank
from numerics.patches import patch_matrix
from numerics.row_space import cut, decomposed, to_numpy
from numerics.window import Window, WindowSettings

METHODS = ("svd", "exact")


@dataclass(frozen=True)
class PatchRank:
    """The rank of a patch matrix beside what it could be.

    Attributes:
        rank: dimension of the row space.
        columns: C·k_h·k_w, the parameters of one output channel.
        gap: smallest nonzero singular value over the largest dropped one (or over the rounding of singular values,
            where that is larger); inf for an exact rank, and for a zero image.
        method: "svd" or "exact".
    """

    rank: int
    columns: int
    gap: float
    method: str

    @property
    def deficiency(self) -> int:
        """Directions of a kernel that the images say nothing about: columns − rank."""
        return self.columns - self.rank


def patch_rank(
    images: Num[Any, "*n channels height width"],
    kernel_size: Any,
    *,
    method: str = "svd",
    **settings: Unpack[WindowSettings],
) -> PatchRank:
    """Return the rank of the images' patch matrix.

    `method="svd"` counts the singular values above their rounding error, of images of any real dtype. One that it
    counts is not zero; one that it drops is zero as far as float64 can tell, no more. The row of pixels
    0 0 0 0 0 0 1 255 0 0 0 0 0 has a triangular 7 × 7 patch matrix for a kernel of 7 taps without padding: its rank is
    7, but its least singular value, of 255⁻⁶, is lost in the rounding of the largest.

    `method="exact"` is the rank over the rationals of integer images, computed in integers and proven, whatever their
    size: for 8-bit images it is the faster of the two, too.

    Args:
        images: shape (n, C, H, W) or (C, H, W); integers for an exact rank.
        kernel_size: as in `patch_matrix`.
        method: "svd" or "exact".
        **settings: how it slides, see `WindowSettings`.

    Returns:
        Rank, columns, deficiency and singular-value gap.

    Raises:
        TypeError: images that are not a real array, or a setting of the wrong type; an exact rank of images that are
            not integers.
        ValueError: images that are empty, not finite or of the wrong rank, or settings that do not fit them; an unknown
            method.
        UndecidedRankError: (a ValueError) the gap at the cut is too small to decide, naming both singular values.

    Example:
        >>> import numpy as np
        >>> stripes = np.tile([0, 1], (8, 4))[None]
        >>> patch_rank(stripes, 3, method="exact").rank, patch_rank(stripes, 3, padding_mode="circular").rank
        (9, 2)

    Source: Zhang et al. 2020, Theorem 2; the exact rank is ours, see `numerics.exact_rank`.
    """
    if method not in METHODS:
        raise ValueError(f"method must be 'svd' or 'exact', got {method!r}")
    images = image_array("images", images)
    if method == "exact":
        if not is_integer(images):
            raise TypeError(
                f"method='exact' needs images of integers, got dtype {images.dtype}: "
                "give the 8-bit pixels themselves, or use method='svd'"
            )
        window = Window.of(kernel_size, **settings)
        rank = exact_rank(to_numpy(images), window)
        return PatchRank(rank, images.shape[-3] * window.taps, float("inf"), "exact")
    matrix = patch_matrix(images, kernel_size, **settings)
    space = decomposed(as_float64(matrix))
    space.require_decided()
    rank = int(space.rank)
    above, below = cut(to_numpy(space.singular_values), rank)
    floor = max(below, float(space.noise))
    return PatchRank(rank, matrix.shape[1], above / floor if floor else float("inf"), "svd")
