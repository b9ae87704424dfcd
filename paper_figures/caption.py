"""Captions: their words stand in `paper_figures/captions`, a table for each figure; code fills in the numbers."""

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import as_file, files
from string import Formatter
from typing import Any


def say(figure: str, phrase: str = "caption", /, **values: Any) -> str:
    """A phrase of a figure in one line, with values in place of its fields.

    Args:
        figure: its name, as its table in `paper_figures/captions` is called.
        phrase: which of the table's phrases.
        **values: of the fields, all of them and no others; how a number is printed stands with its field.

    Raises:
        KeyError: there is no such figure or phrase.
        ValueError: values are missing, or have no field.
    """
    text = phrases()[figure][phrase]
    fields = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    if fields != values.keys():
        raise ValueError(f"the {phrase} of {figure} has the fields {sorted(fields)}, got values of {sorted(values)}")
    return text.strip("\n").replace("\n", " ").format(**values).rstrip()


@cache
def phrases() -> dict[str, dict[str, str]]:
    """All phrases, by figure."""
    tables: dict[str, dict[str, str]] = {}
    with as_file(files("paper_figures") / "captions") as folder:
        for path in sorted(folder.glob("*.toml")):
            tables |= tomllib.loads(path.read_text(encoding="utf-8"))
    return tables


def enumerated(words: Iterable[str]) -> str:
    """Words as a sentence lists them: "a", "a and b", "a, b and c"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def layers(depth: int) -> str:
    """A label: "1 layer", "2 layers"."""
    return "1 layer" if depth == 1 else f"{depth} layers"
