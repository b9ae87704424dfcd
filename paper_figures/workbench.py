"""The networks that figures are about: trained once, and kept for every figure that asks for the same ones."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

import empirics
from paper_figures.scale import QUICK, FigureScale

if TYPE_CHECKING:  # torch takes long to load, and a list of figures needs none of it
    from torch import nn

    from empirics.networks.skips_throughout import SkipsThroughout

PUBLISHED = ("mnist", "cifar10")  # sets that are used where their files are
Network: TypeAlias = "empirics.FCN | empirics.CNN | SkipsThroughout"


@dataclass(frozen=True)
class Workbench:
    """What figures are computed with: networks at one scale, trained once, and sets of images.

    Attributes:
        scale: sizes and recipe.
        folder: where trained networks are kept, one folder each, named after what they are; None to keep none.
        device: where to train, as torch names it; None for the CPU.
        data_dir: the folder that published sets of images are read from; None for none.
    """

    scale: FigureScale = QUICK
    folder: Path | None = None
    device: str | None = None
    data_dir: Path | None = None

    def settings(self, figure: dict[str, Any]) -> dict[str, Any]:
        """What decides whether a figure's stored data can be used again, as JSON gives it back.

        Where a figure names several sets of images, the first that is there counts.
        """
        settings = figure | {"scale": asdict(self.scale)}
        if "images" in figure:
            settings["images"] = self.available(*figure["images"])
        return json.loads(json.dumps(settings))

    def available(self, *names: str) -> str:
        """The first of these sets of images that is there: embedded, or with its files in `data_dir`.

        Raises:
            ValueError: files in `data_dir` are not the published ones.
            OSError: none of the sets is there.
        """
        missing: OSError | None = None
        for name in names:
            try:
                self.images(name)
                return name
            except OSError as error:
                missing = error
        raise missing or ValueError("names must hold at least one set of images, got none")

    def images(self, name: str, split: str = "train") -> empirics.ImageSet:
        """A set of images by name, see `empirics.images`; published ones only from `data_dir`: nothing is fetched.

        Raises:
            ValueError: files in `data_dir` are not the published ones.
            OSError: they are not there.
        """
        return _images(name, split, self.data_dir)

    def train(
        self,
        make_model: Callable[[], Network],
        images: np.ndarray,
        *,
        recipe: empirics.Recipe,
        seeds: Sequence[int] | None = None,
    ) -> empirics.TrainedEnsemble:
        """Train networks to reproduce images (n, C, H, W), or take them from the folder if it has them.

        A fully connected network gets the images flattened, in C, H, W order.
        """
        model = make_model()
        members = range(self.scale.seeds) if seeds is None else seeds
        inputs = flat_for(model, images)
        how: dict[str, Any] = {"recipe": recipe, "seeds": members, "device": self.device, "progress": False}
        if self.folder is None:
            return empirics.train(make_model, inputs, **how)
        kept = self.folder / _name(model, inputs, recipe, members)
        try:
            return empirics.TrainedEnsemble.load(kept, make_model)
        except FileNotFoundError:
            pass  # not trained yet, or killed before it was saved
        except ValueError as error:
            print(f"{error}; trained anew", file=sys.stderr)
        begun = kept.with_name(f"{kept.name}.begun")  # so that what is stopped goes on where it was
        ensemble = empirics.train(make_model, inputs, **how, checkpoint=begun)
        ensemble.save(kept)
        shutil.rmtree(begun, ignore_errors=True)
        return ensemble


@cache
def _images(name: str, split: str, data_dir: Path | None) -> empirics.ImageSet:
    if name in PUBLISHED and data_dir is None:
        raise FileNotFoundError(f"{name} needs a folder with its files (--data-dir)")
    return empirics.images(name, split=split, data_dir=data_dir if name in PUBLISHED else None)


def flat_for(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """Images (n, C, H, W) as a network takes them: flattened but for a convolutional one."""
    return images if isinstance(model, empirics.CNN) else images.reshape(len(images), -1)


def answers(ensemble: empirics.TrainedEnsemble, images: np.ndarray) -> np.ndarray:
    """What each network makes of images (n, C, H, W): (seeds, n, C, H, W)."""
    outputs = np.asarray(ensemble.predict(flat_for(ensemble.network, images)))
    return outputs.reshape(len(ensemble.seeds), *images.shape)


def _name(model: Network, inputs: np.ndarray, recipe: empirics.Recipe, seeds: Sequence[int]) -> str:
    """A name for a training: equal for equal networks, recipes, seeds and images."""
    said = {
        "network": [type(model).__name__, model.settings()],
        "recipe": asdict(recipe),
        "seeds": list(seeds),
        "inputs": hashlib.sha256(np.ascontiguousarray(inputs).tobytes()).hexdigest(),
        "shape": inputs.shape,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:20]
