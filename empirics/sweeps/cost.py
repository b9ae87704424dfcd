"""What training a group costs, before anything has been measured: good for shares of the total, not for seconds."""

import math
from collections.abc import Sequence

import torch

from empirics.networks.weight_layers import places, weight_layers
from empirics.sweeps.spec import Run

SIDE = 28  # pixels, of the images whose own size is trained on


def multiplications(runs: Sequence[Run]) -> float:
    """The multiplications of training runs that differ by their seed: weights times places times steps, thrice.

    Once for the outputs, once for the gradients in the weights and once for those in what goes into them.
    """
    run = runs[0]
    side = run.image_size or SIDE
    with torch.device("meta"):
        network = run.make_model(1, side, side)()
    once = sum(places(layer, side**2) * layer.weight.numel() for layer in weight_layers(network))
    return 3.0 * math.prod((once, run.training_images, max(1, run.recipe.steps), len(runs)))
