"""Figure 41: skip connections take deep fully connected networks away from the constant function."""

from functools import partial

import empirics
from paper_figures.answer_rows import Row, ask, caption, draw_rows
from paper_figures.fig02_fcn_depth import layers
from paper_figures.figure_data import FigureData
from paper_figures.runs import Runs

DEPTHS = (4, 10)
SETTINGS = {"depths": DEPTHS, "version": 1}


def rows(runs: Runs) -> list[Row]:
    """A row for each depth, with and without skips; the hidden layers are as wide as the images, or wider."""
    recipe, width = runs.scale.recipe(), runs.scale.width
    return [
        Row(
            f"{layers(n)},\n{'residual' if residual else 'plain'}",
            partial(empirics.FCN, 784, n, width, residual=residual),
            recipe,
        )
        for n in DEPTHS
        for residual in (False, True)
    ]


def compute(runs: Runs) -> FigureData:
    """Train plain and residual fully connected networks on a 7."""
    asked = rows(runs)
    arrays, labels = ask(runs, asked)
    gained = arrays["with_input"][1::2].mean() - arrays["with_input"][::2].mean()
    statement = (
        "Fully connected networks trained to reproduce one digit, plain and with an identity skip over every two "
        "hidden layers, x + relu(W₂ relu(W₁ x)). The paper finds that skips move them towards the identity; here "
        f"they move away from the constant function, and their correlation with the input changes by {gained:+.2f} "
        f"on average: with {runs.scale.width} units for 784 pixels, and a first and a last layer that nothing "
        "skips, the skips carry features, not the image."
    )
    return FigureData(arrays, caption(statement, runs, asked, arrays), runs.settings(SETTINGS), labels)


draw = draw_rows
