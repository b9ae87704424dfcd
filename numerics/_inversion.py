"""Tail probabilities of a Gaussian quadratic form, by inverting its moment generating function on a bent contour.

Equal weights are one term: X = c + Σ_i w_i χ²(ν_i, λ_i), with ν_i degrees of freedom and noncentrality λ_i. Then

    log E e^{s(X − c)} = K(s) = Σ_i −½ ν_i log(1 − u_i) + ½ λ_i u_i / (1 − u_i),   u_i = 2 w_i s,
    P(X > x) = 1/2πi ∫ e^{K(s) − s(x − c)} ds/s   on Re s = σ, with 0 < σ < 1/(2 max w),

and P(X ≤ x) is minus the same integral on σ < 0 (Imhof 1961 takes σ = 0). K is analytic off the real half-line right of
1/(2 max w), so the contour may bend from the saddle point into the right half-plane, where the integrand falls
exponentially (Rice 1980). Ours is a hyperbola:

    s(t) = σ + L (sin α (cosh t − 1) + i cos α sinh t),   φ(s) = K(s) − s(x − c) − log|s|,
    φ'(σ) = 0,   L = 3/2 φ''(σ)^−½,   0 < α < π/4.

On it the real parts of −log(1 − u) and of u/(1 − u), each less its tangent at σ, fall as t grows, so nothing comes back
once the integrand is negligible. (−log s less its tangent may rise where σ > 0, so P(X > x) is for x ≥ E X only.) Nodes
crowd at σ and spread exponentially, so weights that differ by a factor of 10¹² cost no more than equal ones. Logarithms
are taken of one factor 1 − u at a time, which stays off the negative real axis: no branch is crossed. The trapezoid
rule converges geometrically (Trefethen and Weideman 2014); its step is halved until it has converged.

J. P. Imhof, Computing the distribution of quadratic forms in normal variables, Biometrika 48 (1961).
S. O. Rice, Distribution of quadratic forms in normal random variables—evaluation by numerical integration, SIAM Journal
on Scientific and Statistical Computing 1 (1980).
L. N. Trefethen and J. A. C. Weideman, The exponentially convergent trapezoidal rule, SIAM Review 56 (2014).
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cached_property

import numpy as np

EPS = float(np.finfo(np.float64).eps)
LEAN = 0.5  # α: 0 is best for many terms, π/4 for few; this is within a factor 2 of either
FIRST_STEP = 0.1  # enough nearly always
MOST_HALVINGS = 6
CONVERGED = 1e-12  # relative; two orders below what is promised
FURTHEST = 50.0  # in t; s(t) goes up to e⁵⁰ L, far beyond any x in float64
NEGLIGIBLE = -42.0  # log of a modulus against that at the saddle: e⁻⁴² = 6e-19
UNDERFLOW = -760.0  # e to this is 0 in float64
SMALLEST = 1e-290  # of max w: what x − c must be for the nodes, ~ 1/(x − c), not to overflow
LOWER, UPPER = -1, 1  # P(X ≤ x) and P(X > x), by the sign of σ

EXACT = Context(prec=50)  # differences of float64 numbers and their sums of products, as good as exact


@dataclass(frozen=True, eq=False)
class Cumulants:
    """K of X, in units of 2^unit, in which max w is in [½, 1).

    Attributes:
        unit: the exponent of the unit.
        w: distinct positive weights in descending order, in the unit.
        nu: how often each occurs.
        lam: the sum of squares of its offsets.
        constant: c, not in the unit.
        partial_means: Σ_{i ≥ k} w_i (ν_i + λ_i) for k = 0 … terms, not in the unit: from the mean less c down to 0.
    """

    unit: int
    w: np.ndarray
    nu: np.ndarray
    lam: np.ndarray
    constant: Decimal
    partial_means: tuple[Decimal, ...]

    @classmethod
    def of(cls, weights: np.ndarray, offsets: np.ndarray, constant: float) -> "Cumulants":
        """Gather equal weights."""
        distinct, term, nu = np.unique(-weights, return_inverse=True, return_counts=True)
        squares = [Decimal(0)] * len(distinct)
        for i, b in zip(term.tolist(), offsets.tolist(), strict=True):
            squares[i] = EXACT.fma(Decimal(b), Decimal(b), squares[i])
        means = [Decimal(0)]
        for minus_w, n, square in zip(distinct[::-1].tolist(), nu[::-1].tolist(), squares[::-1], strict=True):
            means.append(EXACT.fma(Decimal(-minus_w), EXACT.add(Decimal(n), square), means[-1]))
        unit = int(np.frexp(-distinct[0])[1])
        lam = np.array([float(square) for square in squares])
        return cls(
            unit, np.ldexp(-distinct, -unit), nu.astype(np.float64), lam, Decimal(constant), tuple(reversed(means))
        )

    @cached_property
    def variance(self) -> float:
        """K''(0)."""
        return float(np.sum(2 * self.w**2 * (self.nu + 2 * self.lam)))

    def above(self, x: float, k: int) -> float:
        """Return x − c less partial mean k, rounded once, in the unit."""
        excess = EXACT.subtract(Decimal(x), self.constant)
        return self._in_unit(EXACT.subtract(excess, self.partial_means[k]))

    def partial_mean(self, k: int) -> float:
        """Return partial mean k, rounded once, in the unit."""
        return self._in_unit(self.partial_means[k])

    def _in_unit(self, value: Decimal) -> float:
        return min(float(EXACT.multiply(value, EXACT.power(2, -self.unit))), 1e300)

    @cached_property
    def below_mean(self) -> float:
        """P(X ≤ E X)."""
        contour = Contour.through(self, LOWER, self.saddle_at(LOWER, self.partial_mean(0)))
        # At the mean itself: the saddle point is known to few digits, and so is the y whose saddle point it is.
        mean = self.partial_mean(0) - self.partial_mean(contour.k)
        return float(np.exp(contour.evaluate(np.array([mean]))[0][0]))

    def head(self, sigma: float) -> int:
        """Return k: the terms i ≥ k have |u_i| < 1 at σ, and are best taken with their mean subtracted."""
        return 0 if sigma > 0 else int(np.sum(-2 * sigma * self.w >= 1))

    def exponent(self, s: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """K(s) − s Σ_{i ≥ k} w_i (ν_i + λ_i), and the sum of the moduli that were rounded on the way.

        The subtraction, term by term, is what keeps tails accurate when the mean is many standard deviations.
        """
        from scipy.special import log1p  # as accurate for complex numbers; it takes long to load

        value, size = np.empty(len(s), np.complex128), np.empty(len(s))
        block = max(1, 2**18 // len(self.w))
        for start in range(0, len(s), block):
            u = 2 * s[start : start + block, None] * self.w
            log, ratio = log1p(-u), u / (1 - u)
            noncentral = self.lam / 2 * ratio
            noncentral[:, k:] *= u[:, k:]  # u/(1 − u) − u = u²/(1 − u)
            size[start : start + block] = (np.abs(log) + np.abs(u) * (np.arange(len(self.w)) >= k)) @ (
                self.nu / 2
            ) + np.sum(np.abs(noncentral), axis=1)
            log[:, k:] += u[:, k:]
            value[start : start + block] = np.sum(noncentral, axis=1) - log @ (self.nu / 2)
        return value, size

    def slope(self, sigma: float) -> float:
        """σ K'(σ)."""
        u = 2 * sigma * self.w
        ratio = u / (1 - u)
        return float(np.sum(ratio / 2 * (self.nu + self.lam / (1 - u))))

    def curvature(self, sigma: float) -> float:
        """σ² K''(σ)."""
        u = 2 * sigma * self.w
        ratio = u / (1 - u)
        return float(np.sum(ratio**2 * (self.nu / 2 + self.lam / (1 - u))))

    def saddle_above(self, sigma: float, k: int) -> float:
        """The x whose saddle point is σ, K'(σ) − 1/σ, less Σ_{i ≥ k} w_i (ν_i + λ_i)."""
        u = 2 * sigma * self.w
        z = 1 - u
        central, noncentral = 1 / z, (1 / z) ** 2
        central[k:], noncentral[k:] = u[k:] / z[k:], u[k:] * (2 - u[k:]) / z[k:] ** 2  # 1/z − 1 and 1/z² − 1
        return float(np.sum(self.w * (self.nu * central + self.lam * noncentral))) - 1 / sigma

    def saddle_at(self, side: int, excess: float) -> float:
        """σ with φ'(σ) = 0 for x − c = `excess`; its digits do not matter."""

        def g(v: float) -> float:
            sigma = self._sigma(side, v)
            return self.slope(sigma) - sigma * excess - 1

        if side == LOWER:  # K'(σ) ≤ (ν/2 + λ/8)/|σ|
            most = float(np.sum(self.nu) / 2 + np.sum(self.lam) / 8) + 1
            low = np.log(0.5 / excess)
            high = min(low + np.log(4 * most), -np.log(SMALLEST) + 5)
        else:  # K'(σ) ≤ 4 K'(0) while u ≤ ½; 1 − u ≥ w/(x − c + 4w) for the largest w
            least = max(self.w[0] / (excess + 4 * self.w[0]) / 2, 1e-9)
            low, high = self._central_logit(0.2 / np.sum(self.w * (self.nu + self.lam))), -np.log(least)
        if g(high) <= 0:  # so far out that the probability underflows
            return self._sigma(side, high)
        return self._sigma(side, _root(g, low, high))

    def saddle_for(self, side: int, log_p: float) -> float:
        """σ for an x whose tail probability is about e^log_p, by e^{φ(σ)} (2π φ''(σ))^−½; 0 if x − c underflows."""

        def g(v: float) -> float:
            sigma = self._sigma(side, v)
            u = 2 * sigma * self.w
            z = 1 - u
            legendre = -np.sum(self.nu / 2 * (np.log1p(-u) + u / z) + self.lam / 2 * (u / z) ** 2)  # K − σK'
            return float(legendre) + 1 - 0.5 * np.log(2 * np.pi * (1 + self.curvature(sigma))) - log_p

        near = 1e-3 / self.variance**0.5
        if side == LOWER:
            low, high = np.log(near), -np.log(SMALLEST)
        else:
            low, high = self._central_logit(near), -np.log(1e-9)
        if g(high) > 0:
            return 0.0
        sigma = self._sigma(side, _root(g, low, high))
        if side == UPPER and self.saddle_above(sigma, 0) < 0:
            return self.saddle_at(side, self.partial_mean(0))
        return sigma

    def _sigma(self, side: int, v: float) -> float:
        """All σ of one sign as v goes over the line."""
        from scipy.special import expit

        return -np.exp(v) if side == LOWER else expit(v) / (2 * self.w[0])

    def _central_logit(self, sigma: float) -> float:
        u = min(2 * sigma * self.w[0], 0.5)
        return np.log(u / (1 - u))


@dataclass(frozen=True, eq=False)
class Contour:
    """The integrand on a hyperbola through σ; it serves every x near the one whose saddle point σ is.

    Attributes:
        side: LOWER or UPPER.
        k: terms i ≥ k have their mean subtracted; y = x − c − Σ_{i ≥ k} w_i (ν_i + λ_i) stands for x.
        y: the y whose saddle point σ is.
        low: the least y that the nodes are laid for.
        high: the largest.
        step: of the trapezoid rule in t.
        s: its nodes s(t) for t = 0, step, …
        ds: s'(t).
        exponent: K(s) with those means subtracted.
        size: what was rounded to compute it.
    """

    side: int
    k: int
    y: float
    low: float
    high: float
    step: float
    s: np.ndarray
    ds: np.ndarray
    exponent: np.ndarray
    size: np.ndarray

    @classmethod
    def through(cls, law: Cumulants, side: int, sigma: float) -> "Contour":
        """Lay nodes until the integrand is negligible, then between them until the rule has converged."""
        k = law.head(sigma)
        y = law.saddle_above(sigma, k)
        if side == UPPER:  # E X and what lies above it
            y = max(y, 0.0)
        excess = y + law.partial_mean(k)
        width = abs(sigma) / (1 + law.curvature(sigma)) ** 0.5  # φ''(σ)^−½
        reach = min(0.5 / width, excess / 2)
        low, high = y - reach, y + reach
        if side == UPPER:
            low = max(low, 0.0)

        def lay(t: np.ndarray) -> tuple[np.ndarray, ...]:
            length, sin, cos = 1.5 * width, np.sin(LEAN), np.cos(LEAN)
            s = sigma + length * (sin * (np.cosh(t) - 1) + 1j * cos * np.sinh(t))
            ds = length * (sin * np.sinh(t) + 1j * cos * np.cosh(t))
            return s, ds, *law.exponent(s, k)

        nodes = lay(np.zeros(1))
        start = nodes[2][0] - sigma * y
        while True:
            t = FIRST_STEP * (np.arange(16) + len(nodes[0]))
            s, ds, exponent, _ = new = lay(t)
            nodes = tuple(np.concatenate(pair) for pair in zip(nodes, new, strict=True))
            modulus = (exponent - s * y - start).real + (y - low) * (s.real - sigma) + np.log(np.abs(ds / s))
            if np.all(modulus[-2:] < NEGLIGIBLE) or t[-1] > FURTHEST:
                break

        contour = cls(side, k, y, low, high, FIRST_STEP, *nodes)
        for _ in range(MOST_HALVINGS):
            _, _, difference, rounding = contour.evaluate(np.array([low, y, high]))
            if np.all(difference <= np.maximum(CONVERGED, rounding)):
                break
            between = lay(contour.step * (np.arange(len(nodes[0])) + 0.5))
            nodes = tuple(np.ravel(np.stack(pair, axis=1)) for pair in zip(nodes, between, strict=True))
            contour = cls(side, k, y, low, high, contour.step / 2, *nodes)
        return contour

    def evaluate(self, y: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return, at each y: log p; density / p; and the relative errors of p from the rule and from rounding.

        The rule's error is what leaving out every second node changes, which is far more than the error that is left,
        and the last node's part, the integrand falling fast beyond it.
        """
        exponent = self.exponent - self.s * y[:, None]
        top = exponent[:, 0].real
        density = np.exp(exponent - top[:, None]) * self.ds
        density[:, 0] /= 2
        tail = self.side * density / self.s
        total = np.sum(tail.imag, axis=1)
        difference = np.abs(1 - 2 * np.sum(tail.imag[:, ::2], axis=1) / total) + np.abs(tail[:, -1] / total)
        rounded = self.size + np.abs(self.s * y[:, None]) + 1
        rounding = EPS * np.sum(rounded * np.abs(tail), axis=1) / np.abs(total)
        with np.errstate(invalid="ignore"):  # NaN where rounding has eaten everything, as `rounding` says
            log_p = top + np.log(self.step / np.pi * total)
        return log_p, np.sum(density.imag, axis=1) / total, difference, rounding


def log_tail(law: Cumulants, side: int, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log of P(X ≤ x) for x > c, or of P(X > x) for x ≥ E X, and the estimated relative error of the probability.

    One contour serves neighbouring x, so that many cost little more than few.
    """
    log_p, error = np.full(len(x), -np.inf), np.zeros(len(x))
    pending = np.argsort(x)
    while len(pending):
        middle = pending[len(pending) // 2]
        sigma = law.saddle_at(side, law.above(x[middle], -1))
        k = law.head(sigma)
        # Chernoff's bound: P ≤ e^{K(σ) − σ(x − c)}
        if law.exponent(np.array([sigma]), k)[0][0].real - sigma * law.above(x[middle], k) < UNDERFLOW:
            further = side * (x[pending] - x[middle]) >= 0
            pending = pending[~further]
            continue
        contour = Contour.through(law, side, sigma)
        y = np.array([law.above(value, k) for value in x[pending]])
        near = (contour.low <= y) & (y <= contour.high)
        near[len(pending) // 2] = True
        log_p[pending[near]], _, difference, rounding = contour.evaluate(y[near])
        error[pending[near]] = difference + rounding
        pending = pending[~near]
    return log_p, error


def excess_quantile(law: Cumulants, side: int, p: float) -> tuple[float, float]:
    """Return x − c where P(X ≤ x) is p, or P(X > x) is p and x ≥ E X, and its estimated relative error.

    Both are 0 where x − c underflows. By Newton's method for log p as a function of log(x − c), on one contour if the
    start is good, with bisection where a step would leave the bracket.
    """
    sigma = law.saddle_for(side, np.log(p))
    if sigma == 0:
        return 0.0, 0.0
    contour = Contour.through(law, side, sigma)
    y, low, high = contour.y, 0.0 if side == LOWER else law.partial_mean(0), np.inf
    for _ in range(200):
        offset = law.partial_mean(contour.k)
        excess = y + offset
        (log_p,), (rate,), (difference,), (rounding,) = contour.evaluate(np.array([y]))
        scale = 1 / (rate * excess)  # relative change of x − c per relative change of p
        move = side * (log_p - np.log(p)) * scale  # of log(x − c)
        error = (difference + rounding) * abs(scale)
        if not move**2 > EPS * abs(scale):  # what Newton's method leaves, move²/2 scale, is rounding
            return float(np.ldexp(excess + excess * move, law.unit)), error
        low, high = (excess, high) if move > 0 else (low, excess)
        change = np.expm1(np.clip(move, -1, 1))
        if abs(move) > 1e-6 and not low < excess + excess * change < high:
            change = (low * high) ** 0.5 / excess - 1
        y += excess * change
        if not contour.low <= y <= contour.high:
            contour = Contour.through(law, side, law.saddle_at(side, y + offset))
            y += offset - law.partial_mean(contour.k)
    return 0.0, float("inf")


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """A sign change of `function`, to the accuracy that a saddle point needs: contours near it serve as well."""
    from scipy.optimize import brentq  # takes longer to import than all the rest of the library

    return float(brentq(function, low, high, xtol=1e-4))
