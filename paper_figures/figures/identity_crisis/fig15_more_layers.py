"""Figure 15: intermediate layers of convolutional networks of other depths, trained and untrained."""

import numpy as np
from matplotlib.figure import Figure

from paper_figures.answer_rows import said
from paper_figures.figure_data import FigureData
from paper_figures.figures.identity_crisis.fig05_layers import (
    ASKED,
    DEPTHS,
    MOSAIC_DEPTH,
    MOSAICS,
    draw_mosaics,
    mosaics,
)
from paper_figures.panels import TWO_COLUMNS, house_style
from paper_figures.specimens import TRAINED_ON
from paper_figures.workbench import Workbench

OTHERS = tuple(depth for depth in DEPTHS if depth != MOSAIC_DEPTH)
SETTINGS = {"depths": OTHERS, "mosaics": MOSAICS, "version": 1}


def compute(bench: Workbench) -> FigureData:
    """Look into networks that figure 5 asks a classifier about."""
    arrays: dict[str, np.ndarray] = {}
    for depth in OTHERS:
        arrays |= mosaics(bench, depth)
    scale = bench.scale
    caption = (
        f"All {scale.channels} channels of some layers of convolutional networks of "
        f"{' and '.join(map(str, OTHERS))} layers ({MOSAIC_DEPTH}: figure 5), for a {ASKED}: trained on one "
        f"{TRAINED_ON} by {said(scale.recipe())}, and untrained ({scale.name} scale). Each layer on its own grey "
        "scale, black for 0. Trained layers hold smoother pictures of it than untrained ones, which scatter it; the "
        "deeper, the less is left of its shape."
    )
    return FigureData(arrays, caption, bench.settings(SETTINGS))


def draw(data: FigureData) -> Figure:
    """Two rows for each depth."""
    with house_style():
        figure = Figure(figsize=(TWO_COLUMNS, 2.15 * len(OTHERS)))
        parts = figure.subfigures(len(OTHERS), 1, squeeze=False)[:, 0]
        for part, depth in zip(parts, OTHERS, strict=True):
            draw_mosaics(part.subplots(2, MOSAICS), data.arrays, depth, f"{depth} layers,\n")
    return figure
