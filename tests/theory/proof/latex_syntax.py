"""Does a LaTeX document compile? With pdflatex where there is one; elsewhere its syntax is looked through."""

import re
import shutil
import subprocess
from pathlib import Path

ENVIRONMENT = re.compile(r"\\(begin|end)\{([a-z]+\*?)\}")
MATHEMATICS = re.compile(r"\\begin\{equation\*\}.*?\\end\{equation\*\}|(?<!\\)\$.*?(?<!\\)\$", re.DOTALL)


def assert_compiles(document: str, folder: Path) -> None:
    """Compile the document, or check what a compiler would stumble over."""
    assert_well_formed(document)
    if shutil.which("pdflatex"):
        (folder / "page.tex").write_text(document)
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout[-3000:]


def assert_well_formed(source: str) -> None:
    r"""Braces and environments balance, ``\left`` has its ``\\right``, and no special character is bare in text."""
    assert source.isascii(), sorted({character for character in source if ord(character) > 127})
    depth = 0
    for brace in re.findall(r"(?<!\\)(?:\\\\)*([{}])", source):
        depth += 1 if brace == "{" else -1
        assert depth >= 0, "a brace is closed that was not opened"
    assert depth == 0, "a brace is not closed"
    opened: list[str] = []
    for kind, name in ENVIRONMENT.findall(source):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name, f"environment {name} closes another one"
    assert not opened, f"environments {opened} are not closed"
    for formula in MATHEMATICS.findall(source):
        assert len(re.findall(r"\\left\b", formula)) == len(re.findall(r"\\right\b", formula)), formula
        assert "\n\n" not in formula, f"an empty line in mathematics: {formula}"
    words = ENVIRONMENT.sub("", MATHEMATICS.sub("", source.split(r"\begin{document}")[-1]))
    assert not re.search(r"(?<!\\)[$&#%^_~]", words), re.findall(r".{20}(?<!\\)[$&#%^_~].{0,20}", words)
