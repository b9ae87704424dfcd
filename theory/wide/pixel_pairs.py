"""Pairs of pixels (p, p') of two images, and the mean of a field over the pairs (p + d, p' + d) that a kernel sees.

All such pairs have one offset p' − p. With zeros around the images, the pairs of one vertical offset are a world of
their own: a `Strip` of rows y, y' = y + δ, small enough for a processor's cache, in which the whole recursion runs.
Other padding modes fold rows back onto others, so their pairs are treated together, in `AllPairs`.

The mean is a box filter, one axis after the other, each by doubling: sums of 1, 2, 4, … neighbours. A running sum would
be cheaper still for large kernels, but leaves crumbs of rounding where exact zeros belong.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from numerics import Window


@dataclass(frozen=True)
class Pixels:
    """The pixels of a batch of images (n, H, W), and the patches around them."""

    window: Window

    def mean(self, field: np.ndarray) -> np.ndarray:
        """The mean over taps at each pixel; padding, where it is zeros, counts."""
        for axis in (0, 1):
            field = _gathered(field, self.window, ((axis, 1 + axis),))
        return field / self.window.taps


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

    def mean(self, field: np.ndarray, scale: float, alone: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
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
        tall, wide = self.kernel_size = kernel_size
        self.offset = offset
        self.start, self.stop = max(0, -offset), min(height, other_height - offset)
        self.rows, self.width, self.other_width = self.stop - self.start, width, other_width
        self.top, self.left = (tall - 1) // 2, (wide - 1) // 2
        self.roundings = tall + wide
        self._padded_shape = (self.rows + tall - 1, width + wide - 1, other_width + wide - 1)
        self._padded: dict[bool, np.ndarray] = {}

    def first(self, field: np.ndarray) -> np.ndarray:
        """(b, H, W) as (b, rows, W, 1)."""
        return field[:, self.start : self.stop, :, None]

    def second(self, field: np.ndarray) -> np.ndarray:
        """(b, H', W') as (b, rows, 1, W')."""
        return field[:, self.start + self.offset : self.stop + self.offset, None, :]

    def mean(self, field: np.ndarray, scale: float, alone: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
        """See `Pairs.mean`."""
        tall, wide = self.kernel_size
        scale /= tall * wide
        if tall == wide == 1:
            return field * scale
        padded = self._pad(field, alone)
        across, down = padded.shape[2:]
        # Images lie one after the other in memory, so that steps along an axis, and along the diagonal (x + 1, x' + 1),
        # are steps along it; what they bring over an image's edge is not read.
        plane, diagonal = across * down, down + 1
        sums = _window_sum(padded.reshape(-1), tall, plane)
        sums = _window_sum(sums, wide, diagonal)
        item = padded.itemsize
        strides = (padded.strides[0], plane * item, down * item, item)
        return np.ndarray(field.shape, field.dtype, sums, strides=strides) * scale

    def place(self, kernel: np.ndarray, values: np.ndarray) -> None:
        """Put one image pair's values into a kernel (H, W, H', W')."""
        rows = np.arange(self.start, self.stop)
        kernel[rows, :, rows + self.offset, :] = values

    def _pad(self, field: np.ndarray, alone: tuple[np.ndarray, np.ndarray] | None) -> np.ndarray:
        """The field with what the taps see around it. Frames are kept, so that zeros stay zeros from layer to layer."""
        framed = alone is not None
        padded = self._padded.get(framed)
        if padded is None or len(padded) != len(field):
            padded = self._padded[framed] = np.zeros((len(field), *self._padded_shape))
        inside, inside_other = slice(self.left, self.left + self.width), slice(self.left, self.left + self.other_width)
        core = padded[:, self.top : self.top + self.rows]
        core[:, :, inside, inside_other] = field
        if alone is not None:
            first, second = alone
            for outside in (slice(0, self.left), slice(self.left + self.other_width, None)):
                core[:, :, inside, outside] = self.first(first)
            for outside in (slice(0, self.left), slice(self.left + self.width, None)):
                core[:, :, outside, inside_other] = self.second(second)
            # Above and below, at most one row of two lies inside its image.
            shift = self.top - self.start
            for begin, end in ((-shift, self.start), (self.stop, padded.shape[1] - shift)):
                low, high = max(begin, 0), max(min(end, first.shape[1]), 0)
                padded[:, low + shift : high + shift, inside, :] = first[:, low:high, :, None]
                shift_other = shift - self.offset
                low, high = max(begin + self.offset, 0), max(min(end + self.offset, second.shape[1]), 0)
                padded[:, low + shift_other : high + shift_other, :, inside_other] = second[:, low:high, None, :]
        return padded


def _window_sum(values: np.ndarray, taps: int, step: int) -> np.ndarray:
    """Σ_t values[i + t · step] for all i where it exists, from sums over 1, 2, 4, … taps."""
    length = len(values) - (taps - 1) * step
    total, offset, power, sums = None, 0, 1, values
    while True:
        if taps & power:
            piece = sums[offset * step : offset * step + length]
            total = piece if total is None else total + piece
            offset += power
        if 2 * power > taps:
            return np.asarray(total)
        sums = sums[: -power * step] + sums[power * step :]
        power *= 2
