"""Figures 38 and 39: networks trained on two and three digits."""

from functools import partial

import numpy as np

import empirics
from paper_figures.answer_rows import Row, ask, caption, draw_rows
from paper_figures.beside_the_paper import spread
from paper_figures.figure_data import FigureData
from paper_figures.figures.identity_crisis.fig02_fcn_depth import layers
from paper_figures.specimens import TRAINED_ON, digit
from paper_figures.workbench import Workbench

CLASSES = (TRAINED_ON, 0, 1)
SETTINGS = {"classes": CLASSES, "version": 2}


def rows(bench: Workbench) -> list[Row]:
    """A row for each kind of network and number of training images."""
    recipe, scale = bench.scale.recipe(), bench.scale
    kinds: dict[str, dict[int, partial]] = {
        "FCN": {n: partial(empirics.FCN, 784, n, scale.width) for n in (1, 7)},
        "CNN": {n: partial(empirics.CNN, 1, n, scale.channels) for n in (5, 14)},
    }
    return [
        Row(f"{kind}, {layers(n)},\n{count} digits", make, recipe, trained_on=np.stack([*map(digit, CLASSES[:count])]))
        for kind, made in kinds.items()
        for n, make in made.items()
        for count in (2, 3)
    ]


def compute(bench: Workbench) -> FigureData:
    """Train networks on two and three digits."""
    asked = rows(bench)
    arrays, labels = ask(bench, asked)
    fully = sum(label.startswith("FCN") for label in labels)
    statement = (
        f"Networks trained to reproduce two digits ({CLASSES[0]} and {CLASSES[1]}) and three (also {CLASSES[2]}). In "
        "the paper fully connected ones answer with mixtures of what they were trained on, and convolutional ones are "
        "nearer to the identity than after one digit. Here "
        + spread("the fully connected ones correlate with the nearest training image", arrays["with_constant"][:fully])
        + spread(", and the convolutional ones with the input", arrays["with_input"][fully:])
        + "."
    )
    return FigureData(arrays, caption(statement, bench, asked, arrays), bench.settings(SETTINGS), labels)


draw = draw_rows
