"""What every derivation must pass: it is proved, nothing wrong is, each premise is needed, and its page compiles."""

import pytest
from sympy import Eq

from tests.theory.derivations.checking import (
    assert_needs_its_premises,
    assert_rejects_wrong_rules,
    assert_rejects_wrong_statements,
    assert_typesets,
)
from theory.derivations import DERIVATIONS, derive
from theory.derivations.fcn_trajectory import parallel
from theory.derivations.linear_model import Pi
from theory.derivations.patch_model import N
from theory.derivations.patch_rank_margin import d, k, places, tap, v


def cube(projector):
    """A projector's cube is the projector, too."""
    return Eq(projector * projector * projector, projector, evaluate=False)


LATEST = places - 1 - d * (k - 1)
STILL_TRUE = frozenset(  # changed statements that are true all the same
    {
        *map(cube, (Pi, N, parallel)),
        d * tap + v >= 0,
        2 * v - d * tap >= 0,
        v - 2 * d * tap <= LATEST,
        v - d * tap <= LATEST + 2,
        v - d * tap <= places - d * (-k - 1) - 1,
        v - d * tap <= places - 1 - d * (k - 2),
    }
)


@pytest.fixture(scope="module", params=DERIVATIONS)
def derivation(request):
    return derive(request.param)


def test_every_step_is_proved(derivation):
    derivation.check()


def test_wrong_statements_fail(derivation):
    assert_rejects_wrong_statements(derivation, still_true=STILL_TRUE)


def test_wrong_rules_fail(derivation):
    assert_rejects_wrong_rules(derivation)


def test_premises_are_needed(derivation):
    assert_needs_its_premises(derivation)


def test_page(derivation, tmp_path):
    assert_typesets(derivation, tmp_path)
