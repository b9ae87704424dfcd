"""The few mathematical objects that SymPy lacks: sequences of scalars and of matrices, the squared norm, gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Basic, Expr, Trace, sympify
from sympy.core.symbol import Str
from sympy.matrices.expressions import MatrixExpr, Transpose
from sympy.matrices.expressions.matexpr import MatrixElement

__all__ = ["Gradient", "Iterate", "SquaredNorm", "Term", "matrix_sequence", "scalar_sequence"]


class Term(Expr):
    """A term `u_n` of a sequence of scalars. Substituting in the index gives another term of the same sequence."""

    is_commutative = True
    is_finite = True

    def __new__(cls, name: str | Str, index: Any) -> Term:
        """The term of the sequence `name` at `index`."""
        built: Term = Basic.__new__(cls, Str(name) if isinstance(name, str) else name, sympify(index))
        return built

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = f"{self.args[0].name}_{{{printer._print(self.args[1])}}}"
        return text if exp is None else f"{text}^{{{exp}}}"

    def _sympystr(self, printer: Any) -> str:
        return f"{self.args[0].name}[{printer._print(self.args[1])}]"


class Iterate(MatrixExpr):
    """A term `W_t` of a sequence of real matrices."""

    def __new__(cls, name: str | Str, rows: Any, columns: Any, index: Any) -> Iterate:
        """The `rows × columns` matrix number `index` of the sequence `name`."""
        label = Str(name) if isinstance(name, str) else name
        built: Iterate = Basic.__new__(cls, label, sympify(rows), sympify(columns), sympify(index))
        return built

    @property
    def shape(self) -> tuple[Expr, Expr]:
        """Rows and columns."""
        return self.args[1], self.args[2]

    def _entry(self, i: Any, j: Any, **_: Any) -> Expr:
        return MatrixElement(self, i, j)

    def _eval_transpose(self) -> MatrixExpr:
        return Transpose(self)

    def _latex(self, printer: Any) -> str:
        return f"{self.args[0].name}_{{{printer._print(self.args[3])}}}"

    def _sympystr(self, printer: Any) -> str:
        return f"{self.args[0].name}[{printer._print(self.args[3])}]"


class SquaredNorm(Expr):
    """The squared Frobenius norm `‖M‖² = tr(Mᵀ M)` of a real matrix."""

    is_commutative = True
    is_real = True
    is_nonnegative = True

    def __new__(cls, matrix: Any) -> SquaredNorm:
        """The squared norm of `matrix`."""
        built: SquaredNorm = Basic.__new__(cls, sympify(matrix))
        return built

    def as_trace(self) -> Expr:
        """The definition, `tr(Mᵀ M)`."""
        return Trace(self.args[0].T * self.args[0])

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = rf"\left\lVert {printer._print(self.args[0])} \right\rVert^{{2}}"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"

    def _sympystr(self, printer: Any) -> str:
        return f"|{printer._print(self.args[0])}|^2"


class Gradient(MatrixExpr):
    """The gradient of a scalar function of a matrix: the G with `d/dε f(W + εH) = tr(Hᵀ G)` at ε = 0 for every H."""

    def __new__(cls, function: Any, at: Any) -> Gradient:
        """The gradient of `function` by the matrix `at`."""
        built: Gradient = Basic.__new__(cls, sympify(function), sympify(at))
        return built

    @property
    def shape(self) -> tuple[Expr, Expr]:
        """Rows and columns of the matrix that the function depends on."""
        rows, columns = self.args[1].shape
        return rows, columns

    def _entry(self, i: Any, j: Any, **_: Any) -> Expr:
        return MatrixElement(self, i, j)

    def _eval_transpose(self) -> MatrixExpr:
        return Transpose(self)

    def _latex(self, printer: Any) -> str:
        function, at = (printer._print(argument) for argument in self.args)
        return rf"\nabla_{{{at}}} \left[{function}\right]"


def scalar_sequence(name: str) -> Callable[[Any], Term]:
    """The sequence `n ↦ name_n` of scalars."""
    return lambda index: Term(name, index)


def matrix_sequence(name: str, rows: Any, columns: Any) -> Callable[[Any], Iterate]:
    """The sequence `t ↦ name_t` of `rows × columns` matrices."""
    return lambda index: Iterate(name, rows, columns, index)
