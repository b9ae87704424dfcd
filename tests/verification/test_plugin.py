"""The ledger of a run: runs of pytest inside pytest."""

import json
import os
import re

import pytest

from tests.verification.runs import EVERY_VERDICT, of
from verification import ALPHA_BUDGET
from verification.evidence import VERDICTS


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
    assert both["worst_at"] == "digit; digit 2"
    assert both["files"] == ["test_each_verdict.py"]
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
    result.stdout.fnmatch_lines(
        [
            "*claims ledger*",
            "refuted    R.caught *",
            "error      E.crash *",
            "undecided  U.order *",
            "  deeper is closer*",
        ]
    )
    result.stdout.fnmatch_lines(
        [
            r"verified   V.both * 0.6  halves <script>alert('&')</script>*",
            "not run *",
            "*2 refuted, 2 error, 1 undecided*",
        ]
    )
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
        "files": list,
    }
    assert [{name: type(value) for name, value in entry.items()} for entry in ledger["claims"]] == [kinds]


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
    result.stdout.fnmatch_lines(["refuted    F.skips *", "  skips lead*", "*depth = 10*", "*1 refuted*"])

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


SOMEBODY_ELSE = """
    from verification import claim

    HALVES = claim("M.halves", "a half of a number is smaller", source="mine")

    @HALVES
    def test_halves(ledger):
        for x in (1.0, 2.0):
            ledger.agree(x / 2, x, what="half", x=x)
"""


def test_anybodys_test_file_has_the_ledger_once_the_package_is_installed(pytester, monkeypatch):
    """No conftest, no settings: pytest finds the plugin by the package's entry point."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    pytester.makepyfile(SOMEBODY_ELSE)
    result = pytester.runpytest_subprocess("--ledger", "mine")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["verified   M.halves *0.5  a half of a number is smaller", "1 verified; *"])
    ledger = json.loads((pytester.path / "mine/ledger.json").read_text())
    assert of(ledger)["M.halves"]["examples"] == 2
    assert "M.halves" in (pytester.path / "mine/ledger.html").read_text(encoding="utf-8")


def test_the_ledger_needs_neither_hypothesis_nor_torch(pytester, monkeypatch):
    """Packages of these names that cannot be imported come first on the path."""
    for name in ("hypothesis", "torch"):
        pytester.mkpydir(name).joinpath("__init__.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(pytester.path), prepend=os.pathsep)
    pytester.makepyfile(SOMEBODY_ELSE)
    result = pytester.runpytest_subprocess("-p", "verification.plugin", "--ledger", "mine")
    assert result.ret == 0, result.stderr.str()
    ledger = json.loads((pytester.path / "mine/ledger.json").read_text())
    assert ledger["hypothesis_profile"] is None
    assert of(ledger)["M.halves"]["verdict"] == "verified"
