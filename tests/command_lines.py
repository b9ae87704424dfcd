"""A command line as tests call it: in this process, in a folder of its own."""

import sys

import pytest


def caller(name, main, monkeypatch, capsys, folder):
    """A function of a command's arguments that returns (exit code, stdout, stderr)."""

    def call(*arguments):
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return call
