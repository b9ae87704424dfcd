"""First floor: what gradient descent must converge to."""

from theory import wide
from theory.bounds import identity_mse_bound
from theory.decomposition import decompose
from theory.derivations import derive
from theory.ensemble import Ensemble, initialization_ensemble
from theory.networks import Convolutional, FullyConnected, LocallyConnected
from theory.optimizer import GradientDescent, max_stable_lr
from theory.relu import ReluFate, relu_fate
from theory.torch_layers import from_torch
from theory.training import TrainedNetwork, gradient_descent

__all__ = [
    "Convolutional",
    "Ensemble",
    "FullyConnected",
    "GradientDescent",
    "LocallyConnected",
    "ReluFate",
    "TrainedNetwork",
    "decompose",
    "derive",
    "from_torch",
    "gradient_descent",
    "identity_mse_bound",
    "initialization_ensemble",
    "max_stable_lr",
    "relu_fate",
    "wide",
]
