"""When convolutional networks turn from the identity: depth × initialization × biases × optimizer, and the seed."""

import itertools
from collections.abc import Iterable
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from empirics.measures.zones import ALIKE
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, house_style
from paper_figures.specimens import TRAINED_ON, digit
from paper_figures.workbench import Workbench

TABLE = "conditions.parquet"  # in paper_figures/results, by the sweep paper_figures/sweeps/conditions.toml
NARROW, WIDE = 16, 32  # channels of the map, and of the many seeds
LEARNED = 0.9  # of the training image's variance: what a network that counts as trained explains at least
SCHEMES = ("default", "yann_uniform", "xavier_uniform", "kaiming_uniform", "orthogonal")
OPTIMIZERS = ("sgd", "adam", "adamax", "rmsprop", "adagrad")
STARTS = tuple(itertools.product(SCHEMES, (True, False)))  # initialization, and whether there are biases
MANY = (("default", True), ("xavier_uniform", False))  # starts of which there are many seeds
SETTINGS = {"table": TABLE, "learned": LEARNED, "version": 2}

TableRow = dict[str, Any]


def compute(bench: Workbench) -> FigureData:
    """Sort the sweep's results into a map; nothing is trained."""
    table = results()
    mapped = [row for row in table if row["channels"] == NARROW]
    depths = sorted({row["depth"] for row in mapped})
    seeds = 1 + max(row["seed"] for row in mapped)
    shape = (len(OPTIMIZERS), len(STARTS), len(depths), seeds)
    found = {name: np.full(shape, np.nan) for name in ("with_input", "with_constant")}
    for row in mapped:
        start = STARTS.index((row["scheme"], row["bias"]))
        place = (OPTIMIZERS.index(row["optimizer"]), start, depths.index(row["depth"]), row["seed"])
        if learned(row):
            found["with_input"][place], found["with_constant"][place] = row["with_input"], row["with_training_image"]
    arrays, many = {"depths": np.array(depths), **found}, []
    for scheme, bias in MANY:
        rows = [row for row in table if (row["channels"], row["scheme"], row["bias"]) == (WIDE, scheme, bias)]
        arrays[f"seeds_{_said(scheme, bias)}"] = np.array(
            [(row["with_input"], row["with_training_image"]) for row in rows if learned(row)]
        )
        many.append(len(rows))
    return FigureData(
        arrays, caption(arrays, table, many), bench.settings(SETTINGS), [_said(*start) for start in STARTS]
    )


def results() -> list[TableRow]:
    """The sweep's table, a row for each network."""
    with as_file(files("paper_figures") / "results" / TABLE) as path:
        return parquet.read_table(path).to_pylist()


def learned(row: TableRow) -> bool:
    """Whether a network reproduces its training image: explains nine tenths of its variance."""
    return row["with_input"] is not None and row["loss"] <= (1 - LEARNED) * digit(TRAINED_ON).var()


def caption(arrays: dict[str, np.ndarray], table: list[TableRow], many: list[int]) -> str:
    """What was run, and what came of it; `many` seeds of each start of which there are."""
    depths = arrays["depths"].tolist()
    difference = arrays["with_input"] - arrays["with_constant"]
    nearer = difference < 0  # to the constant than to the identity; not where nothing was learned
    trained = np.isfinite(difference)

    def turned(chosen: Any) -> str:
        return f"{nearer[chosen].sum()} of {trained[chosen].sum()}"

    biased = [index for index, (_, bias) in enumerate(STARTS) if bias]
    bare = [index for index, (_, bias) in enumerate(STARTS) if not bias]
    some = [index for index in range(len(STARTS)) if nearer[:, index, -1].any()]
    default, silent = STARTS.index(("default", True)), STARTS.index(("default", False))
    memorized = nearer & (arrays["with_constant"] >= ALIKE)
    ranges = "; ".join(
        f"{name}: {np.median(pairs[:, 0]):.2f} with the input and {np.median(pairs[:, 1]):.2f} with the training image "
        f"in the median, the latter from {pairs[:, 1].min():.2f} to {pairs[:, 1].max():.2f} ({len(pairs)} of {asked} "
        "seeds)"
        for (name, pairs), asked in zip(_seeds(arrays).items(), many, strict=True)
    )
    return (
        "Correlation of the answers to other digits with the digit asked (identity), less that with the 7 trained on "
        f"(constant), mean over {trained.shape[-1]} seeds of convolutional networks of {NARROW} channels, 5×5 kernels: "
        f"{len(table):,} networks in all, paper_figures/sweeps/conditions.toml. A network counts where it explains "
        f"{LEARNED:.0%} of its training image's variance; a number says how many did where not all did, and a cross "
        "that none did. Nearer to the constant than to the identity are "
        + _list(f"{turned(np.s_[:, :, place])} at {depth} layers" for place, depth in enumerate(depths))
        + f". Of the {depths[-1]} layers these are {turned(np.s_[:, biased, -1])} with biases and "
        f"{turned(np.s_[:, bare, -1])} without; by initial weights "
        + _list(f"{turned(np.s_[:, place, -1])} ({_said(*STARTS[place])})" for place in some)
        + ", and none from the others; by optimizer "
        + _list(f"{turned(np.s_[place, :, -1])} ({name})" for place, name in enumerate(OPTIMIZERS))
        + f". From torch's default without biases {trained[:, silent, -1].sum()} of {trained[:, silent, -1].size} "
        f"networks of {depths[-1]} layers learned the training image at all. Memorization as figure 4 has it (zone D, "
        f"at least {ALIKE} with the training image) is reached by {memorized[:, :, -1].sum()}, of which "
        f"{memorized[:, default, -1].sum()} began with torch's default and biases. Optimizers have rates and steps of "
        "their own, and are not compared at equal effort. Bottom right: "
        f"{depths[-1]} layers of {WIDE} channels by Adam, a point a seed. {ranges}."
    )


def draw(data: FigureData) -> Figure:
    """A map for each optimizer, and a point for each of many seeds."""
    arrays = data.arrays
    difference = arrays["with_input"] - arrays["with_constant"]
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
    return scheme.replace("_", " ") + (", biases" if bias else "")


def _list(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}"
