"""What becomes of the ReLU units of a one-layer network trained on one example: each arrives at its target, or dies."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from numerics.arguments import real_array, real_number

MAX_STEPS = 1_000_000  # more than this only units very near the edge of stability need


@dataclass(frozen=True)
class UnitFate:
    """Where the responses of ReLU units to the training example end.

    Attributes:
        response: the limit of each unit's response wᵀx̂ before the activation: its target, or a frozen value ≤ 0.
        death: the step in which the response is first ≤ 0, 0 for a unit that starts so; inf for one that never dies.
    """

    response: Float[Any, "..."]
    death: Float[Any, "..."]

    @property
    def alive(self) -> Any:
        """Whether each unit lives for ever, and so arrives at its target."""
        return np.isinf(self.death)


def relu_unit_fate(
    response: Float[Any, "..."], target: Float[Any, "..."], *, rate: float, momentum: float = 0.0
) -> UnitFate:
    """Return where gradient descent on one example takes the responses of ReLU units.

    With f(x) = relu(W x), one example x̂ ≠ 0 and the mean squared error over |T| target entries, a unit's response
    z = wᵀx̂ follows u ← β u + a (z − y) 1[z > 0], z ← z − u, from u = 0, with a = 2 η x̂ᵀx̂/|T| and PyTorch's
    relu'(0) = 0. While it is alive, z_t = y + ℓ_t (z₀ − y), where ℓ is what is left of a linear unit's error; it dies
    in the first step t with z_t ≤ 0, moving downward, coasts by u β/(1 − β) further and stays there: momentum revives
    no unit. Responses that are within rounding of zero count as float64 computes them.

    Args:
        response: z₀ of each unit, in float64; NumPy array of any shape.
        target: y ≥ 0 of each unit, in the same shape.
        rate: a > 0, constant.
        momentum: β in [0, 1).

    Returns:
        The limits, and the steps in which units die. Units with y = 0 that live tend to 0 from above.

    Raises:
        TypeError: arrays that are not real NumPy arrays, or settings that are not numbers.
        ValueError: shapes that differ, entries that are not finite, a negative target (no response gives it), a rate
            that is not positive, or momentum outside [0, 1).
        ArithmeticError: units that neither arrive nor die, or not within a million steps: a = 2 (1 + β), or too near
            it.

    Source: derived in theory/derivations ("nonlinear-span", relu_unit.py).
    """
    start, y = _units("response", response), _units("target", target)
    a, beta = real_number("rate", rate), real_number("momentum", momentum)
    if start.shape != y.shape:
        raise ValueError(f"target must have the shape of response, {start.shape}, got {y.shape}")
    if np.any(y < 0):
        raise ValueError(f"target must not be negative, as no output of a ReLU is; got {y.min()}")
    if a <= 0:
        raise ValueError(f"rate must be positive, got {a}")
    if not 0 <= beta < 1:
        raise ValueError(f"momentum must be in [0, 1), got {beta}")
    error = start - y
    limit, death = np.where(start <= 0, start, y), np.where(start <= 0, 0.0, math.inf)
    # A unit that starts at a positive target never moves, and without overshoot ℓ stays in [0, 1].
    undecided = (start > 0) & (error != 0) & (a > (1 - math.sqrt(beta)) ** 2)
    if a == 2 * (1 + beta) and undecided.any():
        raise ArithmeticError(f"at rate 2 (1 + momentum) = {a} units oscillate for ever: they neither arrive nor die")
    left, displacement = 1.0, 0.0  # ℓ_t and u_t per unit of initial error
    for step in range(1, MAX_STEPS):
        if not undecided.any():
            return UnitFate(limit, death)
        displacement = beta * displacement + a * left
        before, left = left, left - displacement
        now = undecided & (y + left * error <= 0)
        limit[now] = (y + (left - displacement * beta / (1 - beta)) * error)[now]
        death[now] = step
        ahead = _most_ahead(a, beta, step, abs(left), abs(before))
        undecided &= ~now
        if ahead is not None:
            undecided &= (np.abs(error) * ahead >= y) & (ahead > 0)
    raise ArithmeticError(f"{undecided.sum()} units have neither arrived nor died after {MAX_STEPS} steps at rate {a}")


def _most_ahead(a: float, beta: float, step: int, now: float, before: float) -> float | None:
    """The most that |ℓ| can be from the next step on, where it overshoots; None while that is not known."""
    gap = 4 * beta - (1 + beta - a) ** 2
    if gap > 0:  # complex roots: the envelope
        return math.sqrt(4 * a * beta ** (step + 2) / gap)
    # Negative roots, of alternating sign: a modulus that has fallen keeps falling.
    return now if now < before and a < 2 * (1 + beta) else None


def _units(name: str, value: Any) -> np.ndarray:
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {type(value).__name__}")
    shapes = ("(" + ", ".join("d" * value.ndim) + ")",)
    return np.array(real_array(name, value, shapes), dtype=np.float64)
