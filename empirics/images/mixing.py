"""Images between images: at a given correlation with one, or on the way from one to another."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Num
from torch import Tensor

from empirics.arguments import integer, real
from empirics.arrays import real_tensor, same_kind

SHAPES = {3: "(C, H, W)", 1: "(d,)"}


def mix(x_hat: Num[Any, "..."], rho: float | Sequence[float], seed: int = 0) -> Float[Any, "..."]:
    """Return images whose Pearson correlation with x̂ is ρ, with fresh noise each.

    With z = x̂ centred and scaled to length 1, and w uniform noise made likewise, after its part along z is taken off,
    y = ρ z + √(1 − ρ²) w has correlation ρ with x̂ exactly. The image is a + b y, with a and b > 0 such that its least
    and its greatest entry are those of x̂: an x̂ in [0, 1] gives images in [0, 1], and their correlation stays ρ.

    Args:
        x_hat: (C, H, W) or (d,), not constant, of three entries or more.
        rho: ρ, or several, in [0, 1]: 0 is noise and 1 is x̂.
        seed: of the noise.

    Returns:
        An image of x̂'s shape, or for several ρ, (k, C, H, W) or (k, d); of x̂'s kind, device and floating dtype
        (float64 for integers).

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: x̂ constant, too small or not finite, or a ρ out of range.

    Example:
        >>> import numpy as np
        >>> x_hat = np.array([[[0.0, 0.0, 1.0, 1.0]]])
        >>> mixed = mix(x_hat, [0.6, 1.0])
        >>> np.corrcoef(mixed.reshape(2, -1), x_hat.ravel())[2, :2].round(6).tolist()
        [0.6, 1.0]

    Source: ours, for the horizontal axis of Zhang et al. 2020, figures on bias towards identity and constant.
    """
    x = real_tensor("x_hat", x_hat, SHAPES)
    shares, single = _shares("rho", rho)
    rng = np.random.default_rng(integer("seed", seed, least=0))
    entries = x.to("cpu", torch.float64).flatten().numpy()
    if entries.size < 3:
        raise ValueError(f"x_hat must have at least 3 entries, got {entries.size}: there is no noise to mix in")
    low, high = entries.min(), entries.max()
    if low == high:
        raise ValueError(f"x_hat must not be constant, got {low} everywhere: nothing correlates with it")
    z = _unit(entries / max(abs(low), abs(high)))  # scaled first, so that no square leaves float64's range
    mixed = []
    for ρ in shares:
        noise = _unit(rng.uniform(size=entries.size))
        for _ in range(2):  # what rounding leaves of z the first time goes the second
            noise = _unit(noise - (noise @ z) * z)
        y = ρ * z + math.sqrt((1 - ρ) * (1 + ρ)) * noise
        share = (y - y.min()) / (y.max() - y.min())
        mixed.append(np.clip(low * (1 - share) + high * share, low, high))  # rounding may pass an end
    return _like(x_hat, x, torch.from_numpy(np.stack(mixed)), single)


def blend(a: Num[Any, "..."], b: Num[Any, "..."], share: float | Sequence[float]) -> Float[Any, "..."]:
    """Return the linear blend (1 − s) a + s b of two images, e.g. of two digits.

    Args:
        a: (C, H, W) or (d,).
        b: of the same shape, kind and device.
        share: s, or several, in [0, 1]: 0 gives a, and 1 gives b.

    Returns:
        An image of a's shape, or for several s, (k, C, H, W) or (k, d); of a's kind, device and floating dtype
        (float64 for integers).

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: images of different shapes or not finite, or an s out of range.

    Example:
        >>> import numpy as np
        >>> blend(np.array([0.0, 4.0]), np.array([8.0, 0.0]), [0.25, 0.75]).tolist()
        [[2.0, 3.0], [6.0, 1.0]]
    """
    x, y = real_tensor("a", a, SHAPES), real_tensor("b", b, SHAPES)
    same_kind(a=a, b=b)
    if x.shape != y.shape:
        raise ValueError(f"b must have a's shape, {tuple(x.shape)}, got {tuple(y.shape)}")
    shares, single = _shares("share", share)
    first, second = x.to(torch.float64), y.to(torch.float64)
    return _like(a, x, torch.stack([(1 - s) * first + s * second for s in shares]), single)


def _shares(name: str, value: Any) -> tuple[list[float], bool]:
    """Checked numbers in [0, 1], and whether there was but one, outside a sequence."""
    single = not (isinstance(value, Sequence | np.ndarray | Tensor) and np.ndim(value) > 0)
    numbers = [real(name, number) for number in ([value] if single else value)]
    if not numbers:
        raise ValueError(f"{name} must hold at least one number, got none")
    for number in numbers:
        if not 0 <= number <= 1:
            raise ValueError(f"{name} must be in [0, 1], got {number}")
    return numbers, single


def _unit(vector: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
    """A vector centred and scaled to length 1."""
    centred = vector - vector.mean()
    return centred / np.linalg.norm(centred)


def _like(given: Any, tensor: Tensor, images: Tensor, single: bool) -> Any:
    """Images (k, entries or shape) in float64, in the kind, dtype, device and shape of an argument."""
    shaped = images.reshape(len(images), *tensor.shape)
    result = shaped.to(tensor.device, tensor.dtype if tensor.is_floating_point() else torch.float64)
    if single:
        result = result[0]
    return result if isinstance(given, Tensor) else result.numpy()
