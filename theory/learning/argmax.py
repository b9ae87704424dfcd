"""The probability that one of several independent Gaussians of one variance is the largest.

With means μ_c and deviation s, and z = (f_y − μ_y)/s standard normal,

    P(f_y > f_c for all c ≠ y) = ∫ φ(z) Π_{c≠y} Φ((μ_y − μ_c)/s + z) dz.

The integrand g is entire, so the trapezoidal rule of step h is off by 2 M(a)/(e^{2πa/h} − 1) at most, whatever a > 0,
if ∫ |g(z ± ib)| dz ≤ M(a) for all 0 ≤ b ≤ a (Trefethen and Weideman 2014, theorem 5.1). Of the C factors |φ(z + ia)| =
e^{a²/2} φ(z), and |Φ(z + ia)| ≤ Φ(z) + φ(z) ∫₀ᵃ e^{t²/2} dt ≤ 1 + (0.766/√2π) e^{a²/2}, Dawson's integral being below
0.5411. That is below e^{a²/2} from a = 0.87 on, and so M(a) = e^{C a²/2} there. What is cut off beyond |z| = 9 is
2 Φ(−9) < 10⁻¹⁸.
"""

import math

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr

END = 9.0  # of z
LEAST = 0.87  # of a
DIGITS = 37.0  # the rule is off by 2 e^{−37} < 2 · 10⁻¹⁶
BLOCK = 2**22  # numbers held at a time


def probability_of_largest(
    mean: Float[np.ndarray, "... n classes"], deviation: Float[np.ndarray, "... n"], labels: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "... n"]:
    """Return the probability that f_y is the largest of f_1, …, f_C, independent N(mean, deviation²).

    Args:
        mean: μ, finite, for at least two classes.
        deviation: s ≥ 0; where it is 0, answers are certain, and ties for the largest count in equal parts.
        labels: y, for each example, from 0.

    Returns:
        Probabilities, each to an absolute 10⁻¹⁵ or so: the rule's error above, and what rounding adds to it.

    Example:
        >>> import numpy as np
        >>> probability_of_largest(np.array([[1.0, 0.0]]), np.array([2**0.5]), np.array([0])).round(6).tolist()
        [0.691462]

    Source: ours; the head of theory/learning/argmax.py.
    """
    classes = mean.shape[-1]
    step = quadrature_step(classes)
    nodes = step * np.arange(-math.floor(END / step), math.floor(END / step) + 1)
    weights = step * np.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi)
    right = np.broadcast_to(labels, mean.shape[:-1]).reshape(-1, 1)
    means, deviations = mean.reshape(-1, classes), np.reshape(deviation, -1)
    found = np.empty(len(means))
    size = max(1, BLOCK // (classes * len(nodes)))
    for begin in range(0, len(means), size):
        block = slice(begin, begin + size)
        found[block] = _integrals(means[block], deviations[block], right[block], nodes, weights)
    return found.reshape(mean.shape[:-1])


def quadrature_step(classes: int) -> float:
    """The h that makes the rule's error 2 e^{−DIGITS}, with the a at which C a²/2 = DIGITS if it is large enough."""
    a = max(LEAST, math.sqrt(2 * DIGITS / classes))
    return 2 * math.pi * a / (DIGITS + classes * a**2 / 2)


def _integrals(
    means: np.ndarray, deviations: np.ndarray, right: np.ndarray, nodes: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    ahead = np.take_along_axis(means, right, axis=1) - means  # μ_y − μ_c
    certain = deviations == 0
    with np.errstate(over="ignore"):  # Φ of an infinity is 0 or 1, as it should be
        ahead_in_deviations = ahead / np.where(certain, 1, deviations)[:, None]
    below = ndtr(ahead_in_deviations[:, :, None] + nodes)
    np.put_along_axis(below, right[:, :, None], 1.0, axis=1)
    found = np.minimum(np.prod(below, axis=1) @ weights, 1.0)
    ties = np.sum(ahead == 0, axis=1)
    return np.where(certain, np.where(np.all(ahead >= 0, axis=1), 1 / ties, 0.0), found)
