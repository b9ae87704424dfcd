"""One-layer networks with an activation: trained outputs lie in the nonlinear span of the training examples."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

import empirics
from tests.bounds import UNIT_ROUNDOFF, gamma
from tests.cases import random_images, seeds
from tests.claims.one_layer import digits, parameters, schemes
from tests.ledger import claim

N_SPAN = claim(
    "N.span",
    statement="A one-layer network φ(W x) with leaky ReLU that training brings to zero loss ends at "
    "W₀(I − Π) + φ⁻¹(Y)X⁺: its outputs lie in the nonlinear span of the training examples.",
    source="Radhakrishnan, Yang, Belkin, Uhler 2018; theory/derivations (nonlinear-span)",
)

SLOPE = 0.01  # torch's leaky ReLU below zero
U = UNIT_ROUNDOFF["float64"]


def inverse(y: np.ndarray) -> np.ndarray:
    """φ⁻¹ of leaky ReLU."""
    return np.where(y >= 0, y, y / SLOPE)


@N_SPAN
@given(features=st.integers(2, 6), examples=st.integers(1, 3), scheme=schemes, seed=seeds)
def test_leaky_relu_ends_in_the_nonlinear_span(features, examples, scheme, seed, ledger):
    examples = min(examples, features)
    rng = np.random.default_rng(seed)
    inputs = np.linalg.qr(rng.standard_normal((features, examples)))[0].T + 0.2 * rng.random((examples, features))
    assume(np.linalg.cond(inputs) < 10)
    # Any target is inside φ's open range, ℝ; a negative one is learned 10⁴ times as slowly, hence a positive start.
    targets = rng.uniform(0.1, 1, (examples, features))
    assume(_check_span(inputs, targets, scheme, seed % 1000, 2000, ledger))


@N_SPAN
def test_leaky_relu_on_digits(ledger):
    """A small 8 on grey paper as input and target, from three draws of the initial weights."""
    small = 0.1 + 0.8 * digits()[8].reshape(1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(1, 49)
    for seed in range(3):
        assert _check_span(small, small, "kaiming_normal", seed, 2000, ledger)


def _check_span(inputs, targets, scheme, seed, steps, ledger) -> bool:
    """Whether training came near zero loss, which is what the statement is about; if so, examine it."""
    (n, features), outputs, momentum = inputs.shape, targets.shape[1], 0.9
    values = np.linalg.svd(inputs, compute_uv=False)
    # φ' ≤ 1: half the largest rate at which the linear network is stable.
    lr = 0.5 * (1 + momentum) * targets.size / values[0] ** 2
    recipe = empirics.Recipe(lr=lr, momentum=momentum, milestones=(), steps=steps, precision="float64", init=scheme)
    runs = empirics.train(
        lambda: empirics.FCN(features, 1, out_features=outputs, output_activation="leaky_relu"),
        inputs,
        targets,
        recipe=recipe,
        seeds=(seed,),
        snapshots=range(0, steps + 1, 10),
        progress=False,
    )
    start, end = parameters(runs.initial_weights, False), parameters(runs.weights, False)
    losses = np.asarray(runs.history.losses)[0]
    if losses[-1] > 1e-6 * losses[0]:
        return False

    pseudo_inverse = np.linalg.pinv(inputs)
    limit = start @ (np.eye(features) - pseudo_inverse @ inputs) + (pseudo_inverse @ inverse(targets)).T
    # In the row space: (W − W_∞) Xᵀ is what the pre-activations still miss, and ‖·‖ ≤ that over σ_min.
    missing = np.linalg.norm(inputs @ end.T - inverse(targets))
    # Off it exact steps do not move at all, and rounded ones by this much each, passed on by momentum 1/(1 − β)-fold.
    size = max(np.linalg.norm(parameters(weights, False)) for weights in runs.snapshots.values())
    residual = np.sqrt(targets.size * losses.max()) + values[0] * size
    gradient = 2 / targets.size * values[0] * residual
    drift = steps * (2 * U * size + lr * gamma(features + n + 8, U) * gradient / (1 - momentum))
    bound = missing / values[-1] + drift + 64 * U * values[0] / values[-1] * (size + np.linalg.norm(limit))
    ledger.agree(np.linalg.norm(end - limit), bound, what="weights", features=features, examples=n)

    x = random_images(seed, (4, features))
    predicted = x @ limit.T
    predicted = np.where(predicted >= 0, predicted, SLOPE * predicted)
    measured = np.asarray(runs.predict(x))[0]
    rows = np.linalg.norm(x, axis=1)[:, None]
    rounding = gamma(features + 2, U) * rows * (size + np.linalg.norm(limit))
    ledger.agree(np.abs(measured - predicted), rows * bound + rounding, what="predictions")
    return True
