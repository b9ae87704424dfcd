"""The appendix on optimizers: how much of the identity each optimizer finds, from the same initial weights."""

from functools import partial

import numpy as np

import empirics
from paper_figures.answer_rows import Row, ask, draw_rows
from paper_figures.beside_the_paper import spread
from paper_figures.caption import say
from paper_figures.figure_data import FigureData
from paper_figures.row_captions import row_caption
from paper_figures.workbench import Workbench

DEPTH = 5
RATES = {"sgd": 0.1, "adam": 1e-3, "adamax": 2e-3, "rmsprop": 1e-3, "adagrad": 1e-2}
SETTINGS = {"depth": DEPTH, "rates": RATES, "version": 2}


def rows(bench: Workbench) -> list[Row]:
    """A row for each optimizer, at a usual learning rate of its own."""
    channels = bench.scale.channels
    return [
        Row(
            f"{name} ({rate:g})",
            partial(empirics.CNN, 1, DEPTH, channels),
            bench.scale.recipe(optimizer=name, lr=rate),
        )
        for name, rate in RATES.items()
    ]


def compute(bench: Workbench) -> FigureData:
    """Train convolutional networks with several optimizers on a 7."""
    arrays, labels = ask(bench, rows(bench))
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), labels)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and what came of it."""
    phrase = partial(say, "optimizers")
    statement = phrase(
        depth=DEPTH,
        identity=spread(phrase("identity"), arrays["with_input"]),
        constant=spread(phrase("constant"), arrays["with_training_image"]),
    )
    return row_caption(statement, bench, rows(bench), arrays)


draw = draw_rows
