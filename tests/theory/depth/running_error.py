"""Deep convolutional networks with random weights, and a running bound on the rounding of what they output."""

import numpy as np
import torch
from torch import nn

from tests.bounds import UNIT_ROUNDOFF, gamma

# Each with its Lipschitz constant and the value that a bound on |φ(x)| starts from, |φ(0)|.
ACTIVATIONS = {
    "relu": (torch.relu, 1.0),
    "tanh": (torch.tanh, 1.0),
    "sigmoid": (torch.sigmoid, 0.25),
    "leaky relu": (nn.functional.leaky_relu, 1.0),
}


def outputs_and_bound(case, depth: int, activation: str, *, channels: int, seed: int, bias: bool = True):
    """What a random network of a depth outputs for a case's images, and how far off rounding can be at most.

    Each layer passes an error e of its input on as |W| e and adds γ_n(|W||x| + |b|) of its own, n the number of its
    terms and the bias (Higham 2002, section 3.3). An activation passes it on times its Lipschitz constant, and
    rounds; vector libraries of elementary functions promise 4 units in the last place.
    """
    function, lipschitz = ACTIVATIONS[activation]
    u = UNIT_ROUNDOFF["float64"]
    generator = torch.Generator().manual_seed(seed)
    x = torch.from_numpy(case.images)
    error = torch.zeros_like(x)
    for layer in range(depth):
        conv, sizes = (
            nn.Conv2d(x.shape[1], channels, case.kernel, **case.settings, bias=bias, dtype=torch.float64) for _ in "ab"
        )
        for name, parameter in conv.named_parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.data /= 1 if name == "bias" else np.sqrt(parameter[0].numel())
            dict(sizes.named_parameters())[name].data = parameter.data.abs()
        with torch.no_grad():
            terms = conv.weight[0].numel() + 2
            passed_on = sizes(error) - (sizes(torch.zeros_like(error)) if bias else 0)
            error = passed_on * (1 + gamma(terms, u)) + gamma(terms, u) * sizes(x.abs())
            x = conv(x)
            if layer < depth - 1:
                x = function(x)
                error = lipschitz * error + 8 * u * x.abs()
    return x.numpy(), 2 * error.numpy()  # twice: the bound itself is rounded
