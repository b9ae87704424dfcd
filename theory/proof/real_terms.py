"""Sequences of real numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theory.proof.expressions import Term

__all__ = ["RealTerm", "real_sequence"]


class RealTerm(Term):
    """A term of a sequence of real numbers, so that its square is not negative."""

    is_real = True


def real_sequence(name: str) -> Callable[[Any], Term]:
    """The sequence `n ↦ name_n` of real numbers."""
    return lambda index: RealTerm(name, index)
