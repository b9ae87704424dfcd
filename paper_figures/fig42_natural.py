"""Figure 42: convolutional networks trained on one natural colour image."""

from functools import partial

import empirics
from paper_figures.answer_rows import Row, ask, caption, draw_rows
from paper_figures.fig02_fcn_depth import layers
from paper_figures.figure_data import FigureData
from paper_figures.runs import Runs

DEPTHS = (1, 5, 10, 14, 20)
SETTINGS = {"depths": DEPTHS, "version": 1}


def rows(runs: Runs) -> list[Row]:
    """A row for each depth."""
    recipe, channels = runs.scale.recipe(), runs.scale.channels
    pictures = empirics.images("natural").as_float()
    return [
        Row(
            layers(n),
            partial(empirics.CNN, 3, n, channels),
            recipe,
            trained_on=pictures[:1],
            shown=pictures,
            measured=pictures[1:],
        )
        for n in DEPTHS
    ]


def compute(runs: Runs) -> FigureData:
    """Train convolutional networks on a crop of a photograph, and ask them about others."""
    asked = rows(runs)
    arrays, labels = ask(runs, asked)
    statement = (
        "Convolutional networks (5×5 kernels) trained to reproduce one 32×32 crop of a colour photograph, and asked "
        "about others. (The paper trains on CIFAR-10 images.)"
    )
    text = caption(statement, runs, asked, arrays, measured="the other crops")
    return FigureData(arrays, text, runs.settings(SETTINGS), labels)


draw = draw_rows
