"""Convolutional networks of any depth."""

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Unpack

import torch
from jaxtyping import Float
from torch import Tensor, nn

from empirics.arguments import boolean, choice, integer
from empirics.networks.activations import ACTIVATIONS
from empirics.networks.window import Window, WindowSettings


class CNN(nn.Module):
    """A convolutional network: `depth` convolutions with an activation between them, no pooling.

    Depth 1 is one `nn.Conv2d`, `layers[0]`, whose weight (out_channels, in_channels, k_h, k_w) has torch's layout. It
    takes images of any size that its kernels fit.

    Args:
        in_channels: C, channels of an input image.
        depth: number of weight layers.
        channels: channels of each hidden layer.
        kernel_size: k or (k_h, k_w), of every layer, like all settings below.
        out_channels: channels of the output; None for C.
        activation: a name in `empirics.networks.activations.ACTIVATIONS`.
        output_activation: what follows the last layer; "linear" for nothing.
        bias: whether the layers have biases.
        **settings: how its kernels slide, see `WindowSettings`.

    Raises:
        TypeError: a setting of the wrong type.
        ValueError: a setting out of range.

    Source: Zhang et al. 2020, section 4.2.
    """

    def __init__(
        self,
        in_channels: int,
        depth: int,
        channels: int = 128,
        kernel_size: int | tuple[int, int] = 5,
        *,
        out_channels: int | None = None,
        activation: str = "relu",
        output_activation: str = "linear",
        bias: bool = False,
        **settings: Unpack[WindowSettings],
    ) -> None:
        super().__init__()
        self.in_channels = integer("in_channels", in_channels)
        self.depth = integer("depth", depth)
        self.channels = integer("channels", channels)
        self.out_channels = self.in_channels if out_channels is None else integer("out_channels", out_channels)
        self.activation = choice("activation", activation, ACTIVATIONS)
        self.output_activation = choice("output_activation", output_activation, ACTIVATIONS)
        self.window = Window.of(kernel_size, **settings)
        self.bias = boolean("bias", bias)
        _hush_warning_of_even_kernels()
        sizes = [self.in_channels, *[self.channels] * (self.depth - 1), self.out_channels]
        self.layers = nn.ModuleList(
            nn.Conv2d(
                before,
                after,
                self.window.kernel_size,
                stride=self.window.stride,
                padding=self.window.padding,
                padding_mode=self.window.padding_mode,  # type: ignore[arg-type]  # checked, but a str to the type checker
                dilation=self.window.dilation,
                bias=self.bias,
            )
            for before, after in pairwise(sizes)
        )

    def forward(self, inputs: Float[Tensor, "n in_channels height width"]) -> Float[Tensor, "n out_channels h w"]:
        """The outputs, (n, out_channels, H', W'), for images (n, in_channels, H, W)."""
        return self.through(list(self.layers), inputs)

    def through(self, layers: Sequence[Callable[[Tensor], Tensor]], inputs: Tensor) -> Tensor:
        """The outputs, were these the layers: those of many members at once, for example."""
        φ = ACTIVATIONS[self.activation]
        x = inputs
        for layer in layers[:-1]:
            x = φ(layer(x))
        return ACTIVATIONS[self.output_activation](layers[-1](x))

    def settings(self) -> dict[str, Any]:
        """The keyword arguments that build this network anew."""
        names = ("in_channels", "depth", "channels", "out_channels", "activation", "output_activation", "bias")
        return {name: getattr(self, name) for name in names} | vars(self.window)


@cache
def _hush_warning_of_even_kernels() -> None:
    """Trigger and discard torch's warning, given once a process, about even kernels with "same" padding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pixel = torch.zeros(1, 1, 1, 1, device="cpu")
        nn.functional.conv2d(pixel, torch.zeros(1, 1, 2, 2, device="cpu"), padding="same")
