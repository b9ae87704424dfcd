"""What a sweep has found: each finished run in a folder of its own, all of them as one table."""

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
from torch import nn

from empirics.sweeps.spec import Run, meaningless
from empirics.training.recipe import Recipe
from empirics.training.storage import has_tensors, read_tensors
from files import write_atomically

RUNS, TABLE, WEIGHTS = "runs", "results.parquet", "weights"
SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("key", "network", "dataset", "optimizer", "decay_at", "precision", "scheme")]
    + [(name, pa.int64()) for name in ("depth", "channels", "width", "kernel_size", "image_size", "first")]
    + [(name, pa.int64()) for name in ("training_images", "steps", "seed", "parameters", "diverged", "stopped")]
    + [(name, pa.bool_()) for name in ("residual", "bias", "learned")]
    + [(name, pa.float64()) for name in ("lr", "momentum", "gamma", "stop_loss")]
    + [(name, pa.float64()) for name in ("loss", "with_input", "with_training_image", "mse", "seconds")]
    + [(name, pa.string()) for name in ("torch", "worker")]
)


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


def sweep_table(out: Path | str) -> pa.Table:
    """Return the results of a sweep as one table: a row for each finished run, in order of its key.

    Args:
        out: the sweep's folder.

    Returns:
        The columns key, every setting (those of the recipe too; decay_at as text), loss, diverged, stopped,
        learned, parameters, with_input, with_training_image, mse, seconds, torch, worker; null where a setting has no
        meaning for the network. `.to_pandas()` where pandas is.

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
            yield {"key": place.name, **_flat(metrics.pop("settings")), **metrics}


def settings_of(run: Run) -> dict[str, Any]:
    """A run's settings by name, as they stand in the table of results; None where one has no meaning for it."""
    settings = _flat(asdict(run))
    del settings["seed"]
    return settings


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    recipe = dict(settings["recipe"])
    recipe["decay_at"] = ", ".join(f"{fraction:g}" for fraction in recipe["decay_at"])
    flat = {name: value for name, value in settings.items() if name != "recipe"} | recipe
    return flat | dict.fromkeys(meaningless(flat["network"], flat["depth"]))


def write_table(folder: Path) -> None:
    """Write results.parquet, whole or not at all."""
    sink = pa.BufferOutputStream()
    parquet.write_table(sweep_table(folder), sink)
    write_atomically(folder / TABLE, sink.getvalue().to_pybytes())
