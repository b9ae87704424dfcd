"""A wing of its own: real PyTorch networks, really trained, and the images that they are trained on."""

from empirics.images.by_name import images
from empirics.images.image_set import ImageSet
from empirics.images.mixing import blend, mix
from empirics.measures.activations import layer_activations, layer_mosaics
from empirics.measures.fixed_points import Attractors, attractors
from empirics.measures.jacobian import JacobianSpectrum, jacobian_spectrum
from empirics.measures.pearson import correlation
from empirics.measures.probing import probe
from empirics.measures.squared_error import mean_squared_error
from empirics.measures.zones import zone
from empirics.networks.convolutional import CNN
from empirics.networks.fully_connected import FCN
from empirics.networks.initialization import initialize
from empirics.networks.locally_connected import LCN
from empirics.sweeps.spec import read_spec
from empirics.sweeps.sweep import sweep, sweep_network, sweep_table
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
