"""A running bound on the rounding of what a deep convolutional network outputs, layer by layer."""

import copy
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from tests.bounds import UNIT_ROUNDOFF, gamma

LIPSCHITZ = {
    "linear": 1.0,
    "relu": 1.0,
    "leaky_relu": 1.0,
    "elu": 1.0,
    "gelu": 1.13,  # at √2: Φ(√2) + √2 φ(√2) = 1.1290
    "softplus": 1.0,
    "tanh": 1.0,
    "sigmoid": 0.25,
    "erf": 2 / math.sqrt(math.pi),
}
"""How much an activation, of these names in `empirics.networks.activations`, can enlarge an error."""


def outputs_and_bound(
    layers: Sequence[nn.Conv2d], activation: str, function, images: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What float64 convolutions output, `function` between them, and how far off rounding can leave each entry.

    A layer passes an error e of its input on as |W| e and adds γ_n (|W||x| + |b|) of its own, n the number of its terms
    (Higham 2002, section 3.3). An activation passes it on times its Lipschitz constant, and rounds: vector libraries of
    elementary functions promise 4 units in the last place, here of input or output, whichever is larger.
    """
    u = UNIT_ROUNDOFF["float64"]
    x = torch.from_numpy(images)
    error = torch.zeros_like(x)
    with torch.no_grad():
        for index, layer in enumerate(layers):
            sizes, passing = copy.deepcopy(layer), copy.deepcopy(layer)
            sizes.weight.data, passing.weight.data = layer.weight.data.abs(), layer.weight.data.abs()
            if layer.bias is not None:
                sizes.bias.data, passing.bias.data = layer.bias.data.abs(), torch.zeros_like(layer.bias.data)
            terms = layer.weight[0].numel() + 2
            error = passing(error) + gamma(terms, u) * sizes(x.abs() + error)
            x = layer(x)
            if index < len(layers) - 1:
                before, x = x, function(x)
                error = LIPSCHITZ[activation] * error + 8 * u * torch.maximum(before.abs(), x.abs())
    return x.numpy(), 2 * error.numpy()  # twice, as the bound is rounded itself
