"""Trainings that survive being killed: every stack's state in a folder, from which the same call goes on.

A stack has two generations of files, written in turn, so that one is whole at every moment. Each holds what run it
belongs to, all tensors, and checksums of both (`empirics.training.storage`). A run that is resumed takes the same
division into stacks and the same number of threads, on which the last bits depend, and so ends where it would have
ended.

Only the same training goes on (`empirics.training.fingerprint`). A call with more steps does, too, as long as what is
behind it would have been the same. So does the same call on another machine, and ends at other last bits.
"""

import json
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from empirics.arguments import integer
from empirics.training.descent import Descent
from empirics.training.fingerprint import Facts, differences
from empirics.training.history import Record, recorded_steps
from empirics.training.stack.size import Division
from empirics.training.storage import read_facts, read_tensors, write_tensors
from files import write_atomically

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
        interrupted: whether Ctrl-C was pressed: the next state kept is the last.

    Raises:
        TypeError: `folder` is no path, or `every` neither an integer nor a timedelta.
        ValueError: `every` is not positive, or the folder holds another training's checkpoints.
        OSError: the folder cannot be read, made or written to.
    """

    def __init__(self, folder: Path | str, every: Every, run: Facts, division: Division) -> None:
        if not isinstance(folder, str | Path):
            raise TypeError(f"checkpoint must be a folder's path, got {folder!r}")
        self.folder, self.every, self.run = Path(folder), _checked_every(every), json.loads(json.dumps(run))
        self.division, self.threads, self.interrupted = division, torch.get_num_threads(), False
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self.folder / ".stack-trial", b"")  # a folder not to be written to is told of now
        for leftover in self.folder.glob(".stack-*"):  # and of a write that was killed
            leftover.unlink(missing_ok=True)
        newest: dict[str, Facts] = {}
        for index in sorted(self.folder.glob("stack-*.json")):
            facts = _facts(self.folder, index.stem)
            stack = index.stem.rpartition("-")[0]
            if facts is not None and facts["serial"] > newest.get(stack, {"serial": 0})["serial"]:
                newest[stack] = facts
        if newest:
            first, *_ = newest.values()
            self._begin_as(first)
            for facts in newest.values():
                self._check_past(facts)

    def _begin_as(self, facts: Facts) -> None:
        """Adopt the division and threads of the training that a state belongs to, if this call is of the same one."""
        held = facts["run"]
        if others := differences(held, self.run):
            raise OtherTraining(
                f"checkpoint must be a folder for this training, got {self.folder}, which holds one with other "
                f"{', '.join(others)}"
            )
        if held["python"] != self.run["python"]:
            warnings.warn(
                f"{self.folder} was begun with Python {held['python']}, this is {self.run['python']}: whether the "
                "network's code is the same is told by its outputs alone",
                stacklevel=4,
            )
        if facts["torch"] != torch.__version__:
            warnings.warn(
                f"{self.folder} was begun with torch {facts['torch']}, this is {torch.__version__}: the last bits of "
                "the weights may differ from those of a run that was not interrupted",
                stacklevel=4,
            )
        self.division = Division(facts["division"]["way"], tuple(facts["division"]["sizes"]))
        self.threads = facts["threads"]

    def _check_past(self, facts: Facts) -> None:
        """Refuse a state whose steps so far are not those of this call: it has another number of steps, for example."""
        held, step, steps = facts["run"], facts["step"], self.run["steps"]
        wrong = f"checkpoint must be a folder for this training, got {self.folder}, which holds one "
        if step > steps:
            raise OtherTraining(
                f"{wrong}that has taken {step} steps already: recipe.steps must be at least that, got {steps}"
            )
        dropped = [drop for drop in held["milestones"] if drop < step]
        if dropped != [drop for drop in self.run["milestones"] if drop < step]:
            keep = tuple(drop / steps for drop in held["milestones"] if drop <= steps)
            raise OtherTraining(
                f"{wrong}of {held['steps']} steps that is at step {step}; its rate fell at steps "
                f"{', '.join(map(str, dropped)) or 'none'}, and in a run of {steps} steps, of which decay_at are "
                f"fractions, it would have fallen at others: to go on from there give decay_at={keep}, else "
                "another folder"
            )
        if [at for at in held["snapshots"] if at < step] != [at for at in self.run["snapshots"] if at < step]:
            raise OtherTraining(f"{wrong}with other snapshots")

    def newest(self, stack: int, start: Descent) -> "tuple[Descent, StackKeeper]":
        """A stack's last whole state, or its start if there is none, and the keeper of its next ones.

        A state that is damaged is named in a warning, and the one before it taken.
        """
        names = [f"stack-{stack:04}-{generation}" for generation in "ab"]
        found = [state for name in names if (state := _read(self.folder, name, warn=True)) is not None]
        if not found:
            return start, StackKeeper(self, names, 0, 0)
        tensors, facts = max(found, key=lambda state: int(state[1]["serial"]))
        device = start.losses.device
        descent = _descent({name: value.to(device) for name, value in tensors.items()}, facts)
        _prolong(descent, facts["run"]["steps"], self.run["steps"])
        return descent, StackKeeper(self, names, facts["serial"], facts["step"])

    @contextmanager
    def stopped_by_ctrl_c(self) -> Iterator[None]:
        """While the block runs Ctrl-C waits for the step to end and its state to be kept; a second one does not.

        Raises:
            KeyboardInterrupt: at the next state kept, with a sentence that says how to go on.
        """
        usual = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or usual is not signal.default_int_handler:
            yield  # the caller has decided what Ctrl-C does
            return

        def note(number: int, frame: FrameType | None) -> None:
            if self.interrupted:
                raise KeyboardInterrupt(f"stopped at once: the same call goes on from the last state in {self.folder}")
            self.interrupted = True

        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, usual)

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
    """Writes the states of one stack, each over the older of its two files; see `descent.Keeper`."""

    checkpoints: Checkpoints
    names: list[str]
    serial: int
    step: int

    def __post_init__(self) -> None:
        self._at, self._tried = time.monotonic(), self.step

    def due(self, step: int) -> bool:
        """Whether enough steps or time have passed since the last write, or Ctrl-C was pressed."""
        every = self.checkpoints.every
        if self.checkpoints.interrupted:
            return True
        if isinstance(every, int):
            return step - self._tried >= every
        return time.monotonic() - self._at >= every.total_seconds()

    def keep(self, descent: Descent) -> None:
        """Write a state. One that cannot be written is told of, and the training goes on.

        Warns:
            UserWarning: the folder cannot be written to.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed, see `Checkpoints.stopped_by_ctrl_c`.
        """
        all_of = self.checkpoints
        facts = {
            "run": all_of.run,
            "torch": torch.__version__,
            "threads": all_of.threads,
            "division": asdict(all_of.division),
            "serial": self.serial + 1,
            "step": descent.step,
            "active": descent.active,
            "diverged": descent.diverged,
            "stopped": descent.stopped,
            "recorded": sorted(descent.records),
            "snapshots": sorted(descent.snapshots),
        }
        try:
            write_tensors(all_of.folder, self.names[facts["serial"] % 2], _tensors(descent), facts)
            self.serial, self.step = self.serial + 1, descent.step
        except OSError as error:
            warnings.warn(
                f"the training goes on, but its checkpoint stays that of step {self.step}: {error}", stacklevel=2
            )
        self._at, self._tried = time.monotonic(), descent.step
        if all_of.interrupted:
            raise KeyboardInterrupt(
                f"stopped at step {descent.step}; {all_of.folder} keeps the training as of step {self.step}, and the "
                "same call goes on from there"
            )


def _prolong(descent: Descent, held: int, steps: int) -> None:
    """Turn a state of a run of `held` steps into the state that a run of `steps` has at the same step."""
    if held == steps or not descent.active:
        return
    recorded = recorded_steps(steps)
    descent.records = {step: record for step, record in descent.records.items() if step in recorded}
    if descent.step == held:  # weights that were not finite were looked for at the end, which is no end now
        finite = torch.isfinite(descent.losses).tolist()
        descent.diverged = [
            None if sound and step == held else step for sound, step in zip(finite, descent.diverged, strict=True)
        ]


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


def _facts(folder: Path, name: str) -> Facts | None:
    try:
        return read_facts(folder, name)
    except (ValueError, OSError):
        return None


FIELDS = ("losses", "with_input", "with_training_image")  # of a Record


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
