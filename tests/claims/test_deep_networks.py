"""The experiment that the claims about deep networks share: how orders are decided, and scores, against naive ones."""

import inspect
import math
from collections import ChainMap
from itertools import combinations, product
from types import SimpleNamespace

import numpy as np
import pytest

from tests.claims.autoencoders import test_contraction
from tests.claims.deep_networks import (
    ALPHA,
    CNN,
    FCN,
    PAPER,
    Study,
    StudyScale,
    compare,
    generalizes,
    learns_identity,
    more_often,
    others,
    rank_sum,
)
from tests.claims.identity_crisis import test_deep_convolutional, test_deep_fully_connected, test_deep_images
from verification import Claim, ClaimRefuted, Evidence

TINY = {"channels": 2, "steps": 2, "size": 6, "members": 3}


def evidence() -> Evidence:
    return Evidence(Claim("E.test", "a statement", "ours"))


def agreeing(k: int, n: int = 48) -> np.ndarray:
    return np.arange(n) < k


def tail(k: int, n: int) -> float:
    """The chance that a fair coin shows heads k times or more."""
    return sum(math.comb(n, j) for j in range(k, n + 1)) / 2**n


def test_what_46_of_48_seeds_show_is_decided() -> None:
    assert tail(46, 48) < ALPHA < tail(45, 48)
    ledger = evidence()
    more_often(ledger, agreeing(46))
    assert ledger.record("t")["verdict"] == "verified"
    assert ledger.worst_margin == pytest.approx(tail(46, 48) / ALPHA, rel=1e-9)  # another seed changes it tenfold
    assert ledger.alpha == ALPHA
    with pytest.raises(ClaimRefuted, match="the opposite order holds"):
        more_often(evidence(), agreeing(2))


def test_what_45_of_48_seeds_show_is_not() -> None:
    ledger = evidence()
    more_often(ledger, agreeing(45))
    record = ledger.record("t")
    assert record["verdict"] == "undecided"
    assert "what 46 of 48 seeds show; at the share seen, about 96 seeds would decide" in record["reason"]
    assert tail(90, 96) < ALPHA


def test_ties_count_for_neither_side() -> None:
    ledger = evidence()
    more_often(ledger, agreeing(0), agreeing(45))
    assert ledger.record("t")["verdict"] == "undecided"
    with pytest.raises(ClaimRefuted):
        more_often(evidence(), agreeing(0), agreeing(46))


def test_networks_that_have_not_learned_are_not_compared() -> None:
    def study(learned: np.ndarray) -> SimpleNamespace:
        return SimpleNamespace(learned=learned, summary=lambda: "")

    deep, shallow = study(agreeing(20, 30)), study(agreeing(21, 30))
    # What has not learned would contradict.
    scores = {id(deep): np.where(deep.learned, 1.0, -1.0), id(shallow): np.where(shallow.learned, 0.0, 2.0)}
    ledger = evidence()
    compare(ledger, "score", deep, shallow, lambda found: scores[id(found)])
    assert ledger.record("t")["verdict"] == "verified"
    with pytest.raises(ClaimRefuted, match="the opposite order holds"):
        compare(evidence(), "score", shallow, deep, lambda found: scores[id(found)])
    deep.learned = agreeing(18, 30)
    compare(ledger, "score", deep, shallow, lambda found: scores[id(found)])
    record = ledger.record("t")
    assert record["verdict"] == "undecided"
    assert "at the share seen, about 20 networks of either kind would decide" in record["reason"]


@pytest.mark.parametrize(("m", "n"), [(1, 1), (2, 3), (3, 3), (1, 4), (4, 2), (3, 5)])
def test_rank_sums_are_those_of_all_orders(m: int, n: int) -> None:
    """Of one continuous law, every choice of who ranks where is as likely."""
    pairs = []
    for first in combinations(range(m + n), m):
        pairs.append(sum(x > y for x in first for y in range(m + n) if y not in first))
    for above in range(m * n + 1):
        # At most 56 orders: SciPy rounds once for each, and may take the sum of some from 1, of which 1/56 is left.
        expected = np.mean(np.array(pairs) >= above)
        assert rank_sum(above, m, n) == pytest.approx(expected, rel=56 * 56 * 2.0**-53)


def test_of_equal_scores_nothing_is_decided() -> None:
    study = SimpleNamespace(learned=agreeing(48), summary=lambda: "")
    ledger = evidence()
    compare(ledger, "score", study, study, lambda found: np.ones(48))
    assert ledger.worst_margin == pytest.approx(1 / ALPHA)
    assert rank_sum(0, 0, 5) == rank_sum(0, 5, 0) == 1


@pytest.mark.parametrize(
    "study",
    # A relu layer of two units would leave some images dead.
    [CNN(2, **TINY), FCN(2, **(TINY | {"channels": 8})), Study("skips throughout", 2, **TINY)],
)
def test_scores_are_numpys_correlations(study: Study) -> None:
    asked, answered = study.answers()
    assert np.array_equal(asked, others((7,), 6))
    found, mixture = study.likeness(), study.to_mixture()
    identity, constant = found.with_input, found.with_training_image
    for member, image in np.ndindex(3, len(asked)):
        answer = answered[member, image].ravel()
        for found, reference in (
            (identity[member, image], asked[image]),
            (constant[member, image], study.training_images[0]),
        ):
            expected = np.corrcoef(answer.astype(float), reference.ravel())[0, 1]
            # Either way rounds some n = 36 times in float64, relative to entries that centring may shrink tenfold.
            assert abs(found - expected) <= 100 * 36 * 2**-53
        # The best mixture of one image is that image, or its negative.
        assert abs(mixture[member, image] - abs(constant[member, image])) <= 100 * 36 * 2**-53


def test_to_generalize_is_to_answer_with_the_input(monkeypatch) -> None:
    study = CNN(2, **TINY)
    image = study.training_images[0]
    asked = others((7,), 6)

    def answers_are(answered: np.ndarray) -> bool:
        monkeypatch.setattr(Study, "answers", lambda self, size=None, besides=(): (asked, answered[None]))
        return bool(generalizes(study)[0])

    assert answers_are(asked)
    assert not answers_are(np.broadcast_to(image, asked.shape))
    assert not answers_are(np.random.default_rng(0).normal(size=asked.shape))


def test_networks_that_have_not_learned_say_nothing_of_generalization() -> None:
    ledger = evidence()
    learns_identity(ledger, CNN(2, **TINY))  # two steps teach nothing
    assert "seeds_that_contradict = '0 of 3'" in ledger.record("t")["reason"]


def test_a_mixture_of_the_digits_learned_is_recognized(monkeypatch) -> None:
    study = FCN(1, trained_on=(7, 0, 1), **TINY)
    mixed = 0.2 * study.training_images[0] - 0.7 * study.training_images[2] + 5
    unlike = np.random.default_rng(0).normal(size=(1, 6, 6))
    monkeypatch.setattr(Study, "answers", lambda self: (None, np.stack([[mixed, unlike]])))
    ((alike, other),) = study.to_mixture()
    # Either way rounds some n = 36 times, relative to entries that centring (they lie around 5) shrinks tenfold.
    assert alike == pytest.approx(1, abs=100 * 36 * 2.0**-53)
    assert other < 0.7


def test_a_study_says_what_is_not_usual_about_it() -> None:
    assert str(CNN(5)) == "CNN, 5 layers of 8, xavier_uniform"
    assert str(CNN(5, kernel=9, bias=True, scheme="default")) == "CNN, 5 layers of 8, default, kernel 9, bias True"


SMALLEST = StudyScale(size=6, channels=2, many=3, width=8, longer=0.01, members=3, compared=3)
CLAIMS = (test_contraction, test_deep_convolutional, test_deep_fully_connected, test_deep_images)


def scaled() -> list:
    """The claims' tests that are given a scale, each with every combination of its other arguments."""
    found = []
    for name, test in (item for module in CLAIMS for item in vars(module).items() if item[0].startswith("test_")):
        grids = [
            [
                dict(zip(names, values, strict=True) if isinstance(names, tuple) else [(names, values)])
                for values in grid
            ]
            for names, grid in (mark.args for mark in test.pytestmark if mark.name == "parametrize")
            if names != "scale"
        ]
        if "scale" in inspect.signature(test).parameters:
            found += [pytest.param(test, parts, id=name) for parts in product(*grids)]
    return found


@pytest.mark.parametrize(("test", "parts"), scaled())
def test_claims_are_examined_at_any_scale(test, parts) -> None:
    """Also at the paper's, then, where no test runs without a GPU."""
    ledger = evidence()
    test(**dict(ChainMap(*parts)), scale=SMALLEST, ledger=ledger)
    assert ledger.checks
    assert ledger.record("t")["verdict"] == "undecided"  # three seeds tell nothing


def test_at_the_papers_scale_steps_are_smaller_and_more() -> None:
    study = PAPER.cnn(5, kernel=7)
    assert str(study) == "CNN, 5 layers of 128, xavier_uniform, kernel 7, lr 0.0001, steps 4000, size 28, device cuda"
    assert (PAPER.fcn(3).channels, PAPER.fcn(3).steps, PAPER.cnn(5, channels=3).channels) == (2048, 2000, 3)
