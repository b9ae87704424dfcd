"""The infinite-width limit of a torch module: its settings, its kernels, and what is refused."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from theory import wide


def linear(*sizes: int, bias: bool = True, between: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    steps: list[nn.Module] = []
    for before, after in pairwise(sizes):
        steps += [nn.Linear(before, after, bias=bias), between()]
    return nn.Sequential(*steps[:-1])


def conv(*sizes: int, kernel=3, **settings) -> nn.Sequential:
    settings = {"padding": "same"} | settings
    steps: list[nn.Module] = []
    for before, after in pairwise(sizes):
        steps += [nn.Conv2d(before, after, kernel, **settings), nn.ReLU()]
    return nn.Sequential(*steps[:-1])


STANDARD = {"scheme": "default", "parameterization": "standard"}
FLAT = linear(5, 8, 8, 2)


@pytest.mark.parametrize(
    ("module", "network"),
    [
        (FLAT, wide.FullyConnected(3, width=8, bias=True, **STANDARD)),
        (linear(5, 8, 2, bias=False), wide.FullyConnected(2, width=8, **STANDARD)),
        (
            linear(5, 8, 2, between=nn.LeakyReLU),
            wide.FullyConnected(2, width=8, bias=True, activation="leaky_relu", **STANDARD),
        ),
        (
            linear(5, 8, 2, between=nn.Identity),
            wide.FullyConnected(2, width=8, bias=True, activation="linear", **STANDARD),
        ),
        (nn.Sequential(nn.Linear(3, 3)), wide.FullyConnected(1, bias=True, **STANDARD)),
        (nn.Sequential(FLAT[:2], nn.Identity(), FLAT[2:]), wide.FullyConnected(3, width=8, bias=True, **STANDARD)),
        (
            nn.Sequential(FLAT[0], FLAT[1], FLAT[2], FLAT[1], FLAT[4]),  # one ReLU in two places
            wide.FullyConnected(3, width=8, bias=True, **STANDARD),
        ),
        (conv(1, 8, 8, 1), wide.Convolutional(3, (3, 3), width=8, bias=True, **STANDARD)),
        (
            conv(2, 8, 2, kernel=(3, 5), padding=(1, 2), padding_mode="circular", bias=False),
            wide.Convolutional(2, (3, 5), width=8, padding_mode="circular", **STANDARD),
        ),
    ],
)
def test_settings_are_the_modules(module: nn.Module, network: wide.FullyConnected) -> None:
    assert wide.from_torch(module) == network


def test_scheme_and_parameterization_can_be_told() -> None:
    network = wide.from_torch(linear(5, 8, 2, bias=False), scheme="kaiming_normal", parameterization="ntk")
    assert network == wide.FullyConnected(2, width=8, scheme="kaiming_normal", parameterization="ntk")
    with pytest.raises(ValueError, match="scheme must be one of"):
        wide.from_torch(FLAT, scheme="he")


@pytest.mark.parametrize("images", [False, True], ids=["FCN", "CNN"])
def test_kernels_are_those_of_the_module_over_draws_of_its_weights(images: bool) -> None:
    """With one hidden layer the means of f f' and of Σ ∂f ∂f' over torch's own draws are the kernels, at any width."""
    torch.manual_seed(0)
    draws, width = 2000, 6
    x = torch.rand(2, 1, 3, 3) if images else torch.rand(2, 4)
    covariances, tangents = [], []
    for _ in range(draws):
        module = conv(1, width, 1) if images else linear(4, width, 1)
        answers = module(x)[:, 0, 1, 2] if images else module(x)[:, 0]
        slopes = [
            torch.cat([slope.ravel() for slope in torch.autograd.grad(answer, module.parameters(), retain_graph=True)])
            for answer in answers
        ]
        covariances.append(torch.outer(answers, answers).detach().numpy())
        tangents.append((torch.stack(slopes) @ torch.stack(slopes).T).numpy())
    network = wide.from_torch(module)
    for found, kernel in ((covariances, network.nngp(x)), (tangents, network.ntk(x))):
        expected = (kernel[:, :, 1, 2, 1, 2] if images else kernel).numpy()
        error = np.std(found, axis=0) / math.sqrt(draws)
        assert (np.abs(np.mean(found, axis=0) - expected) <= 7.5 * error).all()
        assert (error <= 0.1 * np.abs(expected)).all()  # so that 1.8 times the kernel, or half of it, would be seen


def hooked() -> nn.Sequential:
    module = linear(3, 4, 3)
    module[1].register_forward_hook(lambda *_: None)
    return module


class Doubled(nn.Sequential):
    def forward(self, x):
        return 2 * super().forward(x)


@pytest.mark.parametrize(
    ("module", "error", "message"),
    [
        (nn.Linear(3, 3), TypeError, "module must be a torch.nn.Sequential of layers, got Linear"),
        (Doubled(nn.Linear(3, 3)), TypeError, "Sequential of layers, got Doubled"),
        (nn.Sequential(), ValueError, "must have a Linear or Conv2d layer, got none"),
        (nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)), TypeError, r"module\[1\] is a Tanh, which"),
        (nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), TypeError, r"module\[1\] is a BatchNorm1d"),
        (nn.Sequential(nn.Flatten(), nn.Linear(4, 4)), TypeError, "flatten images before the network"),
        (nn.Sequential(nn.Sequential(nn.Dropout())), TypeError, r"module\[0.0\] is a Dropout"),
        (nn.Sequential(nn.Linear(4, 4), nn.Conv2d(1, 1, 3)), ValueError, "got both at 1"),
        (linear(3, 4, 5, 3), ValueError, "hidden layers of one width, got 4, 5"),
        (nn.Sequential(nn.Linear(3, 3), nn.ReLU()), ValueError, "must end with a Linear or Conv2d layer"),
        (nn.Sequential(nn.ReLU(), nn.Linear(3, 3)), ValueError, "after each hidden layer alone, got one at 0"),
        (
            nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.ReLU(), nn.Linear(3, 3)),
            ValueError,
            "after each hidden layer alone, got one at 2",
        ),
        (
            nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3), nn.Linear(3, 3)),
            ValueError,
            "one activation after every hidden layer, got linear, relu",
        ),
        (
            nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3, bias=False)),
            ValueError,
            "layers of one bias, got False, True",
        ),
        (nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(0.2), nn.Linear(4, 3)), ValueError, "slope 0.01, got 0.2"),
        (nn.Sequential(FLAT[2], nn.ReLU(), FLAT[2]), ValueError, r"module\[2\] must have weights of its own"),
        (conv(1, 4, 1, padding=0), ValueError, r"size that it is given, padding='same', got kernel_size=\(3, 3\)"),
        (conv(1, 4, 1, padding=1, stride=2), ValueError, "stride 1, dilation 1 and groups 1, got stride=\\(2, 2\\)"),
        (conv(2, 4, 2, groups=2), ValueError, "groups=2"),
        (conv(1, 4, 1, dilation=2), ValueError, "dilation"),
        (nn.Sequential(*conv(1, 4), nn.Conv2d(4, 1, 5, padding=2)), ValueError, "layers of one kernel_size"),
        (
            nn.Sequential(*conv(1, 4), nn.Conv2d(4, 1, 3, padding=1, padding_mode="circular")),
            ValueError,
            "layers of one padding_mode, got circular, zeros",
        ),
        (hooked(), ValueError, r"module\[1\] must be as torch made it: it has a forward hook"),
        (
            nn.Sequential(nn.Linear(3, 3).requires_grad_(False)),
            ValueError,
            r"module\[0\] must be as torch made it: its weight is frozen",
        ),
    ],
)
def test_what_the_limit_does_not_know_is_named(module: nn.Module, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        wide.from_torch(module)
