"""When convolutional networks turn from the identity: depth × initialization × biases × optimizer, and the seed."""

import itertools
from functools import partial
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from empirics.measures.zones import ALIKE
from paper_figures.caption import enumerated, say
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, house_style
from paper_figures.row_captions import in_words
from paper_figures.specimens import TRAINED_ON, digit
from paper_figures.workbench import Workbench

TABLE = "conditions.parquet"  # in paper_figures/results, by the sweep paper_figures/sweeps/conditions.toml
NARROW, WIDE = 16, 32  # channels of the map, and of the many seeds
LEARNED = 0.9  # of the training image's variance: what a network that counts as trained explains at least
SCHEMES = ("default", "yann_uniform", "xavier_uniform", "kaiming_uniform", "orthogonal")
OPTIMIZERS = ("sgd", "adam", "adamax", "rmsprop", "adagrad")
STARTS = tuple(itertools.product(SCHEMES, (True, False)))  # initialization, and whether there are biases
MANY = (("default", True), ("xavier_uniform", False))  # starts of which there are many seeds
SETTINGS = {"table": TABLE, "learned": LEARNED, "narrow": NARROW, "wide": WIDE, "version": 2}

TableRow = dict[str, Any]


def compute(bench: Workbench) -> FigureData:
    """Sort the sweep's results into a map; nothing is trained."""
    table = results()
    mapped = [row for row in table if row["channels"] == NARROW]
    depths = sorted({row["depth"] for row in mapped})
    seeds = 1 + max(row["seed"] for row in mapped)
    shape = (len(OPTIMIZERS), len(STARTS), len(depths), seeds)
    found = {name: np.full(shape, np.nan) for name in ("with_input", "with_training_image")}
    for row in mapped:
        start = STARTS.index((row["scheme"], row["bias"]))
        place = (OPTIMIZERS.index(row["optimizer"]), start, depths.index(row["depth"]), row["seed"])
        if learned(row):
            found["with_input"][place], found["with_training_image"][place] = (
                row["with_input"],
                row["with_training_image"],
            )
    arrays = {"depths": np.array(depths), **found}
    for which in MANY:
        arrays[f"seeds_{_said(*which)}"] = np.array(
            [(row["with_input"], row["with_training_image"]) for row in many_seeds(table, which) if learned(row)]
        )
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), [_said(*each) for each in STARTS])


def many_seeds(table: list[TableRow], start: tuple[str, bool]) -> list[TableRow]:
    """The rows of the networks that differ by their seed only."""
    return [row for row in table if (row["channels"], row["scheme"], row["bias"]) == (WIDE, *start)]


def results() -> list[TableRow]:
    """The sweep's table, a row for each network."""
    with as_file(files("paper_figures") / "results" / TABLE) as path:
        return parquet.read_table(path).to_pylist()


def learned(row: TableRow) -> bool:
    """Whether a network reproduces its training image: explains nine tenths of its variance."""
    return row["with_input"] is not None and row["loss"] <= (1 - LEARNED) * digit(TRAINED_ON).var()


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and what came of it."""
    phrase, table, depths = partial(say, "conditions"), results(), arrays["depths"].tolist()
    difference = arrays["with_input"] - arrays["with_training_image"]
    nearer = difference < 0  # to the constant than to the identity; not where nothing was learned
    trained = np.isfinite(difference)

    def turned(chosen: Any) -> str:
        return phrase("turned", nearer=nearer[chosen].sum(), trained=trained[chosen].sum())

    biased = [index for index, (_, bias) in enumerate(STARTS) if bias]
    bare = [index for index, (_, bias) in enumerate(STARTS) if not bias]
    some = [index for index in range(len(STARTS)) if nearer[:, index, -1].any()]
    default, silent = STARTS.index(("default", True)), STARTS.index(("default", False))
    memorized = nearer & (arrays["with_training_image"] >= ALIKE)
    many = [
        phrase(
            "many",
            start=_said(*start),
            identity=np.median(pairs[:, 0]),
            constant=np.median(pairs[:, 1]),
            least=pairs[:, 1].min(),
            greatest=pairs[:, 1].max(),
            learned=len(pairs),
            asked=len(many_seeds(table, start)),
        )
        for start, pairs in zip(MANY, _seeds(arrays).values(), strict=True)
    ]
    return phrase(
        seeds=trained.shape[-1],
        narrow=NARROW,
        networks=len(table),
        learned=LEARNED,
        by_depth=enumerated(f"{turned(np.s_[:, :, place])} at {depth} layers" for place, depth in enumerate(depths)),
        deepest=depths[-1],
        with_biases=turned(np.s_[:, biased, -1]),
        without_biases=turned(np.s_[:, bare, -1]),
        by_start=enumerated(f"{turned(np.s_[:, place, -1])} ({_said(*STARTS[place])})" for place in some),
        by_optimizer=enumerated(f"{turned(np.s_[n, :, -1])} ({name})" for n, name in enumerate(OPTIMIZERS)),
        silent=trained[:, silent, -1].sum(),
        silent_of=trained[:, silent, -1].size,
        alike=ALIKE,
        memorized=memorized[:, :, -1].sum(),
        memorized_default=memorized[:, default, -1].sum(),
        wide=WIDE,
        many="; ".join(many),
    )


def draw(data: FigureData) -> Figure:
    """A map for each optimizer, and a point for each of many seeds."""
    arrays = data.arrays
    difference = arrays["with_input"] - arrays["with_training_image"]
    counts = np.isfinite(difference).sum(axis=-1)
    means = np.where(counts, np.nansum(difference, axis=-1) / np.maximum(counts, 1), np.nan)
    limit = np.nanmax(np.abs(means))
    with house_style():
        figure = Figure(figsize=(TWO_COLUMNS, 4.6))
        *maps, last = figure.subplots(2, 3).ravel()
        for index, (axis, optimizer) in enumerate(zip(maps, OPTIMIZERS, strict=True)):
            mesh = axis.imshow(means[index], cmap="cividis", vmin=-limit, vmax=limit, aspect="auto")
            for (row, column), count in np.ndenumerate(counts[index]):
                if count < difference.shape[-1]:
                    dark = means[index, row, column] < 0
                    axis.text(
                        column, row, f"{count}" if count else "×", ha="center", va="center", fontsize=6,
                        color="white" if dark else "black",
                    )  # fmt: skip
            axis.set_title(optimizer)
            axis.set_xticks(range(len(arrays["depths"])), arrays["depths"])
            axis.set_xlabel("depth (layers)")
            axis.set_yticks([])
            if index % 3 == 0:
                axis.set_yticks(range(len(data.labels)), data.labels)
                axis.set_ylabel("initial weights")
        bar = figure.colorbar(mesh, ax=maps, shrink=0.8, pad=0.01)
        bar.set_label("identity − constant")
        _scatter(last, _seeds(arrays))
    return figure


def _scatter(axis: Axes, seeds: dict[str, np.ndarray]) -> None:
    axis.plot([0, 1], [0, 1], ":", color="0.6", linewidth=0.7)
    for (name, pairs), marker, colour in zip(seeds.items(), "oD", ("#0072B2", "#D55E00"), strict=True):
        axis.plot(*pairs.T, marker, color=colour, markerfacecolor="white" if marker == "D" else colour, label=name)
    axis.set(xlim=(0, 1), ylim=(0, 1), xlabel="with the input", ylabel="with the training image")
    axis.set_title(f"seeds, {WIDE} channels")
    axis.legend(fontsize=6)


def _seeds(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """For each start with many seeds, its networks' correlations (n, 2)."""
    return {name: arrays[f"seeds_{name}"] for name in (_said(*start) for start in MANY)}


def _said(scheme: str, bias: bool) -> str:
    return in_words(scheme) + (", biases" if bias else "")
