"""Theorem 2's bound: with confidence 1 − δ, at full rank, for orthogonal weights, on average, and in the paper's form.

The bound at a confidence is derived in cnn_mse_tail.py; here is what follows from it, and what holds beside it. Theorem
2 of "Identity Crisis" (Zhang et al., ICLR 2020) has Õ(m (m/C − r)/C) for all of this.
"""

from __future__ import annotations

from sympy import Identity, Integer, MatrixSymbol, Min, Symbol, Trace, ZeroMatrix

from theory.derivations import chi_square_tail, cnn_expected_mse, cnn_mse_tail
from theory.derivations.chi_square_tail import L, confidence_square, count_square, tau, threshold, x, y
from theory.derivations.cnn_expected_mse import V, d, expected, orthonormal, reads_null_space, start, variance
from theory.derivations.cnn_mse_tail import (
    abbreviated,
    alpha,
    bias,
    bound,
    gamma,
    instance,
    null_part,
    pixel_bound,
    rho,
    row_bound,
    taps,
    target_bound,
    target_part,
    target_square,
    threshold_square,
    uniform_bound,
)
from theory.derivations.linear_model import c, equation, p
from theory.derivations.patch_model import A, N, Theta_star, q
from theory.proof import lemmas
from theory.proof.citing import ByLemma
from theory.proof.derivation import Derivation
from theory.proof.expressions import SquaredNorm
from theory.proof.inequalities import Inequality
from theory.proof.order import Conditional, at_most, slack, times, total, when
from theory.proof.rules import Algebra, Rewriting
from theory.proof.steps import Assumption, Step

__all__ = ["bias", "bound", "derivation", "pixel_bound", "taps"]

m, rank = Symbol("m", integer=True, positive=True), Symbol("r", integer=True, nonnegative=True)
orthogonal_start, null = MatrixSymbol("O", c, p), MatrixSymbol("N_{0}", p, p)

unit_start = equation(orthogonal_start * orthogonal_start.T, Identity(c))
nothing = equation(null, ZeroMatrix(p, p))
more_than_none = at_most(Integer(1), c * d)
deficiency = equation(d, taps + bias - rank)
parameters = equation(m, c * taps)
no_bias, fan_in = equation(bias, Integer(0)), equation(taps * variance, Integer(1))

ASSUMPTIONS = (
    Assumption("At full rank the null projector is called", nothing),
    Assumption(
        "Orthogonal initial weights are called $O$; with $c \\le k$ their rows are orthonormal:",
        unit_start,
    ),
    Assumption("In the paper's form the rank is short of full rank, $d \\ge 1$, and so", more_than_none),
    Assumption("where", deficiency),
    Assumption("and $m$ is the number of parameters of the convolution:", parameters),
)

orthogonal_bound, ORTHOGONAL = null_part(orthogonal_start, unit_start, "Orthogonal weights")
basis_design, basis_step = instance(V)
target_design, target_step = instance(N * Theta_star.T)

# Full rank, orthogonal weights, the average, and the paper's form.
full_rank = equation(SquaredNorm(A * null * (start - Theta_star).T) / (c * q), Integer(0))
orthogonal = N * (orthogonal_start - Theta_star).T
orthogonal_design, orthogonal_step = instance(orthogonal)
orthogonal_split = equation(
    SquaredNorm(N * (orthogonal_start + Theta_star).T),
    2 * SquaredNorm(N * orthogonal_start.T) + 2 * target_part - SquaredNorm(orthogonal),
)
orthogonal_distance = at_most(SquaredNorm(orthogonal), 4 * Min(c, d))
orthogonal_mse = at_most(SquaredNorm(A * orthogonal) / (c * q), 4 * rho * Min(c, d) / c)
trace = equation(Trace(A * N * A.T), SquaredNorm(A * V))
dimension = equation(SquaredNorm(V), d)
average = at_most(expected.lhs, rho * (variance * d + Min(c, d) / c))
squares = at_most((alpha + gamma) ** 2, 2 * alpha**2 + 2 * gamma**2)
simple_threshold = at_most(tau, variance * (2 * c * d + 3 * L))
product_threshold = at_most(tau, variance * c * d * (2 + 3 * L))
simple = at_most(abbreviated.rhs, 2 * rho * (variance * d * (2 + 3 * L) + Min(c, d) / c))
least = at_most(Min(c, d), d)
as_in_paper = at_most(abbreviated.rhs, 2 * rho * d * (variance * (2 + 3 * L) + 1 / c))
papers_form = when(no_bias)(
    equation(as_in_paper.rhs, 2 * pixel_bound**2 * (variance * (2 + 3 * L) + 1 / c) * (m * (m / c - rank) / c))
)
by_fan_in = when(no_bias, fan_in)(equation(simple.rhs, 2 * pixel_bound**2 * (d * (2 + 3 * L) + taps / c * Min(c, d))))

AROUND = (
    Step("Full rank", full_rank, Rewriting((nothing,)), "The error is zero for every input, whatever the weights."),
    orthogonal_step,
    Step(
        "Orthogonal weights: an identity",
        orthogonal_split,
        Rewriting(),
        "The parallelogram law.",
    ),
    Step(
        "Orthogonal weights: the distance",
        orthogonal_distance,
        Inequality(
            (orthogonal_split, orthogonal_bound, target_bound),
            certificate=total(
                orthogonal_split.lhs,
                times(Integer(2), slack(orthogonal_bound)),
                times(Integer(2), slack(target_bound)),
            ),
        ),
        "With certainty, not only with probability $1 - \\delta$.",
    ),
    Step(
        "Orthogonal weights: the bound",
        orthogonal_mse,
        Inequality(
            (orthogonal_design, orthogonal_distance),
            certificate=total(slack(orthogonal_design) / (c * q), times(rho / c, slack(orthogonal_distance))),
        ),
        "With certainty.",
    ),
    basis_step,
    target_step,
    Step("The trace", trace, Rewriting(reads_null_space), "In the basis of the null space."),
    Step("The deficiency", dimension, Rewriting((orthonormal,)), "There are $d$ vectors in it."),
    Step(
        "On average over the weights",
        average,
        Inequality(
            (expected, trace, dimension, basis_design, target_design, target_bound),
            certificate=total(
                variance / q * slack(basis_design), slack(target_design) / (c * q), rho / c * slack(target_bound)
            ),
        ),
        "The mixed term has mean zero, so there is nothing to split. Needs no independence.",
    ),
)
PAPER = (
    Step("Squares", squares, Inequality(certificate=(alpha - gamma) ** 2), "$(\\alpha - \\gamma)^2 \\ge 0$."),
    Step(
        "The threshold, simplified",
        simple_threshold,
        Inequality((threshold, confidence_square, count_square), certificate=variance * (y - x) ** 2),
        "$2 \\ell \\nu \\le \\ell^2 + \\nu^2$.",
    ),
    Step(
        "The threshold, as a product",
        product_threshold,
        Inequality(
            (simple_threshold, more_than_none),
            certificate=total(slack(simple_threshold), 3 * variance * L * slack(more_than_none)),
        ),
        "As $c d \\ge 1$.",
    ),
    Step(
        "The bound, simplified",
        simple,
        Inequality(
            (squares, threshold_square, target_square, product_threshold),
            certificate=total(rho / c * slack(squares), 2 * rho / c * slack(product_threshold)),
        ),
        "Put in the squares.",
    ),
    Step(
        "A minimum", least, ByLemma(lemma=lemmas.THE_LEAST_IS_LESS, values={lemmas.a: d, lemmas.b: c}), "By definition."
    ),
    Step(
        "The bound, in the paper's form",
        as_in_paper,
        Inequality((simple, least), certificate=total(slack(simple), 2 * rho / c * slack(least))),
        "Linear in the deficiency.",
    ),
    Step(
        "The paper's notation",
        papers_form,
        Conditional(by=Algebra((row_bound, parameters, deficiency))),
        "So $\\tilde{O}$ hides $2 B^2 (v (2 + 3 L) + 1 / c)$.",
    ),
    Step(
        "Weights of variance one over the fan-in",
        by_fan_in,
        Conditional(by=Algebra((row_bound,))),
        "The factor $m / C$ stays with the target's part only.",
    ),
)


def derivation() -> Derivation:
    """Theorem 2's bound: with probability 1 − δ, on average, and in the paper's form."""
    return Derivation(
        name="cnn-mse-bound",
        title="Theorem 2: a bound on the mean squared error, with every constant",
        statement=(
            chi_square_tail.tail,
            uniform_bound,
            full_rank,
            orthogonal_mse,
            average,
            as_in_paper,
            papers_form,
            by_fan_in,
        ),
        assumptions=(
            *cnn_expected_mse.ASSUMPTIONS,
            *chi_square_tail.ASSUMPTIONS,
            *cnn_mse_tail.ASSUMPTIONS,
            *ASSUMPTIONS,
        ),
        steps=(
            *cnn_expected_mse.STEPS,
            *chi_square_tail.STEPS,
            *cnn_mse_tail.STEPS,
            *ORTHOGONAL,
            *AROUND,
            *PAPER,
        ),
        source="Zhang, Bengio, Hardt, Mozer, Singer: Identity Crisis, ICLR 2020, Theorem 2 (its order); the constants, "
        "the confidence and the proof are ours.",
        result={
            "bound": bound,
            "expected bound": average.rhs,
            "orthogonal bound": orthogonal_mse.rhs,
            "paper's form": papers_form.args[1].rhs,
        },
        remarks=(
            "The order $m (m / C - r) / C$ holds if pixels and the variance $v$ of the weights stay bounded and the "
            "confidence is fixed. It is not a bound otherwise: the error is proportional to $v$ for large $v$.",
            "With $v$ of the order of $C / m$, as in all common schemes, the random part is of the order of $m / C - "
            "r$ only; the target's part keeps the factor $m / C$, times $\\min(1, (m / C - r) / C)$.",
            "The tail bounds the weights, not the error on one input: with probability $1 - \\delta$ the bound holds "
            "for all inputs at once, of any size.",
        ),
    )
