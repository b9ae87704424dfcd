"""Figure 3: convolutional networks trained on one digit learn the identity or less, by their depth."""

from functools import partial

import numpy as np

import empirics
from paper_figures.answer_rows import Row, ask, draw_rows
from paper_figures.beside_the_paper import finding, spread
from paper_figures.caption import layers, say
from paper_figures.depths import CNN_DEPTHS, CNN_DEPTHS_WITH_BIASES
from paper_figures.figure_data import FigureData
from paper_figures.row_captions import row_caption
from paper_figures.workbench import Workbench

SETTINGS = {"depths": CNN_DEPTHS, "with_biases": CNN_DEPTHS_WITH_BIASES, "version": 2}


def rows(bench: Workbench) -> list[Row]:
    """A row for each depth; then torch's default initialization, with biases."""
    recipe, channels = bench.scale.recipe(), bench.scale.channels
    default = bench.scale.recipe(scheme="default")
    plain = [Row(layers(n), partial(empirics.CNN, 1, n, channels), recipe) for n in CNN_DEPTHS]
    biased = [
        Row(f"{layers(n)},\ndefault, biases", partial(empirics.CNN, 1, n, channels, bias=True), default)
        for n in CNN_DEPTHS_WITH_BIASES
    ]
    return plain + biased


def compute(bench: Workbench) -> FigureData:
    """Train convolutional networks of several depths on a 7."""
    arrays, labels = ask(bench, rows(bench))
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), labels)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and what came of it."""
    phrase = partial(say, "fig03_cnn_depth")
    two_and_more = arrays["with_input"][1 : len(CNN_DEPTHS)]
    deepest = arrays["with_training_image"][[len(CNN_DEPTHS) - 1, -1]]
    statement = phrase(
        finding=finding(phrase("deeper"), two_and_more, rises=False),
        deepest=spread(phrase("deepest", depth=CNN_DEPTHS[-1]), deepest),
    )
    return row_caption(statement, bench, rows(bench), arrays)


draw = draw_rows
