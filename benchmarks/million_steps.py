"""A million steps predicted, against one singular value decomposition of the same design matrix, side by side."""

import time

import numpy as np
from rich.console import Console
from rich.table import Table

import theory
from numerics import patch_matrix


def best(function, repeats: int = 5) -> float:
    """The fastest of several runs, in seconds: what the work costs when nothing else disturbs it."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print the ratio for several kernels."""
    table = Table("image", "kernel", "decomposition", "10⁶ steps predicted", "ratio")
    rng = np.random.default_rng(0)
    for size, kernel in ((28, 5), (28, 15), (64, 11)):
        image = rng.random((1, 1, size, size))
        network = theory.Convolutional(1, kernel_size=kernel)
        optimizer = theory.GradientDescent(
            0.9 * theory.max_stable_lr(network, image, momentum=0.9),
            momentum=0.9,
            milestones=(300_000, 600_000, 800_000),
        )
        matrix = patch_matrix(image, kernel)
        decomposition = best(lambda matrix=matrix: np.linalg.svd(matrix, full_matrices=False))
        prediction = best(
            lambda network=network, image=image, optimizer=optimizer: theory.gradient_descent(
                network, image, steps=1_000_000, optimizer=optimizer
            )
        )
        table.add_row(
            f"{size}×{size}",
            f"{kernel}×{kernel}",
            f"{decomposition * 1e3:.1f} ms",
            f"{prediction * 1e3:.1f} ms",
            f"{prediction / decomposition:.2f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
