"""The expected correlation of a Gaussian image with a fixed one, computed and not sampled.

Pearson's correlation of f with a reference r is ⟨ρ, f⟩/√Q, with ρ = r − r̄ scaled to length 1 and Q = ‖f − f̄‖². As
1/√Q = (2/√π) ∫₀^∞ e^{−s²Q} ds, and as Gaussian integrals of exponentials of squares are known, in the eigenbasis of the
centred covariance, with variances v_i, means m_i and coordinates ρ_i,

    E (⟨ρ, f⟩/√Q) = (2/√π) ∫₀^∞ Π_i (1 + 2s²v_i)^{−1/2} e^{−s²m_i²/(1 + 2s²v_i)} · Σ_i ρ_i m_i/(1 + 2s²v_i) ds.

In y = log s the integrand decays at both ends, and the trapezoidal rule converges exponentially.

Source: ours; the integral representation of inverse moments is that of Magnus 1986 for ratios of quadratic forms.
"""

import math

import numpy as np
from jaxtyping import Float

STEP = 1 / 16  # of y: halving it changes the result by less than 1e-12 for every law tested
LOWEST, HIGHEST = -40.0, 40.0  # of y, where e^y counts in units of 1/√E Q


def expected_correlation(
    mean: Float[np.ndarray, "C units"],
    covariance: Float[np.ndarray, "units units"],
    reference: Float[np.ndarray, "C units"],
) -> float:
    """Return E corr(f, reference) for f whose channels are independent N(mean[c], covariance).

    NaN where the reference is constant, or f is with certainty.
    """
    channels, size = mean.shape
    rho = reference - np.mean(reference)
    length = np.linalg.norm(rho)
    if length <= rho.size * np.finfo(float).eps * np.linalg.norm(reference):
        return math.nan
    rho = rho / length
    # Centring takes the mean over units and channels. Of C channels turned so that the first is their mean, it concerns
    # that one only; of the C − 1 others no more than sums over them are needed, which no turn changes.
    mean_of_channels, rho_of_channels = (np.sum(each, axis=0) / math.sqrt(channels) for each in (mean, rho))
    mean_of_channels = mean_of_channels - np.mean(mean_of_channels)
    centred = covariance - np.mean(covariance, axis=0) - np.mean(covariance, axis=1)[:, None] + np.mean(covariance)
    v, m, r = _in_eigenbasis(centred, mean_of_channels[None], rho_of_channels[None])
    squares, products, count = m[0] ** 2, r[0] * m[0], np.ones(size)
    if channels > 1:
        v_other, m, r = _in_eigenbasis(covariance, mean, rho)
        shared = [np.sum(each, axis=0) / math.sqrt(channels) for each in (m, r)]
        v, count = np.concatenate([v, v_other]), np.concatenate([count, np.full(size, channels - 1)])
        squares = np.concatenate([squares, np.maximum(np.sum(m**2, axis=0) - shared[0] ** 2, 0)])
        products = np.concatenate([products, np.sum(r * m, axis=0) - shared[1] * shared[0]])
    expected_square = float(np.sum(count * v) + np.sum(squares))
    if expected_square == 0:
        return math.nan
    s = np.exp(np.arange(LOWEST, HIGHEST, STEP)) / math.sqrt(expected_square)
    total = 0.0
    for each in s.tolist():
        spread = 1 + 2 * each**2 * v
        exponent = -0.5 * np.sum(count * np.log(spread)) - np.sum(each**2 * squares / spread)
        total += each * math.exp(exponent) * float(np.sum(products / spread))
    return 2 / math.sqrt(math.pi) * STEP * total


def _in_eigenbasis(law: np.ndarray, mean: np.ndarray, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variances, and the coordinates of the means and of ρ, (channels, units)."""
    values, vectors = np.linalg.eigh(law)
    return np.maximum(values, 0), mean @ vectors, rho @ vectors


def pearson(one: Float[np.ndarray, "..."], other: Float[np.ndarray, "..."]) -> float:
    """Pearson's correlation of two arrays over all entries; NaN where either is constant."""
    a, b = (values - np.mean(values) for values in (one, other))
    lengths = [float(np.linalg.norm(values)) for values in (a, b)]
    rounding = np.finfo(float).eps * a.size
    if lengths[0] <= rounding * np.linalg.norm(one) or lengths[1] <= rounding * np.linalg.norm(other):
        return math.nan
    return float(np.sum(a / lengths[0] * (b / lengths[1])))
