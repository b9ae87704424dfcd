"""A wing of its own: real PyTorch networks, really trained, and the images that they are trained on."""

from empirics.contraction import JacobianSpectrum, jacobian_spectrum
from empirics.convolutional import CNN
from empirics.ensemble import TrainedEnsemble
from empirics.fixed_points import Attractors, attractors
from empirics.fully_connected import FCN
from empirics.image_set import ImageSet
from empirics.image_sets import images
from empirics.initialization import initialize
from empirics.layers import layer_activations, layer_mosaics
from empirics.locally_connected import LCN
from empirics.mixing import blend, mix
from empirics.pearson import correlation
from empirics.probing import probe
from empirics.recipe import Recipe
from empirics.squared_error import mean_squared_error
from empirics.sweep import sweep, sweep_network, sweep_table
from empirics.sweep_spec import read_spec
from empirics.training import train
from empirics.zones import zone

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
