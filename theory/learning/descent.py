"""What the law of learning asks of a training problem, wherever its answers come from."""

from typing import Any, Protocol

import numpy as np
from jaxtyping import Float

from theory.learning.labelled_law import Moments
from theory.optimizer import GradientDescent


class Descent(Protocol):
    """Gradient descent on one-hot targets, in the modes of a tangent kernel."""

    @property
    def spectrum(self) -> Float[np.ndarray, " modes"]:
        """The tangent kernel's eigenvalues, descending."""

    @property
    def rates(self) -> Float[np.ndarray, " modes"]:
        """λ of the loss's Hessian along each of them."""

    def energies(self, told: Float[np.ndarray, "n classes"]) -> Float[np.ndarray, " modes"]:
        """How much of some targets, squared, lies along each mode."""

    def like(self, values: np.ndarray) -> Any:
        """Results as arrays of the training inputs' kind."""

    def check(self, x: Any) -> Any:
        """Refuse inputs that cannot be asked about."""

    def on_training(self, steps: tuple[int, ...], optimizer: GradientDescent) -> Moments:
        """The answers to the training inputs."""

    def on(self, x: Any, steps: tuple[int, ...], optimizer: GradientDescent) -> Moments:
        """The answers to other inputs, which have been checked."""
