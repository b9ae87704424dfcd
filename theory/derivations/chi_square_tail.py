"""The tail of the random part of the error: that of a chi-square variable, for Gaussian and uniform weights alike.

Chernoff's method. The moment generating function is decoupled by an auxiliary Gaussian matrix (as in the proof of the
Hanson–Wright inequality), which needs of the weights only that they are sub-Gaussian with their own variance; the
exponent is chosen as by Laurent and Massart (Annals of Statistics 28, 2000, lemma 1).
"""

from __future__ import annotations

from sympy import (
    Basic,
    Expr,
    Ge,
    Integer,
    Integral,
    Lt,
    MatrixSymbol,
    Rational,
    S,
    Sum,
    Symbol,
    Trace,
    exp,
    factorial,
    log,
    oo,
    pi,
    sqrt,
    symbols,
)

from theory.derivations.cnn_expected_mse import V, d, orthonormal, start, variance
from theory.derivations.linear_model import c, equation, p
from theory.proof import lemmas
from theory.proof.chance import Expectation, Probability
from theory.proof.citing import ByLemma
from theory.proof.expressions import SquaredNorm
from theory.proof.induction import InequalityInduction
from theory.proof.inequalities import Growth, Inequality
from theory.proof.order import Transitivity, at_most, slack, times, total
from theory.proof.probability import Independence, MatrixInstance
from theory.proof.rules import Algebra
from theory.proof.series import Factorials, Integration
from theory.proof.steps import Assumption, Step
from theory.proof.unfolding import Unfolding

__all__ = ["ASSUMPTIONS", "STEPS", "L", "delta", "random_part", "tail", "tau"]

n = Symbol("n", integer=True, nonnegative=True)
a, u, x, y, tau, L, delta = symbols("w u ell nu tau L delta", positive=True)
h, theta, z, b = symbols("h theta z b", real=True)
H, Z, Y = MatrixSymbol("H", c, p), MatrixSymbol("Z", c, d), MatrixSymbol("Y", c, d)
random_part = SquaredNorm(start * V)
s = u / (2 * variance)


half_width = equation(variance, a**2 / 3)
confidence = equation(delta, exp(-L))
threshold = equation(tau, variance * (y**2 + 2 * x * y + 2 * x**2))
root_of_confidence, root_of_count = equation(x, sqrt(L)), equation(y, sqrt(c * d))
chosen = equation(u, 2 * x / (y + 2 * x))

ASSUMPTIONS = (
    Assumption(
        "The initial weights are independent; each is Gaussian with mean 0 and variance $v$, or uniform on $[-w, w]$ "
        "with the same variance:",
        half_width,
    ),
    Assumption(
        "or always zero, as a bias is in all schemes but PyTorch's default. (Orthogonal weights are not independent; "
        "they are treated apart.)"
    ),
    Assumption("$Z$ is an auxiliary $c \\times d$ matrix of independent standard Gaussian entries."),
    Assumption("The confidence is $1 - \\delta$, and $L$ the logarithm of $1 / \\delta$, positive:", confidence),
    Assumption("Abbreviations:", root_of_confidence),
    Assumption("the root of the number of degrees of freedom,", root_of_count),
    Assumption("the threshold that the random part will seldom pass,", threshold),
    Assumption("and twice $v$ times the exponent of Chernoff's method:", chosen),
)

# The weights are sub-Gaussian with their own variance.
gaussian_law = exp(-(theta**2) / (2 * variance)) / sqrt(2 * pi * variance)
line, interval, standard = (theta, -oo, oo), (theta, -a, a), (z, -oo, oo)
bound_of_one = exp(variance * h**2 / 2)
gaussian_density = equation(Integral(gaussian_law, line), Integer(1))
gaussian_mgf = equation(Integral((exp(h * theta) * gaussian_law).powsimp(), line), bound_of_one)
uniform_density = equation(Integral(1 / (2 * a), interval), Integer(1))
even = equation(Integral(theta ** (2 * n) / (2 * a), interval), a ** (2 * n) / (2 * n + 1))
odd = equation(Integral(theta ** (2 * n + 1) / (2 * a), interval), Integer(0))
uniform_series = Sum((a**2 * h**2) ** n / factorial(2 * n + 1), (n, 0, oo))
gaussian_series = Sum((a**2 * h**2) ** n / (6**n * factorial(n)), (n, 0, oo))
uniform_mgf = equation(Integral(exp(h * theta) / (2 * a), interval), uniform_series)
exponential_series = equation(gaussian_series, exp(a**2 * h**2 / 6))
next_odd = equation(factorial(2 * n + 3), (2 * n + 3) * (2 * n + 2) * factorial(2 * n + 1))
next_factorial = equation(factorial(n + 1), (n + 1) * factorial(n))
factorials = at_most(6**n * factorial(n), factorial(2 * n + 1))
coefficients = at_most(uniform_series.function, gaussian_series.function)
series_bound = at_most(uniform_series, gaussian_series)
uniform_bound = at_most(uniform_mgf.lhs, bound_of_one)
same_variance = equation(exp(a**2 * h**2 / 6), bound_of_one)
at_zero = at_most(Integer(0), variance * h**2 / 2)
zero_bound = at_most(Integer(1), bound_of_one)
sub_gaussian = at_most(Expectation(exp(Trace(H.T * start)), start), exp(variance * SquaredNorm(H) / 2))

# The moment generating function of the random part.
standard_law = exp(-(z**2) / 2) / sqrt(2 * pi)
standard_density = equation(Integral(standard_law, standard), Integer(1))
linearised_entry = equation(Integral((exp(sqrt(2 * s) * b * z) * standard_law).powsimp(), standard), exp(s * b**2))
linearised = equation(Expectation(exp(sqrt(2 * s) * Trace(Y.T * Z)), Z), exp(s * SquaredNorm(Y)))
coupled = exp(sqrt(2 * s) * Trace((start * V).T * Z))
linearised_part = equation(Expectation(coupled, Z), exp(s * random_part))
generating = Expectation(exp(s * random_part), start)
iterated = equation(generating, Expectation(Expectation(coupled, Z), start))
exchanged = equation(iterated.rhs, Expectation(Expectation(coupled, start), Z))
inner = at_most(Expectation(coupled, start), exp(s * variance * SquaredNorm(Z)))
outer = at_most(exchanged.rhs, Expectation(inner.rhs, Z))
chi_square_entry = equation(
    Integral((exp(s * variance * z**2) * standard_law).powsimp(), standard), (1 - u) ** (-S.Half)
)
chi_square = equation(outer.rhs, (1 - u) ** (-c * d / 2))
generating_bound = at_most(generating, chi_square.rhs)

# Chernoff's method.
event = Probability(Ge(random_part, tau, evaluate=False), start)
markov = at_most(event, exp(-s * tau) * generating)
chernoff = at_most(event, exp(-s * tau) * chi_square.rhs)
below_one = Lt(u, 1, evaluate=False)
logarithm = at_most(-log(1 - u), u + u**2 / (2 * (1 - u)))
confidence_square, count_square = equation(x**2, L), equation(y**2, c * d)
optimum = equation(y**2 * (u + u**2 / (2 * (1 - u))) - u * tau / variance, -2 * L)
twice = at_most(-u * tau / variance - c * d * log(1 - u), -2 * L)
exponent = at_most(-s * tau - c * d / 2 * log(1 - u), -L)
exponential = at_most(chernoff.rhs, exp(-L))
tail = at_most(event, delta)


def gaussian_integral(w: Expr, slope: Expr = S.Zero, premises: tuple[Basic, ...] = ()) -> ByLemma:
    """The integral of `exp(−w z²/2 + slope z)`, over the root of 2 π and of the variance where there is one."""
    density = 1 / sqrt(2 * pi * variance) if w.has(variance) else 1 / sqrt(2 * pi)
    return ByLemma(premises, lemma=lemmas.GAUSSIAN_INTEGRAL, values={lemmas.w: w, lemmas.b: slope, lemmas.k: density})


SUB_GAUSSIAN = (
    Step("The Gaussian density", gaussian_density, gaussian_integral(1 / variance), "It is one."),
    Step(
        "A Gaussian weight",
        gaussian_mgf,
        gaussian_integral(1 / variance, h),
        "Its moment generating function.",
    ),
    Step("The uniform density", uniform_density, Integration(), "It is one."),
    Step("Even moments of a uniform weight", even, Integration(), "By the antiderivative."),
    Step("Odd moments of a uniform weight", odd, Integration(), "By symmetry."),
    Step(
        "A uniform weight",
        uniform_mgf,
        ByLemma(
            (even, odd),
            lemma=lemmas.SERIES_INTEGRATED,
            values={lemmas.h: h, lemmas.w: 1 / (2 * a), lemmas.moment: even.rhs},
        ),
        "Its moment generating function, a series.",
    ),
    Step(
        "A Gaussian series",
        exponential_series,
        ByLemma(lemma=lemmas.EXPONENTIAL_SERIES),
        "The series of the Gaussian with that variance.",
    ),
    Step("Odd factorials", next_odd, Factorials(), "By definition."),
    Step("Factorials", next_factorial, Factorials(), "By definition."),
    Step(
        "The coefficients compared",
        factorials,
        InequalityInduction(
            variable=n,
            base=Inequality(certificate=S.Zero),
            step=Inequality(
                (next_odd, next_factorial),
                certificate=total(
                    (2 * n + 3) * (2 * n + 2) * slack(factorials), 6**n * factorial(n) * (4 * n * (n + 1))
                ),
            ),
        ),
        "From $n$ to $n + 1$ the left side grows by the factor $6 (n + 1)$, the right by $(2 n + 2) (2 n + 3)$, which "
        "is larger by $4 n (n + 1)$.",
    ),
    Step(
        "The terms compared",
        coefficients,
        Inequality(
            (factorials,),
            certificate=(a**2 * h**2) ** n / factorial(2 * n + 1) / (6**n * factorial(n)) * slack(factorials),
        ),
        "Divide.",
    ),
    Step(
        "The series compared", series_bound, ByLemma((coefficients,), lemma=lemmas.SERIES_TERM_BY_TERM), "Term by term."
    ),
    Step(
        "The variance of a uniform weight",
        same_variance,
        Unfolding((half_width,)),
        "$w^2 / 6 = v / 2$.",
    ),
    Step(
        "A uniform weight is sub-Gaussian with its own variance",
        uniform_bound,
        Transitivity((uniform_mgf, series_bound, exponential_series, same_variance)),
        "$\\sinh(wh) / (wh) \\le \\exp(w^2 h^2 / 6)$, and $w^2 / 6 = v / 2$.",
    ),
    Step("A sign", at_zero, Inequality(certificate=variance * h**2 / 2), "Variances are positive."),
    Step(
        "A weight that is zero",
        zero_bound,
        ByLemma((at_zero,), lemma=lemmas.EXPONENTIAL_INCREASES, values={lemmas.a: S.Zero}),
        "Its moment generating function is 1.",
    ),
    Step(
        "All weights together",
        sub_gaussian,
        Independence(
            (gaussian_mgf, gaussian_density, uniform_bound, uniform_density, zero_bound),
            random=(start, theta),
            fixed=(H, h),
        ),
        "For any matrix $H$, whichever of the laws each weight follows.",
    ),
)
GENERATING = (
    Step("The standard Gaussian density", standard_density, gaussian_integral(S.One), "It is one."),
    Step(
        "A square, linearised",
        linearised_entry,
        gaussian_integral(S.One, sqrt(2 * s) * b),
        "The exponential of a square is the average of exponentials of something linear.",
    ),
    Step(
        "A squared norm, linearised",
        linearised,
        Independence((linearised_entry, standard_density), random=(Z, z), fixed=(Y, b)),
        "Entry by entry.",
    ),
    Step(
        "The random part, linearised",
        linearised_part,
        MatrixInstance((linearised,), values=((Y, start * V),)),
        "With $Y = \\Theta_0 V$.",
    ),
    Step(
        "Its moment generating function",
        iterated,
        ByLemma((linearised_part,), lemma=lemmas.EXPECTATION_OF_EQUALS),
        "Average over the initial weights too.",
    ),
    Step(
        "Tonelli",
        exchanged,
        ByLemma(lemma=lemmas.TONELLI),
        "Exponentials are positive, so the order of averaging does not matter.",
    ),
    Step(
        "The average over the initial weights",
        inner,
        MatrixInstance((sub_gaussian, orthonormal), values=((H, sqrt(2 * s) * Z * V.T),)),
        "With $H = \\sqrt{u / v} Z V^T$, whose squared norm is $u / v$ times that of $Z$.",
    ),
    Step("The average over both", outer, ByLemma((inner,), lemma=lemmas.EXPECTATION_IS_MONOTONE), "Average over $Z$."),
    Step(
        "The exponent is not too large",
        below_one,
        Inequality((chosen,), certificate=y / (y + 2 * x)),
        "As $\\nu > 0$.",
    ),
    Step(
        "A square of a Gaussian",
        chi_square_entry,
        gaussian_integral(1 - u, premises=(below_one,)),
        "Its moment generating function.",
    ),
    Step(
        "A chi-square variable",
        chi_square,
        Independence((chi_square_entry, standard_density), random=(Z, z)),
        "With $c d$ degrees of freedom.",
    ),
    Step(
        "The random part is dominated by a chi-square variable",
        generating_bound,
        Transitivity((iterated, exchanged, outer, chi_square)),
        "Put the steps together; for Gaussian weights it is an equality.",
    ),
)
CHERNOFF = (
    Step("Markov", markov, ByLemma(lemma=lemmas.MARKOV, values={lemmas.s: s}), "For the exponent $s = u / (2 v)$."),
    Step(
        "Chernoff",
        chernoff,
        Inequality(
            (markov, generating_bound, below_one),
            certificate=total(slack(markov), exp(-s * tau) * slack(generating_bound)),
        ),
        "Put in the moment generating function.",
    ),
    Step(
        "A bound on the logarithm",
        logarithm,
        Growth((below_one,), variable=u, along=Inequality((below_one,), certificate=u**2 / (2 * (1 - u) ** 2))),
        "Equal at $u = 0$; the difference has the derivative $u^2 / (2 (1 - u)^2)$.",
    ),
    Step("The square of $\\ell$", confidence_square, Algebra((root_of_confidence,)), "By definition."),
    Step("The square of $\\nu$", count_square, Algebra((root_of_count,)), "By definition."),
    Step(
        "The best exponent",
        optimum,
        Algebra((chosen, threshold, confidence_square, below_one)),
        "With $u = 2 \\ell / (\\nu + 2 \\ell)$ the threshold is met exactly.",
    ),
    Step(
        "Twice the exponent bounded",
        twice,
        Inequality((optimum, count_square, logarithm, below_one), certificate=y**2 * slack(logarithm)),
        "By the bound on the logarithm.",
    ),
    Step(
        "The exponent bounded",
        exponent,
        Inequality((twice, below_one), certificate=times(Rational(1, 2), slack(twice))),
        "Halve.",
    ),
    Step(
        "The probability bounded",
        exponential,
        ByLemma(
            (exponent, below_one),
            lemma=lemmas.EXPONENTIAL_INCREASES,
            values={lemmas.a: exponent.lhs, lemmas.b: exponent.rhs},
        ),
        "Take exponentials.",
    ),
    Step(
        "The tail of the random part",
        tail,
        Transitivity((chernoff, exponential, confidence)),
        "So the random part passes the threshold with probability $\\delta$ at most.",
    ),
)
STEPS = (*SUB_GAUSSIAN, *GENERATING, *CHERNOFF)
