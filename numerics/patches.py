"""The patch matrix of images, and its Gram matrix."""

import math
from collections.abc import Iterator
from typing import Any, Unpack

import array_api_compat
import numpy as np
from jaxtyping import Num

from numerics.arguments import image_array, is_integer
from numerics.gram import sliding_gram
from numerics.row_space import to_numpy
from numerics.window import Window, WindowSettings

# Rows of the patch matrix are worked on in blocks of about this many entries (32 MiB in float64).
BLOCK_ENTRIES = 2**22


def patch_matrix(
    images: Num[Any, "*n channels height width"],
    kernel_size: Any,
    **settings: Unpack[WindowSettings],
) -> Num[Any, "rows columns"]:
    """Return the patch matrix: one row per output pixel of a convolution, holding what its kernel sees there.

    Row order is image, height, width; column order is channel, kernel row, kernel column, as in
    `torch.nn.functional.unfold` (whose output, for padding with zeros, is this matrix transposed per image), so that
    `patch_matrix(x, k) @ conv.weight.reshape(out, -1).T` is what `conv` computes.

    Args:
        images: shape (n, C, H, W) or (C, H, W), integers or floats.
        kernel_size: k, or (k_h, k_w).
        **settings: how it slides, see `WindowSettings`.

    Returns:
        The matrix, shape (n·H'·W', C·k_h·k_w), in the images' dtype, kind and device.

    Raises:
        TypeError: `images` is not a real array, or a setting has the wrong type.
        ValueError: `images` is empty, not finite or of the wrong rank, or the settings do not fit it.

    Example:
        >>> import numpy as np
        >>> patch_matrix(np.array([[[1, 2, 3]]]), (1, 3))  # each pixel with its neighbours, black beyond the border
        array([[0, 1, 2],
               [1, 2, 3],
               [2, 3, 0]])

    Source: Zhang et al. 2020, section 4.2 (the matrix whose rank Theorem 2 counts).
    """
    images = image_array("images", images)
    window = Window.of(kernel_size, **settings)
    blocks = patches(images, window)
    xp = array_api_compat.array_namespace(images)
    return xp.reshape(blocks, (math.prod(blocks.shape[:3]), math.prod(blocks.shape[3:])))


def patches(images: Any, window: Window, *, rows: slice = slice(None)) -> Any:
    """The patches of checked images, shape (n, H', W', C, k_h, k_w); `rows` selects output rows."""
    xp = array_api_compat.array_namespace(images)
    device = array_api_compat.device(images)
    if images.ndim == 3:
        images = images[None, ...]
    n, channels, height, width = images.shape
    down, across = window.sources(0, height)[rows], window.sources(1, width)
    # A row and a column of zeros, which the sources' last index stands for.
    if np.any(down == height):
        images = xp.concat([images, xp.zeros_like(images[:, :, :1, :])], axis=2)
    if np.any(across == width):
        images = xp.concat([images, xp.zeros_like(images[:, :, :, :1])], axis=3)
    seen = xp.take(images, xp.asarray(down.reshape(-1), device=device), axis=2)
    seen = xp.take(seen, xp.asarray(across.reshape(-1), device=device), axis=3)
    seen = xp.reshape(seen, (n, channels, *down.shape, *across.shape))  # n, C, H', kh, W', kw
    return xp.permute_dims(seen, (0, 2, 4, 1, 3, 5))


def patch_blocks(images: Any, window: Window) -> Iterator[Any]:
    """The patch matrix in blocks of rows, top to bottom, so that the whole is never held in memory."""
    xp = array_api_compat.array_namespace(images)
    if images.ndim == 3:
        images = images[None, ...]
    high, wide = window.output_size(*images.shape[2:])
    columns = images.shape[1] * window.taps
    step = max(1, BLOCK_ENTRIES // (wide * columns))
    for i in range(images.shape[0]):
        for top in range(0, high, step):
            block = patches(images[i, ...], window, rows=slice(top, top + step))
            yield xp.reshape(block, (math.prod(block.shape[:3]), columns))


def patch_gram(
    images: Num[Any, "*n channels height width"],
    kernel_size: Any,
    **settings: Unpack[WindowSettings],
) -> Num[Any, "columns columns"]:
    """Return DᵀD for the patch matrix D, without forming D.

    Equivalent to `D.T @ D` with `D = patch_matrix(...)`. For integer images the result is exact, in int64. For
    floating-point images it is added up in float64 and rounded once to the images' dtype; before that rounding an
    entry is off by about 2⁻⁵² (√rows + 8 log₂ pixels) times the images' sum of squares, whatever its own size.

    Args:
        images: shape (n, C, H, W) or (C, H, W), integers or floats.
        kernel_size: as in `patch_matrix`.
        **settings: how it slides, see `WindowSettings`.

    Returns:
        The Gram matrix, shape (C·k_h·k_w, C·k_h·k_w), of the images' kind and on their device.

    Raises:
        TypeError: images that are not a real array, or a setting of the wrong type.
        ValueError: images that are empty, not finite or of the wrong rank, or settings that do not fit them; integers
            so large that an entry may not fit 64 bits.
        OverflowError: floats so large that an entry is beyond their dtype's range.

    Example:
        >>> import numpy as np
        >>> patch_gram(np.array([[[1, 2, 3]]]), (1, 3))
        array([[ 5,  8,  3],
               [ 8, 14,  8],
               [ 3,  8, 13]])
    """
    images = image_array("images", images)
    window = Window.of(kernel_size, **settings)
    xp = array_api_compat.array_namespace(images)
    accumulate, result = xp.float64, images.dtype
    if is_integer(images):
        # Sums of products of integers are exact in float64, in any order, as long as none can pass 2^53.
        whole = to_numpy(images)  # torch has no maximum of unsigned integers
        largest = max(abs(int(whole.max())), abs(int(whole.min())))
        count = images.shape[0] if images.ndim == 4 else 1
        bound = count * math.prod(window.output_size(*images.shape[-2:])) * largest**2
        if bound >= 2**63:
            raise ValueError(
                f"images with entries up to {largest} may overflow the 64-bit sums of an exact Gram matrix"
            )
        accumulate, result = (xp.float64 if 2 * bound < 2**53 else xp.int64), xp.int64
    with np.errstate(over="ignore", invalid="ignore"):  # told below
        gram = xp.astype(gram_of(xp.astype(images, accumulate), window, exact=is_integer(images)), result)
    if not is_integer(images) and not bool(xp.all(xp.isfinite(gram))):
        raise OverflowError(f"images are so large that sums of products of two entries are beyond {result}'s range")
    return gram


def gram_of(images: Any, window: Window, *, exact: bool = False) -> Any:
    """DᵀD of checked images, (n, C, H, W) or (C, H, W), in their dtype; `exact` for integers, whose sums must be."""
    images = images[None, ...] if images.ndim == 3 else images
    if window.stride == (1, 1):
        return sliding_gram(images, window, exact=exact)
    xp = array_api_compat.array_namespace(images)
    columns = images.shape[1] * window.taps
    gram = xp.zeros((columns, columns), dtype=images.dtype, device=array_api_compat.device(images))
    for block in patch_blocks(images, window):
        gram = gram + xp.matrix_transpose(block) @ block
    return gram
