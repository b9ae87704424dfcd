"""The test problems, written once: random images, windows, and training settings."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

seeds = st.integers(0, 2**32 - 1)
padding_modes = st.sampled_from(["zeros", "circular", "reflect", "replicate"])


@dataclass(frozen=True)
class WindowCase:
    """A window, and images that it fits."""

    images: np.ndarray
    kernel: tuple[int, int]
    settings: dict[str, Any]


def random_images(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Pixels in [0, 1], float64."""
    return np.random.default_rng(seed).random(shape)


@st.composite
def windows(draw: st.DrawFn, *, max_size: int = 7, max_images: int = 2, max_channels: int = 2) -> WindowCase:
    """Any kernel, stride, dilation, padding and padding mode, with small images."""
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
    images = random_images(draw(seeds), shape)
    return WindowCase(
        images, kernel, {"stride": stride, "padding": padding, "padding_mode": mode, "dilation": dilation}
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
