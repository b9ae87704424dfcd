"""What becomes of the ReLU units of a one-layer network trained on one example: each arrives at its target, or dies."""

import math
from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np
from jaxtyping import Float, Num

from numerics.arguments import as_float64, common_namespace, floating_dtype, real_array
from numerics.row_space import to_numpy
from theory.optimizer import GradientDescent

MAX_STEPS = 1_000_000  # more than this only units very near the edge of stability need


@dataclass(frozen=True)
class ReluFate:
    """Where gradient descent on one example leaves the units of relu(W x).

    Attributes:
        weight: the limit of W, (outputs, features).
        response: the limit of W x̂ before the activation, (outputs,): each unit's target, or a frozen value ≤ 0.
        death: the step after which a unit's response is first ≤ 0, (outputs,): 0 for one that starts so, infinite for
            one that never dies.
    """

    weight: Float[Any, "outputs features"]
    response: Float[Any, "outputs"]
    death: Float[Any, "outputs"]

    @property
    def alive(self) -> Any:
        """Whether each unit lives for ever, and so arrives at its target, (outputs,)."""
        return self.death == math.inf


def relu_fate(
    initial: Num[Any, "outputs features"],
    example: Num[Any, "features"],
    targets: Num[Any, "outputs"] | None = None,
    *,
    optimizer: GradientDescent,
) -> ReluFate:
    """Return where gradient descent on one example takes the units of f(x) = relu(W x), and which of them die.

    The loss is the mean squared error over the outputs, and relu'(0) = 0 as in PyTorch. A unit's response z = wᵀx̂
    follows, from u = 0,

        u ← β u + a (z − y) 1[z > 0],   z ← z − u,   a = 2 η x̂ᵀx̂ / outputs.

    While it is alive, z_t = y + ℓ_t (z₀ − y), with ℓ_t what is left of a linear unit's initial error. It dies in the
    first step with z_t ≤ 0: too large a rate, or momentum, overshoots zero. Then it coasts downward, by u β/(1 − β),
    and stays: momentum revives no unit. Weights move along the example only, W_∞ = W₀ + (z_∞ − z₀) x̂ᵀ/x̂ᵀx̂. Whether a
    response within rounding of zero is above it is decided as float64 computes it.

    Args:
        initial: W₀.
        example: x̂.
        targets: y ≥ 0; None for the identity task, y = x̂.
        optimizer: constant learning rate η, and momentum β. It need not be stable: beyond the edge of stability every
            unit dies that does not start at its target.

    Returns:
        The limits and the steps in which units die, of the initial weights' kind, device and floating dtype (float64
        for integers). Units with y = 0 that live tend to 0 from above.

    Raises:
        TypeError: arrays that are not real, or of different kinds or dtypes, or an optimizer that is none.
        ValueError: shapes that do not fit, entries that are not finite, a negative target (no output gives it), or a
            schedule with milestones.
        ArithmeticError: units that neither arrive nor die, or not within a million steps: a = 2 (1 + β), or too near
            it; or a rate a that float64 cannot hold.

    Example:
        >>> import numpy as np
        >>> from theory.optimizer import GradientDescent
        >>> fate = relu_fate(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([1.0, 0.0]), optimizer=GradientDescent(0.1))
        >>> fate.alive.tolist(), fate.response.round(6).tolist()
        ([True, False], [1.0, -1.0])

    Source: derived in theory/derivations ("nonlinear-span": relu_unit.py, relu_fate.py, relu_alternation.py).
    """
    initial = real_array("initial", initial, {2: "(outputs, features)"})
    example = real_array("example", example, {1: "(features,)"})
    if tuple(example.shape) != tuple(initial.shape[1:]):
        raise ValueError(f"example must have shape ({initial.shape[1]},) as initial has, got {tuple(example.shape)}")
    name, targets = ("targets", targets) if targets is not None else ("example as targets", example)
    targets = real_array(name, targets, {1: "(outputs,)"})
    if tuple(targets.shape) != tuple(initial.shape[:1]):
        raise ValueError(f"{name} must have shape ({initial.shape[0]},) as initial has, got {tuple(targets.shape)}")
    xp = common_namespace(initial=initial, example=example, targets=targets)
    if not isinstance(optimizer, GradientDescent):
        raise TypeError(f"optimizer must be a GradientDescent, got {type(optimizer).__name__}")
    if optimizer.milestones:
        raise ValueError(f"optimizer must have no milestones: its rate is constant; got {optimizer.milestones}")
    weight, x, y = (to_numpy(as_float64(array)) for array in (initial, example, targets))
    if np.any(y < 0):
        raise ValueError(f"{name} must not be negative, as no output of a ReLU is; got {y.min()}")

    with np.errstate(over="ignore"):
        square = float(x @ x)
    rate = 2 * optimizer.lr * square / len(y)
    if x.any() and not 0 < rate < math.inf:
        raise ArithmeticError(f"the rate 2 lr ‖example‖² / outputs must be a positive float, got {rate}")
    start = weight @ x
    response, death = _fates(start, y, rate, optimizer.momentum)
    if square:
        weight = weight + np.outer(response - start, x / square)
    dtype, device = floating_dtype(initial), array_api_compat.device(initial)
    return ReluFate(*(xp.asarray(array, dtype=dtype, device=device) for array in (weight, response, death)))


def _fates(start: np.ndarray, y: np.ndarray, a: float, beta: float) -> tuple[np.ndarray, np.ndarray]:
    """The limit of each unit's response and the step of its death, from the first response."""
    error = start - y
    limit, death = np.where(start <= 0, start, y), np.where(start <= 0, 0.0, math.inf)
    # A unit that starts at a positive target never moves; without overshoot ℓ stays in (0, 1], but ℓ₁ = 0 at a = 1.
    undecided = (start > 0) & (error != 0) & (a > (1 - math.sqrt(beta)) ** 2 or a == 1)
    if a == 2 * (1 + beta) and undecided.any():
        raise ArithmeticError(f"at rate 2 (1 + momentum) = {a} units oscillate for ever: they neither arrive nor die")
    left, displacement = 1.0, 0.0  # ℓ_t and u_t per unit of initial error
    for step in range(1, MAX_STEPS):
        if not undecided.any():
            return limit, death
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
