"""The layers that hold a network's weights, and how each kind counts its inputs and outputs: told here once."""

import math
from dataclasses import dataclass

from torch import Tensor, nn

from empirics.networks.locally_connected import LCN

WeightLayer = nn.Linear | nn.Conv2d | LCN


def weight_layers(network: nn.Module) -> list[WeightLayer]:
    """A network's weight layers, itself included, in the order in which they were registered."""
    return [layer for layer in network.modules() if isinstance(layer, WeightLayer)]


@dataclass(frozen=True)
class Fans:
    """A layer's weight as matrices: `blocks` of them (one, or one for each output pixel), each (outputs, f_in).

    Attributes:
        blocks: number of matrices.
        outputs: outputs of each.
        f_in: inputs of each output, taps of the kernel included.
        f_out: outputs that an input goes to where the kernel does not leave the image, taps included.
    """

    blocks: int
    outputs: int
    f_in: int
    f_out: int

    @classmethod
    def of(cls, layer: WeightLayer) -> "Fans":
        """As torch counts them."""
        pixels = layer.output_size if isinstance(layer, LCN) else ()
        outputs, inputs, *taps = layer.weight.shape[len(pixels) :]
        return cls(math.prod(pixels), outputs, inputs * math.prod(taps), outputs * math.prod(taps))


def places(layer: WeightLayer, positions: int) -> int:
    """At how many places one layer of a network of images of so many positions uses each of its weights."""
    return positions if isinstance(layer, nn.Conv2d) else 1


def wanted(layer: WeightLayer, given: Tensor) -> tuple[int, str, int | None]:
    """What a layer takes, in which unit, and how much of it an input has; None for one of too few axes."""
    if isinstance(layer, nn.Linear):
        return layer.in_features, "entries", given.shape[-1] if given.ndim else None
    return layer.in_channels, "channels", given.shape[-3] if given.ndim >= 3 else None
