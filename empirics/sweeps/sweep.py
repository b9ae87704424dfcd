"""Sweeps: many trainings, on one machine or many, each done once and kept; their results as one table."""

import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import torch

from empirics.measures.likeness import likeness
from empirics.sweeps import begun
from empirics.sweeps.cost import multiplications
from empirics.sweeps.images import chosen
from empirics.sweeps.results import RUNS, WEIGHTS, finished, write_table
from empirics.sweeps.spec import Group, Run, Spec
from empirics.sweeps.standing import Standing, Watch
from empirics.sweeps.workers import InProcess, give_up
from empirics.training.checkpoints import OtherTraining
from empirics.training.ensemble import TrainedEnsemble
from empirics.training.storage import write_tensors
from empirics.training.train import train
from files import write_atomically

JOURNAL = "journal.jsonl"
ATTEMPTS = 3  # at a pool of processes that broke, each with a new one


def sweep(
    spec: Spec,
    out: Path | str,
    *,
    executor: Callable[[], Executor] = InProcess,
    device: str | None = None,
    data_dir: Path | str | None = None,
    checkpoint_every: timedelta = timedelta(minutes=1),
    report: Callable[[Standing], None] | None = None,
) -> dict[str, str]:
    """Train what is not yet finished, and write the table of all results.

    Each finished run is a folder OUT/runs/KEY, KEY a hash of its settings, with metrics.json and, where the spec keeps
    weights, a safetensors file. A folder is there whole or not at all, so that a sweep that was stopped, on whatever
    machine, goes on where it was, a group of runs in training from its last checkpoint; where the spec asks for
    weights, runs that were finished without are trained again.
    OUT/journal.jsonl has a line for each training that came to its end (unless its worker died in the moment between
    the last folder and the line), and OUT/results.parquet a row for each run.

    Args:
        spec: from `read_spec`.
        out: a folder that all workers see.
        executor: makes the `concurrent.futures.Executor` that the trainings are given to, e.g.
            `lambda: ProcessPoolExecutor(4)` or `lambda: dask.distributed.Client(address).get_executor()`. Where its
            processes die, it is made anew, at most three times.
        device: where workers train, as torch names it.
        data_dir: the folder with the files of published sets, see `images`, which all workers see; None for each
            worker's cache.
        checkpoint_every: how much of a group's training may be lost.
        report: called with how far the sweep is, after each group and each second.

    Returns:
        What went wrong: for each group of runs that failed, its key and the error. The others are finished.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder = Path(out)
    (folder / RUNS).mkdir(parents=True, exist_ok=True)
    failed: dict[str, str] = {}
    begun.sweep_up(spec, folder, lambda run: finished(folder, run, spec.weights))
    todo = left_to_train(spec, folder)
    watch = Watch(folder, todo, _done_before(spec, todo), report or (lambda standing: None))
    try:
        with _each_second(watch) if report else nullcontext():
            for _ in range(ATTEMPTS if todo else 0):
                how = (folder, spec.weights, device, data_dir, checkpoint_every)
                failed, broken = _attempt([group for group, _ in todo], executor, watch, how)
                if not broken:
                    break
                todo = left_to_train(spec, folder)
    finally:  # an interrupted sweep has results, too
        write_table(folder)
    return failed


def left_to_train(spec: Spec, folder: Path) -> list[tuple[Group, int]]:
    """The groups that are not finished, those already begun first, each with the number of its unfinished runs."""
    done = {run.key: finished(folder, run, spec.weights) for run in spec.runs}
    stopped = begun.interrupted(spec, folder, lambda run: done[run.key])
    taken = {run.key for group in stopped for run in group.runs}
    fresh = spec.groups(tuple(run for run in spec.runs if not done[run.key] and run.key not in taken))
    return [(group, sum(not done[run.key] for run in group.runs)) for group in (*stopped, *fresh)]


def _done_before(spec: Spec, todo: list[tuple[Group, int]]) -> tuple[int, int, float]:
    """Groups and runs that are finished, and what they cost."""
    left = {run.key for group, _ in todo for run in group.runs}
    groups = [group for group in spec.groups() if not any(run.key in left for run in group.runs)]
    runs = len(spec.runs) - sum(count for _, count in todo)
    return len(groups), runs, sum(multiplications(group.runs) for group in groups)


def _attempt(
    groups: list[Group],
    executor: Callable[[], Executor],
    watch: Watch,
    how: tuple[Any, ...],
) -> tuple[dict[str, str], bool]:
    """Have groups trained; returns what went wrong, and whether it was the pool of processes that broke."""
    failed: dict[str, str] = {}
    broken = False

    def count(group: Group, future: Future) -> None:
        error = _error(future)
        if not isinstance(error, BrokenProcessPool | CancelledError):  # whose groups are neither done nor given up
            watch.ended(group, failed=error is not None)

    with executor() as workers:
        try:
            waiting = {}
            for group in groups:
                future = workers.submit(train_group, group, *how)
                future.add_done_callback(partial(count, group))  # at its end, which with `InProcess` is now
                waiting[future] = group
            for future in as_completed(waiting):
                error = _error(future)
                if error is not None:
                    failed[waiting[future].key] = f"{type(error).__name__}: {error}"
                    broken |= isinstance(error, BrokenProcessPool)
        except BaseException:
            give_up(workers)
            raise
    return failed, broken


@contextmanager
def _each_second(watch: Watch) -> Iterator[None]:
    """Tell how far the sweep is, each second while the block runs."""
    ended = Event()

    def tell() -> None:
        while not ended.wait(1.0):
            watch.tell()

    thread = Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _error(future: Future) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError:
        return CancelledError("the executor, or the cluster's scheduler, went away")


def train_group(
    group: Group,
    folder: Path,
    weights: bool,
    device: str | None,
    data_dir: Path | str | None = None,
    checkpoint_every: timedelta = timedelta(minutes=1),
) -> int:
    """Train the runs of a group that are not finished, together; returns how many there were.

    Where a training of the group was stopped, it goes on from its last checkpoint.

    Raises:
        OSError: the folder cannot be written to, or images are absent.
        ValueError: settings that do not go together.
    """
    unfinished = [
        run for run in group.runs if not finished(folder, run, weights)
    ]  # a worker that died may have finished some
    if not unfinished:
        begun.end(folder, group)
        return 0
    if not begun.has_checkpoint(folder, group):
        group = Group(tuple(unfinished))
    started = time.monotonic()
    run = group.runs[0]
    trained_on, asked = chosen(run, data_dir)
    flat = run.network == "fcn"
    place = begun.begin(folder, group)
    try:
        ensemble = _trained(group, trained_on, device, place, checkpoint_every)
        predictions = ensemble.predict(asked.reshape(len(asked), -1) if flat else asked)
        predictions = np.asarray(predictions).reshape(len(group.runs), *asked.shape)
        seconds = time.monotonic() - started
        for member, run in enumerate(group.runs):
            if run in unfinished:
                metrics = _metrics(run, ensemble, member, predictions[member], asked, trained_on)
                share = {"seconds": seconds / len(unfinished)}
                _write_run(folder, run, metrics | share, _weights(ensemble, member, weights))
    except Exception:
        if place is not None and not begun.has_checkpoint(folder, group):
            begun.end(folder, group)
        raise
    line = {"group": group.key, "runs": [run.key for run in unfinished], "seconds": seconds, "worker": _worker()}
    with (folder / JOURNAL).open(
        "a"
    ) as journal:  # one short line is appended as a whole, even if other processes append too
        journal.write(json.dumps(line) + "\n")
    if place is not None:
        begun.end(folder, group)
    return len(unfinished)


def _trained(
    group: Group, trained_on: np.ndarray, device: str | None, place: Path | None, checkpoint_every: timedelta
) -> TrainedEnsemble:
    """Train a group's networks, from its checkpoint where there is one of this very training."""
    run = group.runs[0]
    again = partial(
        train,
        run.make_model(*trained_on.shape[1:]),
        trained_on.reshape(len(trained_on), -1) if run.network == "fcn" else trained_on,
        recipe=run.recipe,
        seeds=[run.seed for run in group.runs],
        device=device,
        checkpoint=place,
        checkpoint_every=checkpoint_every,
        progress=begun.teller(place),
    )
    try:
        return again()
    except OtherTraining:  # on another device, or by other code
        assert place is not None
        for kept in place.glob("stack-*"):
            kept.unlink(missing_ok=True)
        return again()


def _metrics(
    run: Run,
    ensemble: TrainedEnsemble,
    member: int,
    predictions: np.ndarray,
    asked: np.ndarray,
    trained_on: np.ndarray,
) -> dict[str, Any]:
    """What came of a run: a number each, NaN-free for JSON."""
    found = likeness(predictions, asked, trained_on).mean()
    return {
        "settings": asdict(run),
        "loss": _number(ensemble.history.losses[member, -1]),
        "diverged": ensemble.diverged[member],
        "stopped": ensemble.stopped[member],
        "learned": ensemble.learned[member],
        "parameters": sum(value[member].numel() for value in ensemble.weights.values()),
        "with_input": _number(found.with_input),
        "with_training_image": _number(found.with_training_image),
        "mse": _number(found.mse),
        "torch": torch.__version__,
        "worker": _worker(),
    }


def _write_run(folder: Path, run: Run, metrics: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    """Write a run's folder under another name, and rename it into place."""
    hidden = folder / RUNS / f".{run.key}.{socket.gethostname()}.{os.getpid()}"
    hidden.mkdir(exist_ok=True)
    if tensors:
        write_tensors(hidden, WEIGHTS, tensors, {})
    write_atomically(hidden / "metrics.json", json.dumps(metrics, indent=2, allow_nan=False).encode())
    if not finished(folder, run, bool(tensors)):  # what is there is damaged, or lacks the weights
        shutil.rmtree(folder / RUNS / run.key, ignore_errors=True)
    try:
        hidden.rename(folder / RUNS / run.key)
    except OSError:
        if not finished(folder, run, bool(tensors)):
            raise
        shutil.rmtree(hidden, ignore_errors=True)  # another worker was quicker
    own = f".{run.key}.{socket.gethostname()}."
    for stale in (folder / RUNS).glob(f"{own}*"):
        process = stale.name.removeprefix(own)
        if process.isdecimal() and not begun.alive(int(process)):  # its worker died before it came to here
            shutil.rmtree(stale, ignore_errors=True)


def _weights(ensemble: TrainedEnsemble, member: int, wanted: bool) -> dict[str, torch.Tensor]:
    return {name: value[member] for name, value in ensemble.weights.items()} if wanted else {}


def _number(value: Any) -> float | None:
    """A number as JSON can hold it: None for what is none, or not finite."""
    return float(value) if value is not None and np.isfinite(float(value)) else None


def _worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
