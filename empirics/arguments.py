"""Checks of settings at the public doors of `empirics`: each names the argument, what it was and what it must be.

They repeat some of `numerics.arguments` on purpose: the witness shares no code with the theory that it testifies about.
Nothing here needs torch, which takes long to load.
"""

import math
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np


def integer(name: str, value: Any, *, least: int = 1) -> int:
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


def integer_pair(name: str, value: Any, *, least: int = 1) -> tuple[int, int]:
    """An integer k, which stands for (k, k), or a pair of them.

    Raises:
        TypeError: neither an integer nor a pair of integers.
        ValueError: too small.
    """
    if isinstance(value, list | tuple):
        if len(value) != 2:
            raise ValueError(f"{name} must be an integer or a pair of them, got {value!r}")
        return integer(name, value[0], least=least), integer(name, value[1], least=least)
    number = integer(name, value, least=least)
    return number, number


def integers(name: str, value: Any, *, least: int = 0) -> tuple[int, ...]:
    """A sequence of integers of at least `least`.

    Raises:
        TypeError: not a sequence of integers.
        ValueError: one of them is too small.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a sequence of integers, got {value!r}")
    return tuple(integer(name, number, least=least) for number in value)


def real(name: str, value: Any) -> float:
    """A finite real number.

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


def choice(name: str, value: Any, choices: Iterable[str]) -> str:
    """One of a few names.

    Raises:
        TypeError: not a string.
        ValueError: another string.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {value!r}")
    if value not in (names := list(choices)):
        raise ValueError(f"{name} must be one of {', '.join(names)}, got {value!r}")
    return str(value)
