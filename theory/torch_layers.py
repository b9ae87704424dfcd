"""From a torch layer to the theory of it."""

from typing import TYPE_CHECKING, Any

from theory.networks import FullyConnected
from theory.sliding_window import Convolutional

if TYPE_CHECKING:
    import torch


def from_torch(layer: "torch.nn.Linear | torch.nn.Conv2d") -> tuple[FullyConnected | Convolutional, Any]:
    """Return (network, initial): the theory of a layer you already have, and the weights it starts from.

    Only of the plain layer, whose every weight gradient descent moves: what computes or trains otherwise is refused.

    Args:
        layer: a `torch.nn.Linear`, or a `torch.nn.Conv2d` with groups=1.

    Returns:
        The network, and a copy of the layer's weight, or (weight, bias), to give to `gradient_descent` as `initial`.

    Raises:
        TypeError: another layer, subclasses of these included, whose forward may be another.
        ValueError: a grouped convolution; a layer with parametrizations (such as weight or spectral normalization),
            pruning, hooks, a forward of its own, frozen weights, or weights without numbers.

    Example:
        >>> import torch
        >>> network, initial = from_torch(torch.nn.Linear(3, 3, bias=False))
        >>> network.in_features, tuple(initial.shape)
        (3, (3, 3))
    """
    from torch import nn  # torch is imported only by those who already use it

    if type(layer) not in (nn.Linear, nn.Conv2d):
        derived = (
            ", a subclass, whose forward may compute something else" if isinstance(layer, nn.Linear | nn.Conv2d) else ""
        )
        raise TypeError(
            f"layer must be a torch.nn.Linear or torch.nn.Conv2d itself, got {type(layer).__name__}{derived}"
        )
    if found := obstacle(layer):
        raise ValueError(f"layer must be as torch made it, with nothing between its weights and its training: {found}")
    network: FullyConnected | Convolutional
    if isinstance(layer, nn.Linear):
        network = FullyConnected(layer.in_features, layer.out_features, bias=layer.bias is not None)
    else:
        if layer.groups != 1:
            raise ValueError(f"layer must have groups=1, got groups={layer.groups}")
        network = Convolutional(
            layer.in_channels,
            layer.out_channels,
            kernel_size=layer.kernel_size,
            stride=layer.stride,
            padding=layer.padding,
            padding_mode=layer.padding_mode,
            dilation=layer.dilation,
            bias=layer.bias is not None,
        )
    weight = layer.weight.detach().clone()
    return network, weight if layer.bias is None else (weight, layer.bias.detach().clone())


HOOKS = {
    "_forward_hooks": "a forward hook",
    "_forward_pre_hooks": "a forward pre-hook (old-style weight or spectral normalization, and pruning, are such)",
    "_backward_hooks": "a backward hook",
    "_backward_pre_hooks": "a backward pre-hook",
}


def obstacle(layer: Any) -> str | None:
    """What makes a layer compute or train otherwise than the plain one, in words; None where nothing does."""
    from torch import nn
    from torch.nn.utils.parametrize import is_parametrized

    if is_parametrized(layer):
        names = ", ".join(layer.parametrizations)
        return f"its {names} has a parametrization; torch.nn.utils.parametrize.remove_parametrizations takes it away"
    for attribute, what in HOOKS.items():
        if getattr(layer, attribute):
            return f"it has {what}"
    for name in ("forward", "__call__", "_conv_forward"):
        if name in vars(layer):
            return f"it has a {name} of its own"
    if list(layer.children()):
        return f"it holds another module, {next(iter(layer.named_children()))[0]}"
    if extra := set(dict(layer.named_parameters())) - {"weight", "bias"} | set(dict(layer.named_buffers())):
        return f"it has further tensors, {', '.join(sorted(extra))}"
    for name in ("weight", "bias"):
        value = getattr(layer, name)
        if value is None:
            continue
        if not isinstance(value, nn.Parameter):
            return f"its {name} is no parameter of its own"
        if not value.requires_grad:
            return f"its {name} is frozen (requires_grad is False), and training would not move it"
        if value._backward_hooks or getattr(value, "_post_accumulate_grad_hooks", None):
            return f"its {name} has a hook on its gradient"
        if value.is_meta:
            return f"its {name} is on the device 'meta' and has no numbers"
        if not value.is_floating_point() or "float8" in str(value.dtype):
            return f"its {name} is of {value.dtype}, and theory is about real numbers"
    return None
