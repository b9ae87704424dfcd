"""At the paper's sizes every network is built, takes its images, and fits a GPU; none is trained."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import empirics
from paper_figures import cli
from paper_figures.catalogue import figure_module
from paper_figures.figures.identity_crisis import fig01_digit_set
from paper_figures.figures.theory import depth
from paper_figures.scale import PAPER
from paper_figures.workbench import Workbench, flat_for
from tests.paper_figures.tiny import tiny

GPU = 80e9  # bytes


class Built:
    """What stands for trained networks: it answers with what it is asked."""

    def __init__(self, network, seeds, recipe):
        self.network, self.seeds, self.recipe = network, tuple(seeds), recipe
        self.diverged = (None,) * len(self.seeds)
        self.history = SimpleNamespace(losses=torch.zeros(len(self.seeds), 1))

    def predict(self, inputs):
        with torch.device("meta"):
            assert self.network(torch.empty(inputs.shape)).shape == inputs.shape
        return np.broadcast_to(inputs, (len(self.seeds), *inputs.shape))

    def member(self, index):
        return empirics.CNN(1, self.network.depth, 2)  # its layers are looked into: as many, but narrow


def bytes_of(network, shape) -> float:
    """What training takes: weights, gradients and two moments; of each layer outputs, activations and gradients."""
    kept = []
    hooks = [
        layer.register_forward_hook(lambda _, __, out: kept.append(out.numel()))
        for layer in network.modules()
        if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d)
    ]
    with torch.device("meta"):
        assert network(torch.empty(shape)).shape == shape
    for hook in hooks:
        hook.remove()
    return 4 * (4 * sum(parameter.numel() for parameter in network.parameters()) + 3 * sum(kept))


@pytest.fixture
def built(monkeypatch):
    """Networks that figures asked for: (network, recipe, number of seeds)."""
    asked = []

    def train(bench, make_model, images, *, recipe, seeds=None):
        with torch.device("meta"):
            network = make_model()
        assert bytes_of(network, flat_for(network, images).shape) < GPU
        asked.append((network, recipe))
        return Built(network, range(bench.scale.seeds) if seeds is None else seeds, recipe)

    monkeypatch.setattr(Workbench, "train", train)
    return asked


@pytest.mark.parametrize("name", [*(name for name in cli.FIGURES if cli.FIGURES[name].numbers), "optimizers", "depth"])
def test_every_figure_is_complete_at_the_papers_sizes(name, built, monkeypatch):
    monkeypatch.setattr(depth, "limit", lambda *_: (1.0, 0.5))  # the wide limit has no size
    module = figure_module(name)
    data = module.compute(Workbench(PAPER))
    assert "paper scale" in data.caption
    assert "2,000,000 steps or until the loss is 1e-08" in data.caption or name == "fig01_digit_set"
    for network, recipe in built:
        size = network.channels if isinstance(network, empirics.CNN) else network.width
        assert size == (128 if isinstance(network, empirics.CNN) else 2048) or name == "fig10_channels"
        assert recipe.steps == (100_000 if name == "fig01_digit_set" else 2_000_000)
    module.draw(data)


def test_channels_go_from_3_to_1024(built):
    figure_module("fig10_channels").compute(Workbench(PAPER))
    found = [network.channels for network, _ in built]
    assert (found[0], found[-1]) == (3, 1024)
    labels = figure_module("fig10_channels").rows(Workbench(PAPER))
    for (network, _), row in zip(built, labels, strict=True):
        weights = sum(parameter.numel() for parameter in network.parameters())
        channels, count = row.label.split(",\n")
        assert channels == f"{network.channels} channels"
        number, unit = [*count.removesuffix(" weights").split(), ""][:2]
        assert abs(float(number) * {"": 1, "k": 1e3, "M": 1e6}[unit] - weights) <= 0.005 * weights  # three digits


def test_all_of_mnist_fits(monkeypatch):
    """Sixty thousand digits at once, but for deep convolutional networks, whose activations would not fit."""
    digits = np.broadcast_to(np.zeros(1), (60_000, 1, 28, 28))
    monkeypatch.setattr(fig01_digit_set, "training_set", lambda bench: digits)
    for row in fig01_digit_set.rows(Workbench(PAPER)):
        with torch.device("meta"):
            network = row.network()
        count = len(row.trained_on)
        deep = isinstance(network, empirics.CNN) and network.depth > 1
        assert count == (fig01_digit_set.DEEP_CNN_COUNT if deep else 60_000)
        assert bytes_of(network, flat_for(network, row.trained_on).shape) < GPU
        if deep:
            assert bytes_of(network, digits.shape) > GPU


def test_sizes_of_the_scales():
    assert (PAPER.channels, PAPER.width, PAPER.recipe().optimizer) == (128, 2048, "sgd")
    assert tiny(2).recipe(steps=3).steps == 3
