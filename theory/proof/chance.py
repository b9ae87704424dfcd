"""The notation of chance: probabilities, expectations and variances over one random matrix or variable."""

from __future__ import annotations

from typing import Any

from sympy import Basic, Expr, sympify
from sympy.matrices.expressions import MatrixExpr
from sympy.matrices.expressions.matexpr import MatrixElement

__all__ = ["Expectation", "ExpectedMatrix", "Probability", "Variance"]


class Probability(Expr):
    """The probability of an event that depends on one random matrix."""

    is_commutative = True
    is_real = True

    def __new__(cls, event: Any, over: Any) -> Probability:
        """The probability of `event` when the matrix `over` is drawn."""
        built: Probability = Basic.__new__(cls, sympify(event), sympify(over))
        return built

    @property
    def over(self) -> Basic:
        """What is random; it is bound here, as the variable of an integral is."""
        return self.args[1]

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        event, over = (printer._print(argument) for argument in self.args)
        text = rf"\mathbb{{P}}_{{{over}}} \left[{event}\right]"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


class Expectation(Expr):
    """The expectation of a scalar over one random matrix or variable; what else occurs in it is held fixed."""

    is_commutative = True
    is_real = True

    def __new__(cls, value: Any, over: Any) -> Expectation:
        """The expectation of `value` over the random `over`."""
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
        """The expectation of the matrix `value` over the random `over`."""
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
