"""A ReLU unit and one example: its response while it is alive, how it dies, and where it then comes to rest.

The response z of a unit to the only example follows a recurrence of its own. While z > 0 it is that of a linear unit
(theory/derivations/momentum.py); once z ≤ 0 the gradient is zero (PyTorch has relu'(0) = 0) and the velocity runs out.
Who dies is worked out in relu_fate.py, for every learning rate and momentum; theory/relu.py follows both. Ours.
"""

from __future__ import annotations

from sympy import Abs, Basic, Expr, Integer, Limit, Lt, Symbol, oo, symbols

from theory.derivations.linear_model import equation
from theory.proof.induction import InequalityInduction
from theory.proof.inequalities import Inequality
from theory.proof.order import Conditional, at_most, positive, slack, total, when
from theory.proof.real_terms import real_sequence
from theory.proof.rules import Algebra, GeometricLimit, Induction, Instance
from theory.proof.steps import Assumption, Step

__all__ = [
    "ASSUMPTIONS",
    "CLAIMS",
    "RESULT",
    "STEPS",
    "U",
    "a",
    "after",
    "beta",
    "ell",
    "first",
    "instance",
    "left",
    "recurrence",
    "recurrence_next",
    "recurrence_one",
    "second",
    "t",
    "y",
    "z",
]

t = Symbol("t", integer=True, nonnegative=True)
a = Symbol("a", positive=True)
beta, y = symbols("beta y", nonnegative=True)
z, u, U, ell, D, Z = (real_sequence(name) for name in ("z", "v", "U", r"\ell", "d", "s"))
after = 1 + beta - a

velocity = equation(u(t + 1), beta * u(t) + a * (z(t) - y))
response = equation(z(t + 1), z(t) - u(t + 1))
at_rest = equation(u(0), Integer(0))
recurrence = equation(U(t + 2), after * U(t + 1) - beta * U(t))
first, second = equation(U(0), Integer(0)), equation(U(1), Integer(1))
left = equation(ell(t), U(t + 1) - beta * U(t))
no_blowup, decaying = Lt(beta, 1, evaluate=False), Lt(Abs(beta, evaluate=False), 1, evaluate=False)
coast_velocity = equation(D(t + 1), beta * D(t))
coast_response = equation(Z(t + 1), Z(t) - D(t + 1))
downward, dead = positive(D(0)), at_most(Z(0), Integer(0))

ASSUMPTIONS = (
    Assumption(
        "A ReLU unit has the response $z_t$ to the only example $\\hat{x}$, which is not zero, and the target $y \\ge "
        "0$. The rate is $a = 2 \\eta \\hat{x}^T \\hat{x} / |T|$; the displacement $v$, learning rate times velocity, "
        "has momentum $\\beta$. As long as $z_t > 0$",
        velocity,
    ),
    Assumption("and", response),
    Assumption("from rest:", at_rest),
    Assumption("The sequence $U$ is that of the derivation momentum:", recurrence),
    Assumption("begins with", first),
    Assumption("and", second),
    Assumption("What is left of the initial error of an alive unit will turn out to be", left),
    Assumption("Momentum is below 1:", no_blowup),
    Assumption("that is", decaying),
    Assumption(
        "From its death on the unit has no gradient. Its displacement is now called $d$ and its response $s$, counted "
        "from the step of death, and as long as $s \\le 0$",
        coast_velocity,
    ),
    Assumption("and", coast_response),
    Assumption("It moves downward, as will be shown,", downward),
    Assumption("and starts dead:", dead),
)


def instance(title: str, general: Basic, value: Expr) -> tuple[Basic, Step]:
    """An equation at another index, and the step that says so."""
    special = equation(general.lhs.subs(t, value), general.rhs.subs(t, value))
    return special, Step(title, special, Instance((general,), variable=t, value=value), "At another step.")


velocity_next, velocity_next_step = instance("The displacement, one step on", velocity, t + 1)
response_next, response_next_step = instance("The response, one step on", response, t + 1)
velocity_one, velocity_one_step = instance("The first displacement", velocity, Integer(0))
response_one, response_one_step = instance("The first response", response, Integer(0))
recurrence_one, recurrence_one_step = instance("The sequence at 2", recurrence, Integer(0))
recurrence_next, recurrence_next_step = instance("The sequence, one step on", recurrence, t + 1)
second_order = equation(z(t + 2), y + after * (z(t + 1) - y) - beta * (z(t) - y))
start_one = equation(z(1), y + (1 - a) * (z(0) - y))
closed = equation(z(t), y + (U(t + 1) - beta * U(t)) * (z(0) - y))
closed_next, closed_next_step = instance("The response, in closed form one step on", closed, t + 1)
by_left = equation(z(t), y + ell(t) * (z(0) - y))
displacement = equation(u(t + 1), a * U(t + 1) * (z(0) - y))

alive, dies = positive(z(t)), at_most(z(t + 1), Integer(0))
momentum_down = when(alive, dies)(positive(u(t + 1)))
coast = equation(D(t), beta**t * D(0))
coast_next, coast_next_step = instance("The coasting velocity, one step on", coast, t + 1)
coasting = equation(Z(t), Z(0) - D(0) * beta * (1 - beta**t) / (1 - beta))
falling = at_most(Z(t + 1), Z(t))
below_start, stays_dead = at_most(Z(t), Z(0)), at_most(Z(t), Integer(0))
rest = equation(Limit(Z(t), t, oo), Z(0) - D(0) * beta / (1 - beta))
frozen = equation(
    z(t + 1) - u(t + 1) * beta / (1 - beta),
    y + (U(t + 2) - beta * U(t + 1) - a * beta / (1 - beta) * U(t + 1)) * (z(0) - y),
)

ALIVE = (
    velocity_next_step,
    response_next_step,
    velocity_one_step,
    response_one_step,
    recurrence_one_step,
    recurrence_next_step,
    Step(
        "The alive unit is linear",
        second_order,
        Algebra((velocity_next, response, response_next)),
        "Eliminate the displacement.",
    ),
    Step("Its first step", start_one, Algebra((velocity_one, response_one, at_rest)), "From rest."),
    Step(
        "The response of an alive unit",
        closed,
        Induction(
            variable=t,
            recurrence=second_order,
            initial=(start_one,),
            by=Algebra((recurrence, recurrence_one, recurrence_next, first, second)),
        ),
        "So the unit is alive for all steps up to $t$ if and only if this is positive for all of them, and dies in the "
        "first step in which it is not.",
    ),
    closed_next_step,
    Step(
        "What is left of the initial error",
        by_left,
        Algebra((closed, left)),
        "A unit that starts above its target dies when $-\\ell_t$ first reaches $y / (z_0 - y)$, one that starts below "
        "it when $\\ell_t$ first reaches $y / (y - z_0)$.",
    ),
    Step(
        "The displacement of an alive unit",
        displacement,
        Algebra((response, closed, closed_next, recurrence)),
        "The difference of two responses.",
    ),
)
DEATH = (
    Step(
        "A dying unit moves downward",
        momentum_down,
        Conditional(by=Inequality((response,), certificate=total(slack(alive), slack(dies)))),
        "From above zero to not above zero.",
    ),
    Step(
        "It coasts",
        coast,
        Induction(variable=t, recurrence=coast_velocity, by=Algebra()),
        "No gradient, only momentum.",
    ),
    coast_next_step,
    Step(
        "How far it coasts",
        coasting,
        Induction(variable=t, recurrence=coast_response, by=Algebra((coast_next, no_blowup))),
        "A geometric series.",
    ),
    Step(
        "It never turns",
        falling,
        Inequality((coast_response, coast_next, downward), certificate=beta ** (t + 1) * slack(downward)),
        "Nothing turns the velocity round.",
    ),
    Step(
        "It never comes back",
        below_start,
        InequalityInduction(
            variable=t,
            base=Inequality(certificate=Integer(0)),
            step=Inequality((falling,), certificate=total(slack(falling), slack(below_start))),
        ),
        "By induction.",
    ),
    Step(
        "Momentum revives no unit",
        stays_dead,
        Inequality((below_start, dead), certificate=total(slack(below_start), slack(dead))),
        "It carries dead units further down. So the recurrence of the dead unit holds for ever.",
    ),
    Step(
        "Where a dead unit comes to rest",
        rest,
        GeometricLimit((decaying, coasting, no_blowup)),
        "Without momentum, where it died.",
    ),
    Step(
        "Its resting place, from the initial response",
        frozen,
        Algebra((closed_next, displacement, no_blowup)),
        "For a unit that dies in step $t + 1$.",
    ),
)
CLAIMS = (closed, by_left, displacement, momentum_down, stays_dead, rest, frozen)
RESULT = {"alive": closed.rhs, "displacement": displacement.rhs, "frozen": frozen.rhs}
STEPS = (*ALIVE, *DEATH)
