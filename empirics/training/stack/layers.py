"""Layers of many networks at once, as batched matrix products over a first axis, the members.

torch can map a network's own forward over stacked weights (vmap), but then runs grouped convolutions and reductions
that are slow for many small networks. These layers compute the same sums. Each member is a matrix product of its own,
so that its numbers do not depend on the company it trains in, and what a step needs is allocated once.

Each is an autograd function: autograd still leads from the loss to the weights. Tests hold outputs and gradients
against torch's own layers.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from empirics.networks.window import Window

FEW = 32  # rows of a matrix below which its products are slow


class StackedLinear:
    """`nn.Linear` of each member.

    Attributes:
        weight: (members, out, in), a leaf of the autograd graph.
        bias: (members, out), or None.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self.weight, self.bias = weight, bias
        self.gradient = torch.empty_like(weight)

    def __call__(self, inputs: Float[Tensor, "members n in_"]) -> Float[Tensor, "members n out"]:
        """The outputs of each member for its own inputs."""
        outputs: Tensor = _Linear.apply(inputs, self.weight, self.gradient)
        return outputs if self.bias is None else outputs + self.bias.unsqueeze(1)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        ctx.gradient = gradient
        return torch.bmm(inputs, weight.mT)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_outputs: Tensor) -> tuple[Tensor | None, Tensor, None]:
        inputs, weight = ctx.saved_tensors
        of_inputs = torch.bmm(of_outputs, weight) if ctx.needs_input_grad[0] else None
        # For one input an outer product: there is nothing to sum.
        product = torch.mul if inputs.shape[1] == 1 else torch.bmm
        return of_inputs, product(of_outputs.mT, inputs, out=ctx.gradient), None


class StackedConvolution:
    """`nn.Conv2d` of stride 1 of each member. Images are (members, C, H, n, W): a row of each image in turn.

    A kernel of k_h × k_w taps is laid over copies of the images, each shifted by one tap. Shifts to the side are
    copied; shifts up and down are slices of the same memory, so that it is k_h times smaller than a patch matrix and
    stays near the processor. Where channels are few, shifts up and down are copied too: a product needs a few rows.

    Attributes:
        weight: (members, C', C, k_h, k_w), a leaf of the autograd graph.
        bias: (members, C'), or None.

    Args:
        window: kernel size, dilation and zeros around the images.
        few: shifts up and down are copied where C·k_w is less than this.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, window: Window, *, few: float = FEW) -> None:
        self.weight, self.bias = weight, bias
        self.gradient = torch.empty_like(weight)
        left, right, above, below = window.edges
        tall, wide = (d * (k - 1) for d, k in zip(window.dilation, window.kernel_size, strict=True))
        # The gradient of the inputs is a convolution of the outputs' with the kernels turned around.
        turned = (wide - left, wide - right, tall - above, tall - below)
        self.seen = _Shifts(window.kernel_size, window.edges, window.dilation, few)
        self.seen_back = _Shifts(window.kernel_size, turned, window.dilation, few)

    def __call__(self, inputs: Float[Tensor, "members C H n W"]) -> Float[Tensor, "members C' H' n W'"]:
        """The outputs of each member for its own images."""
        outputs: Tensor = _Convolution.apply(inputs, self.weight, self)
        return outputs if self.bias is None else outputs + self.bias[..., None, None, None]


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, layer: StackedConvolution) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.layer = layer
        layer.seen.look_at(inputs, changing=ctx.needs_input_grad[0])
        return layer.seen.product(weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_outputs: Tensor) -> tuple[Tensor | None, Tensor, None]:
        (weight,) = ctx.saved_tensors
        layer, of_inputs = ctx.layer, None
        if ctx.needs_input_grad[0]:
            layer.seen_back.look_at(of_outputs)
            of_inputs = layer.seen_back.product(weight.flip(-2, -1).transpose(1, 2))
        layer.seen.gradient(of_outputs, out=layer.gradient)
        return of_inputs, layer.gradient, None


class _Shifts:
    """Images shifted by each tap of a kernel, in memory that is kept for the next images of their shape."""

    def __init__(
        self, kernel_size: tuple[int, int], edges: tuple[int, int, int, int], dilation: tuple[int, int], few: float
    ) -> None:
        self.kernel_size, self.edges, self.dilation, self.few = kernel_size, edges, dilation, few
        self.given: tuple[int, ...] = ()

    def look_at(self, images: Float[Tensor, "members C H n W"], *, changing: bool = True) -> None:
        """Copy images. Those that all members share, and that do not change, are copied once and for good."""
        shared = not changing and images.stride(0) == 0
        if tuple(images.shape) != self.given:
            self.given = tuple(images.shape)
            self._allocate(images[:1] if shared else images, len(images))
        elif shared:
            return
        self.inside.copy_((images[:1] if shared else images)[self.kept])
        self.copies.copy_(self.shifted)

    def _allocate(self, images: Tensor, members: int) -> None:
        own, channels, height, n, width = images.shape
        left, right, above, below = self.edges
        (tall, wide), (down, across) = self.kernel_size, self.dilation
        padded_height, padded_width = height + above + below, width + left + right
        # What negative edges cut off is left out; what positive ones add stays zero.
        self.kept = (
            ...,
            slice(max(-above, 0), height - max(-below, 0)),
            slice(None),
            slice(max(-left, 0), width - max(-right, 0)),
        )
        framed = images.new_zeros((own, channels, padded_height, n, padded_width))
        self.inside = framed[
            ...,
            max(above, 0) : padded_height - max(below, 0),
            :,
            max(left, 0) : padded_width - max(right, 0),
        ]
        self.size = (padded_height - down * (tall - 1), n, padded_width - across * (wide - 1))
        self.whole = channels * wide < self.few or tall == 1
        copied_down = tall if self.whole else 1
        rows = padded_height - down * (copied_down - 1)
        m, c, h, i, w = framed.stride()
        self.shifted = framed.as_strided(
            (own, channels, copied_down, wide, rows, n, self.size[2]), (m, c, down * h, across * w, h, i, w)
        )
        self.copies = self.shifted.clone(memory_format=torch.contiguous_format)
        flat = self.copies.view(own, channels * copied_down * wide, -1).expand(members, -1, -1)
        pixels, row = self.size[0] * n * self.size[2], n * self.size[2]
        self.slices = [flat[..., a * down * row : a * down * row + pixels] for a in range(tall // copied_down)]

    def product(self, weight: Float[Tensor, "members C' C kh kw"]) -> Float[Tensor, "members C' H' n W'"]:
        """The convolution with kernels."""
        if self.whole:
            result = torch.bmm(weight.flatten(2), self.slices[0])
        else:
            first, *others = weight.permute(3, 0, 1, 2, 4).flatten(3).unbind()
            result = torch.bmm(first, self.slices[0])
            for taps, seen in zip(others, self.slices[1:], strict=True):
                result.baddbmm_(taps, seen)
        return result.unflatten(2, self.size)

    def gradient(self, of_outputs: Float[Tensor, "members C' H' n W'"], *, out: Tensor) -> None:
        """The gradient of the kernels, (members, C', C, k_h, k_w), given that of the outputs."""
        flat = of_outputs.flatten(2)
        if self.whole:
            torch.bmm(flat, self.slices[0].mT, out=out.flatten(2))
            return
        for a, seen in enumerate(self.slices):
            out[:, :, :, a] = torch.bmm(flat, seen.mT).unflatten(2, (out.shape[2], out.shape[4]))
