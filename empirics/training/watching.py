"""What networks make of some images while they train: how near to the identity they are, and how near to constant."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from empirics.measures.pearson import correlation
from empirics.training.stack.members import Weights
from empirics.training.stack.weights import forward_in_chunks


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

    def correlations(self, weights: Weights, sound: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Of the predictions with the images, (members, n), and with the targets, (members, n, t).

        Args:
            weights: of all members.
            sound: which of them have not diverged, (members,); the others get NaN.
        """
        predictions = forward_in_chunks(self.network, weights, self.inputs)
        sound = sound & torch.isfinite(predictions.flatten(1)).all(dim=1)
        with_input = with_targets = None
        if predictions.shape[2:] == self.inputs.shape[1:]:
            with_input = _sound_correlation(predictions, self.inputs, sound)
        if predictions.shape[2:] == self.targets.shape[1:]:
            each = [_sound_correlation(predictions, target, sound) for target in self.targets]
            with_targets = torch.stack(each, dim=-1)
        return with_input, with_targets


def _sound_correlation(predictions: Tensor, reference: Tensor, sound: Tensor) -> Float[Tensor, "members n"]:
    """`correlation`, with NaN for the members that are not sound."""
    result = predictions.new_full(predictions.shape[:2], torch.nan, dtype=torch.float64)
    if bool(sound.any()):
        result[sound] = correlation(predictions[sound], reference)
    return result
