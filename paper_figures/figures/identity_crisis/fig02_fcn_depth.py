"""Figure 2: fully connected networks trained on one digit memorize it, the more surely the deeper they are."""

from functools import partial

import numpy as np

import empirics
from paper_figures.answer_rows import Row, ask, draw_rows
from paper_figures.beside_the_paper import finding
from paper_figures.caption import layers, say
from paper_figures.depths import FCN_DEPTHS
from paper_figures.figure_data import FigureData
from paper_figures.row_captions import row_caption
from paper_figures.workbench import Workbench

SETTINGS = {"depths": FCN_DEPTHS, "version": 2}


def rows(bench: Workbench) -> list[Row]:
    """A row for each depth."""
    recipe, width = bench.scale.recipe(), bench.scale.width
    return [Row(layers(n), partial(empirics.FCN, 784, n, width), recipe) for n in FCN_DEPTHS]


def compute(bench: Workbench) -> FigureData:
    """Train fully connected networks of several depths on a 7."""
    arrays, labels = ask(bench, rows(bench))
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), labels)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and what came of it."""
    phrase = partial(say, "fig02_fcn_depth")
    statement = phrase(finding=finding(phrase("deeper"), arrays["with_training_image"], rises=True))
    return row_caption(statement, bench, rows(bench), arrays)


draw = draw_rows
