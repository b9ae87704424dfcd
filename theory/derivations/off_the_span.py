"""Fully connected networks of any depth off the span of their training images: what `theory.depth` states, derived.

The first layer's weights move along the training images only; so rotations about these carry one training over into
another, and a deep linear network answers with what it learned and its initial weights' noise.
"""

from __future__ import annotations

from sympy import Identity, MatrixSymbol, Symbol, Transpose, ZeroMatrix, symbols

from theory.derivations.linear_model import equation, transposed
from theory.proof.derivation import Derivation
from theory.proof.expressions import matrix_sequence
from theory.proof.rules import Chain, Induction, Instance, Rewriting
from theory.proof.steps import Assumption, Step

__all__ = ["derivation"]

n, d, h, o, above, below = (
    Symbol(name, integer=True, positive=True) for name in ("n", "d", "h", "o", "h_{+}", "h_{-}")
)
t = Symbol("t", integer=True, nonnegative=True)
eta, beta = symbols("eta beta", positive=True)

X, N, Q = MatrixSymbol("X", n, d), MatrixSymbol("N", d, d), MatrixSymbol("Q", d, d)
A, x, c = MatrixSymbol("A", o, h), MatrixSymbol("x", d, 1), MatrixSymbol("c", n, 1)
W, V = matrix_sequence("W", h, d), matrix_sequence("V", h, d)
turned, turned_velocity = matrix_sequence(r"W'", h, d), matrix_sequence(r"V'", h, d)
delta = matrix_sequence(r"\delta", h, n)

velocity = equation(V(t + 1), beta * V(t) + delta(t) * X)
at_rest = equation(V(0), ZeroMatrix(h, d))
weights = equation(W(t + 1), W(t) - eta * V(t + 1))
null = equation(X * N, ZeroMatrix(n, d))
orthogonal = equation(Q.T * Q, Identity(d))
fixed = equation(X * Q.T, X)
fixed_back = equation(X * Q, X)
of_turned = equation(turned(t), W(t) * Q.T)
of_turned_velocity = equation(turned_velocity(t), V(t) * Q.T)
known_part = equation((Identity(d) - N) * x, X.T * c)

velocity_off = equation(V(t + 1) * N, beta * V(t) * N)
at_rest_off = equation(V(0) * N, ZeroMatrix(h, d))
no_velocity = equation(V(t) * N, ZeroMatrix(h, d))
no_velocity_next = equation(V(t + 1) * N, ZeroMatrix(h, d))
stays = equation(W(t + 1) * N, W(t) * N)
unmoved = equation(W(t) * N, W(0) * N)

next_turned = equation(turned(t + 1), W(t + 1) * Q.T)
next_turned_velocity = equation(turned_velocity(t + 1), V(t + 1) * Q.T)
same_outputs = equation(turned(t) * X.T, W(t) * X.T)
turned_step = equation(turned_velocity(t + 1), beta * turned_velocity(t) + delta(t) * X)
turned_weights = equation(turned(t + 1), turned(t) - eta * turned_velocity(t + 1))
rotated = equation(turned(t) * x, W(t) * (Q.T * x))

split = equation(x, X.T * c + N * x)
answer = equation(A * W(t) * x, A * W(t) * X.T * c + A * W(0) * N * x)

# Two neighbouring layers of a linear network, S upon P: their step on errors E behind S and inputs H before P.
S, P = MatrixSymbol("S", above, h), MatrixSymbol("P", h, below)
S_next, P_next = MatrixSymbol("S'", above, h), MatrixSymbol("P'", h, below)
G_S, G_P = MatrixSymbol("G_{S}", above, h), MatrixSymbol("G_{P}", h, below)
E, H = MatrixSymbol("E", above, n), MatrixSymbol("H", below, n)
upper_gradient = equation(G_S, E * Transpose(P * H))
lower_gradient = equation(G_P, S.T * E * H.T)
upper_step = equation(S_next, S - eta * G_S)
lower_step = equation(P_next, P - eta * G_P)
crossed = equation(S.T * G_S, G_P * P.T)
crossed_back = equation(G_S.T * S, P * G_P.T)
balance = equation(S_next.T * S_next - P_next * P_next.T, S.T * S - P * P.T + eta**2 * (G_S.T * G_S - G_P * G_P.T))

ASSUMPTIONS = (
    Assumption(
        "The network is $f(x) = g(W x)$ with a real $h \\times d$ matrix $W$ and any $g$: further layers, activations "
        "and biases. It is trained on the $n$ rows of the real $n \\times d$ matrix $X$ by gradient descent with "
        "learning rate $\\eta$ and momentum $\\beta$. Column $i$ of $\\delta_t$ is the derivative of the loss by "
        "$W_t \\hat{x}_i$, so that the gradient by $W$ is $\\delta_t X$, and the velocity of $W$ follows",
        velocity,
    ),
    Assumption("from rest:", at_rest),
    Assumption("The weights follow it:", weights),
    Assumption(
        "$N$ is a matrix whose columns are orthogonal to all images, such as the projector $\\Pi_\\perp$:", null
    ),
    Assumption("$Q$ is an orthogonal matrix,", orthogonal),
    Assumption("that leaves the images as they are, $Q \\hat{x}_i = \\hat{x}_i$:", fixed),
    Assumption("Name", of_turned),
    Assumption("and", of_turned_velocity),
    Assumption("For an input $x$, what $N$ leaves is a combination of images:", known_part),
    Assumption(
        "Two neighbouring layers of a linear network, $S$ upon $P$, with errors $E$ behind $S$ and inputs $H$ before "
        "$P$, have the gradients",
        upper_gradient,
    ),
    Assumption("and", lower_gradient),
    Assumption("A step of descent without momentum takes them to", upper_step),
    Assumption("and", lower_step),
)

STEPS = (
    Step(
        "Off the span velocity only decays", velocity_off, Rewriting((velocity, null)), "Images are orthogonal to $N$."
    ),
    Step("At the start there is none", at_rest_off, Rewriting((at_rest,)), "The velocity is zero."),
    Step(
        "So there is never any",
        no_velocity,
        Induction(variable=t, recurrence=velocity_off, initial=(at_rest_off,)),
        "Zero times $\\beta$ is zero.",
    ),
    Step("Nor after the next step", no_velocity_next, Instance((no_velocity,), variable=t, value=t + 1), "The same."),
    Step("A step moves nothing off the span", stays, Rewriting((weights, no_velocity_next)), "By the velocity."),
    Step(
        "Off the span the weights stay what they were",
        unmoved,
        Induction(variable=t, recurrence=stays),
        "Whatever the other layers do.",
    ),
    Step(
        "Rotating back leaves the images, too",
        fixed_back,
        Chain(through=(X * Q.T * Q,), by=(Rewriting((fixed,)), Rewriting((orthogonal,)))),
        "$X = X Q^T$, and $Q^T Q = I$.",
    ),
    Step(
        "Rotated weights answer the images alike",
        same_outputs,
        Rewriting((of_turned, equation(Q.T * X.T, X.T))),
        "$Q \\hat{x}_i = \\hat{x}_i$, so that all layers above, and $\\delta_t$, are the same in both trainings.",
    ),
    Step("The rotated weights after a step", next_turned, Instance((of_turned,), variable=t, value=t + 1), "By name."),
    Step(
        "Their velocity after a step",
        next_turned_velocity,
        Instance((of_turned_velocity,), variable=t, value=t + 1),
        "By name.",
    ),
    Step(
        "The rotated velocity is the one of a training",
        turned_step,
        Rewriting((next_turned_velocity, velocity, fixed, of_turned_velocity)),
        "$\\delta_t X Q^T = \\delta_t X$.",
    ),
    Step(
        "And the rotated weights are its weights",
        turned_weights,
        Rewriting((next_turned, next_turned_velocity, weights, of_turned)),
        "So $W_t Q^T$ is the training that starts at $W_0 Q^T$.",
    ),
    Step(
        "The rotated network is the network of the rotated input",
        rotated,
        Rewriting((of_turned,)),
        "$W_t Q^T x$ is what the layers above see.",
    ),
    Step(
        "An input, in its two parts",
        split,
        Rewriting((equation(X.T * c, known_part.lhs),)),
        "What is known, and $N x$.",
    ),
    Step(
        "What a linear network answers",
        answer,
        Rewriting((equation(X.T * c, known_part.lhs), unmoved)),
        "With $A$ the product of the other layers: the answers to the images, combined, and the noise of the initial "
        "weights.",
    ),
    Step(
        "Gradients of neighbouring layers",
        crossed,
        Rewriting((upper_gradient, lower_gradient)),
        "Both are $S^T E H^T P^T$.",
    ),
    Step(
        "The same, transposed",
        crossed_back,
        Rewriting((transposed(upper_gradient), transposed(lower_gradient))),
        "Both are $P H E^T S$.",
    ),
    Step(
        "A step changes the balance by the squares of steps alone",
        balance,
        Rewriting((upper_step, transposed(upper_step), lower_step, transposed(lower_step), crossed, crossed_back)),
        "What is linear in $\\eta$ cancels; in gradient flow it is all.",
    ),
)


def derivation() -> Derivation:
    """What stays, rotations, linear networks' answers, and the balance of their layers."""
    return Derivation(
        name="off-the-span",
        title="Fully connected networks of any depth, off the span of their training images",
        statement=(unmoved, turned_step, turned_weights, rotated, answer, balance),
        assumptions=ASSUMPTIONS,
        steps=STEPS,
        source="Ours; the balance in gradient flow is Arora, Cohen, Hazan: On the Optimization of Deep Networks, ICML "
        "2018, Theorem 1.",
        result={"answer": answer.rhs},
        remarks=(
            "That all layers above are the same in both trainings is by induction on $t$: they are at the start, and "
            "equal outputs on the images give them equal gradients.",
            "Adam and its like scale each entry of $\\delta_t X$ by itself: their steps are no $\\delta X$ any more.",
            "If $W_0$ is Gaussian with independent entries of one variance, $W_0 N$ is independent of $W_0 X^T$, all "
            "that training sees of $W_0$, and so of $A$: the noise is $N(0, \\sigma^2 |N x|^2 A A^T)$ given $A$.",
        ),
    )
