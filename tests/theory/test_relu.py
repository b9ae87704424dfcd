"""The fate of ReLU units, against units trained step by step: in fractions exactly, and in float64 for long."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.theory.relu_units import train_unit
from theory import relu_unit_fate

EPS = np.finfo(float).eps
fractions = st.fractions(0, 4, max_denominator=16)


@given(
    start=st.fractions(-4, 4, max_denominator=16),
    target=fractions,
    rate=st.fractions(Fraction(1, 16), Fraction(15, 8), max_denominator=16),
    momentum=st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(7, 8)]),
)
def test_fate_is_that_of_exact_training(start, target, rate, momentum):
    steps = 60
    fate = relu_unit_fate(
        np.array([float(start)]), np.array([float(target)]), rate=float(rate), momentum=float(momentum)
    )
    responses, displacements = train_unit(start, target, rate, momentum, steps)
    death = next((step for step, response in enumerate(responses) if response <= 0), None)
    # Fractions of small powers of two and of up to 16 are rounded once on the way into float64.
    rounding = 8 * EPS * steps**2 * (abs(float(start)) + float(target))
    nearest = min((abs(float(response)) for response in responses[: (death or 0) + 1]), default=1)
    if start > 0 and nearest <= rounding and nearest > 0:
        return  # float64 cannot tell on which side of zero it passes
    if death is None:
        assert fate.death[0] > steps
    else:
        assert fate.death[0] == death
        coasts = displacements[death] * momentum / (1 - momentum)
        exact = float(responses[death] - coasts) if death else float(start)
        assert abs(fate.response[0] - exact) <= rounding / (1 - float(momentum))
        assert not fate.alive[0]


@pytest.mark.parametrize(
    ("rate", "momentum"),
    [(0.001, 0.0), (0.3, 0.0), (1.0, 0.0), (1.5, 0.0), (0.3, 0.3), (1.0, 0.3), (2.2, 0.3), (0.3, 0.9), (3.5, 0.9)],
)
def test_units_that_live_arrive_and_the_others_do_not(rate, momentum):
    rng = np.random.default_rng(0)
    start, target = rng.uniform(-1, 6, 400), rng.uniform(0.01, 2, 400)
    fate = relu_unit_fate(start, target, rate=rate, momentum=momentum)
    ends = train_unit(start, target, rate, momentum, 20_000)[0][-1]
    # Of 400 random units none passes zero within 1e-9, where rounding would decide: |ℓ_t| is below 1e-12 by then.
    np.testing.assert_array_equal(fate.alive, ends > 0)
    scale = 20_000 * EPS * 16 / (1 - momentum) ** 2
    slow = (1 - min(rate, 1) * 0.99) ** 20_000 if momentum == 0 else 0.0
    assert np.abs(ends - fate.response).max() <= scale + slow * 8


def test_overshoot_kills_a_unit_that_started_alive():
    # z = 4, y = 1, a = 3/2: the first step leads to 4 − 4.5 < 0.
    fate = relu_unit_fate(np.array([4.0]), np.array([1.0]), rate=1.5)
    assert (fate.death[0], fate.response[0]) == (1, -0.5)
    # With momentum it comes later and coasts further: z₁ = 1, u₁ = 3, z₂ = 1 − 1.5 = −0.5, coasting 1.5 more.
    fate = relu_unit_fate(np.array([4.0]), np.array([1.0]), rate=1.0, momentum=0.5)
    assert (fate.death[0], fate.response[0]) == (2, -2.0)
    # The same unit lives at half the rate without momentum.
    assert relu_unit_fate(np.array([4.0]), np.array([1.0]), rate=0.5).alive[0]


def test_a_unit_at_its_target_stays_and_a_dead_one_too():
    fate = relu_unit_fate(np.array([[1.0, -3.0, 0.0]]), np.array([[1.0, 1.0, 1.0]]), rate=1.9, momentum=0.5)
    np.testing.assert_array_equal(fate.response, [[1.0, -3.0, 0.0]])
    np.testing.assert_array_equal(fate.alive, [[True, False, False]])


def test_black_targets_are_reached_from_above_or_not_at_all():
    start, black = np.array([2.0]), np.array([0.0])
    assert relu_unit_fate(start, black, rate=0.5).alive[0]
    assert relu_unit_fate(start, black, rate=1.5).death[0] == 1
    assert np.isfinite(relu_unit_fate(start, black, rate=0.5, momentum=0.9).death[0])


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"response": [1.0]}, TypeError, "response must be a NumPy array"),
        ({"response": np.array([np.nan])}, ValueError, "response must be finite"),
        ({"target": np.array([1.0, 2.0])}, ValueError, r"target must have the shape of response, \(1,\), got \(2,\)"),
        ({"target": np.array([-1.0])}, ValueError, "target must not be negative"),
        ({"rate": 0.0}, ValueError, "rate must be positive"),
        ({"rate": "fast"}, TypeError, "rate must be a real number"),
        ({"momentum": 1.0}, ValueError, r"momentum must be in \[0, 1\)"),
        ({"rate": 2.0}, ArithmeticError, "neither arrive nor die"),
    ],
)
def test_bad_input_gets_a_sentence(changed, error, message):
    given = {"response": np.array([0.5]), "target": np.array([1.0]), "rate": 0.5, "momentum": 0.0} | changed
    with pytest.raises(error, match=message):
        relu_unit_fate(given["response"], given["target"], rate=given["rate"], momentum=given["momentum"])


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_beyond_the_edge_of_stability_units_die_unless_they_start_at_their_target(momentum):
    edge = 2 * (1 + momentum)
    fate = relu_unit_fate(np.array([1.0 + 1e-9, 1.0]), np.array([1.0, 1.0]), rate=1.01 * edge, momentum=momentum)
    np.testing.assert_array_equal(fate.alive, [False, True])
