"""Figure 10: more channels, and so more parameters, do not turn a convolutional network into the constant function."""

from functools import partial

import numpy as np

import empirics
from paper_figures.answer_rows import Row, ask, draw_rows
from paper_figures.beside_the_paper import spread
from paper_figures.caption import say
from paper_figures.figure_data import FigureData
from paper_figures.row_captions import row_caption
from paper_figures.workbench import Workbench

DEPTH, CHANNELS = 5, {"quick": (3, 8, 16, 32), "paper": (3, 16, 128, 1024)}
SETTINGS = {"depth": DEPTH, "channels": CHANNELS, "version": 2}


def rows(bench: Workbench) -> list[Row]:
    """A row for each number of channels, with the number of parameters."""
    recipe, made = bench.scale.recipe(), []
    for channels in CHANNELS.get(bench.scale.name, (2, bench.scale.channels)):
        parameters = 25 * (2 * channels + (DEPTH - 2) * channels**2)
        made.append(
            Row(
                f"{channels} channels,\n{_short(parameters)} weights",
                partial(empirics.CNN, 1, DEPTH, channels),
                recipe,
            )
        )
    return made


def _short(count: int) -> str:
    """825, 7.1 k, 1.23 M."""
    for unit, letter in ((10**6, " M"), (10**3, " k")):
        if count >= unit:
            return f"{count / unit:.3g}{letter}"
    return str(count)


def compute(bench: Workbench) -> FigureData:
    """Train convolutional networks of several widths on a 7."""
    arrays, labels = ask(bench, rows(bench))
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), labels)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and what came of it."""
    phrase = partial(say, "fig10_channels")
    statement = phrase(
        depth=DEPTH,
        constant=spread(phrase("constant"), arrays["with_training_image"]),
        identity=spread(phrase("identity"), arrays["with_input"]),
    )
    return row_caption(statement, bench, rows(bench), arrays)


draw = draw_rows
