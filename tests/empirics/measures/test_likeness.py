"""Likeness to the input and to the training image, against NumPy's correlations one pair at a time."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from empirics import likeness
from tests.cases import either_sign, images, plain_images

# Either way rounds a few times n = 12 times in float64, relative to entries that centring may shrink: see `noticed`.
ROUNDING = 12 * 2.0**-50


def naive(answer: np.ndarray, reference: np.ndarray) -> float:
    """Pearson's correlation by its definition; 0 where either image is constant."""
    a, b = answer.ravel() - answer.mean(), reference.ravel() - reference.mean()
    if np.ptp(answer) == 0 or np.ptp(reference) == 0:
        return 0.0
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def noticed(image: np.ndarray) -> bool:
    """Whether an image is constant, or varies by more than rounding of its mean."""
    spread, size = np.ptp(image), np.abs(image).max()
    return spread == 0 or spread > 1e-3 * size


@given(st.data(), st.integers(1, 3), st.integers(1, 2), st.integers(1, 3))
def test_each_answer_is_compared_with_its_input_and_the_nearest_training_image(data, seeds, asked, known):
    answers = data.draw(images((seeds, asked, 1, 3, 4), values=either_sign))
    inputs, trained_on = data.draw(images((asked, 1, 3, 4))), data.draw(plain_images((known, 1, 3, 4)))
    found = likeness(answers, inputs, trained_on)
    for seed, image in np.ndindex(seeds, asked):
        answer = answers[seed, image]
        each = [answer, inputs[image], *trained_on]
        mse = np.mean((answer - inputs[image]) ** 2)
        assert abs(found.mse[seed, image] - mse) <= ROUNDING * mse
        if all(map(noticed, each)):
            assert abs(found.with_input[seed, image] - naive(answer, inputs[image])) <= 1e3 * ROUNDING
            nearest = max(naive(answer, reference) for reference in trained_on)
            assert abs(found.with_training_image[seed, image] - nearest) <= 1e3 * ROUNDING
    mean = found.mean()
    assert mean.with_input.shape == (seeds,)
    assert np.array_equal(mean.mse, found.mse.mean(axis=1))


def test_constants_correlate_with_nothing_and_one_constant_training_image_hides_no_other():
    rng = np.random.default_rng(0)
    asked, trained_on = rng.random((2, 1, 4, 4)), rng.random((3, 1, 4, 4))
    trained_on[0] = 0.25
    answers = np.stack([np.full((1, 4, 4), 0.5), trained_on[1] * 2 + 1])
    found = likeness(answers, asked, trained_on)
    assert found.with_input[0] == found.with_training_image[0] == 0
    assert found.with_training_image[1] == pytest.approx(1, abs=ROUNDING)
    assert found.with_input[1] == pytest.approx(naive(trained_on[1], asked[1]), abs=ROUNDING)


def test_a_member_that_diverged_has_no_likeness_and_others_keep_theirs():
    rng = np.random.default_rng(1)
    answers, asked = rng.random((2, 3, 5)), rng.random((3, 5))
    expected = likeness(answers[:1], asked, asked[0])
    answers[1, 2, 0] = np.inf
    found = likeness(answers, asked, asked[0])
    for name, values in vars(found).items():
        assert np.isnan(values[1]).all()
        assert np.abs(values[:1] - vars(expected)[name]).max() <= ROUNDING
    assert np.isnan(found.mean().mse[1])


def test_sizes_that_differ_are_not_compared():
    answers, asked = np.ones((2, 1, 4, 4)), np.ones((2, 1, 5, 5))
    found = likeness(answers, asked, np.ones((3, 1, 4, 4)))
    assert found.with_input is found.mse is None
    assert found.with_training_image.shape == (2,)
    assert likeness(asked, asked, np.ones((1, 4, 4))).mean().with_training_image is None


def test_torch_goes_in_and_comes_out():
    asked = torch.rand(2, 6, generator=torch.Generator().manual_seed(0))
    found = likeness(asked[None], asked, asked)
    assert isinstance(found.with_input, torch.Tensor)
    assert found.with_input.dtype == torch.float64


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ((np.ones((3, 4)), np.ones((2, 4)), np.ones(4)), ValueError, "answers must be one for each of the 2 images"),
        ((np.ones((2, 4)), torch.ones(2, 4), np.ones(4)), TypeError, "must be arrays of one kind"),
        ((np.ones((2, 4)), np.full((2, 4), np.nan), np.ones(4)), ValueError, "asked must be finite"),
        ((np.ones((2, 4)), np.ones((2, 4)), np.ones((1, 1, 1, 1, 4))), ValueError, "training_images must have shape"),
    ],
)
def test_what_cannot_be_compared_is_refused(given, error, words):
    with pytest.raises(error, match=words):
        likeness(*given)
