"""The distributions of initial weights that deep-learning libraries draw from, by name."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from theory.networks import Network

Family = Literal["normal", "uniform", "orthogonal"]
SchemeName = Literal[
    "default",
    "yann_normal",
    "yann_uniform",
    "xavier_normal",
    "xavier_uniform",
    "kaiming_normal",
    "kaiming_uniform",
    "orthogonal",
]


@dataclass(frozen=True)
class Scheme:
    """How one layer's initial parameters are distributed: entries of mean zero, uncorrelated, biases apart.

    Attributes:
        family: "normal" or "uniform" entries, independent; "orthogonal": the weight of a block, (outputs, columns), is
            a uniformly random matrix with orthonormal rows or columns.
        weight_variance: of each weight.
        bias_variance: of each bias; 0 where biases start at zero.
    """

    family: Family
    weight_variance: float
    bias_variance: float

    @property
    def gaussian(self) -> bool:
        """Whether every prediction is Gaussian."""
        return self.family == "normal"

    @property
    def excess_kurtosis(self) -> float:
        """κ₄/variance² of an entry: 0 for a normal one, −6/5 for a uniform one."""
        return {"normal": 0.0, "uniform": -1.2}[self.family]

    def variances(self, columns: int, bias: bool) -> np.ndarray:
        """The variance of each of one output unit's parameters, (columns,), its bias last if there is one."""
        variances = np.full(columns, self.weight_variance)
        if bias:
            variances[-1] = self.bias_variance
        return variances

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], variances: np.ndarray) -> np.ndarray:
        """Random parameters (..., outputs, columns), `variances` per column (the bias's last, if there is one)."""
        if self.family == "normal":
            return rng.standard_normal(shape) * np.sqrt(variances)
        if self.family == "uniform":
            return rng.uniform(-1, 1, shape) * np.sqrt(3 * variances)
        free = int(np.count_nonzero(variances))  # a bias starts at zero
        tall = rng.standard_normal((*shape[:-2], max(shape[-2], free), min(shape[-2], free)))
        q, r = np.linalg.qr(tall)
        # Signs that make Q uniformly distributed (Mezzadri 2007).
        q = q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
        weight = q if shape[-2] >= free else np.swapaxes(q, -1, -2)
        return np.concatenate([weight, np.zeros((*shape[:-1], shape[-1] - free))], axis=-1)


def weight_variance(kind: str, fan_in: int, fan_out: int, outputs: int) -> float:
    """The variance of one weight of a layer, by the kind of its scheme (the name up to "_").

    Raises:
        ValueError: an unknown kind.

    Source: Zhang et al. 2020, appendix on initialization schemes; `torch.nn.init`; LeCun et al. 1998 (yann).
    """
    match kind:
        case "default":  # torch draws weights and biases from U(−1/√f_in, 1/√f_in)
            return 1 / (3 * fan_in)
        case "yann":
            return 1 / fan_in
        case "xavier":
            return 2 / (fan_in + fan_out)
        case "kaiming":
            return 2 / fan_in
        case "orthogonal":  # (outputs, f_in) with orthonormal rows or columns
            return 1 / max(outputs, fan_in)
    raise ValueError(f"no scheme is of the kind {kind!r}")


def scheme_of(name: str, network: Network) -> Scheme:
    """The distribution of a network's initial parameters under a named scheme.

    Args:
        name: "default" (torch's own for Linear and Conv2d), "yann_normal", "yann_uniform", "xavier_normal",
            "xavier_uniform", "kaiming_normal", "kaiming_uniform" or "orthogonal".
        network: the layer.

    Returns:
        Its family and variances.

    Raises:
        ValueError: an unknown name.

    Source: as of `weight_variance`.
    """
    if name not in get_args(SchemeName):
        raise ValueError(f"scheme must be one of {', '.join(get_args(SchemeName))}, got {name!r}")
    kind, _, family = name.partition("_")
    variance = weight_variance(kind, *network.fans, network.outputs)
    if name == "default":
        return Scheme("uniform", variance, variance if network.bias else 0.0)
    if name == "orthogonal":
        return Scheme("orthogonal", variance, 0.0)
    return Scheme("normal" if family == "normal" else "uniform", variance, 0.0)
