"""One-layer networks with an activation: the derivation, and its closed forms against units trained step by step."""

from fractions import Fraction

import numpy as np
import pytest
from sympy import ImmutableMatrix

from tests.theory.relu_units import sequence, train_unit
from theory.derivations import derive
from theory.derivations.linear_model import c, n, p
from theory.derivations.nonlinear_span import N, X_plus, Z
from theory.derivations.nonlinear_span import W as weights
from theory.derivations.relu_unit import U, a, beta, t, y, z
from theory.proof.explicit import explicit


@pytest.fixture(scope="module")
def derivation():
    return derive("nonlinear-span")


@pytest.mark.parametrize("rate", [Fraction(1, 3), Fraction(5, 4), Fraction(9, 4)])
@pytest.mark.parametrize("momentum", [Fraction(0), Fraction(1, 2), Fraction(4, 5)])
@pytest.mark.parametrize("start", [Fraction(1, 5), Fraction(2), Fraction(7)])
def test_units_follow_the_derived_forms_exactly(derivation, rate, momentum, start):
    target = Fraction(1)
    alive = derivation.function("alive", beta, U(t), U(t + 1), y, z(0))
    displacement = derivation.function("displacement", a, U(t + 1), y, z(0))
    frozen = derivation.function("frozen", a, beta, U(t), U(t + 1), U(t + 2), y, z(0))
    terms = sequence(rate, momentum, 42)
    responses, displacements = train_unit(start, target, rate, momentum, 40)
    for step, (response, moved) in enumerate(zip(responses, displacements, strict=True)):
        assert response == alive(momentum, terms[step], terms[step + 1], target, start)
        if step:
            assert moved == displacement(rate, terms[step], target, start)
        if response <= 0:  # dead: what is left is to coast
            rest = response - moved * momentum / (1 - momentum)
            assert rest == frozen(rate, momentum, *terms[step - 1 : step + 2], target, start)
            break


def test_limit_weights_are_those_of_long_descent(derivation):
    """An invertible activation, φ(z) = z³ + z, two examples in three dimensions: plain descent, 20,000 steps."""
    rng = np.random.default_rng(1)
    X, W, targets = rng.standard_normal((3, 2)), 0.1 * rng.standard_normal((2, 3)), rng.standard_normal((2, 2))
    initial = W.copy()
    for _ in range(20_000):
        response = W @ X
        W = W - 0.02 * ((response**3 + response - targets) * (3 * response**2 + 1)) @ X.T
    inverse = np.array([[np.real(roots[np.argmin(np.abs(np.imag(roots)))]) for roots in
                         ([np.roots([1, 0, 1, -value]) for value in row])] for row in targets])  # fmt: skip
    pinv = np.linalg.pinv(X)
    values = {c: 2, n: 2, p: 3, Z: inverse, X_plus: pinv, weights(0): initial, N: np.eye(3) - X @ pinv}
    matrices = {
        key: ImmutableMatrix(value) if isinstance(value, np.ndarray) else value for key, value in values.items()
    }
    limit = np.array(explicit(derivation.result["limit weights"], matrices), dtype=float)
    missing = np.linalg.norm(W @ X - inverse)
    assert missing < 1e-10  # it has converged, to what rounding and roots leave
    smallest = np.linalg.svd(X, compute_uv=False)[-1]
    # Off the examples' span 20,000 rounded steps move the weights by at most u each; within it, by what is missing.
    assert np.linalg.norm(W - limit) <= missing / smallest + 20_000 * 2.0**-53 * 8 * np.linalg.norm(W)
