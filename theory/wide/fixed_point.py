"""What infinitely wide networks tend to as they get deeper, and where the constant function comes from.

Layer by layer variances follow q ← σ_w² E φ² + σ_b², and the differences of two inputs, once small, D ← χ D with
χ = σ_w² E φ'² at the fixed point q*. For ReLU q* = σ_b²/(1 − σ_w²/2) and χ = σ_w²/2 at any q.

χ < 1, with biases: "ordered". D dies out as χᴸ while q* stays. K and Θ tend to constants, K = q* and
    Θ = (β + ω E φ²)/(1 − χ), for every pair of inputs; Θ(x, x̂) Θ(x̂, x̂)⁺ then carries what was learned at x̂ to
    every x, which is the constant function.
χ < 1, without: "vanishing". K and Θ tend to 0. For ReLU q and D die out alike, and angles are those of σ_w² = 2.
χ = 1: "critical". Angles close like 1/L; depth blurs slowly, and Θ(x, x) grows like L.
χ > 1: "chaotic" for bounded φ, where inputs become unrelated; "exploding" for ReLU, where q and D grow alike, and
    angles are those of σ_w² = 2 in the end.

In a convolutional network with circular padding the same holds of every pixel. With zeros around the images pixels
near the border see fewer taps, so that K and Θ tend to what they are for a black image: a function of position only.
Getting there takes of the order of log(q_signal/σ_b²)/log(1/χ) layers. For torch's default initialization, with
σ_w² = 1/3 and σ_b² = 1/(3 f_in), χ = 1/6, and 10 to 20 layers do: where weights shrink the signal, biases take over.

Source: Poole et al. 2016; Schoenholz et al. 2017; Hayou et al. 2019 (ReLU, tangent kernels); derived for ReLU in
theory/derivations ("wide-limit").
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from theory.wide.activations import Activation, activation_named
from theory.wide.layers import variances

Regime = Literal["ordered", "vanishing", "critical", "chaotic", "exploding"]


@dataclass(frozen=True)
class FixedPoint:
    """Where variances and small differences of a deep network tend to.

    Attributes:
        regime: see theory/wide/fixed_point.py.
        variance: q*; inf where variances grow without bound, NaN where each stays what it is.
        contraction: χ, by which a layer multiplies small differences.
        tangent: what Θ(x, x) tends to in NTK parameterization: inf unless χ < 1, and 0 in the vanishing regime.
    """

    regime: Regime
    variance: float
    contraction: float
    tangent: float


def fixed_point(*, activation: str = "relu", weight_variance: float, bias_variance: float = 0.0) -> FixedPoint:
    """Return what networks of this kind tend to as they get deeper.

    Args:
        activation: "relu", "leaky_relu", "linear" or "erf".
        weight_variance: σ_w².
        bias_variance: σ_b².

    Raises:
        TypeError: a setting of the wrong type.
        ValueError: a setting out of range.

    Example:
        >>> fixed_point(activation="relu", weight_variance=2.0)
        FixedPoint(regime='critical', variance=nan, contraction=1.0, tangent=inf)
    """
    phi = activation_named(activation)
    w, b = variances(weight_variance, bias_variance)
    if phi.bounded:
        variance = _bounded(phi, w, b)
    else:  # homogeneous: E φ² = unit · q
        unit = float(phi.second_moment(np.ones(1))[0])
        variance = b / (1 - w * unit) if w * unit < 1 else (math.inf if b > 0 or w * unit > 1 else math.nan)
    contraction = w * phi.slope_moment(variance)
    regime: Regime
    if contraction == 1:
        regime = "critical"
    elif contraction > 1:
        regime = "chaotic" if phi.bounded else "exploding"
    else:
        regime = "ordered" if b > 0 or variance > 0 else "vanishing"
    tangent = math.inf
    if contraction < 1:
        tangent = (b + w * float(phi.second_moment(np.array([variance]))[0])) / (1 - contraction)
    return FixedPoint(regime, variance, contraction, tangent)


def _bounded(phi: Activation, w: float, b: float) -> float:
    """The largest q = σ_w² E φ² + σ_b²: the right side is concave and bounded, so bisection from its bound finds it."""
    from scipy.optimize import brentq

    def excess(q: float) -> float:
        return w * float(phi.second_moment(np.array([q]))[0]) + b - q

    low = b or 1e-12 * w
    if excess(low) <= 0:
        return b
    return float(brentq(excess, low, w + b, xtol=1e-300, rtol=8 * np.finfo(float).eps))
