"""The four zones: each prediction lies in exactly one, by thresholds that are stated."""

from itertools import product

import numpy as np
import pytest
import torch

from empirics import zone

GRID = [np.nan, -1.0, 0.0, 0.5, 0.79, 0.8, 0.85, 0.9, 0.95, 1.0]


def naive(with_input: float, with_training_image: float, rho: float) -> str:
    if rho >= 0.9:
        return "A"
    if with_input >= 0.8 and not with_training_image > with_input:
        return "B"
    if with_training_image >= 0.8:
        return "D"
    return "C"


def test_every_prediction_lies_in_the_zone_of_the_table() -> None:
    to_input, to_constant, rho = np.array(list(product(GRID, GRID, GRID))).T
    letters = zone(to_input, to_constant, rho)
    assert letters.tolist() == [naive(*each) for each in zip(to_input, to_constant, rho, strict=True)]
    assert set(letters) == set("ABCD")


@pytest.mark.parametrize(
    ("with_input", "with_training_image", "rho", "letter"),
    [
        (0.1, 0.1, 0.95, "A"),
        (0.95, 0.3, 0.3, "B"),
        (0.3, 0.95, 0.3, "D"),
        (0.5, 0.5, 0.5, "C"),
        (0.9, 0.9, 0.7, "B"),  # alike to both: a tie is the identity's
        (0.9, 0.91, 0.7, "D"),
        (np.nan, np.nan, 0.3, "C"),  # a constant output
        (0.9, np.nan, np.nan, "B"),  # a constant training image, with which nothing correlates
    ],
)
def test_what_the_zones_mean(with_input: float, with_training_image: float, rho: float, letter: str) -> None:
    assert zone(np.array(with_input), np.array(with_training_image), np.array(rho)) == letter


def test_one_rho_an_image_serves_all_seeds() -> None:
    to_input, to_constant = np.array([[0.9, 0.1], [0.2, 0.9]]), np.array([[0.1, 0.9], [0.2, 0.1]])
    assert zone(to_input, to_constant, np.array([0.2, 0.95])).tolist() == [["B", "A"], ["C", "A"]]
    assert zone(to_input, to_constant, np.array(0.2)).tolist() == [["B", "D"], ["C", "B"]]


def test_thresholds_can_be_moved() -> None:
    one = np.array([0.6])
    assert zone(one, -one, np.array([0.5])).tolist() == ["C"]
    assert zone(one, -one, np.array([0.5]), alike=0.6).tolist() == ["B"]
    assert zone(one, -one, np.array([0.5]), same=0.5).tolist() == ["A"]


def test_tensors_are_taken_too() -> None:
    assert zone(torch.tensor([0.9]), torch.tensor([0.1]), torch.tensor([0.2])).tolist() == ["B"]


NONE = np.zeros(3)


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "words"),
    [
        ((NONE, NONE[:2], NONE), {}, ValueError, r"with_training_image must have shape \(3,\), got \(2,\)"),
        ((NONE, NONE, NONE[:2]), {}, ValueError, r"rho must have shape \(3,\), or its last axes, got \(2,\)"),
        ((NONE, NONE, np.zeros((2, 3))), {}, ValueError, r"rho must have shape \(3,\), or its last axes"),
        ((NONE + 1.1, NONE, NONE), {}, ValueError, r"with_input must hold correlations, in \[−1, 1\] or NaN, got 1\.1"),
        ((NONE, NONE, NONE - 2), {}, ValueError, r"rho must hold correlations, in \[−1, 1\] or NaN, got 2\.0"),
        ((NONE, torch.zeros(3), NONE), {}, TypeError, "must be arrays of one kind"),
        (([0.0], NONE, NONE), {}, TypeError, "with_input must be a NumPy or torch array, got list"),
        ((NONE, NONE, NONE), {"alike": 0.0}, ValueError, r"alike must be in \(0, 1\], got 0\.0"),
        ((NONE, NONE, NONE), {"same": 1.5}, ValueError, r"same must be in \(0, 1\], got 1\.5"),
        ((NONE, NONE, NONE), {"same": "0.9"}, TypeError, "same must be a real number"),
    ],
)
def test_what_is_no_correlation_is_refused(arguments, settings, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        zone(*arguments, **settings)
