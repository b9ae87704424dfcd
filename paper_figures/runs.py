"""The networks that figures are about: trained once, and kept for every figure that asks for the same ones."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

import empirics
from paper_figures.scale import QUICK, Scale

Network = empirics.FCN | empirics.CNN


@dataclass(frozen=True)
class Runs:
    """Trained networks at one scale.

    Attributes:
        scale: sizes and recipe.
        folder: where trained networks are kept, one folder each, named after what they are; None to keep none.
        device: where to train, as torch names it; None for the CPU.
        progress: whether to show a bar for each training (only on a terminal).
    """

    scale: Scale = QUICK
    folder: Path | None = None
    device: str | None = None
    progress: bool = False

    def settings(self, figure: dict[str, Any]) -> dict[str, Any]:
        """What decides whether a figure's stored data can be used again, as JSON gives it back."""
        return json.loads(json.dumps(figure | {"scale": asdict(self.scale)}))

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
        if self.folder is None:
            return empirics.train(
                make_model, inputs, recipe=recipe, seeds=members, device=self.device, progress=self.progress
            )
        kept = self.folder / _name(model, inputs, recipe, members)
        if kept.exists():
            return empirics.TrainedEnsemble.load(kept)
        begun = kept.with_name(f"{kept.name}.begun")  # so that what is stopped goes on where it was
        ensemble = empirics.train(
            make_model,
            inputs,
            recipe=recipe,
            seeds=members,
            device=self.device,
            progress=self.progress,
            checkpoint=begun,
        )
        ensemble.save(kept)
        shutil.rmtree(begun, ignore_errors=True)
        return ensemble


def flat_for(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """Images (n, C, H, W) as a network takes them: flattened for a fully connected one."""
    return images.reshape(len(images), -1) if isinstance(model, empirics.FCN) else images


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
