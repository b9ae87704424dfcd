"""Every door of `theory.wide` refuses what it cannot answer, in a sentence that names the argument."""

import math

import numpy as np
import pytest
import torch

from theory import wide

IMAGE = np.random.default_rng(0).random((2, 1, 4, 4))
NETWORK = wide.Convolutional(2, kernel_size=3, weight_variance=2.0)
FLOW = wide.gradient_flow(NETWORK, IMAGE[:1])


def cnn(**settings):
    return lambda: wide.Convolutional(2, **{"kernel_size": 3, "weight_variance": 2.0, **settings})


CASES = {
    "depth 0": (lambda: wide.FullyConnected(0, weight_variance=1.0), ValueError, "depth must be at least 1"),
    "depth a float": (lambda: wide.FullyConnected(2.0, weight_variance=1.0), TypeError, "depth must be an integer"),
    "unknown activation": (cnn(activation="tanh"), ValueError, "activation must be one of relu, leaky_relu, linear"),
    "no variance": (cnn(weight_variance=None), ValueError, "weight_variance must be given, or a scheme"),
    "negative variance": (cnn(weight_variance=-1.0), ValueError, "weight_variance must be positive, got -1.0"),
    "NaN variance": (cnn(weight_variance=math.nan), ValueError, "weight_variance must be finite"),
    "a variance in words": (cnn(weight_variance="two"), TypeError, "weight_variance must be a real number"),
    "negative bias variance": (cnn(bias_variance=-0.1), ValueError, "bias_variance must not be negative"),
    "scheme and variance": (cnn(scheme="default"), ValueError, "weight_variance and bias_variance must be left out"),
    "unknown scheme": (cnn(weight_variance=None, scheme="he"), ValueError, "scheme must be one of default, yann_"),
    "a scheme without width": (cnn(weight_variance=None, scheme="xavier_normal"), ValueError, "width must be given"),
    "drawn biases without width": (
        cnn(weight_variance=None, scheme="default", bias=True), ValueError, "width must be given .* and bias=True",
    ),
    "standard without width": (cnn(parameterization="standard"), ValueError, "width must be given with parameteriz"),
    "unknown parameterization": (cnn(parameterization="mup"), ValueError, "parameterization must be 'ntk' or"),
    "bias not a bool": (cnn(bias=1), TypeError, "bias must be True or False"),
    "width 0": (cnn(width=0), ValueError, "width must be at least 1"),
    "kernel size 0": (cnn(kernel_size=0), ValueError, "kernel_size must be at least 1"),
    "unknown padding mode": (cnn(padding_mode="black"), ValueError, "padding_mode must be one of zeros"),
    "shallow residual": (
        lambda: wide.FullyConnected(3, weight_variance=1.0, residual=True), ValueError, "depth must be at least 4",
    ),
    "residual not a bool": (
        lambda: wide.FullyConnected(4, weight_variance=1.0, residual=1), TypeError, "residual must be True or False",
    ),
    "NaN": (lambda: NETWORK.ntk(IMAGE * np.nan), ValueError, "x1 must be finite"),
    "no array": (lambda: NETWORK.nngp([1.0]), TypeError, "x1 must be a NumPy or torch array"),
    "vectors": (lambda: NETWORK.ntk(np.ones((2, 3))), ValueError, r"x1 must have shape \(n, C, H, W\)"),
    "empty": (lambda: NETWORK.ntk(IMAGE[:0]), ValueError, "x1 must not be empty"),
    "other channels": (lambda: NETWORK.ntk(IMAGE, np.ones((1, 2, 4, 4))), ValueError, "x2 must have as many channels"),
    "other features": (
        lambda: wide.FullyConnected(2, weight_variance=1.0).ntk(np.ones((1, 2)), np.ones((1, 3))),
        ValueError, "x2 must have as many features",
    ),
    "other kinds": (lambda: NETWORK.ntk(IMAGE, torch.from_numpy(IMAGE)), TypeError, "arrays of one kind"),
    "other dtypes": (lambda: NETWORK.ntk(IMAGE, IMAGE.astype(np.float32)), TypeError, "one floating dtype"),
    "an image that does not reflect": (
        lambda: wide.Convolutional(2, kernel_size=9, padding_mode="reflect", weight_variance=2.0).ntk(IMAGE),
        ValueError, "can add at most 3 pixels",
    ),
    "negative time": (lambda: wide.gradient_flow(NETWORK, IMAGE, time=-1.0), ValueError, "time must not be negative"),
    "NaN time": (lambda: wide.gradient_flow(NETWORK, IMAGE, time=math.nan), ValueError, "time must not be negative"),
    "time in words": (lambda: wide.gradient_flow(NETWORK, IMAGE, time="long"), TypeError, "time must be a real number"),
    "targets of another size": (
        lambda: wide.gradient_flow(NETWORK, IMAGE, IMAGE[:, :, :3]), ValueError, "targets must have the shape",
    ),
    "targets without a batch": (
        lambda: wide.gradient_flow(NETWORK, IMAGE[:1], IMAGE[0]), ValueError, "targets must have the shape",
    ),
    "mean of other channels": (lambda: FLOW.mean(np.ones((1, 2, 4, 4))), ValueError, "x must have 1 channels as x_hat"),
    "mean of another kind": (lambda: FLOW.mean(torch.ones(1, 1, 4, 4)), TypeError, "arrays of one kind"),
    "a reference of another size": (
        lambda: FLOW.expected_mse(IMAGE, IMAGE[:, :, :3]), ValueError, "reference must have the prediction's shape",
    ),
    "a reference for another batch": (
        lambda: FLOW.expected_mse(IMAGE[:1], IMAGE), ValueError, "reference must have the prediction's shape",
    ),
    "initial outputs of another size": (
        lambda: FLOW.prediction(IMAGE, initial=IMAGE[:, :, :3], initial_on_x_hat=IMAGE[:1]),
        ValueError, "initial must have shape",
    ),
    "initial outputs of different ensembles": (
        lambda: FLOW.prediction(IMAGE, initial=IMAGE[None], initial_on_x_hat=IMAGE[:1]),
        ValueError, "must have the same axes in front",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gets_a_sentence(name):
    call, error, message = CASES[name]
    with pytest.raises(error, match=message) as refusal:
        call()
    assert "\n" not in str(refusal.value)
