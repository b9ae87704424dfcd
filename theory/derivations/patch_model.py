"""The algebra of Theorem 2: identity targets in the linear model, and what the null space of the patch matrix leaves.

Dimension-free; how the patch matrix looks is of no concern here, only that `A(x) Θ*ᵀ` is the input itself.
"""

from __future__ import annotations

from sympy import Identity, Limit, MatrixSymbol, Symbol, ZeroMatrix, oo

from theory.derivations.linear_model import (
    D,
    Pi,
    T,
    Theta,
    Theta_inf,
    c,
    contraction,
    dropped,
    equation,
    kappa,
    kept,
    limit_definition,
    minimal,
    n,
    null_trajectory,
    p,
    penrose,
    projector,
    share,
    symmetric,
    t,
    trajectory,
    transposed,
    update,
    v,
    v_null,
    w,
)
from theory.proof.expressions import matrix_sequence
from theory.proof.rules import Chain, GeometricLimit, Induction, Rewriting
from theory.proof.steps import Assumption, Step

__all__ = ["ASSUMPTIONS", "CLAIMS", "STEPS"]

q, b = (Symbol(name, integer=True, positive=True) for name in "qb")
A, B, left_inverse = MatrixSymbol("A", q, p), MatrixSymbol("B", b, p), MatrixSymbol("L", p, b)
N = MatrixSymbol("N", p, p)
Theta_star = MatrixSymbol(r"\Theta_{*}", c, p)
Q = matrix_sequence("Q", p, p)
F, F_plus, K = MatrixSymbol("F", n, p), MatrixSymbol("F^{+}", p, n), MatrixSymbol("K", p, p)

identity_targets = equation(T, D * Theta_star.T)
null_projector = equation(N, Identity(p) - Pi)
power_start = equation(Q(0), Identity(p))
power_step = equation(Q(t + 1), Q(t) * (Identity(p) - kappa * D.T * D))
sees_every_tap = equation(left_inverse * B, Identity(p))
full_inverse = equation(F_plus * F * F_plus, F_plus), equation(F * F_plus * F, F)
full_rank = equation(K * F.T * F, Identity(p))

ASSUMPTIONS = (
    Assumption(
        "The columns of $\\Theta_*^T$ are the kernels of the identity, one for each of the $c$ channels: a single 1 at "
        "the centre, index $\\lfloor (k - 1) / 2 \\rfloor$. The targets are the training image itself:",
        identity_targets,
    ),
    Assumption("$N$ is the projector on the null space of the patch matrix:", null_projector),
    Assumption("The powers of $I - \\kappa_T D^T D$ are called $Q_t$:", power_start),
    Assumption("and", power_step),
    Assumption("$A = A(x)$ is the patch matrix of any input $x$, so that $f(x) - x = A (\\Theta - \\Theta_*)^T$."),
    Assumption(
        "$B$ is the stack of the patch matrices of all images with a single lit pixel. Every tap of the kernel sees a "
        "pixel from somewhere, which it does if $k \\le 2 H - 1$ and $k \\le 2 W - 1$; then every unit vector is among "
        "the rows of $B$, and some $L$ picks them out:",
        sees_every_tap,
    ),
    Assumption("$F$ is a patch matrix of full column rank: $F^T F$ has an inverse $K$,", full_rank),
    Assumption("and $F^{+}$ is its pseudoinverse, for which in particular", full_inverse[1]),
)

learned = equation(minimal, Theta_star * Pi)
null_symmetric, null_idempotent = equation(N.T, N), equation(N * N, N)
limit_weights = equation(Theta_inf, Theta_star + (Theta(0) - Theta_star) * N)
limit_error = equation(A * Theta_inf.T - A * Theta_star.T, A * N * (Theta(0) - Theta_star).T)
every_step = equation(Theta(t), Theta_star + (Theta(0) - Theta_star) * Q(t))
mode_error = equation((Theta(t) - Theta_star) * v, share * (Theta(0) - Theta_star) * v)
null_error = equation((Theta(t) - Theta_star) * v_null, (Theta(0) - Theta_star) * v_null)
mode_learned = equation(Limit((Theta(t) - Theta_star) * v, t, oo), ZeroMatrix(c, w))
null_remains = equation(Limit((Theta(t) - Theta_star) * v_null, t, oo), (Theta(0) - Theta_star) * v_null)
projects_fully = equation(F_plus * F, Identity(p))
always_identity = equation(A * (Identity(p) - F_plus * F) * (Theta(0) - Theta_star).T, ZeroMatrix(q, c))
only_then = equation(left_inverse * (B * N * (Theta(0) - Theta_star).T), N * (Theta(0) - Theta_star).T)
survives = equation(left_inverse * (B * N * v_null), v_null)

STEPS = (
    Step(
        "What is learned",
        learned,
        Rewriting((transposed(identity_targets), penrose[3], equation(projector.rhs, projector.lhs))),
        "$T^T (D^{+})^T = \\Theta_* D^T (D^{+})^T$, and $D^{+} D$ is symmetric.",
    ),
    Step(
        "The null projector is symmetric",
        null_symmetric,
        Rewriting((transposed(null_projector), null_projector, symmetric)),
        "As $\\Pi$ is.",
    ),
    Step(
        "The null projector is idempotent",
        null_idempotent,
        Rewriting((null_projector, equation(Pi * Pi, Pi))),
        "As $\\Pi$ is.",
    ),
    Step(
        "The limit, seen from the identity",
        limit_weights,
        Rewriting((limit_definition, learned, null_projector)),
        "The part of $\\Theta_*$ in the row space has been learned; the initial weights keep the rest.",
    ),
    Step(
        "Theorem 2: the error that remains",
        limit_error,
        Rewriting((transposed(limit_weights), null_symmetric)),
        "Apply both sides to the patches of any input.",
    ),
    Step(
        "The weights at every step",
        every_step,
        Induction(
            variable=t,
            recurrence=update,
            by=Rewriting((power_start, power_step, transposed(identity_targets))),
        ),
        "One step multiplies the distance from the identity by $I - \\kappa_T D^T D$.",
    ),
    Step(
        "The modal recursion: a non-zero singular value",
        mode_error,
        Rewriting((trajectory, learned, kept)),
        "For the singular value $\\sigma$, $\\lambda = \\sigma^2$ and $\\kappa_T \\lambda = 2 \\eta \\sigma^2 / |T|$.",
    ),
    Step(
        "The modal recursion: a zero singular value",
        null_error,
        Rewriting((null_trajectory,)),
        "Nothing moves.",
    ),
    Step(
        "A non-zero singular value is learned",
        mode_learned,
        GeometricLimit((contraction, trajectory, learned, kept)),
        "The factor is less than 1 in modulus.",
    ),
    Step(
        "A zero singular value keeps its initial error",
        null_remains,
        GeometricLimit((null_trajectory,)),
        "The sequence is constant.",
    ),
    Step(
        "Full rank projects on everything",
        projects_fully,
        Chain(
            through=(K * F.T * F * F_plus * F, K * F.T * F),
            by=(Rewriting((full_rank,)), Rewriting((full_inverse[1],)), Rewriting((full_rank,))),
        ),
        "$F^{+} F = K F^T F F^{+} F = K F^T F = I$.",
    ),
    Step(
        "Full rank: the identity for every input",
        always_identity,
        Rewriting((projects_fully,)),
        "With $\\Pi = I$ nothing is left of the initial weights.",
    ),
    Step(
        "No error on any input means no null part",
        only_then,
        Rewriting((sees_every_tap,)),
        "If the error vanishes on every image with one lit pixel, the left side is zero, hence $N (\\Theta_0 - "
        "\\Theta_*)^T = 0$: an affine subspace of initial weights, of measure zero unless $N = 0$.",
    ),
    Step(
        "Short rank: some initial weights err",
        survives,
        Rewriting((sees_every_tap, null_projector, dropped)),
        "Start from $\\Theta_*$ plus a null vector $v_0 \\neq 0$: the error on the images with one lit pixel is not "
        "zero, "
        "for $L$ recovers $v_0$ from it. So the identity is certain if and only if the rank is full.",
    ),
)
CLAIMS = (
    limit_weights,
    limit_error,
    every_step,
    mode_error,
    null_error,
    mode_learned,
    null_remains,
    always_identity,
    only_then,
    survives,
)
