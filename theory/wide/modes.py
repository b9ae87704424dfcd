"""The eigenvectors of a computed tangent kernel, and which of its eigenvalues rounding cannot tell from 0."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from numerics.row_space import EPS


@dataclass(frozen=True, eq=False)
class Modes:
    """Θ = V diag(spectrum) Vᵀ.

    Attributes:
        spectrum: the eigenvalues, descending, but for the rounding of those near 0.
        vectors: V, orthogonal, a column for each of them.
        noise: below which an eigenvalue counts as 0; where it comes from stands at `wide.GradientFlow`.
    """

    spectrum: Float[np.ndarray, " n"]
    vectors: Float[np.ndarray, "n n"]
    noise: float

    @classmethod
    def of(cls, theta: Float[np.ndarray, "n n"], roundings: int) -> "Modes":
        """Decompose a kernel each of whose entries comes from so many roundings."""
        size = len(theta)
        seeing = np.diagonal(theta) != 0  # a unit that sees nothing is a mode of its own, and no matter of rounding
        seen, unseen = np.flatnonzero(seeing), np.flatnonzero(~seeing)
        spectrum, vectors = np.zeros(size), np.zeros((size, size))
        if len(seen):
            values, found = np.linalg.eigh(theta[np.ix_(seen, seen)])
            spectrum[: len(seen)], vectors[seen, : len(seen)] = values[::-1], found[:, ::-1]
        vectors[unseen, np.arange(len(seen), size)] = 1
        noise = float(spectrum[0] * EPS * (roundings + math.sqrt(size) + size))
        return cls(spectrum, vectors, noise)

    @property
    def kept(self) -> np.ndarray:
        """Which modes have an eigenvalue above the noise, (n,)."""
        return self.spectrum > self.noise
