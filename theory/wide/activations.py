"""What a nonlinearity φ makes of Gaussian pairs: the dual activations, stable up to correlation ±1.

For (u, v) Gaussian with mean zero, variances q₁, q₂ and covariance K, the recursions of infinitely wide networks need

    κ = E φ(u)φ(v),   κ̇ = E φ'(u)φ'(v),   and E φ(u)²  per input.

A kink makes κ̇ singular at correlation 1: it moves like the angle θ between u and v, and 1 − cos θ has lost half the
digits of a small θ (so has K; a naive arccos of it knows θ to 10⁻⁸). The variance of the *difference*, D = E(u − v)²,
has not: biases cancel in it, a convolution adds up positive terms of it, and

    D = (√q₁ − √q₂)² + 4√(q₁q₂) sin²(θ/2).

So rectifiers carry D from layer to layer, and smooth activations carry K. What they carry is called `pair` here. Where
inputs differ much in variance but hardly in angle, D in turn hides θ behind (√q₁ − √q₂)²: it knows it to
u |q₁ − q₂|/(√(q₁q₂) θ), u the unit roundoff, or to 10⁻⁸ at worst. Fully connected networks without skips carry
g = 4√(q₁q₂) sin²(θ/2) itself, which knows every angle to u; a convolution has no box filter for that.

Source: Cho and Saul 2009 (arc-cosine kernels of degrees 0 and 1); Williams 1997 (erf); the recursion in D is ours,
derived in theory/derivations ("arc-cosine").
"""

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, get_args, runtime_checkable

import numpy as np

UNIT_ROUNDOFF = 2.0**-53
NEGLIGIBLE, TINY = 1e-40, 1e-300  # relative size below which f counts as zero beside g; least divisor


APART = 1e-3  # the least tan²(θ/2) for which angles are taken from K

Carried = Literal["difference", "gap", "covariance"]  # D, g or K


class Dual(NamedTuple):
    """What an activation makes of Gaussian pairs.

    Attributes:
        covariance: κ = E φ(u)φ(v).
        derivative: κ̇ = E φ'(u)φ'(v), or None where it is 1 everywhere.
        pair: what is carried on: D, g or K of φ(u) and φ(v), as the activation says.
        apart: whether all angles are so large that K tells them as well as D.
    """

    covariance: np.ndarray
    derivative: np.ndarray | None
    pair: np.ndarray
    apart: bool = False


@runtime_checkable
class Activation(Protocol):
    """A nonlinearity, as the recursions need it."""

    @property
    def carries(self) -> Carried:
        """What is carried from layer to layer."""

    @property
    def bounded(self) -> bool:
        """Whether |φ| has a bound; those here that have none are homogeneous, φ(2u) = 2 φ(u)."""

    def carrying(self, carried: Carried) -> "Activation":
        """The same, carrying something else, where it can; itself where it carries K alone."""

    def second_moment(self, q: np.ndarray) -> np.ndarray:
        """E φ(u)² for u ~ N(0, q)."""

    def slope_moment(self, q: float) -> float:
        """E φ'(u)² for u ~ N(0, q)."""

    def mean(self, q: np.ndarray) -> np.ndarray:
        """E φ(u) for u ~ N(0, q)."""

    def dual(
        self,
        q1: np.ndarray,
        q2: np.ndarray,
        pair: np.ndarray,
        total: np.ndarray | None,
        roundings: int,
        contrast: float,
    ) -> Dual:
        """κ, κ̇ and what is carried on.

        Args:
            q1: variances of u.
            q2: variances of v, broadcast against q1.
            pair: D = E(u − v)², g or K, in the broadcast shape. It is used up, as is `total`.
            total: E(u + v)² beside D, or f = 4√(q₁q₂) cos²(θ/2) beside g, which tells correlations near −1 apart as
                these do those near 1; None where none is below −1/2.
            roundings: how many rounded operations made this layer's variances and pairs out of the last one's.
            contrast: the greatest over the least variance, or more; infinite where one is 0.
        """


@dataclass(frozen=True)
class Rectifier:
    """φ(u) = u for u > 0 and `slope` · u below: ReLU (slope 0) and leaky ReLU.

    With a the slope, φ = a · identity + (1 − a) · relu, so that κ = a K + (1 − a)² κ_relu, and the same for κ̇ and D.
    With g = 4√(q₁q₂) sin²(θ/2), f = 4√(q₁q₂) cos²(θ/2) and j = √(gf) − θ(f − g)/2 = 2√(q₁q₂) (sin θ − θ cos θ),

        κ_relu = (f − g)/8 + j/(4π),   κ̇_relu = 1/2 − θ/(2π),   D_relu = D/2 − j/(2π),   tan(θ/2) = √(g/f).

    A g of which rounding leaves nothing, below 2 · roundings · u · |q₁ − q₂|, counts as 0: multiples of one image
    have angle 0, not 10⁻⁸. As in torch φ'(0) = slope, which is all that a pixel without variance has of φ'.

    Where all angles are large K tells them as well, at less cost: an error of ε√(q₁q₂) in K is one of ε/sin θ in θ. And
    where there are no biases they stay large: an angle θ is θ/(1 + Lθ/(3π)) after L layers, roughly, and convolutions
    make no angle smaller than the least. From there on K is carried.
    """

    slope: float = 0.0
    carries: Carried = "difference"

    bounded: ClassVar[bool] = False

    def second_moment(self, q: np.ndarray) -> np.ndarray:
        """(1 + a²) q/2."""
        return (1 + self.slope**2) / 2 * q

    def slope_moment(self, q: float) -> float:
        """(1 + a²)/2, whatever q."""
        return (1 + self.slope**2) / 2

    def mean(self, q: np.ndarray) -> np.ndarray:
        """(1 − a) √(q/2π)."""
        return (1 - self.slope) * np.sqrt(q / (2 * math.pi))

    def dual(
        self,
        q1: np.ndarray,
        q2: np.ndarray,
        pair: np.ndarray,
        total: np.ndarray | None,
        roundings: int,
        contrast: float,
    ) -> Dual:
        """See `Activation.dual`."""
        if self.carries == "covariance":
            return self._from_covariance(q1, q2, pair)
        a = self.slope
        if self.carries == "gap":
            angles = _from_gap(q1, q2, pair, total, contrast)
        else:
            angles = _from_difference(q1, q2, pair, total, 2 * roundings * UNIT_ROUNDOFF, contrast)
        g, f, square, apart, far = angles
        tangent = np.sqrt(square, out=square)
        half_angle = np.arctan(tangent)
        tangent *= f  # √(gf)
        cosine = np.subtract(f, g, out=f)  # 4√(q₁q₂) cos θ
        j = np.subtract(tangent, half_angle * cosine, out=tangent)
        j *= (1 - a) ** 2 / (4 * math.pi)
        difference = g if apart is None else np.add(g, apart, out=g)
        difference *= (1 + a**2) / 2
        difference -= j
        difference -= j
        cosine *= (1 + a**2) / 8
        cosine += j
        derivative = self._derivative(half_angle)
        if contrast == math.inf:
            # E φ' is a + (1 − a)/2 of what has variance, and a of what has none: there u and v are independent.
            dead = (q1 == 0) | (q2 == 0)
            np.copyto(derivative, self._mean_slope(q1) * self._mean_slope(q2), where=dead)
        return Dual(cosine, derivative, difference, far)

    def _from_covariance(self, q1: np.ndarray, q2: np.ndarray, K: np.ndarray) -> Dual:
        """The same with g = 2(s − K), f = 2(s + K) and s = √(q₁q₂): √(gf) = 2(s + K) tan(θ/2), and f − g = 4K."""
        a, s = self.slope, np.sqrt(q1) * np.sqrt(q2)
        tangent = s - K
        s += K
        tangent /= s
        np.sqrt(tangent, out=tangent)
        half_angle = np.arctan(tangent)
        tangent *= s
        tangent *= 1 / 2
        quarter_j = np.subtract(tangent, half_angle * K, out=tangent)
        quarter_j *= (1 - a) ** 2 / math.pi
        K *= (1 + a**2) / 2
        K += quarter_j
        return Dual(K, self._derivative(half_angle), K, True)

    def _derivative(self, half_angle: np.ndarray) -> np.ndarray:
        """κ̇, in place of half the angle."""
        half_angle *= -((1 - self.slope) ** 2) / math.pi
        half_angle += (1 + self.slope**2) / 2
        return half_angle

    def carrying(self, carried: Carried) -> "Rectifier":
        """The same, carrying something else."""
        return replace(self, carries=carried)

    def _mean_slope(self, q: np.ndarray) -> np.ndarray:
        """E φ'(u) for u ~ N(0, q)."""
        return self.slope + (1 - self.slope) / 2 * (q > 0)


class _Angles(NamedTuple):
    """g, f, tan²(θ/2) = g/f, (√q₁ − √q₂)² where it was needed, and whether all angles are large."""

    g: np.ndarray
    f: np.ndarray
    square: np.ndarray
    apart: np.ndarray | None
    far: bool


def _from_gap(q1: np.ndarray, q2: np.ndarray, g: np.ndarray, f: np.ndarray | None, contrast: float) -> _Angles:
    """From g and, near −1, f."""
    if f is not None:
        return _Angles(g, f, _ratio(g, f), None, False)
    f = (2 * np.sqrt(q1)) * (2 * np.sqrt(q2)) - g
    square = _ratio(g, f)
    return _Angles(g, f, square, None, contrast < math.inf and bool(square.min() >= APART))


def _ratio(g: np.ndarray, f: np.ndarray) -> np.ndarray:
    """g/f, where θ = π if f = 0, and 0 if both are."""
    return np.asarray(g / np.maximum(f, g * NEGLIGIBLE + TINY))


def _from_difference(
    q1: np.ndarray, q2: np.ndarray, D: np.ndarray, total: np.ndarray | None, epsilon: float, contrast: float
) -> _Angles:
    """From D and, near −1, the variance of the sum."""
    root1, root2 = np.sqrt(q1), np.sqrt(q2)
    apart = root1 - root2
    apart *= apart
    four_s = (2 * root1) * (2 * root2)
    g = np.subtract(D, apart, out=D)
    if total is None and contrast < math.inf:
        f = four_s - g  # √(q₁q₂) at least, as no correlation is below −1/2
        square = g / f
        nearest = square.min()
        if nearest > epsilon * math.sqrt(contrast):
            return _Angles(g, f, square, apart, bool(nearest >= APART))
    g = _above_noise(g, q1, q2, epsilon)
    f = four_s - g if total is None else _above_noise(np.subtract(total, apart, out=total), q1, q2, epsilon)
    return _Angles(g, f, _ratio(g, f), apart, False)


def _above_noise(gap: np.ndarray, q1: np.ndarray, q2: np.ndarray, epsilon: float) -> np.ndarray:
    """D − (√q₁ − √q₂)² with 0 where it is less than the rounding of D and of the two variances, ε/2 of each.

    Variances off by a relative ε/2 move the square by ε/2 · |q₁ − q₂| at most, and the square itself is at most
    |q₁ − q₂|. In units of f ≥ √(q₁q₂) that is at most ε √(greatest/least variance).
    """
    noise = epsilon * q1 - epsilon * q2
    np.abs(noise, out=noise)
    np.copyto(gap, 0.0, where=gap <= noise)
    return gap


class Linear:
    """φ(u) = u: κ = K, κ̇ = 1. A one-layer network with more factors in its weights."""

    carries: ClassVar[Carried] = "covariance"
    bounded: ClassVar[bool] = False

    def carrying(self, carried: Carried) -> "Linear":
        """Itself: it carries K alone."""
        return self

    def second_moment(self, q: np.ndarray) -> np.ndarray:
        """The variance q itself."""
        return q

    def slope_moment(self, q: float) -> float:
        """1."""
        return 1.0

    def mean(self, q: np.ndarray) -> np.ndarray:
        """0."""
        return np.zeros_like(q)

    def dual(
        self,
        q1: np.ndarray,
        q2: np.ndarray,
        pair: np.ndarray,
        total: np.ndarray | None,
        roundings: int,
        contrast: float,
    ) -> Dual:
        """See `Activation.dual`; `pair` is K."""
        return Dual(covariance=pair, derivative=None, pair=pair)


class Erf:
    """φ = erf, as `torch.erf`.

        κ = (2/π) arcsin(2K/√((1 + 2q₁)(1 + 2q₂))),   κ̇ = (4/π)/√((1 + 2q₁)(1 + 2q₂) − 4K²).

    Both are smooth at correlation ±1: an error in K of ε√(q₁q₂) moves κ̇ by at most 2ε max(q₁, q₂), relatively.
    """

    carries: ClassVar[Carried] = "covariance"
    bounded: ClassVar[bool] = True

    def carrying(self, carried: Carried) -> "Erf":
        """Itself: it carries K alone."""
        return self

    def second_moment(self, q: np.ndarray) -> np.ndarray:
        """(2/π) arcsin(2q/(1 + 2q)), by an arctangent that keeps its digits for large q."""
        return 2 / math.pi * np.arctan(2 * q / np.sqrt(1 + 4 * q))

    def slope_moment(self, q: float) -> float:
        """(4/π)/√(1 + 4q): κ̇ at correlation 1."""
        return 4 / math.pi / math.sqrt(1 + 4 * q)

    def mean(self, q: np.ndarray) -> np.ndarray:
        """0."""
        return np.zeros_like(q)

    def dual(
        self,
        q1: np.ndarray,
        q2: np.ndarray,
        pair: np.ndarray,
        total: np.ndarray | None,
        roundings: int,
        contrast: float,
    ) -> Dual:
        """See `Activation.dual`; `pair` is K."""
        root = np.sqrt(q1) * np.sqrt(q2)
        alike = np.sqrt(np.maximum(root - pair, 0)) * np.sqrt(np.maximum(root + pair, 0))  # √(q₁q₂ − K²)
        rest = np.hypot(2 * alike, np.sqrt(2 * q1 + 2 * q2 + 1))  # large variances have squares beyond float64
        covariance = 2 / math.pi * np.arctan(2 * pair / rest)
        return Dual(covariance, 4 / math.pi / rest, covariance)


ActivationName = Literal["relu", "leaky_relu", "linear", "erf"]
ACTIVATIONS: dict[str, Activation] = {
    "relu": Rectifier(),
    "leaky_relu": Rectifier(0.01),  # torch's slope
    "linear": Linear(),
    "erf": Erf(),
}


def activation_named(name: Any) -> Activation:
    """The activation of that name.

    Raises:
        ValueError: there is none.
    """
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(get_args(ActivationName))}, got {name!r}")
    return ACTIVATIONS[name]
