"""Naive references, obviously right and slow: what the library's shortcuts are compared with."""

import numpy as np


def padded_pixel(channel: np.ndarray, row: int, column: int, mode: str) -> float:
    """The value that padding gives to a pixel position, inside the image or outside it."""
    height, width = channel.shape
    inside = 0 <= row < height and 0 <= column < width
    if mode == "zeros":
        return channel[row, column] if inside else 0
    return channel[source(row, height, mode), source(column, width, mode)]


def source(position: int, size: int, mode: str) -> int:
    """Walk from a position outside [0, size) to the pixel whose value it takes."""
    while not 0 <= position < size:
        if mode == "circular":
            position += size if position < 0 else -size
        elif mode == "reflect":
            position = -position if position < 0 else 2 * (size - 1) - position
        elif mode == "replicate":
            position += 1 if position < 0 else -1
    return position


def pads_of(kernel: tuple, padding, dilation: tuple) -> list[tuple[int, int]]:
    """Pixels added (before, after) along each axis, as `torch.nn.Conv2d` documents them."""
    if padding == "valid":
        return [(0, 0), (0, 0)]
    if padding == "same":
        totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return [(total // 2, total - total // 2) for total in totals]
    return [(pad, pad) for pad in padding]


def patch_matrix(images: np.ndarray, kernel, stride=(1, 1), padding="same", mode="zeros", dilation=(1, 1)):
    """The patch matrix, entry by entry."""
    (top, bottom), (left, right) = pads_of(kernel, padding, dilation)
    n, channels, height, width = images.shape
    high = (height + top + bottom - dilation[0] * (kernel[0] - 1) - 1) // stride[0] + 1
    wide = (width + left + right - dilation[1] * (kernel[1] - 1) - 1) // stride[1] + 1
    rows = []
    for image in range(n):
        for i in range(high):
            for j in range(wide):
                row = []
                for c in range(channels):
                    for a in range(kernel[0]):
                        for b in range(kernel[1]):
                            y = i * stride[0] + a * dilation[0] - top
                            x = j * stride[1] + b * dilation[1] - left
                            row.append(padded_pixel(images[image, c], y, x, mode))
                rows.append(row)
    return np.array(rows, dtype=images.dtype)


def heavy_ball(eigenvalues: np.ndarray, lr: float, momentum: float, milestones, gamma: float, steps: int):
    """Each mode's error left after 0, 1, …, steps: the two lines of torch.optim.SGD, repeated."""
    error, velocity = np.ones_like(eigenvalues), np.zeros_like(eigenvalues)
    trajectory = [error]
    for t in range(steps):
        rate = lr * gamma ** sum(milestone <= t for milestone in milestones)
        velocity = momentum * velocity + eigenvalues * error
        error = error - rate * velocity
        trajectory.append(error)
    return np.array(trajectory)


def gradient_descent(
    design: np.ndarray, targets: np.ndarray, start: np.ndarray, lr, momentum, milestones, gamma, steps
):
    """Weights (outputs, columns) after 0, 1, …, steps of descent on the mean over all entries of (D Θᵀ − T)²."""
    weights, velocity = start, np.zeros_like(start)
    trajectory = [weights]
    for t in range(steps):
        rate = lr * gamma ** sum(milestone <= t for milestone in milestones)
        gradient = 2 / targets.size * (design @ weights.T - targets).T @ design
        velocity = momentum * velocity + gradient
        weights = weights - rate * velocity
        trajectory.append(weights)
    return np.array(trajectory)
