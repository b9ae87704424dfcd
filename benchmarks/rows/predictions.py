"""Predictions for many images, against the bare operation."""

import numpy as np
import torch

import theory
from benchmarks.rows.row import OURS, Row

SIDE = 28


def rows(*, quick: bool = False) -> list[Row]:
    """10,000 images of 28 × 28 by each network, from NumPy and from torch; quick: 10."""
    n = 10 if quick else 10_000
    images = np.random.default_rng(0).random((n, 1, SIDE, SIDE))
    found = []
    for kind in ("NumPy", "torch"):
        given = images if kind == "NumPy" else torch.from_numpy(images)
        found += [_convolution(kind, given), _dense(kind, given), _local(kind, given)]
    if torch.cuda.is_available() and not quick:
        found.append(_convolution("CUDA", torch.from_numpy(images).cuda()))
    return found


def _trained(network: theory.Convolutional, given: torch.Tensor | np.ndarray, shape: tuple[int, ...]) -> tuple:
    """The limit from the first image, which it is predicted for as for all others; initial weights keep it dense."""
    initial = np.random.default_rng(1).standard_normal(shape) / np.sqrt(np.prod(shape[-3:]))
    first = given[:1] * 0 if isinstance(given, np.ndarray) else torch.zeros_like(given[:1])
    if not isinstance(given, np.ndarray):
        initial = torch.from_numpy(initial).to(given.device)
    trained = theory.gradient_descent(network, first, initial=initial)  # black teaches nothing
    return trained, torch.as_tensor(trained.weight)


def _convolution(kind: str, given: torch.Tensor | np.ndarray) -> Row:
    trained, weight = _trained(theory.Convolutional(1, kernel_size=5), given, (1, 1, 5, 5))
    x = torch.as_tensor(given)
    ways = {
        OURS: lambda: _host(trained(given)),
        "bare conv2d": lambda: _host(torch.nn.functional.conv2d(x, weight, padding=2)),
    }
    operations = 2.0 * 25 * x.numel()
    name = f"CNN, {len(x):,} images, {kind}"
    return Row("predictions", name, ways, {"bare conv2d": 1 / 1.15}, operations, moved=16.0 * x.numel())


def _dense(kind: str, given: torch.Tensor | np.ndarray) -> Row:
    d = SIDE * SIDE
    flat = given.reshape(-1, d)
    trained, weight = _trained(theory.FullyConnected(d), flat, (d, d))
    x = torch.as_tensor(flat)
    bare = {"bare matmul": lambda: (flat @ weight.numpy().T) if kind == "NumPy" else x @ weight.T}
    ways = {OURS: lambda: trained(flat), **bare}
    return Row("predictions", f"FCN, {len(x):,} images, {kind}", ways, {"bare matmul": 1 / 1.15}, 2.0 * d * x.numel())


def _local(kind: str, given: torch.Tensor | np.ndarray) -> Row:
    trained, weight = _trained(theory.LocallyConnected(1, kernel_size=3), given, (SIDE, SIDE, 1, 1, 3, 3))
    x = torch.as_tensor(given)
    planes = weight.reshape(SIDE, SIDE, 9).permute(2, 0, 1).contiguous()

    def bare() -> torch.Tensor:
        """Nine shifted multiplications, some images at a time."""
        found = torch.zeros_like(x)
        for part, out in zip(x.split(64), found.split(64), strict=True):
            padded = torch.nn.functional.pad(part, (1, 1, 1, 1))
            for tap in range(9):
                out.addcmul_(padded[:, :, tap // 3 : tap // 3 + SIDE, tap % 3 : tap % 3 + SIDE], planes[tap])
        return found

    ways = {OURS: lambda: _host(trained(given)), "nine shifts": bare}
    goals = {"nine shifts": 1 / 1.15}
    return Row("predictions", f"LCN, {len(x):,} images, {kind}", ways, goals, 2.0 * 9 * x.numel(), 16.0 * x.numel())


def _host(values: torch.Tensor | np.ndarray) -> torch.Tensor | np.ndarray:
    """On a GPU: waits for it."""
    return values.cpu() if isinstance(values, torch.Tensor) and values.is_cuda else values
