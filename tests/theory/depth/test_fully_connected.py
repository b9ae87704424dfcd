"""What fully connected networks cannot know: against projections written out, and descent written out."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import random_images, seeds
from theory.depth import identity_floor, linear_answer, mirrored

U = 2.0**-53


@given(seeds, st.integers(1, 3), st.integers(3, 8))
def test_mirror_images_and_floors_are_those_of_the_projection(seed, examples, features):
    rng = np.random.default_rng(seed)
    x_hat, x = np.linalg.qr(rng.normal(size=(features, examples)))[0].T, rng.normal(size=(5, features))
    projector = x_hat.T @ x_hat
    rounding = 100 * U * features * np.abs(x).max()  # orthonormal examples: products of that many terms, a few times
    assert np.abs(mirrored(x, x_hat) - (2 * x @ projector - x)).max() <= rounding
    assert np.abs(mirrored(mirrored(x, x_hat), x_hat) - x).max() <= 3 * rounding
    floor = np.mean((x - x @ projector) ** 2, axis=1)
    assert np.abs(identity_floor(x, x_hat) - floor).max() <= 2 * rounding * np.abs(x).max()
    assert identity_floor(x[0], x_hat[0]).shape == ()


def test_one_layer_from_zero_weights_attains_the_floor():
    """It answers Πx, which is as far from x as from its mirror image."""
    x_hat, x = random_images(0, (1, 6)), random_images(1, (4, 6))
    unit = x_hat[0] / np.linalg.norm(x_hat)
    answer = np.outer(x @ unit, unit)
    mean = (np.mean((answer - x) ** 2, axis=1) + np.mean((answer - mirrored(x, x_hat)) ** 2, axis=1)) / 2
    assert np.abs(mean - identity_floor(x, x_hat)).max() <= 100 * U


@pytest.mark.parametrize("examples", [1, 2])
def test_linear_answers_are_those_of_descent_written_out(examples):
    rng = np.random.default_rng(examples)
    x_hat, x = rng.normal(size=(examples, 5)), rng.normal(size=(3, 5))
    initial, second, third = rng.normal(size=(4, 5)) / 2, rng.normal(size=(4, 4)) / 2, rng.normal(size=(5, 4)) / 2
    first = initial.copy()
    for _ in range(50):
        residual = (x_hat @ (third @ second @ first).T - x_hat).T * 0.02
        gradients = (
            (third @ second).T @ residual @ x_hat,
            third.T @ residual @ (x_hat @ first.T),
            residual @ (x_hat @ (second @ first).T),
        )
        first, second, third = (w - g for w, g in zip((first, second, third), gradients, strict=True))
    whole = third @ second @ first
    found = linear_answer(x, x_hat, answers=x_hat @ whole.T, initial=initial, product=third @ second)
    # Fifty steps and a few products of matrices of norm below 10, of at most five terms each; X⁺ is as small.
    rounding = 50 * 5 * 10 * 10 * 10 * U
    assert np.abs(found - x @ whole.T).max() <= rounding
    tensors = {"answers": x_hat @ whole.T, "initial": initial, "product": third @ second}
    single = linear_answer(
        torch.from_numpy(x[0]), torch.from_numpy(x_hat), **{name: torch.from_numpy(a) for name, a in tensors.items()}
    )
    assert isinstance(single, torch.Tensor)
    assert np.abs(single.numpy() - found[0]).max() <= rounding


X, WEIGHTS = np.ones((2, 3)), np.ones((4, 3))
REFUSED = {
    "NaN": ({"x": X * np.nan}, ValueError, "x must be finite"),
    "answers of another number": ({"answers": np.ones((1, 3))}, ValueError, r"answers must be one for each of x_hat"),
    "an answer without a batch axis": ({"answers": np.ones(3)}, ValueError, "answers must be one for each of x_hat"),
    "other features": (
        {"initial": np.ones((4, 2))},
        ValueError,
        r"initial must have x's 3 features, got shape \(4, 2\)",
    ),
    "another product": ({"product": np.ones((3, 3))}, ValueError, r"product must have shape \(3, 4\), got \(3, 3\)"),
    "two kinds": ({"product": torch.ones(3, 4)}, TypeError, "x and product must be arrays of one kind"),
    "a vector of weights": ({"initial": np.ones(3)}, ValueError, r"initial must have shape \(units, d\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused(name):
    changed, kind, message = REFUSED[name]
    given = {"x": X, "x_hat": X, "answers": X, "initial": WEIGHTS, "product": WEIGHTS.T} | changed
    with pytest.raises(kind, match=message):
        linear_answer(given.pop("x"), given.pop("x_hat"), **given)
