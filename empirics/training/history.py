"""What is recorded while networks train."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

PER_DECADE = 20


@dataclass(frozen=True, eq=False)
class History:
    """Losses, and what networks make of watched images, at steps evenly spaced on a logarithmic scale.

    The first step and the last are among them. All is on the CPU. What watched images were answered with is measured as
    by `empirics.likeness`: None where nothing was watched, or sizes differ.

    Attributes:
        steps: the step numbers, (records,): 0 is before the first step.
        losses: each member's mean squared error on the images trained on, (seeds, records).
        with_input: correlation of the answers to watched images with these images, which is 1 for the identity,
            (seeds, records, watched).
        with_training_image: and with the target trained on (of several the nearest), which is 1 for the constant
            function, (seeds, records, watched).
    """

    steps: Int[Tensor, " records"]
    losses: Float[Tensor, "seeds records"]
    with_input: Float[Tensor, "seeds records watched"] | None = None
    with_training_image: Float[Tensor, "seeds records watched"] | None = None


def recorded_steps(steps: int) -> frozenset[int]:
    """Step numbers to record in a run: about 20 a decade, with 0 and the last."""
    numbers, exponent = {0, steps}, 0
    while (number := round(10 ** (exponent / PER_DECADE))) < steps:
        numbers.add(number)
        exponent += 1
    return frozenset(numbers)


@dataclass(frozen=True, eq=False)
class Record:
    """What is known of all members of a stack at one step; see `History`."""

    losses: Float[Tensor, " members"]
    with_input: Float[Tensor, "members watched"] | None = None
    with_training_image: Float[Tensor, "members watched"] | None = None


def merged(stacks: list[dict[int, Record]]) -> History:
    """One history of stacks that trained one after the other, each up to the step at which its last member stopped.

    A stack all of whose members stopped before those of the others keeps its last values.
    """
    steps = list(max(stacks, key=max))

    def values(records: dict[int, Record], name: str) -> Tensor | None:
        found, known = [], sorted(records)
        for step in steps:
            latest = max(number for number in known if number <= step)
            found.append(getattr(records[latest], name))
        return None if found[0] is None else torch.stack(found, dim=1)

    def joined(name: str) -> Tensor | None:
        each = [values(records, name) for records in stacks]
        return None if each[0] is None else torch.cat([part for part in each if part is not None]).cpu()

    losses = joined("losses")
    assert losses is not None
    return History(torch.tensor(steps), losses, joined("with_input"), joined("with_training_image"))
