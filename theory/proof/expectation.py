"""Expectations over random matrices: the notation, and their linearity as a rule.

An expectation of traces of words is found by expanding, by turning every word round until all its random letters stand
together, and by putting in the moment that is known of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

from sympy import Add, Basic, Eq, Expr, S, Trace, expand, sympify
from sympy.matrices.expressions import MatMul, MatrixExpr
from sympy.matrices.expressions.matexpr import MatrixElement

from theory.proof.scope import hold_throughout
from theory.proof.steps import Rule
from theory.proof.vanishing import vanishes
from theory.proof.words import MatrixWords, Word, as_words, trace_terms, word_rules

__all__ = ["Expectation", "ExpectedMatrix", "ExpectedTraces", "Variance"]


class Expectation(Expr):
    """The expectation of a scalar over one random matrix or variable; what else occurs in it is held fixed."""

    is_commutative = True
    is_real = True

    def __new__(cls, value: Any, over: Any) -> Expectation:
        """The expectation of ``value`` over the random ``over``."""
        built: Expectation = Basic.__new__(cls, sympify(value), sympify(over))
        return built

    @property
    def over(self) -> Basic:
        """What is random; it is bound here, as the variable of an integral is."""
        return self.args[1]

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        value, over = (printer._print(argument) for argument in self.args)
        text = rf"\mathbb{{E}}_{{{over}}} \left[{value}\right]"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


class Variance(Expectation):
    """The variance of a scalar over one random matrix."""

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        value, over = (printer._print(argument) for argument in self.args)
        text = rf"\operatorname{{Var}}_{{{over}}} \left[{value}\right]"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


class ExpectedMatrix(MatrixExpr):
    """The expectation of a matrix, entry by entry, over one random matrix."""

    def __new__(cls, value: Any, over: Any) -> ExpectedMatrix:
        """The expectation of the matrix ``value`` over the random ``over``."""
        built: ExpectedMatrix = Basic.__new__(cls, sympify(value), sympify(over))
        return built

    @property
    def over(self) -> Basic:
        """What is random; it is bound here, as the variable of an integral is."""
        return self.args[1]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        """Rows and columns."""
        rows, columns = self.args[0].shape
        return rows, columns

    def _entry(self, i: Any, j: Any, **_: Any) -> Expr:
        return MatrixElement(self, i, j)

    def _eval_transpose(self) -> MatrixExpr:
        return ExpectedMatrix(self.args[0].T.doit(), self.args[1])

    def _latex(self, printer: Any) -> str:
        value, over = (printer._print(argument) for argument in self.args)
        return rf"\mathbb{{E}}_{{{over}}} \left[{value}\right]"


@dataclass(frozen=True)
class ExpectedTraces(Rule):
    """``E[f] = …`` or ``Var[f] = …`` for a polynomial f in traces of words.

    The premises are moments ``E[word] = …``; each replaces the word where it holds all the random letters of a trace.
    Other equations of matrices are used as rewriting rules, from left to right, and equations of scalars as equations.
    """

    name: ClassVar[str] = "linearity of the expectation"

    def prove(self, statement: Basic) -> bool | None:
        """Expand, put the moments in and compare the traces that are left."""
        if not isinstance(statement, Eq) or not isinstance(statement.lhs, Expectation):
            return None
        if not hold_throughout(self.premises, *self.generalizes(statement)):
            return None
        (value, over), claimed = statement.lhs.args, trace_terms(statement.rhs, self._rules())
        found = self._expected(value, over)
        if found is None:
            return None
        if isinstance(statement.lhs, Variance):
            square = self._expected(value**2, over)
            if square is None:
                return None
            found = square - found**2
        others = [premise for premise in self.premises if not isinstance(premise.lhs, ExpectedMatrix)]
        return vanishes(trace_terms(found, self._rules()) - claimed, others)

    def _rules(self) -> dict[Word, MatrixWords]:
        return word_rules(premise for premise in self.premises if not isinstance(premise.lhs, ExpectedMatrix))

    def _expected(self, value: Expr, over: MatrixExpr) -> Expr | None:
        moments = {
            word: as_words(premise.rhs)
            for premise in self.premises
            if isinstance(premise.lhs, ExpectedMatrix) and premise.lhs.args[1] == over
            for word in as_words(premise.lhs.args[0])
        }
        total = S.Zero
        for monomial in Add.make_args(expand(trace_terms(expand(value), self._rules()))):
            fixed, traces = S.One, []
            for base, power in monomial.as_powers_dict().items():
                if not base.has(over):
                    fixed *= base**power
                elif isinstance(base, Trace) and power.is_Integer and power > 0:
                    traces += [base] * int(power)
                else:
                    return None
            expected = _moment(traces, over, moments) if traces else S.One
            if expected is None:
                return None
            total += fixed * expected
        return total


def _moment(traces: list[Trace], over: MatrixExpr, moments: Mapping[Word, MatrixWords]) -> Expr | None:
    """The expectation of a product of traces by one of the moments."""
    for word in _joined(traces):
        for start in range(len(word)):
            turned = word[start:] + word[:start]
            for pattern, value in moments.items():
                rest = turned[len(pattern) :]
                if turned[: len(pattern)] == pattern and not any(letter.has(over) for letter in rest):
                    parts = [c * Trace(MatMul(*left, *rest).doit()) for left, c in value.items() if left or rest]
                    units = [c * pattern[0].shape[0] for left, c in value.items() if not (left or rest)]
                    return sum(parts, S.Zero) + sum(units, S.Zero)
    return None


def _joined(traces: list[Trace]) -> Iterator[Word]:
    """The words whose trace is the product: one trace as it is, several only if each is that of a number."""
    ways = [list(_turns(trace, scalar=len(traces) > 1)) for trace in traces]
    for choice in product(*ways):
        yield tuple(letter for word in choice for letter in word)


def _turns(trace: Trace, *, scalar: bool) -> Iterator[Word]:
    (word,) = as_words(trace.args[0])
    transposed = tuple(letter.T for letter in reversed(word))
    for form in (word, transposed):
        for start in range(len(form)):
            if not scalar or form[start].shape[0] == 1:
                yield form[start:] + form[:start]
            if not scalar:
                break
