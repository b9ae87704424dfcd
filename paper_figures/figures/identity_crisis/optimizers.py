"""The appendix on optimizers: how much of the identity each optimizer finds, from the same initial weights."""

from functools import partial

import empirics
from paper_figures.answer_rows import Row, ask, caption, draw_rows
from paper_figures.beside_the_paper import spread
from paper_figures.figure_data import FigureData
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
    asked = rows(bench)
    arrays, labels = ask(bench, asked)
    statement = (
        f"Convolutional networks of {DEPTH} layers (5×5 kernels) trained to reproduce one digit by several optimizers "
        "(learning rate in brackets) from the same Xavier-uniform initial weights. The paper finds much the same "
        "function with all of them. Here "
        + spread("the correlation with the input lies", arrays["with_input"])
        + spread(", and that with the training image", arrays["with_constant"])
        + "."
    )
    return FigureData(arrays, caption(statement, bench, asked, arrays), bench.settings(SETTINGS), labels)


draw = draw_rows
