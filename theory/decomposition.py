"""Split an input into what a fully connected network learns from training images and what it leaves to chance."""

from typing import Any

from jaxtyping import Float, Num

from numerics.arguments import VECTOR_SHAPES, as_float64, common_namespace, floating_dtype, real_array, rounded
from numerics.row_space import decomposed


def decompose(
    x: Num[Any, "*n features"], x_hat: Num[Any, "*examples features"]
) -> tuple[Float[Any, "*n features"], Float[Any, "*n features"]]:
    """Return (Π_∥(x), Π_⊥(x)): the parts of x parallel and perpendicular to the span of the training vectors.

    A one-layer fully connected network trained on x_hat from weights R computes f(x) = Π_∥(x) + R Π_⊥(x).

    Args:
        x: vectors to split, (n, d) or (d,).
        x_hat: training vectors, (examples, d) or (d,). Zero vectors span nothing.

    Returns:
        Two arrays of x's shape and kind; they add up to x.

    Raises:
        TypeError: not real arrays, or arrays of different kinds or dtypes.
        ValueError: wrong shapes, empty, not finite, different numbers of features, or training vectors so nearly
            dependent that rounding leaves their span undecided.

    Example:
        >>> import numpy as np
        >>> parallel, perpendicular = decompose(np.array([3.0, 1.0]), np.array([1.0, 1.0]))
        >>> parallel.round(6).tolist(), perpendicular.round(6).tolist()
        ([2.0, 2.0], [1.0, -1.0])

    Source: Zhang et al. 2020, Theorem 1.
    """
    x = real_array("x", x, VECTOR_SHAPES)
    x_hat = real_array("x_hat", x_hat, VECTOR_SHAPES)
    xp = common_namespace(x=x, x_hat=x_hat)
    if x.shape[-1] != x_hat.shape[-1]:
        raise ValueError(f"x and x_hat must have equally many features, got {x.shape[-1]} and {x_hat.shape[-1]}")
    rows = as_float64(x_hat) if x_hat.ndim == 2 else as_float64(x_hat)[None, :]
    space = decomposed(rows)
    space.require_decided()
    basis = space.right * xp.astype(space.kept, xp.float64)
    vectors = as_float64(x)
    parallel = (vectors @ basis) @ xp.matrix_transpose(basis)
    dtype = floating_dtype(x)
    return rounded("parallel parts", parallel, dtype), rounded("perpendicular parts", vectors - parallel, dtype)
