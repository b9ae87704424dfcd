"""Figure 1: trained on many digits, deep networks learn the identity, which makes one digit the harder question."""

from functools import partial

import numpy as np

import empirics
from paper_figures.answer_rows import Row, ask, caption, draw_rows
from paper_figures.fig02_fcn_depth import layers
from paper_figures.figure_data import FigureData
from paper_figures.runs import Runs
from paper_figures.specimens import digit

FCN_DEPTHS, CNN_DEPTHS = (1, 5), (1, 5)
FROM = 3  # the first three digits of each class are asked about, so that networks are not trained on them
EACH, STEPS = {"quick": 5, "paper": 17}, {"quick": 300, "paper": 100_000}
SETTINGS = {"fcn": FCN_DEPTHS, "cnn": CNN_DEPTHS, "each": EACH, "steps": STEPS, "version": 1}


def rows(runs: Runs) -> list[Row]:
    """A row for each kind of network and depth."""
    scale = runs.scale
    many = np.stack([digit(label, FROM + n) for label in range(10) for n in range(EACH.get(scale.name, 1))])
    recipe = scale.recipe(steps=STEPS.get(scale.name, scale.recipe().steps))
    kinds = [(f"FCN, {layers(n)}", partial(empirics.FCN, 784, n, scale.width)) for n in FCN_DEPTHS] + [
        (f"CNN, {layers(n)}", partial(empirics.CNN, 1, n, scale.channels)) for n in CNN_DEPTHS
    ]
    return [Row(label, make, recipe, trained_on=many) for label, make in kinds]


def compute(runs: Runs) -> FigureData:
    """Train networks on the whole digit pack."""
    asked = rows(runs)
    arrays, labels = ask(runs, asked)
    statement = (
        f"Networks trained to reproduce {len(asked[0].trained_on)} digits at once, none of those asked about. So many "
        "examples leave little room for memorizing: convolutional networks of five layers come to the identity, and "
        "fully connected ones nearer to it than from one digit. One layer would learn more, but has slow modes. (The "
        "paper trains on all 60,000 digits of MNIST.)"
    )
    return FigureData(arrays, caption(statement, runs, asked, arrays), runs.settings(SETTINGS), labels)


draw = draw_rows
