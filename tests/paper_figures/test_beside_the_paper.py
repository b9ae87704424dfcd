"""Captions say what was measured, and not what the paper says where it is not so."""

import numpy as np
import pytest

from paper_figures.beside_the_paper import finding, spread

NAN = np.nan


@pytest.mark.parametrize(
    ("rows", "rises", "said"),
    [
        ([[0.1, 0.2], [0.3, 0.1], [0.9, 0.9]], True, "As in the paper, it moves."),
        ([[0.9], [0.2], [0.1]], False, "As in the paper, it moves."),
        (
            [[0.9], [0.2], [0.1]],
            True,
            "Here it is so in 0 of 2 steps from row to row, from 0.90 in the first row to 0.10",
        ),
        (
            [[0.1], [0.5], [0.4]],
            True,
            "Here it is so in 1 of 2 steps from row to row, from 0.10 in the first row to 0.40",
        ),
        ([[0.5], [0.5]], True, "Here it is so in 0 of 1 steps"),  # nothing moves
        ([[0.1, NAN], [NAN, 0.3]], True, "As in the paper, it moves."),  # diverged networks do not count
        ([[0.1], [NAN], [0.3]], True, "As in the paper, it moves."),  # nor do rows of them
    ],
)
def test_a_finding_is_the_papers_only_where_every_step_is(rows, rises, said):
    told = finding("it moves", np.array(rows), rises=rises)
    assert said in told
    assert told.startswith("As in the paper" if said.startswith("As") else "The paper finds that it moves. Here")


@pytest.mark.parametrize("rows", [[[0.5, 0.6]], [[NAN], [0.5], [NAN]], [[NAN]]])
def test_one_row_is_no_finding(rows):
    told = finding("it moves", np.array(rows), rises=True)
    assert told == "The paper finds that it moves. Here too few networks could be trained to tell."


def test_the_first_and_the_last_row_are_those_that_were_trained():
    told = finding("it moves", np.array([[NAN], [0.9], [0.2], [NAN]]), rises=True)
    assert "0 of 1 steps from row to row, from 0.90 in the first row to 0.20 in the last." in told


def test_a_spread_is_of_the_rows_means():
    assert (
        spread("it lies", np.array([[0.0, 1.0], [0.2, 0.3], [NAN, NAN], [0.7, NAN]])) == "it lies between 0.25 and 0.70"
    )
