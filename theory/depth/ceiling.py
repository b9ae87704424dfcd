"""How like the training image the answers of a network can be at most: the doors to `theory.depth.admissible`."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import array_api_compat
from jaxtyping import Num

from numerics.arguments import (
    boolean,
    common_namespace,
    floating_dtype,
    image_array,
    positive_int,
    real_number,
    rounded,
)
from numerics.window import Window
from theory.depth.admissible import Ceiling, Problem
from theory.depth.classes import Names, check_skips, classes_by_layer, plain


def ceiling(
    x: Num[Any, "*n channels height width"],
    x_hat: Num[Any, "*examples channels height width"],
    depth: int,
    kernel_size: Any,
    *,
    answers: Num[Any, "*examples channels height width"] | None = None,
    loss: float = 0.0,
    padding_mode: str = "zeros",
    dilation: Any = 1,
    bias: bool = True,
    skips: bool = False,
) -> Ceiling:
    """Bound what any convolutional network of a depth can answer x with if it answers x̂ with x̂.

    It holds for all weights, activations and numbers of channels, and whatever the training. Its layers are padded to
    the same size.

    Args:
        x: images asked, shape (n, C, H, W) or (C, H, W), of any size.
        x_hat: training images that the network reproduces, shape (examples, C, H, W) or (C, H, W).
        depth: number of convolutions.
        kernel_size: k or (k_h, k_w), of every layer.
        answers: what the network answers x_hat with if that is not x_hat itself, in x_hat's shape. Of pixels of one
            class, which are answered alike but for rounding, the first one's answer counts.
        loss: mean squared error with which it does so, over all entries: bounds hold for any network with no more. With
            an error `values` and `nearest` are those of a network without.
        padding_mode: "zeros", "circular", "reflect" or "replicate".
        dilation: as in `torch.nn.Conv2d`, an integer or a pair.
        bias: whether layers may have biases, or an activation that is not 0 at 0. False for neither, which forces
            more.
        skips: whether layers' outputs may be added to later ones', pixel by pixel.

    Returns:
        The ceiling, in x's floating dtype.

    Raises:
        TypeError: not real arrays, arrays of different kinds or dtypes, or a setting of the wrong type.
        ValueError: empty, not finite, wrong shapes, settings that do not fit; or an x_hat that no network of that
            depth reproduces, since pixels look alike that are not.
        OverflowError: a mean squared difference beyond the dtype's range.

    Warns:
        UserWarning: `x` or `x_hat` looks like a picture with its channels last.

    Example:
        >>> import numpy as np
        >>> x_hat = np.array([[[0.0, 1.0, 2.0, 4.0, 0.0]]])
        >>> found = ceiling(np.zeros((1, 1, 5)), x_hat, depth=2, kernel_size=(1, 3))
        >>> found.forced.tolist(), round(float(found.with_training_image), 3)
        ([[False, False, False, False, False]], 0.764)

    Source: ours, the theorem in `theory.depth.admissible`.
    """
    problem, layers, told = _posed(x, x_hat, kernel_size, answers, loss, padding_mode, dilation, bias, skips)
    for classes in islice(layers, positive_int("depth", depth)):
        last = classes
    return told(problem.solve(*last))


def ceilings(
    x: Num[Any, "*n channels height width"],
    x_hat: Num[Any, "*examples channels height width"],
    depth: int,
    kernel_size: Any,
    *,
    answers: Num[Any, "*examples channels height width"] | None = None,
    loss: float = 0.0,
    padding_mode: str = "zeros",
    dilation: Any = 1,
    bias: bool = True,
    skips: bool = False,
) -> list[Ceiling]:
    """Return `ceiling` for 1, 2, …, `depth` layers, in the time that the deepest takes.

    Args:
        x: images asked, as `ceiling` takes them, like all further arguments.
        x_hat: training images.
        depth: the greatest number of convolutions.
        kernel_size: of every layer.
        answers: what the network answers x_hat with.
        loss: mean squared error with which it does so.
        padding_mode: of every layer.
        dilation: of every layer.
        bias: whether layers may have biases.
        skips: whether layers' outputs may be added to later ones'.

    Returns:
        One ceiling a depth.

    Raises:
        TypeError: not real arrays, arrays of different kinds or dtypes, or a setting of the wrong type.
        ValueError: empty, not finite, wrong shapes, settings that do not fit; or an x_hat that no network of that
            depth reproduces, since pixels look alike that are not.
        OverflowError: a mean squared difference beyond the dtype's range.
    """
    problem, layers, told = _posed(x, x_hat, kernel_size, answers, loss, padding_mode, dilation, bias, skips)
    depth = positive_int("depth", depth)
    found = [told(problem.solve(*classes)) for classes in islice(layers, depth)]
    return found + found[-1:] * (depth - len(found))  # further layers tell no more pixels apart


def _posed(
    x: Any,
    x_hat: Any,
    kernel_size: Any,
    answers: Any,
    loss: Any,
    padding_mode: Any,
    dilation: Any,
    bias: Any,
    skips: Any,
) -> tuple[Problem, Iterator[Names], Callable[[Ceiling], Ceiling]]:
    """The arguments of `ceiling` checked: the problem, classes layer by layer, and how to give back a solution."""
    x, x_hat = image_array("x", x), image_array("x_hat", x_hat)
    if answers is not None:
        answers = image_array("answers", answers)
        if answers.shape != x_hat.shape:
            raise ValueError(f"answers must have x_hat's shape, {tuple(x_hat.shape)}, got {tuple(answers.shape)}")
    xp = common_namespace(x=x, x_hat=x_hat, answers=answers)
    if x.shape[-3] != x_hat.shape[-3]:
        raise ValueError(f"x and x_hat must have equally many channels, got {x.shape[-3]} and {x_hat.shape[-3]}")
    if (loss := real_number("loss", loss)) < 0:
        raise ValueError(f"loss must not be negative, got {loss}")
    window = Window.of(kernel_size, padding_mode=padding_mode, dilation=dilation)
    bias, skips = boolean("bias", bias), boolean("skips", skips)
    asked, learned = plain(x), plain(x_hat)
    check_skips(skips, window, asked, learned)
    known = learned if answers is None else plain(answers)
    layers = classes_by_layer([asked, learned], window, bias=bias, skips=skips)
    device, dtype = array_api_compat.device(x), floating_dtype(x)

    def told(found: Ceiling) -> Ceiling:
        """The same in the kind and dtype of x, and without a batch axis where x has none."""
        fields = {}
        for name, value in vars(found).items():
            if value is not None:
                value = xp.asarray(value, device=device)
                value = value if name == "forced" else rounded(f"entries of {name}", value, dtype)
                value = value if x.ndim == 4 else value[0, ...]
            fields[name] = value
        return Ceiling(**fields)

    return Problem(asked, learned, known, answers is None, loss, bias), layers, told
