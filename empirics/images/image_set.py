"""A set of images, with what is known about them."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image

from empirics.arguments import integer_pair


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images, with what is known about them.

    Attributes:
        pixels: bytes, (n, C, H, W).
        labels: class numbers, (n,), or None.
        names: what each image shows, or None.
        source: where they come from, under which licence, and what was done to them.
    """

    pixels: UInt8[np.ndarray, "n channels height width"]
    labels: Int[np.ndarray, " n"] | None
    names: tuple[str, ...] | None
    source: str

    def __len__(self) -> int:
        return len(self.pixels)

    def as_float(self) -> Float[np.ndarray, "n channels height width"]:
        """The pixels as float64 in [0, 1], each divided by 255."""
        return self.pixels / 255.0

    def resize(self, size: int | tuple[int, int]) -> "ImageSet":
        """The images at another size, by Pillow's bilinear filter, which averages where it shrinks.

        Args:
            size: H = W, or (H, W).

        Raises:
            TypeError: a size that is not integers.
            ValueError: a size below 1.
        """
        height, width = integer_pair("size", size)
        if (height, width) == self.pixels.shape[2:]:
            return self
        planes = self.pixels.reshape(-1, *self.pixels.shape[2:])
        resized = [Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR) for plane in planes]
        pixels = np.stack([np.asarray(plane) for plane in resized]).reshape(*self.pixels.shape[:2], height, width)
        return replace(self, pixels=pixels, source=f"{self.source}; resized to {height}×{width}")

    def take(self, indices: Int[np.ndarray, " k"]) -> "ImageSet":
        """The images at some places, in that order."""
        return ImageSet(
            self.pixels[indices],
            None if self.labels is None else self.labels[indices],
            None if self.names is None else tuple(self.names[i] for i in indices),
            self.source,
        )
