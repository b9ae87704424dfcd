"""Laws over initial weights have one shape, and say what their own samples show."""

import math

import numpy as np
import pytest

import theory
from tests.cases import random_images
from theory import wide

SAMPLES = 40_000
# Hoeffding: a mean of n numbers from [−1, 1] is off by more than √(2 log(2/α)/n) with probability below α.
ALPHA = 1e-12
MOST = math.sqrt(2 * math.log(2 / ALPHA) / SAMPLES)

X_HAT, X = random_images(0, (2, 2, 3, 3)), random_images(1, (2, 2, 3, 3))
VECTORS, ASKED = X_HAT.reshape(2, -1), X.reshape(2, -1)
LAWS = {
    "fully connected": (
        theory.initialization_ensemble(theory.FullyConnected(18, bias=True), VECTORS[:1], scheme="xavier_normal"),
        ASKED,
    ),
    "convolutional": (
        theory.initialization_ensemble(theory.Convolutional(2, kernel_size=5), X_HAT[:1], scheme="kaiming_normal"), X,
    ),
    "locally connected": (
        theory.initialization_ensemble(theory.LocallyConnected(2, kernel_size=3), X_HAT[:1], scheme="yann_normal"), X,
    ),
    "wide, fully connected": (wide.gradient_flow(wide.FullyConnected(3, weight_variance=2.0), VECTORS[:1]), ASKED),
    "wide, convolutional": (
        wide.gradient_flow(wide.Convolutional(2, kernel_size=3, weight_variance=2.0), X_HAT[:1], time=2.0), X,
    ),
}  # fmt: skip


@pytest.fixture(params=LAWS)
def law_and_inputs(request):
    return LAWS[request.param]


def test_every_law_has_the_one_shape(law_and_inputs):
    law, x = law_and_inputs
    assert isinstance(law, theory.Law)
    shape = law.mean(x).shape
    assert law.variance(x).shape == shape
    assert law.sample(x, 3, 0).shape == (3, *shape)
    assert law.sample(x[0], 3, 0).shape == (3, *shape[1:])
    assert law.variance(x[0]).shape == law.mean(x[0]).shape == shape[1:]
    sizes = shape[2:]
    assert law.covariance(x).shape == (2, 2, *sizes, *sizes)
    assert law.covariance(x[0], x).shape == (1, 2, *sizes, *sizes)
    assert law.expected_mse(x).shape == law.expected_correlation(x, x).shape == (2,)
    assert law.expected_correlation(x[0], x[0]).shape == ()


def test_variances_stand_on_the_diagonal_of_the_covariance(law_and_inputs):
    law, x = law_and_inputs
    whole, variance = law.covariance(x), law.variance(x)
    units = math.prod(variance.shape[2:])
    matrix = np.moveaxis(whole.reshape(2, 2, units, units), 1, 2).reshape(2 * units, 2 * units)
    diagonal = np.diagonal(matrix).reshape(2, 1, units)
    # Sums over what training leaves, some hundred roundings of numbers up to the largest variance before training.
    rounding = 1e3 * 2.0**-52 * (np.abs(matrix).max() + 10)
    assert np.abs(variance.reshape(2, -1, units) - diagonal).max() <= rounding
    assert np.abs(matrix - matrix.T).max() <= rounding
    assert np.linalg.eigvalsh(matrix)[0] >= -rounding
    both = law.covariance(x[:1], x)
    assert np.abs(both - whole[:1]).max() <= rounding


def test_samples_have_the_covariance_that_the_law_says(law_and_inputs):
    """Along random directions, where a Gaussian sample's variance is a scaled chi-square: its exact tails."""
    law, x = law_and_inputs
    samples, mean = law.sample(x, SAMPLES, 0), law.mean(x)
    whole = law.covariance(x)
    units = math.prod(mean.shape[2:])
    matrix = np.moveaxis(whole.reshape(2, 2, units, units), 1, 2).reshape(2 * units, 2 * units)
    centred = (samples - mean).reshape(SAMPLES, 2, mean.shape[1], units)
    from scipy.stats import chi2

    for output in range(mean.shape[1])[:2]:
        for direction in random_images(3, (3, 2 * units)) - 0.5:
            expected = direction @ matrix @ direction
            found = np.mean((centred[:, :, output].reshape(SAMPLES, -1) @ direction) ** 2)
            assert chi2(SAMPLES).ppf(ALPHA) <= SAMPLES * found / expected <= chi2(SAMPLES).isf(ALPHA)


def test_expected_correlations_are_those_of_samples(law_and_inputs):
    law, x = law_and_inputs
    samples = law.sample(x, SAMPLES, 1).reshape(SAMPLES, 2, -1)
    for reference in (x, x[::-1].copy()):
        flat = reference.reshape(2, -1) - reference.reshape(2, -1).mean(axis=1, keepdims=True)
        centred = samples - samples.mean(axis=2, keepdims=True)
        each = (centred * flat).sum(axis=2) / np.linalg.norm(centred, axis=2) / np.linalg.norm(flat, axis=1)
        assert np.abs(law.expected_correlation(x, reference) - each.mean(axis=0)).max() <= MOST


def test_an_output_that_is_certain_correlates_as_it_is():
    """At full rank nothing is left to chance: the answer is the input."""
    law = theory.initialization_ensemble(theory.Convolutional(1, kernel_size=3), X_HAT[:1, :1], scheme="xavier_normal")
    expected = np.corrcoef(X[0, 0].ravel(), X[1, 0].ravel())[0, 1]
    # The integral's own accuracy, as theory/gaussian_correlation.py states it.
    assert abs(law.expected_correlation(X[:1, :1], X[1:, :1]).item() - expected) <= 1e-12


def test_correlations_of_laws_that_are_not_gaussian_are_refused():
    law = theory.initialization_ensemble(theory.Convolutional(2, kernel_size=3), X_HAT, scheme="default")
    with pytest.raises(ValueError, match="known for Gaussian initial weights only, not for uniform ones"):
        law.expected_correlation(X, X)
