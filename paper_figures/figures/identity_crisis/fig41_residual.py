"""Figure 41: skips take deep fully connected networks from the constant function, toward noise or to the identity."""

from collections.abc import Callable
from functools import partial

import numpy as np

import empirics
from empirics.networks.skips_throughout import SkipsThroughout
from paper_figures.answer_rows import Row, ask, caption, draw_rows
from paper_figures.figure_data import FigureData
from paper_figures.figures.identity_crisis.fig02_fcn_depth import layers
from paper_figures.workbench import Network, Workbench

DEPTHS = (4, 10)
KINDS = ("plain", "skips between", "skips throughout")
SETTINGS = {"depths": DEPTHS, "kinds": KINDS, "version": 3}


def rows(bench: Workbench) -> list[Row]:
    """For each depth: without skips, with skips between plain layers, and with skips from input to output."""
    recipe, width = bench.scale.recipe(), bench.scale.width
    makers: dict[str, Callable[[int], Callable[[], Network]]] = {
        "plain": lambda n: partial(empirics.FCN, 784, n, width),
        "skips between": lambda n: partial(empirics.FCN, 784, n, width, residual=True),
        "skips throughout": lambda n: partial(SkipsThroughout, 784, n, width),
    }
    return [Row(f"{layers(n)},\n{kind}", makers[kind](n), recipe) for n in DEPTHS for kind in KINDS]


def compute(bench: Workbench) -> FigureData:
    """Train plain and residual fully connected networks on a 7."""
    asked = rows(bench)
    arrays, labels = ask(bench, asked)
    means = {
        name: np.nanmean(arrays[name], axis=1).reshape(len(DEPTHS), -1) for name in ("with_input", "with_constant")
    }
    changes = {name: (found[:, 1:] - found[:, :1]).mean(axis=0) for name, found in means.items()}
    (input_between, input_throughout), (constant_between, constant_throughout) = changes.values()
    near = " and ".join(
        f"{found:.2f} with {depth}" for depth, found in zip(DEPTHS, means["with_input"][:, -1], strict=True)
    )
    statement = (
        "Fully connected networks trained to reproduce one digit: plain; of blocks x + relu(W₂ relu(W₁ x)), with an "
        "identity skip over every two hidden layers, between a plain first and a plain last layer; and of such blocks "
        "from input to output. The paper finds that skips move networks from the constant function towards the "
        "identity. That depends on what they skip. Between plain layers they lead towards noise: against plain "
        "networks of as many layers the correlation with the training image changes by "
        f"{constant_between:+.2f} on average, that with the input by {input_between:+.2f}, since the first layer's "
        "random features are never undone. From input to output they lead to the identity: by "
        f"{constant_throughout:+.2f} and {input_throughout:+.2f}, to a correlation with the input of {near} layers."
    )
    return FigureData(arrays, caption(statement, bench, asked, arrays), bench.settings(SETTINGS), labels)


draw = draw_rows
