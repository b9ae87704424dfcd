"""Weights of many networks of one architecture, stacked along a first axis, the seeds; what the networks predict."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap

from empirics.arrays import converted, finite, tensor_of
from empirics.networks.architecture import outputs_of, outputs_of_member
from empirics.networks.initialization import draw
from empirics.networks.locally_connected import LCN
from empirics.training.stack.members import Weights

# Predictions are made in chunks whose largest intermediate result has about this many entries (128 MiB in float64).
CHUNK_ENTRIES = 2**24


def draw_stacked(network: nn.Module, scheme: str, seeds: Sequence[int], dtype: torch.dtype) -> Weights:
    """Initial weights of all seeds on the CPU: each seed's are what `initialize` would give it."""
    stacked = {
        name: torch.empty((len(seeds), *parameter.shape), dtype=dtype) for name, parameter in network.named_parameters()
    }
    for member, seed in enumerate(seeds):
        try:
            drawn = dict(draw(network, scheme, seed))
        except TypeError as error:
            raise TypeError(f"initial must be given, as a scheme cannot draw all weights: {error}") from None
        for name, values in drawn.items():
            if name not in stacked:  # tied to another, or computed from others
                raise TypeError(f"initial must be given: {name} is no parameter of its own, which a scheme could draw")
            stacked[name][member] = values
    return stacked


def check_stacked(network: nn.Module, initial: Any, members: int, dtype: torch.dtype) -> Weights:
    """Initial weights that a caller gave, copied to the CPU in `dtype`.

    Raises:
        TypeError: not a dict of real arrays.
        ValueError: names or shapes that are not the network's, or entries that are not finite.
    """
    if not isinstance(initial, Mapping):
        raise TypeError(f"initial must be a dict from parameter names to arrays, got {type(initial).__name__}")
    shapes = {name: (members, *parameter.shape) for name, parameter in network.named_parameters()}
    if set(initial) != set(shapes):
        raise ValueError(
            f"initial must hold {', '.join(sorted(shapes))}, got {', '.join(map(str, initial)) or 'nothing'}"
        )
    stacked = {name: tensor_of(f"initial[{name!r}]", initial[name]) for name in shapes}
    for name, shape in shapes.items():
        if tuple(stacked[name].shape) != shape:
            raise ValueError(
                f"initial[{name!r}] must have shape {shape}, seeds first, got {tuple(stacked[name].shape)}"
            )
    cpu = torch.device("cpu")
    return {
        name: converted(f"initial[{name!r}]", finite(f"initial[{name!r}]", value), dtype, cpu).clone()
        for name, value in stacked.items()
    }


def forward(network: nn.Module, weights: Weights, inputs: Tensor) -> Tensor:
    """Outputs of all members for the same inputs, (members, n, ...): the network's own forward, mapped over them."""
    return vmap(lambda member: outputs_of_member(network, member, inputs))(weights)


def forward_in_chunks(network: nn.Module, weights: Weights, inputs: Tensor) -> Tensor:
    """`forward` without gradients, in chunks of members and inputs so that its memory stays bounded."""
    members = next(iter(weights.values())).shape[0]
    per_input = _widest(network, inputs)
    together = max(1, min(members, CHUNK_ENTRIES // per_input))
    batch = max(1, CHUNK_ENTRIES // (per_input * together))
    with torch.no_grad():
        return torch.cat(
            [
                torch.cat([forward(network, some, part) for part in inputs.split(batch)], dim=1)
                for start in range(0, members, together)
                for some in [{name: value[start : start + together] for name, value in weights.items()}]
            ]
        )


def _widest(network: nn.Module, inputs: Tensor) -> int:
    """Entries of the largest result of any layer for one input."""
    few = inputs[:2]  # two, for networks that compare inputs with each other
    sizes = [few.numel()]

    def note(layer: nn.Module, _: Any, outputs: Any) -> None:
        unfolded = len(few) * layer.weight[..., 0, :, :, :].numel() if isinstance(layer, LCN) else 0
        sizes.append(max(unfolded, outputs.numel() if isinstance(outputs, Tensor) else 0))

    hooks = [layer.register_forward_hook(note) for layer in network.modules()]
    try:
        with torch.no_grad():
            outputs_of(network, few)
    finally:
        for hook in hooks:
            hook.remove()
    return math.ceil(max(sizes) / len(few))
