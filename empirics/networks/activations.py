"""The nonlinearities that a network may have between its layers, by name."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,  # slope 0.01 below zero, torch's
    "elu": functional.elu,
    "gelu": functional.gelu,
    "softplus": functional.softplus,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "erf": torch.erf,
}
