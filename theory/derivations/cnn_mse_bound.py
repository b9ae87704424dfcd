"""Theorem 2's bound on the squared error, with every constant: it holds with probability 1 − δ, for all inputs at once.

The chain: rows of a patch matrix are short (Cauchy and Schwarz); the error splits into a target's and a random part
(Young); the target's part is at most that of as many unit vectors; the random part has a chi-square variable's tail
(chi_square_tail.py). Theorem 2 of "Identity Crisis" (Zhang et al., ICLR 2020) has Õ(m (m/C − r)/C) for all of this.
"""

from __future__ import annotations

from sympy import (
    Expr,
    Identity,
    Implies,
    IndexedBase,
    Integer,
    MatrixSymbol,
    Min,
    Sum,
    Symbol,
    Trace,
    ZeroMatrix,
    sqrt,
    symbols,
)
from sympy.matrices.expressions import MatrixExpr

from theory.derivations import chi_square_tail, cnn_expected_mse
from theory.derivations.chi_square_tail import (
    L,
    confidence_square,
    count_square,
    random_part,
    root_of_confidence,
    root_of_count,
    tau,
    threshold,
    x,
    y,
)
from theory.derivations.cnn_expected_mse import (
    V,
    d,
    expected,
    mean_square,
    orthonormal,
    reads_null_space,
    start,
    variance,
)
from theory.derivations.derivation import Assumption, Derivation, Step
from theory.derivations.expressions import SquaredNorm, matrix_sequence, scalar_sequence
from theory.derivations.inequalities import Inequality
from theory.derivations.linear_model import c, equation, p
from theory.derivations.order import Conditional, LeastOf, Transitivity, at_most, slack, times, total
from theory.derivations.patch_model import A, N, Theta_star, q
from theory.derivations.probability import MatrixInstance
from theory.derivations.rules import Algebra, Rewriting
from theory.derivations.series import Termwise
from theory.derivations.unfolding import Unfolding

__all__ = ["bias", "bound", "derivation", "pixel_bound", "taps"]

i, j, taps, width = (Symbol(name, integer=True, positive=True) for name in ("i", "j", "k", "b"))
bias = Symbol("beta", integer=True, nonnegative=True)
pixel_bound, rho, alpha, gamma = symbols("B rho alpha gamma", positive=True)
pixel = IndexedBase("a", real=True)[i, j]
row, square_of_row = matrix_sequence("a", 1, p), scalar_sequence("s")
m, rank = Symbol("m", integer=True, positive=True), Symbol("r", integer=True, nonnegative=True)
M = MatrixSymbol("M", p, width)
orthogonal_start, null = MatrixSymbol("O", c, p), MatrixSymbol("N_{0}", p, p)

above, below = at_most(-pixel_bound, pixel), at_most(pixel, pixel_bound)
row_square = equation(row(i) * row(i).T, square_of_row(i) * Identity(1))
row_entries = equation(square_of_row(i), Sum(pixel**2, (j, 1, taps)) + bias)
row_bound = equation(rho, pixel_bound**2 * taps + bias)
stack = equation(SquaredNorm(A * M), Sum(SquaredNorm(row(i) * M), (i, 1, q)))
unit_targets = equation(Theta_star * Theta_star.T, Identity(c))
unit_start = equation(orthogonal_start * orthogonal_start.T, Identity(c))
root_of_threshold = equation(alpha, sqrt(tau))
root_of_target = equation(gamma, sqrt(Min(c, d)))
no_bias = equation(bias, Integer(0))
parameters = equation(m, c * taps)
deficiency = equation(d, taps + bias - rank)
fan_in = equation(taps * variance, Integer(1))
nothing = equation(null, ZeroMatrix(p, p))
more_than_none = at_most(Integer(1), c * d)

ASSUMPTIONS = (
    Assumption(
        "The $q$ rows of the patch matrix $A$ of an input are $a_1, \\dots, a_q$, so for any matrix $M$ with $p$ rows",
        stack,
    ),
    Assumption("Row $i$ has the squared length $s_i$:", row_square),
    Assumption(
        "It holds $k$ pixels ($k = m / C$, one for each tap of each channel), or the padding's copies of pixels or "
        "zeros, and with a bias ($\\beta = 1$, without one $\\beta = 0$) a 1:",
        row_entries,
    ),
    Assumption("Pixels are at most $B$ in modulus:", above),
    Assumption("and", below),
    Assumption("The largest possible squared length of a row is called", row_bound),
    Assumption("The kernels of the identity are unit vectors, a different one for each channel:", unit_targets),
    Assumption("Abbreviations:", root_of_threshold),
    Assumption("and", root_of_target),
    Assumption(
        "The rank is short of full rank, $d = p - r \\ge 1$; so, $c$ being a number of channels,", more_than_none
    ),
    Assumption("where", deficiency),
    Assumption("At full rank the null projector is called", nothing),
    Assumption(
        "Orthogonal initial weights are called $O$; with $c \\le k$ their rows are orthonormal:",
        unit_start,
    ),
    Assumption("In the paper's form there is no bias:", no_bias),
    Assumption("and $m$ is the number of parameters of the convolution:", parameters),
    Assumption("In the last step the variance is one over the fan-in:", fan_in),
)

error = N * (start - Theta_star).T
norm = SquaredNorm(error)
target_part = SquaredNorm(N * Theta_star.T)

pixel_square = at_most(pixel**2, pixel_bound**2)
pixel_sum = at_most(Sum(pixel**2, (j, 1, taps)), taps * pixel_bound**2)
short_row = at_most(square_of_row(i), rho)
defect = SquaredNorm(rho * M - row(i).T * row(i) * M)
cauchy = equation(
    defect,
    rho**2 * SquaredNorm(M) - 2 * rho * SquaredNorm(row(i) * M) + square_of_row(i) * SquaredNorm(row(i) * M),
)
one_row = at_most(SquaredNorm(row(i) * M), rho * SquaredNorm(M))
all_rows = at_most(stack.rhs, q * rho * SquaredNorm(M))
design = at_most(stack.lhs, all_rows.rhs)


def instance(matrix: MatrixExpr) -> tuple[Expr, Step]:
    """The bound on ``‖A M‖²`` for one matrix M, and the step that draws it."""
    special = at_most(SquaredNorm(A * matrix), q * rho * SquaredNorm(matrix))
    step = Step(
        "The same for one matrix",
        special,
        MatrixInstance((design,), values=((M, matrix),)),
        "A special case.",
    )
    return special, step


def null_part(matrix: MatrixExpr, unit_rows: Expr, name: str) -> tuple[Expr, tuple[Step, ...]]:
    """``‖N Rᵀ‖² ≤ min(c, d)`` for a matrix R with orthonormal rows, and the steps that prove it."""
    part = SquaredNorm(N * matrix.T)
    outside = equation(c - part, SquaredNorm((Identity(p) - N) * matrix.T))
    unreached = equation(d - part, SquaredNorm(V.T * (Identity(p) - matrix.T * matrix)))
    by_channels, by_deficiency = at_most(part, c), at_most(part, d)
    least = at_most(part, Min(c, d))
    return least, (
        Step(
            f"{name}: what the data have seen",
            outside,
            Rewriting((*reads_null_space, unit_rows)),
            "A projector splits the squared length, $c$.",
        ),
        Step(
            f"{name}: at most the number of channels",
            by_channels,
            Inequality((outside,), certificate=outside.rhs),
            "So the part in the null space is no longer than the whole.",
        ),
        Step(
            f"{name}: what is unreached in the null space",
            unreached,
            Rewriting((*reads_null_space, unit_rows)),
            "The other way round: the $d$ basis vectors projected on $c$ unit vectors.",
        ),
        Step(
            f"{name}: at most the deficiency",
            by_deficiency,
            Inequality((unreached,), certificate=unreached.rhs),
            "So it is no longer than $d$ unit vectors.",
        ),
        Step(f"{name}: the lesser of the two", least, LeastOf((by_channels, by_deficiency)), "Both hold."),
    )


target_bound, TARGET = null_part(Theta_star, unit_targets, "The target")
orthogonal_bound, ORTHOGONAL = null_part(orthogonal_start, unit_start, "Orthogonal weights")
error_design, error_step = instance(error)
basis_design, basis_step = instance(V)
target_design, target_step = instance(N * Theta_star.T)

# With probability 1 − δ.
projected = equation(SquaredNorm(N * start.T), random_part)
young = equation(
    SquaredNorm(gamma * N * start.T + alpha * N * Theta_star.T),
    (gamma**2 + alpha * gamma) * random_part + (alpha**2 + alpha * gamma) * target_part - alpha * gamma * norm,
)
split = at_most(norm, (1 + gamma / alpha) * random_part + (1 + alpha / gamma) * target_part)
threshold_square, target_square = equation(alpha**2, tau), equation(gamma**2, Min(c, d))
calm = at_most(random_part, tau)
distance = Implies(calm, at_most(norm, (alpha + gamma) ** 2))
mean_error = equation(mean_square, SquaredNorm(A * error) / (c * q))
bound = (
    (pixel_bound**2 * taps + bias)
    / c
    * (sqrt(variance * (c * d + 2 * sqrt(c * d) * sqrt(L) + 2 * L)) + sqrt(Min(c, d))) ** 2
)
abbreviated = equation(bound, rho / c * (alpha + gamma) ** 2)
pointwise = Implies(calm, at_most(mean_square, rho / c * (alpha + gamma) ** 2))
uniform_bound = Implies(calm, at_most(mean_square, bound))

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
papers_form = equation(
    as_in_paper.rhs, 2 * pixel_bound**2 * (variance * (2 + 3 * L) + 1 / c) * (m * (m / c - rank) / c)
)
by_fan_in = equation(simple.rhs, 2 * pixel_bound**2 * (d * (2 + 3 * L) + taps / c * Min(c, d)))

ROWS = (
    Step(
        "A pixel",
        pixel_square,
        Inequality((above, below), certificate=slack(below) * slack(above)),
        "$B^2 - a^2 = (B - a) (B + a)$.",
    ),
    Step("The pixels of a row", pixel_sum, Termwise((pixel_square,)), "Add them up."),
    Step(
        "A row is short",
        short_row,
        Inequality((pixel_sum, row_entries, row_bound), certificate=slack(pixel_sum)),
        "Put in the definitions.",
    ),
    Step("Cauchy and Schwarz: an identity", cauchy, Rewriting((row_square,)), "Multiply out."),
    Step(
        "Cauchy and Schwarz",
        one_row,
        Inequality(
            (cauchy, short_row),
            certificate=defect / rho + slack(short_row) * SquaredNorm(row(i) * M) / rho,
        ),
        "A square, and a row no longer than $\\rho$.",
    ),
    Step("All rows", all_rows, Termwise((one_row,)), "Add them up."),
    Step(
        "The patch matrix",
        design,
        Transitivity((stack, all_rows)),
        "This holds for every input with pixels at most $B$, whatever its size, and for every matrix $M$.",
    ),
    error_step,
)
SPLIT = (
    Step("The random part", projected, Rewriting(reads_null_space), "In the basis of the null space."),
    Step("Young: an identity", young, Rewriting(reads_null_space), "Multiply out; the mixed terms cancel."),
    Step(
        "Young",
        split,
        Inequality((young,), certificate=young.lhs / (alpha * gamma)),
        "Any $\\alpha, \\gamma > 0$ would do; these are the best.",
    ),
    Step("The square of $\\alpha$", threshold_square, Algebra((root_of_threshold,)), "By definition."),
    Step("The square of $\\gamma$", target_square, Algebra((root_of_target,)), "By definition."),
    Step(
        "The distance from the identity",
        distance,
        Conditional(
            by=Inequality(
                (split, target_bound, threshold_square, target_square),
                certificate=total(
                    slack(split),
                    (1 + gamma / alpha) * slack(calm),
                    (1 + alpha / gamma) * slack(target_bound),
                ),
            )
        ),
        "Where the random part does not pass its threshold.",
    ),
    Step(
        "The mean squared error",
        pointwise,
        Conditional(
            by=Inequality(
                (error_design, distance),
                certificate=total(slack(error_design) / (c * q), times(rho / c, slack(distance.args[1]))),
            ),
        ),
        "For every input at once: the condition is about the initial weights alone.",
    ),
    Step(
        "The bound, written out",
        abbreviated,
        Unfolding((row_bound, root_of_threshold, root_of_target, threshold, root_of_confidence, root_of_count)),
        "Undo the abbreviations.",
    ),
    Step(
        "Theorem 2, with constants",
        uniform_bound,
        Conditional(by=Transitivity((pointwise, abbreviated))),
        "The condition fails with probability $\\delta$ at most, by the tail.",
    ),
)
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
        "$2 x y \\le x^2 + y^2$.",
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
    Step("A minimum", least, LeastOf(), "By definition."),
    Step(
        "The bound, in the paper's form",
        as_in_paper,
        Inequality((simple, least), certificate=total(slack(simple), 2 * rho / c * slack(least))),
        "Linear in the deficiency.",
    ),
    Step(
        "The paper's notation",
        papers_form,
        Algebra((row_bound, no_bias, parameters, deficiency)),
        "So $\\tilde{O}$ hides $2 B^2 (v (2 + 3 L) + 1 / c)$.",
    ),
    Step(
        "Weights of variance one over the fan-in",
        by_fan_in,
        Algebra((row_bound, no_bias, fan_in)),
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
        assumptions=(*cnn_expected_mse.ASSUMPTIONS, *chi_square_tail.ASSUMPTIONS, *ASSUMPTIONS),
        steps=(
            *cnn_expected_mse.STEPS,
            *chi_square_tail.STEPS,
            *ROWS,
            *TARGET,
            *SPLIT,
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
            "paper's form": papers_form.rhs,
        },
        remarks=(
            "The order $m (m / C - r) / C$ holds if pixels and the variance $v$ of the weights stay bounded and the "
            "confidence is fixed. It is not a bound otherwise: the error is proportional to $v$ for large $v$.",
            "With $v$ of the order of $C / m$, as in all common schemes, the random part is of the order of $m / C "
            "- r$ only; the target's part keeps the factor $m / C$, times $\\min(1, (m / C - r) / C)$.",
            "The tail bounds the weights, not the error on one input: with probability $1 - \\delta$ the bound "
            "holds for all inputs at once, of any size.",
        ),
    )
