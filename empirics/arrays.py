"""Checks of arrays at the public doors of `empirics`: each names the argument, what it was and what it must be.

They repeat some of `numerics.arguments` on purpose: the witness shares no code with the theory that it testifies about.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

Shapes = Mapping[int, str]  # the shapes that an array may have, in words, by their numbers of axes

FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
SIGNED, UNSIGNED = (tuple(getattr(torch, f"{sign}int{bits}") for bits in (8, 16, 32, 64)) for sign in ("", "u"))
DTYPES = (*FLOATING, *SIGNED, *UNSIGNED)


def real_tensor(name: str, value: Any, shapes: Shapes) -> Tensor:
    """Return `value` as a torch tensor if it is a finite, non-empty real array of one of the `shapes`.

    Args:
        name: the argument's name, for the message.
        value: what the caller gave, a NumPy or torch array.
        shapes: acceptable shapes, e.g. `{4: "(n, C, H, W)", 3: "(C, H, W)"}`: the number of axes is checked, and the
            words stand in the message.

    Returns:
        The tensor, in its own dtype and on its own device, detached from any autograd graph.

    Raises:
        TypeError: not an array, or neither of integers nor of real floating-point numbers.
        ValueError: wrong number of axes, empty, or not finite.
    """
    tensor = tensor_of(name, value)
    if tensor.ndim not in shapes:
        raise ValueError(f"{name} must have shape {' or '.join(shapes.values())}, got {tuple(tensor.shape)}")
    if tensor.numel() == 0:
        raise ValueError(f"{name} must not be empty, got shape {tuple(tensor.shape)}")
    return finite(name, tensor)


def tensor_of(name: str, value: Any) -> Tensor:
    """A real NumPy or torch array of any shape, whose numbers are there to be read, as a tensor; see `real_tensor`."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must be an array without a mask, got {type(value).__name__}")
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "iuf" or value.dtype.itemsize > 8:  # long doubles would be rounded
            raise TypeError(f"{name} must hold integers or real floating-point numbers, got dtype {value.dtype}")
        # torch takes neither foreign byte orders nor negative strides.
        return torch.from_numpy(np.array(value, dtype=value.dtype.newbyteorder("="), order="C"))
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a NumPy or torch array, got {type(value).__name__}")
    if value.is_complex() or value.dtype == torch.bool:
        raise TypeError(f"{name} must hold integers or real floating-point numbers, got dtype {value.dtype}")
    check_readable(name, value)
    return value.detach()


def check_readable(name: str, value: Tensor) -> None:
    """Refuse tensors without numbers of their own, that are not dense, or of a dtype with few operations in torch.

    Raises:
        TypeError: it is one of these.
    """
    if is_lazy(value):
        raise TypeError(f"{name} must hold numbers, got {type(value).__name__}, which has no shape yet")
    if value.is_meta:
        raise TypeError(
            f"{name} must hold numbers, got a tensor on the device 'meta', which has a shape and no numbers"
        )
    if value.is_nested or value.layout != torch.strided:
        kind = "a nested one" if value.is_nested else f"layout {value.layout}"
        raise TypeError(f"{name} must be a dense tensor, got {kind}")
    if value.dtype not in DTYPES and not value.is_complex():
        known = ", ".join(str(dtype).removeprefix("torch.") for dtype in DTYPES)
        raise TypeError(f"{name} must have one of the dtypes {known}, got {value.dtype}")
    try:
        torch.count_nonzero(value.detach()).item()
    except Exception as error:  # of each kind of tensor that only stands for one, its own
        raise TypeError(
            f"{name} must hold numbers, got {type(value).__name__}, whose numbers cannot be read"
        ) from error


def finite(name: str, value: Tensor) -> Tensor:
    """Refuse a tensor with NaN or infinity among its entries.

    Raises:
        ValueError: there is one.
    """
    if value.is_floating_point() and not bool(torch.isfinite(value).all()):
        raise ValueError(f"{name} must be finite, got NaN or infinity among its entries")
    return value


def converted(name: str, value: Tensor, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A finite tensor in the dtype and on the device of some arithmetic.

    Raises:
        ValueError: an entry is too large for that dtype.
    """
    result = value.to(device, dtype)
    if not bool(torch.isfinite(result).all()):
        raise ValueError(f"{name} must fit {str(dtype).removeprefix('torch.')}, got entries too large for it")
    return result


def say_if_bytes(name: str, value: Tensor) -> None:
    """Warn of bytes that a network would be given as they are: pictures are most often meant to lie in [0, 1].

    Warns:
        UserWarning: an array of uint8 with an entry above 1.
    """
    if value.dtype == torch.uint8 and int(value.max()) > 1:
        warnings.warn(
            f"{name} are of uint8 and taken as they are, up to {int(value.max())}: if they are pictures, "
            f"give {name} / 255",
            stacklevel=4,
        )


def same_kind(*, same_dtype: bool = True, **arrays: Any) -> None:
    """Refuse arrays of different kinds, dtypes (if asked to) or devices; `None` values are passed over.

    Raises:
        TypeError: NumPy and torch arrays are mixed, or different floating dtypes (integers go with any).
        ValueError: the arrays live on different devices.
    """
    (first, one), *others = [(name, array) for name, array in arrays.items() if array is not None]
    for name, other in others:
        if isinstance(one, Tensor) != isinstance(other, Tensor):
            kinds = f"{type(one).__name__} and {type(other).__name__}"
            raise TypeError(f"{first} and {name} must be arrays of one kind, got {kinds}")
        if isinstance(one, Tensor) and one.device != other.device:
            raise ValueError(f"{first} and {name} must be on one device, got {one.device} and {other.device}")
        if same_dtype and _floating(one) and _floating(other) and one.dtype != other.dtype:
            raise TypeError(f"{first} and {name} must have one floating dtype, got {one.dtype} and {other.dtype}")


def _floating(array: Any) -> bool:
    return array.is_floating_point() if isinstance(array, Tensor) else array.dtype.kind == "f"
