"""Spectra are those of the dense Jacobian."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from empirics import CNN, FCN, attractors, initialize, jacobian_spectrum
from tests.empirics.naive import linear

U = 2.0**-53


def dense_jacobian(model: nn.Module, image: Tensor) -> Tensor:
    """J by torch.autograd, entry by entry: (d, d)."""
    jacobian = torch.autograd.functional.jacobian(lambda x: model(x[None])[0], image)
    return jacobian.reshape(image.numel(), image.numel())


def network(kind: str) -> tuple[nn.Module, Tensor]:
    """A network with random weights, and an image."""
    torch_images = torch.from_numpy(np.random.default_rng(1).uniform(size=(1, 6, 6)))
    if kind == "cnn":
        return initialize(CNN(1, 3, 4, 3, activation="tanh").double(), "kaiming_normal", 0), torch_images
    settings = {"fcn": {}, "residual": {"residual": True}, "small": {"bias": True}}[kind]
    size = 5 if kind == "small" else 36  # 5 directions where the block would have 8
    return initialize(FCN(size, 4, 40, **settings).double(), "kaiming_normal", 0), torch_images.flatten()[:size]


@pytest.mark.parametrize("kind", ["fcn", "residual", "small", "cnn"])
def test_norm_and_radius_are_those_of_the_dense_jacobian(kind: str) -> None:
    model, image = network(kind)
    found = jacobian_spectrum(model, image)
    jacobian = dense_jacobian(model, image)
    d, norm = len(jacobian), float(torch.linalg.matrix_norm(jacobian, 2))
    # Products with J go through layers of up to 40 units; so does the dense Jacobian.
    rounding = 4 * 40 * d * U
    # JᵀJ is symmetric: some eigenvalue lies within the residual of what was found. This says that it is the largest.
    error = abs(float(found.norm) ** 2 - norm**2)
    assert error <= (float(found.norm_residual) + rounding) * norm**2
    # J is not: the residual counts as often as its eigenvectors' condition number (Bauer and Fike).
    values, vectors = torch.linalg.eig(jacobian)
    error = abs(float(found.radius) - float(values.abs().max()))
    condition = float(torch.linalg.cond(vectors))
    assert error <= condition * (float(found.radius_residual) * float(found.radius) + rounding * norm)
    assert found.norm_residual <= math.sqrt(2 * U)
    assert found.radius_residual <= math.sqrt(2 * U)
    assert found.radius <= found.norm * (1 + rounding)


def test_a_complex_pair_of_eigenvalues_is_found() -> None:
    """A plane rotated by one radian and shrunk by 0.9, and six directions shrunk more: a single direction never settles
    on that pair.
    """
    turn = 0.9 * torch.tensor([[math.cos(1), -math.sin(1)], [math.sin(1), math.cos(1)]], dtype=torch.float64)
    matrix = torch.block_diag(turn, *[torch.tensor([[0.5 / k]], dtype=torch.float64) for k in range(1, 19)])
    found = jacobian_spectrum(linear(matrix), torch.ones(20, dtype=torch.float64))
    # A normal matrix: the residuals bound the errors, and √ε is the tolerance.
    assert abs(float(found.radius) - 0.9) <= 0.9 * math.sqrt(2 * U)
    assert abs(float(found.norm) - 0.9) <= 0.9 * math.sqrt(2 * U)


def test_norm_and_radius_of_a_nilpotent_map_differ() -> None:
    found = jacobian_spectrum(linear(torch.tensor([[0.0, 3.0], [0.0, 0.0]])), torch.ones(2))
    assert float(found.norm) == pytest.approx(3, rel=8 * 2**-24)  # a few roundings of float32
    assert float(found.radius) <= 3 * math.sqrt(8 * 2**-24)  # a double eigenvalue moves by the root of a perturbation


def test_a_dead_network_has_a_jacobian_of_zero() -> None:
    found = jacobian_spectrum(linear(torch.zeros(3, 3)), torch.ones(2, 3))
    assert found.norm.tolist() == found.radius.tolist() == [0.0, 0.0]
    assert found.norm_residual.tolist() == found.radius_residual.tolist() == [0.0, 0.0]


def test_each_image_has_a_spectrum_of_its_own() -> None:
    model, image = network("fcn")
    batch = torch.stack([image, 1 - image, image * 0])
    together = jacobian_spectrum(model, batch)
    assert together.norm.shape == together.radius.shape == (3,)
    alone = jacobian_spectrum(model, batch[1])  # from other directions: either is within its residual of the truth
    error = abs(together.norm[1] ** 2 - alone.norm[0] ** 2)
    assert error <= 2 * (together.norm_residual[1] + alone.norm_residual[0]) * alone.norm[0] ** 2
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("function", [attractors, jacobian_spectrum])
@pytest.mark.parametrize(
    ("model", "image", "settings", "error", "words"),
    [
        (FCN(4, 1, out_features=3), np.ones(4), {}, ValueError, r"outputs of its inputs' shape, \(4,\), got \(3,\)"),
        (
            CNN(1, 1, kernel_size=3, padding="valid"),
            np.ones((1, 4, 4)),
            {},
            ValueError,
            r"\(1, 4, 4\), got \(1, 2, 2\)",
        ),
        (FCN(4, 1), np.ones((2, 3)), {}, ValueError, "images must have 4 entries for this network, got 3"),
        (FCN(4, 1), np.ones(4), {"tolerance": -1.0}, ValueError, "tolerance must not be negative, got -1.0"),
        (FCN(4, 1), np.ones(4), {"tolerance": "small"}, TypeError, "tolerance must be a real number"),
        (FCN(4, 1), np.ones(4), {"iterations": 2.5}, TypeError, "iterations must be an integer, got 2.5"),
        (FCN(4, 1), np.ones(4), {"iterations": -1}, ValueError, "iterations must be at least"),
        (lambda x: x, np.ones(4), {}, TypeError, "model must be an nn.Module, got function"),
    ],
)
def test_what_cannot_be_iterated_is_refused(function, model, image, settings, error, words: str) -> None:
    with pytest.raises(error, match=words):
        function(model, image, **settings)


def test_a_diverged_network_has_no_spectrum() -> None:
    with pytest.raises(ValueError, match="model must return finite outputs, got NaN or infinity"):
        jacobian_spectrum(linear(torch.full((2, 2), math.inf)), torch.ones(2))
