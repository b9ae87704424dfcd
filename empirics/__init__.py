"""A wing of its own: real PyTorch networks, really trained, and the images that they are trained on."""

from empirics.convolutional import CNN
from empirics.ensemble import TrainedEnsemble
from empirics.fully_connected import FCN
from empirics.image_sets import ImageSet, images
from empirics.initialization import initialize
from empirics.locally_connected import LCN
from empirics.pearson import correlation
from empirics.recipe import Recipe
from empirics.training import train

__all__ = [
    "CNN",
    "FCN",
    "LCN",
    "ImageSet",
    "Recipe",
    "TrainedEnsemble",
    "correlation",
    "images",
    "initialize",
    "train",
]
