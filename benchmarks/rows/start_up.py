"""How long a command line takes to say what it can do."""

import os
import subprocess
import sys
from functools import partial

from benchmarks.rows.row import OURS, Row
from benchmarks.rows.worker import ROOT

COMMANDS = {
    "import theory": ["-c", "import theory"],
    "python -m theory --help": ["-m", "theory", "--help"],
    "python -m theory derive --help": ["-m", "theory", "derive", "--help"],
    "python -m empirics --help": ["-m", "empirics", "--help"],
    "python -m paper_figures --help": ["-m", "paper_figures", "--help"],
    "python -m paper_figures list": ["-m", "paper_figures", "list"],
}


def rows(*, quick: bool = False) -> list[Row]:
    """Every door's help; quick: one. Beside an interpreter that does nothing."""
    some = dict(list(COMMANDS.items())[:1]) if quick else COMMANDS
    nothing = partial(_run, ["-c", "pass"])
    ways = {name: {OURS: partial(_run, arguments), "python -c pass": nothing} for name, arguments in some.items()}
    return [Row("start", name, each, off=None) for name, each in ways.items()]


def _run(arguments: list[str]) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)
