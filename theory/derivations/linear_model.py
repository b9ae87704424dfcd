"""Gradient descent on a shared-feature linear model: one theorem, for every feature map.

The model's outputs on the training inputs are `D Θᵀ`: D is the stack of the inputs' design matrices, a row of Θ holds
the parameters of one output unit. A fully connected network has `D = X`, one input a row; a convolutional network has
for D the patch matrix. Ours; Theorems 1 and 2 of "Identity Crisis" (Zhang et al., ICLR 2020) are its two cases.
"""

from __future__ import annotations

from functools import cache, partial

from sympy import Abs, Basic, Eq, Identity, ImmutableMatrix, Limit, MatrixSymbol, Symbol, ZeroMatrix, oo, symbols
from sympy.matrices.expressions import MatrixExpr

from theory.derivations.explicit_descent import descend, real_matrix
from theory.proof.brute_force import BruteForce, Case
from theory.proof.derivation import Derivation
from theory.proof.expressions import Gradient, SquaredNorm, matrix_sequence
from theory.proof.rules import Chain, GeometricLimit, GradientFromDefinition, Induction, Rewriting
from theory.proof.steps import Assumption, Step

__all__ = ["ASSUMPTIONS", "CLAIMS", "STEPS", "derivation"]

n, p, c, w = (Symbol(name, integer=True, positive=True) for name in "npcw")
entries = Symbol("|T|", integer=True, positive=True)
t = Symbol("t", integer=True, nonnegative=True)
eta, kappa, eigenvalue = symbols("eta kappa_T lambda", positive=True)

D, D_plus = MatrixSymbol("D", n, p), MatrixSymbol("D^{+}", p, n)
T = MatrixSymbol("T", n, c)
Pi = MatrixSymbol(r"\Pi", p, p)
v, v_null = MatrixSymbol("v", p, w), MatrixSymbol("v_{0}", p, w)
Theta = matrix_sequence(r"\Theta", c, p)
Theta_inf = MatrixSymbol(r"\Theta_{\infty}", c, p)
minimal = T.T * D_plus.T  # (D⁺T)ᵀ, the interpolating weights of least norm


def equation(left: Basic, right: Basic) -> Eq:
    """The equation as it stands, not evaluated."""
    return Eq(left, right, evaluate=False)


def loss(weights: MatrixExpr) -> Basic:
    """The mean squared error over all |T| target entries, as `torch.nn.MSELoss` takes it."""
    return SquaredNorm(D * weights.T - T) / entries


rate = equation(kappa, 2 * eta / entries)
descent = equation(Theta(t + 1), Theta(t) - eta * Gradient(loss(Theta(t)), Theta(t)))
penrose = (
    equation(D * D_plus * D, D),
    equation(D_plus * D * D_plus, D_plus),
    equation((D * D_plus).T, D * D_plus),
    equation((D_plus * D).T, D_plus * D),
)
projector = equation(Pi, D_plus * D)
limit_definition = equation(Theta_inf, Theta(0) * (Identity(p) - Pi) + minimal)
mode = equation(D.T * D * v, eigenvalue * v)
null_mode = equation(D.T * D * v_null, ZeroMatrix(p, w))
contraction = Abs(1 - kappa * eigenvalue) < 1

ASSUMPTIONS = (
    Assumption(
        "$D$ is the real $n \\times p$ matrix of the stacked design matrices, $T$ the real $n \\times c$ matrix of the "
        "targets. A row of the $c \\times p$ matrix $\\Theta$ holds the parameters of one output unit, so the "
        "network's outputs on the training inputs are $D \\Theta^T$. There are $|T| = n c$ target entries."
    ),
    Assumption(
        "Gradient descent with learning rate $\\eta$ on the mean squared error over all target entries, from any "
        "$\\Theta_0$:",
        descent,
    ),
    Assumption("The rate $\\kappa_T$ stands for", rate),
    Assumption("$D^{+}$ is the pseudoinverse of $D$, defined by Penrose's four equations:", penrose[0]),
    Assumption("and", penrose[1]),
    Assumption("and", penrose[2]),
    Assumption("and", penrose[3]),
    Assumption("$\\Pi$ is the projector on the row space of $D$:", projector),
    Assumption("The weights that will turn out to be the limit are", limit_definition),
    Assumption(
        "The $w$ columns of $v$ are any eigenvectors of $D^T D$ of one positive eigenvalue, a squared singular value "
        "of $D$:",
        mode,
    ),
    Assumption("The columns of $v_0$ are any vectors in the null space of $D^T D$:", null_mode),
    Assumption("The learning rate is stable for the mode $v$:", contraction),
    Assumption(
        "By the spectral theorem the eigenvectors of the symmetric matrix $D^T D$ span the space, so two matrices that "
        "agree on every $v$ and every $v_0$ are equal, and a sequence of matrices converges if it does so on them."
    ),
)


def transposed(known: Eq) -> Eq:
    """The same equation of matrices, transposed."""
    return equation(known.lhs.T.doit(), known.rhs.T.doit())


gradient = equation(Gradient(loss(Theta(t)), Theta(t)), 2 / entries * (Theta(t) * D.T - T.T) * D)
update = equation(Theta(t + 1), Theta(t) - kappa * (Theta(t) * D.T * D - T.T * D))
row_space = equation(Pi * D.T, D.T)
idempotent = equation(Pi * Pi, Pi)
symmetric = equation(Pi.T, Pi)
interpolation = equation(minimal * D.T * D, T.T * D)
stationary = equation(Theta_inf * D.T * D, T.T * D)
kept = equation(Pi * v, v)
dropped = equation(Pi * v_null, ZeroMatrix(p, w))
unseen = equation(D_plus.T * v_null, ZeroMatrix(n, w))
share = (1 - kappa * eigenvalue) ** t
response = equation(Theta(t + 1) * v, (1 - kappa * eigenvalue) * Theta(t) * v + kappa * eigenvalue * minimal * v)
trajectory = equation(Theta(t) * v, share * Theta(0) * v + (1 - share) * minimal * v)
null_response = equation(Theta(t + 1) * v_null, Theta(t) * v_null)
null_trajectory = equation(Theta(t) * v_null, Theta(0) * v_null)
mode_limit = equation(Limit(Theta(t) * v, t, oo), Theta_inf * v)
null_limit = equation(Limit(Theta(t) * v_null, t, oo), Theta_inf * v_null)
reversed_interpolation = equation(interpolation.rhs, interpolation.lhs)

STEPS = (
    Step(
        "Gradient of the loss",
        gradient,
        GradientFromDefinition(),
        "Expand the loss at $\\Theta_t + \\varepsilon H$; what multiplies $\\varepsilon$ is the trace of $H^T$ times "
        "the gradient.",
    ),
    Step(
        "One step of gradient descent",
        update,
        Rewriting((descent, gradient, rate)),
        "Put the gradient into the update and collect the constants in $\\kappa_T$.",
    ),
    Step(
        "The projector fixes the row space",
        row_space,
        Chain(
            through=(D.T * D_plus.T * D.T,),
            by=(Rewriting((projector, penrose[3])), Rewriting((transposed(penrose[0]),))),
        ),
        "$D^{+} D$ is symmetric, so $D^{+} D D^T$ is the transpose of $D D^{+} D$, which is $D$.",
    ),
    Step("The projector is idempotent", idempotent, Rewriting((projector, penrose[0])), "$D^{+} D D^{+} D = D^{+} D$."),
    Step(
        "The projector is symmetric",
        symmetric,
        Rewriting((projector, transposed(projector), penrose[3])),
        "It is $D^{+} D$, which Penrose's fourth equation says is symmetric.",
    ),
    Step(
        "The weights of least norm solve the normal equations",
        interpolation,
        Rewriting((penrose[2], penrose[0])),
        "$D D^{+}$ is symmetric, and $D D^{+} D = D$.",
    ),
    Step(
        "The limit is stationary",
        stationary,
        Rewriting((limit_definition, row_space, interpolation)),
        "The projector fixes $D^T$, so $(I - \\Pi) D^T$ vanishes and only the weights of least norm are left.",
    ),
    Step(
        "The projector keeps the modes that the data excite",
        kept,
        Chain(
            through=(Pi * D.T * D * v / eigenvalue, D.T * D * v / eigenvalue),
            by=(Rewriting((mode,)), Rewriting((row_space,)), Rewriting((mode,))),
        ),
        "Such a $v$ is $D^T D v / \\lambda$, a combination of rows of $D$.",
    ),
    Step(
        "The projector drops the null space",
        dropped,
        Chain(
            through=(D_plus * D_plus.T * D.T * D * v_null,),
            by=(Rewriting((projector, penrose[2], penrose[1])), Rewriting((null_mode,))),
        ),
        "$D^{+} D = D^{+} (D D^{+}) D = D^{+} (D^{+})^T D^T D$.",
    ),
    Step(
        "The pseudoinverse does not see the null space",
        unseen,
        Chain(
            through=(D_plus.T * D_plus * D * v_null,),
            by=(
                Rewriting((transposed(penrose[1]), equation(penrose[3].rhs, penrose[3].lhs))),
                Rewriting((equation(projector.rhs, projector.lhs), dropped)),
            ),
        ),
        "$(D^{+})^T = (D^{+} D D^{+})^T = (D^{+})^T \\Pi$, and the projector drops $v_0$.",
    ),
    Step(
        "A mode of its own",
        response,
        Rewriting((update, reversed_interpolation, mode)),
        "Apply the update to $v$: by the normal equations both terms carry $D^T D v = \\lambda v$.",
    ),
    Step(
        "Every excited mode in closed form",
        trajectory,
        Induction(variable=t, recurrence=response),
        "What is left of the initial error shrinks by the same factor in every step.",
    ),
    Step(
        "An unexcited mode does not move",
        null_response,
        Rewriting((update, reversed_interpolation, null_mode)),
        "The gradient is a combination of rows of $D$, and these are orthogonal to $v_0$.",
    ),
    Step(
        "Nor does it in all the steps",
        null_trajectory,
        Induction(variable=t, recurrence=null_response),
        "By induction.",
    ),
    Step(
        "The limit on excited modes",
        mode_limit,
        GeometricLimit((contraction, trajectory, limit_definition, kept)),
        "The factor is less than 1 in modulus, and the projector keeps $v$.",
    ),
    Step(
        "The limit on unexcited modes",
        null_limit,
        GeometricLimit((null_trajectory, limit_definition, dropped, unseen)),
        "The sequence is constant, and on $v_0$ the limit is the initial weight.",
    ),
)
CLAIMS = (trajectory, null_trajectory, mode_limit, null_limit, stationary)


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

    return descend(mean_squared_error, real_matrix("w", 2, rows.cols), eta, steps=5)


def observed(rows: ImmutableMatrix, step: int) -> dict[Basic, Basic]:
    """What descent on these images does to their first and their null mode."""
    gram = rows.T * rows
    modes = sorted(gram.eigenvects(), key=lambda mode: mode[0])
    value, _, (vector, *_) = modes[-1]
    null = modes[0][2][0] if modes[0][0] == 0 else ImmutableMatrix.zeros(rows.cols, 1)
    entries = 2 * rows.rows
    return {
        n: rows.rows,
        w: 1,
        p: rows.cols,
        c: 2,
        entries: entries,
        D: rows,
        D_plus: rows.pinv(),
        T: real_matrix("y", rows.rows, 2),
        Pi: rows.pinv() * rows,
        v: vector,
        v_null: null,
        eigenvalue: value,
        kappa: 2 * eta / entries,
        t: step,
    } | {Theta(number): weights for number, weights in enumerate(iterates(rows))}


CHECKS = (
    Step(
        "Several images, one step at a time",
        trajectory,
        BruteForce(cases=several_images()),
        "Gradient descent carried out with symbolic targets and symbolic initial weights.",
    ),
    Step(
        "Their null modes",
        null_trajectory,
        BruteForce(cases=several_images()),
        "The same iterates applied to the null space.",
    ),
)


@cache
def derivation() -> Derivation:
    """What gradient descent makes of every model that is linear in its parameters."""
    return Derivation(
        name="linear-model",
        title="Gradient descent on a model that is linear in its parameters",
        statement=CLAIMS,
        assumptions=ASSUMPTIONS,
        steps=(*STEPS, *CHECKS),
        source="ours; Theorems 1 and 2 of Zhang, Bengio, Hardt, Mozer, Singer: Identity Crisis, ICLR 2020, are its two "
        "cases.",
        result={"left over": share, "weights": trajectory.rhs},
        remarks=(
            "For a fully connected network trained on several images $D$ has one image a row, and $T = D$ for the "
            "identity task: Theorem 1 for any number of images.",
            "The limit holds if $0 < \\eta < |T| / \\lambda_{\\max}$.",
        ),
    )
