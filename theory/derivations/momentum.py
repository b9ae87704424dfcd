"""Gradient descent with heavy-ball momentum, mode by mode: closed form and region of stability.

As `torch.optim.SGD` does it: `v ← β v + g`, `w ← w − η v`, from `v = 0`. The closed form and its proof are
ours; the stability region is Polyak's (1964), here by Jury's conditions.
"""

from __future__ import annotations

from functools import partial

from sympy import (
    Abs,
    And,
    Basic,
    Determinant,
    Equivalent,
    I,
    Identity,
    ImmutableMatrix,
    Integer,
    Limit,
    MatrixSymbol,
    Ne,
    Symbol,
    eye,
    oo,
    symbols,
)

from theory.derivations.linear_model import equation
from theory.proof.brute_force import BruteForce, Case
from theory.proof.derivation import Derivation
from theory.proof.expressions import matrix_sequence, scalar_sequence
from theory.proof.real_algebra import RealAlgebra
from theory.proof.rules import Algebra, GeometricLimit, Induction, Instance, MatrixEntries, Rewriting
from theory.proof.steps import Assumption, Step

__all__ = ["derivation"]

n = Symbol("n", integer=True, nonnegative=True)
eta, eigenvalue, a = symbols("eta lambda a", positive=True)
beta = Symbol("beta", nonnegative=True)
mu1, mu2, x = symbols("mu_1 mu_2 mu")
double = Symbol("mu_0", real=True, nonzero=True)
m1, m2, u = symbols("m_1 m_2 u", real=True)
w = Symbol("w", positive=True)
e, v, U, V = (scalar_sequence(name) for name in "evUV")
z, P = matrix_sequence("z", 2, 1), matrix_sequence("P", 2, 2)
M = MatrixSymbol("M", 2, 2)
middle = 1 + beta - a

velocity = equation(v(n + 1), beta * v(n) + eigenvalue * e(n))
error = equation(e(n + 1), e(n) - eta * v(n + 1))
at_rest = equation(v(0), Integer(0))
speed = equation(a, eta * eigenvalue)
state = equation(z(n), ImmutableMatrix([e(n), v(n)]))
transition = equation(M, ImmutableMatrix([[1 - a, -eta * beta], [eigenvalue, beta]]))
power_start, power_step = equation(P(0), Identity(2)), equation(P(n + 1), M * P(n))
first, second = equation(U(0), Integer(0)), equation(U(1), Integer(1))
recurrence = equation(U(n + 2), middle * U(n + 1) - beta * U(n))
root_sum, root_product = equation(mu1 + mu2, middle), equation(mu1 * mu2, beta)
distinct = Ne(mu1, mu2)
contractions = (Abs(mu1) < 1, Abs(mu2) < 1, Abs(double) < 1)
double_first, double_second = equation(V(0), Integer(0)), equation(V(1), Integer(1))
double_recurrence = equation(V(n + 2), 2 * double * V(n + 1) - double**2 * V(n))

ASSUMPTIONS = (
    Assumption(
        "Along an eigenvector of the Hessian with eigenvalue $\\lambda > 0$ the gradient is $\\lambda e$, $e$ the "
        "distance from the minimum (zero eigenvalues do not move). The velocity $v$ collects gradients with momentum "
        "$\\beta \\ge 0$:",
        velocity,
    ),
    Assumption("and moves the weight with learning rate $\\eta > 0$:", error),
    Assumption("It starts from rest:", at_rest),
    Assumption("The product of learning rate and eigenvalue is called", speed),
    Assumption("the state", state),
    Assumption("the transition matrix", transition),
    Assumption("and its powers $P_n = M^n$:", power_start),
    Assumption("and", power_step),
    Assumption("The sequence $U$ begins with", first),
    Assumption("and", second),
    Assumption("and goes on by", recurrence),
    Assumption(
        "The complex numbers $\\mu_1$, $\\mu_2$ are the roots of the characteristic polynomial: their sum is", root_sum
    ),
    Assumption("and their product", root_product),
    Assumption("They differ, unless said otherwise:", distinct),
    Assumption(
        "Where they are one double root $\\mu_0 \\neq 0$, so that $1 + \\beta - a = 2 \\mu_0$ and $\\beta = "
        "\\mu_0^2$, the "
        "sequence $U$ is called $V$:",
        double_first,
    ),
    Assumption("and", double_second),
    Assumption("and", double_recurrence),
    *(Assumption("In the limits, the roots lie inside the unit circle:", contraction) for contraction in contractions),
)

state_next, state_start = (equation(z(index), ImmutableMatrix([e(index), v(index)])) for index in (n + 1, Integer(0)))
motion = equation(z(n + 1), M * z(n))
characteristic = equation(Determinant(x * ImmutableMatrix(eye(2)) - transition.rhs), x**2 - middle * x + beta)
cayley = equation(M * M, middle * M - beta * Identity(2))
powers = equation(P(n), U(n) * M + (U(n + 1) - middle * U(n)) * Identity(2))
state_power = equation(z(n), P(n) * z(0))
left_over = U(n + 1) - beta * U(n)
closed = equation(z(n), ImmutableMatrix([left_over * e(0), eigenvalue * U(n) * e(0)]))
by_roots = equation(U(n), (mu1**n - mu2**n) / (mu1 - mu2))
by_roots_next = equation(U(n + 1), by_roots.rhs.subs(n, n + 1))
error_by_roots = equation(left_over, (mu1**n * (mu1 - beta) - mu2**n * (mu2 - beta)) / (mu1 - mu2))
weight_of_root = equation(mu1 - beta, mu1 * (1 - mu2))
by_double = equation(V(n), n * double ** (n - 1))
by_double_next = equation(V(n + 1), (n + 1) * double**n)
error_by_double = equation(V(n + 1) - double**2 * V(n), double**n * (1 + n * (1 - double)))
converges = equation(Limit(left_over, n, oo), Integer(0))
double_converges = equation(Limit(V(n + 1) - double**2 * V(n), n, oo), Integer(0))
at_one = equation((1 - mu1) * (1 - mu2), a)
at_minus_one = equation((1 + mu1) * (1 + mu2), 2 * (1 + beta) - a)
jury_real = Equivalent(
    And(m1 > -1, m1 < 1, m2 > -1, m2 < 1),
    And((1 - m1) * (1 - m2) > 0, (1 + m1) * (1 + m2) > 0, m1 * m2 < 1),
)
conjugate_product = equation((u + I * w) * (u - I * w), u**2 + w**2)
conjugate_one = equation((1 - u - I * w) * (1 - u + I * w), (1 - u) ** 2 + w**2)
conjugate_minus_one = equation((1 + u + I * w) * (1 + u - I * w), (1 + u) ** 2 + w**2)
max_lr = 2 * (1 + beta) / eigenvalue
stable_rate = equation(2 * (1 + beta) - a, eigenvalue * (max_lr - eta))


def carried_out(learning_rate: Basic, strength: Basic, steps: int) -> dict[Basic, Basic]:
    """Heavy ball carried out step by step from error `e_0`, and the sequence U beside it."""
    values: dict[Basic, Basic] = {n: Integer(steps), eta: learning_rate, beta: strength, v(0): Integer(0)}
    values[a] = learning_rate * eigenvalue
    distance, speed_now, states = e(0), Integer(0), []
    for _ in range(steps + 1):
        states.append(ImmutableMatrix([distance, speed_now]))
        speed_now = (strength * speed_now + eigenvalue * distance).expand()
        distance = (distance - learning_rate * speed_now).expand()
    terms = [Integer(0), Integer(1)]
    for _ in range(steps):
        terms.append((1 + strength - learning_rate * eigenvalue) * terms[-1] - strength * terms[-2])
    values |= {z(index): now for index, now in enumerate(states)}
    return values | {U(index): term for index, term in enumerate(terms)}


STEPS = (
    Step("The state, one step on", state_next, Instance((state,), variable=n, value=n + 1), "By definition."),
    Step("The state at the start", state_start, Instance((state,), variable=n, value=Integer(0)), "By definition."),
    Step(
        "One step is a matrix",
        motion,
        MatrixEntries((state_next, state, transition, velocity, error, speed)),
        "Put the new velocity into the new error.",
    ),
    Step(
        "The characteristic polynomial",
        characteristic,
        Algebra((speed,)),
        "Trace $1 + \\beta - a$, determinant $(1 - a) \\beta + \\eta \\beta \\lambda = \\beta$.",
    ),
    Step(
        "Cayley and Hamilton",
        cayley,
        MatrixEntries((transition, speed)),
        "A matrix is a root of its characteristic polynomial.",
    ),
    Step(
        "Powers of the matrix",
        powers,
        Induction(
            variable=n,
            recurrence=power_step,
            by=Rewriting((power_start, cayley, recurrence, first, second)),
        ),
        "Every power is a combination of $M$ and $I$, and the coefficients follow the recurrence of $U$.",
    ),
    Step(
        "The state is a power applied to the start",
        state_power,
        Induction(variable=n, recurrence=motion, by=Rewriting((power_start, power_step))),
        "One matrix per step.",
    ),
    Step(
        "Error and velocity in closed form",
        closed,
        MatrixEntries((state_power, powers, transition, state_start, at_rest, speed)),
        "The first column of the power.",
    ),
    Step(
        "The sequence by the roots",
        by_roots,
        Induction(
            variable=n,
            recurrence=recurrence,
            initial=(first, second),
            by=Algebra((root_sum, root_product, distinct)),
        ),
        "Both $\\mu_1^n$ and $\\mu_2^n$ follow the recurrence.",
    ),
    Step(
        "The same, one step on", by_roots_next, Instance((by_roots,), variable=n, value=n + 1), "By the same formula."
    ),
    Step(
        "The error by the roots",
        error_by_roots,
        Algebra((by_roots, by_roots_next, distinct)),
        "Collect the powers of each root.",
    ),
    Step(
        "No root is missing",
        weight_of_root,
        Algebra((root_product,)),
        "A root enters the error with a weight that vanishes only if it is zero or the other root is 1, that is $a = "
        "0$. So the error grows where a root lies outside the unit circle.",
    ),
    Step(
        "A double root",
        by_double,
        Induction(variable=n, recurrence=double_recurrence, initial=(double_first, double_second), by=Algebra()),
        "The limit of the quotient as the roots meet.",
    ),
    Step(
        "The same, one step on", by_double_next, Instance((by_double,), variable=n, value=n + 1), "By the same formula."
    ),
    Step(
        "The error at a double root",
        error_by_double,
        Algebra((by_double, by_double_next)),
        "Collect terms.",
    ),
    Step(
        "Convergence",
        converges,
        GeometricLimit((*contractions[:2], error_by_roots, distinct)),
        "Both powers vanish.",
    ),
    Step(
        "Convergence at a double root",
        double_converges,
        GeometricLimit((contractions[2], error_by_double)),
        "A power beats the factor $n$.",
    ),
    Step("Jury: the polynomial at 1", at_one, Algebra((root_sum, root_product)), "$1 - (1 + \\beta - a) + \\beta$."),
    Step(
        "Jury: the polynomial at $-1$",
        at_minus_one,
        Algebra((root_sum, root_product)),
        "$1 + (1 + \\beta - a) + \\beta$.",
    ),
    Step(
        "Jury: two real roots",
        jury_real,
        RealAlgebra(variables=(m1, m2)),
        "They lie inside $(-1, 1)$ if and only if the polynomial is positive at $1$ and $-1$ and the product is below "
        "1: by the two steps before, $0 < a < 2 (1 + \\beta)$ and $\\beta < 1$.",
    ),
    Step(
        "Jury: two conjugate roots, their product",
        conjugate_product,
        Algebra(),
        "It is the squared modulus of either, so both lie inside the unit circle if and only if $\\beta < 1$.",
    ),
    Step(
        "Jury: two conjugate roots, at 1",
        conjugate_one,
        Algebra(),
        "Positive for $w > 0$: the condition $a > 0$ holds by itself.",
    ),
    Step(
        "Jury: two conjugate roots, at $-1$",
        conjugate_minus_one,
        Algebra(),
        "Positive for $w > 0$: the condition $a < 2 (1 + \\beta)$ holds by itself.",
    ),
    Step(
        "The largest stable learning rate",
        stable_rate,
        Algebra((speed,)),
        "As $\\lambda > 0$, the condition $a < 2 (1 + \\beta)$ is $\\eta < 2 (1 + \\beta) / \\lambda$; the largest "
        "eigenvalue decides.",
    ),
    Step(
        "Heavy ball, one step at a time",
        closed,
        BruteForce(cases=tuple(Case(f"$n = {count}$", partial(carried_out, eta, beta, count)) for count in range(7))),
        "Symbolic learning rate, momentum and eigenvalue.",
    ),
)


def derivation() -> Derivation:
    """Heavy ball on one mode: the error after n steps, and when it vanishes."""
    return Derivation(
        name="momentum",
        title="Gradient descent with momentum, mode by mode",
        statement=(
            closed,
            by_roots,
            error_by_roots,
            by_double,
            error_by_double,
            converges,
            double_converges,
            at_one,
            at_minus_one,
            jury_real,
            conjugate_product,
            conjugate_one,
            conjugate_minus_one,
            stable_rate,
        ),
        assumptions=ASSUMPTIONS,
        steps=STEPS,
        source="The recurrence is that of torch.optim.SGD (Polyak, Some methods of speeding up the convergence of "
        "iteration methods, 1964); the conditions are Jury's.",
        result={
            "error by roots": error_by_roots.rhs,
            "error by double root": error_by_double.rhs,
            "U": by_roots.rhs,
            "left over": left_over,
            "max stable lr": max_lr,
        },
        remarks=(
            "For $\\beta = 0$ the roots are $1 - a$ and $0$, and the error is $(1 - a)^n e_0$.",
            "A double root is zero only for $\\beta = 0$ and $a = 1$: then one step arrives.",
            "On the boundary $a = 2 (1 + \\beta)$ one root is $-1$: the error does not vanish. At $\\beta \\ge 1$ it "
            "never does.",
        ),
    )
