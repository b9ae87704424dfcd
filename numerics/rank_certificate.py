"""What the support of an image proves about the rank of its patch matrix, whatever the values of its pixels.

Let D be the patch matrix of a single-channel image x, extended by its padding, and S its support: the places where x is
not zero. The tap t = (a, b) of the window at p = (i, j) sees the place s p + d t (with stride s, dilation d, and places
counted from the corner of the padding), so that D[p, t] = x[s p + d t].

**Theorem.** Let v be a vertex of the convex hull of S, and T the set of taps that see v from some window. Then
rank D ≥ |T|. In particular D has full column rank if every tap sees v.

*Proof.* v is the only maximum over S of some linear functional ℓ, and of all functionals near ℓ, among them one that
takes distinct values at distinct taps. For t in T let p(t) be the window from which t sees v: s p(t) + d t = v. In rows
p(t′) and columns t, both in the order of ℓ, D has the square submatrix

    M[t′, t] = x[s p(t′) + d t] = x[v + d (t − t′)].

On its diagonal stands x[v] ≠ 0. Where ℓ(t) > ℓ(t′), the place v + d (t − t′) is beyond the maximum of ℓ over S, so that
the entry is zero: M is triangular, and det M = x[v]^|T| ≠ 0. ∎

Seen as polynomials, the patch matrix multiplies by x, and x[v] is its leading coefficient in the monomial order of ℓ.

**Margins.** Without stride, tap t sees v from the window at v − d t, if there is one: every tap sees v if and only if
d (k − 1) ≤ v ≤ (places) − 1 − d (k − 1) along both axes. For padding with zeros to the same size, in pixels of the
image: above v there are at least ⌈d (k − 1)/2⌉ pixels and below at least ⌊d (k − 1)/2⌋, and as many to the left and to
the right: (k − 1)/2 on all sides for an odd kernel; k/2 above and k/2 − 1 below for an even one. An image that is zero
on margins that wide, and not zero everywhere, has full column rank: every tap sees each of its vertices. (Then all of
the product of the two polynomials is seen, and polynomial rings have no zero divisors.)

Two equal channels are linearly dependent, so that nothing of this holds for more than one channel.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Unpack

import numpy as np
from jaxtyping import Bool, Num

from numerics.arguments import image_array
from numerics.patches import patches
from numerics.row_space import to_numpy
from numerics.window import Window, WindowSettings


@dataclass(frozen=True)
class SupportCertificate:
    """What the support of single-channel images proves about the rank of their patch matrix.

    Attributes:
        rank_at_least: a proven lower bound of the rank: the number of taps that see `vertex`.
        columns: k_h·k_w, the parameters of one output channel.
        vertex: (image, row, column) of the vertex that the most taps see; row and column may lie in the padding, where
            it is not of zeros; None if all images are zero.
        margins: whether, in some image that is not zero, every pixel that is not zero is seen by every tap.
    """

    rank_at_least: int
    columns: int
    vertex: tuple[int, int, int] | None
    margins: bool

    @property
    def full_rank(self) -> bool:
        """Whether the patch matrix is proven to have full column rank."""
        return self.rank_at_least == self.columns


def support_certificate(
    images: Num[Any, "*n 1 height width"],
    kernel_size: Any,
    **settings: Unpack[WindowSettings],
) -> SupportCertificate:
    """Return what the support of single-channel images proves about their patch rank: rank ≥ taps that see a vertex.

    Of several images the best certificate counts: a patch matrix has at least the rank of any image's rows.

    Args:
        images: shape (n, 1, H, W) or (1, H, W), integers or floats; only which pixels are zero matters.
        kernel_size: as in `patch_matrix`.
        **settings: how it slides, see `WindowSettings`.

    Returns:
        The certificate: the bound, the vertex that proves it, and whether margins of zeros would have done.

    Raises:
        TypeError: images that are not a real array, or a setting of the wrong type.
        ValueError: images that are empty, not finite or of the wrong rank, or settings that do not fit them; more than
            one channel.

    Example:
        >>> import numpy as np
        >>> image = np.zeros((1, 9, 9))
        >>> image[0, 4, 4] = 1
        >>> support_certificate(image, 5).rank_at_least
        25

    Source: ours; proved in `numerics.rank_certificate` and by `derive("patch-rank-margin")`.
    """
    images = image_array("images", images)
    if images.shape[-3] != 1:
        raise ValueError(f"images must have one channel, got {images.shape[-3]}: equal channels would be dependent")
    window = Window.of(kernel_size, **settings)
    high, wide = window.output_size(*images.shape[-2:])
    padded = patches(to_numpy(images), Window((1, 1), (1, 1), window.padding, window.padding_mode, (1, 1)))[
        ..., 0, 0, 0
    ]
    down, across = _seen_by(0, high, window, padded.shape[1]), _seen_by(1, wide, window, padded.shape[2])
    best, vertex, margins = 0, None, False
    for number, support in enumerate(padded != 0):
        for row, column in hull_vertices(support):
            if down[row] * across[column] > best:
                best = int(down[row] * across[column])
                vertex = (number, row - window.padding[0][0], column - window.padding[1][0])
        rows, columns = np.nonzero(support)
        seen_by_all = down[rows] * across[columns] == window.taps
        margins = margins or bool(len(rows) and seen_by_all.all())
    return SupportCertificate(best, window.taps, vertex, margins)


def full_by_support(images: np.ndarray, window: Window, *, ones: bool = False) -> Bool[np.ndarray, "n"]:
    """Which images' own patch matrices have full column rank by the theorem, told from a few vertices; False: not told.

    The vertices looked at are the ends of the uppermost, lowest, leftmost and rightmost lines of pixels that are not
    zero: those of many images together, in the time that it takes to look at every pixel once.

    Args:
        images: checked, shape (n, C, H, W), in NumPy; or only which of their pixels are not zero.
        window: what slides over them.
        ones: whether the matrix has a further column of ones. It is independent of the others where some window sees
            zeros alone; the windows at the four corners are looked at.
    """
    proved = np.zeros(len(images), dtype=bool)
    if images.shape[1] != 1 or window.padding_mode != "zeros":  # other paddings hold pixels of the image
        return proved
    sees_all = []  # of each row and column of pixels: whether every tap sees it
    for axis, size in enumerate(images.shape[2:]):
        places = len(window.padded(axis, size))
        before = window.padding[axis][0]
        seen = _seen_by(axis, window.output_size(*images.shape[2:])[axis], window, places)
        sees_all.append(seen[before : before + size] == window.kernel_size[axis])
    support = images[:, 0] != 0
    each = np.arange(len(images))
    for one, other, lit in ((sees_all[0], sees_all[1], support), (sees_all[1], sees_all[0], support.swapaxes(1, 2))):
        lines = lit.any(axis=2)
        for line in (lines.argmax(axis=1), lines.shape[1] - 1 - lines[:, ::-1].argmax(axis=1)):
            ends = lit[each, line]
            for end in (ends.argmax(axis=1), ends.shape[1] - 1 - ends[:, ::-1].argmax(axis=1)):
                proved |= one[line] & other[end] & ends[each, end]
    return proved & _sees_zeros(support, window) if ones else proved


def _sees_zeros(support: np.ndarray, window: Window) -> np.ndarray:
    """Of which images a window at a corner sees no pixel that is not zero."""
    ends = []  # along each axis, the pixels up to where the first window reaches, and those from where the last begins
    for axis, size in enumerate(support.shape[1:]):
        before, step = window.padding[axis][0], window.stride[axis]
        reach = window.dilation[axis] * (window.kernel_size[axis] - 1) + 1
        last = step * (window.output_size(*support.shape[1:])[axis] - 1)
        ends.append([slice(0, max(0, reach - before)), slice(max(0, last - before), size)])
    corners = [support[:, rows, columns] for rows in ends[0] for columns in ends[1]]
    return np.any([~corner.any(axis=(1, 2)) for corner in corners], axis=0)


@lru_cache(maxsize=64)
def _seen_by(axis: int, windows: int, window: Window, places: int) -> np.ndarray:
    """How many taps along an axis see each place of the padded image from some window."""
    starts = np.arange(windows) * window.stride[axis]
    seen = np.zeros(places, dtype=np.int64)
    for tap in range(window.kernel_size[axis]):
        seen[starts + tap * window.dilation[axis]] += 1
    return seen


def hull_vertices(support: np.ndarray) -> Iterator[tuple[int, int]]:
    """The vertices (row, column) of the convex hull of the true entries of a Boolean matrix, in integers."""
    rows = np.flatnonzero(support.any(axis=1))
    if len(rows) == 0:
        return
    first = support[rows].argmax(axis=1)
    last = support.shape[1] - 1 - support[rows, ::-1].argmax(axis=1)
    left, right = (list(zip(rows.tolist(), ends.tolist(), strict=True)) for ends in (first, last))
    yield from dict.fromkeys([*_chain(left, 1), *_chain(right, -1)])


def _chain(points: list[tuple[int, int]], side: int) -> list[tuple[int, int]]:
    """The corners of one side of the hull of points in ascending rows, one a row (Andrew's monotone chain)."""
    chain: list[tuple[int, int]] = []
    for row, column in points:
        while len(chain) >= 2:
            (r0, c0), (r1, c1) = chain[-2:]
            if side * ((r1 - r0) * (column - c0) - (c1 - c0) * (row - r0)) > 0:
                break
            chain.pop()
        chain.append((row, column))
    return chain
