"""The rank of a patch matrix: what a one-layer convolution can learn from the images."""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Num

from numerics.patches import patch_matrix
from numerics.row_space import cut, row_space, to_numpy


@dataclass(frozen=True)
class PatchRank:
    """The rank of a patch matrix beside what it could be.

    Attributes:
        rank: dimension of the row space.
        columns: C·k_h·k_w, the parameters of one output channel.
        gap: smallest nonzero singular value over the largest dropped one (or over the rounding of singular values,
            where that is larger); inf for an exact rank.
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
    stride: Any = 1,
    padding: Any = "same",
    padding_mode: str = "zeros",
    dilation: Any = 1,
) -> PatchRank:
    """Return the rank of the images' patch matrix.

    Args:
        images: shape (n, C, H, W) or (C, H, W).
        kernel_size: as in `patch_matrix`, like stride, padding, padding_mode and dilation.
        method: "svd" counts singular values above their rounding error, of real images.
        stride: as in `patch_matrix`.
        padding: as in `patch_matrix`.
        padding_mode: as in `patch_matrix`.
        dilation: as in `patch_matrix`.

    Returns:
        Rank, columns, deficiency and singular-value gap.

    Raises:
        TypeError: as `patch_matrix`.
        ValueError: as `patch_matrix`; an unknown method.
        UndecidedRankError: (a ValueError) the gap at the cut is too small to decide, naming both singular values.

    Source: Zhang et al. 2020, Theorem 2.
    """
    matrix = patch_matrix(
        images, kernel_size, stride=stride, padding=padding, padding_mode=padding_mode, dilation=dilation
    )
    if method != "svd":
        raise ValueError(f"method must be 'svd', got {method!r}")
    space = row_space(matrix)
    space.require_decided()
    rank = int(space.rank)
    above, below = cut(to_numpy(space.singular_values), rank)
    floor = max(below, float(space.noise))
    return PatchRank(rank, matrix.shape[1], above / floor if floor else float("inf"), "svd")
