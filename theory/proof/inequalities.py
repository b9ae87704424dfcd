"""Inequalities, decided exactly: by manifest signs, by a certificate, or along a variable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from sympy import (
    Add,
    Basic,
    Dummy,
    Expr,
    GreaterThan,
    Gt,
    LessThan,
    Mul,
    Pow,
    S,
    StrictGreaterThan,
    StrictLessThan,
    Symbol,
    diff,
    exp,
    expand,
    factor,
    log,
    together,
)

from theory.proof.counterexample import refuted
from theory.proof.lemma import Lemma
from theory.proof.lemmas import MEAN_VALUE
from theory.proof.scope import bound_symbols, free_symbols
from theory.proof.steps import Rule
from theory.proof.vanishing import vanishes

__all__ = ["Growth", "Inequality", "gap_of"]

INEQUALITY_ATTEMPTS = 40  # points at which an unproved inequality is tried


def gap_of(statement: Basic) -> tuple[Expr, bool]:
    """The greater side minus the lesser, and whether the inequality is strict."""
    if not isinstance(statement, GreaterThan | LessThan | StrictGreaterThan | StrictLessThan):
        raise TypeError(f"this rule proves inequalities, not {type(statement).__name__}")
    return statement.gts - statement.lts, isinstance(statement, StrictGreaterThan | StrictLessThan)


@dataclass(frozen=True)
class Inequality(Rule):
    """An inequality of scalars: the greater side minus the lesser is manifestly nonnegative (positive, if strict).

    Sound because the certificate equals the difference exactly, and its sign follows from those of its parts: SymPy
    reads it off sums, products, squares and the declarations of symbols, and the difference of the sides of each
    premise is replaced by a symbol of the sign that the premise gives it. Premises that speak of what the statement
    binds are left out, as they may hold for some of its values only.

    Attributes:
        premises: inequalities and equations that may be used.
        certificate: the difference in a form whose sign can be read off: sums of squares, and products of what the
            premises and the symbols' own assumptions say is nonnegative. It must equal the difference exactly. The
            greater side minus the lesser of a premise, written as it stands in the premise, counts as nonnegative.
    """

    certificate: Expr | None = None
    name: ClassVar[str] = "an inequality with a manifest sign"

    def prove(self, statement: Basic) -> bool | None:
        """Read the sign off the certificate, or off the difference expanded or factored."""
        gap, strict = gap_of(statement)
        if self.certificate is None:
            forms = [gap, expand(gap), factor(together(gap))]
        elif vanishes(gap - self.certificate, self.premises) is True:
            forms = [self.certificate]
        else:
            forms = []
        hidden = bound_symbols(statement)
        slacks = _slacks(premise for premise in self.premises if not free_symbols(premise) & hidden)
        for known in (*(form.xreplace(slacks) for form in forms), *(_shifted(form, slacks) for form in forms)):
            if known.is_positive or (not strict and known.is_nonnegative):
                return True
        return refuted(statement, self.premises, attempts=INEQUALITY_ATTEMPTS)


@dataclass(frozen=True)
class Growth(Rule):
    """`lesser ≤ greater` from a point on: it holds there, and the difference does not fall.

    Sound by the mean value theorem: between the start and the variable the difference is differentiable (it is made of
    powers, exponentials and logarithms of what is positive all along), its derivative is proved nonnegative there from
    what is known of the variable on the whole way, and so it is at least what it is at the start.

    Attributes:
        variable: the variable along which the difference grows.
        start: where it starts: zero for a nonnegative symbol, or a premise says `variable ≥ start`. No other premise
            may bound the variable from below, since the derivative is used all the way from the start.
        at_start: proves `difference(start) ≥ 0`.
        along: proves `d difference / d variable ≥ 0`.
    """

    variable: Symbol = field(kw_only=True)
    start: Expr = S.Zero
    at_start: Rule = Inequality()
    along: Rule = Inequality()
    name: ClassVar[str] = "a difference that starts nonnegative and does not fall"
    rests_on: ClassVar[tuple[Lemma, ...]] = (MEAN_VALUE,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "premises", (*self.premises, *self.at_start.premises, *self.along.premises))

    def prove(self, statement: Basic) -> bool | None:
        """Prove the inequality at the start, and that of the derivatives."""
        gap, strict = gap_of(statement)
        if strict or not self._begins() or not self._is_continuous(gap):
            return None
        verdicts = (
            self.at_start.prove(GreaterThan(gap.subs(self.variable, self.start), 0, evaluate=False)),
            self.along.prove(GreaterThan(diff(gap, self.variable), 0, evaluate=False)),
        )
        if all(verdict is True for verdict in verdicts):
            return True
        return refuted(statement, self.premises, attempts=INEQUALITY_ATTEMPTS)

    @property
    def cites(self) -> tuple[Lemma, ...]:
        """The mean value theorem, and what the proofs at the start and along the way cite."""
        return (*super().cites, *self.at_start.cites, *self.along.cites)

    def generalizes(self, statement: Basic) -> frozenset[Basic]:
        """What the two proofs take their premises to hold for; of the variable itself `_begins` takes care."""
        return super().generalizes(statement) | self.at_start.generalizes(statement) | self.along.generalizes(statement)

    def _is_continuous(self, part: Expr) -> bool:
        """Whether the part has a derivative wherever the variable comes by on its way from the start."""
        if not part.has(self.variable) or part == self.variable:
            return True
        if not (isinstance(part, Add | Mul | Pow | exp | log) and all(map(self._is_continuous, part.args))):
            return False
        if isinstance(part, Pow):
            if part.exp.has(self.variable):
                return False
            inside, anywhere = part.base, bool(part.exp.is_integer and part.exp.is_nonnegative)
        else:
            inside, anywhere = part.args[0], not isinstance(part, log)
        return anywhere or all(
            Inequality(self.premises).prove(Gt(argument, 0, evaluate=False)) is True
            for argument in (inside, inside.subs(self.variable, self.start))
        )

    def _begins(self) -> bool:
        """Whether all that is known of the variable holds from the start up to it: the derivative uses it there."""
        variable, start = self.variable, self.start
        declared = ({"real": True}, {"nonnegative": True}, {"positive": True})
        if not any(variable.assumptions0 == Symbol("v", **facts).assumptions0 for facts in declared):
            return False
        if start.has(variable) or (variable.is_nonnegative and not start.is_nonnegative):
            return False
        for premise in self.premises:
            if premise.has(variable):
                lower = premise in (variable > start, variable >= start)
                upper = isinstance(premise, LessThan | StrictLessThan) and premise.lhs == variable
                if not lower and not (upper and not premise.rhs.has(variable)):
                    return False
        return (start == 0 and bool(variable.is_nonnegative)) or any(
            premise in (variable > start, variable >= start) for premise in self.premises
        )


def _slacks(premises: Iterable[Basic]) -> dict[Basic, Symbol]:
    """A symbol of known sign for the difference of each premise."""
    known: dict[Basic, Symbol] = {}
    for premise in premises:
        if isinstance(premise, GreaterThan | LessThan | StrictGreaterThan | StrictLessThan):
            gap, strict = gap_of(premise)
            known[gap] = Dummy("slack", positive=True) if strict else Dummy("slack", nonnegative=True)
    return known


def _shifted(form: Expr, slacks: dict[Basic, Symbol]) -> Expr:
    """The form with a variable written as its bound plus or minus a slack, for every premise that is such a bound."""
    for gap, slack in slacks.items():
        for symbol in sorted(gap.free_symbols & form.free_symbols, key=str):
            coefficient = gap.diff(symbol)
            if coefficient.is_Rational and coefficient != 0:
                form = expand(form.subs(symbol, symbol + (slack - gap) / coefficient))
                break
    return form
