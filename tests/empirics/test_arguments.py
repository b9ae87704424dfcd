"""Arrays that stand for numbers without holding them, or in a form of their own, end in one sentence at every door."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from empirics import (
    FCN,
    Recipe,
    attractors,
    blend,
    correlation,
    jacobian_spectrum,
    layer_activations,
    mean_squared_error,
    mix,
    probe,
    train,
    zone,
)

FINE = torch.full((1, 4), 0.5)
with FakeTensorMode():
    FAKE = torch.ones(1, 4)

ODD = {
    "meta": (torch.ones(1, 4, device="meta"), "must hold numbers, got a tensor on the device 'meta', which has"),
    "float8": (FINE.to(torch.float8_e4m3fn), "must have one of the dtypes float16, .*, got torch.float8_e4m3fn"),
    "sparse": (FINE.to_sparse(), "must be a dense tensor, got layout torch.sparse_coo"),
    "fake": (FAKE, "must hold numbers, got FakeTensor, whose numbers cannot be read"),
    "not yet of any shape": (
        nn.UninitializedParameter(),
        "must hold numbers, got UninitializedParameter, which has no",
    ),
    "nested": (torch.nested.as_nested_tensor([FINE[0], FINE[0]], layout=torch.jagged), "must be a dense tensor, got"),
    "masked": (np.ma.masked_array(np.ones((1, 4)), [[0, 1, 0, 0]]), "must be an array without a mask"),
    "somebody else's": (memoryview(b"1234"), "must be a NumPy or torch array, got memoryview"),
}
NETWORK = FCN(4, 1)
LABELS = torch.tensor([0])
DOORS: dict[str, Callable[[Any], object]] = {
    "inputs": lambda odd: train(lambda: FCN(4, 1), odd, recipe=Recipe(steps=1)),
    "targets": lambda odd: train(lambda: FCN(4, 1), FINE, odd, recipe=Recipe(steps=1)),
    "watch": lambda odd: train(lambda: FCN(4, 1), FINE, watch=odd, recipe=Recipe(steps=1)),
    "initial": lambda odd: train(lambda: FCN(4, 1), FINE, recipe=Recipe(steps=1), initial={"layers.0.weight": odd}),
    "predict": lambda odd: train(lambda: FCN(4, 1), FINE, recipe=Recipe(steps=0)).predict(odd),
    "prediction": lambda odd: correlation(odd, FINE),
    "reference": lambda odd: mean_squared_error(FINE, odd),
    "with_input": lambda odd: zone(odd, FINE, FINE),
    "x_hat": lambda odd: mix(odd, 0.5, 0),
    "a": lambda odd: blend(odd, FINE, 0.5),
    "activations": lambda odd: layer_activations(NETWORK, odd),
    "jacobian": lambda odd: jacobian_spectrum(NETWORK, odd),
    "attractors": lambda odd: attractors(NETWORK, odd),
    "training_images": lambda odd: probe(NETWORK, odd, LABELS, FINE, LABELS),
    "test_labels": lambda odd: probe(NETWORK, FINE, LABELS, FINE, odd),
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("door", DOORS)
def test_odd_arrays_are_refused_in_a_sentence(door: str, kind: str) -> None:
    odd, words = ODD[kind]
    with pytest.raises(TypeError, match=words):
        DOORS[door](odd)


ODD_NETWORKS = {
    "lazy": (lambda: nn.LazyLinear(4), TypeError, "weight of make_model's network must hold numbers, got Uninit"),
    "meta": (lambda: nn.Linear(4, 4, device="meta"), TypeError, "must hold numbers, got a tensor on the device 'meta'"),
    "complex": (lambda: nn.Linear(4, 4, dtype=torch.cfloat), TypeError, "network of real numbers, got weight of"),
}


@pytest.mark.parametrize("kind", ODD_NETWORKS)
def test_networks_whose_weights_are_no_numbers_are_refused_in_a_sentence(kind: str) -> None:
    make_model, error, words = ODD_NETWORKS[kind]
    if kind != "complex":
        with pytest.raises(error, match="of model must hold numbers"):
            layer_activations(make_model(), FINE)
    with pytest.raises(error, match=words):
        train(make_model, FINE, recipe=Recipe(steps=1))
