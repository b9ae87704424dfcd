"""Small labelled digits, and many networks of one layer or two trained on them, for the claims about learning."""

from functools import lru_cache

import numpy as np

import empirics
import theory
from theory import wide
from theory.learning import LearningLaw, learning_law

SIDE = 7
CLASSES = 10
PER_CLASS = 5
KINDS = ("real", "random")  # labels


def digits(begin: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Five digits of each class, from the one of that number on, averaged to 7×7 pixels, and their labels."""
    pack = empirics.images("digits")
    labels = np.asarray(pack.labels).astype(np.int64)
    chosen = np.concatenate([np.flatnonzero(labels == c)[begin : begin + PER_CLASS] for c in range(CLASSES)])
    whole = pack.as_float()[chosen][:, 0].astype(np.float64)
    small = whole.reshape(len(chosen), SIDE, 28 // SIDE, SIDE, 28 // SIDE).mean(axis=(2, 4))
    return small.reshape(len(chosen), -1), labels[chosen]


def labels_of(kind: str) -> np.ndarray:
    """The digits' own labels, or the same ones dealt out by chance, once and for all."""
    labels = digits()[1]
    return labels if kind == "real" else np.random.default_rng(0).permutation(labels)


def two_layers(width: int) -> wide.FullyConnected:
    """The limit of ReLU networks of that width as torch initializes them, with biases."""
    return wide.FullyConnected(2, scheme="default", bias=True, width=width, parameterization="standard")


@lru_cache(maxsize=32)
def predicted(width: int, kind: str, steps: tuple[int, ...]) -> LearningLaw:
    """The law at half the largest stable learning rate."""
    inputs, labels = digits()[0], labels_of(kind)
    law = learning_law(two_layers(width), inputs, labels, steps=0, optimizer=theory.GradientDescent(1.0))
    return law.at(steps, optimizer=theory.GradientDescent(law.max_stable_lr() / 2))


@lru_cache(maxsize=32)
def trained(width: int, kind: str, steps: int, seeds: range) -> empirics.TrainedEnsemble:
    """As many real networks of two layers, trained so."""
    return train(
        lambda: empirics.FCN(SIDE**2, 2, width, out_features=CLASSES, bias=True),
        kind, predicted(width, kind, (steps,)).optimizer, steps, seeds, scheme="default", precision="float32",
    )  # fmt: skip


def train(make_model, kind: str, optimizer: theory.GradientDescent, steps: int, seeds: range, **settings):
    """Networks trained by an optimizer of theory's, on one-hot targets."""
    recipe = empirics.Recipe(
        lr=optimizer.lr,
        momentum=optimizer.momentum,
        decay_at=tuple(milestone / steps for milestone in optimizer.milestones),
        gamma=optimizer.gamma,
        steps=steps,
        **settings,
    )
    dtype = np.dtype(settings["precision"])
    inputs, targets = digits()[0].astype(dtype), np.eye(CLASSES)[labels_of(kind)].astype(dtype)
    return empirics.train(make_model, inputs, targets, recipe=recipe, seeds=seeds, progress=False)


def right(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether each network, (networks, n, C), answers each input with its label, (networks, n)."""
    return np.asarray(outputs).argmax(axis=2) == labels
