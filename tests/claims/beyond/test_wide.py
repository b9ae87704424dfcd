"""Infinitely wide networks: really trained wide ones approach what the limit makes of the same initial outputs.

A network of width n is compared with the limit's answer f₀(x) + Θ(x, x̂) Θ⁺(1 − e^{−2Θt/N})(x̂ − f₀(x̂)), f₀ its own
outputs before training. What is left is of the order n^(−1/2) (Lee et al. 2019, theorem 2.1), which is fitted here.
"""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

import empirics
from tests.claims.deep_networks import CNN, FIRST_SEED, MEMBERS, Study, identity, more_often, needs_cuda
from theory import wide
from verification import claim

W_FCN = claim(
    "W.fcn",
    statement="Really trained fully connected networks approach the infinite-width limit of the same initial outputs, "
    "the distance shrinking as the width grows.",
    source="Jacot et al. 2018; Lee et al. 2019, theorem 2.1",
)
W_CNN = claim(
    "W.cnn",
    statement="Really trained convolutional networks with images as outputs approach the infinite-width limit of the "
    "same initial outputs, the distance shrinking as the channels grow.",
    source="Arora et al. 2019, section 4; Lee et al. 2019, theorem 2.1",
)
W_DEPTH = claim(
    "W.depth",
    statement="As the infinite-width limit predicts, a convolutional network trained on one digit keeps less of its "
    "input the deeper it is.",
    source="Zhang et al. 2020, figure 3; theory.wide",
)
WIDTHS = (32, 64, 128, 256, 512)


def distances(
    widths: tuple[int, ...],
    limit: Callable[[int], wide.FullyConnected | wide.Convolutional],
    make: Callable[[int], empirics.FCN | empirics.CNN],
    scheme: str,
    x_hat: np.ndarray,
    x: np.ndarray,
    *,
    fraction: float,
    steps: int,
) -> np.ndarray:
    """Root mean square distance of trained networks from the limit's answers, (members, widths).

    `fraction`: the learning rate, in units of the largest stable one: so small that descent follows the flow.
    """
    found = []
    for width in widths:
        network = limit(width)
        entries = x_hat.size
        largest = wide.gradient_flow(network, x_hat).spectrum[0]
        lr = fraction * entries / largest
        law = wide.gradient_flow(network, x_hat, time=lr * steps)
        settings = {"lr": lr, "momentum": 0.0, "decay_at": (), "precision": "float64", "scheme": scheme}
        seeds = range(FIRST_SEED, FIRST_SEED + MEMBERS)
        before, after = (
            empirics.train(
                lambda n=width: make(n), x_hat, recipe=empirics.Recipe(steps=t, **settings), seeds=seeds, progress=False
            )
            for t in (0, steps)
        )
        predicted = law.prediction(x, initial=before.predict(x), initial_on_x_hat=before.predict(x_hat))
        off = (after.predict(x) - predicted).reshape(MEMBERS, -1)
        found.append(np.sqrt(np.mean(off**2, axis=1)))
    return np.array(found).T


def check_approach(ledger, widths: tuple[int, ...], off: np.ndarray, what: str) -> None:
    """Each network of the greatest width is nearer than its like of the least; and by which power."""
    more_often(ledger, off[:, -1] < off[:, 0], network=what)
    logs = np.log(widths) - np.mean(np.log(widths))
    exponents = np.log(off) @ logs / (logs @ logs)  # one fit a seed: independent networks, width by width
    half = stats.t.ppf(0.9995, MEMBERS - 1) * exponents.std(ddof=1) / np.sqrt(MEMBERS)
    ledger.note(
        f"{what}: distance {np.sqrt(np.mean(off[:, 0] ** 2)):.2g} at width {widths[0]}, "
        f"{np.sqrt(np.mean(off[:, -1] ** 2)):.2g} at {widths[-1]}; fitted exponent {exponents.mean():.2f} ± {half:.2f} "
        "(99.9 %), expected −1/2"
    )


@W_FCN
@pytest.mark.parametrize(("depth", "widths"), [(2, WIDTHS), (3, (16, 64, 256))])
def test_wide_fully_connected_networks_approach_the_limit(depth, widths, ledger):
    rng = np.random.default_rng(depth)
    x_hat, x = rng.standard_normal((1, 6)), rng.standard_normal((5, 6))
    off = distances(
        widths,
        lambda n: wide.FullyConnected(depth, scheme="kaiming_normal", parameterization="standard", width=n),
        lambda n: empirics.FCN(6, depth, n),
        "kaiming_normal", x_hat, x, fraction=0.02, steps=400,
    )  # fmt: skip
    check_approach(ledger, widths, off, f"{depth} layers")


@W_CNN
@pytest.mark.parametrize(("depth", "widths"), [(2, WIDTHS), (3, (8, 16, 32, 64))])
def test_wide_convolutional_networks_approach_the_limit(depth, widths, ledger):
    rng = np.random.default_rng(depth)
    x_hat, x = rng.random((1, 1, 4, 4)), rng.random((3, 1, 4, 4))
    off = distances(
        widths,
        lambda n: wide.Convolutional(
            depth, kernel_size=3, scheme="kaiming_normal", parameterization="standard", width=n
        ),
        lambda n: empirics.CNN(1, depth, n, 3),
        "kaiming_normal", x_hat, x, fraction=0.02, steps=400,
    )  # fmt: skip
    check_approach(ledger, widths, off, f"{depth} layers, 3×3 kernels, 4×4 pixels")


def tendencies(answers: np.ndarray, asked: np.ndarray, x_hat: np.ndarray) -> tuple[float, float]:
    """Mean correlation of answers with what was asked, the identity, and with what was learned, the constant."""
    mean = empirics.likeness(answers, asked, x_hat).mean()
    return float(mean.with_input), float(mean.with_training_image)


def beside_the_limit(study: Study, limit: tuple[float, float], trained: np.ndarray) -> str:
    """Correlations of trained networks (members, 2), and by how much they depart from the limit's."""
    said = [
        f"{found:.2f} with the {what} (in the limit {known:.2f}, off by {found - known:+.2f})"
        for found, known, what in zip(trained.mean(axis=0), limit, ("input", "training image"), strict=True)
    ]
    return f"{study}: {', '.join(said)}"


@W_DEPTH
def test_depth_takes_the_input_away_as_predicted(ledger):
    """Networks of 8 channels are far from wide: the order is the limit's, and how far they are is on record."""
    shallow, deep = CNN(2), CNN(10)
    predicted = {}
    for study in (shallow, deep):
        asked, _ = study.answers()
        network = wide.Convolutional(study.depth, kernel_size=5, weight_variance=2.0)
        limit = wide.gradient_flow(network, study.training_images).mean(asked)
        predicted[study] = tendencies(limit, asked, study.training_images)
        mean = study.likeness().mean()
        trained = np.stack([mean.with_input, mean.with_training_image], axis=1)
        ledger.note(beside_the_limit(study, predicted[study], trained))
    ledger.holds(predicted[deep][0] < predicted[shallow][0])
    ledger.holds(predicted[deep][1] > predicted[shallow][1])
    more_often(ledger, identity(deep) < identity(shallow), networks="2 and 10 layers")


@W_DEPTH
@pytest.mark.gpu
@needs_cuda
@pytest.mark.parametrize("bias", [False, True])
def test_depth_at_the_papers_width(bias, ledger):
    """128 channels, 28×28 pixels, 1 to 20 layers: identity and constant correlations beside the limit's."""
    scheme = "default" if bias else "xavier_uniform"
    predicted, trained = [], []
    for depth in (1, 5, 10, 14, 20):
        study = Study(
            "CNN", depth, 128, scheme=scheme, bias=bias, lr=3e-4, steps=20_000, size=28, members=48, device="cuda"
        )
        asked, answered = study.answers()
        settings = {"scheme": "default", "bias": True, "width": 128} if bias else {"weight_variance": 2.0}
        limit = wide.gradient_flow(wide.Convolutional(depth, kernel_size=5, **settings), study.training_images).mean(
            asked
        )
        predicted.append(tendencies(limit, asked, study.training_images))
        trained.append(np.array([tendencies(each, asked, study.training_images) for each in answered]))
        ledger.note(beside_the_limit(study, predicted[-1], trained[-1]))
    ledger.holds(predicted[-1][0] < predicted[0][0])
    more_often(ledger, trained[-1][:, 0] < trained[1][:, 0], networks="5 and 20 layers")
