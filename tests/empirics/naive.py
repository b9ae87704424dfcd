"""The reference that is obviously right: one network, one torch optimizer, one loop."""

from collections.abc import Callable

import torch
from torch import Tensor, nn, optim
from torch.optim.lr_scheduler import MultiStepLR

from empirics import FCN, Recipe

OPTIMIZERS = {
    "sgd": lambda p, recipe: optim.SGD(p, lr=recipe.lr, momentum=recipe.momentum),
    "adam": lambda p, recipe: optim.Adam(p, lr=recipe.lr, betas=(recipe.momentum, 0.999), fused=True),
    "adamax": lambda p, recipe: optim.Adamax(p, lr=recipe.lr, betas=(recipe.momentum, 0.999)),
    "rmsprop": lambda p, recipe: optim.RMSprop(p, lr=recipe.lr, momentum=recipe.momentum),
    "adagrad": lambda p, recipe: optim.Adagrad(p, lr=recipe.lr, fused=True),
}


def train_alone(
    make_model: Callable[[], nn.Module], initial: dict[str, Tensor], inputs: Tensor, targets: Tensor, recipe: Recipe
) -> tuple[dict[str, Tensor], list[float]]:
    """Final weights of one network trained from `initial`, and its loss before each step and at the end."""
    network = make_model().to(recipe.dtype)
    network.load_state_dict(initial)
    optimizer = OPTIMIZERS[recipe.optimizer](network.parameters(), recipe)
    schedule = MultiStepLR(optimizer, recipe.milestones, recipe.gamma)
    criterion = nn.MSELoss()
    losses = []
    for _ in range(recipe.steps):
        optimizer.zero_grad()
        loss = criterion(network(inputs), targets)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    with torch.no_grad():
        losses.append(criterion(network(inputs), targets).item())
    return {name: value.detach().clone() for name, value in network.named_parameters()}, losses


def member(weights: dict[str, Tensor], index: int) -> dict[str, Tensor]:
    """One member's weights."""
    return {name: value[index] for name, value in weights.items()}


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    """Whether two sets of weights are the same, bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def linear(matrix: Tensor, bias: Tensor | None = None) -> FCN:
    """X ↦ Mx + b as a network."""
    model = FCN(len(matrix), 1, bias=bias is not None).to(matrix.dtype)
    with torch.no_grad():
        model.layers[0].weight.copy_(matrix)
        if bias is not None:
            model.layers[0].bias.copy_(bias)
    return model
