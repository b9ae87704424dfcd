"""One experiment: train on an image, predict others, measure what was learned, write it all to a folder."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from empirics.images.by_name import images
from empirics.images.image_set import ImageSet
from empirics.measures.comparison import correlation
from empirics.measures.likeness import Likeness, likeness
from empirics.measures.zones import zone
from empirics.training.ensemble import TrainedEnsemble
from empirics.training.recipe import Recipe
from empirics.training.train import train
from files import contact_sheet, npy_bytes, png_bytes, write_together

ROWS_DRAWN = 8
Images = Float[np.ndarray, "n channels height width"]


@dataclass(frozen=True, eq=False)
class Measured:
    """What the members made of some images.

    Attributes:
        inputs: (n, C, H, W).
        predictions: (seeds, n, C', H', W').
        likeness: of each prediction to its input and to the image trained on, (seeds, n) each.
        zone: "A" to "D", see `zone`, "" for a diverged member; None where any size differs.
    """

    inputs: Images
    predictions: Float[np.ndarray, "seeds n channels height width"]
    likeness: Likeness
    zone: np.ndarray | None


def measure(ensemble: TrainedEnsemble, training_image: np.ndarray, inputs: Images, *, flat: bool) -> Measured:
    """Predict images, and compare the predictions with them and with the training image.

    Args:
        ensemble: trained on one image.
        training_image: that image, (C, H, W).
        inputs: images, (n, C, H, W).
        flat: whether the networks take flattened images.
    """
    given = inputs.reshape(len(inputs), -1) if flat else inputs
    predictions = ensemble.predict(given)
    if flat:
        predictions = predictions.reshape(len(ensemble.seeds), *inputs.shape)

    found = likeness(predictions, inputs, training_image)
    zones = None
    if found.with_input is not None and found.with_training_image is not None:
        rho = correlation(inputs, training_image)
        diverged = np.isnan(found.with_input)
        zones = np.where(diverged, "", zone(found.with_input, found.with_training_image, rho))
    return Measured(inputs, predictions, found, zones)


def standard_inputs(shape: tuple[int, int, int]) -> dict[str, Images]:
    """One digit of each class, and the patterns, in the shape (C, H, W) of a training image; grey in every channel."""
    channels, height, width = shape
    digits = images("digits", size=(height, width))
    sets: dict[str, ImageSet] = {
        "digits": digits.take(np.arange(0, len(digits), len(digits) // 10)),
        "patterns": images("patterns", size=(height, width)),
    }
    return {name: np.repeat(found.as_float(), channels, axis=1) for name, found in sets.items()}


def write_results(folder: Path, ensemble: TrainedEnsemble, measured: dict[str, Measured]) -> None:
    """Write the ensemble, and for each set of inputs NAME.npy (predictions) and NAME.png (inputs above predictions).

    metrics.json holds losses and what `Measured` does; what is not a number is null there.

    Raises:
        OSError: the folder cannot be written to.
    """
    ensemble.save(folder)  # first: what took longest
    contents = {"metrics.json": json.dumps(metrics(ensemble, measured), indent=2, allow_nan=False).encode()}
    for name, result in measured.items():
        contents[f"{name}.npy"] = npy_bytes(result.predictions)
        drawn = result.predictions[:ROWS_DRAWN]
        rows = [result.inputs[None], drawn] if result.inputs.shape[1:] == drawn.shape[2:] else [drawn]
        contents[f"{name}.png"] = png_bytes(contact_sheet(np.concatenate(rows)))
    write_together((folder / name, content) for name, content in contents.items())


def metrics(ensemble: TrainedEnsemble, measured: dict[str, Measured]) -> dict[str, Any]:
    """What was measured, as JSON can hold it."""
    return {
        "recipe": asdict(ensemble.recipe),
        "parameters": sum(parameter.numel() for parameter in ensemble.network.parameters()),
        "seeds": ensemble.seeds,
        "loss": _plain(ensemble.history.losses[:, -1].numpy()),
        "diverged": ensemble.diverged,
        "stopped": ensemble.stopped,
        "learned": ensemble.learned,
        "images": {
            name: {
                "with_input": _plain(result.likeness.with_input),
                "with_training_image": _plain(result.likeness.with_training_image),
                "mse": _plain(result.likeness.mse),
                "zone": None if result.zone is None else [[letter or None for letter in row] for row in result.zone],
            }
            for name, result in measured.items()
        },
    }


def _plain(values: np.ndarray | None) -> Any:
    """Nested lists with None for what is not a finite number."""
    if values is None:
        return None
    return [_plain(value) if np.ndim(value) else float(value) if math.isfinite(value) else None for value in values]


def run(
    make_model: Callable[[], nn.Module],
    training_image: np.ndarray,
    inputs: dict[str, Images],
    *,
    flat: bool,
    recipe: Recipe,
    seeds: range,
    device: torch.device | str | None = None,
    checkpoint: Path | None = None,
    checkpoint_every: int | timedelta = timedelta(minutes=1),
    progress: bool = True,
) -> tuple[TrainedEnsemble, dict[str, Measured]]:
    """Train on one image (C, H, W), flattened in that order where `flat`, and measure what comes of each set of inputs.

    Raises:
        TypeError: a setting of the wrong type, or arrays of different kinds.
        ValueError: a network that cannot be trained, images that do not fit it, settings out of range, or a checkpoint
            of another training.
        OSError: checkpoints cannot be read or written.
    """
    x = training_image.reshape(-1) if flat else training_image
    ensemble = train(
        make_model,
        x,
        recipe=recipe,
        seeds=seeds,
        device=device,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        progress=progress,
    )
    return ensemble, {name: measure(ensemble, training_image, given, flat=flat) for name, given in inputs.items()}
