"""Convolutions of images with kernels, and their transpose, in blocks: what multiplying by a patch matrix does.

A row of taps is unfolded (k_w shifted copies of the image), and each kernel row is one product of matrices with it,
shifted down by a row. The images of a block stand below one another, so that a product serves all of them; the few rows
where one image runs into the next are computed too, and left out.
"""

from collections.abc import Iterator
from typing import Any

import array_api_compat

from numerics.gram import pad
from numerics.window import Window

BLOCK_ENTRIES = 2**18  # numbers unfolded at a time (2 MiB): what a processor's second cache holds


def convolve(images: Any, kernels: Any, window: Window, *, biases: Any = None, dtype: Any = None) -> Any:
    """Return what kernels see of images: `patch_matrix(images) @ kernels.T`, as images.

    Equivalent to `torch.nn.functional.conv2d` of the padded images.

    Args:
        images: (n, C, H, W), of any real dtype.
        kernels: (outputs, C, k_h, k_w), float64.
        window: of the kernels' size, fitting the images.
        biases: (outputs,), what is added to each output; None for nothing.
        dtype: of the result, computed in float64 and rounded once; None for float64.

    Returns:
        (n, outputs, H', W').
    """
    xp, device = array_api_compat.array_namespace(images), array_api_compat.device(images)
    outputs = kernels.shape[0]
    (kh, _), dh, down = window.kernel_size, window.dilation[0], window.stride[0]
    rows = xp.reshape(xp.permute_dims(kernels, (2, 0, 1, 3)), (kh, outputs, -1))  # one matrix for each kernel row
    found = xp.empty(
        (images.shape[0], outputs, *window.output_size(*images.shape[2:])), dtype=dtype or xp.float64, device=device
    )
    for part, lines, seen, (count, tall, wide) in _unfolded(xp, images, window):
        length = (count * tall - dh * (kh - 1)) * wide
        total = xp.empty((outputs, count * tall * wide), dtype=xp.float64, device=device)
        total[:, :length] = rows[0, ...] @ seen[:, :length]
        for a in range(1, kh):
            total[:, :length] += rows[a, ...] @ seen[:, a * dh * wide : a * dh * wide + length]
        if biases is not None:
            total += biases[:, None]
        high = lines.stop - lines.start
        # Rows from which a window would run into the next image, or out of the last one, are left out.
        total = xp.reshape(total, (outputs, count, tall, wide))[:, :, : down * (high - 1) + 1 : down, :]
        found[part, :, lines, :] = xp.astype(xp.permute_dims(total, (1, 0, 2, 3)), found.dtype)
    return found


def convolve_transposed(images: Any, responses: Any, window: Window) -> Any:
    """Return `patch_matrix(images).T @ responses`: how far each tap's pixels go along with each output.

    Equivalent to the gradient of ⟨responses, `convolve(images, kernels)`⟩ in the kernels.

    Args:
        images: (n, C, H, W), of any real dtype.
        responses: (n, outputs, H', W'), float64.
        window: fitting the images.

    Returns:
        (outputs, C, k_h, k_w).
    """
    xp, device = array_api_compat.array_namespace(images), array_api_compat.device(images)
    outputs, channels = responses.shape[1], images.shape[1]
    (kh, kw), dh, down = window.kernel_size, window.dilation[0], window.stride[0]
    total = xp.zeros((kh, outputs, channels * kw), dtype=xp.float64, device=device)
    for part, lines, seen, (count, tall, wide) in _unfolded(xp, images, window):
        # Every row of the padded images has its responses, 0 where no window begins.
        spread = xp.zeros((outputs, count, tall, wide), dtype=xp.float64, device=device)
        begins = slice(0, down * (lines.stop - lines.start - 1) + 1, down)
        spread[:, :, begins, :] = xp.permute_dims(responses[part, :, lines, :], (1, 0, 2, 3))
        spread = xp.reshape(spread, (outputs, -1))
        length = (count * tall - dh * (kh - 1)) * wide
        for a in range(kh):
            shift = a * dh * wide
            total[a, ...] += spread[:, :length] @ xp.matrix_transpose(seen[:, shift : shift + length])
    return xp.permute_dims(xp.reshape(total, (kh, outputs, channels, kw)), (1, 2, 0, 3))


def _unfolded(xp: Any, images: Any, window: Window) -> Iterator[tuple[slice, slice, Any, tuple[int, int, int]]]:
    """Parts of the images, small enough for BLOCK_ENTRIES, unfolded along their width.

    Yields:
        Which images, which of their output rows, what a row of taps sees of each row of the padded images, (C·k_w,
        images · rows · W'), and (images, rows, W').
    """
    high, wide = window.output_size(*images.shape[2:])
    (kh, kw), (dh, dw), (down, right) = window.kernel_size, window.dilation, window.stride
    row = images.shape[1] * kw * wide  # numbers that a row of pixels becomes
    at_once = max(1, BLOCK_ENTRIES // (row * (down * high + dh * (kh - 1))))
    # An image that is too large by itself goes in slabs, of at least as many rows as are seen twice.
    slab = high if at_once > 1 else min(high, max(BLOCK_ENTRIES // (row * down), dh * kh))
    for first in range(0, images.shape[0], at_once):
        part = slice(first, min(first + at_once, images.shape[0]))
        padded = xp.permute_dims(pad(xp.astype(images[part, ...], xp.float64), window), (1, 0, 2, 3))
        for top in range(0, high, slab):
            lines = slice(top, min(top + slab, high))
            seen = padded[:, :, top * down : (lines.stop - 1) * down + dh * (kh - 1) + 1, :]
            channels, count, tall, _ = seen.shape
            taps = [seen[..., b * dw : b * dw + right * (wide - 1) + 1 : right] for b in range(kw)]
            flat = xp.reshape(xp.stack(taps, axis=1), (channels * kw, count * tall * wide))
            yield part, lines, flat, (count, tall, wide)
