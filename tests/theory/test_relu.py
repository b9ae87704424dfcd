"""The fate of ReLU units, against units trained step by step: in fractions exactly, and in float64 for long."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.theory.relu_units import sequence, train_unit
from theory import GradientDescent, relu_fate
from theory.derivations import derive

EPS = np.finfo(float).eps
fractions = st.fractions(0, 4, max_denominator=16)


def fate_of(start, target, rate, momentum=0.0):
    """Units with one input, which is 1: their weights are their responses."""
    optimizer = GradientDescent(rate * len(start) / 2, momentum=momentum)
    return relu_fate(start[:, None], np.ones(1), target, optimizer=optimizer)


@given(
    start=st.fractions(-4, 4, max_denominator=16),
    target=fractions,
    rate=st.fractions(Fraction(1, 16), Fraction(15, 8), max_denominator=16),
    momentum=st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(7, 8)]),
)
def test_fate_is_that_of_exact_training(start, target, rate, momentum):
    steps = 60
    fate = fate_of(np.array([float(start)]), np.array([float(target)]), float(rate), float(momentum))
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
    fate = fate_of(start, target, rate, momentum)
    ends = train_unit(start, target, rate, momentum, 20_000)[0][-1]
    # Of 400 random units none passes zero within 1e-9, where rounding would decide: |ℓ_t| is below 1e-12 by then.
    np.testing.assert_array_equal(fate.alive, ends > 0)
    scale = 20_000 * EPS * 16 / (1 - momentum) ** 2
    slow = (1 - min(rate, 1) * 0.99) ** 20_000 if momentum == 0 else 0.0
    assert np.abs(ends - fate.response).max() <= scale + slow * 8


def test_overshoot_kills_a_unit_that_started_alive():
    # z = 4, y = 1, a = 3/2: the first step leads to 4 − 4.5 < 0.
    fate = fate_of(np.array([4.0]), np.array([1.0]), 1.5)
    assert (fate.death[0], fate.response[0]) == (1, -0.5)
    # With momentum it comes later and coasts further: z₁ = 1, u₁ = 3, z₂ = 1 − 1.5 = −0.5, coasting 1.5 more.
    fate = fate_of(np.array([4.0]), np.array([1.0]), 1.0, 0.5)
    assert (fate.death[0], fate.response[0]) == (2, -2.0)
    # The same unit lives at half the rate without momentum.
    assert fate_of(np.array([4.0]), np.array([1.0]), 0.5).alive[0]


def test_alternating_overshoots_that_still_grow_kill_later():
    # (1 + √½)² < 2.95 < 3: what is left is −1.95, 2.3275, −2.39…; 1 + 5/11 survives the first and dies of the third.
    start, target = np.array([1 + 5 / 11]), np.array([1.0])
    responses, _ = train_unit(start[0], target[0], 2.95, 0.5, 3)
    assert [response > 0 for response in responses] == [True, True, True, False]
    assert fate_of(start, target, 2.95, 0.5).death[0] == 3


def test_a_unit_at_its_target_stays_and_a_dead_one_too():
    fate = fate_of(np.array([1.0, -3.0, 0.0]), np.array([1.0, 1.0, 1.0]), 1.9, 0.5)
    np.testing.assert_array_equal(fate.response, [1.0, -3.0, 0.0])
    np.testing.assert_array_equal(fate.alive, [True, False, False])


def test_black_targets_are_reached_from_above_or_not_at_all():
    start, black = np.array([2.0]), np.array([0.0])
    assert fate_of(start, black, 0.5).alive[0]
    assert (fate_of(start, black, 1.0).death[0], fate_of(start, black, 1.0).response[0]) == (1, 0)
    assert fate_of(start, black, 1.5).death[0] == 1
    assert np.isfinite(fate_of(start, black, 0.5, 0.9).death[0])


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_beyond_the_edge_of_stability_units_die_unless_they_start_at_their_target(momentum):
    edge = 2 * (1 + momentum)
    fate = fate_of(np.array([1.0 + 1e-9, 1.0]), np.array([1.0, 1.0]), 1.01 * edge, momentum)
    np.testing.assert_array_equal(fate.alive, [False, True])


def test_dead_units_freeze_as_derived():
    """The function against the derived expression, on random input."""
    from theory.derivations.relu_unit import U, a, beta, t, y, z

    frozen = derive("nonlinear-span").function("frozen", a, beta, U(t), U(t + 1), U(t + 2), y, z(0))
    rng = np.random.default_rng(3)
    start, target = rng.uniform(0, 6, 200), rng.uniform(0.01, 1, 200)
    for rate, momentum in [(1.75, 0.0), (0.5, 0.75), (2.5, 0.75), (3.5, 0.5)]:
        fate = fate_of(start, target, rate, momentum)
        dead = ~fate.alive & (fate.death > 0)
        assert dead.any()
        terms = np.array(sequence(rate, momentum, int(fate.death[dead].max()) + 1))
        for unit in np.flatnonzero(dead):
            step = int(fate.death[unit])
            derived = frozen(rate, momentum, *terms[step - 1 : step + 2], target[unit], start[unit])
            # U and ℓ come of `step` rounded steps, whose errors a stable recurrence passes on at most 1/(1 − √β)²-fold.
            passed_on = (step + 2) * np.abs(terms[: step + 2]).max() / (1 - momentum**0.5) ** 2
            assert abs(fate.response[unit] - derived) <= 16 * EPS * passed_on * (1 + rate) * (
                start[unit] + target[unit]
            )


def test_weights_move_along_the_example():
    """Three inputs, four units, 4,000 steps of plain descent on relu(W x̂) by the definition."""
    rng = np.random.default_rng(5)
    example, targets = rng.standard_normal(3), np.array([0.5, 0.0, 2.0, 1.0])
    initial = 0.3 * example + rng.standard_normal((4, 3)) * [[0], [1], [1], [1]]
    lr, momentum = 0.2, 0.5
    fate = relu_fate(initial, example, targets, optimizer=GradientDescent(lr, momentum=momentum))
    weight, velocity = initial, np.zeros_like(initial)
    for _ in range(4000):
        response = weight @ example
        gradient = 2 / 4 * np.outer((np.maximum(response, 0) - targets) * (response > 0), example)
        velocity = momentum * velocity + gradient
        weight = weight - lr * velocity
    assert set(fate.alive) == {True, False}
    # Every mode has died out in 4,000 steps; each step rounds by a few ε, which momentum passes on 1/(1 − β)-fold.
    scale = np.linalg.norm(initial) + np.linalg.norm(targets)
    assert np.abs(weight - fate.weight).max() <= 4000 * 8 * EPS / (1 - momentum) * scale


def test_no_example_teaches_nothing():
    initial = np.ones((2, 3))
    fate = relu_fate(initial, np.zeros(3), np.ones(2), optimizer=GradientDescent(0.1))
    np.testing.assert_array_equal(fate.weight, initial)
    np.testing.assert_array_equal(fate.death, [0, 0])


def test_targets_are_the_example_unless_given():
    initial, example = np.eye(3) * 0.5, np.array([1.0, 2.0, 3.0])
    optimizer = GradientDescent(0.01)
    np.testing.assert_array_equal(
        relu_fate(initial, example, optimizer=optimizer).weight,
        relu_fate(initial, example, example, optimizer=optimizer).weight,
    )


def test_tensors_stay_tensors():
    torch = pytest.importorskip("torch")
    initial, example, targets = torch.full((2, 3), 0.5), torch.ones(3), torch.tensor([1.0, 0.25])
    fate = relu_fate(initial, example, targets, optimizer=GradientDescent(0.1, momentum=0.5))
    arrays = (array.numpy().astype(float) for array in (initial, example, targets))
    exact = relu_fate(*arrays, optimizer=GradientDescent(0.1, momentum=0.5))
    for name in ("weight", "response", "death"):
        value = getattr(fate, name)
        assert (type(value), value.dtype) == (torch.Tensor, torch.float32)
        np.testing.assert_array_equal(value.numpy(), getattr(exact, name).astype(np.float32))
    assert fate.alive.tolist() == exact.alive.tolist()


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"initial": [[1.0]]}, TypeError, "initial must be a NumPy or torch array"),
        ({"initial": np.array([1.0])}, ValueError, r"initial must have shape \(outputs, features\)"),
        ({"initial": np.array([[np.nan]])}, ValueError, "initial must be finite"),
        ({"example": np.ones(2)}, ValueError, r"example must have shape \(1,\) as initial has, got \(2,\)"),
        ({"example": np.ones(1, np.float32)}, TypeError, "one floating dtype"),
        ({"targets": np.ones(2)}, ValueError, r"targets must have shape \(1,\) as initial has, got \(2,\)"),
        ({"targets": np.array([-1.0])}, ValueError, "targets must not be negative"),
        ({"targets": None, "example": np.array([-1.0])}, ValueError, "example as targets must not be negative"),
        ({"example": np.array([1e200])}, ArithmeticError, "must be a positive float, got inf"),
        ({"optimizer": 0.1}, TypeError, "optimizer must be a GradientDescent, got float"),
        ({"optimizer": GradientDescent(0.1, milestones=(3,))}, ValueError, r"no milestones.*got \(3,\)"),
        ({"optimizer": GradientDescent(1.0)}, ArithmeticError, "neither arrive nor die"),
    ],
)
def test_bad_input_gets_a_sentence(changed, error, message):
    good = {
        "initial": np.array([[0.5]]),
        "example": np.ones(1),
        "targets": np.ones(1),
        "optimizer": GradientDescent(0.1),
    }
    given = good | changed
    with pytest.raises(error, match=message):
        relu_fate(given["initial"], given["example"], given["targets"], optimizer=given["optimizer"])
