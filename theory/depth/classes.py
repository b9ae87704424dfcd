"""Who sees what: the pixels that no network of a given depth can tell apart.

The network is a stack of L convolutions of one window, with any activations between them and after them, any numbers
of channels, any weights and biases. Define classes of pixels layer by layer.

- Layer 0: two pixels of the input are in one class iff all their channels hold the same numbers.
- Layer l: two outputs are in one class iff their windows see the same classes of layer l − 1, tap for tap. A place of
  the zero padding sees *nothing*. For l = 1 nothing is in the class of a black pixel; for l > 1 it is in a class of
  its own, since a layer's outputs are nowhere known to be 0.

**Theorem 1.** Outputs of one class are equal, for any weights, biases, activations and numbers of channels.

*Proof.* By induction on l. A layer's output before the activation is b + Σ_δ W_δ h_δ, with h_δ what the tap δ sees:
the input's channels or the previous layer's outputs at a pixel, or 0 in the padding. In one class the h_δ agree, tap
for tap: for l = 1 by definition, for l > 1 by the induction's hypothesis. An activation is applied pixel by pixel. ∎

**Theorem 2** (the converse). Pixels of different classes get different outputs from some network of that depth:
one of ReLU units with biases whose last layer has a ReLU, too.

*Proof.* Let finitely many images be given. Choose u such that u·w differs from window to window of the input, and
sort its values, t₁ < … < t_K. The units ReLU(u·w − θᵢ) with θ₁ < t₁ < θ₂ < t₂ < … have a triangular matrix of values
without a 0 on its diagonal, so that every function of the first layer's classes is a linear function of these K
units, which the next layer's weights can hold (and u·w − θ₁ > 0 already tells all classes apart, for L = 1). Now let
one channel a class of layer l − 1 be its indicator. Fix a class of layer l; it says of each tap which class it sees,
or nothing. The unit with weight 1 for that class at that tap, −1 for all other classes there and at taps that see
nothing, and bias 1 − (number of taps that see something) is 1 on the class. Elsewhere some tap differs, the sum is
less by 1 at least, and the ReLU makes it 0. ∎

**Theorem 3** (closed form). Pad with zeros to the same size, and let the taps along an axis be at −a, …, 0, …, b in
steps of the dilation, one of them at the pixel itself. Pixels p, q are in one class of layer L iff

- the zero-extended images agree at p + e and q + e for every e in the box {−La, …, Lb} (steps of the dilation), and
- p + e and q + e are both inside their images or both outside for every e in the box of L − 1 layers.

*Proof.* Boxes and images are rectangles, so from p one gets to p + e, if that is inside, by a step δ of one layer and
a rest in the box of the layers before, through p + δ, which is inside too (take each coordinate of e, cut off at −a
and b). *Class ⇒ box.* If p + e is inside the image, p + δ is, hence q + δ is, in the same class of layer L − 1; by
induction the values at p + e and q + e agree, and for e in the smaller box both are inside. By symmetry the same
holds if q + e is inside; and if neither is, both values are 0. *Box ⇒ class.* For each tap δ the boxes around p + δ
and q + δ lie in those around p and q. ∎

The first layer's padding looks like black pixels; that of later layers does not. **Without biases**, and with an
activation that is 0 at 0 (ReLU, tanh, GELU, not the sigmoid), a window that sees nothing but black is answered with
0, like padding: nothing stays one class with what sees only nothing, at every layer. Classes are coarser, and black
is answered with black.

**Skips** add earlier outputs at the same pixel. A class then knows the pixel's class at the layer before, too, which
changes nothing where some tap sees the pixel itself: at every odd kernel with padding to the same size.

Everything here is decided by comparing numbers for equality; there are no hashes and no tolerances.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import islice
from typing import Any, Unpack

import array_api_compat
import numpy as np
from jaxtyping import Int, Num

from numerics.arguments import as_float64, boolean, image_array, positive_int
from numerics.row_space import to_numpy
from numerics.window import Window, WindowSettings

NOTHING = 0
"""The name of what a tap sees in the zero padding, and of a black pixel before the first layer."""

Names = list[np.ndarray]  # of the pixels of several stacks of images, (n, H, W) each, from 0 on


def pixel_classes(
    images: Num[Any, "*n channels height width"],
    depth: int,
    kernel_size: Any,
    *,
    bias: bool = True,
    skips: bool = False,
    **settings: Unpack[WindowSettings],
) -> Int[Any, "*n out_height out_width"]:
    """Tell which output pixels no network of a depth can tell apart: those of one class get equal outputs from all.

    The network is a stack of `depth` convolutions, all of one window, with any activations, weights, biases and
    numbers of channels. Pixels of different images compare, too: a class has one number in the whole batch.

    Args:
        images: shape (n, C, H, W) or (C, H, W), integers or floats; integers count as float64.
        depth: number of convolutions.
        kernel_size: k or (k_h, k_w), of every layer, like all further settings.
        bias: whether layers may have biases, or an activation that is not 0 at 0. False for neither.
        skips: whether layers' outputs may be added to later ones', pixel by pixel. Needs outputs of the inputs' size.
        **settings: how it slides, see `WindowSettings`.

    Returns:
        The number of each output pixel's class, shape (n, H', W') or (H', W'), int64, of the images' kind and on their
        device; numbers run from 0 to the number of classes − 1, in the order in which classes first occur.

    Raises:
        TypeError: `images` is not a real array, or a setting has the wrong type.
        ValueError: `images` is empty, not finite or of the wrong rank, or the settings do not fit it.

    Warns:
        UserWarning: `images` looks like a picture with its channels last.

    Example:
        >>> import numpy as np
        >>> pixel_classes(np.zeros((1, 1, 5)), depth=2, kernel_size=(1, 3)).tolist()  # only borders tell them apart
        [[0, 1, 1, 1, 2]]

    Source: ours, theorems 1 to 3 at the head of this file.
    """
    images = image_array("images", images)
    depth = positive_int("depth", depth)
    window = Window.of(kernel_size, **settings)
    stack = plain(images)
    check_skips(skips := boolean("skips", skips), window, stack)
    (found,) = classes_at([stack], window, depth, bias=boolean("bias", bias), skips=skips)
    _, first, inverse = np.unique(found, return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    numbers = order[inverse.reshape(found.shape)]
    xp = array_api_compat.array_namespace(images)
    result = xp.asarray(numbers, device=array_api_compat.device(images))
    return result if images.ndim == 4 else result[0, ...]


def plain(images: Any) -> np.ndarray:
    """Checked images as a NumPy stack (n, C, H, W) in float64, which holds every narrower float exactly."""
    stack = to_numpy(as_float64(images))
    return stack if stack.ndim == 4 else stack[None]


def check_skips(skips: bool, window: Window, *stacks: np.ndarray) -> None:
    """Refuse skips between layers of different sizes.

    Raises:
        ValueError: the window changes an image's size.
    """
    for stack in stacks:
        size, after = stack.shape[2:], window.output_size(*stack.shape[2:])
        if skips and after != size:
            raise ValueError(f"skips=True needs outputs of the inputs' size, got {after} for {size}: pad to 'same'")


def classes_at(stacks: Sequence[np.ndarray], window: Window, depth: int, *, bias: bool, skips: bool) -> Names:
    """The names of the output pixels' classes after `depth` layers, of several stacks (n, C, H, W) together.

    Equal names mean one class, in whatever stack. Without biases the name 0 is that of outputs that must be 0.
    """
    for names in islice(classes_by_layer(stacks, window, bias=bias, skips=skips), depth):
        found = names
    return found


def classes_by_layer(stacks: Sequence[np.ndarray], window: Window, *, bias: bool, skips: bool) -> Iterator[Names]:
    """What `classes_at` gives, for 1, 2, 3, … layers; it ends where all further layers tell no more pixels apart."""
    names = input_names(stacks)
    while True:
        seen = names
        for axis in (0, 1):
            seen = windows_named(seen, window, axis)
        if skips:
            seen = paired(seen, names)
        if bias:
            seen = [stack + 1 for stack in seen]  # no output is known to be 0: nothing is a class of its own
        yield seen
        if same_partition(names, seen):
            return
        names = seen


def input_names(stacks: Sequence[np.ndarray]) -> Names:
    """A name for each different pixel of the inputs, all its channels together; 0 for black."""
    channels = [named([stack[:, c] for stack in stacks]) for c in range(stacks[0].shape[1])]
    return reduce(paired, channels)


def windows_named(names: Names, window: Window, axis: int) -> Names:
    """A name for each different window along an axis, by what its taps see; 0 where all see nothing.

    Windows of twice the length are pairs of windows: log₂ k rounds (Karp, Miller and Rosenberg 1972).
    """
    line = [_padded(stack, window, axis) for stack in names]
    taps, dilation = window.kernel_size[axis], window.dilation[axis]
    length = 1
    while length < taps:
        step = min(length, taps - length)  # the second half may overlap the first
        shift = step * dilation
        line = paired([_cut(stack, axis, 0, -shift) for stack in line], [_cut(stack, axis, shift) for stack in line])
        length += step
    return [_cut(stack, axis, 0, None, window.stride[axis]) for stack in line]


def paired(first: Names, second: Names) -> Names:
    """A name for each different pair of names; 0 for a pair of 0s."""
    factor = 1 + max(int(stack.max()) for stack in second)  # both below 2³¹, the number of pixels that fit a memory
    return named([a * factor + b for a, b in zip(first, second, strict=True)])


def named(stacks: Sequence[np.ndarray]) -> Names:
    """Names from 1 on for the different numbers in several arrays, and 0 for the number 0."""
    flat = np.concatenate([stack.ravel() for stack in stacks])
    names = np.where(flat == 0, NOTHING, 1 + np.unique(flat, return_inverse=True)[1])
    ends = np.cumsum([stack.size for stack in stacks])[:-1]
    return [part.reshape(stack.shape) for part, stack in zip(np.split(names, ends), stacks, strict=True)]


def same_partition(names: Names, others: Names) -> bool:
    """Whether two ways to name pixels tell the same apart, and know the same to be nothing."""
    if any(a.shape != b.shape or ((a == NOTHING) != (b == NOTHING)).any() for a, b in zip(names, others, strict=True)):
        return False
    return _count(names) == _count(others) == _count(paired(names, others))


def _count(names: Names) -> int:
    return int(np.count_nonzero(np.bincount(np.concatenate([stack.ravel() for stack in names]))))


def _padded(stack: np.ndarray, window: Window, axis: int) -> np.ndarray:
    """A stack with the names that its padding along an axis sees."""
    size = stack.shape[1 + axis]
    window.sources(axis, size)  # refuses what does not fit
    and_nothing = np.concatenate([stack, np.full_like(_cut(stack, axis, 0, 1), NOTHING)], 1 + axis)  # of index `size`
    return np.take(and_nothing, window.padded(axis, size), 1 + axis)


def _cut(stack: np.ndarray, axis: int, start: int, stop: int | None = None, step: int = 1) -> np.ndarray:
    slices = [slice(None)] * stack.ndim
    slices[1 + axis] = slice(start, stop, step)
    return stack[tuple(slices)]
