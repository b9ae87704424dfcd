"""The law of learning: answers after any number of steps, their mean and covariance over initial weights.

The linear model again, seen from its outputs: what training does to an answer is a polynomial in Θ = D Dᵀ. For a
network in the infinite-width limit Θ is the tangent kernel and K the covariance of its answers before training (Lee et
al. 2019, equations 14-16, in discrete time). Ours.
"""

from __future__ import annotations

from sympy import Identity, MatrixSymbol, Ne, Symbol, Trace, ZeroMatrix, symbols

from theory.derivations.linear_model import equation, transposed
from theory.proof.chance import Expectation, ExpectedMatrix
from theory.proof.derivation import Derivation
from theory.proof.expectation import ExpectedTraces
from theory.proof.expressions import Gradient, SquaredNorm, matrix_sequence
from theory.proof.rules import Algebra, GradientFromDefinition, Induction, Rewriting
from theory.proof.steps import Assumption, Step

__all__ = ["derivation"]

n, p, c, entries = (Symbol(name, integer=True, positive=True) for name in ("n", "p", "c", "N"))
t = Symbol("t", integer=True, nonnegative=True)
eta, kappa, eigenvalue, other_eigenvalue = symbols(r"eta kappa lambda \lambda'", positive=True)
networks, m_1, m_2, measured = symbols(r"S m_1 m_2 M", positive=True)

D, Y, Theta, K, B = (
    MatrixSymbol(name, *shape)
    for name, shape in (("D", (n, p)), ("Y", (n, c)), (r"\Theta", (n, n)), ("K", (n, n)), ("B", (n, n)))
)
u, u_2, y = (MatrixSymbol(name, n, 1) for name in ("u", "u'", "y"))
a, theta = MatrixSymbol("a", p, 1), MatrixSymbol(r"\theta_{0}", p, 1)
R = MatrixSymbol("R", p, p)
W, G = matrix_sequence("W", c, p), matrix_sequence("G", n, n)


def loss(weights: MatrixSymbol) -> SquaredNorm:
    """The mean squared error over all N target entries."""
    return SquaredNorm(D * weights.T - Y) / entries


rate = equation(kappa, 2 * eta / entries)
descent = equation(W(t + 1), W(t) - eta * Gradient(loss(W(t)), W(t)))
kernel = equation(Theta, D * D.T)
gain_start = equation(G(0), ZeroMatrix(n, n))
gain_step = equation(G(t + 1), G(t) + kappa * (Identity(n) - G(t) * Theta))
mode = equation(Theta * u, eigenvalue * u)
other_mode = equation(Theta * u_2, other_eigenvalue * u_2)
no_mean = equation(ExpectedMatrix(theta, theta), ZeroMatrix(p, 1))
second = equation(ExpectedMatrix(theta * theta.T, theta), R * R.T)
prior = equation(K, D * R * R.T * D.T)
binomial = equation(measured, (m_1 - m_2) / networks + m_2 - m_1**2)
some_err = Ne(1 - m_1, 0, evaluate=False)

ASSUMPTIONS = (
    Assumption(
        "The outputs on the $n$ training inputs are $D W^T$ as in the linear model; a row of $W$ holds the parameters "
        "of one output unit, and $Y$ the targets: 1 for the label and 0 for the rest. Gradient descent on the mean "
        "squared error over the $N$ target entries is",
        descent,
    ),
    Assumption("with", rate),
    Assumption("The kernel between training inputs is", kernel),
    Assumption("How far training has come is told by the matrices $G_t$, that begin with", gain_start),
    Assumption("and follow", gain_step),
    Assumption("$u$ is an eigenvector of the kernel, of an eigenvalue $\\lambda > 0$:", mode),
    Assumption("and $u'$ another:", other_mode),
    Assumption("The initial parameters $\\theta_0$ of one output unit have mean zero", no_mean),
    Assumption("and a covariance, which has a root $R$ as every covariance has:", second),
    Assumption("so that its outputs on the training inputs have before training the covariance", prior),
    Assumption(
        "An example's error rate over $S$ independent networks has, for the probability $p$ of being right, the "
        "variance $p (1 - p) / S$. With $m_1$ and $m_2$ the means over examples of $p$ and of $p^2$, error rates "
        "differ from their mean by the mean square",
        binomial,
    ),
    Assumption("where examples are not all right with certainty (nor all wrong, as $m_1 > 0$):", some_err),
)

left, other_left = (1 - kappa * eigenvalue) ** t, (1 - kappa * other_eigenvalue) ** t
gradient = equation(Gradient(loss(W(t)), W(t)), 2 / entries * (W(t) * D.T - Y.T) * D)
update = equation(W(t + 1), W(t) - kappa * (W(t) * D.T - Y.T) * D)
weights = equation(W(t), W(0) + (Y.T - W(0) * D.T) * G(t) * D)
gained = equation(G(t + 1) * u, (1 - kappa * eigenvalue) * G(t) * u + kappa * u)
gains = equation(G(t) * u, (1 - left) / eigenvalue * u)
answers = equation(W(t) * D.T * u, left * W(0) * D.T * u + (1 - left) * Y.T * u)

along = left * u.T * D * theta + (1 - left) * u.T * y  # uᵀ f_t of one output unit
centred = left * u.T * D * theta
other_centred = other_left * u_2.T * D * theta
mean = equation(Expectation(Trace(along), theta), (1 - left) * Trace(u.T * y))
covariance = equation(Expectation(Trace(centred * other_centred.T), theta), left * other_left * Trace(u.T * K * u_2))
energy = equation(
    Expectation(Trace((along - u.T * y) * (along - u.T * y).T), theta),
    left**2 * (Trace(u.T * K * u) + Trace(u.T * y * y.T * u)),
)
reply = Trace(a.T * theta + a.T * D.T * B * (y - D * theta))  # f_t(x), with B for G_t
reply_mean = equation(Expectation(reply, theta), Trace(a.T * D.T * B * y))
reply_variance = equation(
    Expectation(
        Trace((a.T - a.T * D.T * B * D) * theta * theta.T * (a - D.T * B.T * D * a)),
        theta,
    ),
    Trace(a.T * R * R.T * a) - 2 * Trace(a.T * D.T * B * D * R * R.T * a) + Trace(a.T * D.T * B * K * B.T * D * a),
)
overdispersion = equation(
    measured / (m_1 * (1 - m_1) / networks), 1 + (networks - 1) * (m_2 - m_1**2) / (m_1 * (1 - m_1))
)

STEPS = (
    Step("The gradient", gradient, GradientFromDefinition(), "As in the linear model."),
    Step("One step", update, Rewriting((descent, gradient, rate)), "Put it in."),
    Step(
        "The weights after any number of steps",
        weights,
        Induction(variable=t, recurrence=update, by=Rewriting((gain_start, gain_step, kernel))),
        "They have moved by combinations of the rows of $D$, in the measure of $G_t$.",
    ),
    Step(
        "The gain of a mode, step by step",
        gained,
        Rewriting((gain_step, mode)),
        "$G_t$ is a polynomial in the kernel.",
    ),
    Step(
        "and after any number of steps",
        gains,
        Induction(variable=t, recurrence=gained, by=Rewriting((gain_start,))),
        "A geometric sum.",
    ),
    Step(
        "Answers along a mode",
        answers,
        Rewriting((weights, transposed(kernel), equation(kernel.rhs, kernel.lhs), mode, gains)),
        "The share $(1 - \\kappa \\lambda)^t$ of the error is left.",
    ),
    Step("Their mean", mean, ExpectedTraces((no_mean,)), "Initial weights average out: $(I - E) y$ in all."),
    Step(
        "Their covariance",
        covariance,
        ExpectedTraces((second, prior)),
        "$E K E$ in all, mode by mode.",
    ),
    Step(
        "The expected squared error of a mode", energy, ExpectedTraces((no_mean, second, prior)), "Bias and variance."
    ),
    Step("The mean of an answer to any input", reply_mean, ExpectedTraces((no_mean,)), "By the weights above."),
    Step(
        "and its variance",
        reply_variance,
        ExpectedTraces((second, prior)),
        "Multiply out: $K(x, x) - 2 B_x K(X, x) + B_x K B_x^T$ with $B_x = a^T D^T B$.",
    ),
    Step(
        "How much more error rates differ than by chance",
        overdispersion,
        Algebra((binomial, some_err)),
        "If all examples were equally hard, they would differ by $m_1 (1 - m_1) / S$.",
    ),
)


def derivation() -> Derivation:
    """Mean and covariance of all answers after any number of steps, and how much error rates differ."""
    return Derivation(
        name="learning-law",
        title="The law of learning",
        statement=(weights, gains, answers, mean, covariance, energy, reply_mean, reply_variance, overdispersion),
        assumptions=ASSUMPTIONS,
        steps=STEPS,
        source="ours; kernels and the law in continuous time: Lee et al. 2019, equations 14-16",
        result={"left": left, "gain": (1 - left) / eigenvalue, "overdispersion": overdispersion.rhs},
        remarks=(
            "With momentum and a schedule $(1 - \\kappa \\lambda)^t$ becomes the response of derivation momentum.",
            "Where answers are Gaussian, output units independent of one deviation $s$ and means $\\mu_c$, the label "
            "$y$ has the largest output with probability $\\int \\varphi(z) \\prod_{c \\ne y} "
            "\\Phi((\\mu_y - \\mu_c) / s + z) \\, dz$: condition on $z = (f_y - \\mu_y) / s$.",
            "For infinitely wide networks $\\Theta$ is the tangent kernel, and the statements are those of the limit.",
        ),
    )
