"""What networks make of some images while they train: how near to the identity they are, and how near to constant."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from empirics.pearson import correlation
from empirics.stack import Weights
from empirics.stacking import forward_in_chunks


@dataclass(frozen=True, eq=False)
class Watched:
    """Images that are looked at while others are trained on.

    Attributes:
        network: the architecture.
        inputs: the images, (n, ...), as the network takes them.
        targets: what is trained towards, (t, ...).
    """

    network: nn.Module
    inputs: Tensor
    targets: Tensor

    def correlations(self, weights: Weights) -> tuple[Tensor | None, Tensor | None]:
        """Of the predictions with the images, (members, n), and with the targets, (members, n, t)."""
        predictions = forward_in_chunks(self.network, weights, self.inputs)
        with_input = with_targets = None
        if predictions.shape[2:] == self.inputs.shape[1:]:
            with_input = _finite_correlation(predictions, self.inputs)
        if predictions.shape[2:] == self.targets.shape[1:]:
            each = [_finite_correlation(predictions, target) for target in self.targets]
            with_targets = torch.stack(each, dim=-1)
        return with_input, with_targets


def _finite_correlation(predictions: Tensor, reference: Tensor) -> Float[Tensor, "members n"]:
    """`correlation`, with NaN for members that have diverged."""
    sound = torch.isfinite(predictions.flatten(1)).all(dim=1)
    result = predictions.new_full(predictions.shape[:2], torch.nan, dtype=torch.float64)
    if bool(sound.any()):
        result[sound] = correlation(predictions[sound], reference)
    return result
