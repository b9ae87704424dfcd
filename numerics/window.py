"""How a convolution's kernel slides over an image: the settings of `torch.nn.Conv2d`, checked and made plain."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypedDict, get_args

import numpy as np

from numerics.arguments import positive_int

MOST = 2**28  # taps of all windows along an axis: 2 GiB of indices, beyond any image
REMEMBERED = 2**14  # pixels times taps along an axis up to which what is seen is remembered: a few times 128 KiB

PaddingMode = Literal["zeros", "circular", "reflect", "replicate"]


class WindowSettings(TypedDict, total=False):
    """How a kernel slides, by the names and with the defaults of `torch.nn.Conv2d`, but for the padding.

    Attributes:
        stride: pixels between neighbouring windows, an integer or a pair; 1.
        padding: "same" (stride 1 only), "valid", or pixels on both sides, an integer or a pair; "same".
        padding_mode: "zeros", "circular", "reflect" or "replicate"; "zeros".
        dilation: pixels between neighbouring taps, an integer or a pair; 1.
    """

    stride: Any
    padding: Any
    padding_mode: str
    dilation: Any


@dataclass(frozen=True)
class Window:
    """A sliding window over the two axes of an image.

    Attributes:
        kernel_size: taps along (height, width).
        stride: pixels between neighbouring windows, (height, width).
        padding: pixels added ((top, bottom), (left, right)).
        padding_mode: what the added pixels hold: "zeros", "circular", "reflect" or "replicate".
        dilation: pixels between neighbouring taps, (height, width).
    """

    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    padding_mode: str
    dilation: tuple[int, int]

    @classmethod
    def of(
        cls,
        kernel_size: Any,
        *,
        stride: Any = 1,
        padding: Any = "same",
        padding_mode: str = "zeros",
        dilation: Any = 1,
    ) -> "Window":
        """Build a window from the arguments of `torch.nn.Conv2d`.

        Raises:
            TypeError: a setting of the wrong type.
            ValueError: a setting out of range, or padding="same" with a stride (as in torch).
        """
        kernel = _pair("kernel_size", kernel_size, least=1)
        steps = _pair("stride", stride, least=1)
        gaps = _pair("dilation", dilation, least=1)
        if padding_mode not in get_args(PaddingMode):
            raise ValueError(f"padding_mode must be one of {', '.join(get_args(PaddingMode))}, got {padding_mode!r}")
        if padding == "same":
            if steps != (1, 1):
                raise ValueError(f"padding='same' needs stride 1, got stride {stride}; give padding as integers")
            # torch puts the odd pixel of an even kernel after the image
            reach = [gap * (taps - 1) for gap, taps in zip(gaps, kernel, strict=True)]
            pads = [(total // 2, total - total // 2) for total in reach]
        elif padding == "valid":
            pads = [(0, 0), (0, 0)]
        elif isinstance(padding, str):
            raise ValueError(f"padding must be 'same', 'valid' or integers, got {padding!r}")
        else:
            pads = [(pad, pad) for pad in _pair("padding", padding, least=0)]
        return cls(kernel, steps, (pads[0], pads[1]), padding_mode, gaps)

    @property
    def taps(self) -> int:
        """The number of taps, k_h · k_w."""
        return self.kernel_size[0] * self.kernel_size[1]

    @property
    def centre(self) -> tuple[int, int]:
        """The kernel's central tap, (k − 1) // 2 along each axis."""
        return (self.kernel_size[0] - 1) // 2, (self.kernel_size[1] - 1) // 2

    @property
    def centre_offset(self) -> tuple[int, int]:
        """The pixel, relative to an output pixel's own position, that the central tap of its window sees."""
        first, second = (self.dilation[axis] * self.centre[axis] - self.padding[axis][0] for axis in (0, 1))
        return first, second

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """The number of windows along (height, width) in an image of that size.

        Raises:
            ValueError: the kernel is larger than the padded image, or the padding mode cannot fill the padding.
        """
        return len(self.sources(0, height)), len(self.sources(1, width))

    def sources(self, axis: int, size: int) -> np.ndarray:
        """The pixel that each tap of each window sees along an axis; `size` stands for a zero.

        Returns:
            Integers, shape (windows, taps).

        Raises:
            ValueError: the kernel spans more pixels than there are, or the padding mode cannot fill so many.
        """
        return _sources(self, axis, size) if size * self.kernel_size[axis] <= REMEMBERED else self._sources(axis, size)

    def _sources(self, axis: int, size: int) -> np.ndarray:
        name = ("height", "width")[axis]
        taps, stride, dilation = self.kernel_size[axis], self.stride[axis], self.dilation[axis]
        before, after = self.padding[axis]
        reach = dilation * (taps - 1) + 1
        if reach > size + before + after:
            raise ValueError(
                f"kernel_size spans {reach} pixels of {name}, "
                f"more than the image's {size} with padding {before} + {after}"
            )
        most = {"zeros": None, "replicate": None, "circular": size, "reflect": size - 1}[self.padding_mode]
        if most is not None and max(before, after) > most:
            raise ValueError(
                f"padding_mode={self.padding_mode!r} can add at most {most} pixels to a {name} of {size}, "
                f"got padding {before} + {after}"
            )
        windows = (size + before + after - reach) // stride + 1
        if windows * taps > MOST:
            raise ValueError(
                f"kernel_size and padding must leave at most {MOST:,} taps of windows along a {name}, "
                f"got {windows:,} windows of {taps:,}"
            )
        return self._pixels(axis, size, np.arange(windows)[:, None] * stride + np.arange(taps)[None, :] * dilation)

    def padded(self, axis: int, size: int) -> np.ndarray:
        """The pixel that stands at each place of the padded image along an axis; `size` stands for a zero."""
        return _padded(self, axis, size) if size <= REMEMBERED else self._padded(axis, size)

    def _padded(self, axis: int, size: int) -> np.ndarray:
        return self._pixels(axis, size, np.arange(size + sum(self.padding[axis])))

    def _pixels(self, axis: int, size: int, place: np.ndarray) -> np.ndarray:
        """The pixels at places that are counted from the first one of the padding."""
        pixel = place - self.padding[axis][0]
        match self.padding_mode:
            case "circular":
                return pixel % size
            case "reflect":
                return (size - 1) - np.abs((size - 1) - np.abs(pixel))
            case "replicate":
                return np.clip(pixel, 0, size - 1)
            case _:
                return np.where((pixel < 0) | (pixel >= size), size, pixel)


# What is remembered is handed to many, who index with it and write nothing to it. (Torch warns of read-only arrays.)
@lru_cache(maxsize=64)
def _sources(window: Window, axis: int, size: int) -> np.ndarray:
    return window._sources(axis, size)


@lru_cache(maxsize=64)
def _padded(window: Window, axis: int, size: int) -> np.ndarray:
    return window._padded(axis, size)


def _pair(name: str, value: Any, *, least: int) -> tuple[int, int]:
    if isinstance(value, str | Set | Mapping) or not hasattr(value, "__len__") or getattr(value, "ndim", 1) == 0:
        number = positive_int(name, value, least=least)
        return number, number
    if len(value) != 2:
        raise ValueError(f"{name} must be an integer or a pair (height, width), got {value!r}")
    return positive_int(name, value[0], least=least), positive_int(name, value[1], least=least)
