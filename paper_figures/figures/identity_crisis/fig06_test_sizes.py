"""Figures 6 and 7: an identity learned from one digit holds for images of other sizes."""

from functools import partial

import numpy as np

import empirics
from paper_figures.answer_rows import Row, ask, draw_rows
from paper_figures.beside_the_paper import finding
from paper_figures.caption import layers, say
from paper_figures.figure_data import FigureData
from paper_figures.row_captions import row_caption
from paper_figures.specimens import other_digits, specimens
from paper_figures.workbench import Workbench

DEPTHS, SIZES = (5, 14), (7, 14, 56)
SETTINGS = {"depths": DEPTHS, "sizes": SIZES, "version": 2}


def rows(bench: Workbench) -> list[Row]:
    """A row for each depth and size of the images asked about."""
    recipe, channels = bench.scale.recipe(), bench.scale.channels
    return [
        Row(
            f"{layers(depth)},\nasked at {n}×{n}",
            partial(empirics.CNN, 1, depth, channels),
            recipe,
            shown=specimens(n),
            measured=other_digits(n),
        )
        for depth in DEPTHS
        for n in SIZES
    ]


def compute(bench: Workbench) -> FigureData:
    """Ask networks trained on a 7 of 28×28 pixels about images of other sizes."""
    arrays, labels = ask(bench, rows(bench))
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), labels)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and what came of it."""
    phrase = partial(say, "fig06_test_sizes")
    by_depth = np.split(arrays["with_input"], len(DEPTHS))
    findings = [
        finding(phrase("larger", layers=layers(depth)), values, rises=True)
        for depth, values in zip(DEPTHS, by_depth, strict=True)
    ]
    return row_caption(phrase(findings=" ".join(findings)), bench, rows(bench), arrays)


draw = draw_rows
