"""The weights of a one-layer fully connected network at every step of gradient descent on one image.

Dimension-free: the matrices are symbols of any size, and the one rule about them is ``x̂ᵀ x̂ → s``. The trajectory behind
Theorem 1 of "Identity Crisis" (Zhang et al., ICLR 2020).
"""

from __future__ import annotations

from functools import cache, partial

from sympy import Basic, Eq, Expr, Identity, ImmutableMatrix, MatrixSymbol, Symbol, ZeroMatrix, symbols
from sympy.matrices.expressions import MatrixExpr

from theory.derivations.explicit_descent import descend, real_matrix
from theory.proof.brute_force import BruteForce, Case
from theory.proof.derivation import Derivation
from theory.proof.expressions import Gradient, SquaredNorm, matrix_sequence
from theory.proof.rules import GradientFromDefinition, Induction, Rewriting
from theory.proof.steps import Assumption, Step

__all__ = ["ASSUMPTIONS", "STEPS", "derivation"]

d = Symbol("d", integer=True, positive=True)
t = Symbol("t", integer=True, nonnegative=True)
eta, kappa, s = symbols("eta kappa s", positive=True)
x_hat, x_zero = MatrixSymbol(r"\hat{x}", d, 1), MatrixSymbol(r"\hat{x}_{0}", d, 1)
W, Z = matrix_sequence("W", d, d), matrix_sequence("Z", d, d)
identity = Identity(d)


def equation(left: Basic, right: Basic) -> Eq:
    """The equation as it stands, not evaluated."""
    return Eq(left, right, evaluate=False)


def loss(weights: MatrixExpr, image: MatrixExpr) -> Basic:
    """The mean squared error of the identity task over the d target entries."""
    return SquaredNorm(weights * image - image) / d


def gradient_at(weights: MatrixExpr, image: MatrixExpr) -> Eq:
    """The gradient of the loss."""
    return equation(Gradient(loss(weights, image), weights), 2 / d * (weights * image - image) * image.T)


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
    Assumption("For an image that is zero, the weights are called $Z_t$:", zero_image),
    Assumption("and descend in the same way:", zero_descent),
)

gradient = gradient_at(W(t), x_hat)
update = equation(W(t + 1), W(t) + kappa * (identity - W(t)) * x_hat * x_hat.T)
left_over = (1 - kappa * s) ** t
trajectory = equation(W(t), W(0) + (1 - left_over) / s * (identity - W(0)) * x_hat * x_hat.T)
training_error = equation(W(t) * x_hat - x_hat, left_over * (W(0) * x_hat - x_hat))
zero_gradient = gradient_at(Z(t), x_zero)
zero_update = equation(Z(t + 1), Z(t))
zero_trajectory = equation(Z(t), Z(0))


def cases(step_numbers: range, dimensions: range = range(1, 5)) -> tuple[Case, ...]:
    """Explicit symbolic images of few pixels, with iterates whose gradients are taken entry by entry."""
    return tuple(
        Case(f"$d = {size}$, $t = {step}$", partial(ground_truth, size, step))
        for size in dimensions
        for step in step_numbers
    )


def ground_truth(size: int, step: int) -> dict[Basic, Basic]:
    """The image, the initial weight and the iterates up to ``step`` written out."""
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


STEPS = (
    Step(
        "Gradient of the loss",
        gradient,
        GradientFromDefinition(),
        "Expand the loss at $W_t + \\varepsilon H$; what multiplies $\\varepsilon$ is the trace of $H^T$ times the "
        "gradient.",
    ),
    Step(
        "One step of gradient descent",
        update,
        Rewriting((descent, gradient, rate)),
        "Put the gradient into the update and collect the constants in $\\kappa$.",
    ),
    Step(
        "The weights at every step",
        trajectory,
        Induction(variable=t, recurrence=update, by=Rewriting((squared_length,))),
        "The update only ever adds multiples of $(I - W_0) \\hat{x} \\hat{x}^T$; the multiples form a geometric "
        "series.",
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
        "A zero image: the gradient",
        zero_gradient,
        GradientFromDefinition(),
        "The same computation; nothing was divided by.",
    ),
    Step(
        "A zero image: one step",
        zero_update,
        Rewriting((zero_descent, zero_gradient, zero_image)),
        "The gradient has the image as a factor.",
    ),
    Step(
        "A zero image teaches nothing",
        zero_trajectory,
        Induction(variable=t, recurrence=zero_update),
        "The weights stay what they were.",
    ),
)
CHECKS = (
    Step(
        "The gradient, entry by entry",
        gradient,
        BruteForce(cases=cases(range(0, 1))),
        "All partial derivatives of the loss written out for symbolic images.",
    ),
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
