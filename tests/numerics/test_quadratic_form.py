"""The law of a quadratic form in Gaussians, against closed forms in mpmath, integrals at 40 digits, and itself.

PROMISED, 1e-10, is what the class promises of a probability and of a quantile, relative. EPS is float64's.
"""

import itertools
import math
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
from tests.numerics.quadratic_form_laws import (
    EPS,
    LAWS,
    PROMISED,
    Law,
    exponentials,
    form,
    one_term,
    twice,
)


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
    """To the ten digits that are promised."""
    form = GaussianQuadraticForm(np.array([1.0]))
    assert form.quantile(0.682688) == pytest.approx(0.9999938334172945, rel=1e-10)
    assert form.quantile(0.317312, upper=True) == pytest.approx(0.9999938334172821, rel=1e-10)
