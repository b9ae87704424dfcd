"""The figure that the paper draws most: a row for each kind of network, its answers to the same images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.figure import Figure

import empirics
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, bare, house_style, tight
from paper_figures.specimens import TRAINED_ON, digit, other_digits, specimens
from paper_figures.workbench import Network, Workbench, answers


@dataclass(frozen=True)
class Row:
    """One kind of network, and what it is asked.

    Attributes:
        label: what sets it apart.
        network: makes one.
        recipe: how it is trained.
        trained_on: images, (k, C, H, W).
        shown: images whose answers are drawn, (n, C, H, W).
        measured: images over which correlations are averaged, (m, C, H, W).
    """

    label: str
    network: Callable[[], Network]
    recipe: empirics.Recipe
    trained_on: np.ndarray = field(default_factory=lambda: digit(TRAINED_ON)[None])
    shown: np.ndarray = field(default_factory=specimens)
    measured: np.ndarray = field(default_factory=other_digits)


def ask(bench: Workbench, rows: Sequence[Row]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Train every row's networks and ask them.

    Returns:
        Arrays and row labels. For row r: answers{r} (n, C, H, W), of the first network whose loss stayed finite, and
        shown{r}, what they answer, where it is not what they answered before. For all:
        with_input and with_training_image (rows, seeds), of `empirics.likeness`, averaged over the images measured; NaN
        where a network diverged, or where sizes differ. loss (rows, seeds), at the end.
    """
    arrays: dict[str, np.ndarray] = {}
    with_input, with_training_image, loss = [], [], []
    for number, row in enumerate(rows):
        ensemble = bench.train(row.network, row.trained_on, recipe=row.recipe)
        sound = [member for member, step in enumerate(ensemble.diverged) if step is None]
        pictures = answers(ensemble, row.shown)[sound[0] if sound else 0]
        if not number or not np.array_equal(row.shown, rows[number - 1].shown):
            arrays[f"shown{number}"] = row.shown.astype(np.float16)
        arrays[f"answers{number}"] = np.nan_to_num(pictures, nan=0.0).astype(np.float16)
        found = answers(ensemble, row.measured)
        mean = empirics.likeness(found, row.measured, row.trained_on).mean()
        nothing = np.full(len(found), np.nan)  # sizes differ
        with_input.append(nothing if mean.with_input is None else mean.with_input)
        with_training_image.append(nothing if mean.with_training_image is None else mean.with_training_image)
        loss.append(np.asarray(ensemble.history.losses)[:, -1])
    arrays |= {
        "with_input": np.array(with_input),
        "with_training_image": np.array(with_training_image),
        "loss": np.array(loss),
    }
    return arrays, [row.label for row in rows]


def draw_rows(data: FigureData) -> Figure:
    """A row of pictures each, and beside it the correlation with the input and with the training image."""
    arrays, labels = data.arrays, data.labels
    count = arrays["shown0"].shape[0]
    repeated = sum(name.startswith("shown") for name in arrays) == 1
    pictures = []
    for number, label in enumerate(labels):
        if f"shown{number}" in arrays:
            pictures.append(("input", arrays[f"shown{number}"]))
        pictures.append((label, arrays[f"answers{number}"]))
    marks = 0.2 * TWO_COLUMNS
    cell = (TWO_COLUMNS - marks - 0.9) / count
    with house_style():
        figure = tight(Figure(figsize=(TWO_COLUMNS, cell * len(pictures) + 0.4)))
        grid = figure.add_gridspec(len(pictures), count + 1, width_ratios=(*[1] * count, marks / cell))
        for line, (label, images) in enumerate(pictures):
            for column, image in enumerate(images):
                axis = figure.add_subplot(grid[line, column])
                _picture(axis, image)
                if column == 0:
                    axis.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=7)
        _correlations(figure.add_subplot(grid[:, -1]), arrays, len(pictures), 1 if repeated else 2)
    return figure


def _picture(axis, image: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    """One image in [0, 1], grey or in colour; what lies outside is drawn as the nearest shade."""
    shown = np.clip(image.astype(float), 0, 1)
    axis.imshow(shown[0] if len(shown) == 1 else shown.transpose(1, 2, 0), vmin=0, vmax=1)
    bare(axis)


def _correlations(axis, arrays: dict[str, np.ndarray], lines: int, each: int) -> None:  # type: ignore[no-untyped-def]
    """Correlations at the height of the rows that they belong to."""
    heights = np.arange(len(arrays["with_input"])) * each + 1
    for name, marker, colour, label in (
        ("with_input", "o", "#0072B2", "input (identity)"),
        ("with_training_image", "D", "#D55E00", "training image (constant)"),
    ):
        values = arrays[name]
        if np.isnan(values).all():
            continue
        for column in values.T:
            axis.plot(column, heights, marker, color=colour, markersize=2, alpha=0.5, markeredgewidth=0)
        kept = ~np.isnan(values).all(axis=1)
        means = np.array([np.nanmean(row) for row in values[kept]])
        fill = colour if marker == "o" else "white"
        axis.plot(means, heights[kept], marker, color=colour, markerfacecolor=fill, markersize=4.5, label=label)
    axis.set(xlim=(-0.1, 1.05), ylim=(lines - 0.5, -0.5), xlabel="correlation with", yticks=[])
    axis.vlines([0, 1], 0.5, lines - 0.5, color="0.8", linewidth=0.6, zorder=0)  # below the legend
    axis.spines["left"].set_visible(False)
    # The first row of pictures, inputs, has no answers: its height is free for the legend.
    axis.legend(loc="upper center", handletextpad=0.1, borderaxespad=0.0, labelspacing=0.2, fontsize=6)
