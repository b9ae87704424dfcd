"""The linearity of expectations over random matrices.

An expectation of traces of words is found by expanding, by turning every word round until all its random letters stand
together, and by putting in the moment that is known of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

from sympy import Add, Basic, Eq, Expr, S, Trace, expand
from sympy.matrices.expressions import MatMul, MatrixExpr

from theory.proof.chance import Expectation, ExpectedMatrix, Variance
from theory.proof.lemma import Lemma
from theory.proof.lemmas import LINEARITY
from theory.proof.scope import hold_throughout
from theory.proof.steps import Rule
from theory.proof.vanishing import vanishes
from theory.proof.words import MatrixWords, Word, as_words, trace_terms, word_rules

__all__ = ["ExpectedTraces"]


@dataclass(frozen=True)
class ExpectedTraces(Rule):
    """`E[f] = …` or `Var[f] = …` for a polynomial f in traces of words.

    The premises are moments `E[word] = …`; each replaces the word where it holds all the random letters of a trace.
    Other equations of matrices are used as rewriting rules, from left to right, and equations of scalars as equations.

    Sound because the expectation is linear and what is fixed may be taken out of it: each monomial is a fixed factor
    times one trace, or a product of traces of numbers, whose word is turned round (a trace does not change by that, nor
    by transposing) until its random letters stand together as in a moment that is a premise, over the same random
    matrix.
    """

    name: ClassVar[str] = "linearity of the expectation"
    rests_on: ClassVar[tuple[Lemma, ...]] = (LINEARITY,)

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
