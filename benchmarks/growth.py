"""How time and memory grow with the size of the problem: fitted exponents beside expected ones."""

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import theory
from theory import wide

SECONDS = 0.2  # that a size is repeated for, at least once


@dataclass(frozen=True)
class Growth:
    """One kind of work at growing sizes.

    Attributes:
        name: what is done, and what grows.
        sizes: of what grows.
        work: from a size to what is timed.
        expected: the exponent that an operation count gives for large sizes, of time and of memory.
        why: that count, in words.
    """

    name: str
    sizes: tuple[int, ...]
    work: Callable[[int], Callable[[], Any]]
    expected: tuple[float, float]
    why: str


@dataclass(frozen=True)
class Measured:
    """Seconds and bytes at each size, and the exponents of the last half of them."""

    seconds: tuple[float, ...]
    peak: tuple[int, ...]
    exponents: tuple[float, float]


def _limit(*, side: int = 64, k: int = 5, channels: int = 1, n: int = 1) -> Callable[[], Any]:
    images = np.random.default_rng(0).random((n, channels, side, side))
    network = theory.Convolutional(channels, kernel_size=k)
    return lambda: theory.gradient_descent(network, images)


def _each(n: int) -> Callable[[], Any]:
    images = np.random.default_rng(0).random((n, 1, 28, 28))
    return lambda: theory.per_image(theory.Convolutional(1, kernel_size=5), images)


def _kernel(*, depth: int = 5, side: int = 12) -> Callable[[], Any]:
    image = np.random.default_rng(0).random((1, 1, side, side))
    return lambda: wide.Convolutional(depth, kernel_size=3, weight_variance=2.0).ntk(image)


GROWTHS = (
    Growth("limit, image side", (64, 128, 256, 512, 1024), lambda s: _limit(side=s), (2, 2), "pixels"),
    Growth("limit, kernel side", (5, 9, 17, 33), lambda k: _limit(k=k, side=128), (6, 4),
           "Cholesky of k² columns in the end; its matrix"),
    Growth("limit, channels", (1, 2, 4, 8, 16), lambda c: _limit(channels=c, side=64), (2, 2), "pairs of channels"),
    Growth("limit, images in one design", (1, 4, 16, 64, 256), lambda n: _limit(n=n, side=28), (1, 1), "images"),
    Growth("one limit an image, images", (16, 64, 256, 1024, 4096), _each, (1, 1), "images"),
    Growth("tangent kernel, image side", (8, 12, 16, 24, 32), lambda s: _kernel(side=s), (4, 4), "pairs of pixels"),
    Growth("tangent kernel, depth", (2, 4, 8, 16, 32), lambda d: _kernel(depth=d), (1, 0), "layers; one at a time"),
)  # fmt: skip


def measured(growth: Growth, sizes: tuple[int, ...] | None = None) -> Measured:
    """Time and trace one kind of work.

    Args:
        growth: which.
        sizes: in place of its own.
    """
    sizes = sizes or growth.sizes
    seconds, peak = [], []
    for size in sizes:
        work = growth.work(size)
        work()
        times: list[float] = []
        while not times or sum(times) < SECONDS:
            begun = time.perf_counter()
            work()
            times.append(time.perf_counter() - begun)
        seconds.append(float(np.median(times)))
        tracemalloc.start()
        work()
        peak.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return Measured(tuple(seconds), tuple(peak), (_exponent(sizes, seconds), _exponent(sizes, peak)))


def _exponent(sizes: tuple[int, ...], values: list[Any]) -> float:
    """The slope of log value against log size, over the larger half of the sizes."""
    half = len(sizes) // 2
    return float(np.polyfit(np.log(sizes[half:]), np.log(values[half:]), 1)[0])
