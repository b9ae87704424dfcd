"""Initial weights: the schemes that deep-learning libraries draw from, reproducible from a seed."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Generator, Tensor, nn

from empirics.arguments import choice, integer
from empirics.networks.weight_layers import Fans, WeightLayer

Model = TypeVar("Model", bound=nn.Module)

VARIANCES: dict[str, Callable[[int, int], float]] = {
    "yann": lambda f_in, f_out: 1 / f_in,
    "xavier": lambda f_in, f_out: 2 / (f_in + f_out),
    "kaiming": lambda f_in, f_out: 2 / f_in,
}
SCHEMES = ("default", *(f"{kind}_{family}" for kind in VARIANCES for family in ("normal", "uniform")), "orthogonal")


def initialize(model: Model, scheme: str, seed: int) -> Model:
    """Set a model's weights and biases to random initial values, in place.

    With f_in and f_out a layer's fans, which for a convolution count k_h·k_w, weights have mean zero and

    | scheme | law of a weight |
    |---|---|
    | "default" | U(−1/√f_in, 1/√f_in), biases too: torch's `reset_parameters` |
    | "yann_normal", "yann_uniform" | variance 1/f_in |
    | "xavier_normal", "xavier_uniform" | variance 2/(f_in + f_out) |
    | "kaiming_normal", "kaiming_uniform" | variance 2/f_in |
    | "orthogonal" | the (outputs, f_in) matrix is uniform among those with orthonormal rows or columns |

    Weights are independent but for "orthogonal". Biases are zero in every scheme but "default". A locally connected
    layer counts, and draws, as one convolution a pixel.

    A seed gives the same values whatever ran before, on any device and up to rounding in any dtype: they are drawn in
    float64 on the CPU from a generator of their own.

    Args:
        model: built of `nn.Linear`, `nn.Conv2d` and `LCN` layers, and of layers without parameters.
        scheme: one of the names above.
        seed: from 0 to 2³² − 1.

    Returns:
        The model.

    Raises:
        TypeError: an argument of the wrong type, or a model with parameters in other kinds of layers.
        ValueError: an unknown scheme, or a seed out of range.

    Example:
        >>> from torch import nn
        >>> layer = initialize(nn.Linear(100, 100), "xavier_normal", seed=0)
        >>> round(layer.weight.std().item(), 2), layer.bias.abs().max().item()
        (0.1, 0.0)

    Source: Zhang et al. 2020, appendix on initialization; LeCun et al. 1998; Glorot and Bengio 2010; He et al. 2015;
        Saxe et al. 2014.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be an nn.Module, got {type(model).__name__}")
    scheme, seed = choice("scheme", scheme, SCHEMES), seed_number("seed", seed)
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, values in draw(model, scheme, seed):
            parameters[name].copy_(values)
    return model


def seed_number(name: str, seed: int) -> int:
    """A seed that torch's CPU generator tells from all others.

    Raises:
        TypeError: not an integer.
        ValueError: out of range.
    """
    number = integer(name, seed, least=0)
    if number >= 2**32:  # its Mersenne twister looks at the low 32 bits only
        raise ValueError(f"{name} must be below 2**32, got {number}")
    return number


def draw(model: nn.Module, scheme: str, seed: int) -> Iterator[tuple[str, Tensor]]:
    """The initial parameters of a model, by name, in float64 on the CPU; checked as in `initialize`."""
    generator = Generator().manual_seed(seed)
    for prefix, layer in model.named_modules():
        if not list(layer.parameters(recurse=False)):
            continue
        shape = _Layer.of(layer)
        prefix = f"{prefix}." if prefix else ""
        yield f"{prefix}weight", shape.draw_weight(scheme, generator)
        if shape.bias is not None:
            yield f"{prefix}bias", shape.draw_bias(scheme, generator)


@dataclass(frozen=True)
class _Layer:
    """What initialization needs to know of a layer."""

    weight: torch.Size
    bias: torch.Size | None
    fans: Fans

    @classmethod
    def of(cls, layer: nn.Module) -> "_Layer":
        if not isinstance(layer, WeightLayer):
            raise TypeError(
                f"model must hold its parameters in Linear, Conv2d and LCN layers, got {type(layer).__name__}"
            )
        if others := {name for name, _ in layer.named_parameters(recurse=False)} - {"weight", "bias"}:
            raise TypeError(
                f"model must hold weights and biases only, got {type(layer).__name__} with {', '.join(sorted(others))}"
            )
        return cls(layer.weight.shape, None if layer.bias is None else layer.bias.shape, Fans.of(layer))

    def draw_weight(self, scheme: str, generator: Generator) -> Tensor:
        weight = torch.empty(self.weight, dtype=torch.float64)
        if scheme == "orthogonal":
            return self._orthogonal(generator)
        if scheme == "default":
            bound = 1 / math.sqrt(self.fans.f_in)
            return weight.uniform_(-bound, bound, generator=generator)
        kind, family = scheme.split("_")
        deviation = math.sqrt(VARIANCES[kind](self.fans.f_in, self.fans.f_out))
        if family == "normal":
            return weight.normal_(0, deviation, generator=generator)
        bound = math.sqrt(3) * deviation
        return weight.uniform_(-bound, bound, generator=generator)

    def draw_bias(self, scheme: str, generator: Generator) -> Tensor:
        bias = torch.zeros(self.bias or (), dtype=torch.float64)
        bound = 1 / math.sqrt(self.fans.f_in)
        return bias.uniform_(-bound, bound, generator=generator) if scheme == "default" else bias

    def _orthogonal(self, generator: Generator) -> Tensor:
        outputs, inputs = self.fans.outputs, self.fans.f_in
        tall = (self.fans.blocks, max(outputs, inputs), min(outputs, inputs))
        q, r = torch.linalg.qr(torch.empty(tall, dtype=torch.float64).normal_(generator=generator))
        # Without these signs Q would not be uniformly distributed (Mezzadri 2007).
        q = q * r.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)
        return (q if outputs >= inputs else q.mT).reshape(self.weight)
