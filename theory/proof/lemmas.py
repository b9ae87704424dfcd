"""The textbook facts that derivations cite, each with its source. A reader who doubts one looks it up.

The symbols below stand for any expressions; which of them may depend on what is averaged or summed over, `varies` says.
"""

from __future__ import annotations

from sympy import Abs, Eq, Expr, Ge, Gt, Integral, LessThan, Limit, Lt, Min, Sum, Symbol, exp, factorial, oo, pi, sqrt

from theory.proof.chance import Expectation, Probability
from theory.proof.lemma import (
    CountsFromZero,
    Finite,
    Given,
    Holds,
    Lemma,
    OnTheLine,
    Real,
    RunsFrom,
)

DURRETT = "R. Durrett, Probability: Theory and Examples, 5th edition"
RUDIN = "W. Rudin, Principles of Mathematical Analysis, 3rd edition"

# Values, functions, bounds of sums and integrals; then what is averaged, summed or integrated over.
a, b, f, g, h, k, s, tau, w, x, y = map(Symbol, ("a", "b", "f", "g", "h", "k", "s", "tau", "w", "x", "y"))
first, last, moment = map(Symbol, ("m", "n_1", "M"))
X, Y, Z, i, n, t, z = map(Symbol, ("X", "Y", "Z", "i", "n", "t", "z"))


def _at_most(lesser: Expr, greater: Expr) -> LessThan:
    return LessThan(lesser, greater, evaluate=False)


def _equal(left: Expr, right: Expr) -> Eq:
    return Eq(left, right, evaluate=False)


MARKOV = Lemma(
    name="Markov's inequality",
    words="$P(f \\ge \\tau) \\le e^{-s \\tau} E e^{s f}$ for real $f$ and $s \\ge 0$: the indicator of the event is at "
    "most $e^{s (f - \\tau)}$.",
    source=f"{DURRETT}, theorem 1.6.4",
    statement=_at_most(Probability(Ge(f, tau, evaluate=False), Z), exp(-s * tau) * Expectation(exp(s * f), Z)),
    conditions=(Holds(Ge(s, 0, evaluate=False)), Real(f), Real(tau)),
    varies={f: (Z,)},
)
EXPECTATION_IS_MONOTONE = Lemma(
    name="monotonicity of the expectation",
    words="$E f \\le E g$ where $f \\le g$ everywhere.",
    source=f"{DURRETT}, theorem 1.6.1",
    statement=_at_most(Expectation(f, Z), Expectation(g, Z)),
    conditions=(Given(_at_most(f, g)),),
    varies={f: (Z,), g: (Z,)},
)
EXPECTATION_OF_EQUALS = Lemma(
    name="equal functions having equal expectations",
    words="$E f = E g$ where $f = g$ everywhere.",
    source=f"{DURRETT}, theorem 1.6.1",
    statement=_equal(Expectation(f, Z), Expectation(g, Z)),
    conditions=(Given(_equal(f, g)),),
    varies={f: (Z,), g: (Z,)},
)
TONELLI = Lemma(
    name="Tonelli's theorem",
    words="Expectations over two independent random matrices may be taken in either order, of what is not negative.",
    source=f"{DURRETT}, theorem 1.7.2",
    statement=_equal(Expectation(Expectation(exp(f), X), Y), Expectation(Expectation(exp(f), Y), X)),
    conditions=(Real(f),),
    varies={f: (X, Y)},
)
EXPONENTIAL_INCREASES = Lemma(
    name="monotonicity of the exponential function",
    words="$e^a \\le e^b$ where $a \\le b$.",
    source=f"{RUDIN}, theorem 8.6",
    statement=_at_most(exp(a), exp(b)),
    conditions=(Given(_at_most(a, b)), Real(a), Real(b)),
)
EXPONENTIAL_SERIES = Lemma(
    name="the power series of the exponential function",
    words="$\\sum_{n \\ge 0} y^n / n! = e^y$.",
    source=f"{RUDIN}, chapter 8, equation 25",
    statement=_equal(Sum(y**n / factorial(n), (n, 0, oo)), exp(y)),
    conditions=(CountsFromZero(n), Finite(y)),
)
TERM_BY_TERM = Lemma(
    name="comparison term by term",
    words="A finite sum of lesser terms is not greater.",
    source=f"{RUDIN}, definition 1.17",
    statement=_at_most(Sum(f, (i, first, last)), Sum(g, (i, first, last))),
    conditions=(Given(_at_most(f, g)), RunsFrom(i, first), Finite(last)),
    varies={f: (i,), g: (i,)},
)
SERIES_TERM_BY_TERM = Lemma(
    name="the comparison of series",
    words="A series of lesser terms, none of them negative, has no greater sum.",
    source=f"{RUDIN}, theorem 3.25",
    statement=_at_most(Sum(f, (i, first, oo)), Sum(g, (i, first, oo))),
    conditions=(Given(_at_most(f, g)), Holds(Ge(f, 0, evaluate=False)), RunsFrom(i, first)),
    varies={f: (i,), g: (i,)},
)
TERMS_BY_THEIR_NUMBER = Lemma(
    name="comparison term by term with a constant",
    words="A finite sum is at most the number of its terms times what each of them is at most.",
    source=f"{RUDIN}, definition 1.17",
    statement=_at_most(Sum(f, (i, first, last)), (last - first + 1) * g),
    conditions=(
        Given(_at_most(f, g)),
        RunsFrom(i, first),
        Finite(last),
        Holds(Ge(last - first + 1, 0, evaluate=False)),
    ),
    varies={f: (i,)},
)
SERIES_INTEGRATED = Lemma(
    name="the series of the exponential function, integrated term by term",
    words="It converges uniformly on a bounded interval: $\\int e^{h t} w = \\sum h^{2 n} M_n / (2 n)!$ where the even "
    "moments of $w$ are $M_n$ and the odd ones vanish.",
    source=f"{RUDIN}, theorem 7.16",
    statement=_equal(
        Integral(exp(h * t) * w, (t, first, last)), Sum(h ** (2 * n) * moment / factorial(2 * n), (n, 0, oo))
    ),
    conditions=(
        Given(_equal(Integral(t ** (2 * n) * w, (t, first, last)), moment)),
        Given(_equal(Integral(t ** (2 * n + 1) * w, (t, first, last)), 0)),
        Finite(first),
        Finite(last),
        CountsFromZero(n),
    ),
    varies={w: (t,), moment: (n,)},
)
GAUSSIAN_INTEGRAL = Lemma(
    name="the Gaussian integral, by completing the square",
    words="$\\int k e^{-w z^2 / 2 + b z} = k \\sqrt{2 \\pi / w} e^{b^2 / (2 w)}$ over the whole line, for $w > 0$.",
    source=f"{RUDIN}, section 8.21 and theorem 6.19",
    statement=_equal(
        Integral(k * exp(-w * z**2 / 2 + b * z), (z, -oo, oo)),
        k * sqrt(2 * pi) / sqrt(w) * exp(b**2 / (2 * w)),
    ),
    conditions=(Holds(Gt(w, 0, evaluate=False)), OnTheLine(z), Real(b), Finite(k)),
)
LESS_THAN_THE_LEAST = Lemma(
    name="the definition of the minimum",
    words="What is at most $a$ and at most $b$ is at most the lesser of the two.",
    source=f"{RUDIN}, definition 1.5",
    statement=_at_most(x, Min(a, b)),
    conditions=(Given(_at_most(x, a)), Given(_at_most(x, b))),
)
THE_LEAST_IS_LESS = Lemma(
    name="the definition of the minimum",
    words="The lesser of two numbers is at most each of them.",
    source=f"{RUDIN}, definition 1.5",
    statement=_at_most(Min(a, b), a),
    conditions=(Real(a), Real(b)),
)

# What procedures take from textbooks.
GEOMETRIC_DECAY = Lemma(
    name="the limit of a geometric sequence",
    words="$t^k q^t \\to 0$ for $|q| < 1$.",
    source=f"{RUDIN}, theorem 3.20",
    statement=_equal(Limit(t**k * x**t, t, oo), 0),
    conditions=(Holds(Lt(Abs(x), 1, evaluate=False)),),
)
LIMIT_LAWS = Lemma(
    name="the continuity of sums and products",
    words="Limits of sums and products of sequences that converge are the sums and products of their limits.",
    source=f"{RUDIN}, theorem 3.3",
)
MEAN_VALUE = Lemma(
    name="the mean value theorem",
    words="A function whose derivative is nowhere negative on an interval does not fall there.",
    source=f"{RUDIN}, theorem 5.11",
)
FUNDAMENTAL_THEOREM = Lemma(
    name="the fundamental theorem of calculus",
    words="An integral is the difference of an antiderivative at the ends.",
    source=f"{RUDIN}, theorem 6.21",
)
INDEPENDENT_PRODUCT = Lemma(
    name="the independence of entries",
    words="The expectation of a product of functions of independent variables, none of them negative, is the product "
    "of their expectations.",
    source=f"{DURRETT}, theorem 2.1.13",
)
LINEARITY = Lemma(
    name="the linearity of the expectation",
    words="$E(a f + b g) = a E f + b E g$.",
    source=f"{DURRETT}, theorem 1.6.1",
)
DIFFERENTIATION = Lemma(
    name="the rules of differentiation",
    words="Sums, products, quotients and compositions are differentiated by the usual rules.",
    source=f"{RUDIN}, theorems 5.3 and 5.5",
)
