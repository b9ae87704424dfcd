"""Gradient descent of the members of one stack, from where they are to the end of the run."""

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor, nn, optim

from empirics.training.history import Record, recorded_steps
from empirics.training.optimizers import OPTIMIZERS, State, of_members, remembered, remind
from empirics.training.precision import arithmetic
from empirics.training.progress import Report
from empirics.training.recipe import Recipe
from empirics.training.stack.blocks import Blocks
from empirics.training.stack.members import WAYS, Weights
from empirics.training.watching import Watched


@dataclass(eq=False)
class Descent:
    """Where the members of a stack are, and what they have passed: all that is needed to go on.

    Attributes:
        weights: of all members, parameter name to (members, ...).
        losses: each member's loss where it was last recorded, or when it stopped, (members,).
        active: the members that still change, by their places in the stack.
        diverged: per member, the first step at which its loss was not finite.
        stopped: per member, the step at which its loss reached the recipe's `stop_loss`.
        step: steps taken.
        optimizer: what the optimizer remembers of the active members.
        records: what was recorded, by step.
        snapshots: weights of all members, by step.
    """

    weights: Weights
    losses: Tensor
    active: list[int]
    diverged: list[int | None]
    stopped: list[int | None]
    step: int = 0
    optimizer: State = field(default_factory=dict)
    records: dict[int, Record] = field(default_factory=dict)
    snapshots: dict[int, Weights] = field(default_factory=dict)

    @classmethod
    def start(cls, weights: Weights) -> "Descent":
        """Members before their first step."""
        some = next(iter(weights.values()))
        members = len(some)
        losses = some.new_full((members,), math.nan)
        return cls(_copy(weights), losses, list(range(members)), [None] * members, [None] * members)

    def finished(self, steps: int) -> bool:
        """Whether there is nothing left to do in a run of so many steps."""
        return self.step in self.records and (self.step == steps or not self.active)


@dataclass(frozen=True, eq=False)
class Task:
    """What all stacks of a training share.

    Attributes:
        network: the architecture.
        inputs: what is trained on, (n, ...).
        targets: what the networks are to make of it.
        recipe: how.
        way: a name in `empirics.training.stack.members.WAYS`.
        snapshots: steps at which weights are kept.
        watched: images that are predicted at recorded steps, if any.
        block: steps between two looks at the losses.
    """

    network: nn.Module
    inputs: Tensor
    targets: Tensor
    recipe: Recipe
    way: str
    snapshots: Collection[int] = ()
    watched: Watched | None = None
    block: int = 1

    @property
    def on_gpu(self) -> bool:
        """Whether it runs on a GPU, where steps can be recorded as graphs."""
        return self.inputs.is_cuda


class Keeper(Protocol):
    """Who keeps a descent, so that it can be resumed."""

    def due(self, step: int) -> bool:
        """Whether the state is to be written at this step."""

    def keep(self, descent: Descent) -> None:
        """Write the state."""


def descend(task: Task, descent: Descent, report: Report, keeper: Keeper | None = None) -> None:
    """Take a descent to its end, in place."""
    steps = task.recipe.steps
    if descent.finished(steps):
        _fill_snapshots(task, descent)
        return
    with arithmetic(task.recipe.precision, task.inputs.device):
        while not descent.finished(steps):
            Leg(task, descent).run(report, keeper)
    _find_non_finite(descent)
    _fill_snapshots(task, descent)
    if keeper is not None:
        keeper.keep(descent)


def _fill_snapshots(task: Task, descent: Descent) -> None:
    """Where all members stopped early, later snapshots hold the weights that they stopped at."""
    for step in task.snapshots:
        descent.snapshots.setdefault(step, _copy(descent.weights))


class Leg:
    """Steps until a member converges or diverges. Members that still change form a stack of their own."""

    def __init__(self, task: Task, descent: Descent) -> None:
        self.task, self.descent, self.recipe = task, descent, task.recipe
        all_move = len(descent.active) == len(descent.losses)
        moving = descent.weights if all_move else {n: value[descent.active] for n, value in descent.weights.items()}
        self.stack = WAYS[task.way](task.network, moving, task.inputs, task.targets)
        self.leaves = list(self.stack.leaves.values())
        self.ones = descent.losses.new_ones(len(descent.active))
        self.drops = Counter(self.recipe.milestones)
        self.recorded = recorded_steps(self.recipe.steps)
        self.optimizer = self._optimizer()
        self.blocks = Blocks(self.stack, self.optimizer, task.block, record=task.on_gpu) if task.block > 1 else None
        self.stop_loss = -math.inf if self.recipe.stop_loss is None else self.recipe.stop_loss

    def _optimizer(self) -> optim.Optimizer:
        recipe = self.recipe
        assert recipe.momentum is not None  # Recipe has put a number there
        make = OPTIMIZERS[recipe.optimizer]
        optimizer = make(self.leaves, recipe.lr, recipe.momentum, self.task.on_gpu)
        # torch would warn of steps outside of a graph: those before it is recorded, and those of small runs.
        setattr(optimizer, "_warned_capturable_if_run_uncaptured", True)  # noqa: B010
        remind(optimizer, self.stack.leaves, self.descent.optimizer)
        for step in sorted(self.drops):
            if step < self.descent.step:
                self._drop(optimizer, step)
        return optimizer

    def _drop(self, optimizer: optim.Optimizer, step: int) -> None:
        for group in optimizer.param_groups:  # as MultiStepLR does
            group["lr"] *= self.recipe.gamma ** self.drops[step]

    def run(self, report: Report, keeper: Keeper | None) -> None:
        """Take the steps up to the next stop, or to the end."""
        descent, begun = self.descent, self.descent.step
        while True:
            step = descent.step
            if keeper is not None and step > begun and keeper.due(step):
                self._write_back_all()
                keeper.keep(descent)
            last = step == self.recipe.steps
            with torch.set_grad_enabled(not last and self.blocks is None):
                losses = self.stack.losses()
            seen = losses.detach()
            if self._some_may_stop(seen) and self._let_stop(seen):
                return
            self._remember(seen, last)
            report(step, seen)
            if last:
                self._write_back_all()  # the optimizer's memory too: a longer run may go on from here
                return
            if self.drops[step]:
                self._drop(self.optimizer, step)
                if self.blocks is not None:
                    self.blocks.rate_changed()
            descent.step = self._take(step, losses)

    def _take(self, step: int, losses: Tensor) -> int:
        """Take a step, or a block of them; return where that led."""
        if self.blocks is not None:
            return self.blocks.advance(step, self._next_event(step), self._stops)
        for leaf in self.leaves:
            leaf.grad = None  # first, so that new gradients find the old ones' memory
        # Each member's loss depends on its own weights alone, so this is each member's own gradient.
        for leaf, gradient in zip(self.leaves, torch.autograd.grad(losses, self.leaves, self.ones), strict=True):
            leaf.grad = gradient.contiguous()  # fused kernels take its layout for granted
        self.optimizer.step()
        return step + 1

    def _next_event(self, step: int) -> int:
        """The next step that must be looked at."""
        events = (self.recipe.steps, *self.recorded, *self.drops, *self.task.snapshots)
        return min(event for event in events if event > step)

    def _some_may_stop(self, losses: Tensor) -> bool:
        """A quick look: after most steps one number or two tell that no member does."""
        return not math.isfinite(losses.sum().item()) or (self.stop_loss >= 0 and losses.min().item() <= self.stop_loss)

    def _stops(self, losses: Tensor) -> Tensor:
        return ~torch.isfinite(losses) | (losses <= self.stop_loss)

    def _let_stop(self, losses: Tensor) -> bool:
        """Note which members stop at the present weights, and return whether any does."""
        descent, stopping = self.descent, self._stops(losses).tolist()
        if not any(stopping):  # finite losses whose sum is not
            return False
        self._write_back_all()
        descent.losses[descent.active] = losses
        for member, stops, finite in zip(descent.active, stopping, torch.isfinite(losses).tolist(), strict=True):
            if stops:
                (descent.stopped if finite else descent.diverged)[member] = descent.step
        moving = [place for place, stops in enumerate(stopping) if not stops]
        descent.optimizer = of_members(descent.optimizer, moving)
        descent.active = [descent.active[place] for place in moving]
        if not descent.active:
            self._record()
        return True

    def _remember(self, losses: Tensor, last: bool) -> None:
        """Record this step, and keep its weights, if it is one of those."""
        descent = self.descent
        if descent.step in self.recorded or last:
            descent.losses[descent.active] = losses
            if self.task.watched is not None:
                self._write_back()
            self._record()
        if descent.step in self.task.snapshots:
            self._write_back()
            descent.snapshots[descent.step] = _copy(descent.weights)

    def _record(self) -> None:
        descent = self.descent
        record = Record(descent.losses.clone())
        if self.task.watched is not None:
            seen = self.task.watched.likeness(descent.weights, torch.isfinite(descent.losses))
            record = replace(record, with_input=seen.with_input, with_training_image=seen.with_training_image)
        descent.records[descent.step] = record

    def _write_back(self) -> None:
        """Copy the weights of the members that still change back to the descent."""
        descent = self.descent
        all_move = len(descent.active) == len(descent.losses)
        for name, value in self.stack.weights.items():
            descent.weights[name][slice(None) if all_move else descent.active] = value

    def _write_back_all(self) -> None:
        """Copy weights and the optimizer's state back to the descent."""
        self._write_back()
        shapes = {name: value.shape for name, value in self.stack.weights.items()}
        self.descent.optimizer = remembered(self.optimizer, self.stack.leaves, shapes)


def _find_non_finite(descent: Descent) -> None:
    """Report members whose loss stayed finite although a weight did not (it feeds a dead unit)."""
    for value in descent.weights.values():
        finite = torch.isfinite(value.reshape(len(value), -1)).all(dim=1)
        for member in (~finite).nonzero().flatten().tolist():
            descent.stopped[member] = None
            descent.diverged[member] = descent.step if descent.diverged[member] is None else descent.diverged[member]


def _copy(weights: Weights) -> Weights:
    return {name: value.clone() for name, value in weights.items()}
