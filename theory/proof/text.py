"""A derivation for a terminal: theorem, assumptions, numbered steps with their justification."""

from __future__ import annotations

import re
import textwrap

from sympy import Basic
from sympy.core.relational import Relational
from sympy.printing.str import StrPrinter

from theory.proof.steps import Written

__all__ = ["text"]

WIDTH, INDENT = 100, " " * 6
HARD = "\u00a0"  # a space at which no line is broken
SIGNS = {"==": "=", "!=": "≠", "<=": "≤", ">=": "≥"}


def text(derivation: Written) -> str:
    """The derivation in characters, formulas as SymPy writes them, relations with their signs."""
    lines = [derivation.title, "=" * len(derivation.title), "", "Theorem"]
    titles = {step.statement: step.title for step in reversed(derivation.steps)}  # of the proof, not of a check
    for claim in derivation.statement:
        lines += [*_words(f"{titles.get(claim, 'Claim')}:"), *_formula(claim)]
    lines += [*_words(f"Source: {derivation.source}"), "", "Assumptions and notation"]
    for number, assumption in enumerate(derivation.assumptions, start=1):
        lines += _words(f"A{number}. {assumption.words}")
        if assumption.statement is not None:
            lines += _formula(assumption.statement)
    lines += ["", "Proof, every step by machine"]
    for number, step in enumerate(derivation.steps, start=1):
        lines += _words(f"{number}. {step.title}. {step.justification}")
        lines += _formula(step.statement)
        lines += [*_words(f"   By {step.rule.describe()}.")]
    if derivation.cited:
        lines += ["", "Cited from textbooks, not proved here"]
        lines += [
            line
            for lemma in derivation.cited
            for line in _words(f"- {_capital(lemma.name)}: {lemma.words} ({lemma.source})")
        ]
    if derivation.remarks:
        lines += ["", "Remarks", *(line for remark in derivation.remarks for line in _words(f"- {remark}"))]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _words(paragraph: str) -> list[str]:
    """Lines of words; a formula between dollars is never broken at its spaces."""
    whole = re.sub(r"\$([^$]*)\$", lambda formula: formula[1].replace(" ", HARD), paragraph)
    lines = textwrap.wrap(whole, WIDTH, subsequent_indent="   ", break_long_words=False, break_on_hyphens=False)
    return [line.replace(HARD, " ") for line in lines]


def _formula(statement: Basic) -> list[str]:
    written = _Printer().doprint(statement)
    return ["", *textwrap.wrap(written, WIDTH, initial_indent=INDENT, subsequent_indent=f"{INDENT}  "), ""]


class _Printer(StrPrinter):
    """SymPy's strings, but a = b for Eq(a, b)."""

    def _print_Relational(self, expression: Relational) -> str:
        sign = SIGNS.get(expression.rel_op, expression.rel_op)
        return f"{self._print(expression.lhs)} {sign} {self._print(expression.rhs)}"
