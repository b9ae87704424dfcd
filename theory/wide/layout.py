"""Kernels between pixels as matrices, and outputs as their rows."""

import numpy as np


def units(batch: np.ndarray) -> tuple[int, ...]:
    """(n, *units): a batch without its features or channels."""
    return (len(batch), *batch.shape[2:])


def as_matrix(kernel: np.ndarray) -> np.ndarray:
    """A kernel (n1, n2, *units1, *units2) as a matrix (n1 · units1, n2 · units2)."""
    if kernel.ndim == 2:
        return kernel
    n1, n2, high1, wide1, high2, wide2 = kernel.shape
    return kernel.transpose(0, 2, 3, 1, 4, 5).reshape(n1 * high1 * wide1, n2 * high2 * wide2)


def as_kernel(matrix: np.ndarray, first: tuple[int, ...], second: tuple[int, ...]) -> np.ndarray:
    """The other way, for inputs of these `units`."""
    if len(first) == 1:
        return matrix
    return matrix.reshape(*first, *second).transpose(0, 3, 1, 2, 4, 5)


def as_rows(outputs: np.ndarray, axes: int = 0) -> np.ndarray:
    """Outputs (..., n, C, *units), with that many axes in front, as (..., n · units, C): what kernels multiply."""
    last = np.moveaxis(outputs, axes + 1, -1)
    return last.reshape(*outputs.shape[:axes], -1, outputs.shape[axes + 1])


def from_rows(rows: np.ndarray, units: tuple[int, ...]) -> np.ndarray:
    """Rows (..., n · units, C) as outputs (..., n, C, *units)."""
    outputs = rows.reshape(*rows.shape[:-2], *units, rows.shape[-1])
    return np.moveaxis(outputs, -1, -len(units))
