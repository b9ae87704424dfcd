"""Convolutions of images with kernels, and their transpose, in blocks: what multiplying by a patch matrix does.

A row of taps is unfolded (k_w shifted copies of the image), and each kernel row is one product of matrices with it,
shifted down by a row. The images of a block stand below one another, so that a product serves all of them; the few rows
where one image runs into the next are computed too, and left out.
"""

import math
from typing import Any

import array_api_compat

from numerics.gram import pad
from numerics.window import Window

BLOCK_ENTRIES = 2**18  # numbers unfolded at a time (2 MiB): what a processor's second cache holds


def convolve(images: Any, kernels: Any, window: Window) -> Any:
    """Return what kernels see of images: `patch_matrix(images) @ kernels.T`, as images.

    Equivalent to `torch.nn.functional.conv2d` of the padded images.

    Args:
        images: (n, C, H, W), float64.
        kernels: (outputs, C, k_h, k_w), float64.
        window: of the kernels' size, fitting the images.

    Returns:
        (n, outputs, H', W').
    """
    xp, device = array_api_compat.array_namespace(images), array_api_compat.device(images)
    outputs = kernels.shape[0]
    high, wide = window.output_size(*images.shape[2:])
    (kh, kw), dh, down = window.kernel_size, window.dilation[0], window.stride[0]
    rows = xp.reshape(xp.permute_dims(kernels, (2, 0, 1, 3)), (kh, outputs, -1))  # one matrix for each kernel row
    found = []
    for start, stop in _blocks(images, kw * wide):
        seen, tall = _unfold(xp, images[start:stop, ...], window, wide)
        count = stop - start
        length = (count * tall - dh * (kh - 1)) * wide
        total = rows[0, ...] @ seen[:, :length]
        for a in range(1, kh):
            total += rows[a, ...] @ seen[:, a * dh * wide : a * dh * wide + length]
        # The last image's missing rows, so that all have as many; then those that belong to one image.
        missing = xp.zeros((outputs, count * tall * wide - length), dtype=total.dtype, device=device)
        total = xp.reshape(xp.concat([total, missing], axis=1), (outputs, count, tall, wide))
        found.append(xp.permute_dims(total[:, :, : down * (high - 1) + 1 : down, :], (1, 0, 2, 3)))
    return found[0] if len(found) == 1 else xp.concat(found, axis=0)


def convolve_transposed(images: Any, responses: Any, window: Window) -> Any:
    """Return `patch_matrix(images).T @ responses`: how far each tap's pixels go along with each output.

    Equivalent to the gradient of ⟨responses, `convolve(images, kernels)`⟩ in the kernels.

    Args:
        images: (n, C, H, W), float64.
        responses: (n, outputs, H', W'), float64.
        window: fitting the images.

    Returns:
        (outputs, C, k_h, k_w).
    """
    xp, device = array_api_compat.array_namespace(images), array_api_compat.device(images)
    outputs, channels = responses.shape[1], images.shape[1]
    high, wide = window.output_size(*images.shape[2:])
    (kh, kw), (dh, _) = window.kernel_size, window.dilation
    total = xp.zeros((kh, outputs, channels * kw), dtype=images.dtype, device=device)
    for start, stop in _blocks(images, kw * wide):
        seen, tall = _unfold(xp, images[start:stop, ...], window, wide)
        # Every row of the padded images has its responses, 0 where no window begins.
        down = window.stride[0]
        spread = xp.zeros((outputs, stop - start, tall, wide), dtype=images.dtype, device=device)
        spread[:, :, : down * (high - 1) + 1 : down, :] = xp.permute_dims(responses[start:stop, ...], (1, 0, 2, 3))
        spread = xp.reshape(spread, (outputs, -1))
        length = ((stop - start) * tall - dh * (kh - 1)) * wide
        for a in range(kh):
            shift = a * dh * wide
            total[a, ...] += spread[:, :length] @ xp.matrix_transpose(seen[:, shift : shift + length])
    return xp.permute_dims(xp.reshape(total, (kh, outputs, channels, kw)), (1, 2, 0, 3))


def _unfold(xp: Any, images: Any, window: Window, wide: int) -> tuple[Any, int]:
    """What a row of taps sees of each row of the padded images, (C·k_w, n·rows·W'), and how many rows an image has."""
    padded = xp.permute_dims(pad(images, window), (1, 0, 2, 3))
    channels, count, tall, _ = padded.shape
    dw, right = window.dilation[1], window.stride[1]
    taps = [padded[..., b * dw : b * dw + right * (wide - 1) + 1 : right] for b in range(window.kernel_size[1])]
    return xp.reshape(xp.stack(taps, axis=1), (channels * len(taps), count * tall * wide)), tall


def _blocks(images: Any, each: int) -> list[tuple[int, int]]:
    """Ranges of images of which about BLOCK_ENTRIES numbers are unfolded; `each` a row's width after that."""
    step = max(1, BLOCK_ENTRIES // max(1, math.prod(images.shape[1:3]) * each))
    return [(start, min(start + step, images.shape[0])) for start in range(0, images.shape[0], step)]
