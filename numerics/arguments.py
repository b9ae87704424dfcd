"""Checks at the public doors of `numerics` and `theory`: each names the argument, what it was and what it must be."""

import math
import operator
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import array_api_compat
import numpy as np

Shapes = Mapping[int, str]  # the shapes that an array may have, in words, by their numbers of axes
IMAGE_SHAPES: Shapes = {4: "(n, C, H, W)", 3: "(C, H, W)"}
ONE_IMAGE: Shapes = {3: "(C, H, W)"}
VECTOR_SHAPES: Shapes = {2: "(n, d)", 1: "(d,)"}
FEW_CHANNELS = 4  # at most so many has a picture: grey, red, green and blue, and how opaque it is
A_PICTURE = 16  # pixels: arrays of features that are smaller may well have four columns or fewer


def real_array(name: str, value: Any, shapes: Shapes | None, *, empty: bool = False) -> Any:
    """Return `value` if it is a finite real array of one of the `shapes`; refuse it with a sentence otherwise.

    Args:
        name: the argument's name, for the message.
        value: what the caller gave.
        shapes: acceptable shapes, e.g. `{4: "(n, C, H, W)", 3: "(C, H, W)"}`: the number of axes is checked, and the
            words stand in the message; None for any number.
        empty: whether an axis of length zero is acceptable.

    Returns:
        The array, detached from any autograd graph.

    Raises:
        TypeError: not an array, or neither of integers nor of real floating-point numbers.
        ValueError: wrong number of axes, empty, or not finite.
    """
    if not array_api_compat.is_array_api_obj(value):
        raise TypeError(f"{name} must be a NumPy or torch array, got {type(value).__name__}")
    if isinstance(value, np.ma.MaskedArray) or str(getattr(value, "layout", "torch.strided")) != "torch.strided":
        raise TypeError(f"{name} must be a dense array without a mask, got {type(value).__name__}")
    if hasattr(value, "detach"):  # a prediction is not differentiated through
        value = _with_numbers(name, value)
    if isinstance(value, np.ndarray) and value.dtype.kind not in "iufbc":
        raise TypeError(f"{name} must hold integers or real floating-point numbers, got dtype {value.dtype}")
    xp = array_api_compat.array_namespace(value)
    if not (is_integer(value) or xp.isdtype(value.dtype, "real floating")) or "float8" in str(value.dtype):
        raise TypeError(f"{name} must hold integers or real floating-point numbers, got dtype {value.dtype}")
    if shapes is not None and value.ndim not in shapes:
        raise ValueError(f"{name} must have shape {' or '.join(shapes.values())}, got {tuple(value.shape)}")
    if not empty and 0 in value.shape:
        raise ValueError(f"{name} must not be empty, got shape {tuple(value.shape)}")
    if not is_integer(value) and not bool(xp.all(xp.isfinite(value))):
        raise ValueError(f"{name} must be finite, got NaN or infinity among its entries")
    return value


def _with_numbers(name: str, value: Any) -> Any:
    """A torch array, detached, if its numbers are there to be read.

    Raises:
        TypeError: it only stands for one: on the device "meta", of no shape yet, or another substitute.
    """
    try:
        value = value.detach()
        if 0 not in value.shape:
            value[(0,) * value.ndim].item()
    except Exception as error:
        raise TypeError(f"{name} must hold numbers that can be read, got {type(value).__name__} without any") from error
    return value


def image_array(name: str, value: Any) -> Any:
    """As `real_array`, of images; those that look like pictures with their channels last are taken, and it is said how.

    Warns:
        UserWarning: the last axis is as short as a picture's channels, and the two before it are long.
    """
    images = real_array(name, value, IMAGE_SHAPES)
    if hint := channels_last(name, images.shape):
        C, H, W = images.shape[-3:]
        warnings.warn(f"{name} are taken as {C} channels of {H} × {W} pixels{hint}", stacklevel=4)
    return images


def channels_last(name: str, shape: tuple[int, ...], expected: int | None = None) -> str:
    """The end of a message about images of this shape, where they look like (H, W, C); else empty.

    Args:
        name: the argument's name.
        shape: that ends as (C, H, W) should.
        expected: channels that they should have; None where any number is right.
    """
    if shape[-1] == expected or (shape[-1] <= FEW_CHANNELS and min(shape[-3:-1]) > A_PICTURE):
        return f"; {tuple(shape[-3:])} looks like (H, W, C), channels last: give numpy.moveaxis({name}, -1, -3)"
    return ""


def is_integer(array: Any) -> bool:
    """Whether an array holds integers (booleans are not integers)."""
    return bool(array_api_compat.array_namespace(array).isdtype(array.dtype, "integral"))


def common_namespace(*, same_dtype: bool = True, **arrays: Any) -> Any:
    """The one array namespace of several arrays on one device; `None` values are passed over.

    Raises:
        TypeError: kinds (NumPy, torch...), or floating dtypes, are mixed.
        ValueError: the arrays live on different devices.
    """
    given = {name: array for name, array in arrays.items() if array is not None}
    namespaces = {name: array_api_compat.array_namespace(array) for name, array in given.items()}
    (first, xp), *others = namespaces.items()
    for name, other in others:
        if other is not xp:
            kinds = f"{type(given[first]).__name__} and {type(given[name]).__name__}"
            raise TypeError(f"{first} and {name} must be arrays of one kind, got {kinds}")
        devices = [array_api_compat.device(given[first]), array_api_compat.device(given[name])]
        if devices[0] != devices[1]:
            raise ValueError(f"{first} and {name} must be on one device, got {devices[0]} and {devices[1]}")
        if same_dtype and floating_dtype(given[first]) != floating_dtype(given[name]):
            raise TypeError(
                f"{first} and {name} must have one floating dtype (integers count as float64), "
                f"got {given[first].dtype} and {given[name].dtype}"
            )
    return xp


def floating_dtype(array: Any) -> Any:
    """The floating dtype in which results about `array` are returned: its own, or float64 for integers."""
    return array_api_compat.array_namespace(array).float64 if is_integer(array) else array.dtype


def as_float64(array: Any) -> Any:
    """`array` in float64, of the same kind and on the same device."""
    xp = array_api_compat.array_namespace(array)
    return xp.astype(array, xp.float64)


def rounded(what: str, values: Any, dtype: Any) -> Any:
    """Results, computed in float64, in the dtype in which they are returned: each rounded once.

    Args:
        what: which results, for the message.
        values: float64.
        dtype: a floating dtype.

    Raises:
        OverflowError: a number is beyond that dtype's range, or was already beyond float64's.
    """
    xp = array_api_compat.array_namespace(values)
    with np.errstate(over="ignore"):  # told below
        result = xp.astype(values, dtype, copy=False)
    if not bool(xp.all(xp.isfinite(result))):
        kind = str(dtype).rpartition(".")[2].strip("'>")
        raise OverflowError(f"{what} are beyond the range of {kind}; give inputs of another scale, or in float64")
    return result


def positive_int(name: str, value: Any, *, least: int = 1) -> int:
    """An integer of at least `least`.

    Raises:
        TypeError: not an integer (booleans are refused).
        ValueError: too small.
    """
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return number


def real_number(name: str, value: Any) -> float:
    """A finite real number as a float.

    Raises:
        TypeError: not a real number.
        ValueError: NaN or infinite.
    """
    if isinstance(value, bool | np.bool_ | str | complex | np.complexfloating):
        raise TypeError(f"{name} must be a real number, got {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a real number, got {value!r}") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {number}")
    return number


def boolean(name: str, value: Any) -> bool:
    """A true or false value.

    Raises:
        TypeError: anything but a bool.
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def schedule(lr: Any, momentum: Any, milestones: Any, gamma: Any) -> tuple[float, float, tuple[int, ...], float]:
    """The settings of gradient descent with heavy-ball momentum and step decay, checked.

    Raises:
        TypeError: a setting of the wrong type.
        ValueError: lr or gamma not positive, momentum outside [0, 1), milestones negative or out of order.
    """
    lr, momentum, gamma = (
        real_number("lr", lr),
        real_number("momentum", momentum),
        real_number("gamma", gamma),
    )
    if lr <= 0:
        raise ValueError(f"lr must be positive, got {lr}")
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum must be in [0, 1), got {momentum}")
    if gamma <= 0:
        raise ValueError(f"gamma must be positive, got {gamma}")
    if isinstance(milestones, str) or not isinstance(milestones, Iterable):
        raise TypeError(f"milestones must be a sequence of step numbers, got {milestones!r}")
    steps = tuple(positive_int("milestones", step, least=0) for step in milestones)
    if list(steps) != sorted(steps):
        raise ValueError(f"milestones must be in ascending order, got {steps}")
    return lr, momentum, steps, gamma


def step_numbers(steps: Any) -> tuple[tuple[int, ...], bool]:
    """`steps` as a tuple of step numbers, and whether a sequence of them was given (a trajectory) or just one.

    Raises:
        TypeError: not integers.
        ValueError: negative, or an empty sequence.
    """
    if isinstance(steps, str):
        raise TypeError(f"steps must be an integer or a sequence of integers, got {steps!r}")
    if not isinstance(steps, Iterable) or getattr(steps, "ndim", 1) == 0:
        return (positive_int("steps", steps, least=0),), False
    # Those of a range are integers for certain: its ends are enough to look at.
    checked = (*steps[:1], *steps[-1:]) if isinstance(steps, range) else tuple(steps)
    numbers = tuple(positive_int("steps", step, least=0) for step in checked)
    if isinstance(steps, range):
        numbers = tuple(steps)
    if not numbers:
        raise ValueError("steps must not be an empty sequence")
    return numbers, True
