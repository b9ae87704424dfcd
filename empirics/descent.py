"""The training loop: gradient descent on the stacked weights of many members at once."""

from collections import Counter
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from empirics.history import History, recorded_steps
from empirics.optimizers import OPTIMIZERS
from empirics.progress import Report
from empirics.recipe import Recipe
from empirics.stacking import Weights, member_losses


@dataclass(frozen=True, eq=False)
class Descent:
    """Where gradient descent ended, and what it passed on the way; see `TrainedEnsemble`."""

    weights: Weights
    snapshots: dict[int, Weights]
    history: History
    diverged: tuple[int | None, ...]
    stopped: tuple[int | None, ...]


def descend(
    network: nn.Module,
    initial: Weights,
    inputs: Tensor,
    targets: Tensor,
    *,
    recipe: Recipe,
    snapshots: Collection[int],
    report: Report,
) -> Descent:
    """Train all members from their initial weights; arguments are checked and on one device."""
    weights = {name: value.clone().requires_grad_() for name, value in initial.items()}
    assert recipe.momentum is not None  # Recipe has put a number there
    optimizer = OPTIMIZERS[recipe.optimizer](weights.values(), recipe.lr, recipe.momentum)
    drops = Counter(recipe.milestone_steps)
    resting = _Resting(len(next(iter(weights.values()))), recipe.stop_loss)
    to_record = recorded_steps(recipe.steps)
    records: list[tuple[int, Tensor]] = []
    kept: dict[int, Weights] = {}

    with _exact_arithmetic(inputs.device):
        for step in range(recipe.steps + 1):
            last = step == recipe.steps
            with torch.set_grad_enabled(not last):
                losses = member_losses(network, weights, inputs, targets)
            seen = losses.detach()
            resting.admit(step, seen, weights)
            last = last or resting.all
            if step in to_record or last:
                records.append((step, seen))
            if step in snapshots:
                kept[step] = _copy(weights)
            report(step, seen)
            if last:
                break
            # Each member's loss depends on its own weights alone, so this is each member's own gradient.
            gradients = torch.autograd.grad(losses.sum(), list(weights.values()))
            for value, gradient in zip(weights.values(), gradients, strict=True):
                value.grad = gradient
            for group in optimizer.param_groups:  # as MultiStepLR does
                group["lr"] *= recipe.gamma ** drops[step]
            optimizer.step()
            resting.restore(weights)

    resting.find_non_finite(records[-1][0], weights)
    final = _copy(weights)
    steps, values = zip(*records, strict=True)
    return Descent(
        weights=final,
        # Where everyone came to rest early, later snapshots are what they rest at.
        snapshots={step: kept[step] if step in kept else _copy(final) for step in sorted(snapshots)},
        history=History(torch.tensor(steps), torch.stack(values, dim=1).cpu()),
        diverged=tuple(resting.diverged),
        stopped=tuple(resting.stopped),
    )


class _Resting:
    """The members that no longer change: those that diverged, and those whose loss is low enough."""

    def __init__(self, members: int, stop_loss: float | None) -> None:
        self.diverged: list[int | None] = [None] * members
        self.stopped: list[int | None] = [None] * members
        self._stop_loss = stop_loss
        self._mask: Tensor | None = None
        self._weights: Weights = {}

    @property
    def all(self) -> bool:
        return self._mask is not None and bool(self._mask.all())

    def admit(self, step: int, losses: Tensor, weights: Weights) -> None:
        """Let members rest, at their present weights, whose loss is not finite or at most `stop_loss`."""
        wild = ~torch.isfinite(losses)
        done = wild if self._stop_loss is None else wild | (losses <= self._stop_loss)
        new = done if self._mask is None else done & ~self._mask
        if not bool(new.any()):
            return
        for member in new.nonzero().flatten().tolist():
            (self.diverged if bool(wild[member]) else self.stopped)[member] = step
        self._mask = new if self._mask is None else self._mask | new
        self._weights = {name: value.detach()[self._mask].clone() for name, value in weights.items()}

    def restore(self, weights: Weights) -> None:
        """Undo what a step did to resting members."""
        if self._mask is None:
            return
        with torch.no_grad():
            for name, value in weights.items():
                value[self._mask] = self._weights[name]

    def find_non_finite(self, step: int, weights: Weights) -> None:
        """Report members whose loss stayed finite although a weight did not (it feeds a dead unit)."""
        for value in weights.values():
            finite = torch.isfinite(value.detach().flatten(1)).all(dim=1)
            for member in (~finite).nonzero().flatten().tolist():
                self.stopped[member] = None
                self.diverged[member] = step if self.diverged[member] is None else self.diverged[member]


def _copy(weights: Weights) -> Weights:
    return {name: value.detach().clone() for name, value in weights.items()}


def _exact_arithmetic(device: torch.device) -> AbstractContextManager[None]:
    """On CUDA: float32 means float32, not TF32, and a run repeats itself bit for bit."""
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False)
