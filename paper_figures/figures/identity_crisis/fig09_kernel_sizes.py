"""Figure 9: larger kernels learn less of the identity."""

from functools import partial

import empirics
from paper_figures.answer_rows import Row, ask, caption, draw_rows
from paper_figures.beside_the_paper import finding
from paper_figures.figure_data import FigureData
from paper_figures.workbench import Workbench

DEPTH, KERNELS = 5, (3, 5, 7, 9, 15)
SETTINGS = {"depth": DEPTH, "kernels": KERNELS, "version": 2}


def rows(bench: Workbench) -> list[Row]:
    """A row for each kernel size."""
    recipe, channels = bench.scale.recipe(), bench.scale.channels
    return [Row(f"{k}×{k}", partial(empirics.CNN, 1, DEPTH, channels, k), recipe) for k in KERNELS]


def compute(bench: Workbench) -> FigureData:
    """Train convolutional networks of several kernel sizes on a 7."""
    asked = rows(bench)
    arrays, labels = ask(bench, asked)
    statement = (
        f"Convolutional networks of {DEPTH} layers with kernels of {KERNELS[0]}×{KERNELS[0]} to "
        f"{KERNELS[-1]}×{KERNELS[-1]} taps, trained to reproduce one digit. "
        + finding("larger kernels learn less of the identity", arrays["with_input"], rises=False)
        + " "
        + finding("they learn more of the constant function", arrays["with_constant"], rises=True)
    )
    return FigureData(arrays, caption(statement, bench, asked, arrays), bench.settings(SETTINGS), labels)


draw = draw_rows
