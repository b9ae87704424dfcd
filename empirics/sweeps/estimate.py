"""How long groups will take to train here, from a few steps of each kind of network."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median

from empirics.sweeps.cost import multiplications
from empirics.sweeps.images import chosen
from empirics.sweeps.spec import Group
from empirics.training.train import train

STEPS = 100  # at most, of one measurement
ENOUGH = 0.3  # seconds, of one measurement that has come to a few steps
LONG = 2.0  # seconds, of one that has come to a single step
PATIENCE = 10.0  # seconds for all measurements together


class _Enough(Exception):
    """Raised to end a measurement once enough steps have been timed."""


def seconds_of(
    groups: Sequence[Group],
    *,
    device: str | None = None,
    data_dir: Path | str | None = None,
    patience: float = PATIENCE,
) -> list[float]:
    """Estimate how long each group trains.

    Groups whose networks, images and optimizers are alike are measured once, the quickest ones first. Those for which
    no time is left are taken to be as much longer than the largest that was measured as they have more multiplications.

    Args:
        groups: what is to be trained.
        device: where.
        data_dir: as `sweep` takes it.
        patience: seconds; when they are over no other measurement begins.

    Raises:
        OSError: images are absent.
        ValueError: settings that do not go together.
    """
    begun = time.monotonic()
    costs = {group: multiplications(group.runs) for group in groups}
    kinds: dict[Group, float] = {}  # seconds a step, by a group that stands for those that train alike
    found: dict[Group, float] = {}
    for group in sorted(groups, key=costs.__getitem__):
        kind = _kind(group)
        if kind not in kinds and (not kinds or time.monotonic() - begun < patience):
            kinds[kind] = _step(group, device, data_dir)
        if kind in kinds:
            found[group] = kinds[kind] * group.runs[0].recipe.steps
        else:
            largest = max(found, key=costs.__getitem__)
            found[group] = found[largest] * costs[group] / costs[largest]
    return [found[group] for group in groups]


def _kind(group: Group) -> Group:
    """The group, but for what changes no step's length: seeds, rate, schedule, which images."""
    first = group.runs[0]
    recipe = replace(first.recipe, lr=1.0, decay_at=(), gamma=1.0, steps=0, stop_loss=None, scheme="default")
    return Group(tuple(replace(first, first=0, recipe=recipe, seed=place) for place in range(len(group.runs))))


def _step(group: Group, device: str | None, data_dir: Path | str | None) -> float:
    """The seconds that a step takes, all members together: the median, since other programs disturb single steps."""
    run = group.runs[0]
    trained_on, _ = chosen(run, data_dir)
    told: list[tuple[int, float]] = []
    stacks = 1.0

    def hear(done: int, steps: int) -> None:
        nonlocal stacks
        stacks = steps / STEPS
        told.append((done, time.monotonic()))
        passed = told[-1][1] - told[0][1]
        if passed > LONG or (passed > ENOUGH and len(told) > 4):
            raise _Enough

    with suppress(_Enough):
        train(
            run.make_model(*trained_on.shape[1:]),
            trained_on.reshape(len(trained_on), -1) if run.network == "fcn" else trained_on,
            recipe=replace(run.recipe, steps=STEPS, stop_loss=None),
            seeds=[run.seed for run in group.runs],
            device=device,
            progress=hear,
        )
    each = [(after - before) / (b - a) for (a, before), (b, after) in pairwise(told) if b > a]
    return median(each) * stacks
