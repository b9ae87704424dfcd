"""Theorem 2's bound on the error that a short rank leaves, with every constant explicit."""

import math

from numerics.arguments import boolean, positive_int, real_number


def identity_mse_bound(
    *,
    columns: int,
    rank: int,
    out_channels: int,
    weight_variance: float,
    delta: float,
    pixel_bound: float = 1.0,
    bias: bool = False,
) -> float:
    """Return what the mean squared error of a trained one-layer network exceeds with probability at most delta.

    The network was trained on the identity task, to the limit, from independent initial weights that are Gaussian or
    uniform with mean 0 (a bias may start at 0). With probability at least 1 − δ over the initial weights,

        MSE(x) ≤ ρ/c · (√(v (cd + 2 √(cdL) + 2L)) + √min(c, d))²    for all inputs x at once,

    of any size, whose pixels are at most B in modulus. MSE(x) is the mean of (f(x) − x)² over the pixels and channels
    of one image; c = out_channels, d = columns − rank, v = weight_variance, L = ln(1/δ), and ρ = B² · columns, or
    B² · (columns − 1) + 1 with a bias. At full rank, d = 0, the error is 0.

    Args:
        columns: parameters per output unit, the bias included: C·kh·kw (+ 1), or the features of a fully connected
            network (+ 1).
        rank: of the training images' design matrix, with its column of ones if there is a bias.
        out_channels: output units: C, or the features of a fully connected network.
        weight_variance: the variance of each initial weight; also at least that of the bias, if it is random.
        delta: in (0, 1), the probability that the bound fails.
        pixel_bound: B > 0; 1 for pixels in [0, 1].
        bias: whether the network has one.

    Returns:
        The bound, in squared pixel units.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a rank above columns, columns that are not a multiple of out_channels (bias apart), a negative
            variance, delta outside (0, 1), or a pixel_bound that is not positive.
        OverflowError: a bound beyond the largest floating-point number.

    Example:
        >>> identity_mse_bound(columns=25, rank=25, out_channels=1, weight_variance=0.08, delta=0.01)  # full rank
        0.0
        >>> round(identity_mse_bound(columns=25, rank=24, out_channels=1, weight_variance=0.08, delta=0.01), 3)
        107.86

    Source: derived in theory/derivations ("cnn-mse-bound"); Zhang et al. 2020, Theorem 2, has its order,
    Õ(m (m/C − r)/C). Orthogonal weights are not independent: for them ρ/c · 4 min(c, d) holds with certainty.
    """
    columns = positive_int("columns", columns)
    rank = positive_int("rank", rank, least=0)
    channels = positive_int("out_channels", out_channels)
    variance = real_number("weight_variance", weight_variance)
    delta = real_number("delta", delta)
    pixel_bound = real_number("pixel_bound", pixel_bound)
    taps = columns - boolean("bias", bias)
    if rank > columns:
        raise ValueError(f"rank must be at most columns = {columns}, got {rank}")
    if taps < 1 or taps % channels:
        raise ValueError(
            f"columns must be a multiple of out_channels = {channels}{', plus 1 for the bias' if bias else ''}: "
            f"the identity maps as many channels as it has; got {columns}"
        )
    if variance < 0:
        raise ValueError(f"weight_variance must not be negative, got {variance}")
    if not 0 < delta < 1:
        raise ValueError(f"delta must be in (0, 1), got {delta}")
    if pixel_bound <= 0:
        raise ValueError(f"pixel_bound must be positive, got {pixel_bound}")
    deficiency = columns - rank
    if deficiency == 0:
        return 0.0
    count, log_confidence = channels * deficiency, -math.log(delta)
    random_part = math.sqrt(variance * (count + 2 * math.sqrt(count * log_confidence) + 2 * log_confidence))
    longest_row = pixel_bound**2 * taps + bias
    bound = longest_row / channels * (random_part + math.sqrt(min(channels, deficiency))) ** 2
    if math.isinf(bound):
        raise OverflowError("the bound exceeds the largest floating-point number")
    return bound
