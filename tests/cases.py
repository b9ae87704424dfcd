"""The test problems, written once: images that hypothesis can shrink, windows, and training settings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

SCALES = range(-30, 31)  # powers of two: from a billionth to a billion, exactly
seeds = st.integers(0, 2**32 - 1)
padding_modes = st.sampled_from(["zeros", "circular", "reflect", "replicate"])


@dataclass(frozen=True)
class WindowCase:
    """A window, and images that it fits."""

    images: np.ndarray
    kernel: tuple[int, int]
    settings: dict[str, Any]


def random_images(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Pixels in [0, 1], float64: for a test that needs a generic image, and needs no other."""
    return np.random.default_rng(seed).random(shape)


pixels = st.floats(0, 1, allow_subnormal=False, width=32)
either_sign = st.floats(-1, 1, allow_subnormal=False, width=32)
KINDS = ("free", "constant", "sparse", "two values", "equal rows", "rank one", "nearly dependent rows")


@st.composite
def plain_images(draw: st.DrawFn, shape: tuple[int, ...], *, values: st.SearchStrategy[float] = pixels) -> np.ndarray:
    """Arrays of a shape, float64 in [−1, 1], every number drawn: a failure shrinks to few plain ones.

    Beside free pixels the structured kinds on which rank and ties go wrong.

    Args:
        draw: hypothesis' own.
        shape: at least one axis, none of length 0.
        values: what the numbers are drawn from: `pixels` in [0, 1], `either_sign` in [−1, 1].
    """
    kind = draw(st.sampled_from(KINDS))
    if kind == "free":
        return draw(arrays(np.float64, shape, elements=values))
    if kind == "constant":
        return np.full(shape, draw(values))
    if kind == "sparse":
        return draw(arrays(np.float64, shape, elements=values, fill=st.just(0.0)))
    if kind == "two values":
        return draw(arrays(np.bool_, shape)).astype(np.float64)
    row = draw(arrays(np.float64, shape[-1], elements=values))
    if kind == "rank one":
        heights = draw(arrays(np.float64, shape[:-1], elements=values)) if len(shape) > 1 else draw(values)
        return np.multiply.outer(heights, row)
    equal = np.broadcast_to(row, shape).copy()
    if kind == "equal rows":
        return equal
    return (equal + 2.0 ** -draw(st.integers(1, 20)) * draw(arrays(np.float64, shape, elements=values))) / 2


@st.composite
def images(draw: st.DrawFn, shape: tuple[int, ...], *, values: st.SearchStrategy[float] = pixels) -> np.ndarray:
    """`plain_images`, or integers from 0 to 255, at any scale from 2⁻³⁰ to 2³⁰."""
    levels = arrays(np.int64, shape, elements=st.integers(0, 255)).map(lambda whole: whole.astype(np.float64))
    found = draw(st.one_of(plain_images(shape, values=values), levels))
    return found * 2.0 ** draw(st.one_of(st.just(0), st.sampled_from(SCALES)))


@st.composite
def windows(
    draw: st.DrawFn,
    *,
    max_size: int = 7,
    max_images: int = 2,
    max_channels: int = 2,
    kind: Callable[[tuple[int, ...]], st.SearchStrategy[np.ndarray]] = images,
) -> WindowCase:
    """Any kernel, stride, dilation, padding and padding mode, with small images of a kind."""
    mode = draw(padding_modes)
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    padding = draw(st.one_of(st.sampled_from(["same", "valid"]), st.tuples(st.integers(0, 2), st.integers(0, 2))))
    stride = (1, 1) if padding == "same" else draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    # Padding by wrapping or reflecting takes an image larger than the padding; a kernel, one at least as large.
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    least = [max(3, r) for r in reach]
    height, width = (draw(st.integers(size, max(size, max_size))) for size in least)
    shape = (draw(st.integers(1, max_images)), draw(st.integers(1, max_channels)), height, width)
    return WindowCase(
        draw(kind(shape)), kernel, {"stride": stride, "padding": padding, "padding_mode": mode, "dilation": dilation}
    )


@dataclass(frozen=True)
class Descent:
    """Settings of gradient descent, the learning rate as a fraction of the largest stable one."""

    fraction: float
    momentum: float
    milestones: tuple[int, ...]
    gamma: float


@st.composite
def descents(draw: st.DrawFn, *, steps: int) -> Descent:
    """Plain and heavy-ball descent, with and without step decay, from slow to nearly unstable."""
    return Descent(
        fraction=draw(st.floats(0.01, 0.99)),
        momentum=draw(st.one_of(st.just(0.0), st.sampled_from([0.5, 0.9]), st.floats(0.0, 0.95))),
        milestones=tuple(sorted(draw(st.lists(st.integers(0, steps), max_size=3)))),
        gamma=draw(st.sampled_from([0.2, 0.5, 1.0])),
    )
