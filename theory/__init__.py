"""First floor: what gradient descent must converge to.

What is named here is imported where it is first asked for, so that help is there at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from theory import depth, learning, tangent, wide
    from theory.bounds import identity_mse_bound
    from theory.decomposition import decompose
    from theory.derivations import derive
    from theory.ensemble import Ensemble, initialization_ensemble
    from theory.law import Law
    from theory.networks import FullyConnected
    from theory.one_per_image import PerImage, per_image
    from theory.optimizer import GradientDescent, max_stable_lr
    from theory.relu import ReluFate, relu_fate
    from theory.sliding_window import Convolutional, LocallyConnected
    from theory.torch_layers import from_torch
    from theory.training import TrainedNetwork, gradient_descent

__all__ = [
    "Convolutional",
    "Ensemble",
    "FullyConnected",
    "GradientDescent",
    "Law",
    "LocallyConnected",
    "PerImage",
    "ReluFate",
    "TrainedNetwork",
    "decompose",
    "depth",
    "derive",
    "from_torch",
    "gradient_descent",
    "identity_mse_bound",
    "initialization_ensemble",
    "learning",
    "max_stable_lr",
    "per_image",
    "relu_fate",
    "tangent",
    "wide",
]

_HOMES = {
    "Convolutional": "sliding_window",
    "Ensemble": "ensemble",
    "FullyConnected": "networks",
    "GradientDescent": "optimizer",
    "Law": "law",
    "LocallyConnected": "sliding_window",
    "PerImage": "one_per_image",
    "ReluFate": "relu",
    "TrainedNetwork": "training",
    "decompose": "decomposition",
    "derive": "derivations",
    "from_torch": "torch_layers",
    "gradient_descent": "training",
    "identity_mse_bound": "bounds",
    "initialization_ensemble": "ensemble",
    "max_stable_lr": "optimizer",
    "per_image": "one_per_image",
    "relu_fate": "relu",
}

_PACKAGES = ("depth", "learning", "tangent", "wide")


if not TYPE_CHECKING:  # which sees the imports above, and that there are no other names

    def __getattr__(name: str) -> Any:
        """Import what is asked for (PEP 562)."""
        if name in _PACKAGES:
            return import_module(f"{__name__}.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """The public names, imported or not."""
    return sorted({*globals(), *__all__})
