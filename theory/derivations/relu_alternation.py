"""ReLU units at rates so large that what is left of their error changes its sign in every step: a ≥ (1 + √β)².

At a stable rate the modulus rises to one peak and falls for ever after; at an unstable one it grows beyond all bounds.
Ours.
"""

from __future__ import annotations

from sympy import And, Gt, Integer, Lt

from theory.derivations.linear_model import equation
from theory.derivations.relu_fate import b, left_one, left_recurrence, left_start, root
from theory.derivations.relu_unit import a, beta, ell, instance, t
from theory.proof.induction import InequalityInduction, JointInduction
from theory.proof.inequalities import Inequality
from theory.proof.order import Conditional, at_most, slack, times, total, when
from theory.proof.real_terms import real_sequence
from theory.proof.rules import Algebra
from theory.proof.steps import Assumption, Step

__all__ = ["ASSUMPTIONS", "CLAIMS", "STEPS"]

k, F = real_sequence("m"), real_sequence("h")
alternating = equation(k(t), (-1) ** t * ell(t))
excess = equation(F(t), k(t + 1) - b * k(t))
steep = at_most((1 + b) ** 2, a)
stable, unstable = Lt(a, 2 * (1 + beta), evaluate=False), Gt(a, 2 * (1 + beta), evaluate=False)

ASSUMPTIONS = (
    Assumption("Where signs alternate, the modulus of what is left is", alternating),
    Assumption("and its excess", excess),
)

modulus_next, modulus_next_step = instance("The modulus, one step on", alternating, t + 1)
modulus_second, modulus_second_step = instance("The modulus, two steps on", alternating, t + 2)
modulus_zero, modulus_zero_step = instance("The modulus at 0", alternating, Integer(0))
modulus_one, modulus_one_step = instance("The modulus at 1", alternating, Integer(1))
recurrence = equation(k(t + 2), (a - 1 - beta) * k(t + 1) - beta * k(t))
excess_after, excess_after_step = instance("Its excess, one step on", excess, t + 1)
excess_zero, excess_zero_step = instance("Its excess at 0", excess, Integer(0))
excess_next = equation(F(t + 1), b * F(t) + slack(steep) * k(t + 1))
positive, excess_positive = at_most(Integer(0), k(t)), at_most(Integer(0), F(t))
next_positive = at_most(Integer(0), k(t + 1))
steeply = when(steep)
alternates = steeply(And(positive, excess_positive))
fallen, keeps_falling = at_most(k(t + 1), k(t)), at_most(k(t + 2), k(t + 1))
peak = when(steep, stable, fallen)(keeps_falling)
margin = a - 2 * (1 + beta)
rises, grows = at_most(margin, k(t + 1) - k(t)), at_most(1 + margin * t, k(t))
growth = when(unstable)(And(rises, grows))
STEPS = (
    modulus_next_step,
    modulus_second_step,
    modulus_zero_step,
    modulus_one_step,
    excess_after_step,
    excess_zero_step,
    Step(
        "The modulus has a recurrence",
        recurrence,
        Algebra((alternating, modulus_next, modulus_second, left_recurrence)),
        "Change every second sign.",
    ),
    Step(
        "And so has its excess",
        excess_next,
        Algebra((excess, excess_after, recurrence, root)),
        "If the rate is at least $(1 + \\sqrt{\\beta})^2$, sums of terms that are not negative.",
    ),
    Step(
        "Large rates alternate",
        alternates,
        Conditional(
            by=JointInduction(
                parts=(
                    (
                        positive,
                        InequalityInduction(
                            variable=t,
                            base=Inequality((modulus_zero, left_start), certificate=Integer(1)),
                            step=Inequality((excess,), certificate=total(b * k(t), F(t))),
                        ),
                    ),
                    (
                        excess_positive,
                        InequalityInduction(
                            variable=t,
                            base=Inequality(
                                (excess_zero, modulus_zero, modulus_one, left_start, left_one),
                                certificate=total(slack(steep), b + b**2),
                            ),
                            step=Inequality(
                                (excess_next, excess),
                                certificate=total(b * F(t), slack(steep) * b * k(t), slack(steep) * F(t)),
                            ),
                        ),
                    ),
                )
            )
        ),
        "What is left changes its sign in every step, and $m$ is its modulus.",
    ),
    Step(
        "The same, one step on",
        steeply(next_positive),
        Conditional(by=Inequality((alternates, excess), certificate=total(b * k(t), F(t)))),
        "$m_{t+1} = b m_t + h_t$.",
    ),
    Step(
        "Large stable rates: after the peak",
        peak,
        Conditional(
            by=Inequality(
                (recurrence, steeply(next_positive)),
                certificate=total(slack(stable) * k(t + 1), beta * slack(fallen)),
            )
        ),
        "Once the modulus has fallen, it falls for ever: who is alive two steps later lives.",
    ),
    Step(
        "Unstable rates: errors grow",
        growth,
        Conditional(
            by=JointInduction(
                parts=(
                    (
                        rises,
                        InequalityInduction(
                            variable=t,
                            base=Inequality((modulus_zero, modulus_one, left_start, left_one), certificate=2 * beta),
                            step=Inequality(
                                (recurrence,),
                                certificate=total(
                                    times(beta, total(slack(rises), slack(unstable))),
                                    times(
                                        slack(unstable),
                                        total(slack(rises), slack(grows), slack(unstable) * t, slack(unstable)),
                                    ),
                                ),
                            ),
                        ),
                    ),
                    (
                        grows,
                        InequalityInduction(
                            variable=t,
                            base=Inequality((modulus_zero, left_start), certificate=Integer(0)),
                            step=Inequality(certificate=total(slack(rises), slack(grows))),
                        ),
                    ),
                )
            )
        ),
        "Beyond all bounds, with alternating sign: every unit dies that does not start at its target. (At the edge, $a "
        "= 2 (1 + \\beta)$, the modulus rises to $(1 + \\beta) / (1 - \\beta)$, and units that this does not kill "
        "oscillate for ever.)",
    ),
)
CLAIMS = (alternates, peak, growth)
