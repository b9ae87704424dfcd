"""Theorem 1 of "Identity Crisis" (Zhang et al., ICLR 2020): what a one-layer fully connected network ends up as.

`f(x) = Π∥ x + W₀ Π⊥ x`: what lies along the training image is learned, the rest is noise. For several images this is
the linear model (`theory.derivations.linear_model`) with one image a row.
"""

from __future__ import annotations

from sympy import Abs, Limit, MatrixSymbol, ZeroMatrix, oo

from theory.derivations import fcn_trajectory
from theory.derivations.fcn_trajectory import (
    W,
    across,
    along,
    d,
    equation,
    identity,
    kappa,
    parallel,
    perpendicular,
    s,
    squared_length,
    t,
    trajectory,
    x_hat,
)
from theory.proof.brute_force import BruteForce
from theory.proof.derivation import Derivation
from theory.proof.rules import GeometricLimit, Rewriting
from theory.proof.steps import Assumption, Step

__all__ = ["derivation"]

x = MatrixSymbol("x", d, 1)
W_inf = MatrixSymbol(r"W_{\infty}", d, d)

limit_definition = equation(W_inf, parallel + W(0) * perpendicular)
contraction = Abs(1 - kappa * s) < 1

limit = equation(Limit(W(t), t, oo), limit_definition.rhs)
prediction = equation(W_inf * x, parallel * x + W(0) * perpendicular * x)
memorized = equation(W_inf * x_hat, x_hat)
crisis = equation(W_inf * x - x, (W(0) - identity) * perpendicular * x)
single = equation(
    W(0) * (identity - x_hat / s * x_hat.T) + (x_hat.T).T * (x_hat / s).T, W_inf
)  # Θ₀(I − D⁺D) + Tᵀ(D⁺)ᵀ for D = T = x̂ᵀ, D⁺ = x̂/s

ASSUMPTIONS = (
    *fcn_trajectory.ASSUMPTIONS,
    Assumption("The learning rate is stable:", contraction),
    Assumption("The matrix that will turn out to be the limit is", limit_definition),
)
unfold = (limit_definition, across, along, squared_length)

ONE_IMAGE = (
    Step(
        "The limit",
        limit,
        GeometricLimit((contraction, trajectory, *unfold)),
        "The geometric sequence vanishes, and $W_0 + (I - W_0) \\Pi_\\parallel$ is $\\Pi_\\parallel + W_0 "
        "\\Pi_\\perp$.",
    ),
    Step(
        "The projector on the image is one",
        equation(parallel * parallel, parallel),
        Rewriting((along, squared_length)),
        "$\\hat{x} \\hat{x}^T \\hat{x} \\hat{x}^T = s \\hat{x} \\hat{x}^T$.",
    ),
    Step(
        "The two parts are orthogonal",
        equation(parallel.T * perpendicular, ZeroMatrix(d, d)),
        Rewriting((equation(parallel.T, along.rhs.T.doit()), *unfold)),
        "$\\Pi_\\parallel$ is symmetric and idempotent.",
    ),
    Step(
        "Theorem 1: the prediction",
        prediction,
        Rewriting((limit_definition,)),
        "The part along the training image is reproduced; the part across it is mapped by the initial weights.",
    ),
    Step(
        "The training image is learned",
        memorized,
        Rewriting(unfold),
        "It has no part across itself.",
    ),
    Step(
        "How far from the identity",
        crisis,
        Rewriting(unfold),
        "So the network is the identity for every input if and only if $(W_0 - I) \\Pi_\\perp = 0$.",
    ),
    Step(
        "The general formula gives the same",
        single,
        Rewriting(unfold),
        "One image is $D = T = \\hat{x}^T$ with $D^{+} = \\hat{x} / s$ in $\\Theta_0 (I - D^{+} D) + T^T (D^{+})^T$.",
    ),
)
CHECKS = (
    Step(
        "One image, one step at a time",
        trajectory,
        BruteForce(cases=fcn_trajectory.cases(range(1, 6), dimensions=range(1, 4))),
        "Gradient descent carried out on symbolic images and symbolic initial weights.",
    ),
)


def derivation() -> Derivation:
    """Theorem 1, for one image; for several it is the linear model itself."""
    return Derivation(
        name="fcn-limit",
        title="Theorem 1: the one-layer fully connected network after training",
        statement=(limit, prediction, memorized, crisis),
        assumptions=ASSUMPTIONS,
        steps=(*fcn_trajectory.STEPS, *ONE_IMAGE, *CHECKS),
        source="Zhang, Bengio, Hardt, Mozer, Singer: Identity Crisis, ICLR 2020, Theorem 1.",
        result={"weights": limit_definition.rhs, "prediction": prediction.rhs, "left over": fcn_trajectory.left_over},
        remarks=(
            "For several images see the derivation linear-model: $D$ has one image a row, and $T = D$.",
            "The limit holds if $0 < \\eta < d / s$.",
        ),
    )
