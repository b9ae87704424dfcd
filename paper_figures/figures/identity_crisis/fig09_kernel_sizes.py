"""Figure 9: larger kernels learn less of the identity."""

from functools import partial

import numpy as np

import empirics
from paper_figures.answer_rows import Row, ask, draw_rows
from paper_figures.beside_the_paper import finding
from paper_figures.caption import say
from paper_figures.figure_data import FigureData
from paper_figures.row_captions import row_caption
from paper_figures.workbench import Workbench

DEPTH, KERNELS = 5, (3, 5, 7, 9, 15)
SETTINGS = {"depth": DEPTH, "kernels": KERNELS, "version": 2}


def rows(bench: Workbench) -> list[Row]:
    """A row for each kernel size."""
    recipe, channels = bench.scale.recipe(), bench.scale.channels
    return [Row(f"{k}×{k}", partial(empirics.CNN, 1, DEPTH, channels, k), recipe) for k in KERNELS]


def compute(bench: Workbench) -> FigureData:
    """Train convolutional networks of several kernel sizes on a 7."""
    arrays, labels = ask(bench, rows(bench))
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), labels)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and what came of it."""
    phrase = partial(say, "fig09_kernel_sizes")
    statement = phrase(
        depth=DEPTH,
        least=KERNELS[0],
        greatest=KERNELS[-1],
        identity=finding(phrase("less"), arrays["with_input"], rises=False),
        constant=finding(phrase("more"), arrays["with_training_image"], rises=True),
    )
    return row_caption(statement, bench, rows(bench), arrays)


draw = draw_rows
