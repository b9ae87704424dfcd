"""Arrays at the doors of `theory.tangent`: checked, and as torch tensors in float64."""

from collections.abc import Mapping
from typing import Any

import array_api_compat
import numpy as np
import torch
from torch import Tensor, nn

from numerics.arguments import real_array
from theory.tangent.module import moved_in_order


def float64(name: str, value: Any) -> Tensor:
    """A finite, non-empty real array with a batch axis as a tensor in float64; see `numerics.arguments.real_array`."""
    if array_api_compat.is_array_api_obj(value) and value.ndim < 2:
        raise ValueError(f"{name} must have a batch axis, (n, ...), got shape {tuple(value.shape)}")
    checked = real_array(name, value, None)
    if isinstance(checked, np.ndarray):
        return torch.from_numpy(np.array(checked, dtype=np.float64, order="C"))
    if not isinstance(checked, Tensor):
        raise TypeError(f"{name} must be a NumPy or torch array, got {type(value).__name__}")
    return checked.to(torch.float64)


def kind_of(value: Any) -> str:
    """What kind of array it is: what is answered is of the same."""
    return "torch" if isinstance(value, Tensor) else "numpy"


def dtype_of(value: Any) -> torch.dtype:
    """The floating dtype of answers about an array: its own, or float64 for integers."""
    own = value.dtype if isinstance(value, Tensor) else torch.from_numpy(np.zeros(1, value.dtype)).dtype
    return own if own.is_floating_point else torch.float64


def checked_weights(module: nn.Module, weights: Any, device: torch.device) -> dict[str, Tensor]:
    """Stacked initial weights, in float64.

    Raises:
        TypeError: no mapping of names to real arrays.
        ValueError: other names than the module's, shapes that are not (seeds, *the parameter's), or different numbers
            of seeds.
    """
    if not isinstance(weights, Mapping):
        raise TypeError(f"weights must be a mapping of parameter names to arrays, got {type(weights).__name__}")
    names = moved_in_order(module)
    if set(weights) != set(names):
        raise ValueError(f"weights must name the model's parameters {', '.join(names)}, got {', '.join(weights)}")
    shapes = {name: tuple(value.shape) for name, value in module.named_parameters()}
    found = {}
    for name in names:
        given = real_array(f"weights[{name!r}]", weights[name], {len(shapes[name]) + 1: f"(seeds, *{shapes[name]})"})
        if tuple(given.shape[1:]) != shapes[name]:
            raise ValueError(f"weights[{name!r}] must have shape (seeds, *{shapes[name]}), got {tuple(given.shape)}")
        found[name] = torch.as_tensor(given).detach().to(device, torch.float64)
    if len({len(value) for value in found.values()}) > 1:
        raise ValueError("weights must be of equally many seeds for each parameter")
    return found
