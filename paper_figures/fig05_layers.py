"""Figures 5 and 15: what the layers of a convolutional network still know of their input, trained and untrained."""

from functools import partial

import numpy as np
from matplotlib.figure import Figure

import empirics
from paper_figures.answer_rows import said
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, bare, house_style
from paper_figures.runs import Runs
from paper_figures.specimens import TRAINED_ON, digit

DEPTHS, MOSAIC_DEPTH, MOSAICS = (7, 14, 20), 14, 6
KNOWN_EACH = 12  # digits of each class that the classifier knows; it is asked about the rest
SETTINGS = {"depths": DEPTHS, "known": KNOWN_EACH, "mosaics": MOSAICS, "version": 1}


def compute(runs: Runs) -> FigureData:
    """Train on a 7, and ask a similarity-weighted classifier at each layer."""
    scale, pack = runs.scale, empirics.images("digits")
    recipe = scale.recipe()
    known = np.arange(len(pack)) % 20 < KNOWN_EACH
    images, labels = pack.as_float(), np.asarray(pack.labels)
    arrays: dict[str, np.ndarray] = {}
    for depth in DEPTHS:
        ensemble = runs.train(partial(empirics.CNN, 1, depth, scale.channels), digit(TRAINED_ON)[None], recipe=recipe)
        for state in ("untrained", "trained"):
            errors = []
            for member in range(len(ensemble.seeds)):
                network = ensemble.member(member)
                if state == "untrained":
                    empirics.initialize(network, recipe.init, ensemble.seeds[member])
                errors.append(empirics.probe(network, images[known], labels[known], images[~known], labels[~known]))
                if depth == MOSAIC_DEPTH and member == 0:
                    mosaics = empirics.layer_mosaics(network, digit(4))
                    chosen = np.linspace(1, len(mosaics) - 2, MOSAICS).astype(int)
                    for place, layer in enumerate(chosen):
                        arrays[f"mosaic_{state}_{place}"] = mosaics[layer].astype(np.float32)
                    arrays["mosaic_layers"] = chosen
            arrays[f"error_{state}_{depth}"] = np.array(errors)  # seeds, layers
    last = {depth: float(arrays[f"error_trained_{depth}"][:, -1].mean()) for depth in DEPTHS}
    first = float(arrays[f"error_trained_{DEPTHS[0]}"][0, 0])
    caption = (
        "What layers still know of an image. Above: error of a similarity-weighted classifier (cosine-weighted "
        f"votes of {int(known.sum())} digits, asked about {int((~known).sum())} others) on the activations after "
        f"each layer of convolutional networks trained on one 7 by {said(recipe)}, and of the same networks "
        f"untrained; {scale.seeds} networks a curve, {scale.channels} channels ({scale.name} scale). It is "
        f"{first:.2f} on the images themselves, and at the trained networks' outputs "
        f"{', '.join(f'{error:.2f} ({depth} layers)' for depth, error in last.items())}. Below: all channels of some "
        f"layers of a {MOSAIC_DEPTH}-layer network, for a 4, each layer on its own grey scale. (The paper's "
        "classifier knows MNIST's training set.)"
    )
    return FigureData(arrays, caption, runs.settings(SETTINGS))


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
        axes[0].set_ylabel("classifier's error")
        axes[0].legend(loc="upper left")
        grid = below.subplots(2, MOSAICS)
        for line, state in zip(grid, ("untrained", "trained"), strict=True):
            line[0].set_ylabel(state, rotation=0, ha="right", va="center")
            for place, axis in enumerate(line):
                mosaic = arrays[f"mosaic_{state}_{place}"]
                axis.imshow(np.ma.masked_invalid(mosaic), vmin=np.nanmin(mosaic), vmax=np.nanmax(mosaic))
                bare(axis)
        for axis, layer in zip(grid[0], arrays["mosaic_layers"], strict=True):
            axis.set_title(f"layer {layer}")
    return figure
