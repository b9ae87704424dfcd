"""Squared norms of Gaussian vectors as quadratic forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics.quadratic_form import GaussianQuadraticForm
from numerics.row_space import row_space
from tests.numerics.quadratic_form_laws import EPS, PROMISED, form

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
