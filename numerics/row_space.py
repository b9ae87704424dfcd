"""The row space of a design matrix: its rank, and a basis in which least squares is solved entry by entry."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import array_api_compat
import numpy as np
from jaxtyping import Float, Real

from numerics.arguments import as_float64, common_namespace, real_array

EPS = float(np.finfo(np.float64).eps)


class UndecidedRankError(ValueError):
    """No cut between zero and nonzero singular values can be justified in floating point.

    Attributes:
        index: of the matrix in a stack, () for one alone.
    """

    def __init__(self, message: str, index: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.index = index


@dataclass(frozen=True)
class RowSpace:
    """The singular value decomposition D = U diag(σ) Vᵀ, with the cut below which a σ is rounding.

    Leading axes, if any, are independent matrices. q = min(rows, columns).

    Attributes:
        left: U, shape (..., rows, q).
        singular_values: σ in descending order, shape (..., q).
        right: V, shape (..., columns, q).
        noise: what rounding can have moved each singular value by, shape (...).
    """

    left: Float[Any, "... rows q"]
    singular_values: Float[Any, "... q"]
    right: Float[Any, "... columns q"]
    noise: Float[Any, "..."]

    @cached_property
    def kept(self) -> Any:
        """Which singular values are above the noise, booleans of shape (..., q)."""
        return self.singular_values > self.noise[..., None]

    @cached_property
    def rank(self) -> np.ndarray:
        """The number of singular values above the noise, integers of shape (...)."""
        xp = array_api_compat.array_namespace(self.kept)
        return to_numpy(xp.sum(xp.astype(self.kept, xp.int64), axis=-1))

    def require_decided(self) -> None:
        """Refuse a matrix whose rank rounding leaves open.

        Each computed singular value is known to ± noise (Weyl). Where the intervals of the smallest one kept and of the
        largest one dropped overlap, no cut stands between them.

        Raises:
            UndecidedRankError: naming both singular values.
        """
        values, noise = to_numpy(self.singular_values), to_numpy(self.noise)
        for index in np.ndindex(noise.shape):
            above, below = cut(values[index], int(self.rank[index]))
            if above > 0 and below > 0 and above - below <= 2 * noise[index]:
                raise UndecidedRankError(
                    f"the rank cannot be decided in floating point: singular values {above:.3e} and {below:.3e} "
                    f"are each known only to ± {noise[index]:.1e} (the largest is {values[index][0]:.3e}); "
                    "give integer images to patch_rank(method='exact')",
                    index,
                )

    def stacked(self) -> "RowSpace":
        """The same as a stack of one."""
        return RowSpace(self.left[None, ...], self.singular_values[None, ...], self.right[None, ...], self.noise[None])

    def inverse_singular_values(self) -> Float[Any, "... q"]:
        """Return 1/σ where σ is above the noise and 0 elsewhere, shape (..., q)."""
        xp = array_api_compat.array_namespace(self.singular_values)
        ones = xp.ones_like(self.singular_values)
        with np.errstate(over="ignore", divide="ignore"):  # of a subnormal σ: inf, which no result hides
            return xp.where(self.kept, 1 / xp.where(self.kept, self.singular_values, ones), 0 * ones)


def row_space(matrix: Real[Any, "... rows columns"]) -> RowSpace:
    """Decompose a design matrix, to the accuracy that float64 allows for condition numbers up to 10¹².

    A QR factorization first shrinks a tall matrix to a square one; its singular values follow to a backward error of
    noise = ε (√rows + columns) σ_max: √rows for the inner products along a column (rounding errors of random sign,
    Higham & Mary 2019), columns for as many reflections. The Gram matrix, cheaper for tall matrices, knows a direction
    only to ε κ², where this route has ε κ; it is taken where κ ≤ 10, so that it costs one decimal digit at most.

    Args:
        matrix: shape (..., rows, columns), of any array kind; computed in float64.

    Returns:
        The decomposition, of the same kind and on the same device, in float64.

    Raises:
        TypeError: not a real array.
        ValueError: empty, not finite, or fewer than two axes; or a singular value beyond float64.

    Example:
        >>> import numpy as np
        >>> space = row_space(np.array([[3.0, 0.0], [4.0, 0.0]]))
        >>> int(space.rank), space.singular_values.round(6).tolist()
        (1, [5.0, 0.0])
    """
    if not array_api_compat.is_array_api_obj(matrix) or matrix.ndim < 2:
        raise ValueError(f"matrix must have shape (..., rows, columns), got {getattr(matrix, 'shape', type(matrix))}")
    matrix = real_array("matrix", matrix, None)
    return decomposed(as_float64(matrix))


def decomposed(matrix: Any) -> RowSpace:
    """`row_space` of a matrix that has been checked, in float64.

    Raises:
        ValueError: a singular value is beyond float64.
    """
    xp = common_namespace(matrix=matrix)
    # By a power of two, exactly, so that no square overflows or vanishes.
    largest = to_numpy(xp.max(xp.abs(matrix), axis=(-2, -1)))
    unit = xp.asarray(np.ldexp(1.0, np.frexp(largest)[1] - 1), device=array_api_compat.device(matrix))
    space = _decompose(xp, matrix / unit[..., None, None])
    with np.errstate(over="ignore"):
        values, noise = space.singular_values * unit[..., None], space.noise * unit
    if not bool(xp.all(xp.isfinite(values))):
        raise ValueError("matrix must have singular values that float64 holds, got overflow")
    return RowSpace(space.left, values, space.right, noise)


def row_space_of_blocks(blocks: Iterable[Any]) -> tuple[RowSpace, Any]:
    """`row_space` of a tall matrix that is handed over in blocks of rows, and never held as a whole.

    Each block is reduced together with the triangle that those before it left, by Householder's reflections: as
    accurate as one QR factorization of the whole (Demmel, Grigori, Hoemmen and Langou, SIAM J. Sci. Comput. 34, 2012).

    Args:
        blocks: pairs of rows of the design matrix, (·, columns), and of its responses, (·, outputs), in float64.

    Returns:
        The row space, whose U is that of the triangle and of no use by itself, and the coordinates UᵀT, (q, outputs).
    """
    triangle: Any = None
    rows = 0
    for design, responses in blocks:
        xp, columns = array_api_compat.array_namespace(design), design.shape[1]
        rows += design.shape[0]
        block = xp.concat([design, responses], axis=1)
        triangle = xp.linalg.qr(block if triangle is None else xp.concat([triangle, block]), mode="reduced")[1]
    left, values, right = xp.linalg.svd(triangle[:columns, :columns], full_matrices=False)
    space = RowSpace(left, values, xp.matrix_transpose(right), _noise(rows, columns) * values[0])
    return space, xp.matrix_transpose(left) @ triangle[:columns, columns:]


def _decompose(xp: Any, matrix: Any) -> RowSpace:
    rows, columns = matrix.shape[-2:]
    if rows >= 8 * columns:
        through_gram = _through_gram(xp, matrix)
        if through_gram is not None:
            return through_gram
    if rows > columns:
        q, r = xp.linalg.qr(matrix, mode="reduced")
        left, values, right = xp.linalg.svd(r, full_matrices=False)
        left = q @ left
    else:
        left, values, right = xp.linalg.svd(matrix, full_matrices=False)
    return RowSpace(left, values, xp.matrix_transpose(right), _noise(rows, columns) * values[..., 0])


def _noise(rows: int, columns: int) -> float:
    return EPS * (rows**0.5 + columns)


def _through_gram(xp: Any, matrix: Any) -> RowSpace | None:
    """The same decomposition from the eigenvectors of DᵀD where κ ≤ 10, None elsewhere."""
    eigenvalues, vectors = xp.linalg.eigh(xp.matrix_transpose(matrix) @ matrix)
    if not bool(xp.all(eigenvalues[..., 0] * 100 >= eigenvalues[..., -1])) or bool(xp.any(eigenvalues[..., 0] <= 0)):
        return None
    values, right = xp.sqrt(xp.flip(eigenvalues, axis=-1)), xp.flip(vectors, axis=-1)
    left = (matrix @ right) / values[..., None, :]
    rows, columns = matrix.shape[-2:]
    return RowSpace(left, values, right, _noise(rows, columns) * values[..., 0])


def cut(singular_values: np.ndarray, rank: int) -> tuple[float, float]:
    """The singular values on either side of the cut at `rank`: (smallest kept, largest dropped), 0 where none is."""
    above = float(singular_values[rank - 1]) if rank else 0.0
    below = float(singular_values[rank]) if rank < len(singular_values) else 0.0
    return above, below


def to_numpy(array: Any) -> np.ndarray:
    """A NumPy copy of an array of any kind, from any device; of bfloat16, which NumPy has not, in float32."""
    if array_api_compat.is_torch_array(array):
        array = array.cpu()
        if "bfloat16" in str(array.dtype):
            array = array.float()
    return np.asarray(array)
