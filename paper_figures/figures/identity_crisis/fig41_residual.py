"""Figure 41: skips take deep fully connected networks from the constant function, toward noise or to the identity."""

from collections.abc import Callable
from functools import partial

import numpy as np

import empirics
from empirics.networks.skips_throughout import SkipsThroughout
from paper_figures.answer_rows import Row, ask, draw_rows
from paper_figures.caption import enumerated, layers, say
from paper_figures.figure_data import FigureData
from paper_figures.row_captions import row_caption
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
    arrays, labels = ask(bench, rows(bench))
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), labels)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and what came of it."""
    phrase = partial(say, "fig41_residual")
    means = {
        name: np.nanmean(arrays[name], axis=1).reshape(len(DEPTHS), -1)
        for name in ("with_input", "with_training_image")
    }
    changes = {name: (found[:, 1:] - found[:, :1]).mean(axis=0) for name, found in means.items()}
    (input_between, input_throughout), (constant_between, constant_throughout) = changes.values()
    near = enumerated(
        phrase("near", correlation=found, depth=depth)
        for depth, found in zip(DEPTHS, means["with_input"][:, -1], strict=True)
    )
    statement = phrase(
        input_between=input_between,
        input_throughout=input_throughout,
        constant_between=constant_between,
        constant_throughout=constant_throughout,
        near=near,
    )
    return row_caption(statement, bench, rows(bench), arrays)


draw = draw_rows
