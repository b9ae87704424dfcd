"""Activations are what the layers are given; mosaics show them as they are."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from empirics import CNN, FCN, LCN, Recipe, layer_activations, layer_mosaics, train
from tests.empirics.dyadic import integers
from tests.empirics.networks.test_networks import filled


def all_equal(found: list[torch.Tensor], expected: list[torch.Tensor]) -> bool:
    return [a.tolist() for a in found] == [b.tolist() for b in expected]


def test_activations_of_an_fcn_are_those_of_its_formula() -> None:
    network, x = filled(FCN(4, 3, 5, out_features=2, bias=True)), integers(6, 4, seed=9)
    one, two, three = network.layers
    first = functional.relu(one(x))
    second = functional.relu(two(first))
    assert all_equal(layer_activations(network, x), [x, first, second, three(second)])


def test_activations_of_a_residual_fcn_come_after_the_skip() -> None:
    network, x = filled(FCN(3, 4, 2, residual=True)), integers(5, 3, seed=8)
    one, two, three, four = network.layers
    first = functional.relu(one(x))
    second = functional.relu(two(first))
    third = first + functional.relu(three(second))
    assert all_equal(layer_activations(network, x), [x, first, second, third, four(third)])


def test_activations_of_a_cnn_are_those_of_its_formula() -> None:
    network, x = filled(CNN(2, 2, 3, 3)), integers(4, 2, 5, 6, seed=7)
    one, two = network.layers
    hidden = functional.relu(one(x))
    assert all_equal(layer_activations(network, x), [x, hidden, two(hidden)])


def test_a_locally_connected_layer_counts_as_one() -> None:
    network, x = filled(LCN(1, 4, kernel_size=3)), integers(1, 4, 4, seed=6)
    assert all_equal(layer_activations(network, x), [x[None], network(x[None])])


def test_the_network_is_left_as_it_was() -> None:
    network = filled(FCN(4, 2, 3))
    layer_activations(network, integers(1, 4, seed=0))
    assert not any(layer._forward_pre_hooks for layer in network.modules())

    class Breaks(FCN):
        def forward(self, inputs):
            super().forward(inputs)
            if len(inputs) > 2:
                raise RuntimeError("broken")
            return inputs

    network = Breaks(4, 2, 3).to(torch.float64)
    with pytest.raises(RuntimeError, match="broken"):
        layer_activations(network, integers(3, 4, seed=0))
    assert not any(layer._forward_pre_hooks for layer in network.modules())


def test_activations_have_the_models_dtype_whatever_the_inputs() -> None:
    network = FCN(4, 2, 3)
    for x in (np.arange(4), np.arange(4.0), torch.arange(4, dtype=torch.float16)):
        assert {held.dtype for held in layer_activations(network, x)} == {torch.float32}
        assert not any(held.requires_grad for held in layer_activations(network, x))


def test_a_mosaic_holds_each_channel_unscaled_with_gaps_between() -> None:
    network, image = filled(CNN(2, 2, 5, 3)), integers(2, 3, 4, seed=5)
    image_mosaic, hidden_mosaic, output_mosaic = layer_mosaics(network, image)
    hidden = layer_activations(network, image)[1][0]
    # Two channels side by side; five in rows of three, the last cell empty.
    assert image_mosaic.shape == output_mosaic.shape == (3, 9)
    assert hidden_mosaic.shape == (3 + 1 + 3, 4 + 1 + 4 + 1 + 4)
    for index in range(5):
        row, column = divmod(index, 3)
        assert np.array_equal(hidden_mosaic[4 * row : 4 * row + 3, 5 * column : 5 * column + 4], hidden[index])
    assert np.isnan(hidden_mosaic[3]).all()
    assert np.isnan(hidden_mosaic[:, [4, 9]]).all()
    assert np.isnan(hidden_mosaic[4:, 10:]).all()
    assert np.isfinite(hidden_mosaic).sum() == hidden.numel()


def test_a_square_vector_is_seen_as_the_image_it_was() -> None:
    network, image = filled(FCN(9, 2, 5)), integers(9, seed=4)
    seen, hidden, _ = layer_mosaics(network, image)
    assert np.array_equal(seen, image.reshape(3, 3))
    assert hidden.shape == (2, 3)
    assert np.isnan(hidden[1, 2])
    assert hidden.ravel()[:5].tolist() == layer_activations(network, image)[1][0].tolist()


@pytest.mark.parametrize(
    ("model", "inputs", "error", "words"),
    [
        ("a network", np.ones(4), TypeError, "model must be an nn.Module, got str"),
        (nn.ReLU(), np.ones(4), ValueError, "model must have parameters, got one without"),
        (FCN(4, 1), np.ones(5), ValueError, "inputs must have 4 entries for this network, got 5"),
        (FCN(4, 1), np.ones((1, 2, 2)), ValueError, r"inputs must have shape \(n, d\) or \(d,\), got \(1, 2, 2\)"),
        (FCN(4, 1), np.full(4, np.nan), ValueError, "inputs must be finite"),
        (FCN(4, 1), np.full(4, 1e300), ValueError, "inputs must fit float32"),
        (CNN(1, 1), np.ones((2, 4, 4)), ValueError, "inputs must have 1 channels for this network, got 2"),
        (FCN(4, 1), [1.0] * 4, TypeError, "inputs must be a NumPy or torch array, got list"),
    ],
)
def test_what_does_not_fit_is_refused(model, inputs, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        layer_activations(model, inputs)


def test_an_ensemble_is_told_to_give_a_member() -> None:
    trained = train(lambda: FCN(4, 1), np.ones(4), recipe=Recipe(steps=1))
    with pytest.raises(TypeError, match=r"model must be an nn.Module, got TrainedEnsemble; \.member\(0\) of it is one"):
        layer_activations(trained, np.ones(4))


def test_a_mosaic_is_of_one_image() -> None:
    with pytest.raises(ValueError, match="image must be a single one, got 2"):
        layer_mosaics(FCN(4, 1), np.ones((2, 4)))
