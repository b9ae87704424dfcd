"""The evidence's arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from tests.verification.runs import of
from verification import ClaimRefuted, claim


@pytest.mark.parametrize(
    ("measured", "bound", "margin"),
    [
        (1, 2, 0.5),
        (0, 0, 0.0),
        (2.0, 2.0, 1.0),
        (Fraction(1, 4), 2**70, 2.0**-72),
        ([0.0, 1.0], [0.0, 4.0], 0.25),
        (np.float32([[0.5], [0.25]]), np.array([[1.0], [0.25]]), 1.0),
        (torch.tensor([1.0, 2.0], requires_grad=True), 4, 0.5),
        (torch.tensor(1.0, dtype=torch.bfloat16), torch.tensor(8, dtype=torch.int32), 0.125),
    ],
)
def test_margin(evidence, measured, bound, margin):
    evidence.agree(0, 1)
    evidence.agree(measured, bound, t=3)
    assert evidence.worst_margin == margin
    assert evidence.examples == evidence.checks == 2
    assert evidence.record("test")["verdict"] == "verified"


@pytest.mark.parametrize(
    ("measured", "bound", "margin", "message"),
    [
        (3, 2, 1.5, r"^T1.limit: measured 3 > bound 2 \(1.5 times\)\n  t = 3\n  what = 'weights'$"),
        ([[0, 9.0], [8, 0]], [[1, 2], [2, 1]], 4.5, r"at index \(0, 1\); 2 of 4 entries are beyond"),
        (1e-300, 0, math.inf, "inf times"),
        (math.nan, 1, math.inf, "measured nan > bound 1"),
        (torch.tensor([0, math.inf]), 1, math.inf, r"at index \(1,\)"),
    ],
)
def test_refutation(evidence, measured, bound, margin, message):
    with pytest.raises(ClaimRefuted, match=message):
        evidence.agree(measured, bound, t=3, what="weights")
    assert evidence.worst_margin == margin
    assert evidence.record("test")["verdict"] == "refuted"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda e: e.agree([], 1), ValueError, "measured is empty"),
        (lambda e: e.agree(-1, 1), ValueError, "measured must be a distance"),
        (lambda e: e.agree(1, -1), ValueError, "bound must be finite and not negative"),
        (lambda e: e.agree(1, math.inf), ValueError, "bound must be finite"),
        (lambda e: e.agree(1, math.nan), ValueError, "bound must be finite"),
        (lambda e: e.agree(np.ones((2, 2)), np.ones(2)), ValueError, "as many axes"),
        (lambda e: e.agree(1j, 1), TypeError, "measured must be real numbers, got complex128"),
        (lambda e: e.agree(True, 1), TypeError, "measured must be real numbers, got bool"),
        (lambda e: e.agree("1", 1), TypeError, "measured must be real numbers"),
        (lambda e: e.holds(1), TypeError, "condition must be a boolean"),
        (lambda e: e.holds(np.array([], dtype=bool)), TypeError, "non-empty"),
        (lambda e: e.equality_in_law(math.nan, 1e-12), ValueError, "p_value must be"),
        (lambda e: e.equality_in_law(0.5, 0), ValueError, "alpha must be strictly"),
        (lambda e: e.order(0, 0, 1e-12), ValueError, "cannot both"),
    ],
)
def test_evidence_refuses(evidence, call, error, message):
    with pytest.raises(error, match=message):
        call(evidence)
    assert evidence.examples == 0


def test_statistics(evidence):
    evidence.equality_in_law(1e-11, alpha=1e-12)
    assert evidence.worst_margin == pytest.approx(
        0.1, rel=1e-15
    )  # 1e-12, 1e-11 and 0.1 are rounded, and so is the quotient: 4 u
    evidence.order(0, 1, alpha=1e-12)
    assert evidence.alpha == 2e-12
    assert evidence.record("test")["verdict"] == "verified"
    with pytest.raises(ClaimRefuted, match="the opposite order holds"):
        evidence.order(1, 0, alpha=1e-12)
    with pytest.raises(ClaimRefuted, match="equality in law is rejected"):
        evidence.equality_in_law(0, alpha=1e-12)
    assert evidence.worst_margin == math.inf


def test_an_order_is_decided_only_below_its_level(evidence):
    """Five times the level is near it, and not below it."""
    evidence.order(5e-12, 1, alpha=1e-12)
    assert evidence.record("test")["verdict"] == "undecided"


def test_hypothesis_is_told_each_margin_to_climb_by(run):
    """One label for each comparison of an example, and none for what no search can climb; the climb is hypothesis's."""
    source = """
        from unittest.mock import call, patch
        from hypothesis import given, settings, strategies as st
        from verification import claim

        CLIMB = claim("C.climb", "no margin is beyond 1", source="ours")

        @CLIMB
        @settings(max_examples=5)
        @given(x=st.integers(0, 3))
        def test_climb(x, ledger):
            with patch("hypothesis.target") as target:
                ledger.agree(0.5, 1.0, what="near")
                ledger.agree([x / 4, 0.0], 1.0, what="near")
                ledger.agree(1.0, 8.0)
            assert target.mock_calls == [
                call(0.5, label="near"), call(x / 4, label="near, 2"), call(0.125, label="margin")
            ]
    """
    _, ledger = run(source)
    assert of(ledger)["C.climb"]["verdict"] == "verified"


def test_exact_statements(evidence):
    evidence.holds(True)
    evidence.holds(torch.tensor([True, True]))
    with pytest.raises(ClaimRefuted, match="the statement is false\n  rank = 3"):
        evidence.holds(np.array([True, False]), rank=3)


@pytest.mark.parametrize("wrong", [{"id": ""}, {"id": "T1 limit"}, {"statement": " "}, {"source": None}])
def test_a_claim_is_checked_when_declared(wrong):
    with pytest.raises(ValueError, match="claim"):
        claim(**{"id": "T1.limit", "statement": "it converges", "source": "Theorem 1"} | wrong)


def test_the_worst_example_is_told_in_words(evidence):
    context = {"what": "weights", "seeds_that_agree": "47 of 48", "size": (3, 0.1 + 0.2), "x": np.arange(12.0)}
    evidence.agree(1, 2, **context)
    assert evidence.worst_at == "weights; seeds that agree 47 of 48; size (3, 0.3); x of shape (12,), from 0 to 11"
