"""The law of learning: the derivation, and the numeric functions that use its results."""

import numpy as np

import theory
from theory import wide
from theory.derivations import derive
from theory.derivations.learning_law import eigenvalue, kappa, m_1, m_2, networks, t
from theory.learning import learning_law

UNIT = 2.0**-53
NETWORK = wide.FullyConnected(1, weight_variance=1.0, parameterization="standard")


def law_of(steps: int):
    """Four orthogonal inputs of different lengths: the kernel is diagonal, and each input a mode of its own."""
    inputs, labels = np.diag([3.0, 2.0, 1.5, 1.0]), np.array([0, 1, 0, 1])
    return learning_law(NETWORK, inputs, labels, steps=steps, optimizer=theory.GradientDescent(0.3))


def test_numeric_mean_and_variance_are_the_derived_ones():
    left = derive("learning-law").function("left", kappa, eigenvalue, t)
    for steps in (0, 1, 7, 40):
        law = law_of(steps)
        squares = np.array([9.0, 4.0, 2.25, 1.0])
        share = left(2 * 0.3 / 8, squares, steps)  # N = 4 inputs of 2 classes
        # t factors, and a rate, that round; (1 − left) cancels no digits that matter to an absolute error.
        bound = (8 * steps + 40) * UNIT
        assert np.abs(law.mean[0][range(4), law.labels] - (1 - share)).max() <= bound
        assert np.abs(law.mean[0][range(4), 1 - law.labels]).max() <= bound
        # K = σ_w² x x'/d, with d = 4.
        assert np.abs(law.variance[0] - share**2 * squares / 4).max() <= bound * squares.max()


def test_numeric_gain_is_the_derived_one():
    """Of another input, θ_x (1 − (1 − κλ)^t)/λ · y."""
    gain = derive("learning-law").function("gain", kappa, eigenvalue, t)
    law, x = law_of(5), np.array([[1.0, 0.0, 2.0, 0.0]])
    found = law.of(x, np.array([0])).mean[0][0]
    known = 1 * 3.0 * gain(2 * 0.3 / 8, 9.0, 5) + 2 * 1.5 * gain(2 * 0.3 / 8, 2.25, 5)
    assert abs(found[0] - known) <= 200 * UNIT
    assert abs(found[1]) <= 200 * UNIT


def test_numeric_overdispersion_is_the_derived_one():
    derived = derive("learning-law").function("overdispersion", networks, m_1, m_2)
    law = law_of(7)
    p = law.probability[0]
    assert abs(law.overdispersion(11)[0] - derived(11, p.mean(), np.mean(p**2))) <= 1e3 * UNIT / (1 - p.mean())
