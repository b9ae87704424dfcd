"""Fully connected networks of any depth."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from empirics.arguments import boolean, choice, integer
from empirics.networks.activations import ACTIVATIONS


class FCN(nn.Module):
    """A fully connected network: `depth` weight layers with an activation between them.

    With φ the activation it computes x ↦ W_L φ(… φ(W₂ φ(W₁ x))). The residual one adds an identity skip over every two
    hidden layers, x + φ(W₂ φ(W₁ x)): the first layer (to `width`) and the last (from `width`) stay plain, the hidden
    layers between them go in pairs, and where their number is odd the last of them is plain too.

    Depth 1 is one `nn.Linear`, `layers[0]`, whose weight (out_features, in_features) has torch's layout.

    Args:
        in_features: d, the length of an input vector.
        depth: number of weight layers.
        width: units of each hidden layer.
        out_features: length of an output vector; None for d.
        activation: φ, a name in `empirics.networks.activations.ACTIVATIONS`.
        output_activation: what follows the last layer; "linear" for nothing.
        residual: whether there are skips; needs a depth of at least 4.
        bias: whether the layers have biases.

    Raises:
        TypeError: a setting of the wrong type.
        ValueError: a setting out of range.

    Source: Zhang et al. 2020, section 4.1 and the appendix on residual networks.
    """

    def __init__(
        self,
        in_features: int,
        depth: int,
        width: int = 2048,
        *,
        out_features: int | None = None,
        activation: str = "relu",
        output_activation: str = "linear",
        residual: bool = False,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.in_features = integer("in_features", in_features)
        self.depth = integer("depth", depth)
        self.width = integer("width", width)
        self.out_features = self.in_features if out_features is None else integer("out_features", out_features)
        self.activation = choice("activation", activation, ACTIVATIONS)
        self.output_activation = choice("output_activation", output_activation, ACTIVATIONS)
        self.residual = boolean("residual", residual)
        self.bias = boolean("bias", bias)
        if self.residual and self.depth < 4:
            raise ValueError(
                f"depth must be at least 4 for residual=True (a skip spans two hidden layers), got {depth}"
            )
        sizes = [self.in_features, *[self.width] * (self.depth - 1), self.out_features]
        self.layers = nn.ModuleList(nn.Linear(before, after, bias=self.bias) for before, after in pairwise(sizes))

    def forward(self, inputs: Float[Tensor, "n d"]) -> Float[Tensor, "n out"]:
        """The outputs, (n, out_features), for inputs (n, in_features)."""
        return self.through(list(self.layers), inputs)

    def through(self, layers: Sequence[Callable[[Tensor], Tensor]], inputs: Tensor) -> Tensor:
        """The outputs, were these the layers: those of many members at once, for example."""
        φ = ACTIVATIONS[self.activation]
        x = inputs
        for index, layer in enumerate(layers[:-1]):
            # Hidden layers 1 and 2, 3 and 4, ... are the pairs; layer 0 changes the width and has no skip.
            if self.residual and index % 2 == 1:
                skipped = x
            x = φ(layer(x))
            if self.residual and index % 2 == 0 and index > 0:
                x = skipped + x
        return ACTIVATIONS[self.output_activation](layers[-1](x))

    def settings(self) -> dict[str, Any]:
        """The keyword arguments that build this network anew."""
        names = ("in_features", "depth", "width", "out_features", "activation", "output_activation", "residual", "bias")
        return {name: getattr(self, name) for name in names}
