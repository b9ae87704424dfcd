"""Figure 31: what a convolutional network learns from one digit depends on its initial weights and biases."""

from functools import partial

import empirics
from paper_figures.answer_rows import Row, ask, caption, draw_rows
from paper_figures.figure_data import FigureData
from paper_figures.workbench import Workbench

DEPTH = 14
SCHEMES = ("default", "yann_normal", "xavier_uniform", "kaiming_normal", "orthogonal")
SETTINGS = {"depth": DEPTH, "schemes": SCHEMES, "version": 2}


def rows(bench: Workbench) -> list[Row]:
    """A row for each scheme, and torch's default with and without its biases."""
    channels = bench.scale.channels
    made = [
        Row(
            f"{scheme.replace('_', ' ')}",
            partial(empirics.CNN, 1, DEPTH, channels),
            bench.scale.recipe(init=scheme),
        )
        for scheme in SCHEMES
    ]
    biased = Row(
        "default, biases", partial(empirics.CNN, 1, DEPTH, channels, bias=True), bench.scale.recipe(init="default")
    )
    return [biased, *made]


def compute(bench: Workbench) -> FigureData:
    """Train deep convolutional networks from several schemes on a 7."""
    asked = rows(bench)
    arrays, labels = ask(bench, asked)
    statement = (
        f"Convolutional networks of {DEPTH} layers (5×5 kernels) trained to reproduce one digit from initial weights "
        "of several schemes, without biases but for the first row. The paper finds the constant function from torch's "
        "default ones, and less of it from those that keep the signal's size; how much the scheme decides at these "
        "widths and this depth, the rows say (figure 3 has twenty layers)."
    )
    return FigureData(arrays, caption(statement, bench, asked, arrays), bench.settings(SETTINGS), labels)


draw = draw_rows
