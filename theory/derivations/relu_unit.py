"""A ReLU unit and one example: which initial responses end at the target, and which die.

The response z of a unit to the only example follows a recurrence of its own. While z > 0 it is that of a linear unit
(theory/derivations/momentum.py); once z ≤ 0 the gradient is zero (PyTorch has relu'(0) = 0) and the velocity runs out.
Worked out for every learning rate and momentum; theory/relu.py follows it. Ours.
"""

from __future__ import annotations

from sympy import Abs, And, Basic, Equivalent, Expr, Gt, Implies, Integer, Limit, Lt, Symbol, oo, symbols

from theory.derivations.derivation import Assumption, Step
from theory.derivations.inequalities import Inequality
from theory.derivations.inequality_induction import InequalityInduction, JointInduction
from theory.derivations.linear_model import equation
from theory.derivations.order import Conditional, PartOf, at_most, slack, total
from theory.derivations.real_algebra import RealAlgebra
from theory.derivations.real_terms import real_sequence
from theory.derivations.rules import Algebra, GeometricLimit, Induction, Instance

__all__ = ["ASSUMPTIONS", "CLAIMS", "RESULT", "STEPS"]

t = Symbol("t", integer=True, nonnegative=True)
a, y = symbols("a y", positive=True)
beta, b = symbols("beta b", nonnegative=True)
rate, level, e, g = symbols("a y e g", real=True)
z, u, U, E, D, Z, r, o, ell, invariance = (
    real_sequence(name) for name in ("z", "u", "U", "w", "d", "s", "r", "o", r"\ell", "I")
)
k = real_sequence("k")
after = 1 + beta - a


def positive(term: Expr) -> Gt:
    """``term > 0``, not evaluated."""
    return Gt(term, 0, evaluate=False)


# The unit.
velocity = equation(u(t + 1), beta * u(t) + a * (z(t) - y))
response = equation(z(t + 1), z(t) - u(t + 1))
at_rest = equation(u(0), Integer(0))
recurrence = equation(U(t + 2), after * U(t + 1) - beta * U(t))
first, second = equation(U(0), Integer(0)), equation(U(1), Integer(1))
alive, dies = positive(z(t)), at_most(z(t + 1), Integer(0))
coast_velocity = equation(D(t + 1), beta * D(t))
coast_response = equation(Z(t + 1), Z(t) - D(t + 1))
downward, dead = positive(D(0)), at_most(Z(0), Integer(0))
no_blowup, decaying = Lt(beta, 1, evaluate=False), Lt(Abs(beta, evaluate=False), 1, evaluate=False)
# Without momentum.
plain, plain_alive = equation(r(t + 1), r(t) - a * (r(t) - y)), positive(r(0))
small, large, stable = at_most(a, Integer(1)), Gt(a, 2, evaluate=False), Abs(1 - a) < 1
black, black_alive, below_one = equation(o(t + 1), (1 - a) * o(t)), positive(o(0)), Lt(a, 1, evaluate=False)
# What is left of the initial error.
left, left_next = equation(ell(t), U(t + 1) - beta * U(t)), equation(ell(t + 1), U(t + 2) - beta * U(t + 1))
invariant = equation(invariance(t), ell(t + 1) ** 2 - after * ell(t + 1) * ell(t) + beta * ell(t) ** 2)
gentle, root, root_below_one = at_most(a, (1 - b) ** 2), equation(beta, b**2), Lt(b, 1, evaluate=False)
excess = equation(E(t), ell(t + 1) - b * ell(t))
alternating = equation(k(t + 2), (a - 1 - beta) * k(t + 1) - beta * k(t))
not_negative, edge = at_most(Integer(0), k(t + 1)), Lt(a, 2 * (1 + beta), evaluate=False)

ASSUMPTIONS = (
    Assumption(
        "A ReLU unit has the response $z_t$ to the only example $\\hat{x}$, which is not zero, and the target $y "
        "\\ge 0$. The rate is $a = 2 \\eta \\hat{x}^T \\hat{x} / |T|$; the displacement $u$, learning rate times "
        "velocity, has momentum "
        "$\\beta$. As long as $z_t > 0$",
        velocity,
    ),
    Assumption("and", response),
    Assumption("from rest:", at_rest),
    Assumption("The sequence $U$ is that of the derivation momentum:", recurrence),
    Assumption("begins with", first),
    Assumption("and", second),
    Assumption("A unit dies in the step in which it goes from", alive),
    Assumption("to", dies),
    Assumption(
        "From then on its gradient is zero. Its displacement is called $d$ and its response $s$, counted from the "
        "step of death, and as long as $s \\le 0$",
        coast_velocity,
    ),
    Assumption("and", coast_response),
    Assumption("It moves downward, as will be shown,", downward),
    Assumption("and starts dead:", dead),
    Assumption("Momentum is below 1:", no_blowup),
    Assumption("that is", decaying),
    Assumption("Without momentum, and with $y > 0$, the response is called $r$:", plain),
    Assumption("It starts alive:", plain_alive),
    Assumption("A small rate is one with", small),
    Assumption("a stable one one with", stable),
    Assumption("and an unstable one one with", large),
    Assumption("Without momentum and with $y = 0$, the response is called $o$:", black),
    Assumption("It starts alive:", black_alive),
    Assumption("where the rate is below 1 it says so:", below_one),
    Assumption("With momentum, what is left of the initial error $z_0 - y$ while the unit is alive is", left),
    Assumption("Abbreviations:", invariant),
    Assumption("and", excess),
    Assumption("Momentum that does not overshoot, with $b = \\sqrt{\\beta}$:", root),
    Assumption("and so", root_below_one),
    Assumption("has", gentle),
    Assumption(
        "Where both roots are negative, that is $a \\ge (1 + \\sqrt{\\beta})^2$, $k_t = (-1)^t \\ell_t$ is not "
        "negative and has the recurrence",
        alternating,
    ),
    Assumption("with", not_negative),
    Assumption("and the rate is stable:", edge),
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
displacement = equation(u(t + 1), a * U(t + 1) * (z(0) - y))
momentum_down = positive(u(t + 1))
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
        "So the unit is alive for all steps up to $t$ if and only if this is positive for all of them, and dies in "
        "the first step in which it is not.",
    ),
    closed_next_step,
    Step(
        "Its displacement",
        displacement,
        Algebra((response, closed, closed_next, recurrence)),
        "The difference of two responses.",
    ),
)
DEATH = (
    Step(
        "A dying unit moves downward",
        momentum_down,
        Inequality((response, alive, dies), certificate=total(slack(alive), slack(dies))),
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
        "Where it comes to rest",
        rest,
        GeometricLimit((decaying, coasting, no_blowup)),
        "Without momentum, where it died.",
    ),
    Step(
        "The same from the initial response",
        frozen,
        Algebra((closed_next, displacement, no_blowup)),
        "For a unit that dies in step $t + 1$.",
    ),
)

plain_closed = equation(r(t), y + (1 - a) ** t * (r(0) - y))
plain_positive = positive(r(t))
plain_limit = equation(Limit(r(t), t, oo), y)
black_positive = positive(o(t))
black_killed = Implies(And(rate > 1, e > 0), (1 - rate) * e < 0)
killed = Equivalent(level + (1 - rate) * e <= 0, (rate - 1) * e >= level)
spared = Implies(
    And(rate > 1, rate < 2, level > 0, level + e > 0, (rate - 1) * e < level),
    And(level + (1 - rate) * e > 0, (rate - 1) * (1 - rate) * e < level),
)
bernoulli = at_most(1 + t * (a - 2), (a - 1) ** t)
overshot = Implies(And(rate > 2, level > 0, g >= level), And(level - g <= 0, level - (rate - 1) * g <= 0))
PLAIN = (
    Step(
        "No momentum: an alive unit",
        plain_closed,
        Induction(variable=t, recurrence=plain, by=Algebra()),
        "A geometric sequence.",
    ),
    Step(
        "No momentum, small rate: it lives",
        plain_positive,
        InequalityInduction(
            variable=t,
            base=Inequality((plain_alive,), certificate=slack(plain_alive)),
            step=Inequality((plain, small), certificate=total(slack(small) * r(t), a * y)),
        ),
        "The next response is between this one and the target.",
    ),
    Step(
        "No momentum, rate between 1 and 2: who dies in the first step",
        killed,
        RealAlgebra(variables=(rate, e, level)),
        "With $e = z_0 - y$: the units with $z_0 \\ge a y / (a - 1)$.",
    ),
    Step(
        "No momentum, rate between 1 and 2: the others live",
        spared,
        RealAlgebra(variables=(rate, e, level)),
        "A response that is positive, and not so large that the next one is not, is followed by another such: later "
        "overshoots are smaller.",
    ),
    Step(
        "No momentum, rate below 2: what lives arrives",
        plain_limit,
        GeometricLimit((stable, plain_closed)),
        "The factor is less than 1 in modulus.",
    ),
    Step(
        "No momentum, rate above 2: errors grow",
        bernoulli,
        InequalityInduction(
            variable=t,
            base=Inequality(certificate=Integer(0)),
            step=Inequality(
                (large,), certificate=total(slack(large) * slack(bernoulli), slack(bernoulli), t * slack(large) ** 2)
            ),
        ),
        "Beyond all bounds.",
    ),
    Step(
        "No momentum, rate above 2: who does not start at the target dies",
        overshot,
        RealAlgebra(variables=(rate, g, level)),
        "Once the error is $\\pm g$ with $g \\ge y$, this response or the next is not positive.",
    ),
    Step(
        "Black targets, small rate",
        black_positive,
        InequalityInduction(
            variable=t,
            base=Inequality((black_alive,), certificate=slack(black_alive)),
            step=Inequality((black, below_one), certificate=slack(below_one) * o(t)),
        ),
        "For $y = 0$ a unit lives for ever and tends to its target if $a < 1$.",
    ),
    Step(
        "Black targets, larger rate",
        black_killed,
        RealAlgebra(variables=(rate, e)),
        "If $a > 1$ every unit overshoots in its first step. (At $a = 1$ it arrives at $0$.)",
    ),
)

left_start, left_one = equation(ell(0), Integer(1)), equation(ell(1), 1 - a)
left_recurrence = equation(ell(t + 2), after * ell(t + 1) - beta * ell(t))
invariant_step, invariant_start = equation(invariance(t + 1), beta * invariance(t)), equation(invariance(0), a * beta)
invariant_closed = equation(invariance(t), a * beta ** (t + 1))
envelope = at_most((4 * beta - after**2) * ell(t) ** 2, 4 * a * beta ** (t + 1))
excess_next = equation(E(t + 1), b * E(t) + slack(gentle) * ell(t + 1))
peak = Implies(at_most(k(t + 1), k(t)), at_most(k(t + 2), k(t + 1)))
left_positive, excess_positive = at_most(Integer(0), ell(t)), at_most(Integer(0), E(t))
no_overshoot = And(left_positive, excess_positive)
U_positive = at_most(Integer(0), U(t))
left_falls = equation(ell(t), ell(t + 1) + a * U(t + 1))
U_next_positive = at_most(Integer(0), U(t + 1))
left_decreasing, left_at_most_one = at_most(ell(t + 1), ell(t)), at_most(ell(t), Integer(1))


left_zero, left_zero_step = instance("What is left at 0", left, Integer(0))
left_first, left_first_step = instance("What is left at 1", left, Integer(1))
left_second, left_second_step = instance("What is left, two steps on", left, t + 2)
left_next, left_next_step = instance("What is left, one step on", left, t + 1)
invariant_next, invariant_next_step = instance("The invariant, one step on", invariant, t + 1)
invariant_zero, invariant_zero_step = instance("The invariant at 0", invariant, Integer(0))
excess_after, excess_after_step = instance("The excess, one step on", excess, t + 1)
excess_zero, excess_zero_step = instance("The excess at 0", excess, Integer(0))

MOMENTUM = (
    left_zero_step,
    left_first_step,
    left_next_step,
    left_second_step,
    Step("Nothing is lost at first", left_start, Algebra((left_zero, first, second)), "By definition."),
    Step(
        "The first step",
        left_one,
        Algebra((left_first, recurrence_one, first, second)),
        "As without momentum.",
    ),
    Step(
        "Its recurrence",
        left_recurrence,
        Algebra((left, left_next, left_second, recurrence, recurrence_next)),
        "That of $U$.",
    ),
    invariant_next_step,
    invariant_zero_step,
    Step(
        "An invariant",
        invariant_step,
        Algebra((invariant, invariant_next, left_recurrence)),
        "Of any recurrence of second order.",
    ),
    Step("At the start", invariant_start, Algebra((invariant_zero, left_start, left_one)), "From rest."),
    Step(
        "At every step",
        invariant_closed,
        Induction(variable=t, recurrence=invariant_step, initial=(invariant_start,), by=Algebra()),
        "It decays like $\\beta^t$.",
    ),
    Step(
        "Momentum that oscillates: the envelope",
        envelope,
        Inequality((invariant, invariant_closed), certificate=(2 * ell(t + 1) - after * ell(t)) ** 2),
        "For $(1 - \\sqrt{\\beta})^2 < a < (1 + \\sqrt{\\beta})^2$ the left factor is positive, and a unit that "
        "survives until $\\ell$ is too small to kill it lives for ever.",
    ),
    excess_after_step,
    excess_zero_step,
    Step(
        "Momentum that does not overshoot: a recurrence",
        excess_next,
        Algebra((excess, excess_after, left_recurrence, root)),
        "Sum of terms that are not negative.",
    ),
    Step(
        "Momentum that does not overshoot",
        no_overshoot,
        JointInduction(
            parts=(
                (
                    left_positive,
                    InequalityInduction(
                        variable=t,
                        base=Inequality((left_start,), certificate=Integer(1)),
                        step=Inequality((excess,), certificate=total(b * ell(t), E(t))),
                    ),
                ),
                (
                    excess_positive,
                    InequalityInduction(
                        variable=t,
                        base=Inequality(
                            (excess_zero, left_start, left_one, gentle, root_below_one),
                            certificate=total(slack(gentle), b * slack(root_below_one)),
                        ),
                        step=Inequality(
                            (excess_next, excess, gentle),
                            certificate=total(b * E(t), slack(gentle) * b * ell(t), slack(gentle) * E(t)),
                        ),
                    ),
                ),
            )
        ),
        "What is left keeps its sign if $a \\le (1 - \\sqrt{\\beta})^2$.",
    ),
    Step("In particular", left_positive, PartOf((no_overshoot,)), "The first of the two."),
    Step(
        "Then the velocity keeps its sign too",
        U_positive,
        InequalityInduction(
            variable=t,
            base=Inequality((first,), certificate=Integer(0)),
            step=Inequality((left, left_positive), certificate=total(slack(left_positive), beta * U(t))),
        ),
        "$U_{t+1} = \\ell_t + \\beta U_t$.",
    ),
    Step(
        "The same, one step on",
        U_next_positive,
        Inequality(
            (left, left_positive, U_positive), certificate=total(slack(left_positive), beta * slack(U_positive))
        ),
        "$U_{t+1} = \\ell_t + \\beta U_t$.",
    ),
    Step(
        "What is left, by the velocity",
        left_falls,
        Algebra((left, left_next, recurrence)),
        "The error less the displacement.",
    ),
    Step(
        "What is left does not grow",
        left_decreasing,
        Inequality((left_falls, U_next_positive), certificate=a * slack(U_next_positive)),
        "Hence",
    ),
    Step(
        "What is left is at most 1",
        left_at_most_one,
        InequalityInduction(
            variable=t,
            base=Inequality((left_start,), certificate=Integer(0)),
            step=Inequality((left_decreasing,), certificate=total(slack(left_decreasing), slack(left_at_most_one))),
        ),
        "So $z_t = (1 - \\ell_t) y + \\ell_t z_0$ lies between $z_0$ and $y$, and no unit that starts alive dies.",
    ),
    Step(
        "Both roots negative: after the peak",
        peak,
        Conditional(
            by=Inequality(
                (alternating, not_negative, edge),
                certificate=total(slack(edge) * k(t + 1), beta * slack(at_most(k(t + 1), k(t)))),
            )
        ),
        "Once the modulus of what is left has fallen, it falls for ever: who is alive two steps later lives.",
    ),
)
CLAIMS = (
    closed,
    displacement,
    momentum_down,
    stays_dead,
    rest,
    frozen,
    plain_positive,
    killed,
    spared,
    plain_limit,
    bernoulli,
    overshot,
    black_positive,
    black_killed,
    left_recurrence,
    envelope,
    no_overshoot,
    left_at_most_one,
    peak,
)
RESULT = {"alive": closed.rhs, "displacement": displacement.rhs, "frozen": frozen.rhs}
STEPS = (*ALIVE, *DEATH, *PLAIN, *MOMENTUM)
