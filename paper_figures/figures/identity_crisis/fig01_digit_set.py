"""Figure 1: trained on many digits, networks come nearer to the identity; one digit is the harder question."""

from functools import partial

import numpy as np

import empirics
from paper_figures.answer_rows import Row, ask, draw_rows
from paper_figures.caption import layers, say
from paper_figures.figure_data import FigureData
from paper_figures.row_captions import row_caption
from paper_figures.workbench import Workbench

FCN_DEPTHS, CNN_DEPTHS = (1, 5), (1, 5)
IMAGES = ("mnist", "digits")  # the first that is there
FROM = 3  # the first three digits of each class are asked about, so that networks are not trained on them
COUNT, STEPS = {"quick": 50, "paper": 60_000}, {"quick": 300, "paper": 100_000}
DEEP_CNN_COUNT = 1_000  # all digits at once, as full-batch descent takes them, are too many for a GPU's memory
SETTINGS = {
    "fcn": FCN_DEPTHS,
    "cnn": CNN_DEPTHS,
    "images": IMAGES,
    "count": COUNT,
    "deep_cnn_count": DEEP_CNN_COUNT,
    "steps": STEPS,
    "version": 2,
}


def training_set(bench: Workbench) -> np.ndarray:
    """Digits to train on, (n, 1, 28, 28): of MNIST where its files are, else embedded; none of those asked about."""
    count, pack = COUNT.get(bench.scale.name, 10), bench.images("digits")
    if bench.available(*IMAGES) == "mnist":
        embedded = {image.tobytes() for image in pack.pixels}
        mnist = bench.images("mnist")
        others = [n for n, image in enumerate(mnist.pixels) if image.tobytes() not in embedded]
        return mnist.take(np.array(others[:count])).as_float()
    # The pack is in order of class: as many of each.
    each = [np.flatnonzero(pack.labels == label)[FROM : FROM + max(1, count // 10)] for label in range(10)]
    return pack.take(np.concatenate(each)).as_float()


def rows(bench: Workbench) -> list[Row]:
    """A row for each kind of network and depth."""
    scale, many = bench.scale, training_set(bench)
    recipe = scale.recipe(steps=STEPS.get(scale.name, scale.recipe().steps))
    fully = [
        Row(f"FCN, {layers(n)}", partial(empirics.FCN, 784, n, scale.width), recipe, trained_on=many)
        for n in FCN_DEPTHS
    ]
    convolutional = [
        Row(
            f"CNN, {layers(n)}",
            partial(empirics.CNN, 1, n, scale.channels),
            recipe,
            trained_on=many[: DEEP_CNN_COUNT if n > 1 else None],
        )
        for n in CNN_DEPTHS
    ]
    return fully + convolutional


def compute(bench: Workbench) -> FigureData:
    """Train networks on many digits."""
    arrays, labels = ask(bench, rows(bench))
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), labels)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and what came of it."""
    asked, phrase = rows(bench), partial(say, "fig01_digit_set")
    count, fewer = len(asked[0].trained_on), len(asked[-1].trained_on)
    statement = phrase(
        count=count,
        fewer=phrase("fewer", count=fewer) if fewer < count else "",
        source=phrase(bench.available(*IMAGES)),
    )
    return row_caption(statement, bench, asked, arrays)


draw = draw_rows
