"""Pairs of pixels (p, p') of two images, and the mean of a field over the pairs (p + d, p' + d) that a kernel sees.

All such pairs have one offset p' − p. With zeros around the images, the pairs of one vertical offset are a world of
their own: a `Strip` of rows y, y' = y + δ, small enough for a processor's cache, in which the whole recursion runs.
Other padding modes fold rows back onto others, so their pairs are treated together, in `AllPairs`.

The mean is a box filter, one axis after the other, each by doubling: sums of 1, 2, 4, … neighbours. A running sum would
be cheaper still for large kernels, but leaves crumbs of rounding where exact zeros belong.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from numerics import Window


class Margin(NamedTuple):
    """What pairs of pixels take the value of when one of them lies in the padding: a field over the other's pixels.

    Attributes:
        pixels: (n, H, W).
        column_sums: summed over a kernel's taps along the columns.
    """

    pixels: np.ndarray
    column_sums: np.ndarray


@dataclass(frozen=True)
class Pixels:
    """The pixels of a batch of images (n, H, W), and the patches around them."""

    window: Window

    def margin(self, field: np.ndarray) -> Margin:
        """The field, and its sums over the taps along a column; padding, where it is zeros, counts."""
        return Margin(field, _gathered(field, self.window, ((0, 1),)))

    def mean(self, margin: Margin) -> np.ndarray:
        """The mean over taps at each pixel."""
        return _gathered(margin.column_sums, self.window, ((1, 2),)) / self.window.taps


@dataclass(frozen=True)
class AllPairs:
    """All pairs of pixels, fields of shape (b, H, W, H', W'), for padding modes that fill with pixels of the image."""

    window: Window
    roundings: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "roundings", sum(self.window.kernel_size))

    def first(self, field: np.ndarray) -> np.ndarray:
        """(b, H, W) as (b, H, W, 1, 1)."""
        return field[:, :, :, None, None]

    def second(self, field: np.ndarray) -> np.ndarray:
        """(b, H', W') as (b, 1, 1, H', W')."""
        return field[:, None, None]

    def mean(self, field: np.ndarray, scale: float, alone: Any = None) -> np.ndarray:
        """See `Pairs.mean`; no pair has one pixel in the padding only, as the padding holds pixels."""
        for axis in (0, 1):
            field = _gathered(field, self.window, ((axis, 1 + axis), (axis, 3 + axis)))
        return field * (scale / self.window.taps)

    def place(self, kernel: np.ndarray, values: np.ndarray) -> None:
        """Put one image pair's values into a kernel (H, W, H', W')."""
        kernel[...] = values


def _gathered(field: np.ndarray, window: Window, axes: tuple[tuple[int, int], ...]) -> np.ndarray:
    """The sum over the taps along one axis of the image; `axes` pairs it with the field's axes that move together."""
    sources = []
    for image_axis, axis in axes:
        size = field.shape[axis]
        seen = window.sources(image_axis, size)
        if np.any(seen == size):  # zeros: one more pixel, black
            field = np.concatenate([field, np.zeros_like(field.take([0], axis))], axis)
        sources.append((axis, seen))
    total: Any = 0.0
    for tap in range(window.kernel_size[axes[0][0]]):
        moved = field
        for axis, seen in sources:
            moved = moved.take(seen[:, tap], axis)
        total = total + moved
    return np.asarray(total)


class Strip:
    """Pairs of pixels whose rows differ by δ = y' − y, fields of shape (b, rows, W, W'), with zeros around the images.

    Args:
        kernel_size: taps (height, width).
        offset: δ.
        sizes: (H, W) of the first images, and of the second.
    """

    def __init__(
        self, kernel_size: tuple[int, int], offset: int, sizes: tuple[tuple[int, int], tuple[int, int]]
    ) -> None:
        (height, width), (other_height, other_width) = sizes
        self.tall, self.wide = kernel_size
        self.offset, self.heights = offset, (height, other_height)
        self.start, self.stop = max(0, -offset), min(height, other_height - offset)
        self.rows, self.widths = self.stop - self.start, (width, other_width)
        self.top, self.left = (self.tall - 1) // 2, (self.wide - 1) // 2
        self.roundings = self.tall + self.wide
        self._sums: dict[bool, _BoxSum] = {}

    def first(self, field: np.ndarray) -> np.ndarray:
        """(b, H, W) as (b, rows, W, 1)."""
        return field[:, self.start : self.stop, :, None]

    def second(self, field: np.ndarray) -> np.ndarray:
        """(b, H', W') as (b, rows, 1, W')."""
        return field[:, self.start + self.offset : self.stop + self.offset, None, :]

    def place(self, kernel: np.ndarray, values: np.ndarray) -> None:
        """Put one image pair's values into a kernel (H, W, H', W')."""
        rows = np.arange(self.start, self.stop)
        kernel[rows, :, rows + self.offset, :] = values

    def mean(self, field: np.ndarray, scale: float, alone: tuple[Margin, Margin] | None = None) -> np.ndarray:
        """See `Pairs.mean`."""
        framed = alone is not None
        box = self._sums.get(framed)
        if box is None:
            box = self._sums[framed] = _BoxSum(field.shape, (self.tall, self.wide), (self.top, self.left))
        box.field[...] = field
        if alone is not None:
            self._frame_rows(box.framed, *alone)
            self._frame_columns(box.columns, *alone)
        return box.total(scale / (self.tall * self.wide))

    def _frame_rows(self, framed: np.ndarray, first: Margin, second: Margin) -> None:
        """The rows of which one of a pair lies in its image."""
        shift = self.top - self.start
        for begin, end in ((-shift, self.start), (self.stop, framed.shape[1] - shift)):
            low, high = max(begin, 0), min(end, self.heights[0])
            if low < high:
                framed[:, low + shift : high + shift] = first.pixels[:, low:high, :, None]
            low, high = max(begin + self.offset, 0), min(end + self.offset, self.heights[1])
            if low < high:
                rows = slice(low - self.offset + shift, high - self.offset + shift)
                framed[:, rows] = second.pixels[:, low:high, None, :]

    def _frame_columns(self, columns: np.ndarray, first: Margin, second: Margin) -> None:
        """The columns of which one of a pair lies in its image, summed over rows like the rest."""
        (width, other_width), left = self.widths, self.left
        inside, other_inside = slice(left, left + width), slice(left, left + other_width)
        alone, other_alone = self.first(first.column_sums), self.second(second.column_sums)
        if left:
            columns[:, :, inside, :left] = alone
            columns[:, :, :left, other_inside] = other_alone
        if self.wide > 1:
            columns[:, :, inside, left + other_width :] = alone
            columns[:, :, left + width :, other_inside] = other_alone


class _BoxSum:
    """Sums over a kernel's taps, down the rows and then along the diagonals of the columns, as a list of additions.

    All arrays but the result are there from the start: what is zero around a field stays zero from layer to layer.

    Attributes:
        framed: (b, rows + k_h − 1, W, W'), with what the taps see above and below.
        field: the rows in its middle, which are to be set.
        columns: (b, rows, W + k_w − 1, W' + k_w − 1), sums of it over rows, with what the taps see left and right.
    """

    def __init__(self, shape: tuple[int, ...], taps: tuple[int, int], before: tuple[int, int]) -> None:
        (batch, rows, width, other_width), (tall, wide), (top, left) = shape, taps, before
        across, down = width + wide - 1, other_width + wide - 1
        self._shape = shape
        self._additions: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

        self.framed = np.zeros((batch, rows + tall - 1, width, other_width))
        self.field = self.framed[:, top : top + rows]
        self.columns = np.zeros((batch, rows, across, down))
        core = self.columns[:, :, left : left + width, left : left + other_width]
        pieces = self._pieces(self.framed.reshape(batch, -1, width * other_width), tall, 1)
        views = [sums[:, begin : begin + rows].reshape(shape) for sums, begin in pieces]
        self._additions += [(views[0], views[1] if len(views) > 1 else np.zeros(()), core)]
        self._additions += [(core, view, core) for view in views[2:]]

        # In memory a step along the diagonal, (x + 1, x' + 1), is one of down + 1; what that brings over an image's
        # edge is not read.
        item = self.columns.itemsize
        strides = (rows * across * down * item, across * down * item, down * item, item)
        pieces = self._pieces(self.columns.reshape(1, -1), wide, down + 1)
        self._last = [np.ndarray(shape, float, sums, begin * item, strides) for sums, begin in pieces]

    def total(self, scale: float) -> np.ndarray:
        """A new array: the sums, times `scale`."""
        for one, other, out in self._additions:
            np.add(one, other, out=out)
        first, *others = self._last
        if not others:
            return first * scale
        result = np.add(first, others[0])
        for other in others[1:]:
            result += other
        result *= scale
        return result

    def _pieces(self, values: np.ndarray, taps: int, step: int) -> list[tuple[np.ndarray, int]]:
        """Arrays, and where in them to begin, that add up to Σ_t values[:, i + t · step]: sums over 1, 2, 4, … taps."""
        pieces, offset, power, sums = [], 0, 1, values
        while True:
            if taps & power:
                pieces.append((sums, offset * step))
                offset += power
            if 2 * power > taps:
                return pieces
            one, other = sums[:, : -power * step], sums[:, power * step :]
            sums = np.zeros(one.shape)
            self._additions.append((one, other, sums))
            power *= 2
