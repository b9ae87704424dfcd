"""Figure 5: what the layers of a convolutional network still know of their input, trained and untrained."""

from functools import partial

import numpy as np
from matplotlib.figure import Figure

import empirics
from paper_figures.caption import say
from paper_figures.figure_data import FigureData
from paper_figures.layer_pictures import ASKED, DEPTHS, MOSAICS, STATES, draw_mosaics, mosaics, networks
from paper_figures.panels import TWO_COLUMNS, house_style
from paper_figures.row_captions import recipe_in_words
from paper_figures.workbench import Workbench

MOSAIC_DEPTH = 14  # of the network whose layers are drawn here; figure 15 draws the others'
IMAGES = ("mnist", "digits")  # the first that is there
KNOWN_EACH = 12  # embedded digits of each class that the classifier knows; it is asked about the rest
OF_MNIST = {"quick": (6_000, 1_000), "paper": (60_000, 10_000)}  # known of its training set, asked of its test set
SETTINGS = {
    "depths": DEPTHS,
    "images": IMAGES,
    "known_each": KNOWN_EACH,
    "of_mnist": OF_MNIST,
    "mosaics": MOSAICS,
    "mosaic_depth": MOSAIC_DEPTH,
    "asked": ASKED,
    "version": 3,
}


def known_and_asked(bench: Workbench) -> tuple[empirics.ImageSet, empirics.ImageSet]:
    """Digits that the classifier knows, and others that it is asked about: MNIST's where they are, else embedded."""
    if bench.available(*IMAGES) == "mnist":
        known, asked = OF_MNIST.get(bench.scale.name, (10, 2))
        return bench.images("mnist").take(np.arange(known)), bench.images("mnist", "test").take(np.arange(asked))
    pack = bench.images("digits")
    known_ones = np.arange(len(pack)) % 20 < KNOWN_EACH  # in order of class, 20 of each
    return pack.take(np.flatnonzero(known_ones)), pack.take(np.flatnonzero(~known_ones))


def compute(bench: Workbench) -> FigureData:
    """Train on a 7, and ask a similarity-weighted classifier at each layer."""
    known, asked = known_and_asked(bench)
    digits = known.as_float(), known.labels, asked.as_float(), asked.labels
    device = bench.device or "cpu"
    arrays = mosaics(bench, MOSAIC_DEPTH)
    for depth in DEPTHS:
        for state in STATES:
            errors = [empirics.probe(network.to(device), *digits) for network in networks(bench, depth, state)]
            arrays[f"error_{state}_{depth}"] = np.array(errors)  # seeds, layers
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS))


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was asked, and how much the classifier errs at the first layer and at the last."""
    phrase, scale, (known, asked) = partial(say, "fig05_layers"), bench.scale, known_and_asked(bench)
    from_mnist = bench.available(*IMAGES) == "mnist"

    def at_the_output(state: str) -> str:
        last = {depth: arrays[f"error_{state}_{depth}"][:, -1].mean() for depth in DEPTHS}
        return ", ".join(phrase("error", error=error, depth=depth) for depth, error in last.items())

    return phrase(
        known=len(known),
        of=phrase("known_of_mnist") if from_mnist else "",
        asked=len(asked),
        others=phrase("others_of_mnist" if from_mnist else "others"),
        recipe=recipe_in_words(scale.recipe()),
        seeds=scale.seeds,
        channels=scale.channels,
        scale=scale.name,
        first=arrays[f"error_trained_{DEPTHS[0]}"][0, 0],
        trained=at_the_output("trained"),
        untrained=at_the_output("untrained"),
        depth=MOSAIC_DEPTH,
        digit=ASKED,
    )


def draw(data: FigureData) -> Figure:
    """Errors above, mosaics below."""
    arrays = data.arrays
    with house_style():
        figure = Figure(figsize=(TWO_COLUMNS, 4.6))
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(2, 2.3))[:, 0]
        axes = above.subplots(1, len(DEPTHS), sharey=True)
        for axis, depth in zip(axes, DEPTHS, strict=True):
            for state, colour, style in (("untrained", "0.5", "--"), ("trained", "#0072B2", "-")):
                errors = arrays[f"error_{state}_{depth}"]
                layers = np.arange(errors.shape[1])
                axis.plot(layers, errors.mean(axis=0), style, color=colour, label=state)
                axis.fill_between(layers, errors.min(axis=0), errors.max(axis=0), color=colour, alpha=0.2, linewidth=0)
            axis.set(title=f"{depth} layers", xlabel="layer (0: the image)", ylim=(0, 1))
        axes[0].set_ylabel("classifier's error\n(share of digits)")
        axes[0].legend(loc="upper left")
        draw_mosaics(below.subplots(2, MOSAICS), arrays, MOSAIC_DEPTH)
    return figure
