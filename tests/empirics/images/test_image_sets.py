"""The images are what they are said to be."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

import files
from empirics import images

SHA256_OF_DIGITS = "70e626d253f3a7fef598d98a5b96c6667b85c870a0e87fef73f6ca261897dd0b"
SHA256_OF_NATURAL = "e0f79c82c0a74cc8b94ba2b8703b2c0fe04a020112d09d81cd87d0fffb312e8b"


def test_digits_are_twenty_of_each_class_with_grey_levels() -> None:
    digits = images("digits")
    assert digits.pixels.shape == (200, 1, 28, 28)
    assert digits.pixels.dtype == np.uint8
    assert np.array_equal(digits.labels, np.repeat(np.arange(10), 20))
    assert len(np.unique(digits.pixels)) == 256
    assert len(np.unique(digits.pixels.reshape(200, -1), axis=0)) == 200


def test_digits_are_the_ones_that_make_digits_wrote() -> None:
    assert hashlib.sha256(images("digits").pixels.tobytes()).hexdigest() == SHA256_OF_DIGITS


def test_digits_come_with_their_licence() -> None:
    assert "CC BY-SA 3.0" in images("digits").source
    licence = Path(files.__file__).with_name("data") / "LICENSE-digits.md"
    assert "Creative\nCommons Attribution-ShareAlike 3.0" in licence.read_text()


def test_natural_images_are_eight_named_colour_crops() -> None:
    crops = images("natural")
    assert crops.pixels.shape == (8, 3, 32, 32)
    assert len(set(crops.names)) == 8
    assert hashlib.sha256(crops.pixels.tobytes()).hexdigest() == SHA256_OF_NATURAL
    sky, roof = crops.pixels[0, :, :4, :4].mean(axis=(1, 2)), crops.pixels[0, :, 20, 9:15].mean(axis=1)
    assert sky[2] > sky[0]  # blue above
    assert roof[0] > roof[2]  # orange below


def test_natural_images_come_with_their_licence() -> None:
    assert "CC BY 2.0" in images("natural").source
    licence = (Path(files.__file__).with_name("data") / "LICENSE-natural.md").read_text()
    assert "Creative Commons Attribution 2.0" in licence
    for author in ("danielbuechele", "vultilion"):
        assert author in licence


def test_as_float_is_the_pixels_over_255_in_float64() -> None:
    digits = images("digits", count=3)
    assert digits.as_float().dtype == np.float64
    assert np.array_equal(np.rint(digits.as_float() * 255), digits.pixels)
    assert digits.as_float().max() == 1.0


def test_changing_a_set_does_not_change_the_next() -> None:
    images("digits").pixels[:] = 0
    assert images("digits").pixels.any()


def test_a_count_is_drawn_without_replacement_and_by_seed() -> None:
    whole, some, same, other = (
        images("digits", **settings) for settings in ({}, {"count": 50}, {"count": 50}, {"count": 50, "seed": 1})
    )
    assert np.array_equal(some.pixels, same.pixels)
    assert not np.array_equal(some.pixels, other.pixels)
    assert len(np.unique(some.pixels.reshape(50, -1), axis=0)) == 50
    everything = {image.tobytes(): label for image, label in zip(whole.pixels, whole.labels, strict=True)}
    assert all(everything[image.tobytes()] == label for image, label in zip(some.pixels, some.labels, strict=True))


def test_resizing_averages_and_says_so() -> None:
    digits = images("digits", size=(14, 7))
    assert digits.pixels.shape == (200, 1, 14, 7)
    assert "resized to 14×7" in digits.source
    # At half the size the filter's weights for each pixel are (1, 3, 3, 1)/8, down and across alike.
    half, whole = images("digits", size=14).pixels, images("digits").pixels.astype(float)
    weights = np.array([1, 3, 3, 1]) / 8
    rows = sum(w * whole[:, :, 1 + i : 25 + i : 2] for i, w in enumerate(weights))
    inside = sum(w * rows[:, :, :, 1 + j : 25 + j : 2] for j, w in enumerate(weights))
    # Pillow rounds to bytes after each of the two passes.
    assert np.abs(half[:, :, 1:13, 1:13] - inside).max() <= 1
    patterns = images("patterns")
    assert (patterns.resize(5).pixels[patterns.names.index("full")] == 255).all()
    assert images("digits", size=28).source == images("digits").source


def test_patterns_are_named_distinct_and_drawn_at_their_size() -> None:
    for size in ((28, 28), (14, 20)):
        patterns = images("patterns", size=size)
        assert patterns.pixels.shape == (len(patterns.names), 1, *size)
        assert len(patterns) >= 30
        assert len(np.unique(patterns.pixels.reshape(len(patterns), -1), axis=0)) == len(patterns)


def test_patterns_show_what_their_names_say() -> None:
    patterns = images("patterns", size=(12, 16))
    shown = dict(zip(patterns.names, patterns.as_float()[:, 0], strict=True))
    assert not shown["blank"].any()
    assert (shown["full"] == 1).all()
    assert shown["corner dot"].sum() == shown["corner dot"][0, 0] == 1
    for name, axis in (("horizontal stripes, period 4", 1), ("vertical stripes, period 4", 0)):
        assert not np.ptp(shown[name], axis=axis).any()
        assert np.array_equal(shown[name], np.roll(shown[name], 4, axis=1 - axis))
        assert shown[name].mean() == 0.5
    diagonal = shown["diagonal stripes, period 8"]
    assert np.array_equal(diagonal[1:, :-1], diagonal[:-1, 1:])
    board = shown["checkerboard, cells of 1"]
    assert (board[1:] != board[:-1]).all()
    assert (board[:, 1:] != board[:, :-1]).all()
    assert (np.diff(shown["horizontal gradient"], axis=1) > 0).all()
    assert (np.diff(shown["vertical gradient"], axis=0) > 0).all()
    for name in ("large disc", "ring", "radial gradient", "frame", "letter H", "letter X"):
        assert np.array_equal(shown[name], shown[name][:, ::-1])  # mirror images of themselves
    assert shown["large disc"][6, 8] == 1
    assert shown["ring"][6, 8] == 0


def test_only_noise_depends_on_the_seed() -> None:
    one, two = (images("patterns", seed=seed) for seed in (0, 1))
    changed = {name for name, a, b in zip(one.names, one.pixels, two.pixels, strict=True) if not np.array_equal(a, b)}
    assert changed == {"uniform noise", "binary noise", "sparse noise"}
    assert np.array_equal(images("patterns", seed=1).pixels, two.pixels)


@pytest.mark.parametrize("size", [1, 2, (1, 9)])
def test_patterns_of_a_few_pixels_can_be_drawn(size) -> None:
    assert len(images("patterns", size=size)) >= 30


@pytest.mark.parametrize(
    ("name", "settings", "error", "words"),
    [
        ("kmnist", {}, ValueError, "name must be one of digits, natural, patterns, mnist, fashion_mnist, cifar10, got"),
        ("natural", {"split": "test"}, ValueError, "split must be 'train' for 'natural', which has no other"),
        ("natural", {"data_dir": "."}, ValueError, "data_dir must be left out for 'natural', which needs no files"),
        ("mnist", {"data_dir": 7}, TypeError, "data_dir must be a folder's path, got 7"),
        (7, {}, TypeError, "name must be a string, got 7"),
        ("digits", {"split": "test"}, ValueError, "split must be 'train' for 'digits', which has no other, got 'test'"),
        ("digits", {"split": "dev"}, ValueError, "split must be one of train, test, got 'dev'"),
        ("digits", {"count": 201}, ValueError, "count must be at most 200, the number of digits, got 201"),
        ("digits", {"count": 0}, ValueError, "count must be at least 1"),
        ("digits", {"seed": -1}, ValueError, "seed must be at least 0"),
        ("patterns", {"size": 0}, ValueError, "size must be at least 1"),
        ("patterns", {"size": 2.5}, TypeError, "size must be an integer, got 2.5"),
    ],
)
def test_impossible_requests_are_refused(name, settings: dict, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        images(name, **settings)
