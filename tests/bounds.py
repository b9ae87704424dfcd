"""How far floating-point descent can stray from exact descent: bounds derived from the run's own settings.

Write the parameters of one design matrix D (rows, columns) as an error e = Θ − Θ_∞ and a velocity v. In exact
arithmetic each eigendirection of DᵀD follows (e, v) ← M (e, v), M = [[1 − ηλ, −ηβ], [λ, β]]. In floating point every
step s adds an error of its own, δΘ_s to the weights and δv_s to the velocity, and later steps pass it on. Its effect
on the weights at step t is row 1 of M_{t−1} ⋯ M_{s+1} applied to it, so that, with norms over all parameters,

    ‖Θ̂_t − Θ_t‖ ≤ Σ_s  max_λ |row₁ (1, 0)| ‖δΘ_s‖  +  max_λ |row₁ (−η, 1)| ‖δv_s‖.

The rows are found here by multiplying the 2 × 2 matrices out, mode by mode, 0 among the λ (rounding does not respect
the row space). With u the unit roundoff and γ_n = n u/(1 − n u) (Higham 2002, lemma 3.1), one step rounds by

    ‖δΘ‖ ≤ u (‖Θ‖ + 2 η ‖v‖)                        w ← w − η v
    ‖δv‖ ≤ 3 u ‖v‖ + ‖δg‖                           v ← β v + g
    ‖δg‖ ≤ (2/N) ‖D‖ ((γ_rows + 4 u) ‖r‖ + (γ_columns + 2 u) ‖D‖_F ‖Θ‖ + u ‖T‖)    g = (2/N) (D Θᵀ − T)ᵀ D

Plain descent with all modes converging keeps this near u · steps · κ; momentum multiplies it by up to 1/(1 − β).
"""

from dataclasses import dataclass

import numpy as np

UNIT_ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24}


def gamma(n: int, u: float) -> float:
    """Higham's γ_n: the relative error of n roundings in a row."""
    return n * u / (1 - n * u)


@dataclass(frozen=True)
class Rounding:
    """What separates a run of descent from the closed form.

    Attributes:
        weights: bound on the Frobenius norm of the difference of all parameters, after 0, 1, …, steps.
        left: what exact descent leaves of each mode's error, (steps + 1, modes), modes with λ > 0 only.
        distance: ‖Θ₀ − Θ_∞‖ at most, the size of the initial error.
    """

    weights: np.ndarray
    left: np.ndarray
    distance: float

    @classmethod
    def of(cls, design, targets, start, optimizer, *, steps: int, dtype: str = "float64", blocks: int = 1):
        """Bound a run from `start` (outputs, columns) on `design` (rows, columns) and `targets` (rows, outputs).

        `blocks`: how many designs of these shapes share the loss (locally connected networks); give the one whose
        norms are largest.
        """
        u = UNIT_ROUNDOFF[dtype]
        rows, columns = design.shape
        entries = targets.size * blocks
        values = np.linalg.svd(design, compute_uv=False)
        noise = 2.0**-52 * (np.sqrt(rows) + columns) * values[0]
        positive = values[values > noise]
        modes = np.append(2 * positive**2 / entries, 0.0)

        rates = [optimizer.lr * optimizer.gamma ** sum(m <= t for m in optimizer.milestones) for t in range(steps)]
        error, velocity = np.ones_like(modes), np.zeros_like(modes)
        left, speeds = [error], [velocity]
        for rate in rates:
            velocity = optimizer.momentum * velocity + modes * error
            error = error - rate * velocity
            left.append(error)
            speeds.append(velocity)
        left, speeds = np.array(left), np.array(speeds)

        condition = positive[0] / positive[-1] if len(positive) else 1.0
        limit = np.linalg.lstsq(design, targets, rcond=noise / values[0] if values[0] else 0)[0]
        residual = np.linalg.norm(design @ limit - targets)
        distance = np.linalg.norm(start) + np.linalg.norm(limit)
        size = distance * max(1.0, np.abs(left).max()) + np.linalg.norm(limit)  # ‖Θ‖ on the way
        spectral, frobenius = (values[0] if len(values) else 0.0), np.linalg.norm(design)
        off = spectral * distance * max(1.0, np.abs(left).max()) + residual  # ‖r‖ on the way
        speed = np.abs(speeds).max() * distance
        gradient = (
            (2 / entries)
            * frobenius
            * (
                (gamma(rows, u) + 4 * u) * off
                + (gamma(columns, u) + 2 * u) * frobenius * size
                + u * np.linalg.norm(targets)
            )
        )
        in_weights, in_velocity = passed_on(np.tile(modes, (steps, 1)), rates, optimizer.momentum)
        trained = in_weights * u * (size + 2 * max(rates, default=0) * speed) + in_velocity * (3 * u * speed + gradient)

        # The closed form itself: the row space is known to its noise times κ, a solution to κ, off the range to κ².
        relative = 2.0**-52 * (np.sqrt(rows) + columns) * np.sqrt(columns)
        closed = relative * condition * (size + distance)
        if len(positive):  # a design of zeros reaches nothing, and moves nothing
            closed += relative * condition**2 * residual / spectral
        response = np.abs(left).max() * 8 * (steps + 1) * 2.0**-52 / (1 - optimizer.momentum) ** 2 * distance
        return cls(trained + closed + response, left[:, :-1], float(distance))


def passed_on(modes: np.ndarray, rates: list[float], momentum: float) -> tuple[np.ndarray, np.ndarray]:
    """Σ_s max_λ |row₁ (1, 0)| and Σ_s max_λ |row₁ (−η_s, 1)| for each t = 0, …, steps.

    `modes`: each mode's λ at each step, (steps, modes).
    """
    steps = len(rates)
    # Row 1 of the product so far, for every t at once; rows of later t join as s comes down to them.
    to_weight = np.ones((steps + 1, modes.shape[1]))
    to_velocity = np.zeros_like(to_weight)
    in_weights, in_velocity = np.zeros(steps + 1), np.zeros(steps + 1)
    for s in reversed(range(steps)):
        later = slice(s + 1, None)
        p, q = to_weight[later], to_velocity[later]
        in_weights[later] += np.abs(p).max(axis=1)
        in_velocity[later] += np.abs(q - rates[s] * p).max(axis=1)
        to_weight[later], to_velocity[later] = (
            p * (1 - rates[s] * modes[s]) + q * modes[s],
            momentum * (q - rates[s] * p),
        )
    return in_weights, in_velocity
