"""Figure 2: fully connected networks trained on one digit memorize it, the more surely the deeper they are."""

from functools import partial

import empirics
from paper_figures.answer_rows import Row, ask, caption, draw_rows
from paper_figures.beside_the_paper import finding
from paper_figures.figure_data import FigureData
from paper_figures.workbench import Workbench

DEPTHS = (1, 2, 3, 5, 7, 10)
SETTINGS = {"depths": DEPTHS, "version": 2}


def rows(bench: Workbench) -> list[Row]:
    """A row for each depth."""
    recipe, width = bench.scale.recipe(), bench.scale.width
    return [Row(layers(n), partial(empirics.FCN, 784, n, width), recipe) for n in DEPTHS]


def layers(depth: int) -> str:
    """A label."""
    return "1 layer" if depth == 1 else f"{depth} layers"


def compute(bench: Workbench) -> FigureData:
    """Train fully connected networks of several depths on a 7."""
    asked = rows(bench)
    arrays, labels = ask(bench, asked)
    statement = (
        "Fully connected ReLU networks of one to ten layers, without biases, trained to reproduce one digit. One "
        "layer adds noise to the constant function. "
        + finding("deeper ones are closer to the constant function", arrays["with_constant"], rises=True)
    )
    return FigureData(arrays, caption(statement, bench, asked, arrays), bench.settings(SETTINGS), labels)


draw = draw_rows
