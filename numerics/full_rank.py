"""Is a Gram matrix positive definite, and so its matrix of full column rank? A proof from one Cholesky factorization.

Cholesky's algorithm, carried out in floating point on a symmetric matrix A of order m, either breaks down or ends with
the exact factor of A + E, where

    ‖E‖₂ ≤ γ_{m+1}/(1 − γ_{m+1}) · trace A,   γ_n = n u/(1 − n u),   u = 2⁻⁵³

(Higham 2002, theorem 10.3; the rows of the factor have the squared lengths a_ii, whose products bound |E| entry by
entry). So if it ends on A − c I, then λ_min(A) ≥ c − ‖E‖₂: with c above that bound and above what A itself is off by,
the true matrix is positive definite (Rump, BIT 46, 2006, theorem 2.3). Where it breaks down nothing is proved.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float

ROUNDOFF = 2.0**-53
TIMES = 4.0  # how far beyond what rounding explains the least eigenvalue must be


def least_eigenvalue_bound(gram: Float[np.ndarray, "*n m m"], error: Any) -> Float[np.ndarray, "*n"]:
    """What the least eigenvalue of the true matrix must pass to be proved positive here, (…).

    Args:
        gram: symmetric, with a diagonal that is not negative.
        error: how far the true matrix may be from it, in the spectral norm.
    """
    m = gram.shape[-1]
    trace = np.trace(gram, axis1=-2, axis2=-1)
    gamma = (m + 1) * ROUNDOFF / (1 - 2 * (m + 1) * ROUNDOFF)  # γ/(1 − γ), rounded up
    # One roundoff of the diagonal for the subtraction of c.
    return np.asarray(TIMES * (gamma + ROUNDOFF) * trace + TIMES * np.asarray(error))


def positive_definite(gram: Float[np.ndarray, "*n m m"], error: Any = 0.0) -> Bool[np.ndarray, "*n"]:
    """Whether true matrices, each within `error` of these, are proved positive definite; False where nothing is proved.

    Args:
        gram: symmetric matrices, finite.
        error: bound on the spectral norm of what separates the true matrices from these: one, or one each, (…).
    """
    shift = least_eigenvalue_bound(gram, error)
    lowered = np.array(gram, dtype=np.float64)
    diagonal = np.einsum("...ii->...i", lowered)
    diagonal -= shift[..., None]
    proved = np.zeros(gram.shape[:-2], dtype=bool)
    _factor(lowered.reshape(-1, *gram.shape[-2:]), proved.reshape(-1), slice(0, None))
    return proved


def _factor(matrices: np.ndarray, proved: np.ndarray, part: slice) -> None:
    """Note which of a part of the matrices Cholesky's algorithm gets through; `proved` is written to."""
    start, stop, _ = part.indices(len(matrices))
    if start == stop:
        return
    try:
        factors = np.linalg.cholesky(matrices[start:stop])
    except np.linalg.LinAlgError:  # of some matrix, and NumPy does not say which
        if stop - start > 1:
            middle = (start + stop) // 2
            _factor(matrices, proved, slice(start, middle))
            _factor(matrices, proved, slice(middle, stop))
        return
    proved[start:stop] = np.isfinite(factors).all(axis=(-2, -1))
