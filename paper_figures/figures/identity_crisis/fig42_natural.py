"""Figure 42: convolutional networks trained on one natural colour image."""

from functools import partial

import numpy as np

import empirics
from paper_figures.answer_rows import Row, ask, draw_rows
from paper_figures.beside_the_paper import finding
from paper_figures.caption import layers, say
from paper_figures.figure_data import FigureData
from paper_figures.row_captions import row_caption
from paper_figures.workbench import Workbench

DEPTHS = (1, 5, 10, 14, 20)
IMAGES = ("cifar10", "natural")  # the first that is there
SETTINGS = {"depths": DEPTHS, "images": IMAGES, "version": 2}
SHOWN, MEASURED = 8, 18  # of CIFAR-10: pictures in a row, and test images that correlations are averaged over


def pictures(bench: Workbench) -> tuple[np.ndarray, np.ndarray]:
    """The image trained on and others that are shown, and those that are measured: (n, 3, 32, 32)."""
    if bench.available(*IMAGES) == "cifar10":
        first, others = bench.images("cifar10").pixels[:1], bench.images("cifar10", "test").pixels[:MEASURED]
        return np.concatenate([first, others[: SHOWN - 1]]) / 255, others / 255
    crops = bench.images("natural").as_float()
    return crops, crops[1:]


def rows(bench: Workbench) -> list[Row]:
    """A row for each depth."""
    recipe, channels = bench.scale.recipe(), bench.scale.channels
    shown, measured = pictures(bench)
    return [
        Row(
            layers(n),
            partial(empirics.CNN, 3, n, channels),
            recipe,
            trained_on=shown[:1],
            shown=shown,
            measured=measured,
        )
        for n in DEPTHS
    ]


def compute(bench: Workbench) -> FigureData:
    """Train convolutional networks on one natural image, and ask them about others."""
    arrays, labels = ask(bench, rows(bench))
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), labels)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and what came of it."""
    phrase, images = partial(say, "fig42_natural"), bench.available(*IMAGES)
    statement = phrase(
        image=phrase(images),
        here=phrase("natural_here") if images == "natural" else "",
        identity=finding(phrase("less"), arrays["with_input"], rises=False),
        constant=finding(phrase("more"), arrays["with_training_image"], rises=True),
    )
    return row_caption(statement, bench, rows(bench), arrays, measured=phrase(f"{images}_measured"))


draw = draw_rows
