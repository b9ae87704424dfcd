"""One network for each image of a data set: limits and ranks, against a loop and against batches in torch."""

from collections.abc import Callable

import numpy as np
import torch

import theory
from benchmarks.rows.row import OURS, Row
from files import embedded_digits
from numerics import patch_rank, patch_ranks

K = 5


def rows(*, quick: bool = False) -> list[Row]:
    """5,000 shifted digits, and as many images without zeros; quick: 20."""
    digits = embedded_digits()
    shifts = [(a, b) for a in range(-2, 3) for b in range(-2, 3)]
    shifted = np.concatenate([np.roll(digits, shift, (2, 3)) for shift in shifts])
    noise = np.random.default_rng(0).integers(0, 256, shifted.shape).astype(np.uint8)
    some = slice(0, 20 if quick else None)
    found = [_limits(f"{len(shifted[some]):,} digits, k={K}", shifted[some] / 255, {"loop of lstsq": 10, "torch": 3})]
    found.append(_ranks(f"{len(shifted[some]):,} digits, k={K}", shifted[some]))
    if not quick:
        found.append(_limits("5,000 images of noise, k=5", noise / 255, {}))
        found.append(_ranks("5,000 images of noise, k=5", noise))
    return found


def _limits(name: str, images: np.ndarray, goals: dict[str, float]) -> Row:
    network = theory.Convolutional(1, kernel_size=K)
    ways: dict[str, Callable[[], np.ndarray]] = {
        OURS: lambda: theory.per_image(network, images).weight,
        "loop of lstsq": lambda: np.stack([_least_squares(image) for image in images]),
        "torch": lambda: _batched(torch.from_numpy(images)),
    }
    # Every pixel is looked at once.
    return Row("limits of a data set", name, ways, goals, moved=float(images.nbytes), off=1e-7)


def _least_squares(image: np.ndarray) -> np.ndarray:
    patches = np.lib.stride_tricks.sliding_window_view(np.pad(image[0], K // 2), (K, K)).reshape(-1, K * K)
    return np.linalg.lstsq(patches, image.reshape(-1, 1), rcond=None)[0].reshape(1, 1, K, K)


def _batched(images: torch.Tensor) -> np.ndarray:
    """In batches of 500: unfolded all at once, they would take a gigabyte."""
    found = []
    for some in images.split(500):
        patches = torch.nn.functional.unfold(some, K, padding=K // 2)
        values, vectors = torch.linalg.eigh(patches @ patches.mT)
        known = vectors.mT @ (patches @ some.flatten(2).mT) / values[..., None]
        found.append((vectors @ known).mT.reshape(-1, 1, 1, K, K))
    return torch.cat(found).numpy()


def _ranks(name: str, images: np.ndarray) -> Row:
    ways: dict[str, Callable[[], np.ndarray]] = {
        OURS: lambda: patch_ranks(images, K, method="exact").rank,
        "loop of patch_rank": lambda: np.array([patch_rank(image, K, method="exact").rank for image in images]),
    }
    return Row("exact ranks of a data set", name, ways, {"loop of patch_rank": 5}, moved=float(images.nbytes), off=0.0)
