"""A progress bar for training: loss, steps a second, time to go."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

SECONDS_BETWEEN_UPDATES = 0.2


class Report(Protocol):
    """What training calls after each step."""

    def __call__(self, step: int, losses: Tensor) -> None:
        """Tell that `step` has been reached with these losses, one per member."""


def after(steps: int, report: Report) -> Report:
    """A report that counts from where earlier stacks ended."""
    return lambda step, losses: report(steps + step, losses)


@contextmanager
def progress_bar(steps: int, *, show: bool) -> Iterator[Report]:
    """A bar on stderr while the block runs; nothing where `show` is false or stderr is no terminal."""
    if not show or not sys.stderr.isatty():
        yield lambda step, losses: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]}  {task.fields[speed]} steps/s  left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("training", total=steps, loss="-", speed="-")
        start = last = time.monotonic()
        first: int | None = None

        def report(step: int, losses: Tensor) -> None:
            nonlocal start, last, first
            now = time.monotonic()
            if first is None:  # what a checkpoint held took no time
                first, start = step, now
                bar.reset(task, completed=step)
            if now - last < SECONDS_BETWEEN_UPDATES and step < steps:
                return
            last = now
            # The median, because one diverged member would drown the mean.
            loss, speed = float(losses.nanmedian()), (step - first) / max(now - start, 1e-9)
            bar.update(task, completed=step, loss=f"{loss:.2e}", speed=f"{speed:,.0f}")

        yield report
