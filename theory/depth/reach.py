"""How far a network sees, and how deep it must be to be the constant function."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Num

from numerics.arguments import ONE_IMAGE, boolean, image_array, positive_int, real_array
from numerics.window import Window
from theory.depth.classes import check_skips, classes_by_layer, plain

Sides = tuple[tuple[int, int], tuple[int, int]]  # ((above, below), (left, right))


@dataclass(frozen=True)
class Reach:
    """How far from an output pixel a stack of convolutions sees, in pixels, ((above, below), (left, right)).

    Attributes:
        pixels: how far it sees what an image holds; beyond a border it sees black.
        border: how far it sees where the border is.
    """

    pixels: Sides
    border: Sides


def reach(depth: int, kernel_size: Any, *, dilation: Any = 1) -> Reach:
    """Tell how far a stack of `depth` convolutions sees, padded with zeros to the same size.

    With an odd kernel of k = 2r + 1 taps it sees pixels up to L r away, and the border up to (L − 1) r away: the
    zeros that the first layer is padded with look like black pixels, those of later layers do not. An even kernel
    sees a pixel further below and on the right, as torch pads it.

    Args:
        depth: L, number of convolutions.
        kernel_size: k or (k_h, k_w), of every layer.
        dilation: as in `torch.nn.Conv2d`, an integer or a pair. With one above 1 not all pixels in reach are seen.

    Returns:
        The reach, in pixels.

    Raises:
        TypeError: a setting of the wrong type.
        ValueError: a setting below 1.

    Example:
        >>> reach(8, kernel_size=5).border
        ((14, 14), (14, 14))

    Source: ours, theorem 3 of `theory.depth.classes`.
    """
    depth = positive_int("depth", depth)
    (above, below), (left, right) = Window.of(kernel_size, dilation=dilation).padding

    def times(layers: int) -> Sides:
        return (above * layers, below * layers), (left * layers, right * layers)

    return Reach(times(depth), times(depth - 1))


def least_depth(
    x_hat: Num[Any, "channels height width"],
    kernel_size: Any,
    *,
    padding_mode: str = "zeros",
    dilation: Any = 1,
    bias: bool = True,
    skips: bool = False,
) -> int | None:
    """Return the least number of convolutions that can be the constant function, which answers every image with x̂.

    **Theorem.** A stack of L convolutions can answer all images with x̂ only if x̂ has one value on each class of
    pixels (`pixel_classes`) of the black image. If L ≥ 3, the kernel has no gaps and padding is with zeros, this
    suffices: some network of ReLU units with biases is that constant function. (Whatever L, kernel and padding, it
    suffices where a ReLU and a 1×1 convolution may follow, which see nothing more.)

    *Proof.* Necessary: pixels of one class have one answer. Sufficient: give the first layer weights that are 0 and
    biases that are 1. Then the network computes as on the black image, and its layer L − 1 can be the indicators of
    that image's classes (`theory.depth.classes`, theorem 2), as could layer L with a ReLU, of which a 1×1 convolution
    makes x̂. Without, answers are a bias and sums over taps δ of any functions h_δ of the class that δ sees,
    h_δ(nothing) = 0. Let the taps along an axis be −a, …, b. Along it layer l knows the place i of a pixel if i < a
    (l − 1), from the border before it, or likewise from the border after it; all other places, the middle, it takes
    for one. A class is a class along each axis, and a product of such sums along the two axes is such a sum; so it
    suffices that along one axis the indicator of each class of layer L is one: of a place i < a (L − 2), by the tap
    at 0; of one with a (L − 2) ≤ i < a (L − 1), by the tap at −a, which sees the place i − a ≥ 0 that layer L − 1
    knows, as L ≥ 3; likewise at the other border; and of the middle as 1, by the tap at 0, minus all these. ∎

    On a black image only the border tells pixels apart. For an s×s image, padding with zeros and an odd kernel of 2r
    + 1 taps, L layers know their place everywhere iff (L − 1) r ≥ (s − 1)/2; with less there is a middle that must be
    flat. With any other padding a black image looks the same from everywhere, at every depth, and without biases it
    is answered with black: then only a flat, or black, x̂ can be answered always.

    Args:
        x_hat: shape (C, H, W), integers or floats.
        kernel_size: k or (k_h, k_w), of every layer, padded to the same size.
        padding_mode: "zeros", "circular", "reflect" or "replicate".
        dilation: as in `torch.nn.Conv2d`, an integer or a pair.
        bias: whether layers may have biases, or an activation that is not 0 at 0.
        skips: whether layers' outputs may be added to later ones', pixel by pixel.

    Returns:
        The least depth; None where no depth suffices.

    Raises:
        TypeError: `x_hat` is not a real array, or a setting has the wrong type.
        ValueError: `x_hat` is empty, not finite or of the wrong rank, or the settings do not fit it.

    Warns:
        UserWarning: `x_hat` looks like a picture with its channels last.

    Example:
        >>> import numpy as np
        >>> least_depth(np.arange(28 * 28).reshape(1, 28, 28), kernel_size=5)
        8

    Source: ours; "grow the pattern from the image's borders" is an observation of Zhang et al. 2020, section 4.2.
    """
    target = plain(image_array("x_hat", real_array("x_hat", x_hat, ONE_IMAGE)))
    window = Window.of(kernel_size, padding_mode=padding_mode, dilation=dilation)
    bias, skips = boolean("bias", bias), boolean("skips", skips)
    check_skips(skips, window, target)
    values = target[0]
    if not bias:  # black is answered with black, and no other image need be
        return None if values.any() else 1
    layers = list(_first_of_class(values.shape[1:], window, skips))
    # More layers tell more pixels of a black image apart, never fewer.
    depth = bisect_left(layers, True, key=lambda first: bool((values == values[:, *first]).all()))
    return depth + 1 if depth < len(layers) else None


def _first_of_class(shape: tuple[int, int], window: Window, skips: bool) -> Iterator[tuple[np.ndarray, ...]]:
    """Row and column of the first pixel of each pixel's class in a black image, for 1, 2, … layers."""
    if any(window.padding[axis][0] % window.dilation[axis] for axis in (0, 1)):  # no tap sees the pixel itself
        for (names,) in classes_by_layer([np.zeros((1, 1, *shape))], window, bias=True, skips=skips):
            _, first, inverse = np.unique(names, return_index=True, return_inverse=True)
            yield np.divmod(first[inverse].reshape(shape), shape[1])
        return
    # Where one does, a class is a class along each axis: what is outside along one axis says nothing of the other.
    rows, columns = (_along(axis, shape[axis], window, skips) for axis in (0, 1))
    for layer in range(max(len(rows), len(columns))):
        yield np.ix_(rows[min(layer, len(rows) - 1)], columns[min(layer, len(columns) - 1)])


def _along(axis: int, side: int, window: Window, skips: bool) -> list[np.ndarray]:
    """Of a black line along an axis: the first pixel of each pixel's class, for 1, 2, … layers."""

    def only(setting: tuple[int, int]) -> tuple[int, int]:
        return (setting[0], 1) if axis == 0 else (1, setting[1])

    line = Window.of(only(window.kernel_size), padding_mode=window.padding_mode, dilation=only(window.dilation))
    found = []
    for (names,) in classes_by_layer([np.zeros((1, 1, *only((side, side))))], line, bias=True, skips=skips):
        _, first, inverse = np.unique(names, return_index=True, return_inverse=True)
        found.append(first[inverse.ravel()])
    return found
