"""Theorem 2: the derivation, and its closed form against convolutional networks trained step by step."""

from fractions import Fraction

import numpy as np
import pytest
from sympy import ImmutableMatrix, Rational, eye

import theory
from theory.derivations import derive
from theory.derivations.explicit_convolution import convolve, delta_kernel, patch_matrix, pixels
from theory.derivations.explicit_descent import multiplied_out
from theory.derivations.linear_model import D, Theta, c, n, p, t
from theory.derivations.patch_model import N, Q, Theta_star
from theory.proof.explicit import explicit

EPS = np.finfo(float).eps


@pytest.fixture(scope="module")
def derivation():
    return derive("cnn-limit")


def naive_convolution(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Zero-padded cross-correlation of a (C, H, W) image with (O, C, k, k) weights, in six loops."""
    outputs, channels, size, _ = weights.shape
    _, height, width = image.shape
    result = np.zeros((outputs, height, width), dtype=object)
    for o, i, j, channel, a, b in np.ndindex(outputs, height, width, channels, size, size):
        row, column = i + a - (size - 1) // 2, j + b - (size - 1) // 2
        if 0 <= row < height and 0 <= column < width:
            result[o, i, j] += weights[o, channel, a, b] * image[channel, row, column]
    return result


def naive_descent(weights: np.ndarray, image: np.ndarray, rate: Fraction, steps: int) -> np.ndarray:
    """Gradient descent on the mean squared error of the identity, the gradient by backpropagation in six loops."""
    size, (_, height, width) = weights.shape[-1], image.shape
    for _ in range(steps):
        error, gradient = naive_convolution(image, weights) - image, np.zeros(weights.shape, dtype=object)
        for o, i, j, channel, a, b in np.ndindex(len(weights), height, width, len(image), size, size):
            row, column = i + a - (size - 1) // 2, j + b - (size - 1) // 2
            if 0 <= row < height and 0 <= column < width:
                gradient[o, channel, a, b] += Fraction(2, image.size) * error[o, i, j] * image[channel, row, column]
        weights = weights - rate * gradient
    return weights


def rational_matrix(array: np.ndarray) -> ImmutableMatrix:
    rational = np.vectorize(lambda value: Rational(str(value)), otypes=[object])
    return ImmutableMatrix(rational(np.atleast_2d(array)).tolist())


@pytest.mark.parametrize(
    ("channels", "height", "width", "size"), [(1, 3, 4, 3), (2, 2, 3, 3), (1, 4, 2, 2), (2, 3, 3, 1)]
)
def test_derived_weights_are_those_of_descent_exactly(derivation, channels, height, width, size):
    rng = np.random.default_rng(channels * height * width)
    fractions = np.vectorize(Fraction, otypes=[object])
    image = fractions(rng.integers(-4, 5, size=(channels, height, width)))
    start = fractions(rng.integers(-4, 5, size=(channels, channels, size, size)))
    rate, steps = Fraction(1, 50), 3
    explicit_image = tuple(rational_matrix(channel) for channel in image)
    design = patch_matrix(explicit_image, (size, size))
    shrink = ImmutableMatrix(eye(design.cols) - Rational(2, image.size) * Rational(1, 50) * design.T * design)
    power = multiplied_out(multiplied_out(shrink, shrink), shrink)
    identity = ImmutableMatrix.hstack(*(delta_kernel(channels, (size, size), channel) for channel in range(channels))).T
    values = {n: design.rows, p: design.cols, c: channels, t: steps, D: design, Q(steps): power, Theta_star: identity}
    values[Theta(0)] = rational_matrix(start.reshape(channels, -1))
    derived = explicit(derivation.result["weights"], values)
    assert derived == rational_matrix(naive_descent(start, image, rate, steps).reshape(channels, -1))


def test_explicit_convolution_is_the_naive_one():
    rng = np.random.default_rng(3)
    image, kernel = rng.integers(-4, 5, size=(2, 4, 3)), rng.integers(-4, 5, size=(1, 2, 3, 3))
    explicit_image = tuple(ImmutableMatrix(channel.tolist()) for channel in image)
    explicit_kernel = tuple(ImmutableMatrix(taps.tolist()) for taps in kernel[0])
    naive = naive_convolution(image, kernel)[0].reshape(-1)
    assert list(convolve(explicit_image, explicit_kernel)) == naive.tolist()
    assert list(patch_matrix(explicit_image, (3, 3)) * ImmutableMatrix(kernel.reshape(-1))) == naive.tolist()


def test_kernels_wider_than_all_they_see_leave_no_error_at_short_rank():
    """The converse of Theorem 2 needs every tap to see a pixel: one pixel, three taps, rank 1, and yet no error."""
    image = (ImmutableMatrix([[3]]),)
    design = patch_matrix(image, (1, 3))
    null = ImmutableMatrix(eye(3)) - design.pinv() * design
    start = ImmutableMatrix([5, -2, 7])
    assert design.rank() == 1
    assert null * (start - delta_kernel(1, (1, 3))) != ImmutableMatrix([0, 0, 0])
    for pixel in (-1, 4):
        other = (ImmutableMatrix([[pixel]]),)
        trained = delta_kernel(1, (1, 3)) + null * (start - delta_kernel(1, (1, 3)))
        assert patch_matrix(other, (1, 3)) * trained == pixels(other)


def test_numeric_limit_is_the_derived_one(derivation):
    rng = np.random.default_rng(4)
    image = rng.integers(0, 3, size=(1, 2, 2))
    start = rng.integers(-4, 5, size=(1, 1, 3, 3)).astype(float)
    design = patch_matrix((ImmutableMatrix(image[0].tolist()),), (3, 3))
    null = ImmutableMatrix(eye(9)) - design.pinv() * design
    values = {c: 1, p: 9, N: null, Theta_star: delta_kernel(1, (3, 3)).T}
    values[Theta(0)] = ImmutableMatrix(start.astype(int).reshape(1, -1).tolist())
    derived = np.array(explicit(derivation.result["limit weights"], values).tolist(), dtype=float).reshape(1, 1, 3, 3)
    network = theory.gradient_descent(theory.Convolutional(1, kernel_size=3), image.astype(float), initial=start)
    # the projector is as exact as the singular vectors: eps · σ_max / gap to zero; 9 · 9 operations
    singular = np.linalg.svd(np.array(design.tolist(), dtype=float), compute_uv=False)
    condition = singular[0] / singular[: design.rank()][-1]
    assert np.max(np.abs(network.weight - derived)) <= 9 * 9 * EPS * condition * (1 + np.linalg.norm(start))
