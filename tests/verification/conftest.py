"""A run of pytest inside pytest."""

import json

import pytest

from verification import Claim, Evidence


@pytest.fixture
def run(pytester, monkeypatch, request):
    """Run a file of tests with the ledger, as its own session, and return its result and its ledger."""
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


@pytest.fixture
def evidence():
    return Evidence(Claim("T1.limit", "it converges", "Theorem 1"))
