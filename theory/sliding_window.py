"""One-layer networks whose output pixels each see a window of the input: convolutional and locally connected ones."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar

import array_api_compat
import numpy as np

from numerics import Window
from numerics.arguments import (
    IMAGE_SHAPES,
    Shapes,
    as_float64,
    boolean,
    channels_last,
    positive_int,
    real_array,
)
from numerics.convolution import convolve, convolve_transposed
from numerics.gram import energy, pad, rounding, sliding_gram, window_sums
from numerics.patches import patch_blocks, patches
from numerics.rank_certificate import full_by_support
from numerics.row_space import to_numpy
from theory.networks import DesignGram, with_ones

LARGE = 2**23  # numbers in a design matrix (64 MiB) from which it is handed over in blocks
PIXELS_AT_ONCE = 2**16  # of a locally connected network's inputs: what a processor's second cache holds


@dataclass(frozen=True)
class _SlidingWindow:
    """What convolutional and locally connected layers share: images, a window, and A(x) = patches."""

    in_channels: int
    out_channels: int | None = None
    _: KW_ONLY
    kernel_size: Any
    stride: Any = 1
    padding: Any = "same"
    padding_mode: str = "zeros"
    dilation: Any = 1
    bias: bool = False
    window: Window = field(init=False, repr=False, compare=False)

    input_shapes: ClassVar[Shapes] = IMAGE_SHAPES
    unit_axes: ClassVar[int] = 3

    def __post_init__(self) -> None:
        positive_int("in_channels", self.in_channels)
        if self.out_channels is not None:
            positive_int("out_channels", self.out_channels)
        boolean("bias", self.bias)
        window = Window.of(
            self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            padding_mode=self.padding_mode,
            dilation=self.dilation,
        )
        object.__setattr__(self, "window", window)

    @property
    def outputs(self) -> int:
        return self.in_channels if self.out_channels is None else self.out_channels

    @property
    def fans(self) -> tuple[int, int]:
        return self.in_channels * self.window.taps, self.outputs * self.window.taps

    @property
    def border(self) -> tuple[int, int]:
        """Of square kernels and padding."""
        after = self.window.padding[0][1] - (self.window.kernel_size[0] - 1 - self.window.centre[0])
        return -self.window.centre_offset[0], after

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        """(out_channels, in_channels, k_h, k_w), the shape of `torch.nn.Conv2d.weight`."""
        return (self.outputs, self.in_channels, *self.window.kernel_size)

    def check_inputs(self, name: str, inputs: Any) -> Any:
        inputs = real_array(name, inputs, self.input_shapes)
        if inputs.shape[-3] != self.in_channels:
            hint = channels_last(name, inputs.shape, expected=self.in_channels)
            raise ValueError(f"{name} must have {self.in_channels} channels, got shape {tuple(inputs.shape)}{hint}")
        self.window.output_size(*inputs.shape[-2:])
        return inputs

    def target_shape(self, inputs: Any) -> tuple[int, ...]:
        return (*inputs.shape[:-3], self.outputs, *self.window.output_size(*inputs.shape[-2:]))

    def identity_kernel(self, inputs: Any) -> Any:
        """θ*: each channel's delta at the kernel's centre, then bias 0; shape (outputs, columns)."""
        if self.outputs != self.in_channels:
            raise ValueError(
                f"targets may be left out only for the identity task, with as many output as input channels; "
                f"got {self.outputs} for {self.in_channels}"
            )
        if self.window.stride != (1, 1):
            raise ValueError(
                f"targets may be left out only for the identity task, which needs stride 1; got {self.stride}"
            )
        if self.padding == "same" and self.window.centre_offset != (0, 0):
            raise ValueError(
                f"targets may be left out only for the identity task; with an even kernel_size {self.kernel_size} and "
                f"dilation {self.dilation} no tap sees the output's own pixel, so no kernel is the identity"
            )
        xp = array_api_compat.array_namespace(inputs)
        columns = self.in_channels * self.window.taps + self.bias
        row, column = self.window.centre
        first = row * self.window.kernel_size[1] + column
        centre = first + xp.arange(self.outputs, device=array_api_compat.device(inputs)) * self.window.taps
        here = xp.arange(columns, device=array_api_compat.device(inputs))[None, :] == centre[:, None]
        return xp.astype(here, xp.float64)


@dataclass(frozen=True)
class Convolutional(_SlidingWindow):
    """One convolutional layer: the theory of `torch.nn.Conv2d` with groups=1.

    Images are (n, C, H, W) or (C, H, W), of any size that the kernel fits: a trained network predicts other sizes.

    Args:
        in_channels: C.
        out_channels: output channels; None for as many as inputs.
        kernel_size: k or (k_h, k_w).
        stride: as in torch, an integer or a pair.
        padding: "same" (stride 1), "valid", or pixels on both sides, an integer or a pair.
        padding_mode: "zeros", "circular", "reflect" or "replicate".
        dilation: as in torch, an integer or a pair.
        bias: whether there is a bias, one per output channel.

    Raises:
        TypeError: a setting of the wrong type.
        ValueError: a setting out of range.

    Source: Zhang et al. 2020, section 4.2.
    """

    def design(self, inputs: Any) -> Any:
        xp = array_api_compat.array_namespace(inputs)
        seen = patches(inputs, self.window)
        return with_ones(xp.reshape(seen, (1, math.prod(seen.shape[:3]), math.prod(seen.shape[3:]))), self.bias)

    def design_blocks(self, inputs: Any) -> Iterator[Any] | None:
        rows = inputs.shape[0] if inputs.ndim == 4 else 1
        rows *= math.prod(self.window.output_size(*inputs.shape[-2:]))
        if rows * (self.in_channels * self.window.taps + self.bias) < LARGE:
            return None
        return (with_ones(block, self.bias) for block in patch_blocks(inputs, self.window))

    def design_gram(self, inputs: Any, *, each: bool = False) -> DesignGram | None:
        if self.window.stride != (1, 1):
            return None
        xp = array_api_compat.array_namespace(inputs)
        images = inputs if inputs.ndim == 4 else inputs[None, ...]
        gram = sliding_gram(images, self.window, each=each)
        largest = to_numpy(energy(images, self.window, each=each))
        if self.bias:
            rows = float(math.prod(self.window.output_size(*images.shape[2:])) * (1 if each else images.shape[0]))
            sums = window_sums(images, self.window)[:, None, :]
            if not each:
                sums = xp.sum(sums, axis=0)
            corner = xp.full((*sums.shape[:-1], 1), rows, dtype=xp.float64, device=array_api_compat.device(images))
            last = xp.concat([sums, corner], axis=-1)
            gram = xp.concat([xp.concat([gram, xp.matrix_transpose(sums)], axis=-1), last], axis=-2)
            largest = np.maximum(largest, rows)  # no sum of pixels exceeds the geometric mean of these
        # The spectral norm of a matrix of entries of at most e is at most e times its order.
        error = gram.shape[-1] * rounding(images, self.window, each=each) * largest

        def transposed(predictions: Any) -> Any:
            known = predictions if predictions.ndim == 4 else predictions[None, ...]
            found = xp.reshape(convolve_transposed(images, known, self.window), (self.outputs, -1))
            return xp.concat([found, xp.sum(known, axis=(0, 2, 3))[:, None]], axis=1) if self.bias else found

        return DesignGram(gram, error, transposed)

    def full_by_support(self, inputs: Any) -> np.ndarray:
        lit = to_numpy((inputs if inputs.ndim == 4 else inputs[None, ...]) != 0)  # NumPy has no bfloat16
        return full_by_support(lit, self.window, ones=self.bias)

    def answers(self, inputs: Any, parameters: Any, dtype: Any = None) -> Any:
        xp = array_api_compat.array_namespace(inputs)
        images = inputs if inputs.ndim == 4 else inputs[None, ...]
        times = parameters.shape[:-3]
        flat = xp.reshape(parameters, (-1, parameters.shape[-1]))  # times · outputs
        kernels = xp.reshape(flat[:, : flat.shape[1] - self.bias], (-1, *self.kernel_shape[1:]))
        biases = flat[:, -1] if self.bias else None
        found = convolve(images, kernels, self.window, biases=biases, dtype=dtype)
        found = xp.reshape(found, (images.shape[0], *times, self.outputs, *found.shape[2:]))
        found = xp.moveaxis(found, 0, len(times))
        return found if inputs.ndim == 4 else found[..., 0, :, :, :]

    def stack(self, predictions: Any) -> Any:
        xp = array_api_compat.array_namespace(predictions)
        last = xp.moveaxis(predictions, -3, -1)
        return xp.reshape(last, (1, -1, self.outputs))

    def unstack(self, responses: Any, inputs: Any) -> Any:
        xp = array_api_compat.array_namespace(responses)
        size = self.window.output_size(*inputs.shape[-2:])
        last = xp.reshape(responses, (*responses.shape[:-3], *inputs.shape[:-3], *size, self.outputs))
        return xp.moveaxis(last, -1, -3)

    def weight_shape(self, inputs: Any) -> tuple[int, ...]:
        return self.kernel_shape

    def bias_shape(self, inputs: Any) -> tuple[int, ...]:
        return (self.outputs,)

    def identity_parameters(self, inputs: Any) -> Any:
        return self.identity_kernel(inputs)[None, ...]


@dataclass(frozen=True)
class LocallyConnected(_SlidingWindow):
    """One locally connected layer: a convolution whose kernel is not shared between output pixels.

    Its weight has shape (H', W', out_channels, in_channels, k_h, k_w): `weight[i, j]` is the `Conv2d.weight` of output
    pixel (i, j); its bias (H', W', out_channels). It predicts images of the size it was trained on.

    Args:
        in_channels: C.
        out_channels: output channels; None for as many as inputs.
        kernel_size: k or (k_h, k_w).
        stride: as in torch, an integer or a pair.
        padding: "same" (stride 1), "valid", or pixels on both sides, an integer or a pair.
        padding_mode: "zeros", "circular", "reflect" or "replicate".
        dilation: as in torch, an integer or a pair.
        bias: whether there is a bias, one per output channel and pixel.

    Raises:
        TypeError: a setting of the wrong type.
        ValueError: a setting out of range.

    Source: ours; a pixel's limit is Theorem 2's with that pixel's patches (theory/derivations, "cnn-limit").
    """

    def design(self, inputs: Any) -> Any:
        xp = array_api_compat.array_namespace(inputs)
        seen = patches(inputs, self.window)  # n, H', W', C, kh, kw
        n, high, wide = seen.shape[:3]
        rows = xp.reshape(seen, (n, high * wide, math.prod(seen.shape[3:])))
        return with_ones(xp.permute_dims(rows, (1, 0, 2)), self.bias)

    def design_blocks(self, inputs: Any) -> None:
        return None

    def design_gram(self, inputs: Any, *, each: bool = False) -> None:
        return None

    def full_by_support(self, inputs: Any) -> np.ndarray:
        return np.zeros(inputs.shape[0] if inputs.ndim == 4 else 1, dtype=bool)

    def answers(self, inputs: Any, parameters: Any, dtype: Any = None) -> Any:
        xp = array_api_compat.array_namespace(inputs)
        images = inputs if inputs.ndim == 4 else inputs[None, ...]
        times, size = parameters.shape[:-3], self.window.output_size(*images.shape[2:])
        # One plane of weights for each tap: (times, outputs, C, k_h, k_w, H', W').
        planes = xp.moveaxis(parameters[..., : parameters.shape[-1] - self.bias], -3, -1)
        planes = xp.reshape(planes, (*times, *self.kernel_shape, *size))
        dtype, device = dtype or xp.float64, array_api_compat.device(images)
        found = xp.empty((*times, images.shape[0], self.outputs, *size), dtype=dtype, device=device)
        (kh, kw), (down, right), (dh, dw) = self.window.kernel_size, self.window.stride, self.window.dilation
        at_once = max(1, PIXELS_AT_ONCE // (self.in_channels * math.prod(size)))
        for first in range(0, images.shape[0], at_once):
            part = slice(first, first + at_once)
            padded = pad(as_float64(images[part, ...]), self.window)
            total = xp.zeros((*times, padded.shape[0], self.outputs, *size), dtype=xp.float64, device=device)
            if self.bias:
                total += xp.reshape(xp.moveaxis(parameters[..., -1], -2, -1), (*times, 1, self.outputs, *size))
            for a, b, channel in itertools.product(range(kh), range(kw), range(self.in_channels)):
                rows = slice(a * dh, a * dh + down * (size[0] - 1) + 1, down)
                columns = slice(b * dw, b * dw + right * (size[1] - 1) + 1, right)
                total += planes[..., None, :, channel, a, b, :, :] * padded[:, channel, rows, columns][:, None, ...]
            found[..., part, :, :, :] = xp.astype(total, dtype)  # the caller looks for overflow
        return found if inputs.ndim == 4 else found[..., 0, :, :, :]

    def stack(self, predictions: Any) -> Any:
        xp = array_api_compat.array_namespace(predictions)
        batch = predictions if predictions.ndim == 4 else predictions[None, ...]
        pixels = xp.reshape(batch, (*batch.shape[:2], -1))  # n, outputs, pixels
        return xp.permute_dims(pixels, (2, 0, 1))

    def unstack(self, responses: Any, inputs: Any) -> Any:
        xp = array_api_compat.array_namespace(responses)
        size = self.window.output_size(*inputs.shape[-2:])
        last = xp.moveaxis(responses, -3, -1)  # ..., n, outputs, pixels
        predictions = xp.reshape(last, (*last.shape[:-1], *size))
        return predictions if inputs.ndim == 4 else predictions[..., 0, :, :, :]

    def weight_shape(self, inputs: Any) -> tuple[int, ...]:
        return (*self.window.output_size(*inputs.shape[-2:]), *self.kernel_shape)

    def bias_shape(self, inputs: Any) -> tuple[int, ...]:
        return (*self.window.output_size(*inputs.shape[-2:]), self.outputs)

    def identity_parameters(self, inputs: Any) -> Any:
        xp = array_api_compat.array_namespace(inputs)
        pixels = math.prod(self.window.output_size(*inputs.shape[-2:]))
        kernel = self.identity_kernel(inputs)
        return xp.broadcast_to(kernel, (pixels, *kernel.shape))
