"""How far a training is: loss, steps a second, time to go."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from torch import Tensor

from files import duration, progress

SECONDS_BETWEEN_UPDATES = 0.2

Hear = Callable[[int, int], None]


class Report(Protocol):
    """What training calls after each step."""

    def __call__(self, step: int, losses: Tensor) -> None:
        """Tell that `step` has been reached with these losses, one per member."""


def after(steps: int, report: Report) -> Report:
    """A report that counts from where earlier stacks ended."""
    return lambda step, losses: report(steps + step, losses)


@contextmanager
def progress_bar(steps: int, *, show: bool | Hear) -> Iterator[Report]:
    """Tell on stderr how far the block is: a bar on a terminal, elsewhere a line a minute.

    Args:
        steps: how many there are, those of all stacks.
        show: False for nothing; or a function to call instead, with the steps taken and those that there are.
    """
    if callable(show):
        hear = show
        yield lambda step, losses: hear(step, steps)
        return
    with progress("training", show=show) as tell:
        start = last = time.monotonic()
        first: int | None = None

        def report(step: int, losses: Tensor) -> None:
            nonlocal start, last, first
            now = time.monotonic()
            if first is None:  # what a checkpoint held took no time
                first, start = step, now
            if now - last < SECONDS_BETWEEN_UPDATES and step < steps:
                return
            last = now
            # The median, because one diverged member would drown the mean.
            loss, speed = float(losses.nanmedian()), (step - first) / max(now - start, 1e-9)
            left = f", about {duration((steps - step) / speed)} left" if speed > 0 and step < steps else ""
            tell(step / max(steps, 1), f"step {step:,} of {steps:,}, loss {loss:.2e}, {speed:,.0f} steps/s{left}")

        yield (lambda step, losses: None) if not show else report
