"""torch's optimizers, by name, on stacked parameters.

All of them work entry by entry, so that one optimizer over the stacked parameters of many members does to each member
exactly what an optimizer of its own would do. Where torch has a fused kernel, which reads and writes each number once a
step, that one is taken. For SGD it gives the very bits of the plain one, unless entries are left over that fill no
register of the processor: then the plain one is taken.
"""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, optim

Parameters = Iterable[Tensor]
State = dict[str, Tensor]  # "layers.0.weight/exp_avg" to (members, ...), "layers.0.weight/step" to a scalar
COUNT = "step"

VECTOR = 16  # numbers that fill any processor's register


def _sgd(parameters: Parameters, lr: float, β: float, _: bool) -> optim.SGD:
    all_of = list(parameters)
    fused = all(parameter.is_cuda or parameter.numel() % VECTOR == 0 for parameter in all_of)
    return optim.SGD(all_of, lr=lr, momentum=β, fused=fused)


# `capturable` keeps counts on the device, for CUDA graphs. Adagrad has no such setting and needs none: its count, which
# stays on the CPU, changes nothing as long as it has no decay. Its fused kernel for CUDA is not in every torch.
OPTIMIZERS: dict[str, Callable[[Parameters, float, float, bool], optim.Optimizer]] = {
    "sgd": _sgd,
    "adam": lambda parameters, lr, β, capturable: optim.Adam(
        parameters, lr=lr, betas=(β, 0.999), fused=True, capturable=capturable
    ),
    "adamax": lambda parameters, lr, β, capturable: optim.Adamax(
        parameters, lr=lr, betas=(β, 0.999), capturable=capturable
    ),
    "rmsprop": lambda parameters, lr, β, capturable: optim.RMSprop(
        parameters, lr=lr, momentum=β, capturable=capturable
    ),
    "adagrad": lambda parameters, lr, _, capturable: optim.Adagrad(parameters, lr=lr, fused=not capturable),
}


# Learning rates that train nearly every network here, if slowly; those of optimizers that scale their own steps are for
# weights of the usual sizes, whatever the images.
USUAL_RATES = {"sgd": 0.01, "adam": 0.001, "adamax": 0.001, "rmsprop": 0.001, "adagrad": 0.01}


def remembered(optimizer: optim.Optimizer, leaves: Mapping[str, Tensor], shapes: Mapping[str, torch.Size]) -> State:
    """A copy of what an optimizer knows of its parameters, in the shapes that stacked weights have."""
    return {
        f"{name}/{key}": value.detach().clone() if key == COUNT else value.detach().clone().view(shapes[name])
        for name, leaf in leaves.items()
        for key, value in optimizer.state[leaf].items()
        if isinstance(value, Tensor)
    }


def remind(optimizer: optim.Optimizer, leaves: Mapping[str, Tensor], state: State) -> None:
    """Give an optimizer what another one of its kind knew of the same parameters."""
    for key, value in state.items():
        name, _, what = key.rpartition("/")
        leaf, held = leaves[name], optimizer.state[leaves[name]]
        if what in held:  # Adagrad's, from the beginning
            held[what].copy_(value.view_as(held[what]))
        else:
            held[what] = value.clone() if what == COUNT else value.clone().view_as(leaf)


def of_members(state: State, which: list[int]) -> State:
    """The part of an optimizer's state that belongs to some members."""
    return {key: value if key.endswith(f"/{COUNT}") else value[which] for key, value in state.items()}
