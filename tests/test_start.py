"""Asking for help, or for what there is, loads none of what takes long to load."""

import json
import os
import subprocess
import sys

import pytest

import empirics
import theory

HEAVY = ("torch", "sympy", "scipy", "matplotlib", "pyarrow", "distributed", "pandas")

RUN = """
import json, sys, importlib
door, *arguments = json.loads(sys.argv[1])
try:
    importlib.import_module(f"{door}.cli").main(arguments)
except SystemExit as stop:
    assert not stop.code, stop.code
print(json.dumps([name for name in json.loads(sys.argv[2]) if name in sys.modules]), file=sys.stderr)
"""


def loaded(code: str, *arguments: str) -> list[str]:
    """Which of the heavy packages a piece of code has loaded; it says so in its last line on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"COLUMNS": "80"},
    )
    return json.loads(done.stderr.splitlines()[-1])


@pytest.mark.parametrize(
    "command",
    [
        ["theory", "--help"],
        ["theory", "derive", "--help"],
        ["theory", "predict", "--help"],
        ["theory", "depth", "--help"],
        ["theory", "learning", "--help"],
        ["empirics", "--help"],
        ["empirics", "train", "--help"],
        ["empirics", "sweep", "--help"],
        ["paper_figures", "--help"],
        ["paper_figures", "list"],
    ],
    ids=" ".join,
)
def test_help_and_lists_load_nothing_heavy(command):
    assert loaded(RUN, json.dumps(command), json.dumps(HEAVY)) == []


@pytest.mark.parametrize("package", ["theory", "empirics", "numerics", "files", "paper_figures"])
def test_importing_a_package_loads_nothing_heavy(package):
    code = f"import sys, json, {package}; print(json.dumps([n for n in {HEAVY} if n in sys.modules]), file=sys.stderr)"
    assert loaded(code) == []


@pytest.mark.parametrize("package", [empirics, theory])
def test_every_public_name_is_there(package):
    assert {*package._HOMES} == {*package.__all__} - {"images", *getattr(package, "_PACKAGES", ())}
    for name in package.__all__:
        found = getattr(package, name)
        assert getattr(found, "__module__", found.__name__).startswith(package.__name__)
    assert {*package.__all__} <= {*dir(package)}
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'gan'"):
        package.gan  # noqa: B018
