"""From a torch module to its infinite-width limit."""

from typing import TYPE_CHECKING, Any

from theory.torch_layers import HOOKS, obstacle
from theory.wide.convolutional import Convolutional
from theory.wide.fully_connected import FullyConnected

if TYPE_CHECKING:
    import torch


def from_torch(
    module: "torch.nn.Sequential", *, scheme: str = "default", parameterization: str = "standard"
) -> FullyConnected | Convolutional:
    """Return the infinitely wide network that a torch module of layers in a row is a finite one of.

    Its depth, width, biases, kernels, padding and activation are the module's; its law of initial weights is the
    scheme's, and what the module's weights are at present has no influence (for those, `theory.tangent.linearize`).
    With the standard parameterization learning rates are torch's.

    Args:
        module: a `torch.nn.Sequential`, or several within each other, of `Linear` layers alone or of `Conv2d` layers
            alone, all of one kind, with one activation between them: `ReLU`, `LeakyReLU` of slope 0.01, or none.
        scheme: how its weights are drawn: "default" for as torch draws them by itself, biases too; else a name of
            `theory.initialization_ensemble`, whose biases start at zero.
        parameterization: "standard" or "ntk"; see theory/wide/layers.py.

    Returns:
        The network; its inputs are the module's.

    Raises:
        TypeError: a module that is no Sequential, or holds a layer that the limit does not know, which is named.
        ValueError: layers that differ where the limit needs them alike (widths of hidden layers, kernels, padding,
            biases, activations); a layer in two places, or one that computes or trains otherwise than torch made it;
            convolutions with stride, dilation or groups, or whose outputs are smaller than their inputs; a scheme or
            parameterization of another name.

    Example:
        >>> from torch import nn
        >>> module = nn.Sequential(nn.Linear(9, 64), nn.ReLU(), nn.Linear(64, 9))
        >>> network = from_torch(module)
        >>> network.depth, network.width, network.bias, network.scheme
        (2, 64, True, 'default')
    """
    from torch import nn  # torch is imported only by those who already use it

    layers, activation = _layers(module)
    first, hidden = layers[0][1], layers[:-1]
    convolutional = isinstance(first, nn.Conv2d)
    widths = {layer.out_channels if convolutional else layer.out_features for _, layer in hidden}
    if len(widths) > 1:
        raise ValueError(f"module must have hidden layers of one width, got {', '.join(map(str, sorted(widths)))}")
    settings = {
        "activation": activation,
        "scheme": scheme,
        "bias": _alike(layers, "bias", lambda layer: layer.bias is not None),
        "parameterization": parameterization,
        "width": next(iter(widths), None),
    }
    if not convolutional:
        return FullyConnected(len(layers), **settings)
    for place, layer in layers:
        if layer.stride != (1, 1) or layer.dilation != (1, 1) or layer.groups != 1:
            raise ValueError(
                f"module[{place}] must have stride 1, dilation 1 and groups 1, got stride={layer.stride}, "
                f"dilation={layer.dilation}, groups={layer.groups}"
            )
        kernel = layer.kernel_size
        if layer.padding != "same" and tuple(2 * pad + 1 for pad in layer.padding) != kernel:
            raise ValueError(
                f"module[{place}] must answer with images of the size that it is given, padding='same', "
                f"got kernel_size={kernel} with padding={layer.padding}"
            )
    kernel = _alike(layers, "kernel_size", lambda layer: layer.kernel_size)
    mode = _alike(layers, "padding_mode", lambda layer: layer.padding_mode)
    return Convolutional(len(layers), kernel, padding_mode=mode, **settings)


def _layers(module: Any) -> tuple[list[tuple[str, Any]], str]:
    """The weight layers of a Sequential, each with its place in it, and the name of the activation between them."""
    from torch import nn

    if not isinstance(module, nn.Sequential) or type(module).forward is not nn.Sequential.forward:
        raise TypeError(f"module must be a torch.nn.Sequential of layers, got {type(module).__name__}")
    steps = list(_flat(module, ""))
    layers: list[tuple[str, Any]] = []
    between: list[tuple[str, str | None]] = []
    for place, step in steps:
        if type(step) in (nn.Linear, nn.Conv2d):
            if layers and type(step) is not type(layers[0][1]):
                raise ValueError(f"module must have Linear layers alone or Conv2d layers alone, got both at {place}")
            if any(step is layer for _, layer in layers):
                raise ValueError(f"module[{place}] must have weights of its own, got a layer that comes before")
            if found := obstacle(step):
                raise ValueError(f"module[{place}] must be as torch made it: {found}")
            layers.append((place, step))
            between.append((place, None))
        elif type(step) is nn.Identity:
            continue
        elif name := _activation(place, step):
            if not between or between[-1][1] is not None:
                raise ValueError(f"module must have an activation after each hidden layer alone, got one at {place}")
            between[-1] = (place, name)
        else:
            raise TypeError(
                f"module[{place}] is a {type(step).__name__}, which the infinite-width limit does not know: it takes "
                "Linear or Conv2d layers with ReLU or LeakyReLU between them"
                + (", and vectors: flatten images before the network" if "latten" in type(step).__name__ else "")
            )
    if not layers:
        raise ValueError("module must have a Linear or Conv2d layer, got none")
    if between[-1][1] is not None:
        raise ValueError(f"module must end with a Linear or Conv2d layer, got an activation at {between[-1][0]}")
    names = {name or "linear" for _, name in between[:-1]}
    if len(names) > 1:
        raise ValueError(f"module must have one activation after every hidden layer, got {', '.join(sorted(names))}")
    return layers, next(iter(names), "relu")


def _flat(module: Any, place: str) -> Any:
    """What a Sequential applies, one after the other, each with its place in it."""
    from torch import nn

    for attribute, what in HOOKS.items():
        if getattr(module, attribute):
            raise ValueError(f"module{f'[{place}]' * bool(place)} must be as torch made it: it has {what}")
    if "forward" in vars(module):
        raise ValueError(f"module{f'[{place}]' * bool(place)} must be as torch made it: it has a forward of its own")
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        for index, child in enumerate(module):  # one that stands in two places comes twice
            yield from _flat(child, f"{place}.{index}" if place else str(index))
    else:
        yield place, module


def _activation(place: str, step: Any) -> str | None:
    """The name by which the limit knows an activation; None for another module."""
    from torch import nn

    if type(step) is nn.ReLU:
        return "relu"
    if type(step) is nn.LeakyReLU:
        if step.negative_slope != 0.01:
            raise ValueError(f"module[{place}] must have the slope 0.01, got {step.negative_slope}")
        return "leaky_relu"
    return None


def _alike(layers: list[tuple[str, Any]], what: str, value: Any) -> Any:
    """What all layers must have in common."""
    found = {value(layer) for _, layer in layers}
    if len(found) > 1:
        raise ValueError(f"module must have layers of one {what}, got {', '.join(map(str, sorted(found)))}")
    return found.pop()
