"""A derivation as a page of mathematics: theorem, assumptions, numbered steps with their justification."""

from __future__ import annotations

import re

from sympy import Add, Basic, Equivalent, Expr, Mul, S, Symbol
from sympy.core.relational import Relational
from sympy.matrices.expressions import MatAdd
from sympy.printing.latex import LatexPrinter

from theory.proof.steps import Written, says_the_same

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
    "Every step is proved by machine; the rule that does so, and the assumptions and steps it uses, stand after it. "
    "What is cited from textbooks stands at the end."
)


def page(derivation: Written, *, standalone: bool = False) -> str:
    """The derivation in LaTeX (needs amsmath and amssymb).

    Args:
        derivation: what to typeset.
        standalone: add a preamble, so that the text compiles by itself.
    """
    lines = [rf"\section*{{{escape(derivation.title)}}}", "", r"\paragraph{Theorem.}"]
    titles = {step.statement: step.title for step in reversed(derivation.steps)}  # of the proof, not of a check
    lines += [r"\begin{enumerate}", r"\renewcommand{\labelenumi}{(\roman{enumi})}"]
    for claim in derivation.statement:
        lines += [rf"\item {escape(titles.get(claim, 'Claim'))}:", *_displays((claim,))]
    lines += [r"\end{enumerate}"]
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
    if derivation.cited:
        lines += [r"\paragraph{Cited from textbooks, not proved here.}", r"\begin{itemize}"]
        lines += [
            rf"\item \emph{{{escape(lemma.name[:1].upper() + lemma.name[1:])}}}: {escape(lemma.words)} "
            rf"({escape(lemma.source)})"
            for lemma in derivation.cited
        ]
        lines += [r"\end{itemize}", ""]
    if derivation.remarks:
        lines += [r"\paragraph{Remarks.}", r"\begin{itemize}"]
        lines += [rf"\item {escape(remark)}" for remark in derivation.remarks]
        lines += [r"\end{itemize}", ""]
    body = "\n".join(lines)
    return f"{PREAMBLE}{body}\\end{{document}}\n" if standalone else body


def _references(derivation: Written, number: int) -> str:
    """The assumptions and earlier steps that a step uses, by their numbers on the page."""
    named = [(f"A{index}", item.statement) for index, item in enumerate(derivation.assumptions, start=1)]
    named += [(str(index), step.statement) for index, step in enumerate(derivation.steps[:number], start=1)]
    used = [
        next((name for name, known in named if known is not None and says_the_same(premise, known)), None)
        for premise in derivation.steps[number].rule.premises
    ]
    distinct = list(dict.fromkeys(name for name in used if name))
    return f", from {', '.join(distinct)}" if distinct else ""


def escape(words: str) -> str:
    """Words with LaTeX's special characters escaped; `$…$` is mathematics and stays as it is.

    Raises:
        ValueError: a `$` is not closed, or a character outside ASCII has no LaTeX here.
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


class _Printer(LatexPrinter):
    """Formulas as a person writes them: subtractions last, roots drawn together, exponents without fractions."""

    def _as_ordered_terms(self, expr: Add, order: str | None = None) -> list[Expr]:
        return sorted(super()._as_ordered_terms(expr, order), key=lambda term: term.could_extract_minus_sign())

    def _print_MatAdd(self, expr: MatAdd) -> str:
        terms = sorted((self._print(term) for term in expr.args), key=lambda term: term.startswith("-"))
        return " ".join([terms[0], *(term if term.startswith("-") else f"+ {term}" for term in terms[1:])])

    def _print_ExpBase(self, expr: Expr, exp: str | None = None) -> str:
        exponent = self._print(expr.args[0])
        if r"\frac" not in exponent:
            return str(super()._print_ExpBase(expr, exp))
        return rf"\exp\left({exponent}\right)" if exp is None else rf"\exp\left({exponent}\right)^{{{exp}}}"

    def _print_Identity(self, expr: Basic) -> str:
        return "I"

    def _print_Mul(self, expr: Mul) -> str:
        roots = {power: [part.base for part in expr.args if part.is_Pow and part.exp == power] for power in HALVES}
        if sum(len(bases) for bases in roots.values()) < 2:
            return str(super()._print_Mul(expr))
        rest = Mul(*(part for part in expr.args if not (part.is_Pow and part.exp in HALVES)))
        number, rest = rest.as_coeff_Mul()
        inside = Mul(*roots[S.Half]) / Mul(*roots[-S.Half])
        if number > 0 and inside.as_coeff_Mul()[0] != 1:
            number, inside = S.One, number**2 * inside
        drawn = [Symbol(rf"\sqrt{{{self._print(part)}}}") if part != 1 else part for part in inside.as_numer_denom()]
        return str(self._print(number * rest * drawn[0] / drawn[1]))


HALVES = (S.Half, -S.Half)


def latex(expression: Basic) -> str:
    """The formula in LaTeX."""
    return str(_Printer().doprint(expression))


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
    for term in _Printer()._as_ordered_terms(side) if isinstance(side, Add) else side.args:
        text = latex(term)
        text = text if text.startswith("-") or not (lines or current) else f"+ {text}"
        if current and _width(current + text) > WIDTH:
            lines.append(current)
            current = ""
        current = f"{current} {text}".strip()
    return " \\\\\n& \\quad ".join([*lines, current])
