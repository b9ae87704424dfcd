"""What a network's layers hold: their activations, and pictures of them."""

import math
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Num
from torch import Tensor, nn

from empirics.arrays import check_readable, converted, real_tensor, say_if_bytes
from empirics.networks.architecture import check_fit, input_shapes, outputs_of
from empirics.networks.weight_layers import weight_layers

GAP = 1  # cells between the channels of a mosaic


def given_to(model: nn.Module, name: str, inputs: Any) -> Tensor:
    """Checked inputs with their batch axis, in a model's dtype and on its device.

    Raises:
        TypeError: no module, or inputs that are not a real array.
        ValueError: a model without parameters, or inputs that are empty, not finite, or do not fit it.
    """
    if not isinstance(model, nn.Module):
        hint = "; .member(0) of it is one" if hasattr(model, "member") else ""
        raise TypeError(f"model must be an nn.Module, got {type(model).__name__}{hint}")
    parameter = next(model.parameters(), None)
    if parameter is None:
        raise ValueError("model must have parameters, got one without")
    for its, weight in model.named_parameters():
        check_readable(f"{its} of model", weight)
    x = real_tensor(name, inputs, input_shapes(model))
    say_if_bytes(name, x)
    batch = converted(name, x if x.ndim in (2, 4) else x[None], parameter.dtype, parameter.device)
    check_fit(model, batch[:2], name)
    return batch


def layer_activations(model: nn.Module, inputs: Num[Any, "..."]) -> list[Float[Tensor, "n ..."]]:
    """Return what each layer is given, and what comes out at the end.

    The first are the inputs, as the first weight layer is given them, the next what the second weight layer is given
    (the first's outputs, after the activation and any skip), and the last the outputs: one more than there are weight
    layers.

    Args:
        model: a network whose `nn.Linear`, `nn.Conv2d` and `LCN` layers are each used once.
        inputs: images (n, C, H, W) or (C, H, W), or vectors (n, d) or (d,): what the network's forward takes.

    Returns:
        A tensor (n, ...) for each, in the model's dtype and on its device.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: inputs that are empty, not finite, or do not fit the network.

    Example:
        >>> import torch
        >>> from empirics.networks.convolutional import CNN
        >>> network = CNN(1, depth=2, channels=3, kernel_size=3)
        >>> [tuple(layer.shape) for layer in layer_activations(network, torch.rand(1, 6, 6))]
        [(1, 1, 6, 6), (1, 3, 6, 6), (1, 1, 6, 6)]
    """
    return activations_of(model, given_to(model, "inputs", inputs))


def activations_of(model: nn.Module, batch: Tensor) -> list[Tensor]:
    """`layer_activations` of checked inputs."""
    seen: list[Tensor] = []
    visit_activations(model, batch, lambda _, held: seen.append(held.clone()))  # later layers may write to it
    return seen


def visit_activations(model: nn.Module, batch: Tensor, visit: Callable[[int, Tensor], None]) -> None:
    """Hand on each of `layer_activations`, with its number, when it comes up: none is kept, however many there are."""
    numbers = count()
    hooks = [
        layer.register_forward_pre_hook(lambda _, given: visit(next(numbers), given[0]))
        for layer in weight_layers(model)
    ]
    try:
        with torch.no_grad():
            outputs = outputs_of(model, batch)
        visit(next(numbers), outputs)
    finally:
        for hook in hooks:
            hook.remove()


def layer_mosaics(model: nn.Module, image: Num[Any, "..."]) -> list[Float[np.ndarray, "height width"]]:
    """Return a mosaic of the channels of each layer, for one image: what a figure draws.

    The channels (C, H, W) of a layer are laid out row by row, in ⌈√C⌉ columns with a gap of one cell. A vector of d
    entries is one channel, in rows of ⌈√d⌉: a square image is then seen as itself.

    Args:
        model: as `layer_activations` takes it.
        image: (C, H, W) for a network with convolutions, else (d,).

    Returns:
        An array for each of `layer_activations`, in float64: the activations as they are, not scaled, and NaN in gaps
        and where there is nothing.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: an image that is empty, not finite, or does not fit the network.
    """
    batch = given_to(model, "image", image)
    if len(batch) != 1:
        raise ValueError(f"image must be a single one, got {len(batch)}")
    return [_mosaic(held[0].to("cpu", torch.float64).numpy()) for held in activations_of(model, batch)]


def _mosaic(held: Float[np.ndarray, "..."]) -> Float[np.ndarray, "height width"]:
    channels = held if held.ndim == 3 else _folded(held)[None]
    count, height, width = channels.shape
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    mosaic = np.full((down * (height + GAP) - GAP, across * (width + GAP) - GAP), np.nan)
    for index, channel in enumerate(channels):
        top, left = index // across * (height + GAP), index % across * (width + GAP)
        mosaic[top : top + height, left : left + width] = channel
    return mosaic


def _folded(vector: Float[np.ndarray, " d"]) -> Float[np.ndarray, "rows columns"]:
    """A vector in rows of ⌈√d⌉, the last filled up with NaN; a square where d is one."""
    columns = math.ceil(math.sqrt(len(vector)))
    rows = math.ceil(len(vector) / columns)
    cells = np.full(rows * columns, np.nan)
    cells[: len(vector)] = vector
    return cells.reshape(rows, columns)
