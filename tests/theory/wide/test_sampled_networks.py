"""Skips after the activation, against networks that are drawn: what the means of the two streams add."""

import math

import numpy as np

from tests.theory.wide.cases import vectors
from theory import wide

WIDTH, DRAWS = 1000, 40


def hidden(x: np.ndarray, depth: int, weight: float, rng: np.random.Generator) -> np.ndarray:
    """The last hidden layer of the residual network x + relu(W relu(W' x)), as the paper has it: (n, WIDTH)."""
    for index in range(depth - 1):
        W = rng.normal(0, math.sqrt(weight / x.shape[1]), (x.shape[1], WIDTH))
        if index % 2 == 1:
            skipped = x
        x = np.maximum(x @ W, 0)
        if index > 0 and index % 2 == 0:
            x = skipped + x
    return x


def test_residual_networks_have_the_limits_covariance():
    depth, weight = 6, 1.3
    x = vectors(0, 3, 4)
    rng = np.random.default_rng(1)
    layers = [hidden(x, depth, weight, rng) for _ in range(DRAWS)]
    draws = np.array([weight * h @ h.T / WIDTH for h in layers])
    limit = wide.FullyConnected(depth, weight_variance=weight, residual=True).nngp(x)
    # Of the mean of 40 draws: 8 of its own standard errors (Student's t, 39 degrees of freedom: 1e-9). The bias of a
    # finite width, of the order depth/WIDTH, is far below one.
    error = draws.std(axis=0, ddof=1) / math.sqrt(DRAWS)
    assert np.all(np.abs(draws.mean(axis=0) - limit) <= 8 * error)
    # and without the cross terms of the means it would be refuted by far
    plain = wide.FullyConnected(depth, weight_variance=weight).nngp(x)
    assert np.all(np.abs(draws.mean(axis=0) - plain) > 8 * error)
