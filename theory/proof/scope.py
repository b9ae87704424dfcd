"""What a statement holds for: for every value of a variable, or only for those values that have been assumed.

A rule that concludes something "for every n" (an induction, a limit, the comparison of two sums or of two expectations)
may use only premises that hold for every n. `u_{n+1} = 2 u_n` does: a statement about the terms of a sequence is
read as one about all its terms. `n ≥ 5` and `n (n - 3) = 0` do not: they single out some n.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from sympy import Basic, Indexed, Limit, MatrixSymbol, Symbol, preorder_traversal

from theory.proof.expressions import Iterate, Term

__all__ = [
    "bound_symbols",
    "counts_from_zero",
    "free_symbols",
    "hold_throughout",
    "indices",
    "may_stand_for",
    "runs_from",
]

INDEX = Symbol("index", integer=True, nonnegative=True)


@lru_cache(maxsize=4096)
def free_symbols(part: Basic) -> frozenset[Basic]:
    """The symbols and matrices that a statement is about; not those that it averages, sums or integrates over."""
    if isinstance(part, MatrixSymbol):
        return frozenset({part}).union(*(side.free_symbols for side in part.shape))
    if not part.args or isinstance(part, Symbol):
        return frozenset(part.free_symbols)
    inside = _inside(part)
    drawn = getattr(part, "over", None)  # of an expectation or a probability; SymPy does not know that it is bound
    return inside - {drawn} if drawn is not None else inside - _summed_over(part)


def _inside(part: Basic) -> frozenset[Basic]:
    parts = part.args[:3] if isinstance(part, Limit) else part.args  # a limit's direction is a symbol for SymPy
    return frozenset[Basic]().union(*(free_symbols(argument) for argument in parts))


def _summed_over(part: Basic) -> frozenset[Basic]:
    """The variables of a sum, an integral or a limit that occur nowhere in it but inside."""
    named = part.args[1:2] if isinstance(part, Limit) else getattr(part, "bound_symbols", ())
    return frozenset(named) - frozenset(part.free_symbols)


@lru_cache(maxsize=4096)
def bound_symbols(statement: Basic) -> frozenset[Basic]:
    """The symbols and matrices that a statement averages, sums or integrates over, or lets run to a limit."""
    found: set[Basic] = set()
    for part in preorder_traversal(statement):
        if part.args and not isinstance(part, Symbol | MatrixSymbol):
            found |= _inside(part) - free_symbols(part)
    return frozenset(found)


@lru_cache(maxsize=4096)
def indices(statement: Basic) -> frozenset[Basic]:
    """The symbols in the indices of terms of sequences: the statement holds for each of their values."""
    found: set[Basic] = set()
    for part in preorder_traversal(statement):
        if isinstance(part, Iterate | Term):
            found |= part.args[-1].free_symbols
        elif isinstance(part, Indexed):
            found |= set().union(*(index.free_symbols for index in part.indices))
    return frozenset(found)


def hold_throughout(premises: Iterable[Basic], *variables: Basic) -> bool:
    """Whether the premises, as they stand, may be used for every value of the variables.

    Each may if it does not depend on the variable, or is a statement about the terms of a sequence at that index.
    """
    return all(
        variable not in free_symbols(premise) or variable in indices(premise)
        for premise in premises
        for variable in variables
    )


def counts_from_zero(variable: Basic) -> bool:
    """Whether the variable runs through 0, 1, 2, … and leaves none out (an even or a positive one would)."""
    return isinstance(variable, Symbol) and variable.assumptions0 == INDEX.assumptions0


def may_stand_for(value: Basic, variable: Symbol) -> bool:
    """Whether the value is known to have every property that the variable is declared to have."""
    return all(
        getattr(value, f"is_{fact}") is truth for fact, truth in variable.assumptions0.items() if truth is not None
    )


def runs_from(first: Basic, variable: Basic) -> bool:
    """Whether a variable is declared so that it may take every (whole, if it is an integer) value from `first` on."""
    kinds = ({"real": True}, {"nonnegative": True}, {"positive": True})
    declared = [{**kind, **whole} for kind in kinds for whole in ({}, {"integer": True})]
    known = any(variable.assumptions0 == Symbol("v", **facts).assumptions0 for facts in declared)
    needed = [fact for fact in ("integer", "nonnegative", "positive") if variable.assumptions0.get(fact)]
    return known and all(getattr(first, f"is_{fact}") is True for fact in needed)
