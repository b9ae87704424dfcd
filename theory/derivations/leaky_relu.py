"""Gradient descent on a one-layer leaky ReLU network converges to zero loss, from any initial weights.

Leaky ReLU has slopes between α > 0 and 1; so have its secants. That makes the loss behave like that of a linear network
whose data are reweighted in every step: the distance of one output unit's weights from a solution shrinks geometrically
at every learning rate that is stable for the linear network. Ours.
"""

from __future__ import annotations

from sympy import And, Identity, Implies, Integer, Lt, MatrixSymbol, Symbol, symbols

from theory.derivations.linear_model import equation, n, p, transposed
from theory.proof.expressions import SquaredNorm, matrix_sequence, scalar_sequence
from theory.proof.induction import InequalityInduction
from theory.proof.inequalities import Inequality
from theory.proof.order import at_most, slack, total
from theory.proof.real_algebra import RealAlgebra
from theory.proof.rules import Rewriting
from theory.proof.steps import Assumption, Step

__all__ = ["ASSUMPTIONS", "CLAIMS", "STEPS"]

t = Symbol("t", integer=True, nonnegative=True)
kappa, largest, least, alpha = symbols("kappa lambda mu alpha", positive=True)
slope, z, w = symbols("alpha z z_*", real=True)
u = matrix_sequence("u", p, 1)
X = MatrixSymbol("X", p, n)
R, S, T = (matrix_sequence(name, n, n)(t) for name in "RST")
Y = MatrixSymbol("Y", n, n)
size = scalar_sequence("d")
shrink = Symbol("q", nonnegative=True)

errors = X.T * u(t)
reweighted = R.T * R * errors
update = equation(u(t + 1), u(t) - kappa * X * reweighted)
shares = equation(R * R.T, Identity(n) - T.T * T)
steep = equation(R.T * R, alpha**2 * Identity(n) + S.T * S)
gram = equation(X.T * X, largest * Identity(n) - Y.T * Y)
spans = at_most(least * SquaredNorm(u(t)), SquaredNorm(errors))
stable = Lt(kappa * largest, 2, evaluate=False)
factor = equation(shrink, 1 - kappa * (2 - kappa * largest) * alpha**2 * least)

ASSUMPTIONS = (
    Assumption(
        "Leaky ReLU: $\\varphi(z) = z$ for $z > 0$ and $\\alpha z$ for $z \\le 0$, $0 < \\alpha < 1$. One output unit "
        "has the weights $w_t$, and $w_*$ fits its targets, which is possible if the examples are linearly "
        "independent; $u_t = w_t - w_*$, with $w_*$ chosen so that $u_t$ is in their span. Gradient descent without "
        "momentum on the mean squared error has the rate $\\kappa = 2 \\eta / |T|$. The derivative of the loss by the "
        "response to example $k$ is $2 / |T|$ times $\\varphi'(z_k) \\sigma_k$ times the error of that response, where "
        "$\\sigma_k$ is the slope of $\\varphi$'s secant from the response to its goal. $R_t^T R_t$ is the diagonal "
        "matrix of the products $\\varphi'(z_k) \\sigma_k$ in step $t$:",
        update,
    ),
    Assumption("They are at most 1:", shares),
    Assumption("and at least $\\alpha^2$:", steep),
    Assumption("The largest eigenvalue of $X^T X$ is at most $\\lambda$:", gram),
    Assumption("and on the span of the examples the least of $X X^T$ is at least $\\mu > 0$:", spans),
    Assumption("The learning rate is stable for a linear network:", stable),
    Assumption("The factor of convergence is (at most $1$, and chosen at least $0$)", factor),
)

rising = Implies(And(slope < 1, z > 0, w <= 0), And(z - slope * w >= slope * (z - w), z - slope * w <= z - w))
falling = Implies(And(slope < 1, z <= 0, w > 0), And(slope * z - w <= slope * (z - w), slope * z - w >= z - w))
length = equation(
    SquaredNorm(u(t + 1)),
    SquaredNorm(u(t)) - 2 * kappa * SquaredNorm(R * errors) + kappa**2 * SquaredNorm(X * reweighted),
)
at_most_one = equation(SquaredNorm(R * errors) - SquaredNorm(reweighted), SquaredNorm(T * R * errors))
at_most_largest = equation(largest * SquaredNorm(reweighted) - SquaredNorm(X * reweighted), SquaredNorm(Y * reweighted))
at_least = equation(SquaredNorm(R * errors), alpha**2 * SquaredNorm(errors) + SquaredNorm(S * errors))
contraction = at_most(SquaredNorm(u(t + 1)), shrink * SquaredNorm(u(t)))
smaller = Lt(shrink, 1, evaluate=False)
geometric = at_most(SquaredNorm(u(t)), shrink**t * SquaredNorm(u(0)))

STEPS = (
    Step(
        "Leaky ReLU: secants across the kink",
        rising,
        RealAlgebra(variables=(slope, z, w)),
        "For two responses on one side of the kink the slope is 1 or $\\alpha$; across it, it lies between.",
    ),
    Step("Leaky ReLU: secants the other way", falling, RealAlgebra(variables=(slope, z, w)), "The same, reversed."),
    Step("The distance after one step", length, Rewriting((update, transposed(update))), "Multiply out."),
    Step("Slopes are at most 1", at_most_one, Rewriting((shares,)), "So the reweighted errors are smaller."),
    Step("The data are bounded", at_most_largest, Rewriting((gram,)), "By the largest eigenvalue."),
    Step("Slopes are at least $\\alpha$", at_least, Rewriting((steep,)), "So no error is lost."),
    Step(
        "Leaky ReLU: one step contracts",
        contraction,
        Inequality(
            (length, at_most_one, at_most_largest, at_least, spans, stable, factor),
            certificate=total(
                kappa**2 * largest * SquaredNorm(T * R * errors),
                kappa**2 * SquaredNorm(Y * reweighted),
                kappa * slack(stable) * SquaredNorm(S * errors),
                kappa * slack(stable) * alpha**2 * slack(spans),
            ),
        ),
        "Put the four together.",
    ),
    Step(
        "Leaky ReLU: the factor is less than 1",
        smaller,
        Inequality((stable, factor), certificate=kappa * slack(stable) * alpha**2 * least),
        "By stability.",
    ),
    Step(
        "Leaky ReLU converges",
        geometric,
        InequalityInduction(
            variable=t,
            base=Inequality(certificate=Integer(0)),
            step=Inequality((contraction,), certificate=total(slack(contraction), shrink * slack(geometric))),
        ),
        "So the loss tends to zero, from any initial weights.",
    ),
)
CLAIMS = (contraction, smaller, geometric)
