"""How many members train at once, and by which code: what `benchmarks/rows/training.py` found to be fastest.

A stack that no longer fits the processor's cache is slower than its members one by one; in a very small stack the fixed
overhead of each step dominates. So the rule looks at sizes alone: the same call is divided the same way everywhere.
"""

import math
from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from empirics.networks.convolutional import CNN
from empirics.networks.fully_connected import FCN
from empirics.networks.weight_layers import Fans, places, weight_layers
from empirics.training.recipe import Recipe
from empirics.training.stack.members import has_stacked_layers

CACHE = 16 * 2**20  # bytes: what measured fastest on processors with 16 to 32 MiB of shared cache
LARGE = 4 * 2**20  # bytes from which one member's memory costs more than a step's small operations
WIDE = {torch.float32: 48, torch.float64: 96}  # channels from which torch's own convolution is fastest on a CPU


@dataclass(frozen=True)
class Division:
    """Members in stacks.

    Attributes:
        way: how each stack computes, a name in `empirics.training.stack.members.WAYS`.
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
        way = "mapped"  # until the quickest is known, see `empirics.training.quickest`
    else:
        room = CACHE
        way = _way(network, inputs, recipe, members)
    most = 1 if way == "alone" else max(1, min(members, room // _bytes(network, inputs)))
    stacks = math.ceil(members / most)
    fewer, larger = divmod(members, stacks)
    return Division(way, (fewer + 1,) * larger + (fewer,) * (stacks - larger))


def _way(network: nn.Module, inputs: Tensor, recipe: Recipe, members: int) -> str:
    size = _bytes(network, inputs)
    several = members > 1 and CACHE // size > 1
    if not has_stacked_layers(network) or recipe.precision == "bfloat16":
        return "mapped" if several else "alone"
    if isinstance(network, FCN):
        return "layered" if several or size > LARGE else "alone"
    assert isinstance(network, CNN)
    wide = network.depth > 1 and network.channels >= WIDE[recipe.dtype]
    # Two are too few against torch's own float32 convolution, if there is no room for more.
    few = recipe.dtype == torch.float32 and CACHE // size < 3
    return "layered" if several and not wide and not few else "alone"


def _bytes(network: nn.Module, inputs: Tensor) -> int:
    """What one member works on in a step, roughly: weights, gradients, two moments, and what its layers keep."""
    entries = 4 * sum(parameter.numel() for parameter in network.parameters())
    positions = math.prod(inputs.shape[2:])
    for layer in weight_layers(network):
        shifted = layer.kernel_size[1] * (layer.in_channels + layer.out_channels) if isinstance(layer, nn.Conv2d) else 0
        outputs = Fans.of(layer).blocks * Fans.of(layer).outputs
        entries += (shifted + 3 * outputs) * len(inputs) * places(layer, positions)
    return max(1, entries) * inputs.element_size()
