"""Figures 38 and 39: networks trained on two and three digits."""

from functools import partial

import numpy as np

import empirics
from paper_figures.answer_rows import Row, ask, draw_rows
from paper_figures.beside_the_paper import spread
from paper_figures.caption import layers, say
from paper_figures.figure_data import FigureData
from paper_figures.row_captions import row_caption
from paper_figures.specimens import TRAINED_ON, digit
from paper_figures.workbench import Workbench

CLASSES = (TRAINED_ON, 0, 1)
FCN_DEPTHS, CNN_DEPTHS = (1, 7), (5, 14)
SETTINGS = {"classes": CLASSES, "fcn": FCN_DEPTHS, "cnn": CNN_DEPTHS, "version": 2}


def rows(bench: Workbench) -> list[Row]:
    """A row for each kind of network and number of training images."""
    recipe, scale = bench.scale.recipe(), bench.scale
    kinds: dict[str, dict[int, partial]] = {
        "FCN": {n: partial(empirics.FCN, 784, n, scale.width) for n in FCN_DEPTHS},
        "CNN": {n: partial(empirics.CNN, 1, n, scale.channels) for n in CNN_DEPTHS},
    }
    return [
        Row(f"{kind}, {layers(n)},\n{count} digits", make, recipe, trained_on=np.stack([*map(digit, CLASSES[:count])]))
        for kind, made in kinds.items()
        for n, make in made.items()
        for count in (2, 3)
    ]


def compute(bench: Workbench) -> FigureData:
    """Train networks on two and three digits."""
    arrays, labels = ask(bench, rows(bench))
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), labels)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and what came of it."""
    asked, phrase = rows(bench), partial(say, "fig38_several_examples")
    fully = sum(row.label.startswith("FCN") for row in asked)
    first, second, third = CLASSES
    statement = phrase(
        first=first,
        second=second,
        third=third,
        fully=spread(phrase("fully"), arrays["with_training_image"][:fully]),
        convolutional=spread(phrase("convolutional"), arrays["with_input"][fully:]),
    )
    return row_caption(statement, bench, asked, arrays)


draw = draw_rows
