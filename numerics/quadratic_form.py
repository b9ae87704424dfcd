"""The law of a quadratic form in Gaussians, such as the squared error of a network with random weights."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import array_api_compat
import numpy as np
from jaxtyping import Float

from numerics._inversion import LOWER, SMALLEST, UPPER, Cumulants, excess_quantile, log_tail
from numerics.arguments import Shapes, as_float64, boolean, floating_dtype, positive_int, real_array, real_number
from numerics.row_space import EPS, decomposed, to_numpy

ACCURACY = 1e-10  # promised of probabilities and quantiles, relative
WIDEST = 1e-250  # smallest over largest weight: their ratios, and squares of ratios of neighbours, stay in float64


@dataclass(frozen=True, eq=False)
class GaussianQuadraticForm:
    """The law of Q = Σ_i w_i (Z_i + b_i)² + c, with Z_i independent standard normal variables.

    Probabilities and quantiles are computed, not sampled, to a relative 1e-10 in either tail: `cdf` where it is small,
    `sf` where it is small, and what `quantile` adds to c, all the way to probabilities of 1e-300. Where float64 cannot
    hold that (p changes by more than 1e-10 under the rounding of the terms: hundreds of millions of them) they raise.

    Where every w_i is 0, Q = c with certainty. Elsewhere Q has a density, which begins at c.

    Attributes:
        weights: w_i ≥ 0, shape (terms,), a NumPy or torch array; kept in NumPy's float64. Terms of weight 0 are void.
        offsets: b_i, shape (terms,); zeros where None.
        constant: c.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a wrong shape, NaN or infinity, a negative weight, positive weights that differ by a factor of more
            than 10²⁵⁰, or a mean or variance beyond float64.

    Example:
        >>> import numpy as np
        >>> form = GaussianQuadraticForm(np.array([1.0, 1.0]))  # χ² with two degrees of freedom
        >>> round(float(form.sf(2 * np.log(20))), 10), round(float(form.quantile(0.95)), 6)
        (0.05, 5.991465)

    Source: inversion as described in numerics/_inversion.py (Imhof 1961; Rice 1980).
    """

    weights: Float[np.ndarray, " terms"]
    offsets: Float[np.ndarray, " terms"] = None  # type: ignore[assignment]
    constant: float = 0.0

    def __post_init__(self) -> None:
        weights = _float64("weights", self.weights, {1: "(terms,)"})
        offsets = np.zeros_like(weights) if self.offsets is None else _float64("offsets", self.offsets, {1: "(terms,)"})
        if offsets.shape != weights.shape:
            raise ValueError(f"offsets must have the shape of weights, {weights.shape}, got {offsets.shape}")
        if np.any(weights < 0):
            raise ValueError(f"weights must not be negative, got {np.min(weights)}")
        positive = weights[weights > 0]
        if len(positive) and np.min(positive) < WIDEST * np.max(positive):
            raise ValueError(
                f"positive weights must lie within a factor of {1 / WIDEST:g} of each other, "
                f"got {np.min(positive)} and {np.max(positive)}"
            )
        for array in (weights, offsets):
            array.setflags(write=False)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "offsets", offsets)
        object.__setattr__(self, "constant", real_number("constant", self.constant))
        with np.errstate(over="ignore"):
            if not (np.isfinite(self.mean) and np.isfinite(self.variance)):
                raise ValueError("weights and offsets must give a mean and a variance that float64 holds, got overflow")

    @classmethod
    def from_gaussian(
        cls, mean: Any, factor: Any, *, scale: float = 1.0, noise: float | None = None
    ) -> "GaussianQuadraticForm":
        """Return the law of scale · Σ_u ‖μ_u + L z_u‖², with the z_u standard normal and independent of one another.

        With L = U diag(σ) Vᵀ it is Q with w = scale σ_i², b = (Uᵀμ_u)_i/σ_i for all i and u, and
        c = scale Σ_u ‖(I − U Uᵀ) μ_u‖².

        Directions of no variance go into c. A σ_i counts as 0 where it is below the rounding error of singular values,
        `RowSpace.noise`, and so does (I − U Uᵀ) μ_u where it is below that of the projection, ε (√m + rank) ‖μ_u‖. So
        the result is the law for some μ + δμ and L + δL that are as near to the given ones as rounding can tell.

        Args:
            mean: μ, shape (m,), or (m, units) for several with one covariance.
            factor: L, shape (m, k), of the same kind: any root of the covariance L Lᵀ.
            scale: positive; 1/(m · units) makes the squared error a mean squared error.
            noise: what rounding may have moved singular values of L by before it came here; None for L as it is.

        Raises:
            TypeError: an argument of the wrong type.
            ValueError: a wrong shape, NaN or infinity, scale not positive, or noise negative.
        """
        mu, root = _float64("mean", mean, {1: "(m,)", 2: "(m, units)"}), _float64("factor", factor, {2: "(m, k)"})
        if len(mu) != len(root):
            raise ValueError(f"factor must have as many rows as mean has entries, {len(mu)}, got {root.shape}")
        scale = real_number("scale", scale)
        if scale <= 0:
            raise ValueError(f"scale must be positive, got {scale}")
        space = decomposed(root)
        kept = space.kept
        if noise is not None:
            if real_number("noise", noise) < 0:
                raise ValueError(f"noise must not be negative, got {noise}")
            kept = space.singular_values > max(noise, float(space.noise))
        sigma, U = space.singular_values[kept], space.left[:, kept]
        mu = mu.reshape(len(mu), -1)
        along = U.T @ mu  # (rank, units)
        across = mu - U @ along
        across -= U @ (U.T @ across)  # twice is enough (Kahan and Parlett; Giraud et al. 2005)
        nothing = np.linalg.norm(across, axis=0) <= EPS * (len(mu) ** 0.5 + len(sigma)) * np.linalg.norm(mu, axis=0)
        constant = scale * float(np.sum(across[:, ~nothing] ** 2))
        if not len(sigma):
            return cls(np.zeros(1), np.zeros(1), constant)
        return cls(np.repeat(scale * sigma**2, mu.shape[1]), (along / sigma[:, None]).reshape(-1), constant)

    @property
    def rank(self) -> int:
        """The number of positive weights; a form of rank 0 is a point mass at c."""
        return int(np.sum(self.weights > 0))

    @property
    def mean(self) -> float:
        """E Q = Σ_i w_i (1 + b_i²) + c."""
        return float(np.sum(self.weights * (1 + self.offsets**2))) + self.constant

    @property
    def variance(self) -> float:
        """Var Q = Σ_i 2 w_i² (1 + 2 b_i²)."""
        return float(np.sum(2 * self.weights**2 * (1 + 2 * self.offsets**2)))

    def cdf(self, x: Any) -> Any:
        """Return P(Q ≤ x).

        Args:
            x: a finite number, or an array of them of any shape.

        Returns:
            A float for a number; for an array the same kind, shape, device and floating dtype.

        Raises:
            TypeError: x not of real numbers.
            ValueError: x NaN, infinite or empty.
            ArithmeticError: the accuracy promised cannot be reached.
        """
        return _elementwise("x", x, lambda values: self._probability(LOWER, values))

    def sf(self, x: Any) -> Any:
        """Return P(Q > x), the survival function, with all its digits where it is small; as `cdf` elsewhere."""
        return _elementwise("x", x, lambda values: self._probability(UPPER, values))

    def quantile(self, q: Any, *, upper: bool = False) -> Any:
        """Return the x with P(Q ≤ x) = q, or, where upper, P(Q > x) = q: for q so small that 1 − q has lost its digits.

        Args:
            q: a number in [0, 1], or an array of them of any shape.
            upper: whether q is the probability above x.

        Returns:
            A float for a number; for an array the same kind, shape, device and floating dtype. c for probability 0
            below, inf for probability 0 above; c for a point mass.

        Raises:
            TypeError: q not of real numbers, upper not a bool.
            ValueError: q outside [0, 1], NaN or empty.
            ArithmeticError: the accuracy promised cannot be reached.
        """
        side = UPPER if boolean("upper", upper) else LOWER

        def quantiles(values: np.ndarray) -> np.ndarray:
            if np.any((values < 0) | (values > 1)):
                raise ValueError(f"q must be in [0, 1], got {values[(values < 0) | (values > 1)][0]}")
            return np.array([self._quantile(side, value) for value in values.tolist()])

        return _elementwise("q", q, quantiles)

    def sample(self, n: int, seed: int) -> Float[np.ndarray, " n"]:
        """Return n independent draws of Q, shape (n,).

        Args:
            n: how many.
            seed: a nonnegative integer; the same seed gives the same draws.

        Raises:
            TypeError: n or seed not an integer.
            ValueError: n not positive, seed negative.
        """
        draws = np.full(positive_int("n", n), self.constant)
        generator = np.random.default_rng(positive_int("seed", seed, least=0))
        for w, b in zip(self.weights, self.offsets, strict=True):
            draws += w * (generator.standard_normal(len(draws)) + b) ** 2
        return draws

    @cached_property
    def _law(self) -> Cumulants:
        random = self.weights > 0
        return Cumulants.of(self.weights[random], self.offsets[random], self.constant)

    def _probability(self, side: int, x: np.ndarray) -> np.ndarray:
        """P(Q ≤ x) or P(Q > x), each side's from the smaller of the two."""
        if not self.rank:
            return (x >= self.constant if side == LOWER else x < self.constant).astype(np.float64)
        result = np.full(x.shape, 0.0 if side == LOWER else 1.0)
        inside = x > self.constant
        above_mean = np.array([self._law.above(value, 0) >= 0 for value in x.tolist()])
        for tail, there in ((LOWER, inside & ~above_mean), (UPPER, inside & above_mean)):
            if np.any(there):
                log_p = self._log_tail(tail, x[there])
                result[there] = np.exp(log_p) if tail == side else -np.expm1(log_p)
        return result

    def _log_tail(self, tail: int, x: np.ndarray) -> np.ndarray:
        nearest = self._law.above(float(np.min(x)), -1)
        if nearest < SMALLEST:
            raise ArithmeticError(
                f"x − c must be 0 or at least {SMALLEST:g} of the largest weight for float64, got {nearest:.3g} of it"
            )
        log_p, error = log_tail(self._law, tail, x)
        worst = np.argmax(np.where(error <= ACCURACY, 0.0, 1.0))  # NaN counts
        if not error[worst] <= ACCURACY:
            raise ArithmeticError(
                f"probabilities are promised to {ACCURACY:g}, relative; float64 gives {error[worst]:.1e} at "
                f"x = {x[worst]} with {self.rank} terms"
            )
        return log_p

    def _quantile(self, side: int, q: float) -> float:
        if not self.rank:
            return self.constant
        below_mean = self._law.below_mean
        if q > (below_mean if side == LOWER else 1 - below_mean):
            side, q = -side, 1 - q  # about ½, this loses nothing
        if q == 0:
            return self.constant if side == LOWER else float("inf")
        excess, error = excess_quantile(self._law, side, q)
        if not error <= ACCURACY:
            raise ArithmeticError(
                f"quantiles are promised to {ACCURACY:g}, relative; float64 gives {error:.1e} at a tail "
                f"probability of {q} with {self.rank} terms"
            )
        return self.constant + excess


def _float64(name: str, value: Any, shapes: Shapes) -> np.ndarray:
    """A float64 NumPy copy of a real array of one of these shapes."""
    return np.array(to_numpy(as_float64(real_array(name, value, shapes))))


def _elementwise(name: str, value: Any, function: Callable[[np.ndarray], np.ndarray]) -> Any:
    """Apply a function of a float64 vector to a number, or to an array of any kind and shape."""
    if not array_api_compat.is_array_api_obj(value):
        return float(function(np.array([real_number(name, value)]))[0])
    value = real_array(name, value, None)
    xp = array_api_compat.array_namespace(value)
    result = function(to_numpy(as_float64(value)).reshape(-1)).reshape(value.shape)
    return xp.asarray(result, dtype=floating_dtype(value), device=array_api_compat.device(value))
