"""How far floating-point descent of a small deep fully connected network can stray from exact descent, to first order.

One step takes the state (θ, v), all weights and their velocity, to v' = β v + g(θ), θ' = θ − η v', whose derivative
is M = [[I − ηH, −ηβ], [H, β]], H the Hessian of the loss. In floating point step s adds an error δv to the velocity
and δθ to the weights, and later steps pass it on: its effect on the weights in the end is at most

    ‖R_θ‖ (δθ + η δv) + ‖R_v‖ δv,   (R_θ, R_v) = the upper rows of M_{T−1} ⋯ M_{s+1}.

With u the unit roundoff, δθ ≤ u (‖θ‖ + 2η‖v‖) and δv ≤ 3u‖v‖ + δg. The gradient's own rounding, δg, is followed
through the network and back, entry by entry: |W| e + γ_n |W||h| for each product, Lipschitz constants of φ and φ' for
activations (Higham 2002, section 3.3). Terms of second order are smaller by a factor of the bound itself; twice the
first order covers them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import grad, jacrev, vmap

from empirics.networks.activations import ACTIVATIONS
from tests.bounds import UNIT_ROUNDOFF, gamma
from tests.running_error import LIPSCHITZ

U = UNIT_ROUNDOFF["float64"]
# Lipschitz constants of derivatives: maxima of |φ''|.
OF_DERIVATIVE = {"linear": 0.0, "elu": 1.0, "gelu": 0.8, "softplus": 0.25, "tanh": 0.77, "sigmoid": 0.1, "erf": 0.97}
SMOOTH = sorted(OF_DERIVATIVE)


@dataclass(frozen=True)
class Layers:
    """A fully connected network without biases as a function of its weights, which are one vector.

    Attributes:
        shapes: of the layers' weights.
        activation: between them.
    """

    shapes: tuple[tuple[int, int], ...]
    activation: str

    def split(self, flat: Tensor) -> list[Tensor]:
        """The layers' weights."""
        sizes = [rows * columns for rows, columns in self.shapes]
        return [part.reshape(shape) for part, shape in zip(flat.split(sizes), self.shapes, strict=True)]

    def __call__(self, flat: Tensor, x: Tensor) -> Tensor:
        """Outputs for inputs (n, d)."""
        *hidden, last = self.split(flat)
        for weight in hidden:
            x = ACTIVATIONS[self.activation](x @ weight.T)
        return x @ last.T

    def loss(self, flat: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """The mean squared error."""
        return ((self(flat, x) - y) ** 2).mean()

    def output_error(self, flat: Tensor, x: Tensor, error_of_x: float) -> float:
        """How far off outputs for x can be, as a root of a sum of squares, x itself being off by `error_of_x`."""
        return float(self._forward(flat, x, torch.full_like(x, error_of_x))[-1][1].norm())

    def gradient_error(self, flat: Tensor, x: Tensor, y: Tensor) -> float:
        """How far off the loss's gradient can be, likewise."""
        weights, passes = self.split(flat), self._forward(flat, x, torch.zeros_like(x))
        output, error = passes[-1]
        back = 2 / output.numel() * (output - y)
        back_error = 2 / output.numel() * (error + 4 * U * (output.abs() + y.abs()))
        squares = 0.0
        for index in reversed(range(len(weights))):
            h, e = passes[index]
            size = gamma(len(x) + 2, U) * back.abs().T @ h.abs()
            squares += float((back_error.T @ (h.abs() + e) + back.abs().T @ e + size).square().sum())
            if index == 0:
                return squares**0.5
            weight = weights[index].abs()
            passed = back_error @ weight + gamma(len(weight) + 2, U) * back.abs() @ weight
            z, z_error = self._sum(weights[index - 1], *passes[index - 1])
            slope = vmap(grad(ACTIVATIONS[self.activation]))(z.flatten()).reshape(z.shape)
            slope_error = OF_DERIVATIVE[self.activation] * z_error + 8 * U
            back_error = passed * (slope.abs() + slope_error) + (back @ weights[index]).abs() * slope_error
            back = back @ weights[index] * slope
        raise AssertionError

    def _forward(self, flat: Tensor, x: Tensor, error: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Inputs of each layer, and the outputs, each with its error."""
        *hidden, last = self.split(flat)
        passes = [(x, error)]
        for weight in hidden:
            z, e = self._sum(weight, *passes[-1])
            h = ACTIVATIONS[self.activation](z)
            passes.append((h, LIPSCHITZ[self.activation] * e + 8 * U * torch.maximum(z.abs(), h.abs())))
        return [*passes, self._sum(last, *passes[-1])]

    @staticmethod
    def _sum(weight: Tensor, h: Tensor, e: Tensor) -> tuple[Tensor, Tensor]:
        size = weight.abs()
        return h @ weight.T, e @ size.T + gamma(weight.shape[1] + 2, U) * h.abs() @ size.T


def weights_error(
    layers: Layers, states: Sequence[Tensor], x: Tensor, *, lr: float, momentum: float, start: float
) -> float:
    """How far off the weights can be in the end, as a root of a sum of squares, on the identity task.

    Args:
        layers: the network.
        states: its weights before the first step and after each one.
        x: training inputs (n, d).
        lr: η.
        momentum: β.
        start: how far off the initial weights are.
    """
    n = len(states[0])
    eye = torch.eye(n, dtype=torch.float64)
    later = torch.cat([eye, torch.zeros_like(eye)], dim=1)
    total = 0.0
    for before, after in zip(reversed(states[:-1]), reversed(states[1:]), strict=True):
        velocity = float((before - after).norm()) / lr
        of_velocity = 3 * U * velocity + layers.gradient_error(before, x, x)
        of_weights = U * (float(after.norm()) + 2 * lr * velocity)
        through_weights, through_velocity = (float(torch.linalg.matrix_norm(part, 2)) for part in later.split(n, dim=1))
        total += through_weights * (of_weights + lr * of_velocity) + through_velocity * of_velocity
        curvature = jacrev(grad(layers.loss))(before, x, x)
        step = torch.cat(
            [
                torch.cat([eye - lr * curvature, -lr * momentum * eye], dim=1),
                torch.cat([curvature, momentum * eye], dim=1),
            ]
        )
        later = later @ step
    return 2 * (total + float(torch.linalg.matrix_norm(later[:, :n], 2)) * start)


def sensitivity(layers: Layers, flat: Tensor, x: Tensor) -> float:
    """By how much outputs for x move with the weights, at most, per unit of length."""
    return float(torch.linalg.norm(jacrev(layers)(flat, x)))
