"""Figure 10: more channels, and so more parameters, do not turn a convolutional network into the constant function."""

from functools import partial

import empirics
from paper_figures.answer_rows import Row, ask, caption, draw_rows
from paper_figures.beside_the_paper import spread
from paper_figures.figure_data import FigureData
from paper_figures.workbench import Workbench

DEPTH, CHANNELS = 5, {"quick": (3, 8, 16, 32), "paper": (3, 16, 128, 1024)}
SETTINGS = {"depth": DEPTH, "channels": CHANNELS, "version": 2}


def rows(bench: Workbench) -> list[Row]:
    """A row for each number of channels, with the number of parameters."""
    recipe, made = bench.scale.recipe(), []
    for channels in CHANNELS.get(bench.scale.name, (2, bench.scale.channels)):
        parameters = 25 * (2 * channels + (DEPTH - 2) * channels**2)
        made.append(
            Row(
                f"{channels} channels,\n{_short(parameters)} weights",
                partial(empirics.CNN, 1, DEPTH, channels),
                recipe,
            )
        )
    return made


def _short(count: int) -> str:
    """825, 7.1 k, 1.23 M."""
    for unit, letter in ((10**6, " M"), (10**3, " k")):
        if count >= unit:
            return f"{count / unit:.3g}{letter}"
    return str(count)


def compute(bench: Workbench) -> FigureData:
    """Train convolutional networks of several widths on a 7."""
    asked = rows(bench)
    arrays, labels = ask(bench, asked)
    statement = (
        f"Convolutional networks of {DEPTH} layers (5×5 kernels) with few to many channels, trained to reproduce one "
        "digit. The paper finds that more parameters do not make them memorize. Here "
        + spread("the correlation with the training image lies", arrays["with_constant"])
        + spread(", and that with the input", arrays["with_input"])
        + "."
    )
    return FigureData(arrays, caption(statement, bench, asked, arrays), bench.settings(SETTINGS), labels)


draw = draw_rows
