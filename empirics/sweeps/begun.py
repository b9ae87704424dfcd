"""Groups in training: each has a folder in the sweep's, with its checkpoint and how far it is, until it is finished.

In OUT/begun/GROUP, group.json says which runs the group is, owner.json who trains it, progress.json how far that one
has come; the rest are `empirics.training.checkpoints`. A group that was stopped is trained as the group that it was: in
another company its runs would end with other last bits, and the checkpoint would be no use to them.
"""

import json
import os
import shutil
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from empirics.sweeps.spec import Group, Run, Spec
from files import write_atomically

BEGUN, GROUP, OWNER, PROGRESS = "begun", "group.json", "owner.json", "progress.json"
SECONDS_BETWEEN_UPDATES = 1.0


@dataclass(frozen=True)
class Progress:
    """How far a group is.

    Attributes:
        first: steps that a checkpoint held when this start began.
        done: steps taken.
        steps: that there are, those of all its stacks.
    """

    first: int
    done: int
    steps: int


def place_of(folder: Path, group: Group) -> Path:
    """The folder of a group in training."""
    return folder / BEGUN / group.key


def interrupted(spec: Spec, folder: Path, finished: Callable[[Run], bool]) -> list[Group]:
    """The spec's groups that were begun and are not finished, as they were.

    Args:
        spec: the sweep.
        folder: the sweep's.
        finished: whether a run is.
    """
    known = {run.key: run for run in spec.runs}
    found = []
    for place in _places(folder):
        keys = _runs(place)
        if keys and all(key in known for key in keys) and not all(finished(known[key]) for key in keys):
            found.append(Group(tuple(known[key] for key in keys)))
    return found


def sweep_up(spec: Spec, folder: Path, finished: Callable[[Run], bool]) -> None:
    """Remove what an earlier start left of groups that are finished, or were killed before they had a name."""
    known = {run.key: run for run in spec.runs}
    for place in _places(folder):
        if all(key in known and finished(known[key]) for key in _runs(place)):
            shutil.rmtree(place, ignore_errors=True)
        (place / PROGRESS).unlink(missing_ok=True)


def _places(folder: Path) -> list[Path]:
    return sorted((folder / BEGUN).glob("*"))


def _runs(place: Path) -> list[str]:
    """The keys of a group's runs."""
    return list((_read(place / GROUP) or {}).get("runs", []))


def begin(folder: Path, group: Group) -> Path | None:
    """Make a group's folder, or take over the one that an ended process left.

    Returns:
        The folder; None where another process of this machine trains the same group, whose checkpoint is its own.
    """
    place = place_of(folder, group)
    owner = _read(place / OWNER) or {}
    if owner.get("host") == socket.gethostname() and owner["process"] != os.getpid() and alive(owner["process"]):
        return None
    place.mkdir(parents=True, exist_ok=True)
    _write(place / GROUP, {"runs": [run.key for run in group.runs]})
    _write(place / OWNER, {"host": socket.gethostname(), "process": os.getpid()})
    return place


def has_checkpoint(folder: Path, group: Group) -> bool:
    """Whether training the group can go on from somewhere."""
    return any(place_of(folder, group).glob("stack-*.json"))


def end(folder: Path, group: Group) -> None:
    """Remove a group's folder."""
    shutil.rmtree(place_of(folder, group), ignore_errors=True)
    with suppress(OSError):  # others are in training
        (folder / BEGUN).rmdir()


def teller(place: Path | None) -> Callable[[int, int], None]:
    """What `train` calls after each step, and writes down how far it is, once a second."""
    first: int | None = None
    last = time.monotonic()

    def tell(done: int, steps: int) -> None:
        nonlocal first, last
        first = done if first is None else first
        if place is not None and (now := time.monotonic()) - last >= SECONDS_BETWEEN_UPDATES:
            last = now
            _write(place / PROGRESS, {"first": first, "done": done, "steps": steps})

    return tell


def progress_of(folder: Path, group: Group) -> Progress | None:
    """How far a group is, if its trainer has said so."""
    said = _read(place_of(folder, group) / PROGRESS)
    return None if said is None else Progress(**said)


def alive(process: int) -> bool:
    """Whether there is a process of that number on this machine."""
    if os.name == "nt":  # where signal 0 is no question
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _read(path: Path) -> dict[str, Any] | None:
    try:
        said = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) else None


def _write(path: Path, said: dict[str, Any]) -> None:
    write_atomically(path, json.dumps(said).encode())
