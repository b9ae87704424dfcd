"""Figures 6 and 7: an identity learned from one digit holds for images of other sizes."""

from functools import partial

import empirics
from paper_figures.answer_rows import Row, ask, caption, draw_rows
from paper_figures.beside_the_paper import finding
from paper_figures.figure_data import FigureData
from paper_figures.figures.identity_crisis.fig02_fcn_depth import layers
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
    asked = rows(bench)
    arrays, labels = ask(bench, asked)
    statement = (
        "Convolutional networks (5×5 kernels) trained to reproduce one digit of 28×28 pixels, asked about images of "
        "other sizes. Where sizes differ there is no correlation with the training image. "
        + " ".join(
            finding(
                f"{layers(depth)} keep more of the identity the larger the images are (on the smallest, borders "
                "reach everywhere)",
                arrays["with_input"][place * len(SIZES) : (place + 1) * len(SIZES)],
                rises=True,
            )
            for place, depth in enumerate(DEPTHS)
        )
    )
    return FigureData(arrays, caption(statement, bench, asked, arrays), bench.settings(SETTINGS), labels)


draw = draw_rows
