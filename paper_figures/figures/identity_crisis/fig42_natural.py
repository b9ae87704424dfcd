"""Figure 42: convolutional networks trained on one natural colour image."""

from functools import partial

import numpy as np

import empirics
from paper_figures.answer_rows import Row, ask, caption, draw_rows
from paper_figures.beside_the_paper import finding
from paper_figures.figure_data import FigureData
from paper_figures.figures.identity_crisis.fig02_fcn_depth import layers
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
    asked = rows(bench)
    arrays, labels = ask(bench, asked)
    published = bench.available(*IMAGES) == "cifar10"
    what = "image of CIFAR-10" if published else "32×32 crop of a colour photograph"
    here = "" if published else " (here: embedded photographs)"
    statement = (
        f"Convolutional networks (5×5 kernels) trained to reproduce one {what}, and asked about others. The paper "
        f"trains on CIFAR-10{here}, and finds the same with colours as with digits: from shallow networks that "
        f"reproduce any image to deep ones that answer with the one they know. "
        + finding("deeper networks learn less of the identity", arrays["with_input"], rises=False)
        + " "
        + finding("they learn more of the constant function", arrays["with_constant"], rises=True)
    )
    text = caption(statement, bench, asked, arrays, measured="the other images" if published else "the other crops")
    return FigureData(arrays, text, bench.settings(SETTINGS), labels)


draw = draw_rows
