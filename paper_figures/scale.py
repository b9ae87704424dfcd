"""How large the networks of a figure are, and how long they train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import empirics


@dataclass(frozen=True)
class FigureScale:
    """The sizes that a figure's networks share.

    Attributes:
        name: what `--scale` calls it.
        channels: of each hidden layer of a convolutional network.
        width: of each hidden layer of a fully connected network.
        seeds: networks of each kind.
        training: settings of the `empirics.Recipe` that the networks are trained by.
    """

    name: str
    channels: int
    width: int
    seeds: int
    training: tuple[tuple[str, Any], ...]

    def recipe(self, **changes: Any) -> empirics.Recipe:
        """The recipe of this scale, with some settings changed."""
        return empirics.Recipe(**(dict(self.training) | changes))


# Small networks that two CPU cores train in minutes. Momentum descent would need more steps than that.
QUICK = FigureScale(
    "quick",
    channels=16,
    width=256,
    seeds=2,
    training=(("optimizer", "adam"), ("lr", 1e-3), ("steps", 1000), ("scheme", "xavier_uniform")),
)
# The paper's sizes, optimizer and number of steps; a network that has arrived stops before.
PAPER = FigureScale(
    "paper",
    channels=128,
    width=2048,
    seeds=8,
    training=(
        ("optimizer", "sgd"), ("lr", 0.01), ("steps", 2_000_000), ("stop_loss", 1e-8), ("scheme", "xavier_uniform"),
    ),
)  # fmt: skip
SCALES = {scale.name: scale for scale in (QUICK, PAPER)}
