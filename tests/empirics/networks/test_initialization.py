"""Initial weights follow their schemes' laws, and their seeds alone."""

import math

import pytest
import torch
from scipy import stats
from torch import nn

from empirics import CNN, FCN, LCN, initialize
from empirics.networks.initialization import SCHEMES

ALPHA = 1e-12  # the probability that a right law fails; seeds are fixed, so a passing test goes on passing
LAYERS = {
    "linear": (lambda: nn.Linear(40, 60), 40, 60),
    "convolution": (lambda: nn.Conv2d(4, 6, (3, 5)), 4 * 15, 6 * 15),
    "locally connected": (lambda: LCN(4, 5, out_channels=6, kernel_size=(3, 5), bias=True), 4 * 15, 6 * 15),
}
VARIANCES = {
    "yann": lambda f_in, f_out: 1 / f_in,
    "xavier": lambda f_in, f_out: 2 / (f_in + f_out),
    "kaiming": lambda f_in, f_out: 2 / f_in,
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("scheme", VARIANCES)
def test_normal_weights_have_the_schemes_variance(scheme: str, layer: str) -> None:
    make, f_in, f_out = LAYERS[layer]
    model = initialize(make(), f"{scheme}_normal", 0)
    weight = model.weight.detach().to(torch.float64).flatten()
    deviation = math.sqrt(VARIANCES[scheme](f_in, f_out))
    assert stats.kstest(weight / deviation, "norm").pvalue > ALPHA
    # Σ w²/σ² follows χ² with as many degrees of freedom as weights.
    total = float((weight**2).sum()) / deviation**2
    low, high = stats.chi2.interval(1 - ALPHA, weight.numel())
    assert low < total < high
    assert not model.bias.any()


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("scheme", [*VARIANCES, "default"])
def test_uniform_weights_fill_the_schemes_interval(scheme: str, layer: str) -> None:
    make, f_in, f_out = LAYERS[layer]
    model = initialize(make(), scheme if scheme == "default" else f"{scheme}_uniform", 0)
    bound = 1 / math.sqrt(f_in) if scheme == "default" else math.sqrt(3 * VARIANCES[scheme](f_in, f_out))
    weight = model.weight.detach().to(torch.float64).flatten()
    assert weight.abs().max() <= bound * (1 + 2**-24)  # rounded to float32
    # The largest of n uniform numbers is below 1 − t with probability (1 − t)ⁿ.
    assert weight.abs().max() > bound * ALPHA ** (1 / weight.numel())
    assert stats.kstest(weight / bound, stats.uniform(-1, 2).cdf).pvalue > ALPHA
    if scheme == "default":
        assert 0 < model.bias.abs().max() <= bound * (1 + 2**-24)
    else:
        assert not model.bias.any()


@pytest.mark.parametrize(("outputs", "inputs"), [(20, 60), (60, 20), (30, 30)])
def test_orthogonal_weights_have_orthonormal_rows_or_columns(outputs: int, inputs: int) -> None:
    for model in (nn.Linear(inputs, outputs), LCN(inputs, 3, out_channels=outputs, kernel_size=1)):
        weight = initialize(model.to(torch.float64), "orthogonal", 0).weight.detach().reshape(-1, outputs, inputs)
        gram = weight @ weight.mT if outputs <= inputs else weight.mT @ weight
        # Householder QR of m × n columns: ‖QᵀQ − I‖ ≤ 2 √n γ̃_{mn}, γ̃ with a constant below 10 (Higham 2002, th. 19.4).
        m, n = max(outputs, inputs), min(outputs, inputs)
        bound = 20 * math.sqrt(n) * m * n * 2**-53
        assert (gram - torch.eye(n, dtype=torch.float64)).norm(dim=(-2, -1)).max() < bound


def test_orthogonal_weights_are_uniformly_distributed() -> None:
    # Of a uniform 2 × 2 orthogonal matrix half are reflections; without the signs of R none or all would be.
    signs = [torch.linalg.det(initialize(nn.Linear(2, 2), "orthogonal", seed).weight) > 0 for seed in range(200)]
    assert stats.binomtest(sum(map(bool, signs)), 200).pvalue > ALPHA


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_seed_gives_the_same_weights_whatever_ran_before(scheme: str) -> None:
    first = initialize(CNN(2, 3, 4, 3, bias=True), scheme, 5).state_dict()
    torch.manual_seed(123)
    again = initialize(CNN(2, 3, 4, 3, bias=True), scheme, 5).state_dict()
    other = initialize(CNN(2, 3, 4, 3, bias=True), scheme, 6).state_dict()
    fine = initialize(CNN(2, 3, 4, 3, bias=True).to(torch.float64), scheme, 5).state_dict()
    for name, value in first.items():
        assert torch.equal(value, again[name])
        assert torch.equal(value, fine[name].to(torch.float32))
        assert not torch.equal(value, other[name]) or not value.any()


def test_initialization_leaves_torchs_global_random_state_alone() -> None:
    model = nn.Linear(2, 2)
    state = torch.random.get_rng_state()
    initialize(model, "orthogonal", 0)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((FCN(4, 1), "normal", 0), ValueError, "scheme must be one of default, yann_normal"),
        ((FCN(4, 1), None, 0), TypeError, "scheme must be a string, got None"),
        ((FCN(4, 1), "default", -1), ValueError, "seed must be at least 0, got -1"),
        ((FCN(4, 1), "default", 2**32), ValueError, r"seed must be below 2\*\*32"),
        ((FCN(4, 1), "default", 1.5), TypeError, "seed must be an integer, got 1.5"),
        ((nn.BatchNorm2d(3), "default", 0), TypeError, "Linear, Conv2d and LCN layers, got BatchNorm2d"),
        (("FCN", "default", 0), TypeError, "model must be an nn.Module, got str"),
    ],
)
def test_impossible_arguments_are_refused(arguments: tuple, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        initialize(*arguments)
