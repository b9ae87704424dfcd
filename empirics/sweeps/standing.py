"""How far a sweep is: how many groups and runs are done, those of earlier starts included, and the time left."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from empirics.sweeps.begun import progress_of
from empirics.sweeps.cost import multiplications
from empirics.sweeps.spec import Group
from files import duration


@dataclass(frozen=True)
class Standing:
    """How far a sweep is.

    Attributes:
        groups: that are finished, by whatever start of the sweep.
        of_groups: that there are.
        runs: that are finished.
        of_runs: that there are.
        failed: groups that ended in an error.
        share: of the work that is done, from 0 to 1, by multiplications.
        seconds_left: at this start's pace; None before its first steps.
    """

    groups: int
    of_groups: int
    runs: int
    of_runs: int
    failed: int
    share: float
    seconds_left: float | None

    def __str__(self) -> str:
        text = f"{self.groups} of {self.of_groups} groups, {self.runs} of {self.of_runs} runs"
        if self.failed:
            text += f", {self.failed} failed"
        if self.seconds_left and self.groups + self.failed < self.of_groups:
            text += f", about {duration(self.seconds_left)} left"
        return text


class Watch:
    """Looks after the groups that are to be trained, and tells of each change and each second.

    Args:
        folder: the sweep's.
        todo: the groups that are left to train, each with its runs that are not finished.
        done: groups and runs that an earlier start has finished, and what they cost (`multiplications`).
        report: is told.
    """

    def __init__(
        self,
        folder: Path,
        todo: Sequence[tuple[Group, int]],
        done: tuple[int, int, float],
        report: Callable[[Standing], None],
    ) -> None:
        self._folder, self._report, self._lock = folder, report, Lock()
        self._groups = {group.key: group for group, _ in todo}
        self._runs = {group.key: runs for group, runs in todo}
        self._cost = {group.key: multiplications(group.runs) for group, _ in todo}
        self._done_before = done
        self._first: dict[str, float] = {}  # the share of a group that its checkpoint held
        self._finished: set[str] = set()
        self._failed: set[str] = set()
        self._begun = time.monotonic()

    def ended(self, group: Group, *, failed: bool) -> None:
        """Count a group as done, and tell."""
        if group.key in self._groups:
            (self._failed if failed else self._finished).add(group.key)
        self.tell()

    def tell(self) -> None:
        """Report the present standing."""
        with self._lock:  # reports come in the order of their standings
            self._report(self._standing())

    def _standing(self) -> Standing:
        shares = {key: self._share(key) for key in self._groups}
        all_of = sum(self._cost.values())
        done = sum(self._cost[key] * share for key, share in shares.items())
        now = sum(self._cost[key] * (share - self._first.get(key, 0.0)) for key, share in shares.items())
        seconds = time.monotonic() - self._begun
        groups, runs, before = self._done_before
        return Standing(
            groups=groups + len(self._finished),
            of_groups=groups + len(self._groups),
            runs=runs + sum(self._runs[key] for key in self._finished),
            of_runs=runs + sum(self._runs.values()),
            failed=len(self._failed),
            share=(before + done) / max(before + all_of, 1.0),
            seconds_left=seconds * (all_of - done) / now if now > 0 else None,
        )

    def _share(self, key: str) -> float:
        """How much of a group is done."""
        if key in self._finished | self._failed:
            return 1.0
        progress = progress_of(self._folder, self._groups[key])
        if progress is None or progress.steps == 0:
            return 0.0
        self._first.setdefault(key, progress.first / progress.steps)
        return progress.done / progress.steps
