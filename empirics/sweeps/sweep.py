"""Sweeps: many trainings, on one machine or many, each done once and kept; their results as one table."""

import json
import os
import shutil
import socket
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import torch
from torch import nn

from empirics.measures.pearson import correlation
from empirics.measures.squared_error import mean_squared_error
from empirics.sweeps.images import chosen
from empirics.sweeps.spec import Group, Run, Spec, meaningless
from empirics.training.ensemble import TrainedEnsemble
from empirics.training.recipe import Recipe
from empirics.training.storage import has_tensors, read_tensors, write_tensors
from empirics.training.train import train
from files import write_atomically

RUNS, JOURNAL, TABLE, WEIGHTS = "runs", "journal.jsonl", "results.parquet", "weights"
SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("key", "network", "dataset", "optimizer", "milestones", "precision", "scheme")]
    + [(name, pa.int64()) for name in ("depth", "channels", "width", "kernel_size", "image_size", "first")]
    + [(name, pa.int64()) for name in ("training_images", "steps", "seed", "parameters", "diverged", "stopped")]
    + [(name, pa.bool_()) for name in ("residual", "bias")]
    + [(name, pa.float64()) for name in ("lr", "momentum", "gamma", "stop_loss")]
    + [(name, pa.float64()) for name in ("loss", "with_input", "with_training_image", "mse", "seconds")]
    + [(name, pa.string()) for name in ("torch", "worker")]
)
ATTEMPTS = 3  # at a pool of processes that broke, each with a new one


class InProcess(Executor):
    """An executor that does the work at once, where it is asked to."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Call the function, and return its result as a finished future."""
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def sweep(
    spec: Spec,
    out: Path | str,
    *,
    executor: Callable[[], Executor] = InProcess,
    device: str | None = None,
    data_dir: Path | str | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, str]:
    """Train what is not yet finished, and write the table of all results.

    Each finished run is a folder OUT/runs/KEY, KEY a hash of its settings, with metrics.json and, where the spec keeps
    weights, a safetensors file. A folder is there whole or not at all, so that a sweep that was stopped, on whatever
    machine, goes on where it was; where the spec asks for weights, runs that were finished without are trained again.
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
        report: called with the number of trainings done and in all.

    Returns:
        What went wrong: for each group of runs that failed, its key and the error. The others are finished.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder = Path(out)
    (folder / RUNS).mkdir(parents=True, exist_ok=True)
    failed: dict[str, str] = {}
    groups = _unfinished(spec, folder)
    total = len(groups)
    try:
        for _ in range(ATTEMPTS if groups else 0):
            tell = partial(_tell, report, count(total - len(groups) + 1), total)
            failed, broken = {}, False
            with executor() as workers:
                waiting = {}
                for group in groups:
                    future = workers.submit(train_group, group, folder, spec.weights, device, data_dir)
                    future.add_done_callback(tell)  # at its end, which with `InProcess` is now
                    waiting[future] = group
                for future in as_completed(waiting):
                    error = _error(future)
                    if error is not None:
                        failed[waiting[future].key] = f"{type(error).__name__}: {error}"
                        broken |= isinstance(error, BrokenProcessPool)
            if not broken:
                break
            groups = _unfinished(spec, folder)
    finally:  # an interrupted sweep has results, too
        write_table(folder)
    return failed


def _unfinished(spec: Spec, folder: Path) -> list[Group]:
    return list(spec.groups(tuple(run for run in spec.runs if not finished(folder, run, spec.weights))))


def _tell(report: Callable[[int, int], None], ended: Iterator[int], total: int, _: Future) -> None:
    """Report that one more training has come to its end."""
    report(next(ended), total)


def _error(future: Future) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError:
        return CancelledError("the executor, or the cluster's scheduler, went away")


def finished(folder: Path, run: Run, weights: bool = False) -> bool:
    """Whether a run's folder is there, renamed into place when all was written, its result readable.

    Args:
        folder: the sweep's.
        run: which.
        weights: whether its weights must be there too.
    """
    place = folder / RUNS / run.key
    return _result(place) is not None and (not weights or has_tensors(place, WEIGHTS))


def _result(place: Path) -> dict[str, Any] | None:
    """The result in a run's folder; None where there is none. A damaged one is named, and counts as none."""
    try:
        metrics: dict[str, Any] = json.loads((place / "metrics.json").read_text())
        if not isinstance(metrics, dict) or "recipe" not in metrics.get("settings", ()):
            raise ValueError("it holds no settings")
    except FileNotFoundError:
        return None
    except ValueError as error:
        warnings.warn(f"{place / 'metrics.json'} is damaged and counts as not there: {error}", stacklevel=2)
        return None
    return metrics


def train_group(
    group: Group, folder: Path, weights: bool, device: str | None, data_dir: Path | str | None = None
) -> int:
    """Train the runs of a group that are not finished, together; returns how many there were.

    Raises:
        OSError: the folder cannot be written to, or images are absent.
        ValueError: settings that do not go together.
    """
    runs = [
        run for run in group.runs if not finished(folder, run, weights)
    ]  # a worker that died may have finished some
    if not runs:
        return 0
    begun = time.monotonic()
    trained_on, asked = chosen(runs[0], data_dir)
    make_model = runs[0].make_model(*trained_on.shape[1:])
    flat = runs[0].network == "fcn"
    ensemble = train(
        make_model,
        trained_on.reshape(len(trained_on), -1) if flat else trained_on,
        recipe=runs[0].recipe,
        seeds=[run.seed for run in runs],
        device=device,
        progress=False,
    )
    predictions = ensemble.predict(asked.reshape(len(asked), -1) if flat else asked)
    predictions = np.asarray(predictions).reshape(len(runs), *asked.shape)
    seconds = time.monotonic() - begun
    for member, run in enumerate(runs):
        metrics = _metrics(run, ensemble, member, predictions[member], asked, trained_on)
        _write_run(folder, run, metrics | {"seconds": seconds / len(runs)}, _weights(ensemble, member, weights))
    line = {"group": group.key, "runs": [run.key for run in runs], "seconds": seconds, "worker": _worker()}
    with (folder / JOURNAL).open("a") as journal:  # one short line at the end: whole, whoever else writes
        journal.write(json.dumps(line) + "\n")
    return len(runs)


def _metrics(
    run: Run,
    ensemble: TrainedEnsemble,
    member: int,
    predictions: np.ndarray,
    asked: np.ndarray,
    trained_on: np.ndarray,
) -> dict[str, Any]:
    """What came of a run: a number each, NaN-free for JSON."""
    sound = bool(np.isfinite(predictions).all())  # a diverged member's are not
    nearest = [correlation(predictions, image) for image in trained_on] if sound else []
    return {
        "settings": asdict(run),
        "loss": _number(ensemble.history.losses[member, -1]),
        "diverged": ensemble.diverged[member],
        "stopped": ensemble.stopped[member],
        "parameters": sum(value[member].numel() for value in ensemble.weights.values()),
        # A constant answer correlates with nothing.
        "with_input": _number(np.nan_to_num(correlation(predictions, asked)).mean()) if sound else None,
        "with_training_image": _number(np.nan_to_num(np.max(nearest, axis=0)).mean()) if sound else None,
        "mse": _number(mean_squared_error(predictions, asked).mean()) if sound else None,
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
        if process.isdecimal() and not _alive(int(process)):  # its worker died before it came to here
            shutil.rmtree(stale, ignore_errors=True)


def _alive(process: int) -> bool:
    if os.name == "nt":  # where signal 0 is no question
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _weights(ensemble: TrainedEnsemble, member: int, wanted: bool) -> dict[str, torch.Tensor]:
    return {name: value[member] for name, value in ensemble.weights.items()} if wanted else {}


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(float(value)) else None


def _worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def sweep_table(out: Path | str) -> pa.Table:
    """Return the results of a sweep as one table: a row for each finished run, in order of its key.

    Args:
        out: the sweep's folder.

    Returns:
        The columns key, every setting (those of the recipe too; milestones as text), loss, diverged, stopped,
        parameters, with_input, with_training_image, mse, seconds, torch, worker; null where a setting has no meaning
        for the network. `.to_pandas()` where pandas is.

    Raises:
        OSError: there is no sweep in the folder.
    """
    folder = Path(out) / RUNS
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no sweep in {out}: no folder {RUNS}")
    return pa.Table.from_pylist(list(_rows(folder)), schema=SCHEMA)


def sweep_network(out: Path | str, key: str) -> nn.Module:
    """Return a trained network that a sweep has kept (`weights = true` in its spec).

    Args:
        out: the sweep's folder.
        key: of the run, as in the column of that name of `sweep_table`.

    Raises:
        OSError: there is no such run, or its weights were not kept.
        ValueError: its files are damaged.
    """
    place = Path(out) / RUNS / str(key)
    metrics = _result(place)
    if metrics is None:
        raise FileNotFoundError(f"there is no finished run {key!r} in {out}")
    weights, _ = read_tensors(place, WEIGHTS)
    settings = metrics["settings"]
    run = Run(**settings | {"recipe": Recipe(**settings["recipe"])})
    first = weights["layers.0.weight"]  # (outputs, inputs, ...)
    network = run.make_model(first.shape[1], 1, 1)().to(run.recipe.dtype)
    network.load_state_dict(weights)
    return network


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    for place in sorted(folder.iterdir()):
        metrics = None if place.name.startswith(".") else _result(place)
        if metrics is not None:
            settings = _flat(metrics.pop("settings"))
            settings |= dict.fromkeys(meaningless(settings["network"], settings["depth"]))
            yield {"key": place.name, **settings, **metrics}


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    recipe = dict(settings["recipe"])
    recipe["milestones"] = ", ".join(f"{fraction:g}" for fraction in recipe["milestones"])
    recipe["scheme"] = recipe.pop("init")
    return {name: value for name, value in settings.items() if name != "recipe"} | recipe


def write_table(folder: Path) -> None:
    """Write results.parquet, whole or not at all."""
    sink = pa.BufferOutputStream()
    parquet.write_table(sweep_table(folder), sink)
    write_atomically(folder / TABLE, sink.getvalue().to_pybytes())
