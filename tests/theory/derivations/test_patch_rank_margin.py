"""Images of full patch rank: the derivation, and the minor it derives in patch matrices of integer images."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sympy import lambdify

from numerics import patch_matrix
from numerics.rank_certificate import support_certificate
from tests import rational
from tests.theory.derivations.checking import (
    assert_needs_its_premises,
    assert_rejects_wrong_rules,
    assert_rejects_wrong_statements,
    assert_typesets,
)
from theory.derivations import derive
from theory.derivations.patch_rank_margin import d, k, m, places, tap, v, x_v


@pytest.fixture(scope="module")
def derivation():
    return derive("patch-rank-margin")


def test_every_step_is_proved(derivation):
    derivation.check()


def test_wrong_statements_fail(derivation):
    latest = places - 1 - d * (k - 1)
    weaker = {
        d * tap + v >= 0,
        2 * v - d * tap >= 0,
        v - 2 * d * tap <= latest,
        v - d * tap <= latest + 2,
        v - d * tap <= places - d * (-k - 1) - 1,
        v - d * tap <= places - 1 - d * (k - 2),
    }
    assert_rejects_wrong_statements(derivation, still_true=frozenset(weaker))


def test_wrong_rules_fail(derivation):
    assert_rejects_wrong_rules(derivation)


def test_premises_are_needed(derivation):
    assert_needs_its_premises(derivation)


def test_typesets(derivation, tmp_path):
    assert_typesets(derivation, tmp_path)


@given(
    arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(-9, 9), fill=st.just(0)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
def test_minor_of_the_taps_that_see_the_vertex_is_a_power_of_its_pixel(image, kernel):
    """Whatever the order of the taps: rows and columns are permuted alike, which keeps the determinant."""
    certificate = support_certificate(image[None], kernel)
    assume(certificate.vertex is not None)
    _, row, column = certificate.vertex
    taps = [(a, b) for a in range(kernel[0]) for b in range(kernel[1])]
    windows = [(row - a + (kernel[0] - 1) // 2, column - b + (kernel[1] - 1) // 2) for a, b in taps]
    seeing = [
        i for i, p in enumerate(windows) if all(0 <= place < side for place, side in zip(p, image.shape, strict=True))
    ]
    assert len(seeing) == certificate.rank_at_least
    rows = [windows[i][0] * image.shape[1] + windows[i][1] for i in seeing]
    part = patch_matrix(image[None], kernel)[np.ix_(rows, seeing)]
    derived = lambdify((m, x_v), derive("patch-rank-margin").result["minor"], "math")
    assert rational.determinant(part) == derived(len(seeing), int(image[row, column]))
