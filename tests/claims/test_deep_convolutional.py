"""Deep convolutional networks: what decides between the identity and the constant function.

Each verdict is about 48 seeds, by the exact sign test: does a seed show it more often than not?
"""

from itertools import pairwise

import pytest
import torch

from tests.claims.deep_networks import CNN, FCN, compare, constant, identity, learns_identity, more_often
from tests.ledger import claim

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
    "14×14 pixels) ends as: twelve layers from torch's default with biases nearer to the constant function than from "
    "Kaiming's without, twenty from torch's default without biases untrained; five from Xavier's learn the identity by "
    "any optimizer.",
    source="Zhang et al. 2020, appendix on initialization, figure 31; conditions ours",
)

SHALLOW = {1: CNN(1, lr=1e-2), 3: CNN(3), 5: CNN(5)}  # one layer has so few weights that it needs larger steps


@CNN_SHALLOW_IDENTITY
@pytest.mark.parametrize("depth", SHALLOW)
def test_shallow_networks_learn_the_identity(depth, ledger):
    learns_identity(ledger, SHALLOW[depth])


@CNN_DEPTH
def test_depth_leads_from_the_identity_to_the_constant_function(ledger):
    # 64 seeds: in a pilot the order of 5 and 10 layers showed in 45 of 48.
    for shallow, deep in pairwise(CNN(depth, members=64) for depth in (5, 10, 15)):
        compare(ledger, "correlation with the input", shallow, deep, identity)
        compare(ledger, "correlation with the training image", deep, shallow, constant)


@KERNEL
def test_larger_kernels_lead_from_the_identity_to_the_constant_function(ledger):
    for small, large in pairwise((CNN(5), CNN(5, kernel=7), CNN(5, kernel=9))):
        compare(ledger, "correlation with the input", small, large, identity)
        compare(ledger, "correlation with the training image", large, small, constant)


@CHANNELS
def test_many_channels_learn_the_identity_too(ledger):
    """From 700 weights over 5,200 to 20,000: the image has 196 pixels."""
    few = CNN(5, channels=3, steps=1200)  # which learn more slowly
    compare(ledger, "correlation with the input", CNN(5, channels=16), few, identity)
    for channels in (8, 16):
        learns_identity(ledger, CNN(5, channels=channels))


@INIT
def test_biases_lead_to_the_constant_function(ledger):
    compare(
        ledger,
        "correlation with the training image",
        CNN(12, init="default", bias=True, steps=600),
        CNN(12, init="kaiming_uniform", steps=600),
        constant,
    )


@INIT
@pytest.mark.parametrize(
    "study",
    [CNN(20, init="default", steps=200), FCN(10, init="default", optimizer="sgd", lr=0.01)],
    ids=["CNN by Adam", "FCN by momentum descent"],
)
def test_from_the_default_without_biases_deep_networks_do_not_learn(study, ledger):
    ledger.note(study.summary())
    more_often(ledger, ~study.learned, study=str(study))


@INIT
@pytest.mark.parametrize(("optimizer", "lr"), [("sgd", 0.1), ("adamax", 2e-3), ("rmsprop", 1e-3), ("adagrad", 0.01)])
def test_five_layers_learn_the_identity_by_any_optimizer(optimizer, lr, ledger):
    learns_identity(ledger, CNN(5, optimizer=optimizer, lr=lr))


# Paper scale: python -m pytest tests/claims/test_deep_convolutional.py -m gpu --ledger out
PAPER = {"channels": 128, "size": 28, "steps": 4000, "device": "cuda"}
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.gpu
@pytest.mark.slow
@needs_cuda
@CNN_SHALLOW_IDENTITY
@pytest.mark.parametrize("depth", [3, 5])
def test_shallow_networks_learn_the_identity_at_paper_scale(depth, ledger):
    learns_identity(ledger, CNN(depth, **PAPER))


@pytest.mark.gpu
@pytest.mark.slow
@needs_cuda
@CNN_DEPTH
@pytest.mark.parametrize(
    "start", [{"init": "xavier_uniform"}, {"init": "default", "bias": True}], ids=["Xavier", "default"]
)
def test_depth_leads_from_the_identity_to_the_constant_function_at_paper_scale(start, ledger):
    for shallow, deep in pairwise(CNN(depth, **start, **PAPER) for depth in (5, 10, 20)):
        compare(ledger, "correlation with the input", shallow, deep, identity)
        compare(ledger, "correlation with the training image", deep, shallow, constant)
