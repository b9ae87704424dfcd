"""Pieces that figures share."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib.resources import as_file, files

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

TWO_COLUMNS = 6.75  # inches: the text width of a two-column page
ONE_COLUMN = 3.25


def house_style() -> AbstractContextManager[None]:
    """The one look of all figures, for a `with` block."""
    with as_file(files("paper_figures") / "style.mplstyle") as path:
        return matplotlib.style.context(str(path))


def tight(figure: Figure) -> Figure:
    """Set a figure's pictures close to each other, as those of one row of answers belong together."""
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(w_pad=0.015, h_pad=0.015, wspace=0.0, hspace=0.0)
    return figure


def image_rows(figure: Figure, rows: Sequence[tuple[str, np.ndarray]], titles: Sequence[str] = ()) -> np.ndarray:
    """Draw a grid of grey images, one labelled row per array (n, H, W), each row on its own grey scale.

    The label gives the values that black and white stand for.
    """
    columns = max(len(images) for _, images in rows)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for index, (label, images) in enumerate(rows):
        black, white = float(images.min()), float(images.max())
        for axis, image in zip(axes[index], images, strict=True):
            axis.imshow(image, vmin=black, vmax=white)
            bare(axis)
        axes[index, 0].set_ylabel(
            f"{label}\n[{black:.2g}, {white:.2g}]", rotation=0, ha="right", va="center", fontsize=7
        )
    for axis, title in zip(axes[0], titles, strict=False):
        axis.set_title(title, fontsize=6)
    return axes


def bare(axis: Axes) -> None:
    """An image has no axes: no ticks, and a thin frame that shows where a white one ends."""
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set(visible=True, linewidth=0.3, color="0.7")
