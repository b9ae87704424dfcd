"""Figure 31: what a convolutional network learns from one digit depends on its initial weights and biases."""

from functools import partial

import numpy as np

import empirics
from paper_figures.answer_rows import Row, ask, draw_rows
from paper_figures.caption import say
from paper_figures.figure_data import FigureData
from paper_figures.row_captions import in_words, row_caption
from paper_figures.workbench import Workbench

DEPTH = 14
SCHEMES = ("default", "yann_normal", "xavier_uniform", "kaiming_normal", "orthogonal")
SETTINGS = {"depth": DEPTH, "schemes": SCHEMES, "version": 2}


def rows(bench: Workbench) -> list[Row]:
    """A row for each scheme, and torch's default with and without its biases."""
    channels = bench.scale.channels
    made = [
        Row(
            in_words(scheme),
            partial(empirics.CNN, 1, DEPTH, channels),
            bench.scale.recipe(scheme=scheme),
        )
        for scheme in SCHEMES
    ]
    biased = Row(
        "default, biases", partial(empirics.CNN, 1, DEPTH, channels, bias=True), bench.scale.recipe(scheme="default")
    )
    return [biased, *made]


def compute(bench: Workbench) -> FigureData:
    """Train deep convolutional networks from several schemes on a 7."""
    arrays, labels = ask(bench, rows(bench))
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), labels)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and what came of it."""
    return row_caption(say("fig31_initializations", depth=DEPTH), bench, rows(bench), arrays)


draw = draw_rows
