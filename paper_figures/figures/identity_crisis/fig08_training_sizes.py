"""Figure 8: how large the training image is decides whether a convolutional network learns the identity from it."""

from functools import partial

import empirics
from paper_figures.answer_rows import Row, ask, caption, draw_rows
from paper_figures.beside_the_paper import finding
from paper_figures.figure_data import FigureData
from paper_figures.specimens import TRAINED_ON, digit
from paper_figures.workbench import Workbench

DEPTH, SIZES = 5, (7, 10, 14, 20, 28, 40)
SETTINGS = {"depth": DEPTH, "sizes": SIZES, "version": 2}


def rows(bench: Workbench) -> list[Row]:
    """A row for each size of the training image; all are asked about images of 28×28 pixels."""
    recipe, channels = bench.scale.recipe(), bench.scale.channels
    return [
        Row(
            f"trained at {n}×{n}",
            partial(empirics.CNN, 1, DEPTH, channels),
            recipe,
            trained_on=digit(TRAINED_ON, size=n)[None],
        )
        for n in SIZES
    ]


def compute(bench: Workbench) -> FigureData:
    """Train five-layer convolutional networks on a 7 of several sizes."""
    asked = rows(bench)
    arrays, labels = ask(bench, asked)
    statement = (
        f"Convolutional networks of {DEPTH} layers (5×5 kernels) trained to reproduce one digit of "
        f"{SIZES[0]}×{SIZES[0]} to {SIZES[-1]}×{SIZES[-1]} pixels, asked about images of 28×28 (at other sizes "
        "there is no correlation with the training image). "
        + finding("larger training images teach more of the identity", arrays["with_input"], rises=True)
    )
    return FigureData(arrays, caption(statement, bench, asked, arrays), bench.settings(SETTINGS), labels)


draw = draw_rows
