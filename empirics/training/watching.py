"""What networks make of some images while they train: how near to the identity they are, and how near to constant."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from empirics.measures.likeness import Likeness, likeness
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

    def likeness(self, weights: Weights, sound: Tensor) -> Likeness:
        """How like the images, and how like the targets, the predictions are: (members, n) each.

        Args:
            weights: of all members.
            sound: which of them have not diverged, (members,); the others get NaN.
        """
        predictions = forward_in_chunks(self.network, weights, self.inputs)
        alive = sound.reshape(-1, *[1] * (predictions.ndim - 1))
        return likeness(torch.where(alive, predictions, torch.nan), self.inputs, self.targets)
