"""Convolution written out as sums, and the patch matrix written out entry by entry, for small explicit images.

An image is a tuple of channels, each an explicit matrix. The convolution is torch's: a cross-correlation, zero padding
that keeps the size, the kernel's centre at index `(k − 1) // 2`. A one-dimensional image has one row.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr, ImmutableMatrix, S

__all__ = ["convolve", "delta_kernel", "patch_matrix", "pixels"]

Image = tuple[ImmutableMatrix, ...]
KernelSize = tuple[int, int]


def pixels(image: Image) -> ImmutableMatrix:
    """The pixels of all channels, a row for each place, a column for each channel."""
    rows, columns = image[0].shape
    return ImmutableMatrix(rows * columns, len(image), lambda place, c: image[int(c)][int(place)])


def convolve(image: Image, kernel: Image) -> ImmutableMatrix:
    """One output channel: `Σ_c Σ_a Σ_b kernel[c][a, b] image[c][i + a − p, j + b − q]`, as a column of places."""
    height, width = image[0].shape
    tall, wide = kernel[0].shape
    outputs = []
    for i in range(height):
        for j in range(width):
            total = S.Zero
            for channel, taps in zip(image, kernel, strict=True):
                for a in range(tall):
                    for b in range(wide):
                        row, column = i + a - (tall - 1) // 2, j + b - (wide - 1) // 2
                        if 0 <= row < height and 0 <= column < width:
                            total += taps[a, b] * channel[row, column]
            outputs.append(total)
    return ImmutableMatrix(outputs)


def patch_matrix(image: Image, kernel_size: KernelSize) -> ImmutableMatrix:
    """The design matrix: a row for each output pixel, a column for each tap of each channel."""
    columns = [_shifted(channel, down, right) for channel in image for down, right in _offsets(kernel_size)]
    return ImmutableMatrix.hstack(*columns)


def delta_kernel(channels: int, kernel_size: KernelSize, channel: int = 0) -> ImmutableMatrix:
    """The parameters θ* of the identity for one output channel: a single 1 at the kernel's centre."""
    taps = [(c, offset) for c in range(channels) for offset in _offsets(kernel_size)]
    return ImmutableMatrix([int(tap == (channel, (0, 0))) for tap in taps])


def _offsets(kernel_size: KernelSize) -> Iterator[tuple[int, int]]:
    tall, wide = kernel_size
    for a in range(tall):
        for b in range(wide):
            yield a - (tall - 1) // 2, b - (wide - 1) // 2


def _shifted(channel: ImmutableMatrix, down: int, right: int) -> ImmutableMatrix:
    """The channel as a tap at that offset sees it from every place, as a column."""
    height, width = channel.shape

    def seen(i: int, j: int) -> Expr:
        inside = 0 <= i + down < height and 0 <= j + right < width
        return channel[i + down, j + right] if inside else S.Zero

    return ImmutableMatrix([seen(i, j) for i in range(height) for j in range(width)])
