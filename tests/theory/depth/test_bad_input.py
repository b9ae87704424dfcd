"""Every public door of theory.depth refuses what it cannot answer, in a sentence that names the argument."""

import numpy as np
import pytest
import torch

from theory.depth import ceiling, least_depth, linear_floor, pixel_classes, reach

IMAGE = np.random.default_rng(0).random((1, 5, 5))


def bound(x=IMAGE, x_hat=IMAGE, depth=2, kernel_size=3, **options):
    return lambda: ceiling(x, x_hat, depth, kernel_size, **options)


def classes(images=IMAGE, depth=2, kernel_size=3, **options):
    return lambda: pixel_classes(images, depth, kernel_size, **options)


def least(x_hat=IMAGE, kernel_size=3, **options):
    return lambda: least_depth(x_hat, kernel_size, **options)


CASES = {
    "no layers": (classes(depth=0), ValueError, "depth must be at least 1, got 0"),
    "half a layer": (classes(depth=1.5), TypeError, "depth must be an integer, got 1.5"),
    "a true depth": (lambda: reach(True, 3), TypeError, "depth must be an integer, got True"),
    "no taps": (lambda: reach(2, 0), ValueError, "kernel_size must be at least 1, got 0"),
    "three kernel sizes": (lambda: reach(2, (3, 3, 3)), ValueError, "kernel_size must be an integer or a pair"),
    "no dilation": (lambda: reach(2, 3, dilation=0), ValueError, "dilation must be at least 1, got 0"),
    "NaN": (classes(images=IMAGE * np.nan), ValueError, "images must be finite"),
    "an empty batch": (classes(images=IMAGE[None, :0]), ValueError, "images must not be empty"),
    "a list": (classes(images=[[[1.0]]]), TypeError, "images must be a NumPy or torch array, got list"),
    "booleans": (classes(images=IMAGE > 0), TypeError, "images must hold integers or real"),
    "too few axes": (classes(images=IMAGE[0]), ValueError, r"images must have shape \(n, C, H, W\) or \(C, H, W\)"),
    "an unknown padding": (classes(padding_mode="ones"), ValueError, "padding_mode must be one of zeros, circular"),
    "a kernel larger than what is left": (
        classes(depth=3, padding="valid"), ValueError, "kernel_size spans 3 pixels of height, more than the image's 1",
    ),
    "reflections of too few pixels": (
        classes(images=IMAGE[:, :1], padding_mode="reflect"), ValueError, "can add at most 0 pixels to a height of 1",
    ),
    "a bias of one": (classes(bias=1), TypeError, "bias must be True or False, got 1"),
    "skips of one": (classes(skips=1), TypeError, "skips must be True or False, got 1"),
    "skips between sizes": (
        classes(padding="valid", skips=True), ValueError, r"skips=True needs outputs of the inputs' size, got \(3, 3\)",
    ),
    "a batch to be constant": (least(x_hat=IMAGE[None]), ValueError, r"x_hat must have shape \(C, H, W\), got"),
    "an infinite constant": (least(x_hat=IMAGE + np.inf), ValueError, "x_hat must be finite"),
    "least depth of no bias": (least(bias=None), TypeError, "bias must be True or False, got None"),
    "NaN asked": (bound(x=IMAGE * np.nan), ValueError, "x must be finite"),
    "NaN learned": (bound(x_hat=IMAGE * np.nan), ValueError, "x_hat must be finite"),
    "NaN answered": (bound(answers=IMAGE * np.nan), ValueError, "answers must be finite"),
    "answers of another shape": (
        bound(answers=IMAGE[None]), ValueError, r"answers must have x_hat's shape, \(1, 5, 5\), got \(1, 1, 5, 5\)",
    ),
    "colours for grey": (
        bound(x=np.ones((3, 5, 5))), ValueError, "x and x_hat must have equally many channels, got 3 and 1",
    ),
    "two kinds": (bound(x=torch.ones(1, 5, 5)), TypeError, "x and x_hat must be arrays of one kind"),
    "two dtypes": (bound(x=IMAGE.astype(np.float32)), TypeError, "x and x_hat must have one floating dtype"),
    "a negative loss": (bound(loss=-1e-3), ValueError, "loss must not be negative, got -0.001"),
    "a loss that is none": (bound(loss=np.nan), ValueError, "loss must be finite, got nan"),
    "a distance beyond float16": (
        bound(x=np.zeros((1, 5, 5), dtype=np.float16), x_hat=(1e4 * IMAGE).astype(np.float16), depth=1),
        OverflowError, "entries of mse_to_training_image are beyond the range of float16",
    ),
    "an image that sees only black": (
        bound(x_hat=np.eye(5)[None], depth=1, kernel_size=(1, 2), dilation=(1, 3), bias=False),
        ValueError, r"x_hat .* without biases: pixel \(example, row, column\) \(0, 0, 0\) is not black",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_refused(name):
    call, kind, message = CASES[name]
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("images", pixel_classes), ("x_hat", lambda x, *rest: least_depth(x, rest[-1])), ("x_hat", linear_floor),
        ("x", lambda x, *rest: ceiling(x, np.ones((20, 5, 5)), *rest)),
    ],
)  # fmt: skip
def test_channels_last_are_told(name, call):
    with pytest.warns(UserWarning, match=rf"{name} are taken as 20 channels of 20 × 3 pixels; .* channels last"):
        call(np.ones((20, 20, 3)), 1, (3, 1))
