"""Gradient descent of a linear one-layer network, step by step, and what becomes of the randomness it began with."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Run:
    """Descent on design D (n, columns) and targets Y (n, C) of one optimizer, by the definitions.

    Training maps initial parameters of one output unit affinely: the offset is found by starting at 0, the linear part
    by starting at each unit vector with targets of 0.
    """

    design: np.ndarray
    targets: np.ndarray
    optimizer: object

    def from_weights(self, start: np.ndarray, targets: np.ndarray, steps: int) -> np.ndarray:
        """Weights (columns, units) after that many steps on targets (n, units); the loss is a mean over Y's entries."""
        weights, velocity = start.copy(), np.zeros_like(start)
        for t in range(steps):
            gradient = 2 / self.targets.size * self.design.T @ (self.design @ weights - targets)
            velocity = self.optimizer.momentum * velocity + gradient
            rate = self.optimizer.lr * self.optimizer.gamma ** sum(m <= t for m in self.optimizer.milestones)
            weights = weights - rate * velocity
        return weights

    def moments(self, x: np.ndarray, variances: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """E f(x), (m, C), and Cov f(x) of one unit, (m, m), with initial parameters of these variances."""
        columns = self.design.shape[1]
        mean = x @ self.from_weights(np.zeros((columns, self.targets.shape[1])), self.targets, steps)
        linear = x @ self.from_weights(np.eye(columns), np.zeros((len(self.design), columns)), steps)
        return mean, linear * variances @ linear.T


def descent_of_outputs(theta, start, targets, optimizer, steps) -> np.ndarray:
    """Outputs (..., n, C) after descent with a kernel: f ← f − η v, v ← β v + (2/N) Θ (f − Y)."""
    outputs, velocity = start.copy(), np.zeros_like(start)
    for t in range(steps):
        velocity = optimizer.momentum * velocity + 2 / targets.size * theta @ (outputs - targets)
        rate = optimizer.lr * optimizer.gamma ** sum(m <= t for m in optimizer.milestones)
        outputs = outputs - rate * velocity
    return outputs
