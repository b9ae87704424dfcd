"""How each layer of a wide network is drawn at the start and how fast it learns: variances, and shares of Θ.

With f_in inputs per unit, a layer's weights have variance σ_w²/f_in and its biases σ_b². Then, h being its
pre-activations and φ its inputs,

    Cov h = σ_w² ⟨φφ'⟩ + σ_b²,   Θ = ω ⟨φφ'⟩ + β + σ_w² ⟨κ̇ Θ_before⟩,

where ⟨·⟩ is the mean over the f_in inputs, and ω and β say what a step on the layer's own weights and biases does to h:

| parameterization | h | ω | β |
|---|---|---|---|
| "ntk" | σ_w/√f_in · W φ + σ_b b, with unit normal W and b | σ_w² | σ_b² |
| "standard" | W φ + b, torch's | f_in | 1, or 0 without biases |

Source: Jacot et al. 2018; Lee et al. 2019, appendix on parameterizations; Sohl-Dickstein et al. 2020.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

from numerics.arguments import boolean, positive_int, real_number
from theory.schemes import SchemeName
from theory.schemes import weight_variance as scheme_variance

Parameterization = Literal["ntk", "standard"]


@dataclass(frozen=True)
class Layer:
    """One layer's constants, in the notation above.

    Attributes:
        weight_variance: σ_w².
        bias_variance: σ_b².
        weight_rate: ω.
        bias_rate: β.
    """

    weight_variance: float
    bias_variance: float
    weight_rate: float
    bias_rate: float


@dataclass(frozen=True)
class Initialization:
    """What a network's settings say about its layers; checked.

    Raises:
        TypeError: a setting of the wrong type.
        ValueError: a setting out of range, or settings that contradict each other.
    """

    depth: int
    weight_variance: float | None
    bias_variance: float | None
    scheme: str | None
    bias: bool
    parameterization: str
    width: int | None

    def __post_init__(self) -> None:
        positive_int("depth", self.depth)
        boolean("bias", self.bias)
        if self.width is not None:
            positive_int("width", self.width)
        if self.parameterization not in get_args(Parameterization):
            raise ValueError(f"parameterization must be 'ntk' or 'standard', got {self.parameterization!r}")
        if self.scheme is None:
            if self.weight_variance is None:
                raise ValueError("weight_variance must be given, or a scheme by name")
            variances(self.weight_variance, 0.0 if self.bias_variance is None else self.bias_variance)
        else:
            if self.scheme not in get_args(SchemeName):
                raise ValueError(f"scheme must be one of {', '.join(get_args(SchemeName))}, got {self.scheme!r}")
            if self.weight_variance is not None or self.bias_variance is not None:
                raise ValueError(
                    f"weight_variance and bias_variance must be left out where scheme={self.scheme!r} implies them"
                )
        if self.width is None and self.depth > 1:
            if self.parameterization == "standard":
                raise ValueError(
                    "width must be given with parameterization='standard', whose tangent kernel grows with it"
                )
            if self.scheme is not None and (self.scheme.partition("_")[0] in ("xavier", "orthogonal") or self._drawn):
                raise ValueError(
                    f"width must be given with scheme={self.scheme!r}{' and bias=True' * self._drawn}: "
                    "the variances that it implies depend on the number of hidden units"
                )

    @property
    def _drawn(self) -> bool:
        """Whether biases are random at the start by a scheme."""
        return self.scheme == "default" and self.bias

    @property
    def trains_biases(self) -> bool:
        """Whether there are biases."""
        return self.bias or bool(self.bias_variance)

    def layers(self, inputs: int, outputs: int, taps: int = 1) -> tuple[Layer, ...]:
        """The constants of each layer for that many input and output features (or channels)."""
        hidden = [self.width or 1] * (self.depth - 1)  # where no width is given nothing depends on it
        sizes = [inputs, *hidden, outputs]
        return tuple(self._layer(before, after, taps) for before, after in pairwise(sizes))

    def _layer(self, before: int, after: int, taps: int) -> Layer:
        fan_in, fan_out = before * taps, after * taps
        if self.scheme is None:
            weight, bias = float(self.weight_variance or 0), float(self.bias_variance or 0)
        else:
            weight = fan_in * scheme_variance(self.scheme.partition("_")[0], fan_in, fan_out, after)
            bias = 1 / (3 * fan_in) if self._drawn else 0.0
        if self.parameterization == "ntk":
            return Layer(weight, bias, weight, bias)
        return Layer(weight, bias, float(fan_in), float(self.trains_biases))


def variances(weight_variance: Any, bias_variance: Any) -> tuple[float, float]:
    """σ_w² and σ_b² as floats, checked.

    Raises:
        TypeError: no real numbers.
        ValueError: a weight variance that is not positive, or a negative bias variance.
    """
    weight, bias = real_number("weight_variance", weight_variance), real_number("bias_variance", bias_variance)
    if weight <= 0:
        raise ValueError(f"weight_variance must be positive, got {weight_variance}")
    if bias < 0:
        raise ValueError(f"bias_variance must not be negative, got {bias_variance}")
    return weight, bias
