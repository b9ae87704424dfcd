"""A trained network after any number of steps, against really taking them."""

import numpy as np

import theory
from benchmarks.rows.row import OURS, Row
from files import embedded_digits
from numerics import patch_matrix


def rows(*, quick: bool = False) -> list[Row]:
    """2,000,000 steps beside 2,000 really taken; 10,000 recorded steps beside one."""
    digit = embedded_digits()[70] / 255
    network = theory.Convolutional(1, kernel_size=5)
    rate = 0.9 * theory.max_stable_lr(network, digit, momentum=0.9)
    optimizer = theory.GradientDescent(rate, momentum=0.9)
    taken, many, recorded = (20, 2000, 50) if quick else (2_000, 2_000_000, 10_000)
    matrix, targets = patch_matrix(digit, 5), digit.reshape(-1, 1)

    def descend(steps: int) -> np.ndarray:
        weight, velocity = np.zeros((25, 1)), np.zeros((25, 1))
        for _ in range(steps):
            velocity = 0.9 * velocity + 2 / targets.size * (matrix.T @ (matrix @ weight - targets))
            weight = weight - rate * velocity
        return weight.reshape(1, 1, 5, 5)

    def after(steps: object) -> np.ndarray:
        return theory.gradient_descent(network, digit, steps=steps, optimizer=optimizer).weight

    singular_values = {
        OURS: lambda: after(many),
        "one SVD of the patch matrix": lambda: np.linalg.svd(matrix, full_matrices=False),
    }
    return [
        Row("steps of descent", f"{taken:,}", {OURS: lambda: after(taken), "taken": lambda: descend(taken)}, off=1e-8),
        Row(
            "steps of descent",
            f"{many:,}, beside {taken:,} taken",
            {OURS: lambda: after(many), "taken": lambda: descend(taken)},
            off=None,
        ),
        Row("steps of descent", f"{many:,}, beside a decomposition", singular_values, off=None),
        Row(
            "steps of descent",
            f"{recorded:,} recorded, beside the last alone",
            {OURS: lambda: after(range(1, recorded + 1))[-1], "the last alone": lambda: after(recorded)},
            {"the last alone": 0.5},
        ),
    ]
