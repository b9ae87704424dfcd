"""The mean squared error of a trained convolutional network, averaged over its initial weights: a trace.

Theorem 2 of "Identity Crisis" (Zhang et al., ICLR 2020) bounds it; the exact value, and the variance, are ours.
Dimension-free; every statement about moments is also recomputed monomial by monomial for small symbolic matrices.
"""

from __future__ import annotations

from functools import partial

from sympy import Basic, Identity, ImmutableMatrix, MatrixSymbol, Symbol, Trace, ZeroMatrix, diag, sqrt

from theory.derivations.explicit_descent import real_matrix
from theory.derivations.linear_model import c, equation, p, transposed
from theory.derivations.patch_model import A, N, Theta_star, q
from theory.proof.brute_force import Case
from theory.proof.chance import Expectation, ExpectedMatrix, Variance
from theory.proof.derivation import Derivation
from theory.proof.expectation import ExpectedTraces
from theory.proof.explicit_expectation import ExplicitExpectation, null_projector
from theory.proof.expressions import SquaredNorm
from theory.proof.rules import Algebra, Chain, Rewriting
from theory.proof.steps import Assumption, Step

__all__ = ["ASSUMPTIONS", "STEPS", "derivation"]

d = Symbol("d", integer=True, positive=True)
variance = Symbol("v", positive=True)
kurtosis = Symbol("gamma", real=True)
V = MatrixSymbol("V", p, d)
start = MatrixSymbol(r"\Theta_{0}", c, p)
Sigma = MatrixSymbol(r"\Sigma_{0}", p, p)
theta, theta_star, g = (MatrixSymbol(name, p, 1) for name in (r"\theta_{0}", r"\theta_{*}", "g"))
G, G_diagonal = MatrixSymbol("G", p, p), MatrixSymbol("G_{d}", p, p)
unit = Identity(p)

mean_square = SquaredNorm(A * N * (start - Theta_star).T) / (c * q)
of_unit = SquaredNorm(A * N * (theta - theta_star))

null_space = equation(N, V * V.T)
orthonormal = equation(V.T * V, Identity(d))
reads_null_space = null_space, transposed(null_space), orthonormal
no_mean = equation(ExpectedMatrix(start, start), ZeroMatrix(c, p))
covariance = equation(ExpectedMatrix(start.T * start, start), c * Sigma)
equal_variances = equation(Sigma, variance * unit)
gram = equation(G, N * A.T * A * N)
image_of_target = equation(g, G * theta_star)
first = equation(ExpectedMatrix(theta, theta), ZeroMatrix(p, 1))
second = equation(ExpectedMatrix(theta * theta.T, theta), variance * unit)
third = equation(ExpectedMatrix(theta * theta.T * G * theta, theta), ZeroMatrix(p, 1))
fourth = equation(
    ExpectedMatrix(theta * theta.T * G * theta * theta.T, theta),
    variance**2 * (2 * G + Trace(G) * unit + kurtosis * G_diagonal),
)

ASSUMPTIONS = (
    Assumption(
        "By Theorem 2 (derivation cnn-limit) the trained network errs by $f(x) - x = A N (\\Theta_0 - \\Theta_*)^T$: "
        "$A$ is the patch matrix of the input $x$, with $q$ rows, $\\Theta_0$ the initial weights and $\\Theta_*$ the "
        "kernels of the identity, one row for each of the $c$ channels. $N$ projects on the null space of the training "
        "image's patch matrix. With the $d = p - r$ vectors of an orthonormal basis of that space in the columns of "
        "$V$:",
        null_space,
    ),
    Assumption("where", orthonormal),
    Assumption("The initial weights have mean zero:", no_mean),
    Assumption(
        "and the average over the channels of their covariances is $\\Sigma_0$. Channels need not be independent, nor "
        "weights Gaussian; orthogonal initial weights are included:",
        covariance,
    ),
    Assumption("Where it is said so, weights are uncorrelated and have one variance $v$:", equal_variances),
)
MOMENTS = (
    Assumption(
        "For the variance of the error the entries of $\\theta_0$, the initial weights of one channel, are independent "
        "and symmetric, with variance $v$ and excess kurtosis $\\gamma$ (0 for Gaussian, $-6/5$ for uniform ones). So "
        "their moments are",
        first,
    ),
    Assumption("and", second),
    Assumption("With the abbreviations", gram),
    Assumption("and", image_of_target),
    Assumption("the third moments vanish:", third),
    Assumption(
        "and the fourth are Isserlis's, corrected by the kurtosis; $G_d$ is the diagonal part of $G$:",
        fourth,
    ),
)

square = equation(
    mean_square,
    (
        Trace(A * N * start.T * start * N * A.T)
        - 2 * Trace(A * N * start.T * Theta_star * N * A.T)
        + SquaredNorm(A * N * Theta_star.T)
    )
    / (c * q),
)
expected_general = equation(
    Expectation(mean_square, start),
    (c * Trace(A * N * Sigma * N * A.T) + SquaredNorm(A * N * Theta_star.T)) / (c * q),
)
expected_mse = (c * variance * Trace(A * N * A.T) + SquaredNorm(A * N * Theta_star.T)) / (c * q)
expected = equation(Expectation(mean_square, start), expected_mse)
unit_square = equation(of_unit, Trace(theta.T * G * theta) - 2 * Trace(g.T * theta) + SquaredNorm(A * N * theta_star))
expected_form = equation(Expectation(Trace(theta.T * G * theta) - 2 * Trace(g.T * theta), theta), variance * Trace(G))
variance_of_form = equation(
    Variance(Trace(theta.T * G * theta) - 2 * Trace(g.T * theta), theta),
    variance**2 * (2 * Trace(G * G) + kurtosis * Trace(G * G_diagonal)) + 4 * variance * Trace(g.T * g),
)


def moments(rows: int, columns: int) -> dict[Basic, Basic]:
    """A patch matrix with symbolic entries, kernels, the projector on a hyperplane, and standard deviations."""
    patches, projector = real_matrix("a", rows, columns), null_projector(columns)
    deviation = real_matrix("d", 1, columns, positive=True)
    form = projector * patches.T * patches * projector
    target = ImmutableMatrix(columns, 1, lambda i, _: int(i == 0))
    return {
        p: columns,
        q: rows,
        c: 2,
        A: patches,
        N: projector,
        G: form,
        G_diagonal: ImmutableMatrix(columns, columns, lambda i, j: form[i, j] if i == j else 0),
        g: form * target,
        theta_star: target,
        Theta_star: ImmutableMatrix(2, columns, lambda i, j: int(i == j)),
        start: ImmutableMatrix.vstack(deviation, deviation),
        Sigma: ImmutableMatrix(diag(*deviation)) ** 2,
        theta: ImmutableMatrix(columns, 1, lambda *_: sqrt(variance)),
    }


def cases(*shapes: tuple[int, int]) -> tuple[Case, ...]:
    """Small cases by the number of rows and columns of the patch matrix."""
    return tuple(Case(f"$q = {rows}$, $p = {columns}$", partial(moments, rows, columns)) for rows, columns in shapes)


STEPS = (
    Step(
        "The squared error, expanded",
        square,
        Rewriting(reads_null_space),
        "Multiply out; a trace is that of its transpose.",
    ),
    Step(
        "The expected squared error",
        expected_general,
        ExpectedTraces((no_mean, covariance, *reads_null_space)),
        "The term linear in the initial weights has mean zero; the quadratic one contains them as $\\Theta_0^T "
        "\\Theta_0$ only.",
    ),
    Step(
        "Equal variances",
        expected,
        Chain(
            through=(expected_general.rhs,),
            by=(Algebra((expected_general,)), Rewriting((equal_variances, *reads_null_space))),
        ),
        "$A N v I N A^T = v A N A^T$.",
    ),
)
VARIANCE = (
    Step(
        "The error of one channel",
        unit_square,
        Rewriting((gram, image_of_target, transposed(image_of_target), transposed(gram), *reads_null_space)),
        "A quadratic form in the initial weights, a linear one and a constant.",
    ),
    Step(
        "The expectation of the form",
        expected_form,
        ExpectedTraces((first, second)),
        "As before.",
    ),
    Step(
        "The variance of the squared error of one channel",
        variance_of_form,
        ExpectedTraces((first, second, third, fourth)),
        "The mean of the square, less the square of the mean. Independent channels add; the mean squared error is "
        "their sum over $c q$.",
    ),
)
CHECKS = (
    Step(
        "The expectation, monomial by monomial",
        expected_general,
        ExplicitExpectation(cases=cases((1, 2), (2, 2), (2, 3))),
        "All entries written out, a variance of its own for each column.",
    ),
    Step(
        "The third moments",
        third,
        ExplicitExpectation(cases=cases((1, 2), (2, 2), (2, 3)), kurtosis=kurtosis),
        "Odd powers average to zero.",
    ),
    Step(
        "The fourth moments",
        fourth,
        ExplicitExpectation(cases=cases((1, 2), (2, 2), (1, 3)), kurtosis=kurtosis),
        "All products of four entries written out.",
    ),
    Step(
        "The variance, monomial by monomial",
        variance_of_form,
        ExplicitExpectation(cases=cases((1, 2), (2, 2), (1, 3)), kurtosis=kurtosis),
        "The square of the form, all entries written out.",
    ),
)


def derivation() -> Derivation:
    """Expectation and variance of the squared error over the initial weights."""
    return Derivation(
        name="cnn-expected-mse",
        title="The mean squared error of a one-layer convolutional network, averaged over its initial weights",
        statement=(expected_general, expected, variance_of_form),
        assumptions=(*ASSUMPTIONS, *MOMENTS),
        steps=(*STEPS, *VARIANCE, *CHECKS),
        source="Ours; Theorem 2 of Zhang, Bengio, Hardt, Mozer, Singer: Identity Crisis, ICLR 2020, bounds this "
        "expectation.",
        result={
            "expected mse": expected_mse,
            "expected mse, any covariance": expected_general.rhs,
            "variance of one channel": variance_of_form.rhs,
        },
        remarks=(
            "With a bias the patch matrix has a column of ones and $\\Sigma_0$ the bias's variance in its place: zero "
            "in all schemes but PyTorch's default.",
            "A fully connected network is the case $A = x^T$, $q = 1$.",
        ),
    )
