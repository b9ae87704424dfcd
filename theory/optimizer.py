"""Gradient descent as `torch.optim.SGD` does it, and the largest learning rate at which it is stable."""

import math
from dataclasses import KW_ONLY, dataclass
from typing import Any

from jaxtyping import Num

from numerics.arguments import as_float64, schedule
from numerics.row_space import decomposed, to_numpy
from theory.networks import Network, check_network


@dataclass(frozen=True)
class GradientDescent:
    """Full-batch gradient descent with heavy-ball momentum and a step-decay schedule.

    Args:
        lr: learning rate η > 0, as in `torch.optim.SGD`.
        momentum: β in [0, 1), as in `torch.optim.SGD` (no dampening, no Nesterov).
        milestones: step numbers, ascending, after which the rate is multiplied by gamma, as in
            `torch.optim.lr_scheduler.MultiStepLR`.
        gamma: the factor of the step decay.

    Raises:
        TypeError: a setting of the wrong type.
        ValueError: lr or gamma not positive, momentum outside [0, 1), milestones negative or out of order.
    """

    lr: float
    _: KW_ONLY
    momentum: float = 0.0
    milestones: tuple[int, ...] = ()
    gamma: float = 0.2

    def __post_init__(self) -> None:
        lr, momentum, milestones, gamma = schedule(self.lr, self.momentum, self.milestones, self.gamma)
        object.__setattr__(self, "lr", lr)
        object.__setattr__(self, "momentum", momentum)
        object.__setattr__(self, "milestones", milestones)
        object.__setattr__(self, "gamma", gamma)

    @property
    def final_lr(self) -> float:
        """The learning rate after the last milestone."""
        return self.lr * self.gamma ** len(self.milestones)


def max_stable_lr(network: Network, inputs: Num[Any, "..."], *, momentum: float = 0.0) -> float:
    """Return the learning rate above which gradient descent on these inputs diverges.

    It converges, from any initial weights, below 2 (1 + β)/λ_max, where λ_max = 2 σ_max²/(number of target entries) is
    the largest eigenvalue of the mean squared error's Hessian (PyTorch's mean, over all entries).

    Args:
        network: a one-layer network.
        inputs: the training inputs, (n, d) or (d,), (n, C, H, W) or (C, H, W).
        momentum: β in [0, 1).

    Returns:
        The rate; inf where the inputs are all zero and nothing ever moves.

    Raises:
        TypeError: inputs that are not a real array.
        ValueError: inputs that do not fit the network, or momentum outside [0, 1).

    Example:
        >>> import numpy as np
        >>> from theory.networks import FullyConnected
        >>> round(max_stable_lr(FullyConnected(2), np.array([1.0, 1.0]), momentum=0.9), 6)
        1.9

    Source: Jury's conditions on μ² − (1 + β − ηλ) μ + β, derived in theory/derivations/momentum.py.
    """
    inputs = check_network(network).check_inputs("inputs", inputs)
    schedule(1.0, momentum, (), 1.0)
    space = decomposed(network.design(as_float64(inputs)))
    return stable_lr(to_numpy(space.singular_values), math.prod(network.target_shape(inputs)), momentum)


def stable_lr(singular_values: Any, target_entries: int, momentum: float) -> float:
    """2 (1 + β)/λ_max from the design matrix's singular values."""
    largest = float(singular_values.max())
    # Twice divided: the square of a small number may vanish.
    return (1 + momentum) * target_entries / largest / largest if largest > 0 else math.inf
