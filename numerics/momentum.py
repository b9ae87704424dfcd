"""Gradient descent with heavy-ball momentum and step decay, mode by mode, in closed form.

`torch.optim.SGD` moves a weight by v ← β v + g, w ← w − η v from v = 0. On a quadratic loss each eigendirection of the
Hessian, of eigenvalue λ, evolves on its own: with e the error left and a = ηλ,

    (e, v) ← M (e, v),   M = [[1 − a, −ηβ], [λ, β]],   μ² − (1 + β − a) μ + β = 0 for its eigenvalues μ₁, μ₂.

With U_n = (μ₁ⁿ − μ₂ⁿ)/(μ₁ − μ₂), Cayley and Hamilton give Mⁿ = U_n M − β U_{n−1} I, so n steps at one rate are known at
once, however many they are; a milestone starts the next stretch from where the last one ended. Derived in
`theory.derivations` ("momentum").
"""

import math
from typing import Any

import array_api_compat
import numpy as np
from jaxtyping import Float, Real

from numerics.arguments import as_float64, floating_dtype, real_array, rounded, schedule, step_numbers


def momentum_response(
    eigenvalues: Real[Any, " *modes"],
    *,
    lr: float,
    momentum: float = 0.0,
    milestones: Any = (),
    gamma: float = 0.2,
    steps: Any,
) -> Float[Any, "*steps_modes"]:
    """Return what is left of each mode's initial error after a number of steps.

    Args:
        eigenvalues: λ ≥ 0 of the loss's Hessian, shape (modes,) or any other.
        lr: learning rate η > 0, as in `torch.optim.SGD`.
        momentum: β in [0, 1), as in `torch.optim.SGD` (no dampening, no Nesterov).
        milestones: step numbers in ascending order after which the rate is multiplied by gamma, as in `MultiStepLR`.
        gamma: the factor.
        steps: a number of steps, or a sequence of them (a trajectory, the result's first axis).

    Returns:
        e_t / e_0 per mode: 1 where nothing has been learned, 0 where all has, unbounded where η is unstable. The
        eigenvalues' kind, device and floating dtype.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a negative or non-finite eigenvalue, or an impossible setting.
        OverflowError: an unstable mode has passed what float64 can hold.

    Example:
        >>> import numpy as np
        >>> momentum_response(np.array([0.0, 1.0]), lr=0.5, steps=[0, 1, 2]).tolist()
        [[1.0, 1.0], [1.0, 0.5], [1.0, 0.25]]

    Source: derived in theory/derivations/momentum.py.
    """
    lr, momentum, milestones, gamma = schedule(lr, momentum, milestones, gamma)
    numbers, trajectory = step_numbers(steps)
    if not array_api_compat.is_array_api_obj(eigenvalues):
        raise TypeError(f"eigenvalues must be a NumPy or torch array, got {type(eigenvalues).__name__}")
    eigenvalues = real_array("eigenvalues", eigenvalues, None, empty=True)
    modes = as_float64(eigenvalues)
    xp = array_api_compat.array_namespace(modes)
    if bool(xp.any(modes < 0)):
        raise ValueError(f"eigenvalues must not be negative, got {float(xp.min(modes))}")
    left, _ = momentum_modes(modes, lr=lr, momentum=momentum, milestones=milestones, gamma=gamma, steps=numbers)
    return rounded("what is left of errors", left if trajectory else left[0, ...], floating_dtype(eigenvalues))


def momentum_modes(
    eigenvalues: Any,
    *,
    lr: float,
    momentum: float,
    milestones: tuple[int, ...],
    gamma: float,
    steps: tuple[int, ...],
) -> tuple[Any, Any]:
    """Return (left, learned): `momentum_response` and 1 minus it, each to its own relative accuracy, (steps, modes).

    A slow mode's learned part, ~ ηλt, is lost to rounding in 1 − left; here it is not. What is given has been checked.

    Raises:
        OverflowError: an unstable mode has passed what float64 can hold.
    """
    xp = array_api_compat.array_namespace(eigenvalues)
    # A stretch of one learning rate starts at step 0 and at each milestone.
    state, start, found = (xp.ones_like(eigenvalues), *(xp.zeros_like(eigenvalues) for _ in range(2))), 0, []
    given = np.asarray(steps)
    ascending = bool((np.diff(given) > 0).all())
    wanted = given if ascending else np.unique(given)
    last = int(wanted[-1])
    for end in (*milestones, last + 1):
        rate = lr * gamma ** sum(milestone <= start for milestone in milestones)
        here = wanted[(wanted >= start) & (wanted < end)] - start
        if len(here):
            found.append(_states(xp, state, eigenvalues, rate, momentum, here))
        if end > last:
            break
        later = _advance(xp, state, eigenvalues, rate, momentum, np.array([end - start]))
        state, start = tuple(part[0, ...] for part in later), end
    left, learned = (parts[0] if len(found) == 1 else xp.concat(parts, axis=0) for parts in zip(*found, strict=True))
    if not ascending:
        place = xp.asarray(np.searchsorted(wanted, given), device=array_api_compat.device(eigenvalues))
        left, learned = xp.take(left, place, axis=0), xp.take(learned, place, axis=0)
    if not bool(xp.all(xp.isfinite(left))):
        raise OverflowError(f"lr={lr} is unstable: an error outgrows float64 within {last} steps")
    return left, learned


def _states(xp: Any, state: Any, lam: Any, lr: float, beta: float, n: np.ndarray) -> tuple[Any, Any]:
    """Left and learned after n steps at one learning rate, for each n, ascending: (n, *modes).

    Many n are few blocks of steps, each followed by each of few further steps.
    """
    block = math.isqrt(int(n[-1])) + 1
    if len(n) <= 2 * block:
        return _advance(xp, state, lam, lr, beta, n)[:2]
    e, p, v = (part[:, None, ...] for part in _advance(xp, state, lam, lr, beta, block * np.arange(n[-1] // block + 1)))
    left, learned, pushed, *_ = (part[None, ...] for part in _powers(xp, lam, lr, beta, np.arange(block)))
    if 2 * len(n) < e.shape[0] * block:  # few of all combinations
        blocks, rest = (xp.asarray(part, device=array_api_compat.device(lam)) for part in np.divmod(n, block))
        e, p, v = (xp.take(part, blocks, axis=0) for part in (e, p, v))
        left, learned, pushed = (xp.moveaxis(xp.take(part, rest, axis=1), 1, 0) for part in (left, learned, pushed))
    with np.errstate(over="ignore", invalid="ignore"):
        push = pushed * v
        left, learned = left * e - push, p + learned * e + push
    left, learned = (xp.reshape(part, (-1, *lam.shape)) for part in (left, learned))
    if left.shape[0] == len(n):
        return left, learned
    if n[-1] - n[0] + 1 == len(n):
        return left[int(n[0]) : int(n[-1]) + 1, ...], learned[int(n[0]) : int(n[-1]) + 1, ...]
    place = xp.asarray(n, device=array_api_compat.device(lam))
    return xp.take(left, place, axis=0), xp.take(learned, place, axis=0)


def _advance(xp: Any, state: Any, lam: Any, lr: float, beta: float, n: np.ndarray) -> tuple[Any, Any, Any]:
    """N steps at one learning rate, for each n: (left, learned, velocity) → the same, with n for a first axis."""
    left, learned, pushed, speeding, coasting = _powers(xp, lam, lr, beta, n)
    e, p, v = state
    with np.errstate(over="ignore", invalid="ignore"):  # an unstable mode may overflow; the caller looks
        pushed = pushed * v
        return left * e - pushed, p + learned * e + pushed, speeding * e + coasting * v


def _powers(xp: Any, lam: Any, lr: float, beta: float, n: np.ndarray) -> Any:
    """The entries of Mⁿ = U_n M − β U_{n−1} I for each n, each (n, *modes): [[left, −pushed], [speeding, coasting]].

    Returned are left, learned (1 − left to its own relative accuracy), pushed, speeding and coasting.
    """
    a = lr * lam
    n = xp.asarray(n.astype(float).reshape(-1, *(1,) * lam.ndim), device=array_api_compat.device(lam))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        u_before, u, u_after = (_lucas(xp, a, beta, k) for k in (n - 1, n, n + 1))
        left = u_after - beta * u  # (1 − a) U_n − β U_{n−1}
        learned = _slow_learned(xp, a, beta, n)
        slow = a <= _slow(beta)
        learned = xp.where(slow, learned, 1 - left)
        left = xp.where(slow & (learned < 0.5), 1 - learned, left)
        still = n == 0
        left, learned = xp.where(still, xp.ones_like(left), left), xp.where(still, xp.zeros_like(left), learned)
        coasting = xp.where(still, xp.ones_like(left), beta * (u - u_before))
        return left, learned, lr * beta * u, lam * u, coasting


def _lucas(xp: Any, a: Any, beta: float, n: Any) -> Any:
    """U_n = (μ₁ⁿ − μ₂ⁿ)/(μ₁ − μ₂), the Lucas sequence U_{n+1} = (1 + β − a) U_n − β U_{n−1}, U_0 = 0, U_1 = 1.

    Args:
        xp: the arrays' namespace.
        a: (*modes).
        beta: the momentum.
        n: ≥ 0, of shape (n, 1, ..., 1); where it is −1 the result means nothing.
    """
    # a → 2(1 + β) − a turns the roots' signs, so that only nonnegative real parts remain to be treated.
    flipped = a > 1 + beta
    a = xp.where(flipped, 2 * (1 + beta) - a, a)
    ones = xp.ones_like(a)
    sign = xp.where(flipped & (n % 2 == 0), -ones, ones)
    discriminant = ((1 - beta**0.5) ** 2 - a) * ((1 + beta**0.5) ** 2 - a)

    # Real roots μ₁ ≥ μ₂ ≥ 0: μ₁ⁿ⁻¹ (1 − ρⁿ)/(1 − ρ) with ρ = μ₂/μ₁, through 1 − μ₁ and 1 − ρ, which are known best.
    real = discriminant >= 0
    root = xp.sqrt(xp.where(real, discriminant, ones))
    one_minus_mu = _one_minus_larger_root(xp, xp.where(real, a, 0 * a), beta, root)
    mu = 1 - one_minus_mu
    positive = mu > 0
    gap = root / xp.where(positive, mu, ones)  # 1 − ρ
    between = (gap > 0) & (gap < 1)
    safe = xp.where(between, gap, 0.5 * ones)
    quotient = xp.where(between, -xp.expm1(n * xp.log1p(-safe)) / safe, xp.where(gap > 0, ones, n * ones))
    quotient = xp.where(n == 0, 0 * ones, quotient)
    power = xp.exp((n - 1) * xp.log1p(-xp.where(positive, one_minus_mu, 0 * a)))
    overdamped = xp.where(positive, power * quotient, xp.where(n == 1, ones, 0 * ones))
    if beta == 0:
        return sign * overdamped

    # Complex roots √β e^{±iφ}: β^{(n−1)/2} sin(nφ)/sin φ.
    height = xp.sqrt(xp.where(real, ones, -discriminant))
    angle = xp.atan2(height, 1 + beta - a)
    underdamped = beta ** ((n - 1) / 2) * xp.sin(n * angle) / (height / (2 * beta**0.5))
    return sign * xp.where(real, overdamped, underdamped)


def _one_minus_larger_root(xp: Any, a: Any, beta: float, root: Any) -> Any:
    """1 − μ₁ without cancellation: the smaller root of δ² − (1 − β + a) δ + a = 0, given √discriminant."""
    return 2 * a / (1 - beta + a + root)


def _slow(beta: float) -> float:
    """Below this a the roots are real and well apart, and the learned part may be small."""
    return (1 - beta**0.5) ** 2 / 2


def _slow_learned(xp: Any, a: Any, beta: float, n: Any) -> Any:
    """1 − e_n = a (U_1 + … + U_n), summed as [μ₁(1 − μ₂)(1 − μ₁ⁿ) − μ₂(1 − μ₁)(1 − μ₂ⁿ)]/(μ₁ − μ₂)."""
    a = xp.where(a <= _slow(beta), a, 0 * a)
    root = xp.sqrt(((1 - beta**0.5) ** 2 - a) * ((1 + beta**0.5) ** 2 - a))
    one_minus_mu1 = _one_minus_larger_root(xp, a, beta, root)
    mu1 = 1 - one_minus_mu1
    mu2 = beta / mu1
    decayed = -xp.expm1(n * xp.log1p(-one_minus_mu1))  # 1 − μ₁ⁿ
    return (mu1 * (1 - mu2) * decayed - mu2 * one_minus_mu1 * (1 - mu2**n)) / (mu1 - mu2)
