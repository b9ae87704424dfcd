"""What holds at every depth: for any weights, activation and width, and whatever the training.

A network of L convolutions answers at a pixel by what it sees from there. Pixels from which it sees the same get the
same answer, in one image or in several, so that what a network answers one image with binds it on all others. A fully
connected network cannot tell directions off the span of its training images from each other.
"""

from theory.depth.admissible import Ceiling
from theory.depth.ceiling import ceiling, ceilings
from theory.depth.classes import pixel_classes
from theory.depth.fully_connected import identity_floor, linear_answer, mirrored
from theory.depth.linear_convolutional import linear_floor
from theory.depth.reach import Reach, least_depth, reach

__all__ = [
    "Ceiling",
    "Reach",
    "ceiling",
    "ceilings",
    "identity_floor",
    "least_depth",
    "linear_answer",
    "linear_floor",
    "mirrored",
    "pixel_classes",
    "reach",
]
