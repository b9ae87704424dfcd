"""Theorem 1 of "Identity Crisis" (Zhang et al., ICLR 2020): what a one-layer fully connected network ends up as.

On one image: ``f(x) = Π∥ x + W₀ Π⊥ x``. On any number of them: the projector's share is learned, the rest is noise.
"""

from __future__ import annotations

from functools import cache, partial

from sympy import Abs, Basic, ImmutableMatrix, Limit, MatrixSymbol, Transpose, ZeroMatrix, oo

from theory.derivations import fcn_trajectory, linear_model
from theory.derivations.explicit_descent import descend, real_matrix
from theory.derivations.fcn_trajectory import (
    W,
    d,
    equation,
    identity,
    kappa,
    s,
    squared_length,
    t,
    trajectory,
    x_hat,
)
from theory.proof.brute_force import BruteForce, Case
from theory.proof.derivation import Derivation
from theory.proof.rules import GeometricLimit, Rewriting
from theory.proof.steps import Assumption, Step

__all__ = ["derivation"]

x = MatrixSymbol("x", d, 1)
parallel, perpendicular = MatrixSymbol(r"\Pi_{\parallel}", d, d), MatrixSymbol(r"\Pi_{\perp}", d, d)
W_inf = MatrixSymbol(r"W_{\infty}", d, d)

along = equation(parallel, x_hat * x_hat.T / s)
across = equation(perpendicular, identity - parallel)
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
    Assumption("The projector on the image is", along),
    Assumption("and the one on what is orthogonal to it", across),
    Assumption("The learning rate is stable:", contraction),
    Assumption("The matrix that will turn out to be the limit is", limit_definition),
    Assumption("Now for any number of images."),
    *linear_model.ASSUMPTIONS,
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
inverse = x_hat / s
PENROSE_FOR_ONE = tuple(
    Step(
        f"The pseudoinverse of one image, equation {number}",
        equation(left, right),
        Rewriting(premises),
        "$\\hat{x} / s$ satisfies Penrose's equations for $\\hat{x}^T$.",
    )
    for number, (left, right, premises) in enumerate(
        (
            (x_hat.T * inverse * x_hat.T, x_hat.T, (squared_length,)),
            (inverse * x_hat.T * inverse, inverse, (squared_length,)),
            (Transpose(x_hat.T * inverse), x_hat.T * inverse, ()),
            (Transpose(inverse * x_hat.T), inverse * x_hat.T, ()),
        ),
        start=1,
    )
)


def several_images() -> tuple[Case, ...]:
    """Two images with orthogonal modes known by hand, symbolic targets and initial weights, up to five steps."""
    return tuple(
        Case(f"{rows.rows} images of {rows.cols} pixels, $t = {step}$", partial(observed, rows, step))
        for rows in IMAGES
        for step in range(1, 6)
    )


IMAGES = (
    ImmutableMatrix([[1, 2], [4, -2]]),
    ImmutableMatrix([[2, 1, 0], [-1, 2, 5]]),
    ImmutableMatrix([[1, 0], [2, 0], [2, 0]]),
)


@cache
def iterates(rows: ImmutableMatrix) -> list[ImmutableMatrix]:
    """Five steps of gradient descent on these images, one a row."""
    targets = real_matrix("y", rows.rows, 2)

    def mean_squared_error(weights: ImmutableMatrix) -> Basic:
        return sum(entry**2 for entry in rows * weights.T - targets) / len(targets)

    return descend(mean_squared_error, real_matrix("w", 2, rows.cols), fcn_trajectory.eta, steps=5)


def observed(rows: ImmutableMatrix, step: int) -> dict[Basic, Basic]:
    """What descent on these images does to their first and their null mode."""
    gram = rows.T * rows
    modes = sorted(gram.eigenvects(), key=lambda mode: mode[0])
    value, _, (vector, *_) = modes[-1]
    null = modes[0][2][0] if modes[0][0] == 0 else ImmutableMatrix.zeros(rows.cols, 1)
    model = linear_model
    entries = 2 * rows.rows
    return {
        model.n: rows.rows,
        model.p: rows.cols,
        model.c: 2,
        model.entries: entries,
        model.D: rows,
        model.D_plus: rows.pinv(),
        model.T: real_matrix("y", rows.rows, 2),
        model.Pi: rows.pinv() * rows,
        model.v: vector,
        model.v_null: null,
        model.eigenvalue: value,
        model.kappa: 2 * model.eta / entries,
        model.t: step,
    } | {model.Theta(number): weights for number, weights in enumerate(iterates(rows))}


CHECKS = (
    Step(
        "One image, one step at a time",
        trajectory,
        BruteForce(cases=fcn_trajectory.cases(range(1, 6), dimensions=range(1, 4))),
        "Gradient descent carried out on symbolic images and symbolic initial weights.",
    ),
    Step(
        "Several images, one step at a time",
        linear_model.trajectory,
        BruteForce(cases=several_images()),
        "Gradient descent carried out with symbolic targets and symbolic initial weights.",
    ),
    Step(
        "Their null modes",
        linear_model.null_trajectory,
        BruteForce(cases=several_images()),
        "The same iterates applied to the null space.",
    ),
)


def derivation() -> Derivation:
    """Theorem 1, for one image and for several."""
    return Derivation(
        name="fcn-limit",
        title="Theorem 1: the one-layer fully connected network after training",
        statement=(limit, prediction, memorized, crisis, *linear_model.CLAIMS),
        assumptions=ASSUMPTIONS,
        steps=(*fcn_trajectory.STEPS, *ONE_IMAGE, *PENROSE_FOR_ONE, *linear_model.STEPS, *CHECKS),
        source="Zhang, Bengio, Hardt, Mozer, Singer: Identity Crisis, ICLR 2020, Theorem 1; the case of several images "
        "is ours.",
        result={"weights": limit_definition.rhs, "prediction": prediction.rhs, "left over": fcn_trajectory.left_over},
        remarks=(
            "For several images $D$ has one image a row, and $T = D$ for the identity task.",
            "The limit holds if $0 < \\eta < d / s$ for one image, $0 < \\eta < |T| / \\lambda_{\\max}$ for several.",
        ),
    )
