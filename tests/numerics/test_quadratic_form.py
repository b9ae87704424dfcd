"""The law of a quadratic form in Gaussians, against closed forms in mpmath, integrals at 40 digits, and itself.

PROMISED, 1e-10, is what the class promises of a probability and of a quantile, relative. EPS is float64's.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from mpmath import mpf
from scipy import stats

from numerics import _inversion
from numerics.quadratic_form import GaussianQuadraticForm
from numerics.row_space import row_space

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


@pytest.fixture(params=LAWS, scope="module")
def law(request) -> Law:
    return LAWS[request.param]


# --- accuracy


def test_probabilities_have_ten_digits_in_either_tail(law, record_property):
    worst = 0.0
    for p in law.probabilities:
        for upper in (False, True):
            x = law.form.quantile(p, upper=upper)
            if x < 1e-289:  # refused: tested below
                continue
            for ours, exact in zip((law.form.cdf(x), law.form.sf(x)), law.tails(x), strict=True):
                worst = max(worst, float(abs(ours / exact - 1)))
    record_property("margin", worst / PROMISED)
    assert worst <= PROMISED


def test_quantiles_have_ten_digits_in_either_tail(law):
    """The probabilities of x (1 ± 1e-10) are on either side of q: no density is needed to say so."""
    for q in law.probabilities:
        for upper in (False, True):
            x = law.form.quantile(q, upper=upper)
            if x == 0:  # underflow, of one term: tested below
                continue
            with mpmath.workdps(law.digits):
                below, above = (law.tails(mpf(x) * (1 + sign * mpf(PROMISED)))[upper] for sign in (-1, 1))
            assert (below > q > above) if upper else (below < q < above)


NARROW_AND_WIDE = [form([1.0, 1e-6], [0, 1e3]), form([1.0, 5e-13], [0, 8e7])]


@pytest.mark.parametrize("q", [0.5, 0.55, 0.6, 0.65, 0.68, 0.69, 0.75, 0.9, 0.98])
@pytest.mark.parametrize("Q", [form([1.0]), *NARROW_AND_WIDE], ids=["chi-square", "narrow + wide", "narrower + wide"])
def test_quantiles_about_the_mean(Q, q):
    """There P(Q > x) < ½ may lie below the mean, and is reached from P(Q ≤ x); 1 − q is exact.

    A narrow Gaussian plus a wide χ² is nothing like its saddle-point approximation, where Newton's method starts.
    """
    x = Q.quantile(q)
    below, above = Q.cdf(x * (1 + PROMISED * np.array([-1, 1])))
    assert below - PROMISED <= q <= above + PROMISED
    assert abs(Q.quantile(1 - q, upper=True) - x) <= 2 * PROMISED * x


def test_nearly_equal_weights_between_equal_ones():
    """10⁴ weights in 1 ± 1e-9: Q lies between (1 ± 1e-9) χ²(10⁴), so its probabilities do."""
    jitter = 1e-9
    weights = 1 + jitter * np.random.default_rng(0).uniform(-1, 1, 10_000)
    Q, tails = form(weights), LAWS["10,000 equal terms"].tails
    for q, upper in ((1e-12, False), (1e-12, True)):
        x = Q.quantile(q, upper=upper)
        low, high = (float(tails(x / (1 + sign * jitter))[0 if not upper else 1]) for sign in (1, -1))
        low, high = min(low, high), max(low, high)
        assert low * (1 - PROMISED) <= (Q.sf(x) if upper else Q.cdf(x)) <= high * (1 + PROMISED)


def test_tails_end_in_underflow():
    Q = form([1.0])
    assert Q.sf(1400.0) == pytest.approx(float(mpmath.erfc(mpmath.sqrt(700))), rel=PROMISED)
    assert Q.sf(np.array([1500.0, 1e5, 1e308])).tolist() == [0, 0, 0]
    assert Q.cdf(np.array([1500.0, 1e5, 1e308])).tolist() == [1, 1, 1]
    assert [Q.sf(x) for x in (1e5, 0.9e9, 1.1e9, 1.5e9, 1e10, 1e308)] == [0] * 6
    assert form(np.ones(500)).cdf(1e-3) == 0
    assert Q.quantile(1e-200) == 0  # π/2 · 1e-400
    assert Q.quantile(1e-200) + 1 == form([1.0], constant=1).quantile(1e-200)
    assert Q.cdf(1e-289) == pytest.approx(math.sqrt(2 / math.pi * 1e-289), rel=PROMISED)


@pytest.mark.parametrize("scale", [1e-310, 1e-150, 1e-12, 1e140])
def test_units_do_not_matter(scale):
    """Subnormal weights and x are rounded to 2⁻¹⁰⁷⁴, 5e-14 of 1e-310; elsewhere κ ≤ 30 here multiplies EPS."""
    Q, scaled = form([1.0, 0.25], [0, 1]), form(np.array([1.0, 0.25]) * scale, [0, 1])
    for x in (1e-6, 1.0, 50.0):
        assert scaled.cdf(x * scale) == pytest.approx(Q.cdf(x), rel=2 * PROMISED)
        assert scaled.sf(x * scale) == pytest.approx(Q.sf(x), rel=2 * PROMISED)
    assert scaled.quantile(1e-12) == pytest.approx(Q.quantile(1e-12) * scale, rel=2 * PROMISED)


def test_constant_far_above_the_spread():
    """The excess x − c is taken without rounding, so the law of what is random keeps its digits where x can say it."""
    w, c = 2.0**-40, 1.0
    Q, plain = form([w, w / 2], constant=c), form([1.0, 0.5])
    for x in (0.25, 1.0, 8.0):
        assert Q.cdf(c + x * w) == plain.cdf(x)
    tiny = form([5e-324], constant=1.0)
    assert (tiny.cdf(1.0), tiny.cdf(np.nextafter(1.0, 2)), tiny.quantile(0.3)) == (0, 1, 1)


def test_too_coarse_a_rule_is_refused(monkeypatch):
    """What halving would have cured is noticed where it is forbidden."""
    monkeypatch.setattr(_inversion, "FIRST_STEP", 0.4)
    monkeypatch.setattr(_inversion, "MOST_HALVINGS", 0)
    with pytest.raises(ArithmeticError, match=r"probabilities are promised to 1e-10.*at x = 30"):
        form([1.0]).sf(30.0)
    with pytest.raises(ArithmeticError, match="quantiles are promised to 1e-10"):
        form([1.0]).quantile(1e-12)


def test_excess_too_small_for_float64_is_refused():
    with pytest.raises(ArithmeticError, match=r"at least 1e-290 of the largest weight"):
        form([1.0]).cdf(1e-300)


# --- properties


def positive(low: float, high: float):
    return st.floats(math.log(low), math.log(high)).map(math.exp)


@st.composite
def forms(draw) -> GaussianQuadraticForm:
    n = draw(st.integers(1, 8))
    weights = draw(st.lists(positive(1e-12, 1e3), min_size=n, max_size=n))
    offsets = draw(st.lists(st.just(0.0) | st.floats(-30, 30), min_size=n, max_size=n))
    constant = draw(st.sampled_from([0.0, 0.0, 1.0, -3.0]))
    return form(weights, offsets, constant)


tail_probabilities = positive(1e-12, 0.5)


@given(st.lists(positive(1e-9, 1e3), min_size=1, max_size=6), tail_probabilities, st.booleans())
def test_any_sum_of_exponentials(weights, p, upper):
    w = sorted(weights)
    assume(all(b > 1.001 * a for a, b in itertools.pairwise(w)))  # the closed form loses 3 digits per pair
    Q = twice(weights)
    x = Q.quantile(p, upper=upper)
    with mpmath.workdps(200):
        for ours, exact in zip((Q.cdf(x), Q.sf(x)), exponentials(weights)(mpf(x)), strict=True):
            assert abs(ours / exact - 1) <= PROMISED


@given(positive(1e-3, 1e3), st.floats(-1e3, 1e3), tail_probabilities, st.booleans())
def test_any_single_term(w, b, p, upper):
    Q = form([w], [b])
    x = Q.quantile(p, upper=upper)
    with mpmath.workdps(60):
        for ours, exact in zip((Q.cdf(x), Q.sf(x)), one_term(w, b)(mpf(x)), strict=True):
            assert abs(ours / exact - 1) <= PROMISED


@given(forms(), tail_probabilities, st.booleans())
def test_probability_of_a_quantile(Q, q, upper):
    """P(x (1 ∓ 1e-10)) are on either side of q, but for the error promised of P and the rounding of x − c."""
    x = Q.quantile(q, upper=upper)
    margin = PROMISED * (x - Q.constant) + 2 * EPS * abs(x)
    around = x + margin * np.array([-1, 1])
    low, high = Q.sf(around)[::-1] if upper else Q.cdf(around)
    assert low * (1 - PROMISED) <= q <= high * (1 + PROMISED)


@given(forms(), st.lists(positive(1e-6, 1e6), min_size=2, max_size=20))
def test_distribution_function_rises_from_0_to_1(Q, spread):
    x = Q.constant + Q.variance**0.5 * np.sort(spread)
    assume(np.all(x - Q.constant >= 1e-280))
    cdf, sf = Q.cdf(x), Q.sf(x)
    # One of the two is 1 minus the other, by expm1, correct to 2 EPS.
    assert np.all(np.abs(cdf + sf - 1) <= 2 * EPS)
    # Neighbours may be out of order by the error promised of each, relative.
    assert np.all(cdf[1:] >= cdf[:-1] * (1 - 2 * PROMISED))
    assert np.all(sf[1:] <= sf[:-1] * (1 + 2 * PROMISED))
    assert np.all((cdf >= 0) & (cdf <= 1) & (sf >= 0) & (sf <= 1))


@given(forms(), st.integers(-300, 300), tail_probabilities, st.booleans())
def test_scaling_scales(Q, exponent, p, upper):
    """By a power of two, exactly: nothing in the arithmetic changes."""
    scale = 2.0**exponent
    scaled = form(Q.weights * scale, Q.offsets, 0.0)
    unscaled = form(Q.weights, Q.offsets, 0.0)
    x = unscaled.quantile(p, upper=upper)
    assert scaled.quantile(p, upper=upper) == x * scale
    assert (scaled.cdf(x * scale), scaled.sf(x * scale)) == (unscaled.cdf(x), unscaled.sf(x))
    assert scaled.mean == unscaled.mean * scale


@given(forms(), st.integers(-8, 8), tail_probabilities, st.randoms(use_true_random=False))
def test_shift_order_signs_and_void_terms_do_not_matter(Q, shift, p, random):
    order = list(range(len(Q.weights)))
    random.shuffle(order)
    signs = np.array([random.choice([-1, 1]) for _ in order])
    unshifted = form(Q.weights, Q.offsets)
    other = form([*Q.weights[order], 0.0], [*(signs * Q.offsets[order]), 5.0], float(shift))
    for upper in (False, True):
        # Sums of squares of equal weights may be added in another order, so not bit for bit: two promised errors,
        # and the rounding of shift + (x − c).
        x = unshifted.quantile(p, upper=upper)
        assert abs(other.quantile(p, upper=upper) - (x + shift)) <= 2 * PROMISED * x + EPS * (x + 2 * abs(shift))


@given(forms())
def test_mean_and_variance_are_the_sums(Q):
    """Against exact rationals; at most 8 terms of one sign (and c), each with 4 roundings, in 8 additions."""
    w = [Fraction(float(value)) for value in Q.weights]
    b = [Fraction(float(value)) for value in Q.offsets]
    mean = sum(wi * (1 + bi**2) for wi, bi in zip(w, b, strict=True))
    variance = sum(2 * wi**2 * (1 + 2 * bi**2) for wi, bi in zip(w, b, strict=True))
    assert abs(Q.mean - float(mean + Fraction(Q.constant))) <= 12 * EPS * (float(mean) + abs(Q.constant))
    assert abs(Q.variance - float(variance)) <= 12 * EPS * float(variance)


def test_samples_follow_the_computed_law():
    """Dvoretzky, Kiefer, Wolfowitz and Massart: sup |F_n − F| > √(log(2/α)/2n) has probability α = 1e-12 at most."""
    rng = np.random.default_rng(1)
    Q = form(rng.exponential(size=300) ** 3, rng.normal(size=300), 2.0)
    n = 20_000
    draws = np.sort(Q.sample(n, seed=0))
    F = Q.cdf(draws)
    distance = max(np.max(np.arange(1, n + 1) / n - F), np.max(F - np.arange(n) / n))
    assert distance <= math.sqrt(math.log(2 / 1e-12) / (2 * n))
    assert np.array_equal(Q.sample(5, seed=3), Q.sample(5, seed=3))


def test_many_values_cost_few_contours(monkeypatch):
    """A contour serves its neighbours, and they get the promised accuracy from it."""
    Q, made = form([1.0, 0.5, 0.1], [1, 0, 2]), []
    through = _inversion.Contour.through.__func__
    counted = classmethod(lambda cls, *args: made.append(args) or through(cls, *args))
    monkeypatch.setattr(_inversion.Contour, "through", counted)
    x = np.linspace(0.01, 60, 2000)
    together = Q.sf(x)
    assert len(made) <= 100
    alone = np.array([Q.sf(value) for value in x[::50]])
    assert np.max(np.abs(together[::50] / alone - 1)) <= 2 * PROMISED


# --- from a Gaussian vector

HADAMARD = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2  # orthogonal, exactly


def test_squared_norm_of_a_gaussian_vector():
    """L = U diag(4, 3, 2, 1) V has σ known; the computed one belongs to L + δL and, U turning, to μ + δμ.

    ‖δL‖ ≤ noise, and neighbouring σ are 1 apart, so U turns by noise at most: ‖δμ‖ ≤ noise ‖μ‖. All σ ≥ 1 makes
    ‖z‖ ≤ √Q + ‖μ‖, hence √Q moves by noise (√Q + 2‖μ‖) at most, for every z: the probabilities are sandwiched.
    """
    sigma, mu = np.array([4.0, 3.0, 2.0, 1.0]), np.array([1.0, -2.0, 0.5, 3.0])
    factor = HADAMARD @ np.diag(sigma) @ HADAMARD[::-1]
    exact = form(sigma**2, HADAMARD.T @ mu / sigma)
    Q = GaussianQuadraticForm.from_gaussian(mu, factor)
    assert Q.rank == 4
    assert Q.constant == 0
    noise = float(row_space(factor).noise)
    for p in (1e-12, 0.1):
        for upper in (False, True):
            x = exact.quantile(p, upper=upper)
            move = noise * (x**0.5 + 2 * np.linalg.norm(mu))
            around = (x**0.5 + move * np.array([-1, 1])) ** 2
            low, high = exact.cdf(around)
            assert low * (1 - 2 * PROMISED) <= Q.cdf(x) <= high * (1 + 2 * PROMISED)
            high, low = exact.sf(around)
            assert low * (1 - 2 * PROMISED) <= Q.sf(x) <= high * (1 + 2 * PROMISED)


def test_directions_without_variance_go_into_the_constant():
    mu = HADAMARD @ np.array([1.0, 2.0, 3.0, 4.0])
    factor = HADAMARD[:, :2] @ np.array([[3.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    Q = GaussianQuadraticForm.from_gaussian(mu, factor, scale=0.5)
    assert Q.rank == 2
    # Residual of a projection: each of ~10 operations on numbers of size ‖μ‖ < 6 against 25/2.
    assert Q.constant == pytest.approx(0.5 * 25, rel=20 * EPS)
    assert np.sort(Q.weights) == pytest.approx([2.0, 4.5], rel=8 * float(row_space(factor).noise))
    within = GaussianQuadraticForm.from_gaussian(factor @ np.ones(3), factor)
    assert within.constant == 0  # μ in the range of L, but for rounding


def test_several_means_with_one_covariance_are_a_sum_of_independent_forms():
    means, factor = HADAMARD[:, :3] + 0.5, HADAMARD[:, :2] @ np.diag([3.0, 2.0])
    together = GaussianQuadraticForm.from_gaussian(means, factor, scale=0.25)
    apart = [GaussianQuadraticForm.from_gaussian(mean, factor, scale=0.25) for mean in means.T]
    assert together.rank == 6
    for moment in ("mean", "variance", "constant"):
        expected = sum(getattr(form, moment) for form in apart)
        assert getattr(together, moment) == pytest.approx(expected, rel=100 * EPS)


def test_what_a_factor_was_off_by_before_counts_as_rounding():
    factor = np.diag([1.0, 1e-9])
    assert GaussianQuadraticForm.from_gaussian(np.ones(2), factor).rank == 2
    known = GaussianQuadraticForm.from_gaussian(np.ones(2), factor, noise=1e-8)
    assert (known.rank, known.constant) == (1, 1.0)
    with pytest.raises(ValueError, match="noise must not be negative"):
        GaussianQuadraticForm.from_gaussian(np.ones(2), factor, noise=-1.0)


def test_a_small_part_of_the_mean_beyond_the_factor_is_kept():
    """1e-10 beside 1 is far above rounding: its square is the constant."""
    form = GaussianQuadraticForm.from_gaussian(np.array([1.0, 1e-10]), np.array([[1.0], [0.0]]))
    assert form.constant == pytest.approx(1e-20, rel=1e-5)  # rounding of the projection, 1e-16, against 1e-10


@pytest.mark.parametrize("seed", range(5))
def test_a_mean_within_the_range_of_the_factor_leaves_no_constant(seed):
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(300, 60)))[0]
    assert GaussianQuadraticForm.from_gaussian(basis @ rng.normal(size=60), basis).constant == 0


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1), st.booleans())
def test_moments_of_a_squared_norm(m, k, seed, deficient):
    """E = tr C + ‖μ‖² and Var = 2 tr C² + 4 μᵀCμ with C = LLᵀ; both move by ‖δL‖ as Q's standard formulas say."""
    rng = np.random.default_rng(seed)
    mu, factor = rng.normal(size=m), rng.normal(size=(m, k))
    if deficient:
        factor[:, 0] = 0
    Q = GaussianQuadraticForm.from_gaussian(mu, factor, scale=1 / m)
    C = factor @ factor.T
    space = row_space(factor)
    top = float(space.singular_values[0])
    # Every σ moves by noise, of q ≤ 12 of them; products and sums of m·k entries round by as many EPS.
    relative = 4 * 12 * max(float(space.noise) / top if top else 0, EPS) + 4 * (m * k + 10) * EPS
    mean, variance = np.trace(C) + mu @ mu, 2 * np.sum(C * C) + 4 * mu @ C @ mu
    assert abs(Q.mean * m - mean) <= relative * (min(m, k) * top**2 + mu @ mu)
    assert abs(Q.variance * m**2 - variance) <= relative * (2 * 12 * top**4 + 4 * top**2 * (mu @ mu))


def test_no_variance_at_all_is_a_point_mass():
    for Q in (
        GaussianQuadraticForm.from_gaussian(np.array([3.0, 4.0]), np.zeros((2, 3))),
        form([0.0, 0.0], [1.0, 2.0], 25.0),
    ):
        assert Q.rank == 0
        assert (Q.mean, Q.variance) == (25, 0)
        x = np.array([24.0, np.nextafter(25, 0), 25.0, 26.0])
        assert Q.cdf(x).tolist() == [0, 0, 1, 1]  # continuous from the right
        assert Q.sf(x).tolist() == [1, 1, 0, 0]
        assert Q.quantile(np.array([0, 0.3, 1])).tolist() == [25, 25, 25]
        assert Q.sample(3, seed=0).tolist() == [25, 25, 25]


# --- at the door


def test_ends_of_the_support():
    Q = form([1.0, 2.0], constant=-1.0)
    assert Q.cdf(np.array([-5.0, -1.0])).tolist() == [0, 0]
    assert Q.sf(np.array([-5.0, -1.0])).tolist() == [1, 1]
    assert (Q.quantile(0), Q.quantile(1)) == (-1, math.inf)
    assert (Q.quantile(1, upper=True), Q.quantile(0, upper=True)) == (-1, math.inf)


def test_results_have_the_kind_and_shape_of_the_argument():
    Q = form([1.0, 2.0])
    assert isinstance(Q.cdf(1), float)
    assert isinstance(Q.quantile(0.5), float)
    assert Q.sf(np.ones((2, 3))).shape == (2, 3)
    assert Q.cdf(np.array(1.0)).shape == ()
    assert Q.cdf(np.array([1, 2])).dtype == np.float64
    single = Q.cdf(torch.tensor([[1.0, 2.0]]))
    assert isinstance(single, torch.Tensor)
    assert single.dtype == torch.float32
    assert single[0, 0] == np.float32(Q.cdf(1.0))
    from_torch = GaussianQuadraticForm(torch.tensor([1.0, 2.0]))
    assert from_torch.quantile(0.3) == Q.quantile(0.3)


def test_a_form_does_not_change_with_the_array_it_was_made_from():
    weights = np.ones(2)
    Q = GaussianQuadraticForm(weights)
    weights[0] = 7
    assert Q.mean == 2
    with pytest.raises(ValueError, match="read-only"):
        Q.weights[0] = 7


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0],), TypeError, "weights must be a NumPy or torch array, got list"),
        ((np.array([True]),), TypeError, "weights must hold integers or real"),
        ((np.array([1j]),), TypeError, "weights must hold integers or real"),
        ((np.array(["1"]),), TypeError, "weights must hold integers or real"),
        ((np.array([]),), ValueError, "weights must not be empty"),
        ((np.ones((2, 2)),), ValueError, r"weights must have shape \(terms,\), got \(2, 2\)"),
        ((np.array([1, np.nan]),), ValueError, "weights must be finite"),
        ((np.array([1, np.inf]),), ValueError, "weights must be finite"),
        ((np.array([1, -0.5]),), ValueError, "weights must not be negative, got -0.5"),
        ((np.array([1, 1e-300]),), ValueError, r"within a factor of 1e\+250"),
        ((np.array([1e200]),), ValueError, "overflow"),
        ((np.ones(2), np.array([1, np.nan])), ValueError, "offsets must be finite"),
        ((np.ones(2), np.ones(3)), ValueError, r"offsets must have the shape of weights, \(2,\), got \(3,\)"),
        ((np.ones(2), np.array([1.0, 1e200])), ValueError, "overflow"),
        ((np.ones(2), None, math.inf), ValueError, "constant must be finite"),
        ((np.ones(2), None, "1"), TypeError, "constant must be a real number"),
        ((np.ones(2), None, True), TypeError, "constant must be a real number"),
    ],
)
def test_impossible_forms_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        GaussianQuadraticForm(*arguments)


@pytest.mark.parametrize(
    ("arguments", "scale", "error", "message"),
    [
        ((np.ones(2), np.ones(2)), 1, ValueError, r"factor must have shape \(m, k\), got \(2,\)"),
        ((np.ones(2), np.ones((3, 2))), 1, ValueError, r"factor must have as many rows .* 2, got \(3, 2\)"),
        ((np.ones((2, 1, 1)), np.ones((2, 2))), 1, ValueError, r"mean must have shape \(m,\) or \(m, units\)"),
        ((np.ones(2), np.full((2, 2), np.nan)), 1, ValueError, "factor must be finite"),
        ((np.ones(2), np.ones((2, 2))), 0, ValueError, "scale must be positive, got 0"),
        ((np.ones(2), np.ones((2, 2))), True, TypeError, "scale must be a real number"),
    ],
)
def test_impossible_gaussians_are_refused(arguments, scale, error, message):
    with pytest.raises(error, match=message):
        GaussianQuadraticForm.from_gaussian(*arguments, scale=scale)


@pytest.mark.parametrize("Q", [form([1.0]), form([0.0])], ids=["density", "point mass"])
@pytest.mark.parametrize(
    ("method", "value", "error", "message"),
    [
        ("cdf", math.nan, ValueError, "x must be finite"),
        ("sf", np.array([1, np.inf]), ValueError, "x must be finite"),
        ("cdf", "1", TypeError, "x must be a real number"),
        ("cdf", [1.0], TypeError, "x must be a real number"),
        ("cdf", 1j, TypeError, "x must be a real number"),
        ("sf", np.array([]), ValueError, "x must not be empty"),
        ("sf", np.array([True]), TypeError, "x must hold integers or real"),
        ("quantile", math.nan, ValueError, "q must be finite"),
        ("quantile", -1e-9, ValueError, r"q must be in \[0, 1\], got -1e-09"),
        ("quantile", np.array([0.5, 1.5]), ValueError, r"q must be in \[0, 1\], got 1.5"),
        ("quantile", True, TypeError, "q must be a real number"),
    ],
)
def test_impossible_values_are_refused(Q, method, value, error, message):
    with pytest.raises(error, match=message):
        getattr(Q, method)(value)


def test_impossible_settings_are_refused():
    Q = form([1.0])
    with pytest.raises(TypeError, match="upper must be True or False, got 1"):
        Q.quantile(0.5, upper=1)
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        Q.sample(0, seed=0)
    with pytest.raises(TypeError, match="seed must be an integer"):
        Q.sample(1, seed=0.5)


@pytest.mark.parametrize("freedom", [1, 2, 7, 30])
def test_every_quantile_has_an_answer_however_near_to_the_mean(freedom):
    """Where the two tails meet, and from all sides at it: against SciPy's chi-square."""
    form, law = GaussianQuadraticForm(np.ones(freedom)), stats.chi2(freedom)
    middle = law.cdf(freedom)
    near = [middle * (1 + sign * 10.0**-digits) for digits in range(1, 17) for sign in (-1, 1)]
    for q in (*np.linspace(0.001, 0.999, 25), *near):
        if not 0 < q < 1:
            continue
        for upper, expected in ((False, law.ppf(q)), (True, law.isf(q))):
            # SciPy's own error, of a few units in the last place over its density, is the smaller.
            assert form.quantile(q, upper=upper) == pytest.approx(expected, rel=1e-10)  # as promised


def test_quantiles_beside_the_mean_of_one_term():
    form = GaussianQuadraticForm(np.array([1.0]))
    assert form.quantile(0.682688) == pytest.approx(0.9999938334172945, rel=1e-10)
    assert form.quantile(0.317312, upper=True) == pytest.approx(0.9999938334172821, rel=1e-10)
