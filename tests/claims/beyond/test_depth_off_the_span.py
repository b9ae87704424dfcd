"""Deep networks off the span of what they were trained on: rotations, linear networks, and how far a kernel reaches."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

import empirics
from tests.bounds import gamma
from tests.cases import either_sign, plain_images, seeds
from tests.claims.deep_descent import SMOOTH, Layers, sensitivity, weights_error
from tests.claims.deep_networks import COMPARED, FCN, Study, compare, constant, digits_of_class, others
from theory.depth import identity_floor, linear_answer, linear_floor, mirrored
from verification import claim

X_ROTATION = claim(
    "X.rotation",
    statement="Fully connected networks of any depth, trained by gradient descent with momentum: rotating the first "
    "layer's initial weights about the training images rotates what is learned: from Gaussian weights the law of "
    "answers knows of the input off their span nothing but its length. Adam breaks this, and so do uniform weights.",
    source="ours, theorems 1 and 2 of theory.depth.fully_connected; one layer: Zhang et al. 2020, Theorem 1",
)
X_LINEAR_FCN = claim(
    "X.linear-fcn",
    statement="A deep linear fully connected network answers with the known part of its input as it answers the "
    "training images, and adds A W₁(0) Π⊥ x, A its other layers as trained: given A exactly N(0, σ² |Π⊥ x|² A Aᵀ).",
    source="ours, theorem 3 of theory.depth.fully_connected",
)
X_BALANCE = claim(
    "X.balance",
    statement="In deep linear networks gradient flow conserves W_{l+1}ᵀ W_{l+1} − W_l W_lᵀ; descent changes it by the "
    "difference of the squares of its steps, and by nothing else.",
    source="Arora, Cohen, Hazan 2018, Theorem 1; for descent exactly: beside the test",
)
X_LINEAR_CNN = claim(
    "X.linear-cnn",
    statement="A deep linear convolutional network stays as far from the projector on its training image as that "
    "is large where L(k − 1)/2 pixels do not reach.",
    source="ours, theorem of theory.depth.linear_convolutional",
)
X_SIGNAL = claim(
    "X.signal",
    statement="Deep linear fully connected networks are led to the constant function by weights that shrink the signal "
    "layer by layer: from torch's default ones, of variance 1/(3 f_in), three layers answer more like the training "
    "image than one layer does, and than three layers do from Xavier's, which keep the signal.",
    source="ours, from theorem 3 of theory.depth.fully_connected: the noise is as large as A W₁(0)",
)
U = 2.0**-53
ALPHA = 1e-12  # of each equality in law


def train(
    make, x_hat, *, steps, lr=0.05, momentum=0.9, seeds=(0,), scheme="xavier_normal", optimizer="sgd", **settings
):
    """Train in float64, and keep what is asked for."""
    recipe = empirics.Recipe(
        optimizer=optimizer, lr=lr, momentum=momentum, decay_at=(), steps=steps, precision="float64", scheme=scheme
    )
    return empirics.train(make, x_hat, recipe=recipe, seeds=seeds, progress=False, **settings)


def turned_start(make, turn: np.ndarray, seed: int) -> dict:
    """Initial weights of two members: a seed's own, and those with the first layer's multiplied by Qᵀ."""
    network = empirics.initialize(make().double(), "xavier_normal", seed)
    start = {name: torch.stack([value.detach(), value.detach()]) for name, value in network.named_parameters()}
    start["layers.0.weight"][1] = start["layers.0.weight"][0] @ torch.from_numpy(turn.T.copy())
    return start


def reflection(w: np.ndarray, x_hat: np.ndarray) -> tuple[np.ndarray, float]:
    """The reflection in the plane across w, made orthogonal to x̂ (1, d), and how far from an exact one it is.

    A unit vector off by ε turns I − 2 w wᵀ by 4 ε at most.
    """
    unit = x_hat[0] / np.linalg.norm(x_hat)
    for _ in range(2):
        w = w - (w @ unit) * unit
    w = w / np.linalg.norm(w)
    off = 4 * abs(w @ unit) + 20 * len(w) * U
    return np.eye(len(w)) - 2 * np.outer(w, w), off


@X_ROTATION
@given(
    features=st.integers(3, 4),
    depth=st.integers(1, 3),
    activation=st.sampled_from(SMOOTH),
    seed=st.integers(0, 1000),
    data=st.data(),
)
def test_rotated_weights_learn_the_rotated_function(features, depth, activation, seed, data, ledger):
    x_hat, x, *mirrors = (data.draw(plain_images((1, features), values=either_sign)) for _ in range(4))
    assume(np.linalg.norm(x_hat) > 0.1)
    across = [w[0] - (w[0] @ x_hat[0]) / (x_hat[0] @ x_hat[0]) * x_hat[0] for w in mirrors]
    assume(min(map(np.linalg.norm, across)) > 0.1)
    (one, off_one), (other, off_other) = (reflection(w, x_hat) for w in across)
    turn, off = one @ other, off_one + off_other + gamma(features + 2, U) * features
    lr, momentum, steps = 0.05, 0.9, 8

    def make():
        return empirics.FCN(features, depth, 3, activation=activation)

    trained = train(
        make, x_hat, steps=steps, lr=lr, momentum=momentum, seeds=(0, 1), initial=turned_start(make, turn, seed),
        snapshots=range(steps + 1),
    )  # fmt: skip
    assume(trained.diverged == (None, None))
    states = [
        torch.cat([weight[0].flatten() for weight in trained.snapshots[step].values()]) for step in range(steps + 1)
    ]
    layers = Layers(tuple(tuple(weight.shape[1:]) for weight in trained.weights.values()), activation)
    size = float(trained.initial_weights["layers.0.weight"][0].norm())
    start = (off + gamma(features + 2, U) * np.sqrt(features)) * size  # of W₁Qᵀ
    bound = weights_error(layers, states, torch.from_numpy(x_hat), lr=lr, momentum=momentum, start=start)
    moved = (off + gamma(features + 2, U) * np.sqrt(features)) * np.linalg.norm(x)  # of Qᵀx
    rounding = 2 * layers.output_error(states[-1], torch.from_numpy(x), moved)
    allowed = 2 * bound * sensitivity(layers, states[-1], torch.from_numpy(x)) + rounding
    plain = trained.predict(x @ turn)[0]
    turned = trained.predict(x)[1]
    ledger.agree(np.linalg.norm(turned - plain), allowed, what="f of rotated weights, and f of the rotated input")


@X_ROTATION
@pytest.mark.parametrize("depth", [1, 3, 6])
def test_no_fully_connected_network_knows_the_identity_off_the_span(depth, ledger):
    """A network and its mirror image, ReLU, on a digit: their squared errors on an input and on its mirror image.

    With e the distance of what the mirrored network answers x with from what the network answers x' with, which is
    rounding, the mean of the four is at least the floor less |e| (2 |f(x') − x| + |e|)/d, and so for x'.
    """
    x_hat, x = digits_of_class(7, 1, 10).reshape(1, -1), others((7,), 10).reshape(-1, 100)[::3]
    unit = x_hat[0] / np.linalg.norm(x_hat)
    turn = 2 * np.outer(unit, unit) - np.eye(100)

    def make():
        return empirics.FCN(100, depth, 64)

    found = {}
    for optimizer, lr in (("sgd", 0.1), ("adam", 1e-3)):
        trained = train(
            make, x_hat, steps=60, lr=lr, seeds=(0, 1), initial=turned_start(make, turn, depth), optimizer=optimizer
        )
        across = mirrored(x, x_hat)
        answers, images = trained.predict(x), trained.predict(across)
        errors = np.linalg.norm(answers[1] - images[0], axis=1), np.linalg.norm(images[1] - answers[0], axis=1)
        found[optimizer] = max(error.max() for error in errors) / np.linalg.norm(answers[0], axis=1).max()
        if optimizer == "sgd":
            four = [np.mean((a - y) ** 2, axis=1) for pair, y in ((answers, x), (images, across)) for a in pair]
            slack = sum(
                e * (2 * np.linalg.norm(a - y, axis=1) + e) / 100
                for e, a, y in zip(errors, (images[0], answers[0]), (x, across), strict=True)
            )
            ledger.agree(identity_floor(x, x_hat), np.mean(four, axis=0) + slack, what=f"floor, {depth} layers")
            ledger.note(
                f"{depth} layers: mean squared error {np.mean(four):.3f} over digits and mirror images, "
                f"at least {identity_floor(x, x_hat).mean():.3f}"
            )
    ledger.note(
        f"{depth} layers: rotated networks differ by {found['sgd']:.0e}, trained by Adam by {found['adam']:.2g}"
    )
    ledger.holds(found["adam"] > 1e6 * found["sgd"], found=found)


@X_ROTATION
@pytest.mark.parametrize("depth", [1, 3])
def test_answers_off_the_span_have_one_law_for_each_length(depth, ledger):
    """Two inputs with one part along the image and one length off it, of different networks: Kolmogorov's test."""
    x_hat, members = np.array([[0.0, 0.0, 0.6, 0.8]]), 300
    one, other = np.array([[1.2, 0.0, 0.3, 0.4]]), np.array([[-0.72, 0.96, 0.3, 0.4]])
    trained = train(lambda: empirics.FCN(4, depth, 8), x_hat, steps=60, lr=0.1, seeds=range(2 * members))
    first, second = trained.predict(one)[:members, 0, 0], trained.predict(other)[members:, 0, 0]
    ledger.equality_in_law(stats.ks_2samp(first, second, method="exact").pvalue, ALPHA, depth=depth)


@X_ROTATION
def test_uniform_weights_know_the_axes(ledger):
    """Off the span one layer answers R x. Along an axis that is one weight, at most 1/√d; along a diagonal two."""
    x_hat, x = np.array([[0.0, 0.0, 1.0]]), np.array([[1.0, 0.0, 0.0], [0.5**0.5, 0.5**0.5, 0.0]])
    trained = train(lambda: empirics.FCN(3, 1), x_hat, steps=20, seeds=range(64), scheme="default")
    along_axis, diagonal = np.abs(trained.predict(x)).max(axis=(0, 2))
    ledger.holds(along_axis <= 3**-0.5)
    ledger.holds(diagonal > 3**-0.5 + 1e-6, diagonal=diagonal)


def rounding_off_the_span(trained, x_hat, lr: float, momentum: float) -> float:
    """How far rounding can have moved W₁ Π⊥, as a root of a sum of squares.

    In exact arithmetic nothing moves it. A step rounds the weights by u (‖W₁‖ + 2η‖v‖), and the velocity by
    3u‖v‖ + γ_n ‖δ‖ ‖X‖, with momentum added up by 1/(1 − β); δ = 2/N (A r)ᵀ are the errors before the first layer.
    """
    states = [[np.asarray(weight[0]) for weight in state.values()] for _, state in sorted(trained.snapshots.items())]
    total, worst = 0.0, 0.0
    for (first, *rest), (after, *_) in pairwise(states):
        product = np.eye(len(first))
        for weight in rest:
            product = weight @ product
        residual = x_hat @ (product @ first).T - x_hat
        size = 2 / residual.size * np.linalg.norm(product) * np.linalg.norm(residual) * np.linalg.norm(x_hat)
        velocity = np.linalg.norm(first - after) / lr
        worst = max(worst, 3 * U * velocity + gamma(len(x_hat) + 2, U) * size)
        total += U * (np.linalg.norm(after) + 2 * lr * velocity) + lr * worst / (1 - momentum)
    return total


@X_LINEAR_FCN
@given(
    features=st.integers(2, 8), depth=st.integers(1, 4), momentum=st.sampled_from([0.0, 0.9]),
    seed=st.integers(0, 1000), two=st.booleans(), data=st.data(),
)  # fmt: skip
def test_linear_networks_answer_with_the_known_part_and_noise(features, depth, momentum, seed, two, data, ledger):
    drawn = data.draw(plain_images((2, features), values=either_sign))
    x_hat = np.linalg.qr(drawn.T)[0].T[: 1 + two] * 0.8  # orthonormal, so that X⁺ is known to rounding
    x = data.draw(plain_images((3, features), values=either_sign))
    lr, steps = 0.05, 30
    trained = train(
        lambda: empirics.FCN(features, depth, 5, activation="linear"), x_hat, steps=steps, lr=lr, momentum=momentum,
        seeds=(seed,), snapshots=range(steps + 1),
    )  # fmt: skip
    assume(trained.diverged == (None,))
    first, *rest = (np.asarray(weight[0]) for weight in trained.weights.values())
    product = np.eye(len(first))
    for weight in rest:
        product = weight @ product
    initial = np.asarray(trained.initial_weights["layers.0.weight"][0])
    predicted = linear_answer(x, x_hat, answers=trained.predict(x_hat)[0], initial=initial, product=product)
    moved = rounding_off_the_span(trained, x_hat, lr, momentum)
    sizes = np.prod([np.linalg.norm(weight) for weight in (first, *rest)])
    starts = np.linalg.norm(product) * np.linalg.norm(initial)
    # Two forward passes and the formula: products of matrices of at most eight columns, and X⁺ of orthogonal rows.
    rounding = 3 * depth * gamma(8 + 4, U) * (sizes + starts) * (1 + 2 / 0.8) + 30 * 8 * U * (sizes + starts)
    bound = (np.linalg.norm(product) * moved + rounding) * np.linalg.norm(x, axis=1, keepdims=True)
    ledger.agree(np.linalg.norm(trained.predict(x)[0] - predicted, axis=1, keepdims=True), bound, depth=depth)


@X_LINEAR_FCN
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_the_noise_of_linear_networks_is_gaussian_given_their_other_layers(depth, ledger):
    """Whitened by A it is standard normal, in all outputs of all networks together: its sum of squares is χ²."""
    x_hat, x = digits_of_class(7, 1, 5).reshape(1, -1), others((7,), 5).reshape(-1, 25)[:1]
    width, members = (25 if depth == 1 else 32), 100
    trained = train(lambda: empirics.FCN(25, depth, width, activation="linear"), x_hat, steps=100, seeds=range(members))
    variance = 2 / (25 + width)  # Xavier's
    length = np.sqrt(25 * identity_floor(x, x_hat)[0])
    squares = 0.0
    for member in range(members):
        first, *rest = (np.asarray(weight[member]) for weight in trained.weights.values())
        product = np.eye(len(first))
        for weight in rest:
            product = weight @ product
        known = linear_answer(
            x, x_hat, answers=trained.predict(x_hat)[member], initial=np.zeros_like(first), product=product
        )
        noise = (trained.predict(x)[member] - known)[0] / (np.sqrt(variance) * length)
        squares += np.sum(np.linalg.solve(product @ product.T, noise) * noise)
    count = 25 * members
    p_value = 2 * min(stats.chi2.sf(squares, count), stats.chi2.cdf(squares, count))
    ledger.equality_in_law(min(p_value, 1.0), ALPHA, depth=depth, mean_square=squares / count)


@X_BALANCE
@given(depth=st.integers(2, 4), lr=st.sampled_from([0.1, 0.02]), seed=seeds, data=st.data())
def test_descent_changes_the_balance_by_the_squares_of_its_steps(depth, lr, seed, data, ledger):
    """W_{l+1}ᵀ G_{l+1} = G_l W_lᵀ for gradients G, so that what is linear in a step S = −ηG cancels:

    the balance changes by S_{l+1}ᵀ S_{l+1} − S_l S_lᵀ.
    """
    x_hat = data.draw(plain_images((2, 4), values=either_sign))
    steps = 20
    trained = train(
        lambda: empirics.FCN(4, depth, 5, activation="linear"), x_hat, steps=steps, lr=lr, momentum=0.0,
        seeds=(seed,), snapshots=range(steps + 1),
    )  # fmt: skip
    states = [[np.asarray(weight[0]) for weight in trained.snapshots[step].values()] for step in range(steps + 1)]
    balance = [[b.T @ b - a @ a.T for a, b in pairwise(state)] for state in states]
    moved = [[after - before for before, after in zip(*pair, strict=True)] for pair in pairwise(states)]
    largest = max(np.linalg.norm(weight) for state in states for weight in state)
    for layer in range(depth - 1):
        expected = sum(step[layer + 1].T @ step[layer + 1] - step[layer] @ step[layer].T for step in moved)
        change = balance[-1][layer] - balance[0][layer]
        # A step is rounded by u ‖W‖, and its gradient by products of depth + 2 matrices of at most five columns and
        # norm at most `largest`, and two examples of norm at most 2; the identity is linear in either.
        gradient = lr * 2 * (1 + largest) ** (2 * depth) * 4 * 2
        rounding = (
            steps * 2 * largest * (2 * U * largest + 4 * (depth + 2) * gamma(8, U) * gradient) + 40 * U * largest**2
        )
        ledger.agree(np.linalg.norm(change - expected), rounding, what="change of the balance")
        squares = sum(np.sum(step[layer + 1] ** 2) + np.sum(step[layer] ** 2) for step in moved)
        ledger.agree(np.linalg.norm(change), squares + rounding, what="its size")


@X_LINEAR_CNN
@given(depth=st.integers(1, 3), kernel=st.sampled_from([1, 3]), seed=st.integers(0, 1000), data=st.data())
def test_linear_convolutional_networks_stay_away_from_the_projector(depth, kernel, seed, data, ledger):
    shape = (1, data.draw(st.integers(2, 6)), data.draw(st.integers(2, 6)))
    x_hat = data.draw(plain_images(shape))
    assume(x_hat.any())
    trained = train(
        lambda: empirics.CNN(1, depth, 3, kernel, activation="linear"), x_hat[None], steps=20, lr=0.05, seeds=(seed,)
    )
    assume(trained.diverged == (None,))
    pixels = x_hat.size
    matrix = trained.predict(np.eye(pixels).reshape(pixels, *shape))[0].reshape(pixels, pixels).T
    flat = x_hat.ravel()
    projector = np.outer(flat, flat) / (flat @ flat)
    distance = np.linalg.norm(matrix - projector)
    ledger.agree(np.sqrt(linear_floor(x_hat, depth, kernel)), distance + 8 * pixels * U * (1 + distance))
    rows, columns = np.divmod(np.arange(pixels), shape[2])
    far = np.maximum(np.abs(rows[:, None] - rows), np.abs(columns[:, None] - columns)) > depth * (kernel - 1) // 2
    ledger.holds(not matrix[far].any())


@X_SIGNAL
def test_linear_networks_become_constant_where_weights_shrink_the_signal(ledger):
    """A digit of 10×10 pixels, learned to the end, from 32 seeds of each kind."""

    def linear(depth: int, scheme: str) -> Study:
        settings = {"channels": 32, "activation": "linear", "optimizer": "sgd", "lr": 0.1}
        return FCN(depth, scheme=scheme, size=10, steps=150, members=COMPARED, **settings)

    for other in (linear(1, "default"), linear(3, "xavier_uniform")):
        compare(ledger, "correlation with the training image", linear(3, "default"), other, constant)
