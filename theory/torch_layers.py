"""From a torch layer to the theory of it."""

from typing import TYPE_CHECKING, Any

from theory.networks import Convolutional, FullyConnected

if TYPE_CHECKING:
    import torch


def from_torch(layer: "torch.nn.Linear | torch.nn.Conv2d") -> tuple[FullyConnected | Convolutional, Any]:
    """Return (network, initial): the theory of a layer you already have, and the weights it starts from.

    Args:
        layer: a `torch.nn.Linear`, or a `torch.nn.Conv2d` with groups=1.

    Returns:
        The network, and a copy of the layer's weight, or (weight, bias), to give to `gradient_descent` as `initial`.

    Raises:
        TypeError: any other layer.
        ValueError: a grouped convolution.
    """
    from torch import nn  # torch is imported only by those who already use it

    network: FullyConnected | Convolutional
    if isinstance(layer, nn.Linear):
        network = FullyConnected(layer.in_features, layer.out_features, bias=layer.bias is not None)
    elif isinstance(layer, nn.Conv2d):
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
    else:
        raise TypeError(f"layer must be a torch.nn.Linear or torch.nn.Conv2d, got {type(layer).__name__}")
    weight = layer.weight.detach().clone()
    return network, weight if layer.bias is None else (weight, layer.bias.detach().clone())
