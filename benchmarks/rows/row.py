"""What a row of the table of speeds is: the same work done in several ways, ours first."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

OURS = "ours"


@dataclass(frozen=True)
class Row:
    """The same work in several ways.

    Attributes:
        topic: the kind of work: one section of the table.
        name: what is worked on.
        ways: what is timed, by its name, `OURS` among them; all return the same.
        goals: for a peer, how many times as fast ours is to be.
        operations: floating-point operations that the work takes at least, or None.
        moved: bytes that it reads and writes at least, or None.
        off: how far results of the peers may be from ours, relative to the largest entry; None where they are not
            numbers to be compared.
    """

    topic: str
    name: str
    ways: dict[str, Callable[[], Any]]
    goals: dict[str, float] = field(default_factory=dict)
    operations: float | None = None
    moved: float | None = None
    off: float | None = 1e-9

    def __str__(self) -> str:
        return f"{self.topic}: {self.name}"

    def check(self) -> None:
        """Do everything once.

        Raises:
            AssertionError: some way's result is not ours.
        """
        results = {way: work() for way, work in self.ways.items()}
        if self.off is None:
            return
        ours = np.asarray(results[OURS], dtype=float)
        for way, found in results.items():
            apart = np.abs(np.asarray(found, dtype=float) - ours).max(initial=0)
            assert apart <= self.off * max(1.0, np.abs(ours).max(initial=0)), f"{self}: {way} is off by {apart:.1e}"
