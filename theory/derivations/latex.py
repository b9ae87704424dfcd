"""A derivation as a page of mathematics: theorem, assumptions, numbered steps with their justification."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sympy import Add, Basic, Equivalent, Symbol, latex
from sympy.core.relational import Relational
from sympy.matrices.expressions import MatAdd

if TYPE_CHECKING:
    from theory.derivations.derivation import Derivation

__all__ = ["escape", "page"]

WIDTH = 75  # characters of a formula that fit on a line of an article, more or less
SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
SPECIAL |= {character: f"\\{character}" for character in "&%#_{}$"}
TYPOGRAPHY = {
    "—": "---",
    "–": "--",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": r"\ldots{}",
    "×": r"$\times$",
    "·": r"$\cdot$",
}
PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage[margin=2.2cm]{geometry}
\usepackage{amsmath,amssymb}
\allowdisplaybreaks
\setlength{\arraycolsep}{3pt}
\begin{document}
"""
PROVED = (
    "Every step is proved by machine; the rule that does so, and the assumptions and steps it uses, stand after it."
)


def page(derivation: Derivation, *, standalone: bool = False) -> str:
    """The derivation in LaTeX (needs amsmath and amssymb).

    Args:
        derivation: What to typeset.
        standalone: Add a preamble, so that the text compiles by itself.
    """
    lines = [rf"\section*{{{escape(derivation.title)}}}", "", r"\paragraph{Theorem.}"]
    lines += _displays(derivation.statement)
    lines += [rf"\emph{{Source:}} {escape(derivation.source)}", "", r"\paragraph{Assumptions and notation.}"]
    lines += [r"\begin{enumerate}", r"\renewcommand{\labelenumi}{A\arabic{enumi}.}"]
    for assumption in derivation.assumptions:
        lines.append(rf"\item {escape(assumption.words)}")
        if assumption.statement is not None:
            lines += _displays((assumption.statement,))
    lines += [r"\end{enumerate}", "", r"\paragraph{Proof.}", PROVED, r"\begin{enumerate}"]
    for number, step in enumerate(derivation.steps):
        lines.append(rf"\item \textbf{{{escape(step.title)}.}} {escape(step.justification)}")
        lines += _displays((step.statement,))
        lines.append(rf"\emph{{By {escape(step.rule.describe())}{_references(derivation, number)}.}}")
    lines += [r"\end{enumerate}", r"\hfill$\square$", ""]
    if derivation.remarks:
        lines += [r"\paragraph{Remarks.}", r"\begin{itemize}"]
        lines += [rf"\item {escape(remark)}" for remark in derivation.remarks]
        lines += [r"\end{itemize}", ""]
    body = "\n".join(lines)
    return f"{PREAMBLE}{body}\\end{{document}}\n" if standalone else body


def _references(derivation: Derivation, number: int) -> str:
    """The assumptions and earlier steps that a step uses, by their numbers on the page."""
    from theory.derivations.derivation import is_established

    named = [(f"A{index}", item.statement) for index, item in enumerate(derivation.assumptions, start=1)]
    named += [(str(index), step.statement) for index, step in enumerate(derivation.steps[:number], start=1)]
    used = [
        next((name for name, known in named if known is not None and is_established(premise, [known])), None)
        for premise in derivation.steps[number].rule.premises
    ]
    distinct = list(dict.fromkeys(name for name in used if name))
    return f", from {', '.join(distinct)}" if distinct else ""


def escape(words: str) -> str:
    """Words with LaTeX's special characters escaped; ``$…$`` is mathematics and stays as it is.

    Raises:
        ValueError: A ``$`` is not closed, or a character outside ASCII has no LaTeX here.
    """
    pieces = re.split(r"(?<!\\)\$", words)
    if len(pieces) % 2 == 0:
        raise ValueError(f"a $ is not closed in {words!r}")
    escaped = "".join(
        f"${piece}$" if index % 2 else "".join((SPECIAL | TYPOGRAPHY).get(character, character) for character in piece)
        for index, piece in enumerate(pieces)
    )
    foreign = sorted({character for character in escaped if ord(character) > 0xFF})
    if foreign:
        raise ValueError(f"write {''.join(foreign)!r} as LaTeX mathematics in {words!r}")
    return escaped


def _displays(statements: tuple[Basic, ...]) -> list[str]:
    lines = []
    for statement in statements:
        lines += [r"\begin{equation*}", _display(statement), r"\end{equation*}"]
    return lines


def _display(statement: Basic) -> str:
    """The statement, broken at its relation and between terms where it is long."""
    if isinstance(statement, Equivalent) and _width(latex(statement)) > WIDTH // 2:
        sides = [latex(side) for side in statement.args]
        return "\n".join([r"\begin{aligned}", "& " + " \\\\\n& \\Leftrightarrow ".join(sides), r"\end{aligned}"])
    if _width(latex(statement)) <= WIDTH or not isinstance(statement, Relational):
        return latex(statement)
    sign = latex(statement.func(Symbol("a"), Symbol("b"), evaluate=False)).split()[1]
    left, right = _broken(statement.lhs), _broken(statement.rhs)
    turn = r" \\" + "\n" + r"&\quad " if _width(left) > WIDTH // 2 else " "
    return "\n".join([r"\begin{aligned}", rf"& {left}{turn}{sign} {right}", r"\end{aligned}"])


def _width(source: str) -> int:
    """Roughly how many characters wide the typeset formula is."""
    names = re.sub(r"\\(left|right|begin|end|mathbb|mathrm|operatorname)", "", source)
    return len(re.sub(r"[\s{}^_]", "", re.sub(r"\\[A-Za-z]+", "x", names)))


def _broken(side: Basic) -> str:
    """A long sum on several lines."""
    if _width(latex(side)) <= WIDTH or not isinstance(side, Add | MatAdd):
        return latex(side)
    lines: list[str] = []
    current = ""
    for term in side.as_ordered_terms() if isinstance(side, Add) else side.args:
        text = latex(term)
        text = text if text.startswith("-") or not (lines or current) else f"+ {text}"
        if current and _width(current + text) > WIDTH:
            lines.append(current)
            current = ""
        current = f"{current} {text}".strip()
    return " \\\\\n& \\quad ".join([*lines, current])
