"""A wing of its own: real PyTorch networks, really trained, and the images that they are trained on.

What is named here is imported where it is first asked for: torch takes seconds to load, and help or images do not
need it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from empirics.images.by_name import images

if TYPE_CHECKING:
    from empirics.images.image_set import ImageSet
    from empirics.images.mixing import blend, mix
    from empirics.measures.activations import layer_activations, layer_mosaics
    from empirics.measures.comparison import correlation, mean_squared_error
    from empirics.measures.fixed_points import Attractors, attractors
    from empirics.measures.jacobian import JacobianSpectrum, jacobian_spectrum
    from empirics.measures.likeness import Likeness, likeness
    from empirics.measures.probing import probe
    from empirics.measures.zones import zone
    from empirics.networks.convolutional import CNN
    from empirics.networks.fully_connected import FCN
    from empirics.networks.initialization import initialize
    from empirics.networks.locally_connected import LCN
    from empirics.sweeps.results import sweep_network, sweep_table
    from empirics.sweeps.spec import read_spec
    from empirics.sweeps.sweep import sweep
    from empirics.training.ensemble import TrainedEnsemble
    from empirics.training.recipe import Recipe
    from empirics.training.train import train

__all__ = [
    "CNN",
    "FCN",
    "LCN",
    "Attractors",
    "ImageSet",
    "JacobianSpectrum",
    "Likeness",
    "Recipe",
    "TrainedEnsemble",
    "attractors",
    "blend",
    "correlation",
    "images",
    "initialize",
    "jacobian_spectrum",
    "layer_activations",
    "layer_mosaics",
    "likeness",
    "mean_squared_error",
    "mix",
    "probe",
    "read_spec",
    "sweep",
    "sweep_network",
    "sweep_table",
    "train",
    "zone",
]

_HOMES = {
    "CNN": "networks.convolutional",
    "FCN": "networks.fully_connected",
    "LCN": "networks.locally_connected",
    "Attractors": "measures.fixed_points",
    "ImageSet": "images.image_set",
    "JacobianSpectrum": "measures.jacobian",
    "Likeness": "measures.likeness",
    "Recipe": "training.recipe",
    "TrainedEnsemble": "training.ensemble",
    "attractors": "measures.fixed_points",
    "blend": "images.mixing",
    "correlation": "measures.comparison",
    "initialize": "networks.initialization",
    "jacobian_spectrum": "measures.jacobian",
    "layer_activations": "measures.activations",
    "layer_mosaics": "measures.activations",
    "likeness": "measures.likeness",
    "mean_squared_error": "measures.comparison",
    "mix": "images.mixing",
    "probe": "measures.probing",
    "read_spec": "sweeps.spec",
    "sweep": "sweeps.sweep",
    "sweep_network": "sweeps.results",
    "sweep_table": "sweeps.results",
    "train": "training.train",
    "zone": "measures.zones",
}


if not TYPE_CHECKING:  # which sees the imports above, and that there are no other names

    def __getattr__(name: str) -> Any:
        """Import what is asked for (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """The public names, imported or not."""
    return sorted({*globals(), *__all__})
