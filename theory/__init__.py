"""First floor: what gradient descent must converge to."""

from theory.decomposition import decompose
from theory.networks import Convolutional, FullyConnected, LocallyConnected
from theory.optimizer import GradientDescent, max_stable_lr
from theory.torch_layers import from_torch
from theory.training import TrainedNetwork, gradient_descent

__all__ = [
    "Convolutional",
    "FullyConnected",
    "GradientDescent",
    "LocallyConnected",
    "TrainedNetwork",
    "decompose",
    "from_torch",
    "gradient_descent",
    "max_stable_lr",
]
