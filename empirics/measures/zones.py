"""The four zones of what a network does with an image that it was not trained on."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Num

from empirics.arguments import real
from empirics.arrays import same_kind, tensor_of

ALIKE = 0.8
SAME = 0.9


def zone(
    with_input: Num[Any, "..."],
    with_training_image: Num[Any, "..."],
    rho: Num[Any, "..."],
    *,
    alike: float = ALIKE,
    same: float = SAME,
) -> np.ndarray:
    """Return the zone, "A" to "D", that each prediction lies in.

    | zone | the network | where |
    |---|---|---|
    | A | identity and constant function agree | ρ ≥ `same` |
    | B | generalizes: it outputs its input | else the correlation with the input is ≥ `alike`, and the greater one |
    | D | memorizes: it outputs x̂ | else the correlation with x̂ is ≥ `alike` |
    | C | hallucinates: it outputs neither | else; so does a constant output, whose correlations are NaN |

    A prediction can be alike both input and x̂ only where ρ ≥ 2 alike² − 1 (the angles between three images obey the
    triangle inequality); there, outside A, the greater correlation decides. The paper draws the zones without numbers;
    the thresholds are ours: 0.8 is an angle of 37°, 0.9 one of 26°.

    Args:
        with_input: correlation of each prediction with its input, any shape, in [−1, 1] or NaN.
        with_training_image: and with the training image x̂, the same shape.
        rho: ρ, the correlation of each input with x̂: the same shape, or its last axes, e.g. (n,) for (seeds, n).
        alike: least correlation of a prediction with what it reproduces, in (0, 1].
        same: least correlation of an input with x̂ at which the two functions count as one, in (0, 1].

    Returns:
        Letters, in the shape of `with_input`.

    Raises:
        TypeError: an argument of the wrong type, or arrays of different kinds.
        ValueError: shapes that do not go together, or numbers out of range.

    Example:
        >>> import numpy as np
        >>> zone(np.array([0.95, 0.3]), np.array([0.4, 0.97]), np.array([0.4, 0.4])).tolist()
        ['B', 'D']

    Source: Zhang et al. 2020, the figure that divides prediction correlations into regimes; the thresholds are ours.
    """
    to_input, to_constant, between = (
        _correlations(name, value)
        for name, value in (("with_input", with_input), ("with_training_image", with_training_image), ("rho", rho))
    )
    same_kind(with_input=with_input, with_training_image=with_training_image, rho=rho, same_dtype=False)
    if to_constant.shape != to_input.shape:
        raise ValueError(f"with_training_image must have shape {to_input.shape}, got {to_constant.shape}")
    if between.ndim > to_input.ndim or between.shape != to_input.shape[to_input.ndim - between.ndim :]:
        raise ValueError(f"rho must have shape {to_input.shape}, or its last axes, got {between.shape}")
    alike, same = _threshold("alike", alike), _threshold("same", same)
    # Comparisons with NaN are false: a constant input is not in A, a constant output in C.
    generalizes = (to_input >= alike) & ~(to_constant > to_input)
    memorizes = to_constant >= alike
    return np.select([np.broadcast_to(between >= same, to_input.shape), generalizes, memorizes], ["A", "B", "D"], "C")


def _correlations(name: str, value: Any) -> Float[np.ndarray, "..."]:
    numbers = tensor_of(name, value).to("cpu", torch.float64).numpy()
    if (np.abs(numbers) > 1).any():
        raise ValueError(f"{name} must hold correlations, in [−1, 1] or NaN, got {np.nanmax(np.abs(numbers))}")
    return numbers


def _threshold(name: str, value: float) -> float:
    number = real(name, value)
    if not 0 < number <= 1:
        raise ValueError(f"{name} must be in (0, 1], got {number}")
    return number
