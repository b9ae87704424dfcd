"""Deep convolutional networks: what decides between the identity and the constant function.

Each verdict about one kind of network is about 48 seeds, by the exact sign test: does a seed show it more often than
not? Two kinds are compared by the exact rank-sum test, which decides from fewer.
"""

from itertools import pairwise
from operator import methodcaller

import pytest

from tests.claims.deep_networks import (
    CNN,
    at_each_scale,
    at_paper_scale,
    compare,
    constant,
    identity,
    learns_identity,
    more_often,
)
from verification import claim

CNN_SHALLOW_IDENTITY = claim(
    "E.cnn-shallow-identity",
    statement="Convolutional networks of 1 to 5 layers learn the identity from one digit: they answer other digits "
    "with those digits (correlation ≥ 0.8, and more than with the digit learned).",
    source="Zhang et al. 2020, section 4.2, figure 3",
)
CNN_DEPTH = claim(
    "E.cnn-depth",
    statement="Deeper convolutional networks (5 to 15 layers of 8 channels, 5×5 kernels, Xavier-uniform weights, no "
    "biases) that have learned a digit of 14×14 pixels are further from the identity and closer to the constant "
    "function.",
    source="Zhang et al. 2020, section 4.2, figures 3 and 4",
)
KERNEL = claim(
    "E.kernel",
    statement="In five-layer convolutional networks larger kernels lead further from the identity and closer to the "
    "constant function.",
    source="Zhang et al. 2020, section 4.2, figure 9",
)
CHANNELS = claim(
    "E.channels",
    statement="More channels do not move a five-layer convolutional network away from the identity.",
    source="Zhang et al. 2020, section 4.2, figure 10",
)
INIT = claim(
    "E.init",
    statement="Initial weights, biases and optimizer decide what a deep network (8 channels, 5×5 kernels, a digit of "
    "14×14 pixels; on a GPU the paper's sizes) ends as: twelve layers from torch's default with biases nearer to the "
    "constant function than from Kaiming's without, twenty from torch's default without biases untrained; five from "
    "Xavier's learn the identity by any optimizer.",
    source="Zhang et al. 2020, appendix on initialization, figure 31; conditions ours",
)


@CNN_SHALLOW_IDENTITY
@at_each_scale
@pytest.mark.parametrize("depth", [1, 3, 5])
def test_shallow_networks_learn_the_identity(depth, scale, ledger):
    larger_steps = {"lr": 1e-2} if depth == 1 else {}  # one layer has so few weights that it needs them
    learns_identity(ledger, scale.cnn(depth, **larger_steps))


@CNN_DEPTH
def test_depth_leads_from_the_identity_to_the_constant_function(ledger):
    for shallow, deep in pairwise(CNN(depth) for depth in (5, 10, 15)):
        compare(ledger, "correlation with the input", shallow, deep, identity)
        compare(ledger, "correlation with the training image", deep, shallow, constant)


@CNN_DEPTH
@at_paper_scale
@pytest.mark.parametrize(
    "start", [{"scheme": "xavier_uniform"}, {"scheme": "default", "bias": True}], ids=["Xavier", "default"]
)
def test_depth_leads_from_the_identity_to_the_constant_function_at_paper_scale(start, scale, ledger):
    for shallow, deep in pairwise(scale.cnn(depth, **start) for depth in (5, 10, 20)):
        compare(ledger, "correlation with the input", shallow, deep, identity)
        compare(ledger, "correlation with the training image", deep, shallow, constant)


@KERNEL
@at_each_scale
def test_larger_kernels_lead_from_the_identity_to_the_constant_function(scale, ledger):
    for small, large in pairwise(scale.cnn(5, kernel=kernel) for kernel in (5, 7, 9)):
        compare(ledger, "correlation with the input", small, large, identity)
        compare(ledger, "correlation with the training image", large, small, constant)


@CHANNELS
@at_each_scale
def test_many_channels_learn_the_identity_too(scale, ledger):
    """From 825 weights to 20,000, where the image has 196 pixels; or to 20 million, where it has 784."""
    # Twice the usual steps for both: after the usual ones one in five networks of three channels has not learned.
    few = scale.cnn(5, channels=3, steps=800, members=scale.compared)
    many = scale.cnn(5, channels=scale.many, steps=800)
    compare(ledger, "correlation with the input", many, few, identity)
    learns_identity(ledger, many)


@INIT
@at_each_scale
def test_biases_lead_to_the_constant_function(scale, ledger):
    compare(
        ledger,
        "correlation with the training image",
        scale.cnn(12, scheme="default", bias=True, steps=600, members=scale.compared),
        scale.cnn(12, scheme="kaiming_uniform", steps=600, members=scale.compared),
        constant,
    )


@INIT
@at_each_scale
@pytest.mark.parametrize(
    "networks",
    [
        methodcaller("cnn", 20, scheme="default", steps=200),
        methodcaller("fcn", 10, scheme="default", optimizer="sgd", lr=0.01),
    ],
    ids=["CNN by Adam", "FCN by momentum descent"],
)
def test_from_the_default_without_biases_deep_networks_do_not_learn(networks, scale, ledger):
    study = networks(scale)
    ledger.note(study.summary())
    more_often(ledger, ~study.learned, study=str(study))


@INIT
@at_each_scale
@pytest.mark.parametrize(("optimizer", "lr"), [("sgd", 0.1), ("adamax", 2e-3), ("rmsprop", 1e-3), ("adagrad", 0.01)])
def test_five_layers_learn_the_identity_by_any_optimizer(optimizer, lr, scale, ledger):
    learns_identity(ledger, scale.cnn(5, optimizer=optimizer, lr=lr))
