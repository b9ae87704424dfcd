"""The layer probe: what each layer still knows of its input, asked of a classifier without parameters."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Num
from torch import Tensor, nn

from empirics.arguments import integer, tensor_of
from empirics.layers import activations_of, given_to

# The largest layer of a batch has about this many entries (128 MiB in float64).
BATCH_ENTRIES = 2**24


def probe(
    model: nn.Module,
    training_images: Num[Any, "n ..."],
    training_labels: Int[Any, " n"],
    test_images: Num[Any, "k ..."],
    test_labels: Int[Any, " k"],
    *,
    batch: int | None = None,
) -> Float[np.ndarray, " layers"]:
    """Return the error of the similarity-weighted classifier on what each layer holds.

    With z the activations of a test image at a layer, and zᵢ, yᵢ those of the training images and their one-hot labels,
    it answers argmax Σᵢ cos(z, zᵢ) yᵢ; of equal scores the least label. The sum over i is taken first,
    Σᵢ yᵢ zᵢ/‖zᵢ‖, one vector a class, so that memory does not grow with the number of images. An activation that is
    zero everywhere has no direction, and counts for nothing.

    Args:
        model: trained or not, as `layer_activations` takes it.
        training_images: (n, C, H, W) for a network with convolutions, else (n, d).
        training_labels: class numbers from 0, (n,).
        test_images: likewise, (k, ...).
        test_labels: likewise, (k,).
        batch: images at a time; None for as many as keep a layer near 128 MiB.

    Returns:
        The share of test images answered wrongly, at the inputs themselves, after each layer, and at the outputs: one
        more than there are weight layers.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: images that do not fit the network, labels that are negative or not one an image, or
            a batch below 1.

    Source: Zhang et al. 2020, section on what intermediate layers do; Papernot and McDaniel 2018 for the idea.
    """
    known = given_to(model, "training_images", training_images)
    asked = given_to(model, "test_images", test_images)
    answers = _labels("training_labels", training_labels, len(known)).to(known.device)
    truth = _labels("test_labels", test_labels, len(asked)).to(known.device)
    together = _batch(model, known) if batch is None else integer("batch", batch)
    prototypes = _prototypes(model, known, answers, together)
    wrong = torch.zeros(len(prototypes), dtype=torch.int64, device=known.device)
    for images, labels in zip(asked.split(together), truth.split(together), strict=True):
        for layer, held in enumerate(_directions(model, images)):
            wrong[layer] += ((held @ prototypes[layer].T).argmax(dim=1) != labels).sum()
    return wrong.cpu().numpy() / len(asked)


def _prototypes(model: nn.Module, images: Tensor, labels: Tensor, together: int) -> list[Tensor]:
    """Σᵢ yᵢ zᵢ/‖zᵢ‖ at each layer: (classes, entries)."""
    classes = int(labels.max()) + 1
    sums: list[Tensor] = []
    for some, their_labels in zip(images.split(together), labels.split(together), strict=True):
        for layer, held in enumerate(_directions(model, some)):
            if layer == len(sums):
                sums.append(held.new_zeros(classes, held.shape[1]))
            sums[layer].index_add_(0, their_labels, held)
    return sums


def _directions(model: nn.Module, images: Tensor) -> list[Float[Tensor, "n entries"]]:
    """Activations flattened and scaled to length 1, or zero, in float64."""
    flat = [held.flatten(1).to(torch.float64) for held in activations_of(model, images)]
    lengths = [held.norm(dim=1, keepdim=True) for held in flat]
    return [held / torch.where(length > 0, length, 1.0) for held, length in zip(flat, lengths, strict=True)]


def _batch(model: nn.Module, images: Tensor) -> int:
    largest = max(held.numel() for held in activations_of(model, images[:1]))
    return max(1, BATCH_ENTRIES // largest)


def _labels(name: str, value: Any, count: int) -> Tensor:
    labels = tensor_of(name, value)
    if labels.is_floating_point():
        raise TypeError(f"{name} must hold integers, got dtype {labels.dtype}")
    if tuple(labels.shape) != (count,):
        raise ValueError(f"{name} must have shape ({count},), one an image, got {tuple(labels.shape)}")
    if (least := int(labels.min())) < 0:
        raise ValueError(f"{name} must not be negative, got {least}")
    return labels.to(torch.int64)
