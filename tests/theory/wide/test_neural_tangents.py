"""Kernels against those of neural-tangents 0.6.5, stored with the script that made them (neural_tangents_table.py)."""

import json
from pathlib import Path

import numpy as np
import pytest

from theory import wide

TABLE = json.loads(Path(__file__).with_name("neural_tangents.json").read_text())
# Its angle between nearly parallel pixels comes from an arccos, which knows it to half the digits of float64 only.
DIGITS = 1e-6


@pytest.mark.parametrize("case", TABLE, ids=lambda case: f"{case['network']} {case['settings']}")
def test_kernels_are_those_of_neural_tangents(case):
    if case["network"] == "convolutional":
        activation, depth, padding, size, weight, bias = case["settings"]
        mode = {"SAME": "zeros", "CIRCULAR": "circular"}[padding]
        network = wide.Convolutional(
            depth,
            kernel_size=size,
            padding_mode=mode,
            activation=activation,
            weight_variance=weight,
            bias_variance=bias,
        )
        x1, x2 = (np.random.default_rng(seed).normal(size=(n, 2, 4, 5)) for seed, n in ((0, 2), (1, 1)))
        every = 7
    else:
        activation, depth, weight, bias = case["settings"]
        network = wide.FullyConnected(depth, activation=activation, weight_variance=weight, bias_variance=bias)
        x1, x2 = (np.random.default_rng(seed).normal(size=(n, 6)) for seed, n in ((2, 3), (3, 2)))
        every = 1
    for name, kernel in (("nngp", network.nngp), ("ntk", network.ntk)):
        stored = np.array(case[name])
        assert np.max(np.abs(kernel(x1, x2).reshape(-1)[::every] - stored)) <= DIGITS * np.max(np.abs(stored))
