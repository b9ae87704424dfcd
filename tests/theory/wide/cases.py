"""Networks and images of these tests, written once."""

import numpy as np

SETTINGS = {
    "kaiming's variance": {"weight_variance": 2.0},
    "small weights and biases": {"weight_variance": 1 / 3, "bias_variance": 0.01},
    "torch's layers": {"scheme": "default", "bias": True, "width": 3, "parameterization": "standard"},
    "biases that start at zero": {"scheme": "xavier_normal", "bias": True, "width": 3, "parameterization": "standard"},
}


def images(seed: int, n: int, channels: int, height: int, width: int) -> np.ndarray:
    """Positive and negative pixels, the first image with a black corner."""
    pixels = np.random.default_rng(seed).normal(size=(n, channels, height, width))
    pixels[0, :, : height // 2, : width - 1] = 0
    return pixels


def vectors(seed: int, n: int, features: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, features))


def rounding(network) -> float:
    """What rounding may do to an entry of a kernel, in units of the largest: `roundings` operations in each layer."""
    return network.depth * network.roundings * 2.0**-53
