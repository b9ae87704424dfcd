"""Trainings that survive being killed: every stack's state in a folder, from which the same call goes on.

A stack has two generations of files, written in turn, so that one is whole at every moment. Each holds what run it
belongs to, all tensors, and checksums of both (`empirics.training.storage`). A run that is resumed takes the same
division into stacks and the same number of threads, on which the last bits depend, and so ends where it would have
ended.
"""

import hashlib
import json
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from empirics.arguments import integer
from empirics.networks.architecture import describe
from empirics.training.descent import Descent, Task
from empirics.training.history import Record
from empirics.training.stack.members import Weights
from empirics.training.stack.size import Division
from empirics.training.storage import read_tensors, write_tensors

Facts = dict[str, Any]
Every = int | timedelta


class OtherTraining(ValueError):
    """A folder holds the checkpoints of another training."""


class Checkpoints:
    """The checkpoints of one training.

    Args:
        folder: where they are; made if need be.
        every: so many steps, or so much time, lie between two.
        run: what the training is (`description`): a folder with checkpoints of another is refused.
        division: of its members into stacks, if it begins now.

    Attributes:
        division: the stacks with which it began.
        threads: the number of torch's threads with which it began.

    Raises:
        TypeError: `folder` is no path, or `every` neither an integer nor a timedelta.
        ValueError: `every` is not positive, or the folder holds another training's checkpoints.
        OSError: the folder cannot be read or made.
    """

    def __init__(self, folder: Path | str, every: Every, run: Facts, division: Division) -> None:
        if not isinstance(folder, str | Path):
            raise TypeError(f"checkpoint must be a folder's path, got {folder!r}")
        self.folder, self.every, self.run = Path(folder), _checked_every(every), json.loads(json.dumps(run))
        self.division, self.threads = division, torch.get_num_threads()
        self.folder.mkdir(parents=True, exist_ok=True)
        for leftover in self.folder.glob(".stack-*"):  # of a write that was killed
            leftover.unlink(missing_ok=True)
        for index in self.folder.glob("stack-*.json"):
            if (found := _read(self.folder, index.stem)) is not None:
                self._begin_as(found[1])
                return

    def _begin_as(self, facts: Facts) -> None:
        held = facts["run"]
        if others := [name for name in self.run if held.get(name) != self.run[name]]:
            raise OtherTraining(
                f"checkpoint must be a folder for this training, got {self.folder}, which holds one with other "
                f"{', '.join(others)}"
            )
        if facts["torch"] != torch.__version__:
            warnings.warn(
                f"{self.folder} was begun with torch {facts['torch']}, this is {torch.__version__}: the last bits of "
                "the weights may differ from those of a run that was not interrupted",
                stacklevel=4,
            )
        self.division = Division(facts["division"]["way"], tuple(facts["division"]["sizes"]))
        self.threads = facts["threads"]

    def newest(self, stack: int, start: Descent) -> "tuple[Descent, StackKeeper]":
        """A stack's last whole state, its start if there is none, and what keeps its next ones.

        A state that is damaged is named in a warning, and the one before it taken.
        """
        names = [f"stack-{stack:04}-{generation}" for generation in "ab"]
        found = [state for name in names if (state := _read(self.folder, name, warn=True)) is not None]
        if not found:
            return start, StackKeeper(self, names, 0, 0)
        tensors, facts = max(found, key=lambda state: int(state[1]["serial"]))
        device = start.losses.device
        descent = _descent({name: value.to(device) for name, value in tensors.items()}, facts)
        return descent, StackKeeper(self, names, facts["serial"], facts["step"])

    @contextmanager
    def same_threads(self) -> Iterator[None]:
        """While the block runs torch has as many threads as when the training began."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


@dataclass
class StackKeeper:
    """What puts one stack's states away, over the older of its two generations; see `descent.Keeper`."""

    checkpoints: Checkpoints
    names: list[str]
    serial: int
    step: int

    def __post_init__(self) -> None:
        self._at = time.monotonic()

    def due(self, step: int) -> bool:
        """Whether enough steps, or time, have passed."""
        every = self.checkpoints.every
        if isinstance(every, int):
            return step - self.step >= every
        return time.monotonic() - self._at >= every.total_seconds()

    def keep(self, descent: Descent) -> None:
        """Write a state.

        Raises:
            OSError: the folder cannot be written to.
        """
        all_of = self.checkpoints
        self.serial += 1
        facts = {
            "run": all_of.run,
            "torch": torch.__version__,
            "threads": all_of.threads,
            "division": asdict(all_of.division),
            "serial": self.serial,
            "step": descent.step,
            "active": descent.active,
            "diverged": descent.diverged,
            "stopped": descent.stopped,
            "recorded": sorted(descent.records),
            "snapshots": sorted(descent.snapshots),
        }
        write_tensors(all_of.folder, self.names[self.serial % 2], _tensors(descent), facts)
        self.step, self._at = descent.step, time.monotonic()


def description(task: Task, seeds: tuple[int, ...], initial: Weights) -> Facts:
    """What makes a training that training, in words and checksums."""
    network = describe(task.network) or {"class": type(task.network).__qualname__, "layers": str(task.network)}
    watched = None if task.watched is None else _checksum({"": task.watched.inputs})
    return {
        "recipe": asdict(task.recipe),
        "network": network,
        "seeds": seeds,
        "snapshots": sorted(task.snapshots),
        "inputs": _checksum({"": task.inputs}),
        "targets": _checksum({"": task.targets}),
        "initial weights": _checksum(initial),
        "watched images": watched,
        "device": task.inputs.device.type,
    }


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)} ".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _checked_every(every: Any) -> Every:
    if isinstance(every, timedelta):
        if every <= timedelta(0):
            raise ValueError(f"checkpoint_every must be positive, got {every}")
        return every
    if isinstance(every, float):
        raise TypeError(f"checkpoint_every must be a number of steps or a datetime.timedelta, got {every}")
    return integer("checkpoint_every", every)


def _read(folder: Path, name: str, *, warn: bool = False) -> tuple[dict[str, Tensor], Facts] | None:
    if not (folder / f"{name}.json").exists():
        return None
    try:
        return read_tensors(folder, name)
    except (ValueError, OSError) as error:
        if warn:
            warnings.warn(f"{error}; the checkpoint before it is used, or the start if there is none", stacklevel=4)
        return None


FIELDS = ("losses", "with_input", "with_targets")  # of a Record


def _tensors(descent: Descent) -> dict[str, Tensor]:
    tensors = {f"weights/{name}": value for name, value in descent.weights.items()}
    tensors |= {f"optimizer/{name}": value for name, value in descent.optimizer.items()}
    for step, weights in descent.snapshots.items():
        tensors |= {f"snapshots/{step}/{name}": value for name, value in weights.items()}
    records = [descent.records[step] for step in sorted(descent.records)]
    for field in FIELDS:
        values = [value for record in records if (value := getattr(record, field)) is not None]
        if values:
            tensors[f"records/{field}"] = torch.stack(values)
    return tensors | {"losses": descent.losses}


def _descent(tensors: dict[str, Tensor], facts: Facts) -> Descent:
    def under(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

    fields = under("records/")
    return Descent(
        weights=under("weights/"),
        losses=tensors["losses"],
        active=facts["active"],
        diverged=facts["diverged"],
        stopped=facts["stopped"],
        step=facts["step"],
        optimizer=under("optimizer/"),
        records={
            step: Record(**{field: values[row].clone() for field, values in fields.items()})
            for row, step in enumerate(facts["recorded"])
        },
        snapshots={step: under(f"snapshots/{step}/") for step in facts["snapshots"]},
    )
