"""The layer probe: what each layer still knows of its input, asked of a classifier without parameters."""

from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Num
from torch import Tensor, nn

from empirics.arguments import integer
from empirics.arrays import tensor_of
from empirics.measures.activations import activations_of, given_to, visit_activations

# The largest layer of a batch has about this many entries, at up to 32 bytes for each: what a layer is given and makes
# of it, before and after the activation, in the model's dtype, and one of these once more in float64.
BATCH_ENTRIES = 2**22
PROTOTYPE_BYTES = 2**34


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
    Σᵢ yᵢ zᵢ/‖zᵢ‖, one vector a class, so that memory does not grow with the number of images. Layers are taken one
    after the other: with depth, only these vectors grow. An activation that is zero everywhere has no direction, and
    counts for nothing.

    Args:
        model: trained or not, as `layer_activations` takes it.
        training_images: (n, C, H, W) for a network with convolutions, else (n, d).
        training_labels: class numbers from 0, (n,).
        test_images: likewise, (k, ...).
        test_labels: likewise, (k,).
        batch: images at a time; None for as many as take about 128 MiB, beside the vectors of the classes.

    Returns:
        The share of test images answered wrongly, at the inputs themselves, after each layer, and at the outputs: one
        more than there are weight layers.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: images that do not fit the network, labels that are negative, not one an image, or so large
            that a vector for each class would take more than 16 GiB, or a batch below 1.

    Example:
        >>> from empirics.images.by_name import images
        >>> from empirics.networks.fully_connected import FCN
        >>> digits = images("digits", count=60, size=8)
        >>> x, labels = digits.as_float().reshape(60, -1), digits.labels
        >>> probe(FCN(64, depth=3, width=16), x[:40], labels[:40], x[40:], labels[40:]).shape  # an error for each layer
        (4,)

    Source: Zhang et al. 2020, section on what intermediate layers do; Papernot and McDaniel 2018 for the idea.
    """
    known = given_to(model, "training_images", training_images)
    asked = given_to(model, "test_images", test_images)
    answers = _labels("training_labels", training_labels, len(known)).to(known.device)
    truth = _labels("test_labels", test_labels, len(asked)).to(known.device)
    sizes = [held.numel() for held in activations_of(model, known[:1])]
    together = max(1, BATCH_ENTRIES // max(sizes)) if batch is None else integer("batch", batch)
    prototypes = [known.new_zeros(_classes(answers, sum(sizes)), size, dtype=torch.float64) for size in sizes]
    wrong = torch.zeros(len(sizes), dtype=torch.int64, device=known.device)

    def learn(labels: Tensor, layer: int, held: Tensor) -> None:
        prototypes[layer].index_add_(0, labels, _directions(held))

    def ask(labels: Tensor, layer: int, held: Tensor) -> None:
        wrong[layer] += ((_directions(held) @ prototypes[layer].T).argmax(dim=1) != labels).sum()

    for images, labels, use in ((known, answers, learn), (asked, truth, ask)):
        for some, theirs in zip(images.split(together), labels.split(together), strict=True):
            visit_activations(model, some, partial(use, theirs))
    return wrong.cpu().numpy() / len(asked)


def _directions(held: Tensor) -> Float[Tensor, "n entries"]:
    """Activations flattened and scaled to length 1, or zero, in float64."""
    flat = held.flatten(1).to(torch.float64, copy=True)
    lengths = flat.norm(dim=1, keepdim=True)
    return flat.div_(torch.where(lengths > 0, lengths, 1.0))


def _classes(labels: Tensor, entries: int) -> int:
    """How many classes there are, if a vector of so many entries for each is not too much."""
    most, largest = PROTOTYPE_BYTES // (8 * entries), int(labels.max())
    if largest >= most:
        raise ValueError(
            f"training_labels must be class numbers below {most:,} for this network, so that a vector for each class "
            f"takes at most {PROTOTYPE_BYTES / 2**30:.0f} GiB, got {largest}"
        )
    return largest + 1


def _labels(name: str, value: Any, count: int) -> Tensor:
    labels = tensor_of(name, value)
    if labels.is_floating_point():
        raise TypeError(f"{name} must hold integers, got dtype {labels.dtype}")
    if tuple(labels.shape) != (count,):
        raise ValueError(f"{name} must have shape ({count},), one an image, got {tuple(labels.shape)}")
    if labels.dtype in (torch.uint16, torch.uint32, torch.uint64):
        # torch does not compare these; what is too large for int64 stays too large.
        labels = torch.from_numpy(np.minimum(labels.cpu().numpy(), np.uint64(2**63 - 1)).astype(np.int64))
    if (least := int(labels.min())) < 0:
        raise ValueError(f"{name} must not be negative, got {least}")
    return labels.to(torch.int64)
