"""Which way of computing a stack is quickest on a GPU: found by trying, since no rule of sizes holds for all."""

import math
import time
from dataclasses import replace

import torch

from empirics.networks.convolutional import CNN
from empirics.training.descent import Descent, Leg, Task
from empirics.training.precision import arithmetic
from empirics.training.stack.members import Weights, has_stacked_layers
from empirics.training.stack.size import Division

STEPS = 20  # that are timed, after as many that are not


def measured(division: Division, task: Task, weights: Weights) -> Division:
    """A division whose way is the quickest for its first stack of members with these weights."""
    ways = ["mapped"]
    if has_stacked_layers(task.network) and task.recipe.precision != "bfloat16":
        ways += ["layered", "unfolded"] if isinstance(task.network, CNN) else ["layered"]
    first = division.stacks[0]
    some = {name: value[first.start : first.stop] for name, value in weights.items()}
    seconds = {way: _seconds(replace(task, way=way), some) for way in ways}
    seconds["alone"] = len(first) * _seconds(replace(task, way="alone"), {k: v[:1] for k, v in some.items()})
    way = min(seconds, key=lambda name: seconds[name])
    return Division(way, (1,) * sum(division.sizes) if way == "alone" else division.sizes)


def _seconds(task: Task, weights: Weights) -> float:
    """How long some steps take."""
    try:
        with arithmetic(task.recipe.precision, task.inputs.device):
            blocks = Leg(replace(task, block=STEPS), Descent.start(weights)).blocks
            assert blocks is not None
            for _ in range(2):
                torch.cuda.synchronize(task.inputs.device)
                begun = time.perf_counter()
                blocks.advance(0, STEPS, torch.zeros_like)  # no member is stopped, even if it diverges
                torch.cuda.synchronize(task.inputs.device)
            return time.perf_counter() - begun
    except torch.cuda.OutOfMemoryError:
        return math.inf
