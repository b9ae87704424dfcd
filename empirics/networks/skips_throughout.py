"""A residual network without plain layers: where skips lead from input to output."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from empirics.networks.fully_connected import FCN


class SkipsThroughout(nn.Module):
    """Residual blocks x + φ(W₂ φ(W₁ x)) from the input to the output, with no plain layer before or after.

    `FCN(residual=True)`, of the same blocks, keeps its first and last layers plain, as the paper's networks
    do. Where φ is the ReLU, blocks can only add: a network that reproduces an image adds nothing to it in any block.
    Without the outer φ blocks could cancel each other, and on other images would not.

    Args:
        in_features: d, the length of an input vector.
        depth: number of weight layers, two a block.
        width: units between a block's two layers.
        activation: φ, a name in `empirics.networks.activations.ACTIVATIONS`.
        bias: whether the layers have biases.

    Raises:
        ValueError: a depth that is odd or below 2.
    """

    def __init__(
        self, in_features: int, depth: int, width: int, *, activation: str = "relu", bias: bool = False
    ) -> None:
        super().__init__()
        if depth < 2 or depth % 2:
            raise ValueError(f"depth must be even and at least 2 (two layers a block), got {depth}")
        self.in_features, self.depth, self.width = in_features, depth, width
        self.activation, self.bias = activation, bias
        self.blocks = nn.ModuleList(
            FCN(in_features, 2, width, activation=activation, output_activation=activation, bias=bias)
            for _ in range(depth // 2)
        )

    def forward(self, inputs: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The outputs, (n, in_features), for inputs (n, in_features)."""
        x = inputs
        for block in self.blocks:
            x = x + block(x)
        return x

    def settings(self) -> dict[str, Any]:
        """The keyword arguments that build this network anew."""
        return {name: getattr(self, name) for name in ("in_features", "depth", "width", "activation", "bias")}
