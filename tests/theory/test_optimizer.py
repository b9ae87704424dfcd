"""Stability, decomposition, and the way in from torch layers."""

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils import prune

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
        (torch.nn.ReLU(), TypeError, "layer must be a torch.nn.Linear or torch.nn.Conv2d itself, got ReLU"),
        (None, TypeError, "got NoneType"),
    ],
)
def test_from_torch_refuses_other_layers(layer, error, message):
    with pytest.raises(error, match=message):
        theory.from_torch(layer)


class Masked(torch.nn.Conv2d):
    """A convolution whose forward hides its kernel's middle."""

    def forward(self, x):
        mask = torch.ones_like(self.weight)
        mask[..., 1, 1] = 0
        return torch.nn.functional.conv2d(x, self.weight * mask, padding=1)


def _pruned():
    return prune.l1_unstructured(torch.nn.Linear(3, 2), "weight", amount=0.5)


def _old_weight_norm():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return torch.nn.utils.weight_norm(torch.nn.Linear(3, 2))


def _changed(change):
    layer = torch.nn.Linear(3, 2)
    change(layer)
    return layer


IN_THE_WAY = {
    "weight normalization": (
        lambda: torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(3, 2)),
        (TypeError, ValueError),
        "parametriz|Parametriz",
    ),
    "spectral normalization": (
        lambda: torch.nn.utils.parametrizations.spectral_norm(torch.nn.Conv2d(1, 1, 3)),
        (TypeError, ValueError),
        "parametriz|Parametriz",
    ),
    "old weight normalization": (_old_weight_norm, ValueError, "pre-hook"),
    "old spectral normalization": (
        lambda: torch.nn.utils.spectral_norm(torch.nn.Linear(3, 2)), ValueError, "pre-hook"
    ),
    "pruning": (_pruned, ValueError, "pre-hook"),
    "a masked convolution": (lambda: Masked(1, 1, 3, padding=1), TypeError, "got Masked, a subclass"),
    "a lazy layer": (lambda: torch.nn.LazyLinear(2), TypeError, "got LazyLinear"),
    "a forward hook": (
        lambda: _changed(lambda layer: layer.register_forward_hook(lambda *_: None)), ValueError, "a forward hook"
    ),
    "a backward hook": (
        lambda: _changed(lambda layer: layer.register_full_backward_hook(lambda *_: None)), ValueError, "backward hook"
    ),
    "a hook on the gradient": (
        lambda: _changed(lambda layer: layer.weight.register_hook(lambda g: 2 * g)), ValueError, "hook on its gradient"
    ),
    "a forward of its own": (
        lambda: _changed(lambda layer: setattr(layer, "forward", lambda x: x)), ValueError, "a forward of its own"
    ),
    "frozen weights": (
        lambda: _changed(lambda layer: layer.weight.requires_grad_(False)), ValueError, "its weight is frozen"
    ),
    "a frozen bias": (
        lambda: _changed(lambda layer: layer.bias.requires_grad_(False)), ValueError, "its bias is frozen"
    ),
    "a further parameter": (
        lambda: _changed(lambda layer: layer.register_parameter("gain", torch.nn.Parameter(torch.ones(1)))),
        ValueError,
        "further tensors, gain",
    ),
    "a buffer": (
        lambda: _changed(lambda layer: layer.register_buffer("mask", torch.ones(1))), ValueError, "tensors, mask"
    ),
    "a module inside": (
        lambda: _changed(lambda layer: layer.add_module("inner", torch.nn.ReLU())), ValueError, "another module, inner"
    ),
    "no numbers": (lambda: torch.nn.Linear(3, 2, device="meta"), ValueError, "on the device 'meta'"),
    "complex": (lambda: torch.nn.Linear(3, 2, dtype=torch.complex64), ValueError, "its weight is of torch.complex64"),
    "float8": (lambda: torch.nn.Linear(3, 2).to(torch.float8_e5m2), ValueError, "its weight is of torch.float8_e5m2"),
}  # fmt: skip


@pytest.mark.parametrize("case", IN_THE_WAY)
def test_from_torch_takes_the_plain_layer_only_and_says_what_is_in_the_way(case):
    make, error, words = IN_THE_WAY[case]
    with pytest.raises(error, match=words) as caught:
        theory.from_torch(make())
    assert str(caught.value).startswith("layer must be")
    assert "\n" not in str(caught.value)
