"""Theorem 1: a one-layer fully connected network learns the span of its training images, and nothing else."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import theory
from tests.cases import Descent, either_sign, images, plain_images, seeds
from tests.claims.one_layer import OneLayerTraining, first_digits, from_any_weights, schemes
from verification import claim

T1_LIMIT = claim(
    "T1.limit",
    statement="A one-layer FCN trained on images converges to f(x) = Π∥ x + R Π⊥ x, R its own initial weights.",
    source="Zhang et al. 2020, Theorem 1",
)
T1_RANDOM = claim(
    "T1.random",
    statement="For x orthogonal to the training images f(x) = R x: the initial weights alone, whatever the images.",
    source="Zhang et al. 2020, Theorem 1 and the discussion after it",
)
T1_MANY = claim(
    "T1.many",
    statement="With n examples the parallel part is the projection on their span; with rank d (with a bias: d + 1 "
    "affinely independent examples) the identity is learned.",
    source="Zhang et al. 2020, Theorem 1, extended: theory/derivations (fcn-limit)",
)

U = 2.0**-53
FAST = Descent(fraction=0.5, momentum=0.0, milestones=(), gamma=1.0)
steady = st.builds(
    Descent,
    fraction=st.floats(0.3, 0.9),
    momentum=st.sampled_from([0.0, 0.5, 0.8]),
    milestones=st.sampled_from([(), (150,)]),
    gamma=st.just(0.5),
)


def fully_connected(inputs, descent, seed, scheme, *, bias=False, steps=300, precision="float64") -> OneLayerTraining:
    network = theory.FullyConnected(inputs.shape[1], bias=bias)
    return OneLayerTraining(network, inputs, None, descent, steps, scheme, seed, precision)


@T1_LIMIT
@given(
    features=st.integers(1, 12),
    examples=st.integers(1, 3),
    bias=st.booleans(),
    descent=steady,
    scheme=schemes,
    seed=seeds,
    data=st.data(),
)
def test_weights_and_predictions_are_parallel_part_plus_initial_noise(
    features, examples, bias, descent, scheme, seed, data, ledger
):
    inputs, x = data.draw(images((examples, features))), data.draw(images((4, features)))
    run = data.draw(from_any_weights(fully_connected(inputs, descent, seed % 1000, scheme, bias=bias)))
    _check_limit(run, x, ledger)


@T1_LIMIT
def test_parallel_part_plus_noise_on_a_digit(ledger):
    """A real 7, predictions on real digits; in double and in single precision."""
    vectors = first_digits().reshape(10, -1)
    for precision in ("float64", "float32"):
        run = fully_connected(vectors[7:8], FAST, 0, "kaiming_uniform", steps=60, precision=precision)
        _check_limit(run, vectors, ledger)


def _check_limit(run: OneLayerTraining, x: np.ndarray, ledger) -> None:
    predicted = run.predicted()
    ledger.agree(run.distance(predicted), run.bound, what="weights", precision=run.precision)
    outputs = np.asarray(run.trained.predict(x))[0]
    bound = run.prediction_bound(x, run.bound)
    ledger.agree(np.abs(outputs - predicted(x)), bound, what="predictions", precision=run.precision)
    if not run.network.bias:
        parallel, perpendicular = theory.decompose(x, run.inputs)
        formula = parallel + perpendicular @ run.initial.T
        ledger.agree(np.abs(outputs - formula), bound, what="Π∥ x + R Π⊥ x", precision=run.precision)


@T1_RANDOM
@given(features=st.integers(3, 12), descent=steady, scheme=schemes, seed=seeds, data=st.data())
def test_orthogonal_inputs_see_the_initial_weights_alone(features, descent, scheme, seed, data, ledger):
    trained_on, x = data.draw(images((2, features))), data.draw(images((3, features)))
    _check_random(trained_on, x, descent, seed % 1000, scheme, 300, ledger)


@T1_RANDOM
def test_orthogonal_inputs_see_the_initial_weights_alone_on_digits(ledger):
    vectors = first_digits().reshape(10, -1)
    _check_random(vectors[[3, 8]], vectors[:3], FAST, 1, "xavier_normal", 60, ledger)


def _check_random(trained_on, x, descent, seed, scheme, steps, ledger) -> None:
    # Orthogonal to both images, by Gram and Schmidt. What rounding leaves of them sees what training has changed.
    basis = np.linalg.qr(trained_on.T)[0]
    for _ in range(2):
        x = x - (x @ basis) @ basis.T
    left = np.linalg.norm(x @ basis, axis=1, keepdims=True) + U * np.linalg.norm(x, axis=1, keepdims=True)
    outputs = []
    for image in trained_on:
        run = fully_connected(image[None], descent, seed, scheme, steps=steps)
        outputs.append(np.asarray(run.trained.predict(x))[0])
        learned = np.linalg.norm(run.flat(run.trained.weights) - run.initial)
        bound = run.prediction_bound(x, run.bound) + left * learned
        ledger.agree(np.abs(outputs[-1] - x @ run.initial.T), bound, what="R x")
    ledger.agree(np.abs(outputs[0] - outputs[1]), 2 * bound, what="trained on one image or the other")


@T1_MANY
@given(
    features=st.integers(1, 6), bias=st.booleans(), short=st.booleans(), descent=steady, scheme=schemes, seed=seeds,
    data=st.data(),
)  # fmt: skip
def test_identity_is_learned_from_a_spanning_set_and_only_then(
    features, bias, short, descent, scheme, seed, data, ledger
):
    # Orthonormal examples with an affine part: well conditioned, so that training has time to converge.
    spanning = np.linalg.qr(data.draw(plain_images((features, features), values=either_sign)))[0]
    if bias:
        spanning = np.vstack([spanning, -spanning.mean(axis=0)])
    examples = spanning[:-1] if short and len(spanning) > 1 else spanning
    run = data.draw(from_any_weights(fully_connected(examples, descent, seed % 1000, scheme, bias=bias, steps=400)))
    predicted = run.predicted()
    ledger.holds(predicted.rank == len(examples), rank=predicted.rank, examples=len(examples))
    ledger.agree(run.distance(predicted), run.bound, what="weights")
    identity = np.eye(features, features + bias)
    error = float(np.linalg.norm(run.flat(run.trained.weights) - identity))
    if predicted.deficiency == 0:
        ledger.agree(error, run.bound, what="distance from the identity")
    else:
        initial = run.flat(run.trained.initial_weights)
        missed = (initial - identity) @ (np.eye(features + bias) - np.linalg.pinv(run.design) @ run.design)
        ledger.agree(abs(error - np.linalg.norm(missed)), run.bound, what="what is missed of the identity")


@T1_MANY
def test_more_digits_span_more(ledger):
    """Ten digits, and then the first hundred: the parallel part is the projection on their span."""
    for per_class, steps in ((1, 400), (3, 400)):
        vectors = first_digits(per_class).reshape(10 * per_class, -1)
        # Small pictures keep a network of all pixels to all pixels quick.
        small = vectors.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(vectors), -1)
        run = fully_connected(small, Descent(0.9, 0.9, (), 1.0), 0, "yann_normal", steps=steps)
        predicted = run.predicted()
        ledger.holds(predicted.rank == len(small), rank=predicted.rank)
        ledger.agree(run.distance(predicted), run.bound, what="weights", examples=len(small))
