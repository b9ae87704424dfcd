"""A command line's manners: one sentence for a mistake, what is kept for Ctrl-C, silence for a reader who has gone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from files import Interrupted, run_command_line

app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def raises(what: str) -> None:
    """Raise something."""
    raise {
        "mistake": ValueError("n must be\n positive"),
        "file": FileNotFoundError(2, "No such file or directory", "a.png"),
        "ctrl-c": KeyboardInterrupt(),
        "told": Interrupted("3 of 4 are kept"),
        "exit": typer.Exit(1),
        "fault": RuntimeError("a fault of ours"),
    }[what]


@app.command()
def speak() -> None:
    """Say much."""
    for _ in range(100_000):
        print("a line of text")


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("mistake", 2, "error: n must be positive\n"),
        ("file", 2, "error: a.png: no such file or directory\n"),
        ("ctrl-c", 130, "interrupted\n"),
        ("told", 130, "interrupted: 3 of 4 are kept\n"),
        ("exit", 1, ""),
    ],
)
def test_how_a_command_ends(what, code, said, capsys):
    with pytest.raises(SystemExit) as stop:
        run_command_line(app, "it", ["raises", what])
    assert (stop.value.code, capsys.readouterr().err) == (code, said)


def test_a_fault_of_ours_shows_where_it_is():
    with pytest.raises(RuntimeError, match="a fault of ours"):
        run_command_line(app, "it", ["raises", "fault"])


@pytest.mark.skipif(os.name == "nt", reason="a shell's pipe")
def test_a_reader_who_has_seen_enough_hears_no_complaint():
    code = "from tests.files.test_command_line import app, run_command_line; run_command_line(app, 'it', ['speak'])"
    done = subprocess.run(
        f'"{sys.executable}" -c "{code}" | head -1',
        shell=True,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert (done.stdout, done.stderr) == ("a line of text\n", "")
