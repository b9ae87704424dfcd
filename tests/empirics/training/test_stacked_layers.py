"""Stacked layers compute what torch's own layers do, member by member: outputs and gradients."""

import pytest
import torch
from torch import Tensor, nn

from empirics.networks.window import Window
from empirics.training.stack.layers import StackedConvolution, StackedLinear
from tests.empirics.dyadic import integers

WINDOWS = [
    {"kernel_size": 3},
    {"kernel_size": 5},
    {"kernel_size": 4},  # even: the odd pixel of padding goes right and below
    {"kernel_size": (1, 3)},
    {"kernel_size": (3, 1)},
    {"kernel_size": (2, 5), "dilation": (3, 1)},
    {"kernel_size": 3, "dilation": 2},
    {"kernel_size": 3, "padding": "valid"},
    {"kernel_size": 3, "padding": 2},
    {"kernel_size": 3, "padding": 4},  # more than the kernel reaches: its gradient is cut off
    {"kernel_size": (3, 2), "padding": (0, 3)},
]


def gradients(outputs: Tensor, given: list[Tensor], seed: int) -> list[Tensor]:
    """Of the sum of the outputs times small integers."""
    return list(torch.autograd.grad((outputs * integers(*outputs.shape, seed=seed)).sum(), given))


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")  # torch's, once a process
@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("channels", [(1, 2), (40, 3), (3, 40)])  # few or many: shifts are laid out differently
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_stacked_convolutions_are_torchs(window: dict, channels: tuple[int, int], n: int) -> None:
    """Bit for bit, since all numbers are small integers."""
    settings = {"stride": 1, "padding": "same", "padding_mode": "zeros", "dilation": 1} | window
    before, after = channels
    kernel = Window.of(**settings)
    weight = integers(4, after, before, *kernel.kernel_size, seed=0).requires_grad_()
    bias = integers(4, after, seed=1).requires_grad_()
    layer = StackedConvolution(weight, bias, kernel)
    for seed in (2, 3):  # the second time in the memory of the first
        images = integers(4, n, before, 7, 6, seed=seed).requires_grad_()
        outputs = layer(images.permute(0, 2, 3, 1, 4)).permute(0, 3, 1, 2, 4)
        found = gradients(outputs, [images, weight, bias], seed=4)
        for member in range(4):
            alone = nn.Conv2d(before, after, bias=True, **settings).to(torch.float64)
            alone.load_state_dict({"weight": weight[member].detach(), "bias": bias[member].detach()})
            given = images[member].detach().requires_grad_()
            expected = alone(given)
            assert torch.equal(outputs[member], expected)
            factors = integers(*outputs.shape, seed=4)[member]
            wanted = torch.autograd.grad((expected * factors).sum(), [given, alone.weight, alone.bias])
            assert all(torch.equal(a[member], b) for a, b in zip(found, wanted, strict=True))


def test_images_that_all_members_share_are_copied_once() -> None:
    weight = integers(5, 2, 1, 3, 3, seed=0).requires_grad_()
    layer = StackedConvolution(weight, None, Window.of(3, padding="same"))
    images = integers(1, 6, 2, 4, seed=1).expand(5, 1, 6, 2, 4)
    outputs = layer(images)
    assert layer.seen.copies.shape[0] == 1
    apart = StackedConvolution(weight, None, Window.of(3, padding="same"))
    assert torch.equal(outputs, apart(images.contiguous()))
    assert torch.equal(gradients(layer(images), [weight], seed=2)[0], gradients(outputs, [weight], seed=2)[0])


@pytest.mark.parametrize("n", [1, 3])
def test_stacked_linear_layers_are_torchs(n: int) -> None:
    weight, bias = integers(4, 3, 5, seed=0).requires_grad_(), integers(4, 3, seed=1).requires_grad_()
    vectors = integers(4, n, 5, seed=2).requires_grad_()
    outputs = StackedLinear(weight, bias)(vectors)
    found = gradients(outputs, [vectors, weight, bias], seed=3)
    given = [value.detach().clone().requires_grad_() for value in (vectors, weight, bias)]
    expected = torch.stack([nn.functional.linear(x, w, b) for x, w, b in zip(*given, strict=True)])
    assert torch.equal(outputs, expected)
    assert all(torch.equal(a, b) for a, b in zip(found, gradients(expected, given, seed=3), strict=True))
