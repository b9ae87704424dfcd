"""Each closed form of the library, derived in SymPy step by step and checked by machine.

One derivation a file; a file exposes `derivation() -> Derivation`. SymPy is imported only when a derivation is asked
for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from theory.proof.derivation import Derivation

__all__ = ["DERIVATIONS", "derive"]

DERIVATIONS = {
    "linear-model": "linear_model",
    "fcn-limit": "fcn_limit",
    "fcn-trajectory": "fcn_trajectory",
    "cnn-limit": "cnn_limit",
    "momentum": "momentum",
    "cnn-expected-mse": "cnn_expected_mse",
    "cnn-mse-bound": "cnn_mse_bound",
    "nonlinear-span": "nonlinear_span",
    "patch-rank-margin": "patch_rank_margin",
    "arc-cosine": "arc_cosine",
    "wide-limit": "wide_limit",
    "off-the-span": "off_the_span",
    "learning-law": "learning_law",
}


def derive(name: str) -> Derivation:
    """The derivation of that name, ready to be checked (`.check()`) or typeset (`.to_latex()`).

    Args:
        name: one of `DERIVATIONS`, for instance `"fcn-limit"`.

    Returns:
        The derivation: statement, assumptions, steps.

    Raises:
        ValueError: there is no derivation of that name.

    Example:
        >>> theorem = derive("fcn-limit")
        >>> theorem.check()  # every step by machine; an error if one fails
        >>> [lemma.name for lemma in theorem.cited]
        ['the limit of a geometric sequence']
    """
    if name not in DERIVATIONS:
        raise ValueError(f"name must be one of {', '.join(DERIVATIONS)}; got {name!r}")
    built: Derivation = import_module(f"{__name__}.{DERIVATIONS[name]}").derivation()
    return built
