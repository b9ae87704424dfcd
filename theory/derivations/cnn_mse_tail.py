"""What the squared error seldom exceeds: Theorem 2's bound with every constant, at confidence 1 − δ, for all inputs.

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
    MatrixSymbol,
    Min,
    Sum,
    Symbol,
    sqrt,
    symbols,
)
from sympy.matrices.expressions import MatrixExpr

from theory.derivations.chi_square_tail import (
    L,
    random_part,
    root_of_confidence,
    root_of_count,
    tau,
    threshold,
)
from theory.derivations.cnn_expected_mse import (
    V,
    d,
    mean_square,
    reads_null_space,
    start,
    variance,
)
from theory.derivations.linear_model import c, equation, p
from theory.derivations.patch_model import A, N, Theta_star, q
from theory.proof import lemmas
from theory.proof.citing import ByLemma
from theory.proof.expressions import SquaredNorm, matrix_sequence, scalar_sequence
from theory.proof.inequalities import Inequality
from theory.proof.order import Conditional, Transitivity, at_most, slack, times, total
from theory.proof.probability import MatrixInstance
from theory.proof.rules import Algebra, Rewriting
from theory.proof.steps import Assumption, Step
from theory.proof.unfolding import Unfolding

__all__ = [
    "ASSUMPTIONS",
    "STEPS",
    "abbreviated",
    "alpha",
    "bias",
    "bound",
    "gamma",
    "instance",
    "null_part",
    "pixel_bound",
    "rho",
    "row_bound",
    "taps",
    "target_bound",
    "target_part",
    "target_square",
    "threshold_square",
    "uniform_bound",
]

i, j, taps, width = (Symbol(name, integer=True, positive=True) for name in ("i", "j", "k", "b"))
bias = Symbol("beta", integer=True, nonnegative=True)
pixel_bound, rho, alpha, gamma = symbols("B rho alpha gamma", positive=True)
pixel = IndexedBase("a", real=True)[i, j]
row, square_of_row = matrix_sequence("a", 1, p), scalar_sequence("s")
M = MatrixSymbol("M", p, width)

above, below = at_most(-pixel_bound, pixel), at_most(pixel, pixel_bound)
row_square = equation(row(i) * row(i).T, square_of_row(i) * Identity(1))
row_entries = equation(square_of_row(i), Sum(pixel**2, (j, 1, taps)) + bias)
row_bound = equation(rho, pixel_bound**2 * taps + bias)
stack = equation(SquaredNorm(A * M), Sum(SquaredNorm(row(i) * M), (i, 1, q)))
unit_targets = equation(Theta_star * Theta_star.T, Identity(c))
root_of_threshold = equation(alpha, sqrt(tau))
root_of_target = equation(gamma, sqrt(Min(c, d)))

ASSUMPTIONS = (
    Assumption(
        "The $q$ rows of the patch matrix $A$ of an input are $a_1, \\dots, a_q$, so for any matrix $M$ with $p$ rows",
        stack,
        every=(M, width),
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
    """The bound on `‖A M‖²` for one matrix M, and the step that draws it."""
    special = at_most(SquaredNorm(A * matrix), q * rho * SquaredNorm(matrix))
    step = Step(
        "The same for one matrix",
        special,
        MatrixInstance((design,), values=((M, matrix),)),
        "A special case.",
    )
    return special, step


def null_part(matrix: MatrixExpr, unit_rows: Expr, name: str) -> tuple[Expr, tuple[Step, ...]]:
    """`‖N Rᵀ‖² ≤ min(c, d)` for a matrix R with orthonormal rows, and the steps that prove it."""
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
        Step(
            f"{name}: the lesser of the two",
            least,
            ByLemma((by_channels, by_deficiency), lemma=lemmas.LESS_THAN_THE_LEAST, values={lemmas.a: c, lemmas.b: d}),
            "Both hold.",
        ),
    )


target_bound, TARGET = null_part(Theta_star, unit_targets, "The target")
error_design, error_step = instance(error)

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

ROWS = (
    Step(
        "A pixel",
        pixel_square,
        Inequality((above, below), certificate=slack(below) * slack(above)),
        "$B^2 - a^2 = (B - a) (B + a)$.",
    ),
    Step(
        "The pixels of a row",
        pixel_sum,
        ByLemma((pixel_square,), lemma=lemmas.TERMS_BY_THEIR_NUMBER, values={lemmas.g: pixel_square.rhs}),
        "Add them up.",
    ),
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
    Step(
        "All rows",
        all_rows,
        ByLemma((one_row,), lemma=lemmas.TERMS_BY_THEIR_NUMBER, values={lemmas.g: one_row.rhs}),
        "Add them up.",
    ),
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
STEPS = (*ROWS, *TARGET, *SPLIT)
