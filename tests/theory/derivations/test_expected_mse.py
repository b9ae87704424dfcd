"""The expected squared error over random initial weights: the derivation, and the ensemble's numbers against it."""

import numpy as np
import pytest
from sympy import Basic, ImmutableMatrix, Rational

import theory
from theory.derivations import derive
from theory.derivations.cnn_expected_mse import G, G_diagonal, g, kurtosis, variance
from theory.derivations.linear_model import c, p
from theory.derivations.patch_model import A, N, Theta_star, q
from theory.proof.explicit import explicit

EPS = np.finfo(float).eps


@pytest.fixture(scope="module")
def derivation():
    return derive("cnn-expected-mse")


def explicit_problem(rng: np.random.Generator, channels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A training image whose patches leave something open, another image, and the latter's patch matrix by loops."""
    training = np.zeros((channels, 4, 4))
    training[:, 0, 0] = rng.random(channels)
    x = rng.random((channels, 4, 4))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    patches = np.array([padded[:, i : i + 3, j : j + 3].ravel() for i in range(4) for j in range(4)])
    return training, x, patches


def evaluated(formula: Basic, values: dict) -> float:
    """A derived expression with numbers in it."""
    matrices = {
        key: ImmutableMatrix(value) if isinstance(value, np.ndarray) else value for key, value in values.items()
    }
    return float(explicit(formula, matrices))


@pytest.mark.parametrize("scheme", ["yann_normal", "kaiming_uniform", "orthogonal"])
@pytest.mark.parametrize("channels", [1, 2])
def test_ensemble_expects_the_derived_error(derivation, scheme, channels):
    rng = np.random.default_rng(channels)
    training, x, patches = explicit_problem(rng, channels)
    network = theory.Convolutional(channels, kernel_size=3)
    ensemble = theory.initialization_ensemble(network, training, scheme=scheme)
    lit = np.pad(training, ((0, 0), (1, 1), (1, 1)))
    design = np.array([lit[:, i : i + 3, j : j + 3].ravel() for i in range(4) for j in range(4)])
    columns = 9 * channels
    null = np.eye(columns) - np.linalg.pinv(design) @ design
    kernels = np.zeros((channels, columns))
    kernels[np.arange(channels), 9 * np.arange(channels) + 4] = 1
    values = {A: patches, N: null, Theta_star: kernels, c: channels, q: 16, p: columns}
    derived = evaluated(derivation.result["expected mse"], {**values, variance: ensemble.scheme.weight_variance})
    # The projector is as exact as the singular vectors: ε · columns · condition; twice, in a sum of squares.
    singular = np.linalg.svd(design, compute_uv=False)
    condition = singular[0] / singular[singular > 1e-10].min()
    assert abs(ensemble.expected_mse(x) / derived - 1) <= 4 * columns**2 * EPS * condition


@pytest.mark.parametrize("scheme", ["yann_normal", "kaiming_uniform"])
def test_ensemble_has_the_derived_variance(derivation, scheme):
    training, x, patches = explicit_problem(np.random.default_rng(7), 1)
    network = theory.Convolutional(1, kernel_size=3)
    ensemble = theory.initialization_ensemble(network, training, scheme=scheme)
    lit = np.pad(training[0], 1)
    design = np.array([lit[i : i + 3, j : j + 3].ravel() for i in range(4) for j in range(4)])
    null = np.eye(9) - np.linalg.pinv(design) @ design
    form = null @ patches.T @ patches @ null
    excess = 0 if scheme == "yann_normal" else Rational(-6, 5)
    values = {G: form, G_diagonal: np.diag(np.diag(form)), g: form[:, [4]], kurtosis: excess, p: 9}
    formula = derivation.result["variance of one channel"]
    derived = evaluated(formula, {**values, variance: ensemble.scheme.weight_variance})
    singular = np.linalg.svd(design, compute_uv=False)
    condition = singular[0] / singular[singular > 1e-10].min()
    # The mean over 16 pixels; a square of what `expected_mse` is linear in.
    assert abs(ensemble.mse_variance(x) / (derived / 16**2) - 1) <= 8 * 9**2 * EPS * condition
