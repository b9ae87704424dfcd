"""Figure 8: how large the training image is decides whether a convolutional network learns the identity from it."""

from functools import partial

import numpy as np

import empirics
from paper_figures.answer_rows import Row, ask, draw_rows
from paper_figures.beside_the_paper import finding
from paper_figures.caption import say
from paper_figures.figure_data import FigureData
from paper_figures.row_captions import row_caption
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
    arrays, labels = ask(bench, rows(bench))
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), labels)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and what came of it."""
    phrase = partial(say, "fig08_training_sizes")
    larger = finding(phrase("larger"), arrays["with_input"], rises=True)
    statement = phrase(depth=DEPTH, least=SIZES[0], greatest=SIZES[-1], finding=larger)
    return row_caption(statement, bench, rows(bench), arrays)


draw = draw_rows
