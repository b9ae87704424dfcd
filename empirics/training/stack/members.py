"""Several networks of one architecture as one: their losses, computed together, from weights stacked members first."""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import vmap
from torch.nn import functional

from empirics.networks.architecture import is_as_described, outputs_of, outputs_of_member
from empirics.networks.convolutional import CNN
from empirics.networks.fully_connected import FCN
from empirics.training.stack.layers import FEW, StackedConvolution, StackedLinear

Weights = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Stack:
    """Members that train together.

    Attributes:
        leaves: by name, the tensors that an optimizer moves.
        weights: the same memory, parameter name to (members, ...).
        losses: each member's `torch.nn.MSELoss()` for the weights as they are, (members,).
    """

    leaves: Weights
    weights: Weights
    losses: Callable[[], Tensor]


def alone(network: nn.Module, initial: Mapping[str, Tensor], inputs: Tensor, targets: Tensor) -> Stack:
    """One member, by the network's own forward: what anyone would write."""
    module = copy.deepcopy(network)
    leaves: Weights = dict(module.named_parameters())
    with torch.no_grad():
        for name, value in leaves.items():
            value.copy_(initial[name][0])
    return Stack(
        leaves,
        {name: value.detach().unsqueeze(0) for name, value in leaves.items()},
        lambda: functional.mse_loss(outputs_of(module, inputs), targets).unsqueeze(0),
    )


def mapped(network: nn.Module, initial: Mapping[str, Tensor], inputs: Tensor, targets: Tensor) -> Stack:
    """Members of any architecture: the network's own forward, mapped over them."""
    leaves = _leaves(initial)

    def loss(member: Weights) -> Tensor:
        return functional.mse_loss(outputs_of_member(network, member, inputs), targets)

    return _stack(leaves, lambda: vmap(loss)(leaves))


def layered(
    network: nn.Module, initial: Mapping[str, Tensor], inputs: Tensor, targets: Tensor, *, few: float = FEW
) -> Stack:
    """Members of an architecture that `has_stacked_layers`; for `few` see `StackedConvolution`."""
    assert isinstance(network, FCN | CNN)
    leaves = _leaves(initial)
    members = len(next(iter(leaves.values())))
    pairs = [(leaves[f"layers.{i}.weight"], leaves.get(f"layers.{i}.bias")) for i in range(network.depth)]
    layers: list[Callable[[Tensor], Tensor]]
    if isinstance(network, CNN):
        layers = [StackedConvolution(weight, bias, network.window, few=few) for weight, bias in pairs]
        given, wanted = inputs.permute(1, 2, 0, 3), targets.permute(1, 2, 0, 3)
    else:
        layers = [StackedLinear(weight, bias) for weight, bias in pairs]
        given, wanted = inputs, targets
    shared = given.expand(members, *given.shape)

    def losses() -> Tensor:
        outputs = network.through(layers, shared)
        return (outputs - wanted).square().flatten(1).mean(1)

    return _stack(leaves, losses)


def has_stacked_layers(network: nn.Module) -> bool:
    """Whether `layered` knows all that a network does."""
    known = type(network) is FCN or (
        type(network) is CNN and network.window.stride == (1, 1) and network.window.padding_mode == "zeros"
    )
    return known and is_as_described(network)


def _leaves(initial: Mapping[str, Tensor]) -> Weights:
    return {
        name: value.clone(memory_format=torch.contiguous_format).requires_grad_() for name, value in initial.items()
    }


def _stack(leaves: Weights, losses: Callable[[], Tensor]) -> Stack:
    return Stack(leaves, {name: value.detach() for name, value in leaves.items()}, losses)


WAYS: dict[str, Callable[[nn.Module, Mapping[str, Tensor], Tensor, Tensor], Stack]] = {
    "alone": alone,
    "mapped": mapped,
    "layered": layered,
    "unfolded": partial(layered, few=math.inf),
}
