"""What `train` refuses, with a sentence, and what only looks as if it should."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from empirics import CNN, FCN, Recipe, train
from tests.empirics.naive import equal

NAN, INF = float("nan"), float("inf")


def keyword_only(*, depth: int) -> nn.Module:
    return CNN(1, depth)


def tied() -> nn.Module:
    network = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1))
    network[1].weight = network[0].weight
    return network


class Odd(nn.Module):
    """A convolution, and something that a stack of networks cannot have."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.layer = kind, nn.Conv2d(1, 1, 3, padding=1)
        if kind == "unused":
            self.unused = nn.Conv2d(1, 1, 3)

    def forward(self, x):
        y = self.layer(x)
        if self.kind == "pair":
            return y, y
        if self.kind == "detached":
            return y.detach()
        if self.kind == "noise":
            return y + torch.randn_like(y)
        if self.kind == "branch" and y.sum() > 0:
            return -y
        return y


FINE = np.ones((1, 1, 5, 5))


BAD = {
    "not a number": ({"inputs": FINE * NAN}, ValueError, "inputs must be finite"),
    "infinity": ({"inputs": FINE * INF}, ValueError, "inputs must be finite"),
    "empty": ({"inputs": np.ones((0, 1, 5, 5))}, ValueError, "inputs must not be empty"),
    "one axis": (
        {"inputs": np.ones(5)},
        ValueError,
        r"inputs must have shape \(n, C, H, W\) or \(C, H, W\), got \(5,\)",
    ),
    "two axes": ({"inputs": np.ones((5, 5))}, ValueError, "inputs must have shape"),
    "five axes": ({"inputs": np.ones((1, 1, 1, 5, 5))}, ValueError, "inputs must have shape"),
    "channels": ({"inputs": np.ones((3, 5, 5))}, ValueError, "inputs must have 1 channels for this network, got 3"),
    "complex": ({"inputs": FINE * 1j}, TypeError, "real floating-point numbers, got dtype complex128"),
    "boolean": ({"inputs": FINE > 0}, TypeError, "got dtype bool"),
    "strings": ({"inputs": np.full((1, 5, 5), "a")}, TypeError, "got dtype <U1"),
    "objects": ({"inputs": FINE.astype(object)}, TypeError, "got dtype object"),
    "long doubles": ({"inputs": FINE.astype(np.longdouble)}, TypeError, "got dtype"),
    "a list": ({"inputs": FINE.tolist()}, TypeError, "inputs must be a NumPy or torch array, got list"),
    "too large": ({"inputs": FINE * 1e39}, ValueError, "inputs must fit float32"),
    "mixed kinds": (
        {"targets": torch.ones(1, 1, 5, 5)},
        TypeError,
        "must be arrays of one kind, got ndarray and Tensor",
    ),
    "mixed dtypes": ({"targets": FINE.astype("f4")}, TypeError, "one floating dtype, got float64 and float32"),
    "target shape": ({"targets": FINE[:, :, 1:]}, ValueError, r"network's outputs, \(1, 1, 5, 5\), got \(1, 1, 4, 5\)"),
    "target batch": ({"targets": FINE[0]}, ValueError, "targets must have the shape of the network's outputs"),
    "target scalar": ({"targets": np.float64(1)}, TypeError, "targets must be a NumPy or torch array"),
    "target without axes": ({"targets": np.array(1.0)}, ValueError, "targets must have the shape"),
    "target nan": ({"targets": FINE * NAN}, ValueError, "targets must be finite"),
    "no identity": (
        {"make_model": lambda: CNN(1, 1, kernel_size=3, padding="valid")},
        ValueError,
        "targets must be given: the network turns inputs of shape .* into outputs of shape .* cannot reproduce",
    ),
    "large kernel": (
        {"make_model": lambda: CNN(1, 1, kernel_size=7, padding="valid")},
        ValueError,
        r"inputs of shape \(1, 1, 5, 5\) do not fit the network",
    ),
    "a module": ({"make_model": CNN(1, 1)}, TypeError, "make_model must be a function without arguments"),
    "a class": ({"make_model": CNN}, TypeError, "make_model must be a function .*, got CNN, which takes arguments"),
    "a class of another's": ({"make_model": partial(CNN, 1)}, TypeError, "which takes arguments"),
    "a keyword": ({"make_model": keyword_only}, TypeError, "got keyword_only, which takes arguments"),
    "a built-in class": ({"make_model": dict}, TypeError, "make_model must return an nn.Module, got dict"),
    "no gradient": ({"make_model": lambda: Odd("detached")}, ValueError, "return a network with a gradient: "),
    "tied": ({"make_model": tied}, TypeError, "initial must be given: 1.weight is no parameter of its own"),
    "dropout": (
        {"make_model": lambda: nn.Sequential(nn.Conv2d(1, 1, 3), nn.Dropout())},
        ValueError,
        "draws no random numbers and counts nothing, got one with Dropout",
    ),
    "batch normalization": (
        {"make_model": lambda: nn.Sequential(nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1, affine=False))},
        ValueError,
        "counts nothing, got one with BatchNorm2d",
    ),
    "frozen": (
        {"make_model": lambda: nn.Sequential(nn.Conv2d(1, 1, 3).requires_grad_(False), nn.Conv2d(1, 1, 3))},
        ValueError,
        "of which all is trained, got one with 0.weight frozen",
    ),
    "unused": (
        {"make_model": lambda: Odd("unused")},
        ValueError,
        "uses all its parameters, got .* not use unused.weight",
    ),
    "two outputs": ({"make_model": lambda: Odd("pair")}, TypeError, "outputs one tensor, got tuple"),
    "random numbers": ({"make_model": lambda: Odd("noise")}, ValueError, "that torch.func.vmap can run for many seeds"),
    "branches": ({"make_model": lambda: Odd("branch")}, ValueError, "that torch.func.vmap can run for many seeds"),
    "no module": ({"make_model": lambda: None}, TypeError, "make_model must return an nn.Module, got NoneType"),
    "no parameters": ({"make_model": nn.ReLU}, ValueError, "network with parameters, got one without"),
    "unknown layer": (
        {"make_model": lambda: nn.Sequential(nn.Conv2d(1, 1, 1), nn.PReLU())},
        TypeError,
        "Linear, Conv2d and LCN layers",
    ),
    "no recipe": ({"recipe": {"lr": 0.1}}, TypeError, "recipe must be a Recipe, got dict"),
    "no seeds": ({"seeds": ()}, ValueError, "seeds must name at least one seed"),
    "a seed": ({"seeds": 3}, TypeError, "seeds must be a sequence of integers, got 3"),
    "negative seed": ({"seeds": (-1,)}, ValueError, "seeds must be at least 0"),
    "huge seed": ({"seeds": (2**32,)}, ValueError, "seeds must be below"),
    "late snapshot": ({"snapshots": (0, 4)}, ValueError, "snapshots must be step numbers up to the recipe's 3, got 4"),
    "early snapshot": ({"snapshots": (-1,)}, ValueError, "snapshots must be at least 0"),
    "device": ({"device": "abacus"}, ValueError, "device must be one that torch can use here, got 'abacus'"),
    "progress": ({"progress": "yes"}, TypeError, "progress must be True or False"),
    "initial list": ({"initial": [FINE]}, TypeError, "initial must be a dict"),
    "initial names": ({"initial": {"weight": FINE}}, ValueError, "initial must hold layers.0.weight, got weight"),
    "initial shape": (
        {"initial": {"layers.0.weight": np.ones((1, 1, 3, 3))}},
        ValueError,
        r"must have shape \(1, 1, 1, 3, 3\), seeds first, got \(1, 1, 3, 3\)",
    ),
    "initial nan": ({"initial": {"layers.0.weight": np.full((1, 1, 1, 3, 3), NAN)}}, ValueError, "must be finite"),
    "initial kind": ({"initial": {"layers.0.weight": "ones"}}, TypeError, "must be a NumPy or torch array, got str"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_are_refused(case: str) -> None:
    changed, error, words = BAD[case]
    good = {"make_model": lambda: CNN(1, 1, kernel_size=3), "inputs": FINE, "recipe": Recipe(steps=3)}
    with pytest.raises(error, match=words):
        train(**(good | changed))


def test_a_fully_connected_network_wants_vectors() -> None:
    with pytest.raises(ValueError, match=r"inputs must have shape \(n, d\) or \(d,\), got \(1, 1, 5, 5\)"):
        train(lambda: FCN(25, 1), FINE, recipe=Recipe(steps=1))
    with pytest.raises(ValueError, match="inputs must have 25 entries for this network, got 24"):
        train(lambda: FCN(25, 1), np.ones(24), recipe=Recipe(steps=1))


def test_degenerate_images_are_fine() -> None:
    recipe = Recipe(steps=3, precision="float64")
    blank = train(lambda: CNN(1, 1, kernel_size=3), np.zeros((1, 5, 5)), recipe=recipe)
    assert equal(blank.weights, blank.initial_weights)  # nothing to learn
    assert train(lambda: CNN(1, 1, kernel_size=3), np.ones((1, 1, 1)), recipe=recipe).diverged == (None,)
    backwards = np.arange(25.0).reshape(1, 5, 5)[:, ::-1]
    big_endian = np.ascontiguousarray(backwards).astype(">f8")
    one, two = (
        train(lambda: CNN(1, 1, kernel_size=3), x, recipe=replace(recipe, lr=1e-4)) for x in (backwards, big_endian)
    )
    assert equal(one.weights, two.weights)


def test_fine_networks_are_not_refused() -> None:
    """Constant buffers, normalization by the batch itself, parameters of a list, dropout that drops nothing."""

    class Fine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("shift", torch.ones(6))
            self.layers = nn.ModuleList([nn.Linear(6, 6), nn.Linear(6, 6)])
            self.norm = nn.BatchNorm1d(6, affine=False, track_running_stats=False)
            self.idle = nn.Dropout(0.0)

        def forward(self, x):
            for layer in self.layers:
                x = self.idle(self.norm(layer(x) + self.shift))
            return x

    with torch.no_grad():  # as callers may have it
        ensemble = train(Fine, np.random.default_rng(0).random((3, 6)), recipe=Recipe(steps=3), seeds=range(2))
    assert ensemble.diverged == (None, None)
    assert ensemble.history.losses[0, -1] < ensemble.history.losses[0, 0]
