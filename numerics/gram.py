"""The Gram matrix DᵀD of a patch matrix D at stride 1, without D: neighbouring taps see almost the same pixels.

Write P for the padded image and (a, b) for a tap. Entry ((c, a, b), (c', a', b')) is the sum over all windows (i, j) of
P[c, i + a, j + b] · P[c', i + a', j + b']. Moving both taps one pixel down drops the products of the windows' first row
and adds those of the row below their last, so that

    G[(a + 1, b), (a' + 1, b')] = G[(a, b), (a', b')] − (row a with row a') + (row H' + a with row H' + a'),

and in the same way across. Whole sums are needed only where a or a' is 0, and b or b': correlations of the image with
itself, by products of matrices or, for wide kernels, by FFT. What is added and taken away are strips along the border.
With dilation d a tap moves by d pixels, and so many rows come and go.

A correlation by FFT is off by a small multiple of log₂(pixels) · 2⁻⁵³ ‖P_c‖ ‖P_c'‖ (Higham 2002, theorem 24.2, for
three transforms); so what is lost is small beside the brightest part of the image, not beside each entry.
"""

import math
from typing import Any

import array_api_compat
import numpy as np

from numerics.window import Window

BLOCK_ENTRIES = 2**17  # numbers unfolded at a time (1 MiB), where there are several images
SMALL = 2**15  # entries of one image's patch matrix up to which it is quickest to write it down
FFT_FROM = 2**20  # C·k_w · pixels from which correlations by FFT are faster than products of matrices


def pad(images: Any, window: Window) -> Any:
    """Images (n, C, H, W) with what the window's padding adds: (n, C, H + top + bottom, W + left + right)."""
    xp, device = array_api_compat.array_namespace(images), array_api_compat.device(images)
    for axis, size in enumerate(images.shape[2:], start=2):
        seen = window.padded(axis - 2, size)
        if len(seen) == size:
            continue
        if np.any(seen == size):  # which stands for a zero
            zeros = xp.zeros_like(images[:, :, :1, :] if axis == 2 else images[..., :1])
            images = xp.concat([images, zeros], axis=axis)
        images = xp.take(images, xp.asarray(seen, device=device), axis=axis)
    return images


def sliding_gram(images: Any, window: Window, *, each: bool = False, exact: bool = False) -> Any:
    """DᵀD of a window of stride 1.

    Args:
        images: (n, C, H, W), in the dtype to add up in.
        window: of stride 1, fitting the images.
        each: whether every image has a matrix of its own, instead of one for their patch matrices stacked.
        exact: whether to use sums of products alone, which are exact for integers, and no FFT.

    Returns:
        (columns, columns), or (n, columns, columns) where `each`; columns = C·k_h·k_w.
    """
    xp = array_api_compat.array_namespace(images)
    (n, channels), (kh, kw), (dh, dw) = images.shape[:2], window.kernel_size, window.dilation
    high, wide = window.output_size(*images.shape[2:])
    at_once = max(1, BLOCK_ENTRIES // (channels * kw * high * wide))
    if n > at_once:
        parts = [
            sliding_gram(images[i : i + at_once, ...], window, each=each, exact=exact) for i in range(0, n, at_once)
        ]
        return xp.concat(parts, axis=0) if each else sum(parts[1:], start=parts[0])
    padded = pad(images, window)
    if n == 1 and channels * kh * kw * high * wide <= SMALL:
        places = [(a * dh, b * dw) for a in range(kh) for b in range(kw)]
        seen = xp.stack([padded[0, :, a : a + high, b : b + wide] for a, b in places], axis=1)  # C, k_h·k_w, H', W'
        seen = xp.reshape(seen, (channels * len(places), high * wide))
        gram = seen @ xp.matrix_transpose(seen)
        return gram[None, ...] if each else gram
    batch, width = (n if each else 1), channels * kw

    def across(strip: Any) -> Any:
        """What a row of taps sees of a strip of rows: (n, rows, W', C·k_w)."""
        taps = xp.stack([strip[..., b * dw : b * dw + wide] for b in range(kw)], axis=2)  # n, C, kw, rows, W'
        return xp.reshape(xp.permute_dims(taps, (0, 3, 4, 1, 2)), (n, strip.shape[2], wide, width))

    if not exact and width * high * wide >= FFT_FROM:
        first = _first_by_fft(xp, padded, window, high, wide, batch)
        top, bottom = across(padded[:, :, : dh * (kh - 1), :]), across(padded[:, :, high:, :])
    else:
        seen = across(padded)
        left = xp.matrix_transpose(xp.reshape(seen[:, :high, ...], (batch, -1, width)))
        first = [left @ xp.reshape(seen[:, p * dh : p * dh + high, ...], (batch, -1, width)) for p in range(kh)]
        first = xp.stack(first, axis=1)
        top, bottom = seen[:, : dh * (kh - 1), ...], seen[:, high:, ...]
    first = xp.reshape(first, (batch, kh, width, width))  # taps of kernel row 0 with those of row p

    gram = _new(xp, (batch, kh, width, kh, width), padded)
    gram[:, 0, ...] = xp.permute_dims(first, (0, 2, 1, 3))
    gram[:, :, :, 0, :] = xp.permute_dims(first, (0, 1, 3, 2))
    if kh > 1:
        # Rows leave and enter d at a time as taps move down by one: (n, k_h − 1, d, W', C·k_w).
        gone, come = (
            _strip_gram(xp, xp.permute_dims(xp.reshape(strip, (n, kh - 1, dh, wide, width)), (0, 2, 3, 1, 4)), batch)
            for strip in (top, bottom)
        )
        change = come - gone
        for a in range(1, kh):
            gram[:, a, :, 1:, :] = gram[:, a - 1, :, :-1, :] + change[:, a - 1, ...]
    # batch, a, (c, b), a', (c', b')  →  (c, a, b), (c', a', b')
    gram = xp.permute_dims(xp.reshape(gram, (batch, kh, channels, kw, kh, channels, kw)), (0, 2, 1, 3, 5, 4, 6))
    gram = xp.reshape(gram, (batch, channels * kh * kw, channels * kh * kw))
    return gram if each else gram[0, ...]


def window_sums(images: Any, window: Window) -> Any:
    """What each tap sees in all windows of stride 1 together, image by image: (n, C·k_h·k_w)."""
    xp = array_api_compat.array_namespace(images)
    (kh, kw), (dh, dw) = window.kernel_size, window.dilation
    high, wide = window.output_size(*images.shape[2:])
    padded = pad(images, window)
    rows = [xp.sum(padded[:, :, a * dh : a * dh + high, :], axis=2) for a in range(kh)]  # (n, C, places) each
    taps = [xp.sum(row[:, :, b * dw : b * dw + wide], axis=2) for row in rows for b in range(kw)]
    return xp.reshape(xp.stack(taps, axis=2), (images.shape[0], -1))


def energy(images: Any, window: Window, *, each: bool = False) -> Any:
    """The sum of squares of the padded images' brightest channel, which no sum of products exceeds; or one for each."""
    xp = array_api_compat.array_namespace(images)
    squares = (images if window.padding_mode == "zeros" else pad(images, window)) ** 2
    return xp.max(xp.sum(squares, axis=(-2, -1)), axis=-1) if each else xp.max(xp.sum(squares, axis=(0, -2, -1)))


def rounding(images: Any, window: Window, *, each: bool = False) -> float:
    """How far rounding moves an entry of `sliding_gram` of floating-point images, in units of their `energy`.

    2⁻⁵² (√rows + 2 (k_h + k_w) + 8 log₂ pixels): for the sums (rounding errors of random sign, Higham and Mary 2019),
    for the strips, and for three transforms.
    """
    height, width = images.shape[2:]
    high, wide = window.output_size(height, width)
    rows = high * wide * (1 if each else images.shape[0])
    pixels = len(window.padded(0, height)) * len(window.padded(1, width))
    return float(2.0**-52 * (rows**0.5 + 2 * sum(window.kernel_size) + 8 * math.log2(2 * pixels)))


def entry_error(images: Any, window: Window, *, each: bool = False) -> Any:
    """How far rounding moves an entry of `sliding_gram` of floating-point images: one number, or one for each image."""
    return rounding(images, window, each=each) * energy(images, window, each=each)


def _first_by_fft(xp: Any, padded: Any, window: Window, high: int, wide: int, batch: int) -> Any:
    """Taps of kernel row 0 with those of row p, for each p: (batch, k_h, C·k_w, C·k_w)."""
    (n, channels), (kh, kw), (dh, dw) = padded.shape[:2], window.kernel_size, window.dilation
    # Long enough that no lag wraps round.
    size = (_quick(padded.shape[2] + dh * (kh - 1)), _quick(padded.shape[3] + dw * (kw - 1)))

    def transform(part: Any) -> Any:
        return xp.fft.rfftn(part, s=size, axes=(-2, -1))

    everything = transform(padded)
    corner = xp.conj(transform(padded[:, :, :high, :wide]))
    upper, left = transform(padded[:, :, :high, :]), xp.conj(transform(padded[..., :wide]))
    device = array_api_compat.device(padded)
    down, up, right = (
        xp.asarray([sign * step * i % length for i in range(taps)], device=device)
        for sign, step, taps, length in ((1, dh, kh, size[0]), (-1, dh, kh, size[0]), (1, dw, kw, size[1]))
    )
    first = _new(xp, (batch, kh, channels, kw, channels, kw), padded)
    for one in range(channels):
        for other in range(channels):
            # Tap (0, 0) of channel one with tap (p, q) of the other; tap (0, q) of one with tap (p, 0) of the other.
            for spectrum, rows, tap in (
                (corner[:, one, ...] * everything[:, other, ...], down, (0, slice(None))),
                (left[:, other, ...] * upper[:, one, ...], up, (slice(None), 0)),
            ):
                if batch < n:
                    spectrum = xp.sum(spectrum, axis=0, keepdims=True)
                lags = xp.fft.irfftn(spectrum, s=size, axes=(-2, -1))
                first[:, :, one, tap[0], other, tap[1]] = xp.take(xp.take(lags, rows, axis=1), right, axis=2)
    if kw > 1:
        # Columns of pixels leave and enter d at a time as taps move to the right: (n, d, rows, C, k_w − 1).
        gone, come = (
            xp.permute_dims(xp.reshape(strip, (*strip.shape[:3], kw - 1, dw)), (0, 4, 2, 1, 3))
            for strip in (padded[..., : dw * (kw - 1)], padded[..., wide:])
        )
        for p in range(kh):
            change = 0
            for strip, sign in ((gone, -1), (come, 1)):
                one, other = strip[:, :, :high, ...], strip[:, :, p * dh : p * dh + high, ...]
                one, other = (xp.reshape(part, (batch, -1, channels * (kw - 1))) for part in (one, other))
                change = change + sign * (xp.matrix_transpose(one) @ other)
            change = xp.reshape(change, (batch, channels, kw - 1, channels, kw - 1))
            for b in range(1, kw):
                first[:, p, :, b, :, 1:] = first[:, p, :, b - 1, :, :-1] + change[:, :, b - 1, ...]
    return first


def _new(xp: Any, shape: tuple[int, ...], like: Any) -> Any:
    return xp.zeros(shape, dtype=like.dtype, device=array_api_compat.device(like))


def _strip_gram(xp: Any, strip: Any, batch: int) -> Any:
    """Σ over windows and rows that move together, of (n, d, W', steps, width): (batch, steps, width, steps, width)."""
    steps, width = strip.shape[-2:]
    flat = xp.reshape(strip, (batch, -1, steps * width))
    return xp.reshape(xp.matrix_transpose(flat) @ flat, (batch, steps, width, steps, width))


def _quick(length: int) -> int:
    """The next length whose only prime factors are 2, 3 and 5, for which FFTs are fast."""
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1
