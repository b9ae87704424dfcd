"""Gradient descent of a network in hand on one-hot targets, linearized at its own initial weights."""

import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from numerics.arguments import as_float64, common_namespace, real_array
from numerics.row_space import to_numpy
from theory.learning.labelled_law import Certain, Moments
from theory.optimizer import GradientDescent
from theory.tangent import Linearization, linearize
from theory.wide.network import like

if TYPE_CHECKING:
    import torch


def outputs_of(model: Any, inputs: Any) -> int:
    """How many outputs a network has for each input.

    Raises:
        TypeError: no torch module.
        ValueError: a model that does not fit the inputs, or whose outputs are not (n, classes).
    """
    import torch

    from theory.tangent.arrays import float64
    from theory.tangent.module import check_module

    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"network must be a wide.FullyConnected or a torch.nn.Module, got {model!r:.60}")
    x = float64("inputs", inputs)
    answered = check_module(float64_copy(model, x.device), x)
    if answered.ndim != 2 or answered.shape[1] < 2:
        raise ValueError(
            "network must output (n, classes), of two classes at least, "
            f"got {tuple(answered.shape)} for inputs of shape {tuple(x.shape)}"
        )
    return int(answered.shape[1])


def float64_copy(model: "torch.nn.Module", device: "torch.device") -> "torch.nn.Module":
    """The same network in float64, not the caller's own."""
    import torch

    return copy.deepcopy(model).to(device, torch.float64)


@dataclass(frozen=True, eq=False)
class TangentDescent:
    """One network's training problem, as `theory.tangent` has it.

    Attributes:
        trained_on: the training inputs as they were given.
        linearization: of the network, with the labels as targets.
    """

    trained_on: Any = field(repr=False)
    linearization: Linearization

    @classmethod
    def of(cls, model: "torch.nn.Module", inputs: Any, targets: np.ndarray) -> "TangentDescent":
        """Linearize the network at its own weights; the arguments have been checked."""
        return cls(inputs, linearize(model, as_float64(inputs), like(as_float64(inputs), targets)))

    @cached_property
    def spectrum(self) -> np.ndarray:
        """The eigenvalues of J Jᵀ, descending."""
        return np.asarray(self.linearization.spectrum) ** 2

    @property
    def rates(self) -> np.ndarray:
        """λ of the loss's Hessian."""
        return 2 * self.spectrum / len(self.linearization.directions)

    def energies(self, told: np.ndarray) -> np.ndarray:
        """How much of some targets, squared, lies along each direction."""
        return (self.linearization.directions.T @ told.reshape(-1)) ** 2

    def like(self, values: np.ndarray) -> Any:
        """Results as arrays of the training inputs' kind."""
        return like(self.trained_on, values)

    def check(self, x: Any) -> Any:
        """Refuse inputs that cannot be asked about; prediction refuses those that do not fit the network."""
        x = real_array("x", x, None)
        common_namespace(x=x, inputs=self.trained_on, same_dtype=False)
        return x

    def on_training(self, steps: tuple[int, ...], optimizer: GradientDescent) -> Moments:
        """The answers to the training inputs."""
        return self.on(self.trained_on, steps, optimizer)

    def on(self, x: Any, steps: tuple[int, ...], optimizer: GradientDescent) -> Moments:
        """The answers to other inputs."""
        asked = as_float64(x)
        found = [self.linearization.after(steps=t, optimizer=optimizer)(asked) for t in steps]
        mean = np.stack([to_numpy(answers) for answers in found])
        return Certain(mean, np.zeros(mean.shape[:2]))
