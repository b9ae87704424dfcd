"""How many members train at once, and by which code: what `benchmarks/stacked_training.py` found to be fastest.

A stack that no longer fits the processor's cache is slower than its members one by one, and one member is too few to
hide what a step costs however small it is. So the rule looks at sizes alone: the same call is divided the same way on
every machine.
"""

import math
from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from empirics.convolutional import CNN
from empirics.fully_connected import FCN
from empirics.recipe import Recipe
from empirics.stack import has_stacked_layers

CACHE = 16 * 2**20  # bytes: what measured fastest on processors with 16 to 32 MiB of shared cache
WIDE = 48  # channels from which torch's own float32 convolution is fastest on a CPU
NARROW = 12  # channels below which one member alone costs more in small operations than it saves


@dataclass(frozen=True)
class Division:
    """Members in stacks.

    Attributes:
        way: how each stack computes, a name in `empirics.stack.WAYS`.
        sizes: of the stacks, in order.
    """

    way: str
    sizes: tuple[int, ...]

    def __str__(self) -> str:
        return " + ".join(f"{count} × {size}" for size, count in Counter(self.sizes).items()) + f" {self.way}"

    @property
    def stacks(self) -> list[range]:
        """The members of each stack, by their places among all."""
        ends = [sum(self.sizes[: index + 1]) for index in range(len(self.sizes))]
        return [range(end - size, end) for size, end in zip(self.sizes, ends, strict=True)]


def divide(network: nn.Module, members: int, inputs: Tensor, recipe: Recipe) -> Division:
    """Divide members into stacks of equal sizes, or of two that differ by one."""
    if inputs.device.type == "cuda":
        room = torch.cuda.mem_get_info(inputs.device)[1] // 16  # for all shifts copied, several times this much
        way = "mapped"  # until the quickest is known, see `empirics.quickest`
    else:
        room = CACHE
        way = _way(network, inputs, recipe, min(members, CACHE // _bytes(network, inputs)))
    most = 1 if way == "alone" else max(1, min(members, room // _bytes(network, inputs)))
    stacks = math.ceil(members / most)
    fewer, larger = divmod(members, stacks)
    return Division(way, (fewer + 1,) * larger + (fewer,) * (stacks - larger))


def _way(network: nn.Module, inputs: Tensor, recipe: Recipe, together: int) -> str:
    if not has_stacked_layers(network) or recipe.precision == "bfloat16":
        return "mapped" if together > 1 else "alone"
    if isinstance(network, FCN):
        return "layered"
    assert isinstance(network, CNN)
    if recipe.dtype == torch.float32 and network.channels >= WIDE and network.depth > 1:
        return "alone"
    return "layered" if together > 1 or network.channels >= NARROW else "alone"


def _bytes(network: nn.Module, inputs: Tensor) -> int:
    """What one member works on in a step, roughly: weights, gradients, two moments, and what its layers keep."""
    entries = 4 * sum(parameter.numel() for parameter in network.parameters())
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            entries += 3 * len(inputs) * layer.out_features
        elif isinstance(layer, nn.Conv2d):
            shifted = layer.kernel_size[1] * (layer.in_channels + layer.out_channels)
            entries += (shifted + 3 * layer.out_channels) * len(inputs) * math.prod(inputs.shape[2:])
    return max(1, entries) * inputs.element_size()
