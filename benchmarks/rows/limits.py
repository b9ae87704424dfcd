"""The limit of a one-layer convolution trained on one image, against least squares on its patch matrix."""

import numpy as np
import torch

import theory
from benchmarks.rows.row import OURS, Row
from files import embedded_digits


def rows(*, quick: bool = False) -> list[Row]:
    """From a digit to half a megapixel; quick: the digit alone."""
    digit = embedded_digits()[70] / 255
    found = [_row("1×28×28, k=5", digit, 5, {"unfold + lstsq": 1.0}, lstsq=True)]
    if quick:
        return found
    rng = np.random.default_rng(0)
    photograph = rng.random((3, 224, 224))
    found += [
        _row("1×28×28, k=5, no zeros", rng.random((1, 28, 28)), 5, {}, lstsq=True),
        _row("3×32×32, k=7", photograph[:, :32, :32], 7, {}, lstsq=True),
        _row("3×224×224, k=7", photograph, 7, {}, lstsq=True),
        _row("3×224×224, k=15", photograph, 15, {"unfold + lstsq": 20.0, "unfold + Gram + eigh": 3.0}, lstsq=True),
        _row("1×512×512, k=31", rng.random((1, 512, 512)), 31, {"unfold + Gram + eigh": 10.0}, lstsq=False),
    ]
    if torch.cuda.is_available():
        found.append(_row("3×224×224, k=15, CUDA", photograph, 15, {}, lstsq=False, device="cuda"))
    return found


def _row(name: str, image: np.ndarray, k: int, goals: dict[str, float], *, lstsq: bool, device: str = "cpu") -> Row:
    given = image if device == "cpu" else torch.from_numpy(image).to(device)
    x = torch.from_numpy(image).to(device)[None]
    network = theory.Convolutional(len(image), kernel_size=k)

    def ours() -> np.ndarray:
        weight = theory.gradient_descent(network, given).weight
        return weight if isinstance(weight, np.ndarray) else weight.cpu().numpy()

    def unfolded() -> tuple[torch.Tensor, torch.Tensor]:
        patches = torch.nn.functional.unfold(x, k, padding=k // 2)[0]
        return patches, x[0].flatten(1)

    def least_squares() -> np.ndarray:
        patches, targets = unfolded()
        found = np.linalg.lstsq(patches.numpy().T, targets.numpy().T, rcond=None)[0]
        return found.T.reshape(len(image), len(image), k, k)

    def gram() -> np.ndarray:
        patches, targets = unfolded()
        values, vectors = torch.linalg.eigh(patches @ patches.T)
        known = (vectors.T @ (patches @ targets.T)) / values[:, None]
        return (vectors @ known).T.reshape(len(image), len(image), k, k).cpu().numpy()

    ways = {OURS: ours, "unfold + Gram + eigh": gram} | ({"unfold + lstsq": least_squares} if lstsq else {})
    columns, pixels = image.shape[0] * k * k, image[0].size
    # The Gram matrix by correlation: each of C² pairs of channels by three transforms; then Cholesky's third of a cube.
    operations = 15 * len(image) ** 2 * pixels * np.log2(pixels) + columns**3 / 3
    return Row("limit of one image", name, ways, goals, operations=float(operations), off=1e-7)
