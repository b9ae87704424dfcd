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
BLOCK = 2**16  # entries treated at a time


def expected_correlations(
    mean: Float[np.ndarray, "C units"],
    covariance: Float[np.ndarray, "units units"],
    *references: Float[np.ndarray, "C units"],
) -> list[float]:
    """Return E corr(f, reference), for each reference, of f whose channels are independent N(mean[c], covariance).

    NaN where the reference is constant, or f is with certainty.
    """
    channels, size = mean.shape
    # Centring takes the mean over units and channels. Of C channels turned so that the first is their mean, it concerns
    # that one only; of the C − 1 others no more than sums over them are needed, which no turn changes.
    mean_of_channels = np.sum(mean, axis=0) / math.sqrt(channels)
    mean_of_channels = mean_of_channels - np.mean(mean_of_channels)
    centred = covariance - np.mean(covariance, axis=0) - np.mean(covariance, axis=1)[:, None] + np.mean(covariance)
    v, basis = _eigenbasis(centred)
    m = mean_of_channels @ basis
    squares, count = m**2, np.ones(size)
    if channels > 1:
        v_other, basis_other = _eigenbasis(covariance)
        m_other = mean @ basis_other
        shared = np.sum(m_other, axis=0) / math.sqrt(channels)
        v, count = np.concatenate([v, v_other]), np.concatenate([count, np.full(size, channels - 1)])
        squares = np.concatenate([squares, np.maximum(np.sum(m_other**2, axis=0) - shared**2, 0)])
    expected_square = float(np.sum(count * v) + np.sum(squares))
    products = []
    for reference in references:
        rho = reference - np.mean(reference)
        length = np.linalg.norm(rho)
        if expected_square == 0 or length <= rho.size * np.finfo(float).eps * np.linalg.norm(reference):
            products.append(np.full(len(v), math.nan))
            continue
        rho = rho / length
        rho_of_channels = np.sum(rho, axis=0) / math.sqrt(channels)
        product = (rho_of_channels @ basis) * m
        if channels > 1:
            r = rho @ basis_other
            other = np.sum(r * m_other, axis=0) - np.sum(r, axis=0) / math.sqrt(channels) * shared
            product = np.concatenate([product, other])
        products.append(product)
    total = np.zeros(len(references))
    all_s = np.exp(np.arange(LOWEST, HIGHEST, STEP)) / (math.sqrt(expected_square) or 1)
    for s in np.array_split(all_s, max(1, all_s.size * v.size // BLOCK)):
        spread = 1 + 2 * s[:, None] ** 2 * v
        exponent = -0.5 * np.log(spread) @ count - (s[:, None] ** 2 * squares / spread).sum(axis=1)
        total += (s * np.exp(exponent)) @ (1 / spread) @ np.array(products).T
    return (2 / math.sqrt(math.pi) * STEP * total).tolist()


def _eigenbasis(law: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variances and eigenvectors."""
    values, vectors = np.linalg.eigh(law)
    return np.maximum(values, 0), vectors


def pearson(one: Float[np.ndarray, "..."], other: Float[np.ndarray, "..."]) -> float:
    """Pearson's correlation of two arrays over all entries; NaN where either is constant."""
    a, b = (values - np.mean(values) for values in (one, other))
    lengths = [float(np.linalg.norm(values)) for values in (a, b)]
    rounding = np.finfo(float).eps * a.size
    if lengths[0] <= rounding * np.linalg.norm(one) or lengths[1] <= rounding * np.linalg.norm(other):
        return math.nan
    return float(np.sum(a / lengths[0] * (b / lengths[1])))
