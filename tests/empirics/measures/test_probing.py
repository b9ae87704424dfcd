"""The probe is the similarity-weighted classifier, and loops say what that is."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from empirics import CNN, FCN, images, initialize, layer_activations, probe
from empirics.measures import probing


def naive(model, training_images, training_labels, test_images, test_labels) -> list[float]:
    """The classifier's error at each layer, one pair of images at a time."""
    known = [held.double().flatten(1).numpy() for held in layer_activations(model, training_images)]
    asked = [held.double().flatten(1).numpy() for held in layer_activations(model, test_images)]
    errors = []
    for training, test in zip(known, asked, strict=True):
        wrong = 0
        for z, truth in zip(test, test_labels, strict=True):
            scores = np.zeros(max(training_labels) + 1)
            for other, label in zip(training, training_labels, strict=True):
                if np.linalg.norm(z) > 0 and np.linalg.norm(other) > 0:
                    scores[label] += z @ other / np.linalg.norm(z) / np.linalg.norm(other)
            wrong += scores.argmax() != truth
        errors.append(wrong / len(test))
    return errors


def known_and_asked(flat: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Some digits to know, and others to be asked of."""
    pack = images("digits", count=60, seed=1, size=8)
    x = pack.as_float().reshape(60, -1) if flat else pack.as_float()
    return x[:40], pack.labels[:40], x[40:], pack.labels[40:]


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("model", "flat"), [(FCN(64, 3, 20), True), (FCN(64, 4, 16, residual=True), True), (CNN(1, 3, 4, 3), False)]
)
def test_errors_are_those_of_the_loop(model, flat: bool, precision: torch.dtype) -> None:
    model = initialize(model.to(precision), "kaiming_normal", 3)
    data = known_and_asked(flat)
    errors = probe(model, *data)
    assert len(errors) == len(model.layers) + 1
    # Errors are counts: they are equal unless two classes tie to rounding, and these do not.
    assert errors.tolist() == naive(model, *data)
    assert 0 < errors[0] < 0.9  # it does know digits


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_batches_of_any_size_give_the_same_errors(batch: int) -> None:
    model, data = initialize(CNN(1, 2, 4, 3), "kaiming_normal", 0), known_and_asked(False)
    assert probe(model, *data, batch=batch).tolist() == probe(model, *data).tolist()


def test_batches_keep_the_largest_layer_within_bounds(monkeypatch) -> None:
    monkeypatch.setattr(probing, "BATCH_ENTRIES", 5 * 64 * 6)  # five images of 8×8 at six channels
    model = CNN(1, 2, 6, 3)
    seen: list[int] = []
    model.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    probe(model, *known_and_asked(False))
    assert max(seen) == 5


GROWTH = """
import resource, sys
import numpy as np
from empirics import CNN, initialize, probe
from empirics.measures import probing
count, side, depth, channels, kernel, probing.BATCH_ENTRIES = map(int, sys.argv[1:])
pixels = np.random.default_rng(0).integers(256, size=(count, 1, side, side), dtype=np.uint8)
labels = np.arange(count) % 10
pixels[labels == 3] //= 2
pixels[labels == 3, :, :4] = 255
model = initialize(CNN(1, depth, channels, kernel), "kaiming_normal", 0)
probe(model, pixels[:100], labels[:100], pixels[:100], labels[:100], batch=1)  # what torch loads, it loads now
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
errors = probe(model, pixels, labels, pixels[:1000], labels[:1000])
assert errors[0] < 0.9, errors  # the class that is unlike the others is told
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def growth(count: int, side: int, depth: int, channels: int, kernel: int, batch: int = probing.BATCH_ENTRIES) -> int:
    """By how many bytes a probe of images of noise raises the greatest memory that a process has had."""
    found = subprocess.run(
        [sys.executable, "-c", GROWTH, *map(str, (count, side, depth, channels, kernel, batch))],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    return int(found.stdout)


def test_sixty_thousand_images_fit_memory() -> None:
    """A layer of all of MNIST is never held: memory grows by bytes a pixel, not by 8 bytes a pixel and channel."""
    # Copies of the images: bytes twice, float32, and where that is finite (two masks); 16 channels in float64 were 128.
    # A batch and its prototypes, a few times 2¹⁸ float64 numbers, are 2 bytes a pixel each.
    assert growth(60_000, 8, 2, 16, 1, batch=2**18) < 32 * 60_000 * 8**2


@pytest.mark.parametrize("depth", [4, 24])
def test_memory_is_that_of_a_layer_however_deep(depth: int) -> None:
    """At 24 layers, one batch of all layers in float64 would be 25 times 32 MiB."""
    pixels, entries = 1200 * 28**2, 10 * 28**2
    # 32 bytes an entry of a batch, copies of the images as above, and 10 classes a layer.
    allowed = 32 * probing.BATCH_ENTRIES + 8 * pixels + 8 * 10 * depth * entries
    assert growth(1200, 28, depth, 10, 3) < allowed


def test_an_activation_of_zero_counts_for_nothing() -> None:
    model = FCN(2, 1)
    training = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    test = np.array([[0.1, 1.0], [0.0, 0.0]])
    with torch.no_grad():
        model.layers[0].weight.copy_(torch.eye(2))
    # The zero test image scores 0 in every class, and of equal scores the least label is the answer.
    assert probe(model, training, np.array([0, 1, 2]), test, np.array([1, 0])).tolist() == [0.0, 0.0]


def test_a_class_that_was_never_seen_is_answered_wrongly() -> None:
    model, x = FCN(2, 1), np.eye(2)
    assert probe(model, x, np.array([0, 1]), x, np.array([0, 5]))[0] == 0.5


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64])
def test_labels_are_integers_of_any_kind(dtype: type) -> None:
    model, (x, labels, others, truth) = initialize(FCN(64, 2, 8), "kaiming_normal", 0), known_and_asked(True)
    assert probe(model, x, labels.astype(dtype), others, truth.astype(dtype)).tolist() == naive(
        model, x, labels, others, truth
    )


X, Y = np.ones((3, 4)), np.zeros(3, int)


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "words"),
    [
        ((X, Y[:2], X, Y), {}, ValueError, r"training_labels must have shape \(3,\), one an image, got \(2,\)"),
        ((X, Y, X, Y - 1), {}, ValueError, "test_labels must not be negative, got -1"),
        ((X, Y * 1.0, X, Y), {}, TypeError, "training_labels must hold integers, got dtype torch.float64"),
        ((X, Y, X[:, :3], Y), {}, ValueError, "test_images must have 4 entries for this network, got 3"),
        ((X, Y, X[:0], Y[:0]), {}, ValueError, "test_images must not be empty"),
        (
            (X, Y + 10**12, X, Y),
            {},
            ValueError,
            r"class numbers below 268,435,456 for .* at most 16 GiB, got 1000000000000",
        ),
        ((X, np.full(3, 2**64 - 1, np.uint64), X, Y), {}, ValueError, "training_labels must be class numbers below"),
        ((X, Y, X, Y), {"batch": 0}, ValueError, "batch must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_asked_is_refused(arguments, settings, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        probe(FCN(4, 1), *arguments, **settings)
