"""Infinitely wide networks: the recursions of their kernels from the definitions, gradient flow, and what depth does.

Jacot et al. 2018, Lee et al. 2018 and 2019. The recursion of differences, the terms that skips after an activation add,
and the reading of deep networks with shrinking weights are ours.
"""

from __future__ import annotations

from sympy import Abs, Derivative, Identity, Integer, Limit, Lt, MatrixSymbol, Symbol, Trace, exp, oo, symbols

from theory.derivations.linear_model import equation
from theory.proof.chance import Expectation, ExpectedMatrix
from theory.proof.derivation import Derivation
from theory.proof.expectation import ExpectedTraces
from theory.proof.expressions import scalar_sequence
from theory.proof.induction import InequalityInduction
from theory.proof.inequalities import Inequality
from theory.proof.order import at_most, slack, total
from theory.proof.rules import Algebra, Differentiation, GeometricLimit, Induction, Rewriting
from theory.proof.steps import Assumption, Step

__all__ = ["derivation"]

n, P = (Symbol(name, integer=True, positive=True) for name in ("n", "P"))
t = Symbol("t", integer=True, nonnegative=True)
sigma = Symbol(r"\sigma_w", positive=True)
sigma_b = Symbol(r"\sigma_b", nonnegative=True)
omega, beta, entries, eigenvalue = symbols(r"omega beta N lambda", positive=True)
K, K_11, K_22, D, D_phi = symbols(r"K K_{11} K_{22} D D_{\varphi}", real=True)
kappa, kappa_11, kappa_22, kappa_dot = symbols(r"\kappa \kappa_{11} \kappa_{22} \dot{\kappa}", real=True)
Theta, Theta_before = symbols(r"\Theta \Theta_{-}", real=True)

w, phi, phi_2 = (MatrixSymbol(name, n, 1) for name in ("w", r"\varphi", r"\varphi'"))
slopes, slopes_2 = (MatrixSymbol(name, n, n) for name in (r"S", r"S'"))
J, J_2 = (MatrixSymbol(name, n, P) for name in ("J", "J'"))

law = equation(ExpectedMatrix(w * w.T, w), sigma**2 * Identity(n))
average = equation(Trace(phi * phi_2.T), kappa)
average_slopes = equation(Trace(slopes * slopes_2), kappa_dot)
separate = equation(J * J_2.T, Theta_before * Identity(n))
random_part = Trace(w.T * phi * phi_2.T * w)
through = Trace(w.T * slopes * J * J_2.T * slopes_2 * w)
covariance = equation(K, Expectation(random_part, w) + sigma_b**2)
tangents = equation(Theta, omega * Trace(phi * phi_2.T) + beta + Expectation(through, w))

of_weights = equation(Expectation(random_part, w), sigma**2 * kappa)
of_earlier = equation(Expectation(through, w), sigma**2 * kappa_dot * Theta_before)
nngp = equation(K, sigma**2 * kappa + sigma_b**2)
ntk = equation(Theta, omega * kappa + beta + sigma**2 * kappa_dot * Theta_before)

variance_1 = equation(K_11, sigma**2 * kappa_11 + sigma_b**2)
variance_2 = equation(K_22, sigma**2 * kappa_22 + sigma_b**2)
difference = equation(D, K_11 + K_22 - 2 * K)
difference_phi = equation(D_phi, kappa_11 + kappa_22 - 2 * kappa)
no_bias = equation(D, sigma**2 * D_phi)

x, x_2, r, r_2 = (MatrixSymbol(name, n, 1) for name in ("x", "x'", "r", "r'"))
m_x, m_x2, m_r, m_r2 = symbols("m_x m_{x'} m_r m_{r'}", real=True)
fresh = equation(Trace(r_2 * x.T), m_x * m_r2)
fresh_2 = equation(Trace(r * x_2.T), m_r * m_x2)
skip = equation(
    Trace((x + r) * (x_2 + r_2).T),
    Trace(x * x_2.T) + Trace(r * r_2.T) + m_x * m_r2 + m_r * m_x2,
)

time = Symbol("s", nonnegative=True)
start, start_x, target, across = symbols(r"f_0 f_0(x) T \Theta_x", real=True)
left = exp(-2 * eigenvalue * time / entries)
trained = target + left * (start - target)
answer = start_x + across / eigenvalue * (1 - left) * (target - start)
flow = equation(Derivative(trained, time), -2 / entries * eigenvalue * (trained - target))
flow_x = equation(Derivative(answer, time), -2 / entries * across * (trained - target))
decay, reply = Symbol("q", positive=True), scalar_sequence("f")
forgets = Lt(Abs(decay, evaluate=False), 1, evaluate=False)
at_times = equation(reply(t), start_x + across / eigenvalue * (1 - decay**t) * (target - start))
ends = equation(Limit(reply(t), t, oo), start_x + across / eigenvalue * (target - start))

shrink, rest = Symbol("chi", positive=True), Symbol("q_*", nonnegative=True)
Q, Delta, Delta_phi = (scalar_sequence(name) for name in ("v", "D", r"D^{\varphi}"))
halved = equation(shrink, sigma**2 / 2)
below_one = Lt(Abs(shrink, evaluate=False), 1, evaluate=False)
second_moment = equation(Q(t + 1), shrink * Q(t) + sigma_b**2)
fixed = equation(rest, shrink * rest + sigma_b**2)
carried = equation(Delta(t + 1), sigma**2 * Delta_phi(t))
contracts = at_most(Delta_phi(t), Delta(t) / 2)
starts = at_most(Integer(0), Delta(0))
variances = equation(Q(t), rest + shrink**t * (Q(0) - rest))
settles = equation(Limit(Q(t), t, oo), rest)
one_layer = at_most(Delta(t + 1), shrink * Delta(t))
forgotten = at_most(Delta(t), shrink**t * Delta(0))

ASSUMPTIONS = (
    Assumption(
        "A unit's pre-activation is $h = w^T \\varphi + b$, with $\\varphi$ the $n$ activations before it for an "
        "input, divided by $\\sqrt{n}$, and $\\varphi'$ those for another. Independent of them, $w$ has mean zero and",
        law,
    ),
    Assumption("and $b$ has the variance $\\sigma_b^2$, so that $K = \\mathrm{E} \\, h h'$ is", covariance),
    Assumption(
        "In the limit of infinite width, the activations' average product is its expectation $\\kappa$ (the law of "
        "large numbers; for finite $n$ this is what is neglected):",
        average,
    ),
    Assumption("as is that of their slopes, the diagonals of $S$ and $S'$, divided likewise:", average_slopes),
    Assumption(
        "and tangents of different units are orthogonal, with the kernel $\\Theta_{-}$ of the layer before on the "
        "diagonal; the rows of $J$ are the gradients of the $n$ pre-activations before:",
        separate,
    ),
    Assumption(
        "A step on the layer's own weights counts $\\omega$ times, and on its bias $\\beta$ times; those before act "
        "through $w^T S$. So the tangent kernel is",
        tangents,
    ),
    Assumption("The same for an input with itself:", variance_1),
    Assumption("and the other:", variance_2),
    Assumption("Differences have the variance", difference),
    Assumption("before, after the activation,", difference_phi),
    Assumption(
        "In a network with skips, $x$ is what is skipped and $r$ the branch, divided by $\\sqrt{n}$. The branch's "
        "weights are fresh, so that its units are independent of the skipped ones, though neither has mean zero:",
        fresh,
    ),
    Assumption("and", fresh_2),
    Assumption("At whole times $t$, with $q = e^{-2 \\lambda / N}$, an answer is", at_times),
    Assumption("where", forgets),
    Assumption("Of ReLU networks (arc-cosine), let $\\chi$ be", halved),
    Assumption("with weights so small that", below_one),
    Assumption("Variances follow", second_moment),
    Assumption("and have the fixed point", fixed),
    Assumption("Differences follow (above)", carried),
    Assumption("and ReLU at least halves them (arc-cosine, as $j \\ge 0$):", contracts),
    Assumption("from", starts),
)
STEPS = (
    Step("One layer's weights", of_weights, ExpectedTraces((law, average)), "Uncorrelated weights, averaged."),
    Step("The covariance", nngp, Algebra((covariance, of_weights)), "The recursion of $K$."),
    Step(
        "What earlier weights do",
        of_earlier,
        ExpectedTraces((law, separate, average_slopes)),
        "The chain rule, averaged over the weights that it passes.",
    ),
    Step("The tangent kernel", ntk, Algebra((tangents, of_earlier, average)), "The recursion of $\\Theta$."),
    Step(
        "No bias moves a difference",
        no_bias,
        Algebra((difference, difference_phi, nngp, variance_1, variance_2)),
        "It drops out.",
    ),
    Step("Skips", skip, Rewriting((fresh, fresh_2)), "Means make cross terms; tangents make none."),
    Step("Gradient flow on a mode of the training outputs", flow, Differentiation(), "A scalar linear equation."),
    Step("and on any other output", flow_x, Differentiation(), "It moves with the training outputs' error."),
    Step("In the end", ends, GeometricLimit((forgets, at_times)), "Each mode is learned."),
    Step(
        "Variances, layer by layer",
        variances,
        Induction(variable=t, recurrence=second_moment, by=Algebra((fixed,))),
        "A geometric sequence.",
    ),
    Step("They settle", settles, GeometricLimit((below_one, variances)), "Where biases hold them."),
    Step(
        "A layer shrinks differences",
        one_layer,
        Inequality((carried, contracts, halved), certificate=sigma**2 * slack(contracts)),
        "By $\\sigma_w^2 / 2$ at least.",
    ),
    Step(
        "Differences are forgotten",
        forgotten,
        InequalityInduction(
            variable=t,
            base=Inequality(certificate=Integer(0)),
            step=Inequality((one_layer,), certificate=total(slack(one_layer), shrink * slack(forgotten))),
        ),
        "While variances stay: all inputs become one, and a network that has learned to say $\\hat{x}$ says it always. "
        "Without biases both shrink alike, and angles are what they would be with $\\sigma_w^2 = 2$.",
    ),
)


def derivation() -> Derivation:
    """The kernels of infinitely wide networks, gradient flow, and deep networks with shrinking weights."""
    return Derivation(
        name="wide-limit",
        title="Infinitely wide networks",
        statement=(nngp, ntk, no_bias, skip, flow, flow_x, ends, settles, forgotten),
        assumptions=ASSUMPTIONS,
        steps=STEPS,
        source="Jacot et al. 2018; Lee et al. 2019; differences, skips and the deep limit are ours",
        result={"nngp": nngp.rhs, "ntk": ntk.rhs, "answer": answer},
        remarks=(
            "Convolutions: $\\kappa$ and $\\dot{\\kappa} \\Theta_{-}$ are averages over the taps of the kernel, pixel "
            "pair by pixel pair (Arora et al. 2019); averages keep all of the above.",
            "Gradient flow is stated in an eigenvector of $\\Theta(\\hat{x}, \\hat{x})$ with eigenvalue $\\lambda$; "
            "$N$ is the number of target entries, over which torch's loss is the mean.",
        ),
    )
