"""All that names, or decides whether something is used again: it must be the same on every processor.

Run as a program it prints all of it as JSON, for a test that runs it as another processor would.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch

import empirics
import paper_figures
from paper_figures import workbench
from paper_figures.catalogue import FIGURES, figure_module
from paper_figures.scale import SCALES
from paper_figures.specimens import TRAINED_ON, digit

SWEEPS = Path(paper_figures.__file__).with_name("sweeps")
SIZES = (7, 10, 14, 20, 28, 40, 56)  # of images, in pixels, that figures resize to


def names_and_settings() -> dict[str, object]:
    """By what it belongs to: settings of figures, keys of sweeps, folders of trained networks, pixels of images."""
    found: dict[str, object] = {}
    for name in FIGURES:
        module = figure_module(name)
        for scale in SCALES.values():
            found[f"settings of {name}, {scale.name} scale"] = workbench.Workbench(scale).settings(module.SETTINGS)
        if hasattr(module, "rows"):
            found[f"networks of {name}"] = [folder(row) for row in module.rows(workbench.Workbench())]
    for sweep in sorted(SWEEPS.glob("*.toml")):
        found[f"runs of {sweep.name}"] = [run.key for run in empirics.read_spec(sweep).runs]
    for size in SIZES:
        for pack in ("digits", "patterns"):
            found[f"{pack} of {size} pixels"] = bits_of(empirics.images(pack, size=size).pixels)
    return found


def folder(row) -> str:
    """The folder in which a row's trained networks are kept."""
    with torch.device("meta"):
        network = row.network()
    return workbench._name(network, workbench.flat_for(network, row.trained_on), row.recipe, range(2))


def bits_of(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def arithmetic() -> dict[str, str]:
    """The bits of what may differ from processor to processor: a product, singular values, an exponential."""
    pixels = digit(TRAINED_ON)[0]
    return {
        "product": bits_of(pixels @ pixels),
        "singular values": bits_of(np.linalg.svd(pixels, compute_uv=False)),
        "exponential": bits_of(np.exp(pixels)),
    }


if __name__ == "__main__":
    json.dump({"names": names_and_settings(), "arithmetic": arithmetic()}, sys.stdout)
