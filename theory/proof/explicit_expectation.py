"""Brute force for expectations: explicit symbolic matrices, polynomials averaged monomial by monomial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from sympy import Basic, Dummy, Expr, ImmutableMatrix, MatrixBase, Poly, S, eye

from theory.proof.brute_force import Case
from theory.proof.chance import Expectation, ExpectedMatrix, Variance
from theory.proof.explicit import explicit
from theory.proof.steps import Rule, conjunction
from theory.proof.vanishing import vanishes

__all__ = ["ExplicitExpectation", "null_projector"]


@dataclass(frozen=True)
class ExplicitExpectation(Rule):
    """An equation with expectations, written out in explicit cases. It never replaces a proof; it attends one.

    Sound for these cases and no others: a polynomial in independent symmetric entries is averaged monomial by monomial.

    Attributes:
        cases: the value of a random matrix in a case is the matrix of its standard deviations; its entries are then
            independent and symmetric with these, and with the excess kurtosis below.
        kurtosis: the symbol of the excess kurtosis.
    """

    cases: tuple[Case, ...] = ()
    kurtosis: Expr = S.Zero
    name: ClassVar[str] = "brute force"

    def prove(self, statement: Basic) -> bool | None:
        """True if both sides are the same polynomial in every case, False if they differ in one."""
        if not self.cases:
            return None
        verdicts = []
        for case in self.cases:
            values = case.values()
            left, right = (self._written_out(side, values) for side in statement.args)
            if isinstance(left, MatrixBase) != isinstance(right, MatrixBase):
                return None
            entries = left - right if isinstance(left, MatrixBase) else [left - right]
            verdicts.append(conjunction(vanishes(entry) for entry in entries))
        return conjunction(verdicts)

    def describe(self) -> str:
        """Say how many cases there are, and which is the last."""
        return f"brute force in {len(self.cases)} explicit cases, up to {self.cases[-1].label}"

    def _written_out(self, side: Basic, values: Mapping[Basic, Any]) -> Any:
        if isinstance(side, ExpectedMatrix):
            matrix, average = self._drawn(side.args[0], side.args[1], values)
            return ImmutableMatrix(matrix.applyfunc(average))
        if not isinstance(side, Expectation):
            return explicit(side, values)
        value, average = self._drawn(side.args[0], side.args[1], values)
        return average(value**2) - average(value) ** 2 if isinstance(side, Variance) else average(value)

    def _drawn(self, value: Basic, over: Basic, values: Mapping[Basic, Any]) -> tuple[Any, Any]:
        """The value as polynomials in the random entries, and how to average such a polynomial."""
        deviations = values[over]
        entries = ImmutableMatrix(*deviations.shape, lambda i, j: Dummy(f"z{i}{j}", real=True))
        scaled = ImmutableMatrix(entries.multiply_elementwise(deviations))

        def average(polynomial: Expr) -> Expr:
            terms = Poly(polynomial, *entries).terms()
            return sum((c * prod(self._moment(power) for power in powers) for powers, c in terms), S.Zero)

        return explicit(value, {**values, over: scaled}), average

    def _moment(self, power: int) -> Expr:
        """The moments of an entry of variance 1."""
        if power % 2:
            return S.Zero
        return (S.One, S.One, 3 + self.kurtosis)[power // 2]


def null_projector(size: int) -> ImmutableMatrix:
    """The projector on what is orthogonal to (1, 2, 2, …)."""
    direction = ImmutableMatrix(size, 1, lambda i, _: 1 if i == 0 else 2)
    return ImmutableMatrix(eye(size) - direction * direction.T / (direction.T * direction)[0])
