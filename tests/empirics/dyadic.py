"""Problems whose arithmetic is exact in float64, so that two ways to compute must agree bit for bit.

Weights and images are small integers; learning rate, momentum and decay are powers of two, and so is the number of
target entries, by which the mean divides. For a few steps every product and sum is then a multiple of a power of two
that 53 bits hold, in whatever order it is summed.
"""

import torch
from torch import Tensor, nn

from empirics import Recipe

RECIPE = Recipe(lr=0.5, momentum=0.5, decay_at=(0.5,), gamma=0.25, steps=3, precision="float64")


def integers(*shape: int, seed: int, low: int = -3, high: int = 4) -> Tensor:
    """Small integers in float64."""
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(seed)).to(torch.float64)


def integer_weights(network: nn.Module, members: int, seed: int = 0, high: int = 3) -> dict[str, Tensor]:
    """Initial weights of all members, small integers."""
    return {
        name: integers(members, *value.shape, seed=seed + index, low=1 - high, high=high)
        for index, (name, value) in enumerate(network.named_parameters())
    }
