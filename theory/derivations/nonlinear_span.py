"""A one-layer network with an activation function: what gradient descent makes of it, and the nonlinear span.

Whatever the activation, the loss, the momentum and the schedule, training moves the weights within the span of the
training examples. So the weights are a function of the responses to the examples at every step, and where these have a
limit the weights have one. Radhakrishnan, Yang, Belkin, Uhler, "Memorization in Overparameterized Autoencoders", have
the limit; the statement for every step, the convergence for leaky ReLU and the fate of ReLU units are ours.
"""

from __future__ import annotations

from sympy import (
    Derivative,
    Function,
    Identity,
    Limit,
    MatrixSymbol,
    Subs,
    Symbol,
    Trace,
    ZeroMatrix,
    oo,
    symbols,
)

from theory.derivations import leaky_relu, relu_alternation, relu_fate, relu_unit
from theory.derivations.linear_model import c, equation, n, p, transposed
from theory.proof.derivation import Derivation
from theory.proof.expressions import matrix_sequence, scalar_sequence
from theory.proof.limits import MatrixLimit
from theory.proof.order import Transitivity
from theory.proof.rules import Differentiation, Induction, Instance, Rewriting
from theory.proof.steps import Assumption, Step

__all__ = ["derivation"]

t = Symbol("t", integer=True, nonnegative=True)
beta = Symbol("beta", nonnegative=True)
epsilon, response, direction, target, xi = symbols("epsilon z h y xi", real=True)
phi = Function("varphi", real=True)
eta = scalar_sequence(r"\eta")
W, K, G = matrix_sequence("W", c, p), matrix_sequence("V", c, p), matrix_sequence("G", c, n)
H, X, X_plus = MatrixSymbol("H", c, p), MatrixSymbol("X", p, n), MatrixSymbol("X^{+}", n, p)
Pi, N = MatrixSymbol(r"\Pi", p, p), MatrixSymbol("N", p, p)
Z, W_inf = MatrixSymbol("Z", c, n), MatrixSymbol(r"W_{\infty}", c, p)
W_other, M = MatrixSymbol("W'", c, p), MatrixSymbol("M", c, n)
x, weights_of_examples = MatrixSymbol("x", p, 1), MatrixSymbol("k", n, 1)

penrose = (
    equation(X * X_plus * X, X),
    equation(X_plus * X * X_plus, X_plus),
    equation((X * X_plus).T, X * X_plus),
    equation((X_plus * X).T, X_plus * X),
)
projector, null_projector = equation(Pi, X * X_plus), equation(N, Identity(p) - Pi)
velocity = equation(K(t + 1), beta * K(t) + G(t) * X.T)
at_rest = equation(K(0), ZeroMatrix(c, p))
descent = equation(W(t + 1), W(t) - eta(t) * K(t + 1))
responses = equation(Limit(W(t) * X, t, oo), Z)
limit_definition = equation(W_inf, Z * X_plus + W(0) * N)
within_span = equation(W_other, W(0) + M * X.T)
interpolates = equation(W_other * X, Z)

ASSUMPTIONS = (
    Assumption(
        "The network is $f(x) = \\varphi(W x)$, $\\varphi$ entry by entry, with a real $c \\times p$ matrix $W$. The "
        "$n$ training examples are the columns of $X$. The loss depends on $W$ through the responses $W X$ only; $G_t$ "
        "is its gradient by them (for the mean squared error $2 / (c n)$ times $(\\varphi(z) - y) \\varphi'(z)$, entry "
        "by entry; where $\\varphi$ has a kink, whatever the framework takes for $\\varphi'$). Training has momentum "
        "$\\beta$:",
        velocity,
    ),
    Assumption("starts from rest:", at_rest),
    Assumption("and has any schedule of learning rates $\\eta_t$:", descent),
    *(
        Assumption("$X^{+}$ is the pseudoinverse of $X$:" if number == 0 else "and", known)
        for number, known in enumerate(penrose)
    ),
    Assumption("The projector on the span of the examples is", projector),
    Assumption("and the one on its complement", null_projector),
    Assumption(
        "In the limit, the responses to the examples converge. For an invertible activation with a continuous inverse, "
        "and targets inside its open range, they do if the loss tends to zero, and then $Z = \\varphi^{-1}(Y)$, "
        "$\\varphi^{-1}(X)$ for an autoencoder:",
        responses,
    ),
    Assumption("The weights that will turn out to be the limit are", limit_definition),
    Assumption("Any other weights that differ from $W_0$ within the span of the examples,", within_span),
    Assumption("and have the same responses to them:", interpolates),
)

one_entry = equation(
    Derivative((phi(response + epsilon * direction) - target) ** 2, epsilon),
    2
    * (phi(response + epsilon * direction) - target)
    * Subs(Derivative(phi(xi), xi), xi, response + epsilon * direction)
    * direction,
)
gradient = equation(Trace(G(t).T * (H * X)), Trace(H.T * (G(t) * X.T)))
unseen = equation(X.T * N, ZeroMatrix(n, p))
velocity_step = equation(K(t + 1) * N, beta * K(t) * N)
velocity_null = equation(K(t) * N, ZeroMatrix(c, p))
velocity_null_next = equation(K(t + 1) * N, ZeroMatrix(c, p))
null_step = equation(W(t + 1) * N, W(t) * N)
null_constant = equation(W(t) * N, W(0) * N)
every_step = equation(W(t), W(t) * X * X_plus + W(0) * N)
weight_limit = equation(Limit(W(t), t, oo), W_inf)
twice_projected = W(t) * X * X_plus * X
first_limit = equation(Limit(twice_projected, t, oo), Z * X_plus * X)
second_limit = equation(Limit(twice_projected, t, oo), Z)
consistent = equation(Z * X_plus * X, Z)
reproduced = equation(W_inf * X, Z)
unique = equation(W_other, Z * X_plus + W(0) * N)
prediction = equation(W_inf * x, Z * X_plus * x + W(0) * N * x)
span = equation(W_inf * (X * weights_of_examples), Z * weights_of_examples)
turned = (equation(X * X_plus, (X * X_plus).T.doit()), transposed(penrose[0]))

STEPS = (
    Step(
        "The gradient: one entry",
        one_entry,
        Differentiation(),
        "The derivative of one squared error when the response moves in the direction $h$; at $\\varepsilon = 0$ it is "
        "$h$ times the entry of the gradient by the response.",
    ),
    Step(
        "The gradient: all entries",
        gradient,
        Rewriting(),
        "When the weights move in the direction $H$, the responses move by $H X$; so the gradient by the weights is "
        "$G_t X^T$.",
    ),
    Step(
        "The complement does not see the examples",
        unseen,
        Rewriting((null_projector, projector, *turned)),
        "$X^T X X^{+} = (X X^{+} X)^T = X^T$.",
    ),
    Step("The velocity in the complement", velocity_step, Rewriting((velocity, unseen)), "Gradients have none."),
    Step(
        "It is zero",
        velocity_null,
        Induction(variable=t, recurrence=velocity_step, by=Rewriting((at_rest,))),
        "It starts from rest.",
    ),
    Step("One step on", velocity_null_next, Instance((velocity_null,), variable=t, value=t + 1), "In particular."),
    Step(
        "The weights in the complement",
        null_step,
        Rewriting((descent, velocity_null_next)),
        "The velocity moves them within the span only.",
    ),
    Step(
        "They stay what they were",
        null_constant,
        Induction(variable=t, recurrence=null_step),
        "So $W_t - W_0 = M_t X^T$ at every step.",
    ),
    Step(
        "The weights at every step",
        every_step,
        Rewriting((equation(W(0) * N, W(t) * N), null_projector, projector)),
        "They are known from the responses to the examples.",
    ),
    Step(
        "The limit",
        weight_limit,
        MatrixLimit((responses, limit_definition), closed=every_step),
        "Where the responses to the examples converge, the weights do.",
    ),
    Step(
        "Projected responses, one way",
        first_limit,
        MatrixLimit((responses,)),
        "The limit of a product.",
    ),
    Step(
        "Projected responses, the other way",
        second_limit,
        MatrixLimit((responses, penrose[0])),
        "$X X^{+} X = X$.",
    ),
    Step(
        "The limit's responses are consistent",
        consistent,
        Transitivity((first_limit, second_limit)),
        "A sequence has one limit. Linearly independent examples make it so by themselves: $X^{+} X = I$.",
    ),
    Step(
        "The examples are reproduced",
        reproduced,
        Rewriting((limit_definition, null_projector, projector, penrose[0], consistent)),
        "$W_\\infty X = Z$, so $f(X) = \\varphi(Z) = Y$.",
    ),
    Step(
        "No other weights would do",
        unique,
        Rewriting((equation(Z, W_other * X), within_span, null_projector, projector, *turned)),
        "Weights that differ from $W_0$ within the span and fit the examples are the limit.",
    ),
    Step("The response to any input", prediction, Rewriting((limit_definition,)), "Put the limit in."),
    Step(
        "The response to a combination of examples",
        span,
        Rewriting((limit_definition, null_projector, projector, penrose[0], consistent)),
        "It is the same combination of the $\\varphi^{-1}(y)$: the output lies in the nonlinear span.",
    ),
)


def derivation() -> Derivation:
    """The limit for any activation, its reach for leaky ReLU, and the fate of ReLU units."""
    return Derivation(
        name="nonlinear-span",
        title="One-layer networks with an activation function, and the nonlinear span of the training examples",
        statement=(
            every_step,
            weight_limit,
            reproduced,
            unique,
            prediction,
            span,
            *leaky_relu.CLAIMS,
            *relu_unit.CLAIMS,
            *relu_fate.CLAIMS,
            *relu_alternation.CLAIMS,
        ),
        assumptions=(
            *ASSUMPTIONS,
            *leaky_relu.ASSUMPTIONS,
            *relu_unit.ASSUMPTIONS,
            *relu_fate.ASSUMPTIONS,
            *relu_alternation.ASSUMPTIONS,
        ),
        steps=(*STEPS, *leaky_relu.STEPS, *relu_unit.STEPS, *relu_fate.STEPS, *relu_alternation.STEPS),
        source="Radhakrishnan, Yang, Belkin, Uhler: Memorization in Overparameterized Autoencoders, 2018; every step, "
        "leaky ReLU's convergence and ReLU's units are ours.",
        result={
            "limit weights": limit_definition.rhs,
            "response": prediction.rhs,
            **relu_unit.RESULT,
        },
        remarks=(
            "Outputs lie in the nonlinear span of the examples, $\\{\\varphi(Z k)\\}$, for inputs that are "
            "combinations of examples, or if $W_0 N = 0$ (zero initial weights, say). Otherwise the initial weights "
            "add $W_0 N x$: with $X = (1, 0)^T$ and $x = (0, 1)^T$ the response is the second column of $W_0$, "
            "whatever was learned.",
            "ReLU is not invertible; the formula for $W_\\infty$ holds with whatever responses $Z$ its units end at.",
        ),
    )
