"""Figure 5: what the layers of a convolutional network still know of their input, trained and untrained."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from torch import nn

import empirics
from paper_figures.answer_rows import said
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, bare, house_style
from paper_figures.specimens import TRAINED_ON, digit
from paper_figures.workbench import Workbench

DEPTHS, MOSAIC_DEPTH, MOSAICS = (7, 14, 20), 14, 6
ASKED = 4  # the class of the digit whose activations are shown
IMAGES = ("mnist", "digits")  # the first that is there
KNOWN_EACH = 12  # embedded digits of each class that the classifier knows; it is asked about the rest
OF_MNIST = {"quick": (6_000, 1_000), "paper": (60_000, 10_000)}  # known of its training set, asked of its test set
SETTINGS = {
    "depths": DEPTHS,
    "images": IMAGES,
    "known_each": KNOWN_EACH,
    "of_mnist": OF_MNIST,
    "mosaics": MOSAICS,
    "version": 3,
}
STATES = ("untrained", "trained")


def networks(bench: Workbench, depth: int, state: str) -> Iterator[nn.Module]:
    """The networks of a depth that learned a 7, one a seed, or as they were before."""
    recipe = bench.scale.recipe()
    ensemble = bench.train(
        partial(empirics.CNN, 1, depth, bench.scale.channels), digit(TRAINED_ON)[None], recipe=recipe
    )
    for member, seed in enumerate(ensemble.seeds):
        network = ensemble.member(member)
        yield empirics.initialize(network, recipe.init, seed) if state == "untrained" else network


def mosaics(bench: Workbench, depth: int) -> dict[str, np.ndarray]:
    """All channels of some layers of the first network of a depth, trained and untrained, for a 4."""
    chosen = np.linspace(1, depth - 1, MOSAICS).astype(int)
    arrays = {f"layers_{depth}": chosen}
    for state in STATES:
        held = empirics.layer_mosaics(next(networks(bench, depth, state)), digit(ASKED))
        arrays |= {f"mosaic_{state}_{depth}_{place}": held[layer] for place, layer in enumerate(chosen)}
    # Drawn each on its own grey scale, from 0 (after a ReLU) to 1: small numbers, kept short.
    return {name: _scaled(array) if name.startswith("mosaic") else array for name, array in arrays.items()}


def _scaled(mosaic: np.ndarray) -> np.ndarray:
    greatest = np.nanmax(mosaic)
    return (mosaic / (greatest if greatest > 0 else 1.0)).astype(np.float16)


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
    scale = bench.scale
    known, asked = known_and_asked(bench)
    digits = known.as_float(), known.labels, asked.as_float(), asked.labels
    device = bench.device or "cpu"
    arrays = mosaics(bench, MOSAIC_DEPTH)
    for depth in DEPTHS:
        for state in STATES:
            errors = [empirics.probe(network.to(device), *digits) for network in networks(bench, depth, state)]
            arrays[f"error_{state}_{depth}"] = np.array(errors)  # seeds, layers
    last = {
        state: ", ".join(f"{arrays[f'error_{state}_{depth}'][:, -1].mean():.2f} ({depth} layers)" for depth in DEPTHS)
        for state in STATES
    }
    first = float(arrays[f"error_trained_{DEPTHS[0]}"][0, 0])
    of, others = (
        (" of MNIST's training set", "of its test set") if bench.available(*IMAGES) == "mnist" else ("", "others")
    )
    caption = (
        "What layers still know of an image. Above: error of a similarity-weighted classifier (cosine-weighted "
        f"votes of {len(known):,} digits{of}, asked about {len(asked):,} {others}) on the activations after "
        f"each layer of convolutional networks trained on one 7 by {said(scale.recipe())}, and of the same networks "
        f"untrained; lines are means and bands the range of {scale.seeds} networks, {scale.channels} channels "
        f"({scale.name} scale). It is {first:.2f} on the images themselves, at the trained networks' outputs "
        f"{last['trained']}, at the untrained ones' {last['untrained']}. The paper finds that deep trained networks "
        "lose in their last layers what tells classes apart; its classifier knows all of MNIST's training set. "
        f"Below: all channels of some layers of a {MOSAIC_DEPTH}-layer network, for a {ASKED}, each layer on its own "
        "grey scale."
    )
    return FigureData(arrays, caption, bench.settings(SETTINGS))


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


def draw_mosaics(grid: np.ndarray, arrays: dict[str, np.ndarray], depth: int, of: str = "") -> None:
    """Fill two rows of axes with a network's layers: untrained above, trained below."""
    for line, state in zip(grid, STATES, strict=True):
        line[0].set_ylabel(f"{of}{state}", rotation=0, ha="right", va="center")
        for place, axis in enumerate(line):
            mosaic = arrays[f"mosaic_{state}_{depth}_{place}"].astype(float)
            axis.imshow(np.ma.masked_invalid(mosaic), vmin=np.nanmin(mosaic), vmax=np.nanmax(mosaic))
            bare(axis)
    for axis, layer in zip(grid[0], arrays[f"layers_{depth}"], strict=True):
        axis.set_title(f"layer {layer}")
