"""Stability, decomposition, and the way in from torch layers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import theory
from tests import reference
from tests.cases import random_images, seeds, windows

EPS = np.finfo(float).eps


@given(windows(), st.floats(0, 0.95), st.booleans())
def test_max_stable_lr_separates_decay_from_growth(case, momentum, bias):
    network = theory.Convolutional(case.images.shape[1], 2, kernel_size=case.kernel, bias=bias, **case.settings)
    limit = theory.max_stable_lr(network, case.images, momentum=momentum)
    options = {key: case.settings[key] for key in ("stride", "padding", "dilation")}
    design = reference.patch_matrix(case.images, case.kernel, mode=case.settings["padding_mode"], **options)
    design = np.hstack([design, np.ones((len(design), 1))]) if bias else design
    largest = 2 * np.linalg.norm(design, 2) ** 2 / (2 * len(design))
    if not largest:  # black images: there is no gradient, and no rate is too large
        assert limit == math.inf
        return
    # The slowest a mode can decay below the limit, or grow above it, is by (1 ± 0.05 (1 − β)) or so a step.
    steps = math.ceil(2000 / (1 - momentum))
    below = reference.heavy_ball(np.array([largest]), 0.9 * limit, momentum, (), 1.0, steps)
    above = reference.heavy_ball(np.array([largest]), 1.1 * limit, momentum, (), 1.0, 200)
    assert abs(below[-1, 0]) < 1
    assert abs(above[-1, 0]) > 1


@pytest.mark.parametrize(("momentum", "limit"), [(0.0, 0.25), (0.5, 0.375)])
def test_at_the_largest_stable_rate_itself_nothing_converges(momentum, limit):
    """One input 2, one output: λ = 8, and 2 (1 + β)/8 has no rounding."""
    network, inputs = theory.FullyConnected(1), np.array([[2.0]])
    assert theory.max_stable_lr(network, inputs, momentum=momentum) == limit
    for milestones in ((), (5,), (5, 9)):
        options = {"momentum": momentum, "milestones": milestones, "gamma": 0.5}
        first = limit / 0.5 ** len(milestones)
        with pytest.raises(ValueError, match=f"final learning rate {limit:g} must be below {limit:g}"):
            theory.gradient_descent(network, inputs, optimizer=theory.GradientDescent(first, **options))
        below = theory.GradientDescent(np.nextafter(first, 0), **options)
        assert theory.gradient_descent(network, inputs, optimizer=below).weight[0, 0] == 1


def test_the_rate_falls_to_a_fifth_at_each_milestone():
    assert theory.GradientDescent(3.0).final_lr == 3
    assert theory.GradientDescent(3.0, milestones=(4, 7, 7)).final_lr == 3 * 0.2**3


@given(st.integers(2, 8), st.integers(1, 4), seeds)
def test_decompose_splits_into_the_span_and_its_complement(features, examples, seed):
    rng = np.random.default_rng(seed)
    x_hat, x = rng.standard_normal((examples, features)), rng.standard_normal((3, features))
    parallel, perpendicular = theory.decompose(x, x_hat)
    values = np.linalg.svd(x_hat, compute_uv=False)
    bound = 8 * EPS * (features + examples) * (values[0] / values[-1]) * np.linalg.norm(x)
    coefficients = np.linalg.lstsq(x_hat.T, x.T, rcond=None)[0]
    assert np.linalg.norm(x_hat.T @ coefficients - parallel.T) <= bound
    assert np.linalg.norm(perpendicular @ x_hat.T) <= bound * values[0]
    assert np.abs(parallel + perpendicular - x).max() <= EPS * np.abs(x).max()


def test_decompose_refuses_a_span_that_rounding_leaves_open():
    with pytest.raises(ValueError, match="the rank cannot be decided"):
        theory.decompose(np.ones(3), np.diag([1.0, 1.2e-15, 0.9e-15]))


def test_decompose_keeps_batching_and_knows_the_zero_vector():
    x = random_images(0, (4,))
    parallel, perpendicular = theory.decompose(x, np.zeros(4))
    assert not parallel.any()
    np.testing.assert_array_equal(perpendicular, x)
    assert theory.decompose(random_images(1, (3, 4)), x)[0].shape == (3, 4)
    assert theory.decompose(torch.ones(4), torch.ones(4))[0].dtype == torch.float32


@pytest.mark.parametrize(
    "layer",
    [
        torch.nn.Linear(5, 3),
        torch.nn.Linear(5, 3, bias=False),
        torch.nn.Conv2d(2, 3, (2, 3), stride=(2, 1), padding=(1, 0), dilation=(1, 2)),
        torch.nn.Conv2d(2, 2, 3, padding="same", padding_mode="reflect", bias=False),
        torch.nn.Conv2d(2, 2, 3, padding="valid"),
    ],
)
def test_from_torch_predicts_what_the_layer_computes_before_training(layer):
    layer = layer.double()
    network, initial = theory.from_torch(layer)
    inputs = torch.rand((2, 5) if isinstance(layer, torch.nn.Linear) else (2, 2, 6, 7), dtype=torch.float64)
    with torch.no_grad():
        expected = layer(inputs)
    untrained = theory.gradient_descent(
        network,
        inputs,
        torch.zeros_like(expected),
        initial=initial,
        steps=0,
        optimizer=theory.GradientDescent(0.1),
    )
    torch.testing.assert_close(untrained.weight, layer.weight.detach(), rtol=0, atol=0)
    weight = layer.weight.detach()
    bound = 2 * (weight[0].numel() + 1) * EPS * float(weight.abs().sum() + 1)
    assert float((untrained(inputs) - expected).abs().max()) <= bound


def test_weights_from_torch_are_copies():
    layer = torch.nn.Linear(3, 2)
    _, (weight, bias) = theory.from_torch(layer)
    _, bare = theory.from_torch(torch.nn.Linear(3, 2, bias=False))
    before = weight.clone(), bias.clone()
    with torch.no_grad():
        layer.weight += 1
        layer.bias += 1
    assert torch.equal(weight, before[0])
    assert torch.equal(bias, before[1])
    assert not bare.requires_grad


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        (torch.nn.Conv2d(2, 2, 3, groups=2), ValueError, "groups=1, got groups=2"),
        (torch.nn.ReLU(), TypeError, "layer must be a torch.nn.Linear or torch.nn.Conv2d, got ReLU"),
        (None, TypeError, "got NoneType"),
    ],
)
def test_from_torch_refuses_other_layers(layer, error, message):
    with pytest.raises(error, match=message):
        theory.from_torch(layer)
