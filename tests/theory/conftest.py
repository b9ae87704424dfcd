"""The command line as its tests call it."""

import pytest

from tests.command_lines import caller
from theory import cli


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    return caller("theory", cli.main, monkeypatch, capsys, tmp_path)
