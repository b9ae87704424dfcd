"""What is recorded while networks train."""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

PER_DECADE = 20


@dataclass(frozen=True, eq=False)
class History:
    """Losses at steps that are evenly spaced on a logarithmic scale, the first and the last included.

    Attributes:
        steps: the step numbers, (records,): 0 is before the first step.
        losses: each member's mean squared error there, (seeds, records).
    """

    steps: Int[Tensor, " records"]
    losses: Float[Tensor, "seeds records"]


def recorded_steps(steps: int) -> frozenset[int]:
    """Step numbers to record in a run: about 20 a decade, with 0 and the last."""
    numbers, exponent = {0, steps}, 0
    while (number := round(10 ** (exponent / PER_DECADE))) < steps:
        numbers.add(number)
        exponent += 1
    return frozenset(numbers)
