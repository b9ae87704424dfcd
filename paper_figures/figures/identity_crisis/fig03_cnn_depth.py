"""Figure 3: convolutional networks trained on one digit learn the identity or less, by their depth."""

from functools import partial

import empirics
from paper_figures.answer_rows import Row, ask, caption, draw_rows
from paper_figures.beside_the_paper import finding, spread
from paper_figures.figure_data import FigureData
from paper_figures.figures.identity_crisis.fig02_fcn_depth import layers
from paper_figures.workbench import Workbench

DEPTHS, WITH_BIASES = (1, 2, 5, 7, 10, 14, 20), (5, 10, 20)
SETTINGS = {"depths": DEPTHS, "with_biases": WITH_BIASES, "version": 2}


def rows(bench: Workbench) -> list[Row]:
    """A row for each depth; then torch's default initialization, with biases."""
    recipe, channels = bench.scale.recipe(), bench.scale.channels
    default = bench.scale.recipe(init="default")
    plain = [Row(layers(n), partial(empirics.CNN, 1, n, channels), recipe) for n in DEPTHS]
    biased = [
        Row(f"{layers(n)},\ndefault, biases", partial(empirics.CNN, 1, n, channels, bias=True), default)
        for n in WITH_BIASES
    ]
    return plain + biased


def compute(bench: Workbench) -> FigureData:
    """Train convolutional networks of several depths on a 7."""
    asked = rows(bench)
    arrays, labels = ask(bench, asked)
    two_and_more = arrays["with_input"][1 : len(DEPTHS)]
    deepest = arrays["with_constant"][[len(DEPTHS) - 1, -1]]
    statement = (
        "Convolutional ReLU networks (5×5 kernels) of one to twenty layers trained to reproduce one digit, from "
        "Xavier-uniform initial weights without biases, and from torch's default ones with biases. One layer would "
        "learn the identity fully, but has slow modes. "
        + finding("from two layers on deeper networks learn less of it", two_and_more, rises=False)
        + " "
        + spread(
            f"The paper's networks of {DEPTHS[-1]} layers are near the constant function; those here correlate with "
            "the training image",
            deepest,
        )
        + " (without biases, and with them)."
    )
    return FigureData(arrays, caption(statement, bench, asked, arrays), bench.settings(SETTINGS), labels)


draw = draw_rows
