"""Kernels of infinitely wide networks in mpmath, pair by pair from the definitions: slow, and right to 40 digits."""

from itertools import product

import mpmath as mp
import numpy as np

from tests.reference import source

DIGITS = 40
mp.mp.dps = DIGITS

SLOPES = {"relu": mp.mpf(0), "leaky_relu": mp.mpf(0.01), "linear": mp.mpf(1)}  # 0.01 as float64 has it


def angle(q1, q2, k):
    """Arccos of the correlation."""
    cosine = k / mp.sqrt(q1 * q2)
    return mp.acos(max(mp.mpf(-1), min(mp.mpf(1), cosine)))


def dual(activation: str, q1, q2, k):
    """E φ(u)φ(v) and E φ'(u)φ'(v), from the textbook formulas; φ'(0) as in torch."""
    if activation == "erf":
        root = mp.sqrt((1 + 2 * q1) * (1 + 2 * q2))
        return 2 / mp.pi * mp.asin(2 * k / root), 4 / mp.pi / mp.sqrt(root**2 - 4 * k**2)
    a = SLOPES[activation]
    if q1 == 0 or q2 == 0:
        mean_slope = [a if q == 0 else (1 + a) / 2 for q in (q1, q2)]
        return mp.mpf(0), mean_slope[0] * mean_slope[1]
    theta, s = angle(q1, q2, k), mp.sqrt(q1 * q2)
    relu = s / (2 * mp.pi) * (mp.sin(theta) + (mp.pi - theta) * mp.cos(theta))
    return a * k + (1 - a) ** 2 * relu, a + (1 - a) ** 2 * (mp.pi - theta) / (2 * mp.pi)


def mean(activation: str, q):
    """E φ(u)."""
    return mp.mpf(0) if activation == "erf" else (1 - SLOPES[activation]) * mp.sqrt(q / (2 * mp.pi))


def exact(array: np.ndarray):
    """float64 values as mpmath numbers."""
    return np.vectorize(mp.mpf, otypes=[object])(array)


def image_kernels(x1, x2, layers, kernel: tuple, mode: str, activation: str, residual: bool = False):
    """(K, Θ), each (H1, W1, H2, W2), between two images (C, H, W), pixel pair by pixel pair; skips as below."""
    images = [exact(x1), exact(x2)]
    sizes = [image.shape[1:] for image in images]
    channels = len(x1)

    def moments(one, other):
        pixels = product(*(range(n) for n in one.shape[1:]), *(range(n) for n in other.shape[1:]))
        return {(i, j, k, m): sum(one[:, i, j] * other[:, k, m]) / channels for i, j, k, m in pixels}

    def seen(row, column, size):
        """The pixel that padding shows there, or None."""
        if 0 <= row < size[0] and 0 <= column < size[1]:
            return row, column
        return None if mode == "zeros" else (source(row, size[0], mode), source(column, size[1], mode))

    def patch_mean(field, one, other):
        result = {}
        for i, j, k, m in field:
            total = mp.mpf(0)
            for down, right in product(range(kernel[0]), range(kernel[1])):
                dy, dx = down - (kernel[0] - 1) // 2, right - (kernel[1] - 1) // 2
                p, q = seen(i + dy, j + dx, one), seen(k + dy, m + dx, other)
                if p is not None and q is not None:
                    total += field[(*p, *q)]
            result[i, j, k, m] = total / (kernel[0] * kernel[1])
        return result

    which = [(0, 0), (1, 1), (0, 1)]
    inputs = {pair: moments(images[pair[0]], images[pair[1]]) for pair in which}
    flowing = {key: mp.mpf(0) for key in inputs[0, 1]}
    passed_on = []
    for depth, layer in enumerate(layers, start=1):
        w, b = mp.mpf(layer.weight_variance), mp.mpf(layer.bias_variance)
        rate, bias_rate = mp.mpf(layer.weight_rate), mp.mpf(layer.bias_rate)
        seen_by = {pair: patch_mean(inputs[pair], sizes[pair[0]], sizes[pair[1]]) for pair in which}
        K = {pair: {key: w * value + b for key, value in seen_by[pair].items()} for pair in which}
        passed = patch_mean(flowing, *sizes)
        theta = {key: rate * seen_by[0, 1][key] + bias_rate + w * passed[key] for key in passed}
        if depth == len(layers):
            shape = (*sizes[0], *sizes[1])
            return tuple(
                np.array([field[key] for key in np.ndindex(shape)]).reshape(shape) for field in (K[0, 1], theta)
            )
        for pair in which:
            for i, j, k, m in K[pair]:
                q1, q2 = K[pair[0], pair[0]][i, j, i, j], K[pair[1], pair[1]][k, m, k, m]
                inputs[pair][i, j, k, m], slope = dual(activation, q1, q2, K[pair][i, j, k, m])
                if pair == (0, 1):
                    flowing[i, j, k, m] = slope * theta[i, j, k, m]
        means = [
            {(i, j): mean(activation, K[n, n][i, j, i, j]) for i, j in product(*map(range, sizes[n]))} for n in (0, 1)
        ]
        index = depth - 1
        if residual and index > 0 and index % 2 == 0:
            skipped, skipped_means, skipped_flowing = passed_on[index - 2]
            for pair in which:
                one, other = (skipped_means[n] for n in pair)
                r_one, r_other = (means[n] for n in pair)
                for i, j, k, m in inputs[pair]:
                    crossed = one[i, j] * r_other[k, m] + r_one[i, j] * other[k, m]
                    inputs[pair][i, j, k, m] += skipped[pair][i, j, k, m] + crossed
            flowing = {key: flowing[key] + skipped_flowing[key] for key in flowing}
            means = [{p: means[n][p] + skipped_means[n][p] for p in means[n]} for n in (0, 1)]
        passed_on.append(({pair: dict(inputs[pair]) for pair in which}, means, dict(flowing)))
    raise AssertionError("no layers")


def vector_kernels(x1, x2, layers, activation: str, residual: bool = False):
    """(K, Θ) between two vectors, layer by layer; skips over hidden layers 1 and 2, 3 and 4, … (counted from 0)."""
    x1, x2 = exact(x1), exact(x2)
    # a stream holds ⟨11⟩, ⟨22⟩, ⟨12⟩, the means of 1 and of 2, and the tangent
    stream = [sum(x1 * x1) / len(x1), sum(x2 * x2) / len(x1), sum(x1 * x2) / len(x1), None, None, mp.mpf(0)]
    passed = []
    for depth, layer in enumerate(layers, start=1):
        w, b = mp.mpf(layer.weight_variance), mp.mpf(layer.bias_variance)
        q1, q2, k = (w * value + b for value in stream[:3])
        theta = mp.mpf(layer.weight_rate) * stream[2] + mp.mpf(layer.bias_rate) + w * stream[5]
        if depth == len(layers):
            return k, theta
        slope = dual(activation, q1, q2, k)[1]
        squares = [dual(activation, q, q, q)[0] for q in (q1, q2)]
        means = [mean(activation, q) for q in (q1, q2)]
        stream = [*squares, dual(activation, q1, q2, k)[0], *means, slope * theta]
        index = depth - 1
        if residual and index > 0 and index % 2 == 0:
            x, r = passed[index - 2], stream
            stream = [
                x[0] + r[0] + 2 * x[3] * r[3],
                x[1] + r[1] + 2 * x[4] * r[4],
                x[2] + r[2] + x[3] * r[4] + x[4] * r[3],
                x[3] + r[3],
                x[4] + r[4],
                x[5] + r[5],
            ]
        passed.append(stream)
    raise AssertionError("no layers")


def relative_error(computed: np.ndarray, reference) -> float:
    """The largest error of an entry, in units of the largest entry."""
    known = np.asarray(reference, dtype=object)
    off = max(abs(mp.mpf(float(a)) - b) for a, b in zip(np.ravel(computed), known.ravel(), strict=True))
    scale = max(abs(b) for b in known.ravel())
    return float(off / scale) if scale else float(off)
