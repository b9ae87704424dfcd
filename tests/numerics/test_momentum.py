"""The closed form of heavy-ball descent against the two lines of torch.optim.SGD, repeated in 50-digit arithmetic."""

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numerics import momentum_response
from numerics.momentum import momentum_modes
from tests.cases import Descent, descents

EPS = np.finfo(float).eps


def exact(eigenvalue: float, lr: float, descent: Descent, steps: int) -> mpmath.mpf:
    """What is left of one mode, in 50 digits."""
    with mpmath.workdps(50):
        error, velocity = mpmath.mpf(1), mpmath.mpf(0)
        for t in range(steps):
            rate = mpmath.mpf(lr) * mpmath.mpf(descent.gamma) ** sum(m <= t for m in descent.milestones)
            velocity = mpmath.mpf(descent.momentum) * velocity + mpmath.mpf(eigenvalue) * error
            error = error - rate * velocity
        return error


def settings(descent: Descent) -> dict:
    return {"momentum": descent.momentum, "milestones": descent.milestones, "gamma": descent.gamma}


def eigenvalues_for(descent: Descent) -> np.ndarray:
    """Zero, slow and fast modes up to the largest stable one, and the places where the roots' nature changes."""
    beta = descent.momentum
    corners = [0, (1 - beta**0.5) ** 2, 1, 1 + beta, min((1 + beta**0.5) ** 2, 1.999 * (1 + beta))]
    return np.concatenate([corners, np.geomspace(1e-14, 2 * (1 + beta), 12)]) * descent.fraction


@given(descents(steps=80), st.integers(0, 100), st.sampled_from([1e-3, 1.0, 30.0]))
def test_response_is_that_of_the_repeated_steps(descent, steps, lr):
    lam = eigenvalues_for(descent) / lr
    alone = [mode[0] for mode in momentum_modes(lam, lr=lr, steps=(steps,), **settings(descent))]
    # Of a trajectory, from blocks of steps and single ones: one stretch more.
    among = [mode[steps] for mode in momentum_modes(lam, lr=lr, steps=tuple(range(101)), **settings(descent))]
    # Rounding of a sum of steps terms, each passed on by a response below 2/(1 − β); one stretch more per milestone.
    # Where the roots nearly meet, the phase of an oscillation is known to steps · ε, and enters once more.
    stretches = len(descent.milestones) + 2
    bound = stretches * (8 + 4 * steps) * EPS / (1 - descent.momentum) ** 2
    for index, value in enumerate(lam):
        truth = exact(value, lr, descent, steps)
        # A slow mode's learned part is known to a relative accuracy, which 1 − left would not give.
        slow = lr * value <= (1 - descent.momentum**0.5) ** 2 / 2
        scale = abs(1 - truth) if slow and not descent.milestones else 1
        for left, learned in (alone, among):
            assert abs(left[index] - truth) <= bound
            assert abs(learned[index] - (1 - truth)) <= bound * scale


@pytest.mark.parametrize("milestones", [(), (17, 3000)])
def test_few_steps_of_a_long_run_are_those_of_all(milestones):
    lam = np.array([[0.0, 1e-9, 1e-3], [0.5, 3.0, 3.7]])
    options = {"lr": 1.0, "momentum": 0.9, "milestones": milestones, "gamma": 0.5}
    left, learned = momentum_modes(lam, steps=tuple(range(10_000)), **options)
    assert left.shape == (10_000, 2, 3)
    np.testing.assert_array_less(learned[:-1, 0, 1], learned[1:, 0, 1])  # each step learns, however little
    for steps in (range(0, 9_999, 41), range(9_000, 9_999), [3001, 0, 9_998, 16, 17, 18, 17]):
        some = momentum_modes(lam, steps=tuple(steps), **options)
        for kept, whole in zip(some, (left, learned), strict=True):
            # Products of two closed forms, each known to its phase, in other blocks.
            assert np.abs(kept - whole[list(steps)]).max() <= 4 * 10_000 * EPS


def test_a_million_steps():
    lam = np.array([0.0, 1e-9, 1e-6, 1e-4, 1.0, 37.0])
    left = momentum_response(lam, lr=0.1, momentum=0.9, steps=1_000_000)
    with mpmath.workdps(40):
        for value, kept in zip(lam, left, strict=True):
            a, b = mpmath.mpf(0.1) * mpmath.mpf(value), mpmath.mpf(0.9)
            power = mpmath.matrix([[1 - a, -mpmath.mpf(0.1) * b], [mpmath.mpf(value), b]]) ** 1_000_000
            # μ₁ⁿ through log1p is known to n·|log μ₁|·ε, small where anything is left.
            assert abs(kept - power[0, 0]) <= 20 * EPS


@pytest.mark.parametrize("a", [0.25, 2.25])
def test_roots_that_meet(a):
    """At a = (1 ∓ √β)² with β = ¼ exactly, and its neighbours in float64."""
    descent = Descent(fraction=1, momentum=0.25, milestones=(), gamma=1.0)
    for lam in (np.nextafter(a, 0), a, np.nextafter(a, 3)):
        left, learned = (mode[0] for mode in momentum_modes(np.array([lam]), lr=1.0, steps=(30,), **settings(descent)))
        truth = exact(lam, 1.0, descent, 30)
        assert abs(left[0] - truth) <= 2 * 30 * EPS  # |left| ≤ n 2⁻ⁿ⁺¹, of powers that round n times
        assert abs(learned[0] - (1 - truth)) <= 2 * 30 * EPS


@pytest.mark.parametrize("a", [1e-3, 0.1, 0.25, 0.499, 0.6])
def test_what_is_left_of_a_mode_is_known_to_a_relative_accuracy(a):
    """Plain descent leaves (1 − a)ⁿ; 1 − learned would not know it."""
    left = momentum_response(np.array([a]), lr=1.0, steps=100)
    with mpmath.workdps(50):
        assert abs(left[0] / (1 - mpmath.mpf(a)) ** 100 - 1) <= 4 * 100 * EPS


def test_a_trajectory_holds_each_step_asked_for_in_that_order():
    lam = np.array([0.3, 1.0])
    steps = [5, 0, 17, 5]
    whole = momentum_response(lam, lr=0.5, momentum=0.5, milestones=[3, 10], steps=steps)
    assert whole.shape == (4, 2)
    for row, t in zip(whole, steps, strict=True):
        np.testing.assert_array_equal(row, momentum_response(lam, lr=0.5, momentum=0.5, milestones=[3, 10], steps=t))


def test_milestones_mean_what_multisteplr_means():
    """Milestone 0 acts from the first step on, a repeated one acts twice, one beyond the end not at all."""
    for milestones in ([0], [3, 3], [2, 7], [40]):
        weight = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
        optimizer = torch.optim.SGD([weight], lr=0.3, momentum=0.8)
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma=0.2)
        for _ in range(10):
            optimizer.zero_grad()
            (0.5 * weight**2).sum().backward()
            optimizer.step()
            schedule.step()
        left = momentum_response(np.ones(1), lr=0.3, momentum=0.8, milestones=milestones, gamma=0.2, steps=10)
        assert abs(left[0] - weight.item()) <= 2 * 10 * 5 * EPS


def test_kind_and_dtype_come_back():
    assert momentum_response(torch.ones(2), lr=0.1, steps=3).dtype == torch.float32
    assert momentum_response(np.ones(2, np.float32), lr=0.1, steps=3).dtype == np.float32
    assert momentum_response(np.ones(2, np.int64), lr=0.1, steps=3).dtype == np.float64


def test_divergence_is_reported_before_it_overflows():
    assert abs(momentum_response(np.array([3.0]), lr=1.0, steps=10)[0] - 2.0**10) <= 2**10 * 10 * EPS
    with pytest.raises(OverflowError, match="unstable"):
        momentum_response(np.array([3.0]), lr=1.0, steps=10_000)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"lr": 0}, ValueError, "lr must be positive"),
        ({"lr": np.nan}, ValueError, "lr must be finite"),
        ({"lr": "fast"}, TypeError, "lr must be a real number"),
        ({"momentum": 1.0}, ValueError, r"momentum must be in \[0, 1\)"),
        ({"momentum": -0.1}, ValueError, "momentum"),
        ({"gamma": 0}, ValueError, "gamma must be positive"),
        ({"milestones": (5, 3)}, ValueError, "milestones must be in ascending order"),
        ({"milestones": (-1,)}, ValueError, "milestones must be at least 0"),
        ({"milestones": 5}, TypeError, "milestones must be a sequence"),
        ({"steps": -1}, ValueError, "steps must be at least 0"),
        ({"steps": 1.5}, TypeError, "steps must be an integer"),
        ({"steps": []}, ValueError, "steps must not be an empty"),
        ({"eigenvalues": np.array([-1.0])}, ValueError, "eigenvalues must not be negative"),
        ({"eigenvalues": np.array([np.inf])}, ValueError, "eigenvalues must be finite"),
        ({"eigenvalues": [1.0]}, TypeError, "eigenvalues must be a NumPy or torch array"),
    ],
)
def test_bad_input_gets_a_sentence(change, error, message):
    arguments = {"eigenvalues": np.ones(2), "lr": 0.1, "steps": 3, **change}
    with pytest.raises(error, match=message):
        momentum_response(arguments.pop("eigenvalues"), **arguments)
