"""Many seeds trained together, against a plain loop over them and against torch's own way of stacking them.

torch's way is that of its tutorial on model ensembling: `torch.func.stack_module_state`, and `vmap` over the network's
forward. All end at the same weights, to rounding.
"""

import copy
import itertools
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from benchmarks.rows.row import OURS, Row
from empirics import CNN, FCN, LCN, Recipe, train

Make = Callable[[], nn.Module]


def rows(*, quick: bool = False) -> list[Row]:
    """Small networks of many seeds, and sizes from the least to beyond the cache; quick: one of them."""
    found = [_row("FCN, 3 layers, width 64, 14×14", lambda: FCN(196, 3, 64), (1, 196), 64, 3 if quick else 60)]
    if quick:
        return found
    found.append(_row("CNN, 3 layers, 8 channels, 5×5, 14×14", lambda: CNN(1, 3, 8), (1, 1, 14, 14), 64, 40))
    found.append(_row("CNN, 3 layers, 8 channels, 3×3, 14×14", lambda: CNN(1, 3, 8, 3), (1, 1, 14, 14), 64, 40))
    for members, width in itertools.product((1, 8), (64, 256)):
        found.append(
            _row(f"FCN, 3 layers, width {width}, 28×28", lambda w=width: FCN(784, 3, w), (1, 784), members, 60)
        )
    for members, (size, channels, k) in itertools.product((1, 8), ((7, 3, 3), (14, 8, 5), (28, 8, 5), (28, 32, 5))):
        name = f"CNN, 3 layers, {channels} channels, {k}×{k}, {size}×{size}"
        found.append(_row(name, lambda c=channels, k=k: CNN(1, 3, c, k), (1, 1, size, size), members, 40))
    found.append(_row("LCN, 5×5, 28×28", lambda: LCN(1, 28), (1, 1, 28, 28), 8, 40))
    found.append(_row("CNN, 3 layers, 8 channels, 5 images", lambda: CNN(1, 3, 8), (5, 1, 14, 14), 16, 40))
    found.append(
        _row(
            "CNN, 20 layers, 128 channels, 5×5, float32",
            lambda: CNN(1, 20, 128),
            (1, 1, 28, 28),
            1,
            3,
            precision="float32",
            torch_goal=None,
        )
    )
    return found


def _row(
    name: str,
    make_model: Make,
    shape: tuple[int, ...],
    members: int,
    steps: int,
    *,
    precision: str = "float64",
    torch_goal: float | None = 1.0,
) -> Row:
    images = torch.rand(shape, dtype=getattr(torch, precision), generator=torch.Generator().manual_seed(0))
    recipe = Recipe(lr=1e-3, decay_at=(), steps=steps, precision=precision)

    def stacked(steps: int = steps) -> Tensor:
        recipe = Recipe(lr=1e-3, decay_at=(), steps=steps, precision=precision)
        found = train(make_model, images, recipe=recipe, seeds=range(members), initial=start, progress=False)
        return torch.cat([value.flatten(1) for value in found.weights.values()], dim=1)

    start = train(
        make_model,
        images,
        recipe=Recipe(lr=1e-3, decay_at=(), steps=0, precision=precision),
        seeds=range(members),
        progress=False,
    ).initial_weights
    ways = {
        OURS: lambda: stacked().numpy(),
        "loop": lambda: _loop(make_model, start, images, recipe.steps),
        "torch.func": lambda: _by_torch(make_model, start, images, recipe.steps),
    }
    goals = {"loop": 1.0} | ({"torch.func": torch_goal} if torch_goal else {})
    seeds = f"{members} seed{'s' * (members > 1)}"
    off = 1e-9 if precision == "float64" else 1e-3
    return Row("training", f"{name}, {seeds}, {steps} steps", ways, goals, off=off)


def _networks(make_model: Make, start: dict[str, Tensor], images: Tensor) -> list[nn.Module]:
    """The members as they begin."""
    found = []
    for index in range(len(next(iter(start.values())))):
        network = make_model().to(images.dtype)
        network.load_state_dict({name: value[index] for name, value in start.items()})
        found.append(network)
    return found


def _loop(make_model: Make, start: dict[str, Tensor], images: Tensor, steps: int) -> np.ndarray:
    """What one would write without this library: each member in turn."""
    found = []
    for network in _networks(make_model, start, images):
        optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)
        criterion = nn.MSELoss()
        for _ in range(steps):
            optimizer.zero_grad()
            criterion(network(images), images).backward()
            optimizer.step()
        found.append(nn.utils.parameters_to_vector(network.parameters()).detach().numpy())
    return np.stack(found)


def _by_torch(make_model: Make, start: dict[str, Tensor], images: Tensor, steps: int) -> np.ndarray:
    """What torch's tutorial would write."""
    networks = _networks(make_model, start, images)
    weights, buffers = stack_module_state(networks)
    base = copy.deepcopy(networks[0]).to("meta")

    def loss(one: dict[str, Tensor], held: dict[str, Tensor]) -> Tensor:
        return nn.functional.mse_loss(functional_call(base, (one, held), (images,)), images)

    optimizer = torch.optim.SGD(weights.values(), lr=1e-3, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        vmap(loss)(weights, buffers).sum().backward()
        optimizer.step()
    return torch.cat([value.detach().flatten(1) for value in weights.values()], dim=1).numpy()
