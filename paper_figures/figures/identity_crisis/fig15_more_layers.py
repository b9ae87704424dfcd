"""Figure 15: intermediate layers of convolutional networks of other depths, trained and untrained."""

import numpy as np
from matplotlib.figure import Figure

from paper_figures.caption import enumerated, say
from paper_figures.figure_data import FigureData
from paper_figures.layer_pictures import ASKED, DEPTHS, MOSAICS, draw_mosaics, mosaics
from paper_figures.panels import TWO_COLUMNS, house_style
from paper_figures.row_captions import recipe_in_words
from paper_figures.specimens import TRAINED_ON
from paper_figures.workbench import Workbench

ELSEWHERE = 14  # the depth whose layers figure 5 draws
OTHERS = tuple(depth for depth in DEPTHS if depth != ELSEWHERE)
SETTINGS = {"depths": OTHERS, "mosaics": MOSAICS, "asked": ASKED, "version": 1}


def compute(bench: Workbench) -> FigureData:
    """Look into the networks whose layers figure 5 gives to a classifier."""
    arrays: dict[str, np.ndarray] = {}
    for depth in OTHERS:
        arrays |= mosaics(bench, depth)
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS))


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What is shown."""
    return say(
        "fig15_more_layers",
        channels=bench.scale.channels,
        depths=enumerated(map(str, OTHERS)),
        elsewhere=ELSEWHERE,
        digit=ASKED,
        trained_on=TRAINED_ON,
        recipe=recipe_in_words(bench.scale.recipe()),
        scale=bench.scale.name,
    )


def draw(data: FigureData) -> Figure:
    """Two rows for each depth."""
    with house_style():
        figure = Figure(figsize=(TWO_COLUMNS, 2.15 * len(OTHERS)))
        parts = figure.subfigures(len(OTHERS), 1, squeeze=False)[:, 0]
        for part, depth in zip(parts, OTHERS, strict=True):
            draw_mosaics(part.subplots(2, MOSAICS), data.arrays, depth, f"{depth} layers,\n")
    return figure
