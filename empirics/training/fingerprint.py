"""What identifies a training: everything that decides its result, to be compared with another's.

Recipe, data, and seeds or given weights, and the network with its code and all that it holds, must be the same. What a
machine computes itself (weights drawn from a scheme, the outputs of the untrained network) is compared to rounding, so
that nothing hangs on the last bits of one. Under another version of Python the network's code cannot be compared: its
attributes and code count as one, and its outputs tell.
"""

import hashlib
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from empirics.networks.anatomy import anatomy
from empirics.networks.architecture import outputs_of_member
from empirics.training.descent import Task
from empirics.training.stack.members import Weights

Facts = dict[str, Any]

# What must be the same to the letter, wherever the call is made, and what only to rounding, which another processor
# does otherwise.
WORDS = ("recipe", "network", "network's code", "seeds", "device")
DATA = ("inputs", "targets", "watched images", "given weights")
EXACT = (*WORDS, *DATA)
ROUGH = ("initial weights", "outputs")
SAMPLE = 256  # numbers of each that are compared
FEW = 4  # inputs, whose outputs are


def description(task: Task, seeds: tuple[int, ...], initial: Weights, *, drawn: bool) -> Facts:
    """What identifies a training, in words, checksums and some numbers.

    Args:
        task: what is trained.
        seeds: of its members.
        initial: their weights before the first step.
        drawn: whether these are a scheme's: then seeds and scheme decide them, but for the last bits, which may be
            another processor's.
    """
    recipe = task.recipe
    with torch.no_grad():
        outputs = [outputs_of_member(task.network, member, task.inputs[:FEW]) for member in _first_and_last(initial)]
    return {
        "recipe": {name: value for name, value in asdict(recipe).items() if name not in ("steps", "decay_at")},
        "steps": recipe.steps,
        "milestones": [] if recipe.gamma == 1 else recipe.milestones,
        "network": {
            "class": type(task.network).__qualname__,
            "weights": {name: list(value.shape[1:]) for name, value in initial.items()},
        },
        "network's code": anatomy(task.network),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "seeds": seeds,
        "snapshots": sorted(task.snapshots),
        "inputs": _checksum({"": task.inputs}),
        "targets": _checksum({"": task.targets}),
        "given weights": None if drawn else _checksum(initial),
        "watched images": None if task.watched is None else _checksum({"": task.watched.inputs}),
        "device": task.inputs.device.type,
        "initial weights": _sample(initial.values()),
        "outputs": _sample(outputs),
    }


def _first_and_last(weights: Weights) -> list[Weights]:
    return [{name: value[index] for name, value in weights.items()} for index in (0, -1)]


def _sample(tensors: Iterable[Tensor]) -> list[str]:
    """Some numbers from all parts of the tensors, as text, since JSON knows no infinity."""
    numbers = torch.cat([value.detach().flatten().to("cpu", torch.float64) for value in tensors])
    return [repr(number) for number in numbers[:: math.ceil(len(numbers) / SAMPLE)].tolist()] + [str(len(numbers))]


def _alike(held: list[str], given: list[str]) -> bool:
    """Whether two samples agree to half of float32's digits: rounding moves less, another network more."""
    if len(held) != len(given) or held[-1] != given[-1]:
        return False
    one, two = (
        torch.tensor([float(number) for number in numbers[:-1]], dtype=torch.float64) for numbers in (held, given)
    )
    largest = one.nan_to_num(0, 0, 0).abs().max()
    return torch.allclose(one, two, rtol=0, atol=float(largest) * torch.finfo(torch.float32).eps ** 0.5, equal_nan=True)


def differences(held: Facts, given: Facts) -> list[str]:
    """The names of what differs between two trainings, apart from steps, milestones and snapshots, which may."""
    same_python = held["python"] == given["python"]
    exact = [name for name in EXACT if same_python or name != "network's code"]
    found = [name for name in exact if held[name] != given[name]]
    if "network" in found and "network's code" in found:  # a network of other weights has other layers
        found.remove("network's code")
    if not _alike(held["initial weights"], given["initial weights"]):
        found.append("initial weights")
    if not found and not _alike(held["outputs"], given["outputs"]):  # where all that can be looked into is the same
        found.append("outputs of its network")
    return found


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)} ".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
