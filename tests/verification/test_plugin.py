"""The ledger's own tests: runs of pytest inside pytest, and the evidence's arithmetic."""

import json
import math
import re
from fractions import Fraction
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from verification import ALPHA_BUDGET, Claim, ClaimRefuted, Evidence, claim
from verification.evidence import VERDICTS

EVERY_VERDICT = """
    import pytest
    from hypothesis import given, strategies as st
    from verification import ClaimRefuted, claim

    VERIFIED = claim("V.both", "halves <script>alert('&')</script> are [red]small[/red]", source="Théorème 1")
    CAUGHT = claim("R.caught", "a swallowed refutation counts", source="ours")
    REFUTED = claim("R.shrunk", "every integer is below seven", source="ours")
    CRASHED = claim("E.crash", "never reached", source="ours")
    VACUOUS = claim("E.vacuous", "never checked", source="ours")
    UNDECIDED = claim("U.order", "deeper is closer", source="Figure 3")
    SKIPPED = claim("N.skip", "needs a GPU", source="ours")

    @VERIFIED
    @given(x=st.floats(0, 1))
    def test_property(x, ledger):
        ledger.note("float64")
        ledger.agree(x / 2, 1.0, what="weights", x=x)
        ledger.holds(x <= 1)

    @VERIFIED
    @pytest.mark.parametrize("digit", [1, 2])
    def test_digits(ledger, digit):
        ledger.note("float64")
        ledger.agree(0.3 * digit, 1, what="digit", digit=digit)

    @VERIFIED
    @pytest.mark.skip
    def test_not_today(ledger):
        pass

    @CAUGHT
    def test_swallowed(ledger):
        with pytest.raises(ClaimRefuted):
            ledger.agree(2, 1)

    @REFUTED
    @given(n=st.integers(0, 100))
    def test_below_seven(n, ledger):
        ledger.agree(n, 6, path="/home/someone/private.npy")

    @CRASHED
    def test_crash(ledger):
        ledger.agree(0, 1)
        raise OSError("/home/someone/private.npy")

    @VACUOUS
    def test_nothing(ledger):
        pass

    @UNDECIDED
    def test_order(ledger):
        ledger.order(1e-20, 1, alpha=1e-11, depth=2)
        ledger.order(0.2, 0.8, alpha=1e-11, smallest_detectable="0.03 with 200 networks", depth=3)

    @SKIPPED
    @pytest.mark.skip
    def test_gpu(ledger):
        pass

    def test_no_claim():
        pass
"""


@pytest.fixture
def run(pytester, monkeypatch, request):
    """Run a file of tests with the ledger, as its own session, and return its result and its ledger."""
    monkeypatch.setenv("PYTHONPATH", str(request.config.rootpath))  # for the workers of xdist
    monkeypatch.setenv("HYPOTHESIS_PROFILE", "ci")
    monkeypatch.setenv("COLUMNS", "160")
    pytester.makeconftest((request.config.rootpath / "tests/conftest.py").read_text())
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers")

    def run(source, *options):
        pytester.makepyfile(source)
        result = pytester.runpytest("--ledger", "out", *options)
        written = pytester.path / "out/ledger.json"
        return result, json.loads(written.read_text()) if written.exists() else None

    return run


def of(ledger):
    return {entry["id"]: entry for entry in ledger["claims"]}


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["one process", "xdist"])
def test_each_verdict(run, pytester, options):
    result, ledger = run(EVERY_VERDICT, *options)
    claims = of(ledger)
    assert {name: entry["verdict"] for name, entry in claims.items()} == {
        "V.both": "verified",
        "R.caught": "refuted",
        "R.shrunk": "refuted",
        "E.crash": "error",
        "E.vacuous": "error",
        "U.order": "undecided",
        "N.skip": "not run",
    }
    assert ledger["verdicts"] == {"refuted": 2, "error": 2, "undecided": 1, "verified": 1, "not run": 1}
    assert list(ledger["verdicts"]) == list(VERDICTS)
    assert list(claims) == sorted(claims)

    both = claims["V.both"]
    assert (both["tests"], both["skipped"], both["examples"], both["checks"]) == (3, 1, 25 + 2, 2 * 25 + 2)
    assert both["worst_margin"] == 0.6
    assert both["worst_at"] == "what='digit', digit=2"
    assert both["conditions"] == ["float64"]
    assert both["reasons"] == []

    (counterexample,) = claims["R.shrunk"]["reasons"]
    assert claims["R.shrunk"]["worst_margin"] > 1
    assert "measured 7 > bound 6 (1.16667 times)" in counterexample["text"]
    assert "path = 'private.npy'" in counterexample["text"]
    assert "Explanation" not in counterexample["text"]
    assert re.search(r"test_below_seven\(\s+ledger=<ledger of R.shrunk>,\s+n=7,", counterexample["text"])

    assert claims["E.crash"]["reasons"][0]["text"] == "the test ended in OSError"
    assert claims["E.vacuous"]["reasons"][0]["text"] == "the test passed without trying an example"
    assert "0.03 with 200 networks\n  depth = 3" in claims["U.order"]["reasons"][0]["text"]
    assert ledger["alpha"] == {"budget": ALPHA_BUDGET, "booked": 2e-11, "within_budget": True}
    assert "someone" not in json.dumps(ledger)

    assert result.ret == ledger["exit_status"] == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*claims ledger*", "*claim * verdict * statement*", "*U.order *undecided *deeper*"])
    result.stdout.fnmatch_lines([r"*halves <script>alert('&')</script>*", "*2 refuted, 2 error, 1 undecided*"])
    assert re.match(r"=+ 2 failed, 7 passed, 2 skipped in ", result.outlines[-1])
    assert not [path for path in (pytester.path / "out").iterdir() if path.name.startswith(".")]


def test_json_schema(run):
    _, ledger = run(EVERY_VERDICT, "-k", "test_digits")
    kinds = {
        "schema": int,
        "date": str,
        "environment": dict,
        "hypothesis_profile": str,
        "alpha": dict,
        "verdicts": dict,
        "claims": list,
        "exit_status": int,
    }
    assert {name: type(value) for name, value in ledger.items()} == kinds
    assert ledger["schema"] == 1
    assert ledger["date"].endswith("+00:00")
    assert ledger["hypothesis_profile"] == "ci"
    assert set(ledger["environment"]) == {"python", "numpy", "torch", "platform"}
    kinds = {
        "id": str,
        "statement": str,
        "source": str,
        "verdict": str,
        "tests": int,
        "skipped": int,
        "examples": int,
        "checks": int,
        "worst_margin": float,
        "worst_at": str,
        "seconds": float,
        "alpha": float,
        "conditions": list,
        "reasons": list,
    }
    assert [{name: type(value) for name, value in entry.items()} for entry in ledger["claims"]] == [kinds]


def test_page_is_escaped_and_stands_alone(run, pytester):
    run(EVERY_VERDICT, "-k", "test_digits or seven")
    page = (pytester.path / "out/ledger.html").read_text(encoding="utf-8")
    assert "halves &lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt; are [red]small[/red]" in page
    assert not re.search(r"<script|<link|<img|https?:|url\(|@import", page)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page

    class Balance(HTMLParser):
        open: tuple = ()

        def handle_starttag(self, tag, attrs):
            self.open += () if tag in ("meta", "br") else (tag,)

        def handle_endtag(self, tag):
            assert self.open[-1] == tag
            self.open = self.open[:-1]

    parser = Balance()
    parser.feed(page)
    assert parser.open == ()


def test_sound_run_passes_and_closes_as_usual(run):
    result, ledger = run(EVERY_VERDICT, "-q", "-k", "test_digits or test_order")
    assert result.ret == ledger["exit_status"] == 0
    result.stdout.fnmatch_lines(["1 undecided, 1 verified; chance of a false alarm 2e-11 of 1e-09"])
    assert re.match(r"3 passed, \d+ deselected in ", result.outlines[-1])


def test_a_foreseen_refutation_is_reported_and_does_not_fail_the_run(run):
    source = """
        import pytest
        from verification import ClaimRefuted, claim

        @claim("F.skips", "skips lead to the identity", source="ours")
        @pytest.mark.xfail(raises=ClaimRefuted, reason="they lead to noise")
        def test_skips(ledger):
            ledger.order(p_opposite=1.0, p_claim=1e-15, alpha=1e-12, depth=10)

        @claim("F.crash", "never reached", source="ours")
        @pytest.mark.xfail(raises=ClaimRefuted, reason="a crash is none")
        def test_crash(ledger):
            raise OSError
    """
    result, ledger = run(source, "-k", "test_skips")
    assert result.ret == ledger["exit_status"] == 0
    assert of(ledger)["F.skips"]["verdict"] == "refuted"
    (reason,) = of(ledger)["F.skips"]["reasons"]
    assert reason["foreseen"] is True
    assert "the opposite order holds" in reason["text"]
    result.stdout.fnmatch_lines(["*F.skips *refuted *skips lead*", "*depth = 10*", "*1 refuted*"])

    result, ledger = run(source)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert of(ledger)["F.crash"]["verdict"] == "error"


def test_run_without_claims_prints_nothing(run):
    result, ledger = run(EVERY_VERDICT, "-k", "test_no_claim")
    assert result.ret == 0
    assert "ledger ===" not in result.stdout.str()
    assert ledger["claims"] == []


def test_a_refutation_that_a_test_swallows_fails_the_run_whatever_is_expected_of_the_test(run):
    source = """
        import pytest
        from verification import ClaimRefuted, claim

        @claim("S.swallowed", "nothing is false", source="ours")
        @pytest.mark.xfail(reason="may fail or not")
        def test_swallows(ledger):
            try:
                ledger.holds(False)
            except ClaimRefuted:
                pass
    """
    result, ledger = run(source)
    assert result.ret == ledger["exit_status"] == pytest.ExitCode.TESTS_FAILED
    assert of(ledger)["S.swallowed"]["verdict"] == "refuted"
    assert of(ledger)["S.swallowed"]["reasons"][0]["foreseen"] is False


@pytest.mark.parametrize(("alpha", "booked"), [(4e-10, "1.2e-09"), (3.5e-10, "1.05e-09")])
def test_overdrawn_budget_fails_the_run(run, alpha, booked):
    """By a fifth, and by a twentieth."""
    source = f"""
        import pytest
        from verification import claim

        @claim("L.law", "equal in law", source="ours")
        @pytest.mark.parametrize("n", range(3))
        def test_law(ledger, n):
            ledger.equality_in_law(0.5, alpha={alpha})
    """
    result, ledger = run(source)
    assert result.ret == ledger["exit_status"] == pytest.ExitCode.TESTS_FAILED
    assert ledger["alpha"]["within_budget"] is False
    assert of(ledger)["L.law"]["verdict"] == "verified"
    result.stdout.fnmatch_lines([f"*{booked} of 1e-09: OVER BUDGET*", "*3 passed*"])


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["one process", "xdist"])
def test_conflicting_statements_are_a_collection_error(run, pytester, options):
    pytester.makepyfile(
        test_other="""
        from verification import claim

        @claim("T1.limit", "it diverges", source="Theorem 1")
        def test_other(ledger):
            ledger.holds(True)
        """
    )
    result, _ = run(
        """
        from verification import claim

        @claim("T1.limit", "it converges", source="Theorem 1")
        def test_one(ledger):
            ledger.holds(True)
        """,
        *options,
    )
    assert result.ret not in (0, pytest.ExitCode.INTERNAL_ERROR)
    result.stdout.fnmatch_lines(["*claim 'T1.limit' is declared twice and differently*converges*diverges*"])
    assert result.parseoutcomes()["errors"] == 1


def test_misplaced_claims_are_errors(run):
    source = """
        import pytest
        from verification import claim

        def test_unclaimed(ledger):
            ledger.holds(True)
    """
    result, _ = run(source)
    result.stdout.fnmatch_lines(["*decorate it with the claim that it examines*"])
    result.assert_outcomes(errors=1)
    both = '@claim("A", "a", source="ours")\n        @claim("B", "b", source="ours")\n        def test_unclaimed'
    result, _ = run(source.replace("def test_unclaimed", both))
    result.stdout.fnmatch_lines(["*a test examines one claim, got ?'B', 'A'?*"])
    result, _ = run(source.replace("def test_unclaimed", "@pytest.mark.claim('A')\n        def test_unclaimed"))
    result.stdout.fnmatch_lines(["*a claim has an id, a statement and a source*"])


def test_a_dead_worker_leaves_an_error(run):
    _, ledger = run(
        """
        import os, time
        from verification import claim

        A = claim("A.dies", "the worker survives", source="ours")

        @A
        def test_dies(ledger):
            ledger.agree(0, 1)
            time.sleep(0.2)  # the report of the setup is on its way
            os._exit(1)

        @A
        def test_lives(ledger):
            ledger.agree(0, 1)
        """,
        "-n1",
    )
    (reason,) = of(ledger)["A.dies"]["reasons"]
    assert reason["text"] == "the test did not come to its end"
    assert of(ledger)["A.dies"]["verdict"] == "error"


@pytest.fixture
def evidence():
    return Evidence(Claim("T1.limit", "it converges", "Theorem 1"))


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


def test_hypothesis_climbs_toward_the_bound(run):
    """Two inputs in a million refute: 1,000 blind tries would meet one once in 500 runs, a search that climbs does."""
    source = """
        from hypothesis import given, settings, strategies as st
        from verification import claim

        CLIMB = claim("C.climb", "no margin is beyond 1", source="ours")

        @CLIMB
        @settings(max_examples=1000, derandomize=True, database=None)
        @given(x=st.integers(0, 10**6), y=st.integers(0, 10**6))
        def test_climb(x, y, ledger):
            ledger.agree(0.5, 1.0, what="near")
            ledger.agree([2 / (1 + (abs(x - 314159) + abs(y - 271828)) / 1000), 0.0], 1.0, what="near")
    """
    _, ledger = run(source)
    assert of(ledger)["C.climb"]["verdict"] == "refuted"


def test_exact_statements(evidence):
    evidence.holds(True)
    evidence.holds(torch.tensor([True, True]))
    with pytest.raises(ClaimRefuted, match="the statement is false\n  rank = 3"):
        evidence.holds(np.array([True, False]), rank=3)


@pytest.mark.parametrize("wrong", [{"id": ""}, {"id": "T1 limit"}, {"statement": " "}, {"source": None}])
def test_a_claim_is_checked_when_declared(wrong):
    with pytest.raises(ValueError, match="claim"):
        claim(**{"id": "T1.limit", "statement": "it converges", "source": "Theorem 1"} | wrong)
