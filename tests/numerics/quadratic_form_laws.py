"""Laws of quadratic forms whose tails are known to 30 digits and more, from closed forms in mpmath."""

from collections.abc import Callable
from dataclasses import dataclass

import mpmath
import numpy as np
from mpmath import mpf

from numerics.quadratic_form import GaussianQuadraticForm

EPS = float(np.finfo(float).eps)
PROMISED = 1e-10
TAILS = (1e-250, 1e-100, 1e-12, 1e-6, 1e-3, 0.1, 0.3, 0.45)
FEW = (1e-12, 1e-3, 0.3)  # where the reference takes long


# --- references: (P(Q ≤ x), P(Q > x)), both to 30 digits and more


Reference = Callable[[mpf], tuple[mpf, mpf]]


def chi_square(w: float, n: int) -> Reference:
    """The law of w χ²(n), by the incomplete gamma functions."""

    def tails(x):
        half, y = mpf(n) / 2, x / (2 * mpf(w))
        return mpmath.gammainc(half, 0, y, regularized=True), mpmath.gammainc(half, y, mpmath.inf, regularized=True)

    return tails


def one_term(w: float, b: float) -> Reference:
    """The law of w (Z + b)², which is above x where Z > √(x/w) − b or Z < −√(x/w) − b."""

    def tails(x):
        root = mpmath.sqrt(x / mpf(w))
        above = (mpmath.erfc((root - b) / mpmath.sqrt(2)) + mpmath.erfc((root + b) / mpmath.sqrt(2))) / 2
        return 1 - above, above

    return tails


def noncentral_chi_square(n: int, lam: float) -> Reference:
    """The Poisson mixture of χ²(n + 2j), summed until what is left is below 1e-60 of the sum."""

    def tails(x):
        below = above = mpf(0)
        half = mpf(lam) / 2
        for j in range(400):
            weight = mpmath.exp(-half) * half**j / mpmath.factorial(j)
            p, q = chi_square(1, n + 2 * j)(x)
            below, above = below + weight * p, above + weight * q
        assert weight < mpf(10) ** -60 * above  # the weights fall faster than geometrically here
        return below, above

    return tails


def exponentials(weights) -> Reference:
    """Distinct weights, each twice: a sum of exponentials of means 2w (the hypoexponential distribution)."""

    def tails(x):
        w = [mpf(float(value)) for value in weights]
        products = [mpmath.fprod(a / (a - b) for b in w if b != a) for a in w]
        above = mpmath.fsum(c * mpmath.exp(-x / (2 * a)) for a, c in zip(w, products, strict=True))
        return 1 - above, above

    return tails


def two_central_terms(a: float, b: float) -> Reference:
    """In polar coordinates, P(a X² + b Y² > x) = 2/π ∫ exp(−x/2(a cos² + b sin²)) over a quarter turn."""

    def tails(x):
        def integrand(lower):
            def f(t):  # t = tan θ = e^v, for weights far apart
                t2 = mpmath.exp(2 * t)
                exponent = -x / 2 * (1 + t2) / (mpf(a) + mpf(b) * t2)
                value = -mpmath.expm1(exponent) if lower else mpmath.exp(exponent)
                return value * mpmath.exp(t) / (1 + t2)

            return f

        nodes = [-150, -60, -30, -10, 0, 10, 15, 20, 30, 60, 150]  # the integrand falls as e^−|v|
        return tuple(2 / mpmath.pi * mpmath.quad(integrand(lower), nodes) for lower in (True, False))

    return tails


def two_terms(weights, offsets) -> Reference:
    """The one-term law integrated over the other Gaussian: z + b₁ = √(x/w₁) sin θ."""
    (w1, w2), (b1, b2) = weights, offsets
    cdf2 = one_term(w2, b2)

    def tails(x):
        radius = mpmath.sqrt(x / mpf(w1))

        def f(theta):
            z = radius * mpmath.sin(theta) - b1
            inner = cdf2(x * mpmath.cos(theta) ** 2)[0]
            return mpmath.npdf(z) * inner * radius * mpmath.cos(theta)

        below = mpmath.quad(f, mpmath.linspace(-mpmath.pi / 2, mpmath.pi / 2, 5))
        return below, 1 - below

    return tails


@dataclass(frozen=True)
class Law:
    """A form, its law in mpmath, the digits that takes, and where it is compared."""

    form: GaussianQuadraticForm
    reference: Reference
    digits: int = 40
    probabilities: tuple[float, ...] = TAILS

    def tails(self, x) -> tuple[mpf, mpf]:
        """(P(Q ≤ x), P(Q > x)); x is taken as it is, whatever its rounding was."""
        with mpmath.workdps(self.digits):
            return self.reference(x if isinstance(x, mpf) else mpf(float(x)))


def form(weights, offsets=None, constant=0.0) -> GaussianQuadraticForm:
    offsets = None if offsets is None else np.asarray(offsets, dtype=float)
    return GaussianQuadraticForm(np.asarray(weights, dtype=float), offsets, constant)


def twice(weights) -> GaussianQuadraticForm:
    return form(np.repeat(weights, 2))


APART = [1.0, 0.7, 1e-3, 1e-4, 1e-12]
SPACED = np.linspace(0.5, 2, 60)  # 120 terms; their products cancel 100 digits
LAWS = {
    "one term": Law(form([0.3]), one_term(0.3, 0), 320),
    "one term, as chi-square": Law(form([0.3]), chi_square(0.3, 1), 40, FEW),
    "two equal terms": Law(form([2.0, 2.0]), chi_square(2, 2), 300),
    "300 equal terms": Law(form(np.full(300, 0.1)), chi_square(0.1, 300)),
    "10,000 equal terms": Law(form(np.ones(10_000)), chi_square(1, 10_000)),
    "one term far from zero": Law(form([0.5], [40.0]), one_term(0.5, 40), 400),
    "one term very far from zero": Law(form([0.5], [-1000000.1]), one_term(0.5, -1000000.1), 400),
    "noncentral chi-square": Law(form(np.ones(5), [3, 0, 0, 4, 1]), noncentral_chi_square(5, 26), 40, FEW),
    "sum of exponentials": Law(twice([3.0, 2.0, 0.5]), exponentials([3, 2, 0.5]), 900),
    "weights from 1 to 1e-12": Law(twice(APART), exponentials(APART), 2500),
    "120 different terms": Law(twice(SPACED), exponentials(SPACED), 500),
    "two terms 12 orders apart": Law(form([1.0, 1e-12]), two_central_terms(1, 1e-12), 40, FEW),
    "two terms": Law(form([1.0, 0.1], [0.5, -2.0]), two_terms([1, 0.1], [0.5, -2]), 45, FEW),
}
