"""Pictures of what the layers of a network hold, trained and untrained: a mosaic of all channels each."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from torch import nn

import empirics
from paper_figures.panels import bare
from paper_figures.specimens import TRAINED_ON, digit
from paper_figures.workbench import Workbench

DEPTHS = (7, 14, 20)  # of the networks that are looked into
MOSAICS = 6  # layers of a network that are drawn
ASKED = 4  # the class of the digit whose activations are shown
STATES = ("untrained", "trained")


def networks(bench: Workbench, depth: int, state: str) -> Iterator[nn.Module]:
    """The networks of a depth that learned a 7, one a seed, or as they were before."""
    recipe = bench.scale.recipe()
    ensemble = bench.train(
        partial(empirics.CNN, 1, depth, bench.scale.channels), digit(TRAINED_ON)[None], recipe=recipe
    )
    for member, seed in enumerate(ensemble.seeds):
        network = ensemble.member(member)
        yield empirics.initialize(network, recipe.scheme, seed) if state == "untrained" else network


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
