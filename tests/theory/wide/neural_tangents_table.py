"""The script that made neural_tangents.json: kernels of neural-tangents 0.6.5, its last release.

It runs in an environment of its own (Python 3.11; neural-tangents stopped working with later versions of JAX):

    python3.11 -m venv old
    old/bin/pip install neural-tangents==0.6.5 jax==0.4.23 jaxlib==0.4.23 "numpy<2" "scipy<1.13"
    old/bin/python tests/theory/wide/neural_tangents_table.py

Axes are put in the order (n1, n2, H1, W1, H2, W2) here: after an odd number of convolutions neural-tangents returns
(n1, n2, W1, W2, H1, H2), after an even number (n1, n2, H1, H2, W1, W2).
"""

import json
from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

from neural_tangents import stax  # noqa: E402

PHI = {"relu": stax.Relu, "leaky_relu": lambda: stax.LeakyRelu(0.01), "erf": stax.Erf}
CONVOLUTIONAL = [
    ("relu", 1, "SAME", 3, 2.0, 0.0),
    ("relu", 4, "SAME", 3, 2.0, 0.0),
    ("relu", 5, "SAME", 5, 1 / 3, 0.01),
    ("relu", 3, "CIRCULAR", 3, 1.5, 0.1),
    ("leaky_relu", 4, "CIRCULAR", 3, 2.0, 0.0),
    ("erf", 4, "SAME", 3, 1.5, 0.1),
]
FULLY_CONNECTED = [("relu", 10, 2.0, 0.0), ("relu", 6, 1 / 3, 0.01), ("erf", 5, 1.5, 0.1), ("leaky_relu", 4, 2.0, 0.3)]


def images(seed: int, n: int) -> np.ndarray:
    """(n, C, H, W), as the test makes them."""
    return np.random.default_rng(seed).normal(size=(n, 2, 4, 5))


def kernels(layers: list, x1: np.ndarray, x2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """K and Θ."""
    found = stax.serial(*layers)[2](x1, x2, ("nngp", "ntk"))
    return np.asarray(found.nngp), np.asarray(found.ntk)


def convolutional(phi: str, depth: int, padding: str, size: int, weight: float, bias: float) -> list[np.ndarray]:
    """Kernels between two images and one, in our order of axes."""
    layers = []
    for index in range(depth):
        layers.append(
            stax.Conv(
                8, (size, size), padding=padding, W_std=weight**0.5, b_std=bias**0.5 or None, parameterization="ntk"
            )
        )
        layers += [PHI[phi]()] * (index < depth - 1)
    x1, x2 = (np.moveaxis(images(seed, n), 1, -1) for seed, n in ((0, 2), (1, 1)))
    order = (0, 1, 4, 2, 5, 3) if depth % 2 else (0, 1, 2, 4, 3, 5)
    return [kernel.transpose(order) for kernel in kernels(layers, x1, x2)]


def fully_connected(phi: str, depth: int, weight: float, bias: float) -> list[np.ndarray]:
    """Kernels between three vectors and two."""
    layers = []
    for index in range(depth):
        layers.append(stax.Dense(8, W_std=weight**0.5, b_std=bias**0.5 or None, parameterization="ntk"))
        layers += [PHI[phi]()] * (index < depth - 1)
    x1, x2 = (np.random.default_rng(seed).normal(size=(n, 6)) for seed, n in ((2, 3), (3, 2)))
    return list(kernels(layers, x1, x2))


def sampled(kernel: np.ndarray) -> list[float]:
    """Every seventh entry: a table, not an archive."""
    return [float(value) for value in kernel.reshape(-1)[::7]]


def main() -> None:
    """Write the table."""
    table = [
        {"network": "convolutional", "settings": case, "nngp": sampled(K), "ntk": sampled(theta)}
        for case in CONVOLUTIONAL
        for K, theta in [convolutional(*case)]
    ] + [
        {
            "network": "fully connected",
            "settings": case,
            "nngp": K.reshape(-1).tolist(),
            "ntk": theta.reshape(-1).tolist(),
        }
        for case in FULLY_CONNECTED
        for K, theta in [fully_connected(*case)]
    ]
    Path(__file__).with_suffix("").with_name("neural_tangents.json").write_text(json.dumps(table, indent=0) + "\n")


if __name__ == "__main__":
    main()
