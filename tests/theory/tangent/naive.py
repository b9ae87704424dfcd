"""The linearized network by brute force: the whole Jacobian, and gradient descent on it step by step."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.func import functional_call


def jacobian(module: torch.nn.Module, x: torch.Tensor) -> np.ndarray:
    """J of all outputs in all trainable parameters, one output at a time by torch's reverse mode."""
    parameters = [value for value in module.parameters() if value.requires_grad]
    rows = []
    for number in module(x.clone()).flatten():
        gradients = torch.autograd.grad(number, parameters, retain_graph=True, allow_unused=True)
        whole = [torch.zeros_like(p) if g is None else g for g, p in zip(gradients, parameters, strict=True)]
        rows.append(torch.cat([part.flatten() for part in whole]))
    return torch.stack(rows).numpy()


@dataclass
class Descent:
    """δ, the outputs on the training inputs and the loss, after gradient descent step by step on f₀ + J δ."""

    moved: np.ndarray
    loss: float


def descend(jacobian_of_training, missing, *, lr, momentum, milestones, gamma, steps) -> Descent:
    """What `torch.optim.SGD` and `MultiStepLR` do, written out; `missing` is targets − f₀, flat."""
    moved, velocity = np.zeros(jacobian_of_training.shape[1]), 0.0
    for step in range(steps):
        rate = lr * gamma ** sum(milestone <= step for milestone in milestones)
        gradient = 2 / missing.size * jacobian_of_training.T @ (jacobian_of_training @ moved - missing)
        velocity = momentum * velocity + gradient
        moved = moved - rate * velocity
    return Descent(moved, float(np.mean((jacobian_of_training @ moved - missing) ** 2)))


def outputs_at(module: torch.nn.Module, x: torch.Tensor, moved: np.ndarray) -> torch.Tensor:
    """f(θ₀ + δ; x), δ a flat vector."""
    weights, first = {}, 0
    for name, value in module.named_parameters():
        if value.requires_grad:
            part = torch.from_numpy(moved[first : first + value.numel()]).reshape(value.shape)
            weights[name] = value.detach() + part
            first += value.numel()
    return functional_call(module, weights, (x.clone(),)).detach()
