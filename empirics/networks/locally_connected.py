"""One locally connected layer: a convolution whose kernel is not shared between output pixels."""

import math
from typing import Any, Unpack

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from empirics.arguments import boolean, integer, integer_pair
from empirics.networks.window import Window, WindowSettings


class LCN(nn.Module):
    """One locally connected layer.

    Its weight has shape (H', W', out_channels, in_channels, k_h, k_w): `weight[i, j]` is the `nn.Conv2d.weight` of
    output pixel (i, j); its bias has shape (H', W', out_channels).

    Args:
        in_channels: C, channels of an input image.
        image_size: H = W, or (H, W), of the images that it takes.
        out_channels: channels of the output; None for C.
        kernel_size: k or (k_h, k_w).
        bias: whether there is a bias, one per output pixel and channel.
        **settings: how its kernels slide, see `WindowSettings`.

    Raises:
        TypeError: a setting of the wrong type.
        ValueError: a setting out of range, or a kernel larger than the padded image.

    Source: theory/sliding_window.py: the network whose design matrix has one block for each output pixel.
    """

    def __init__(
        self,
        in_channels: int,
        image_size: int | tuple[int, int],
        *,
        out_channels: int | None = None,
        kernel_size: int | tuple[int, int] = 5,
        bias: bool = False,
        **settings: Unpack[WindowSettings],
    ) -> None:
        super().__init__()
        self.in_channels = integer("in_channels", in_channels)
        self.image_size = integer_pair("image_size", image_size)
        self.out_channels = self.in_channels if out_channels is None else integer("out_channels", out_channels)
        self.window = Window.of(kernel_size, **settings)
        self.output_size = self.window.output_size(*self.image_size)
        self.weight = nn.Parameter(
            torch.empty(*self.output_size, self.out_channels, self.in_channels, *self.window.kernel_size)
        )
        bias = boolean("bias", bias)
        self.bias = nn.Parameter(torch.empty(*self.output_size, self.out_channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights and biases from U(−1/√f_in, 1/√f_in), f_in = C·k_h·k_w, as `nn.Conv2d` does."""
        bound = 1 / math.sqrt(self.in_channels * math.prod(self.window.kernel_size))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, inputs: Float[Tensor, "n in_channels height width"]) -> Float[Tensor, "n out_channels h w"]:
        """The outputs, (n, out_channels, H', W'), for images (n, in_channels, H, W)."""
        if tuple(inputs.shape[-2:]) != self.image_size:
            got = tuple(inputs.shape[-2:])
            raise ValueError(f"a locally connected layer takes images of one size, {self.image_size}, got {got}")
        mode = "constant" if self.window.padding_mode == "zeros" else self.window.padding_mode
        padded = functional.pad(inputs, self.window.edges, mode=mode)
        patches = functional.unfold(
            padded, self.window.kernel_size, dilation=self.window.dilation, stride=self.window.stride
        )
        kernels = self.weight.flatten(3).flatten(0, 1)  # (H'·W', out_channels, C·k_h·k_w)
        outputs = torch.einsum("nkp,pok->nop", patches, kernels).unflatten(-1, self.output_size)
        return outputs if self.bias is None else outputs + self.bias.permute(2, 0, 1)

    def settings(self) -> dict[str, Any]:
        """The keyword arguments that build this network anew."""
        names = ("in_channels", "image_size", "out_channels")
        return {name: getattr(self, name) for name in names} | vars(self.window) | {"bias": self.bias is not None}
