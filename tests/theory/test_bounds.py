"""The bound of Theorem 2: the derived expression, held by sampled networks, and refused where it has no meaning."""

import math

import numpy as np
import pytest
from sympy import lambdify

from theory.bounds import identity_mse_bound
from theory.derivations import derive

EPS = np.finfo(float).eps
SETTINGS = {"columns": 18, "rank": 11, "out_channels": 2, "weight_variance": 0.1, "delta": 1e-3}


@pytest.fixture(scope="module")
def derived():
    from theory.derivations.chi_square_tail import L, variance
    from theory.derivations.cnn_expected_mse import d
    from theory.derivations.cnn_mse_bound import bias, bound, pixel_bound, taps
    from theory.derivations.linear_model import c

    assert derive("cnn-mse-bound").result["bound"] == bound
    return lambdify([taps, bias, pixel_bound, c, d, variance, L], bound, "numpy")


@pytest.mark.parametrize("seed", range(50))
def test_function_is_the_derived_expression(derived, seed):
    rng = np.random.default_rng(seed)
    channels, taps, bias = int(rng.integers(1, 5)), int(rng.integers(1, 30)), bool(rng.integers(2))
    columns = channels * taps + bias
    rank = int(rng.integers(0, columns))
    variance, pixel_bound, delta = rng.exponential(), rng.exponential(), 10 ** -rng.uniform(0.1, 12)
    computed = identity_mse_bound(
        columns=columns,
        rank=rank,
        out_channels=channels,
        weight_variance=variance,
        delta=delta,
        pixel_bound=pixel_bound,
        bias=bias,
    )
    exact = derived(channels * taps, int(bias), pixel_bound, channels, columns - rank, variance, -math.log(delta))
    # about 20 roundings on either side, all terms positive; SymPy may order them otherwise
    assert abs(computed / exact - 1) <= 2 * 20 * EPS


@pytest.mark.parametrize("uniform", [False, True])
@pytest.mark.parametrize(("channels", "taps", "deficiency"), [(1, 9, 1), (1, 25, 20), (2, 9, 3), (3, 9, 27)])
def test_no_sampled_error_exceeds_the_bound(uniform, channels, taps, deficiency, record_property):
    """2000 draws, each against the worst input there is: the bound at δ = 1e-12 fails for none of them.

    False alarms: 8 settings · 2000 draws · 1e-12 = 1.6e-8 (with the seeds fixed, once and for all).
    """
    draws, delta = 2000, 1e-12
    columns = channels * taps
    rng = np.random.default_rng([channels, taps, deficiency, uniform])
    variance = 1 / columns
    null = np.linalg.qr(rng.standard_normal((columns, deficiency)))[0]
    targets = np.zeros((channels, columns))
    targets[np.arange(channels), np.arange(channels) * taps + taps // 2] = 1
    shape = (draws, channels, columns)
    weights = rng.uniform(-1, 1, shape) * math.sqrt(3 * variance) if uniform else rng.normal(0, variance**0.5, shape)
    errors = ((weights - targets) @ null) @ null.T
    patches = rng.choice([-1.0, 1.0], (200, columns))  # the corners of the cube of all patches
    measured = np.mean((errors @ patches.T) ** 2, axis=1).max(axis=-1)
    bound = identity_mse_bound(
        columns=columns, rank=columns - deficiency, out_channels=channels, weight_variance=variance, delta=delta
    )
    record_property("looseness", float(bound / measured.max()))
    assert measured.max() <= bound


def test_the_bound_is_nearly_reached():
    """One channel, one null direction that all pixels share: the bound's only slack is in the sum of the two parts."""
    taps, draws, delta = 9, 100_000, 1e-2
    null = np.full((taps, 1), taps**-0.5)
    weights = np.random.default_rng(0).normal(0, taps**-0.5, (draws, 1, taps))
    targets = np.eye(taps)[[taps // 2]]
    errors = ((weights - targets) @ null @ null.T @ np.ones(taps))[:, 0] ** 2
    bound = identity_mse_bound(columns=taps, rank=taps - 1, out_channels=1, weight_variance=1 / taps, delta=delta)
    exceeding = np.mean(errors > bound)
    # Hoeffding: the fraction strays from its mean by √(ln(1/α)/(2 · draws)) with probability α = 1e-12
    assert exceeding <= delta + math.sqrt(math.log(1e12) / (2 * draws))
    assert bound <= 10 * np.quantile(errors, 1 - delta)  # and it is not vacuous


def test_full_rank_leaves_nothing():
    assert identity_mse_bound(**(SETTINGS | {"rank": 18})) == 0.0


def test_a_bias_counts_as_a_column():
    with_bias = identity_mse_bound(**(SETTINGS | {"columns": 19, "rank": 12, "bias": True}))
    without = identity_mse_bound(**SETTINGS)
    assert with_bias / without == pytest.approx(19 / 18, rel=10 * EPS)


def test_zero_variance_leaves_the_target_alone():
    assert identity_mse_bound(**(SETTINGS | {"weight_variance": 0.0})) == pytest.approx(18 / 2 * 2, rel=10 * EPS)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"columns": 18.5}, TypeError, "columns must be an integer"),
        ({"columns": 0}, ValueError, "columns must be at least 1"),
        ({"columns": 19}, ValueError, "columns must be a multiple of out_channels = 2"),
        ({"bias": True}, ValueError, "plus 1 for the bias"),
        ({"bias": 1}, TypeError, "bias must be True or False"),
        ({"rank": -1}, ValueError, "rank must be at least 0"),
        ({"rank": 19}, ValueError, "rank must be at most columns = 18"),
        ({"out_channels": True}, TypeError, "out_channels must be an integer"),
        ({"weight_variance": -1.0}, ValueError, "weight_variance must not be negative"),
        ({"weight_variance": math.nan}, ValueError, "weight_variance must be finite"),
        ({"delta": 0.0}, ValueError, r"delta must be in \(0, 1\)"),
        ({"delta": 1.0}, ValueError, r"delta must be in \(0, 1\)"),
        ({"delta": "small"}, TypeError, "delta must be a real number"),
        ({"pixel_bound": 0.0}, ValueError, "pixel_bound must be positive"),
        ({"weight_variance": 1e308, "pixel_bound": 1e10}, OverflowError, "largest floating-point number"),
    ],
)
def test_bad_input_is_refused(changed, error, message):
    with pytest.raises(error, match=message):
        identity_mse_bound(**(SETTINGS | changed))
