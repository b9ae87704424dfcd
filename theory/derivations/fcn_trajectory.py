"""The weights of a one-layer fully connected network at every step of gradient descent on one image.

An instance of the linear model: one image is D = T = x̂ᵀ, with the one excited mode x̂. The trajectory behind Theorem 1
of "Identity Crisis" (Zhang et al., ICLR 2020).
"""

from __future__ import annotations

from functools import cache, partial

from sympy import Basic, Expr, Identity, ImmutableMatrix, MatrixSymbol, S, Symbol, Transpose, ZeroMatrix, symbols
from sympy.matrices.expressions import MatrixExpr

from theory.derivations import linear_model
from theory.derivations.explicit_descent import descend, real_matrix
from theory.derivations.linear_model import equation, eta, t, transposed
from theory.proof.brute_force import BruteForce, Case
from theory.proof.derivation import Derivation
from theory.proof.expressions import Gradient, SquaredNorm, matrix_sequence
from theory.proof.rules import Chain, Rewriting
from theory.proof.steps import Assumption, Step
from theory.proof.theorem import ByTheorem

__all__ = ["ASSUMPTIONS", "STEPS", "derivation"]

d = Symbol("d", integer=True, positive=True)
kappa, s = symbols("kappa s", positive=True)
x_hat, x_zero = MatrixSymbol(r"\hat{x}", d, 1), MatrixSymbol(r"\hat{x}_{0}", d, 1)
W, Z = matrix_sequence("W", d, d), matrix_sequence("Z", d, d)
identity = Identity(d)
parallel, perpendicular = MatrixSymbol(r"\Pi_{\parallel}", d, d), MatrixSymbol(r"\Pi_{\perp}", d, d)
along = equation(parallel, x_hat * x_hat.T / s)
across = equation(perpendicular, identity - parallel)


def loss(weights: MatrixExpr, image: MatrixExpr) -> Basic:
    """The mean squared error of the identity task over the d target entries; outputs and targets are rows."""
    return SquaredNorm(image.T * weights.T - image.T) / d


squared_length = equation(x_hat.T * x_hat, s * Identity(1))
rate = equation(kappa, 2 * eta / d)
descent = equation(W(t + 1), W(t) - eta * Gradient(loss(W(t), x_hat), W(t)))
zero_image = equation(x_zero, ZeroMatrix(d, 1))
zero_descent = equation(Z(t + 1), Z(t) - eta * Gradient(loss(Z(t), x_zero), Z(t)))

ASSUMPTIONS = (
    Assumption(
        "The network is $f(x) = W x$ with a real $d \\times d$ matrix $W$. It is trained on one image $\\hat{x}$, a "
        "column of $d$ real numbers that is not zero, with $\\hat{x}$ as its own target. Then"
    ),
    Assumption("the squared length of the image is a positive number $s$:", squared_length),
    Assumption(
        "Gradient descent with learning rate $\\eta$ on the mean squared error over the $d$ target entries, from any "
        "$W_0$:",
        descent,
    ),
    Assumption("The rate $\\kappa$ stands for", rate),
    Assumption("The projector on the image is", along),
    Assumption("and the one on what is orthogonal to it", across),
    Assumption("For an image that is zero, the weights are called $Z_t$:", zero_image),
    Assumption("and descend in the same way:", zero_descent),
)

left_over = (1 - kappa * s) ** t
trajectory = equation(W(t), W(0) + (1 - left_over) / s * (identity - W(0)) * x_hat * x_hat.T)
training_error = equation(W(t) * x_hat - x_hat, left_over * (W(0) * x_hat - x_hat))
zero_trajectory = equation(Z(t), Z(0))

inverse = x_hat / s  # the pseudoinverse of x̂ᵀ
penrose = (
    equation(x_hat.T * inverse * x_hat.T, x_hat.T),
    equation(inverse * x_hat.T * inverse, inverse),
    equation(Transpose(x_hat.T * inverse), x_hat.T * inverse),
    equation(Transpose(inverse * x_hat.T), inverse * x_hat.T),
)
excited = equation(x_hat * x_hat.T * parallel, s * parallel)
unexcited = equation(x_hat * x_hat.T * perpendicular, ZeroMatrix(d, d))
learned = equation(W(t) * parallel, left_over * W(0) * parallel + (1 - left_over) * x_hat * x_hat.T / s * parallel)
kept = equation(W(t) * perpendicular, W(0) * perpendicular)
zero_inverse = equation(ZeroMatrix(1, d), x_zero.T)  # x̂₀ᵀ 0 x̂₀ᵀ
everything = equation(x_zero * x_zero.T, ZeroMatrix(d, d))


def of_one_image(claim: Basic, *premises: Basic) -> ByTheorem:
    """The linear model with D = T = x̂ᵀ, and the projectors on the image and across it for the columns of modes."""
    model = linear_model
    return ByTheorem(
        (descent, rate, *penrose, excited, unexcited, *premises),
        theorem=model.derivation(),
        claim=claim,
        values=(
            *((size, d) for size in (model.p, model.c, model.w, model.entries)),
            (model.n, S.One),
            (model.D, x_hat.T),
            (model.T, x_hat.T),
            (model.D_plus, inverse),
            (model.v, parallel),
            (model.v_null, perpendicular),
            (model.kappa, kappa),
            (model.eigenvalue, s),
        ),
        sequences=((model.Theta, W),),
    )


def of_a_zero_image(claim: Basic) -> ByTheorem:
    """The linear model with D = T = 0, whose null space is everything."""
    model = linear_model
    return ByTheorem(
        (zero_descent, rate, zero_inverse, everything),
        theorem=model.derivation(),
        claim=claim,
        values=(
            *((size, d) for size in (model.p, model.c, model.w, model.entries)),
            (model.n, S.One),
            (model.D, x_zero.T),
            (model.T, x_zero.T),
            (model.D_plus, ZeroMatrix(d, 1)),
            (model.v_null, identity),
            (model.kappa, kappa),
        ),
        sequences=((model.Theta, Z),),
    )


STEPS = (
    *(
        Step(
            f"The pseudoinverse of one image, equation {number}",
            statement,
            Rewriting((squared_length,) if number <= 2 else ()),
            "$\\hat{x} / s$ satisfies Penrose's equations for $\\hat{x}^T$.",
        )
        for number, statement in enumerate(penrose, start=1)
    ),
    Step(
        "The mode that the image excites",
        excited,
        Rewriting((along, squared_length)),
        "$\\hat{x} \\hat{x}^T \\hat{x} = s \\hat{x}$: the columns of $\\Pi_\\parallel$ are eigenvectors.",
    ),
    Step(
        "The modes that it does not",
        unexcited,
        Rewriting((across, along, squared_length)),
        "What is orthogonal to the image.",
    ),
    Step(
        "Along the image",
        learned,
        of_one_image(linear_model.trajectory),
        "The linear model's excited modes, with $D = T = \\hat{x}^T$.",
    ),
    Step("Across it", kept, of_one_image(linear_model.null_trajectory), "Its unexcited modes do not move."),
    Step(
        "The weights at every step",
        trajectory,
        Chain(
            through=(W(t) * parallel + W(t) * perpendicular, learned.rhs + kept.rhs),
            by=(Rewriting((across,)), Rewriting((learned, kept)), Rewriting((across, along, squared_length))),
        ),
        "The two parts together.",
    ),
    Step(
        "The error on the training image",
        training_error,
        Rewriting((trajectory, squared_length)),
        "Apply the weights to the image.",
    ),
)
ZERO_STEPS = (
    Step(
        "A zero image: its pseudoinverse",
        zero_inverse,
        Rewriting((transposed(zero_image),)),
        "Zero is its own pseudoinverse.",
    ),
    Step("A zero image excites nothing", everything, Rewriting((zero_image,)), "Every direction is in the null space."),
    Step(
        "A zero image teaches nothing",
        zero_trajectory,
        of_a_zero_image(linear_model.null_trajectory),
        "The linear model's unexcited modes, which are all.",
    ),
)


def cases(step_numbers: range, dimensions: range = range(1, 5)) -> tuple[Case, ...]:
    """Explicit symbolic images of few pixels, with iterates whose gradients are taken entry by entry."""
    return tuple(
        Case(f"$d = {size}$, $t = {step}$", partial(ground_truth, size, step))
        for size in dimensions
        for step in step_numbers
    )


def ground_truth(size: int, step: int) -> dict[Basic, Basic]:
    """The image, the initial weight and the iterates up to `step` written out."""
    image = real_matrix("x", size, 1, positive=True)
    iterates = symbolic_iterates(size)[: step + 1]
    length = sum(entry**2 for entry in image)
    values = {d: size, t: step, x_hat: image, s: length, kappa: 2 * eta / size}
    return values | {W(number): weights for number, weights in enumerate(iterates)}


@cache
def symbolic_iterates(size: int) -> list[ImmutableMatrix]:
    """Five steps of gradient descent on a symbolic image of that many pixels, from symbolic weights."""
    image = real_matrix("x", size, 1, positive=True)

    def mean_squared_error(weights: ImmutableMatrix) -> Expr:
        return sum(entry**2 for entry in weights * image - image) / size

    return descend(mean_squared_error, real_matrix("w", size, size), eta, steps=5)


CHECKS = (
    Step(
        "The iterates, one by one",
        trajectory,
        BruteForce(cases=cases(range(1, 6))),
        "Gradient descent carried out on symbolic images and symbolic initial weights.",
    ),
)


def derivation() -> Derivation:
    """The weights at every step: a geometric approach to the limit along the image, and no movement across it."""
    return Derivation(
        name="fcn-trajectory",
        title="The weights of a one-layer fully connected network at every step of training on one image",
        statement=(trajectory, training_error, zero_trajectory),
        assumptions=ASSUMPTIONS,
        steps=(*STEPS, *ZERO_STEPS, *CHECKS),
        source="Zhang, Bengio, Hardt, Mozer, Singer: Identity Crisis, ICLR 2020, proof of Theorem 1; the closed form "
        "at finite times is ours.",
        result={"weights": trajectory.rhs, "left over": left_over},
        remarks=(
            "The closed form holds for every learning rate, stable or not; it is a statement about polynomials.",
            "The loss is the mean over all target entries, so $\\kappa = 2 \\eta / d$.",
        ),
    )
