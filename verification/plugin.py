"""The claims ledger: a pytest plugin that turns tests of a statement into a verdict with a margin.

A claim is declared once and put on every test that examines it; the tests hand their evidence to the
`ledger` fixture, and the run ends with a table (and, with `--ledger DIR`, a JSON file and a web page):

    T1_LIMIT = claim("T1.limit", statement="f(x) = Π∥ x + R Π⊥ x", source="Zhang et al. 2020, Theorem 1")

    @T1_LIMIT
    @given(x=vectors())
    def test_prediction_is_parallel_part_plus_noise(x, ledger):
        ledger.agree(abs(trained(x) - predicted(x)), bound, what="prediction", shape=x.shape)

A claim is *refuted* when any check refutes it, an *error* when a test crashed or tried nothing, *undecided*
when the statistics cannot tell, *verified* when every test passed, and *not run* when all were skipped.
A refuted claim, an error, or an overdrawn budget of false alarms fails the run. A refutation that is known and written
down does not, but is reported all the same: mark its test `@pytest.mark.xfail(raises=ClaimRefuted, reason=...)`.
"""

from __future__ import annotations

import json
import math
import os
import platform
from collections import Counter
from collections.abc import Generator
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

from verification import page
from verification.evidence import VERDICTS, Claim, ClaimRefuted, Evidence, find_refutation

__all__ = ["ALPHA_BUDGET", "ClaimRefuted", "claim"]

SCHEMA_VERSION = 1
ALPHA_BUDGET = 1e-9
"""The chance of a false alarm that one run may spend, over all claims and examples together."""


def claim(id: str, statement: str, source: str) -> pytest.MarkDecorator:
    """Declare a claim: a decorator for each of the tests that examine it.

    Example:
        >>> HALVES = claim("M.halves", "a half of a number is smaller", source="mine")
        >>> HALVES.name, HALVES.kwargs["id"]
        ('claim', 'M.halves')
    """
    Claim(id, statement, source)
    return pytest.mark.claim(id=id, statement=statement, source=source)


# The plugin. Under xdist reports are all that reaches the controller, so they carry the records: the report of a
# test's teardown carries its evidence, and that of its setup announces it, so that a worker's death does not go unseen.

DECLARED = pytest.StashKey[dict[str, Claim]]()
EVIDENCE = pytest.StashKey[Evidence]()


@pytest.fixture
def ledger(request: pytest.FixtureRequest) -> Evidence:
    """Where a test of a claim puts its evidence."""
    evidence = request.node.stash.get(EVIDENCE, None)
    if evidence is None:
        pytest.fail("this test uses the ledger: decorate it with the claim that it examines", pytrace=False)
    return evidence


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--ledger", metavar="DIR", help="write the claims ledger to DIR/ledger.json and DIR/ledger.html")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "claim(id, statement, source): a statement of the papers or of this library; its verdict goes to the ledger",
    )
    config.stash[DECLARED] = {}
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Book(_folder(config)), "claims-ledger")


def _folder(config: pytest.Config) -> Path | None:
    given = config.getoption("ledger")
    if given is None:
        return None
    folder = config.invocation_params.dir / given
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(f"--ledger {given}: cannot make this folder: {error.strerror}") from None
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    report = yield
    items = [item for item in report.result or () if isinstance(item, pytest.Item)]
    try:
        for item in items:
            _attach(item, collector.config.stash[DECLARED])
    except ValueError as error:
        report.outcome, report.longrepr, report.result = "failed", str(error), []
    return report


def _attach(item: pytest.Item, declared: dict[str, Claim]) -> None:
    claims = []
    for mark in item.iter_markers("claim"):
        try:
            claims.append(Claim(*mark.args, **mark.kwargs))
        except TypeError:
            raise ValueError(f"{item.nodeid}: a claim has an id, a statement and a source") from None
    for each in claims:
        if each != declared.setdefault(each.id, each):
            raise ValueError(f"claim {each.id!r} is declared twice and differently: {declared[each.id]} and {each}")
    if len(set(claims)) > 1:
        raise ValueError(f"{item.nodeid}: a test examines one claim, got {[each.id for each in claims]}")
    if claims:
        item.stash[EVIDENCE] = Evidence(claims[0])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Generator[None, Any, Any]:
    report = yield
    evidence = item.stash.get(EVIDENCE, None)
    if evidence is None:
        return report
    evidence.seconds += call.duration
    if call.excinfo and (report.failed or find_refutation(call.excinfo.value)):
        evidence.blame(call.excinfo.value)
    evidence.foreseen |= report.skipped and hasattr(report, "wasxfail")
    evidence.skipped |= report.skipped
    if call.when == "setup":
        report.user_properties.append(("claim", {"test": item.nodeid, **asdict(evidence.claim)}))
    if call.when == "teardown":
        report.user_properties.append(("claim", evidence.record(item.nodeid)))
    return report


class Book:
    """Adds up the records of all tests, writes them down, and fails the run that must fail."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.records: dict[str, dict] = {}
        self.ledger: dict = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if name == "claim" and isinstance(value, dict):
                self.records[value["test"]] = value

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if session.config.option.collectonly:
            return
        self.ledger = summarize(list(self.records.values()))
        sound = self.ledger["alpha"]["within_budget"] and not any(
            reason["verdict"] in ("refuted", "error") and not reason["foreseen"]
            for entry in self.ledger["claims"]
            for reason in entry["reasons"]
        )
        if session.exitstatus == pytest.ExitCode.OK and not sound:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self.ledger["exit_status"] = int(session.exitstatus)
        if self.folder is not None:
            _write(self.folder / "ledger.json", json.dumps(self.ledger, indent=2, ensure_ascii=False, allow_nan=False))
            _write(self.folder / "ledger.html", page.html_page(self.ledger))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.ledger.get("claims"):
            return
        terminalreporter.section("claims ledger")
        writer = terminalreporter.config.get_terminal_writer()
        verbose = terminalreporter.config.get_verbosity() > 0
        writer.write(page.table(self.ledger, width=writer.fullwidth, color=writer.hasmarkup, verbose=verbose))


def summarize(records: list[dict]) -> dict:
    """The ledger of a run, as it stands in ledger.json: one entry per claim, in the order of their ids."""
    groups: dict[str, list[dict]] = {}
    for record in sorted(records, key=lambda record: (record["id"], record["test"])):
        if "verdict" not in record:
            unfinished = Evidence(Claim(record["id"], record["statement"], record["source"]))
            unfinished.reasons["error"] = "the test did not come to its end"
            record = unfinished.record(record["test"])
        groups.setdefault(record["id"], []).append(record)
    claims = [_claim_entry(group) for group in groups.values()]
    booked = math.fsum(record["alpha"] for group in groups.values() for record in group)
    count = Counter(entry["verdict"] for entry in claims)
    return {
        "schema": SCHEMA_VERSION,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": {
            "python": platform.python_version(),
            **_installed("numpy", "torch"),
            "platform": f"{platform.system()} {platform.machine()}",
        },
        "hypothesis_profile": _hypothesis_profile(),
        # Shares of the budget need not add up to it exactly in floating point.
        "alpha": {"budget": ALPHA_BUDGET, "booked": booked, "within_budget": booked <= ALPHA_BUDGET * (1 + 1e-9)},
        "verdicts": {verdict: count[verdict] for verdict in VERDICTS},
        "claims": claims,
    }


def _installed(*packages: str) -> dict[str, str]:
    """The versions of those packages that are installed: what numbers may depend on."""
    found = {}
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _hypothesis_profile() -> str | None:
    """How many examples a property is tried on goes by this name; None where hypothesis isn't installed."""
    try:
        from hypothesis import settings
    except ImportError:
        return None
    return settings.get_current_profile_name()


def _claim_entry(records: list[dict]) -> dict:
    worst = max((r for r in records if r["worst_margin"] is not None), key=lambda r: r["worst_margin"], default=None)
    skipped = sum(record["verdict"] == "not run" for record in records)
    return {
        "id": records[0]["id"],
        "statement": records[0]["statement"],
        "source": records[0]["source"],
        "verdict": min((record["verdict"] for record in records), key=VERDICTS.index),
        "tests": len(records) - skipped,
        "skipped": skipped,
        "files": sorted({record["test"].partition("::")[0] for record in records}),
        "examples": sum(record["examples"] for record in records),
        "checks": sum(record["checks"] for record in records),
        # JSON has no infinity: what exceeds a bound of zero, and NaN, stand as a string.
        "worst_margin": None
        if worst is None
        else worst["worst_margin"]
        if math.isfinite(worst["worst_margin"])
        else "inf",
        "worst_at": "" if worst is None else worst["worst_at"],
        "seconds": round(math.fsum(record["seconds"] for record in records), 3),
        "alpha": math.fsum(record["alpha"] for record in records),
        "conditions": list(dict.fromkeys(text for record in records for text in record["conditions"])),
        "reasons": [
            {
                "test": record["test"],
                "verdict": record["verdict"],
                "text": record["reason"],
                "foreseen": record["foreseen"],
            }
            for record in records
            if record["verdict"] in ("refuted", "error", "undecided")
        ],
    }


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text + "\n", encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
