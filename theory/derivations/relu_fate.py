"""Which ReLU units die: what is left of an alive unit's error, at every learning rate and momentum.

ℓ_t, what is left after t steps of a linear unit's initial error, decides. Where it keeps its sign no unit dies; where
it oscillates, an envelope says when the danger is over; where it alternates (relu_alternation.py), its peak does.
Ours.
"""

from __future__ import annotations

from sympy import Abs, And, Equivalent, Implies, Integer, Limit, Lt, Symbol, oo, symbols

from theory.derivations.linear_model import equation
from theory.derivations.relu_unit import (
    U,
    a,
    after,
    beta,
    ell,
    first,
    instance,
    left,
    recurrence,
    recurrence_next,
    recurrence_one,
    second,
    t,
    y,
)
from theory.proof.induction import InequalityInduction, JointInduction
from theory.proof.inequalities import Inequality
from theory.proof.order import Conditional, PartOf, at_most, slack, total, when
from theory.proof.real_algebra import RealAlgebra
from theory.proof.real_terms import real_sequence
from theory.proof.rules import Algebra, GeometricLimit, Induction
from theory.proof.steps import Assumption, Step

__all__ = ["ASSUMPTIONS", "CLAIMS", "STEPS", "b", "left_one", "left_recurrence", "left_start", "root"]

b = Symbol("b", nonnegative=True)
rate, level, e = symbols("a y e", real=True)
r, invariance, E = (real_sequence(name) for name in ("r", "J", "g"))

root, root_below_one = equation(beta, b**2), Lt(b, 1, evaluate=False)
invariant = equation(invariance(t), ell(t + 1) ** 2 - after * ell(t + 1) * ell(t) + beta * ell(t) ** 2)
excess = equation(E(t), ell(t + 1) - b * ell(t))
plain = equation(r(t + 1), r(t) - a * (r(t) - y))
gentle = at_most(a, (1 - b) ** 2)

ASSUMPTIONS = (
    Assumption("The root of the momentum is called $b$:", root),
    Assumption("and so", root_below_one),
    Assumption("Abbreviations:", invariant),
    Assumption("and", excess),
    Assumption("Without momentum the response of a unit is called $r$ as long as it is positive:", plain),
)

# What is left of the initial error.
left_zero, left_zero_step = instance("What is left at 0", left, Integer(0))
left_first, left_first_step = instance("What is left at 1", left, Integer(1))
left_next, left_next_step = instance("What is left, one step on", left, t + 1)
left_second, left_second_step = instance("What is left, two steps on", left, t + 2)
left_start, left_one = equation(ell(0), Integer(1)), equation(ell(1), 1 - a)
left_recurrence = equation(ell(t + 2), after * ell(t + 1) - beta * ell(t))
LEFT = (
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
        "What is left has a recurrence",
        left_recurrence,
        Algebra((left, left_next, left_second, recurrence, recurrence_next)),
        "That of $U$.",
    ),
)

# No overshoot: a ≤ (1 − √β)².
excess_after, excess_after_step = instance("The excess, one step on", excess, t + 1)
excess_zero, excess_zero_step = instance("The excess at 0", excess, Integer(0))
excess_next = equation(E(t + 1), b * E(t) + slack(gentle) * ell(t + 1))
left_positive, excess_positive = at_most(Integer(0), ell(t)), at_most(Integer(0), E(t))
displaced, displaced_next = at_most(Integer(0), U(t)), at_most(Integer(0), U(t + 1))
left_falls = equation(ell(t), ell(t + 1) + a * U(t + 1))
decreasing, at_most_one = at_most(ell(t + 1), ell(t)), at_most(ell(t), Integer(1))
gently = when(gentle)
no_overshoot = gently(And(left_positive, excess_positive))
GENTLE = (
    excess_after_step,
    excess_zero_step,
    Step(
        "A recurrence for the excess",
        excess_next,
        Algebra((excess, excess_after, left_recurrence, root)),
        "If the rate is at most $(1 - \\sqrt{\\beta})^2$, sums of terms that are not negative.",
    ),
    Step(
        "Small rates do not overshoot",
        no_overshoot,
        Conditional(
            by=JointInduction(
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
                                (excess_zero, left_start, left_one, root_below_one),
                                certificate=total(slack(gentle), b * slack(root_below_one)),
                            ),
                            step=Inequality(
                                (excess_next, excess),
                                certificate=total(b * E(t), slack(gentle) * b * ell(t), slack(gentle) * E(t)),
                            ),
                        ),
                    ),
                )
            )
        ),
        "What is left keeps its sign.",
    ),
    Step("In particular", gently(left_positive), Conditional(by=PartOf((no_overshoot,))), "The first of the two."),
    Step(
        "Then the displacement keeps its sign too",
        gently(displaced),
        Conditional(
            by=InequalityInduction(
                variable=t,
                base=Inequality((first,), certificate=Integer(0)),
                step=Inequality(
                    (left, gently(left_positive)), certificate=total(slack(left_positive), beta * slack(displaced))
                ),
            )
        ),
        "$U_{t+1} = \\ell_t + \\beta U_t$.",
    ),
    Step(
        "The same, one step on",
        gently(displaced_next),
        Conditional(
            by=Inequality(
                (left, gently(left_positive), gently(displaced)),
                certificate=total(slack(left_positive), beta * slack(displaced)),
            )
        ),
        "$U_{t+1} = \\ell_t + \\beta U_t$.",
    ),
    Step(
        "What is left, by the displacement",
        left_falls,
        Algebra((left, left_next, recurrence)),
        "The error less the displacement.",
    ),
    Step(
        "What is left does not grow",
        gently(decreasing),
        Conditional(by=Inequality((left_falls, gently(displaced_next)), certificate=a * slack(displaced_next))),
        "As the displacement is not negative.",
    ),
    Step(
        "Small rates kill no unit",
        gently(at_most_one),
        Conditional(
            by=InequalityInduction(
                variable=t,
                base=Inequality((left_start,), certificate=Integer(0)),
                step=Inequality((gently(decreasing),), certificate=total(slack(decreasing), slack(at_most_one))),
            )
        ),
        "So $z_t = (1 - \\ell_t) y + \\ell_t z_0$ lies between $z_0$ and $y$.",
    ),
)

# Oscillation: (1 − √β)² < a < (1 + √β)².
invariant_next, invariant_next_step = instance("The invariant, one step on", invariant, t + 1)
invariant_zero, invariant_zero_step = instance("The invariant at 0", invariant, Integer(0))
invariant_step, invariant_start = equation(invariance(t + 1), beta * invariance(t)), equation(invariance(0), a * beta)
invariant_closed = equation(invariance(t), a * beta ** (t + 1))
envelope = at_most((4 * beta - after**2) * ell(t) ** 2, 4 * a * beta ** (t + 1))
overtaken = at_most(ell(t + 2) * ell(t), ell(t + 1) ** 2 - (a - (1 - b) ** 2) * ell(t + 1) * ell(t))
OSCILLATING = (
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
        "Oscillating rates: the envelope",
        envelope,
        Inequality((invariant, invariant_closed), certificate=(2 * ell(t + 1) - after * ell(t)) ** 2),
        "For $(1 - \\sqrt{\\beta})^2 < a < (1 + \\sqrt{\\beta})^2$ the left factor is positive, and a unit with a "
        "target $y > 0$ that survives until $\\ell$ is too small to kill it lives for ever.",
    ),
    Step(
        "Larger rates overshoot",
        overtaken,
        Inequality((left_recurrence, root), certificate=excess.rhs**2),
        "As long as $\\ell$ is positive, $\\ell_{t+1} / \\ell_t$ falls by $a - (1 - \\sqrt{\\beta})^2$ in every step. "
        "If that is positive, it cannot do so for ever: $\\ell$ reaches zero or passes it, and every unit with the "
        "target $y = 0$ ends there or dies.",
    ),
)

# Without momentum.
settles = Abs(1 - a) < 1
plain_closed = equation(r(t), y + (1 - a) ** t * (r(0) - y))
plain_limit = when(settles)(equation(Limit(r(t), t, oo), y))
killed = Equivalent(level + (1 - rate) * e <= 0, (rate - 1) * e >= level)
spared = Implies(
    And(rate > 1, rate < 2, level > 0, level + e > 0, (rate - 1) * e < level),
    And(level + (1 - rate) * e > 0, (rate - 1) * (1 - rate) * e < level),
)
PLAIN = (
    Step(
        "No momentum: an alive unit",
        plain_closed,
        Induction(variable=t, recurrence=plain, by=Algebra()),
        "A geometric sequence.",
    ),
    Step(
        "No momentum: what lives arrives",
        plain_limit,
        Conditional(by=GeometricLimit((plain_closed,))),
        "With momentum too, if the rate is stable: see the derivation momentum.",
    ),
    Step(
        "No momentum: who dies in the first step",
        killed,
        RealAlgebra(variables=(rate, e, level)),
        "With $e = z_0 - y$: for $a > 1$ the units with $z_0 \\ge a y / (a - 1)$.",
    ),
    Step(
        "No momentum: the others live",
        spared,
        RealAlgebra(variables=(rate, e, level)),
        "A response that is positive, and not so large that the next one is not, is followed by another such: later "
        "overshoots are smaller.",
    ),
)

STEPS = (*LEFT, *GENTLE, *OSCILLATING, *PLAIN)
CLAIMS = (
    left_recurrence,
    no_overshoot,
    gently(at_most_one),
    envelope,
    overtaken,
    plain_closed,
    plain_limit,
    killed,
    spared,
)
