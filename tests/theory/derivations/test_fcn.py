"""Theorem 1: its closed forms against gradient descent carried out, and against the numbers of theory."""

from fractions import Fraction

import numpy as np
import pytest
from sympy import ImmutableMatrix, Rational

import theory
from theory.derivations import derive
from theory.derivations.fcn_limit import parallel, perpendicular, x
from theory.derivations.fcn_trajectory import W, d, kappa, s, t, x_hat
from theory.proof.explicit import explicit

EPS = np.finfo(float).eps


def integers(seed: int, *shape: int) -> np.ndarray:
    values = np.random.default_rng(seed).integers(-5, 6, size=shape)
    return np.vectorize(Fraction, otypes=[object])(values)


def naive_descent(weights: np.ndarray, image: np.ndarray, rate: Fraction, steps: int) -> np.ndarray:
    """Gradient descent on mean((W x − x)²), every entry of the gradient by its own sum, exactly."""
    size = len(image)
    for _ in range(steps):
        error = [sum(weights[i, j] * image[j] for j in range(size)) - image[i] for i in range(size)]
        gradient = np.array([[2 * error[i] * image[j] / size for j in range(size)] for i in range(size)], dtype=object)
        weights = weights - rate * gradient
    return weights


def as_sympy(array: np.ndarray) -> ImmutableMatrix:
    table = np.atleast_2d(array)
    rational = np.vectorize(lambda value: Rational(value.numerator, value.denominator), otypes=[object])
    return ImmutableMatrix(rational(table).tolist())


@pytest.mark.parametrize("size", [1, 2, 5, 7])
@pytest.mark.parametrize("steps", [0, 1, 4])
def test_derived_weights_are_those_of_descent_exactly(size, steps):
    start, image, rate = integers(size, size, size), integers(size + 9, size) + Fraction(1, 2), Fraction(1, 300)
    values = {
        d: size,
        t: steps,
        W(0): as_sympy(start),
        x_hat: as_sympy(image).T,
        s: Rational(str(sum(image**2))),
        kappa: Rational(str(2 * rate / size)),
    }
    derived = explicit(derive("fcn-trajectory").result["weights"], values)
    assert derived == as_sympy(naive_descent(start, image, rate, steps))


def test_numeric_trajectory_is_the_derived_one():
    rng = np.random.default_rng(1)
    start, image, rate, steps = rng.normal(size=(6, 6)), rng.normal(size=6), 0.05, 20
    length = image @ image
    left_over = derive("fcn-trajectory").function("left over", kappa, s, t)(2 * rate / 6, length, steps)
    derived = start + (1 - left_over) / length * np.outer(image - start @ image, image)
    optimizer = theory.GradientDescent(rate)
    network = theory.gradient_descent(theory.FullyConnected(6), image, initial=start, steps=steps, optimizer=optimizer)
    # both sides: fewer than 8 · 6 rounded operations an entry, and t roundings of the rate in the power, |1 − κs| < 1
    size = np.linalg.norm(start) + np.linalg.norm(start - np.eye(6))
    assert np.max(np.abs(network.weight - derived)) <= 2 * (8 * 6 + steps) * EPS * size


def test_numeric_limit_is_the_derived_one():
    rng = np.random.default_rng(2)
    start, image, probe = rng.normal(size=(6, 6)), rng.normal(size=6), rng.normal(size=6)
    along = np.outer(image, image) / (image @ image)
    predict = derive("fcn-limit").function("prediction", parallel, perpendicular, W(0), x)
    derived = predict(along, np.eye(6) - along, start, probe[:, None])[:, 0]
    network = theory.gradient_descent(theory.FullyConnected(6), image, initial=start)
    size = (1 + np.linalg.norm(start)) * np.linalg.norm(probe)
    assert np.max(np.abs(network(probe) - derived)) <= 2 * (8 * 6) * EPS * size
