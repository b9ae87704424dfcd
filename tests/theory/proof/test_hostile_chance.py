"""Statements about chance, matrices, derivatives and conditions made to deceive the rules, true ones among them.

What a rule proves is evaluated by code that shares nothing with it: expectations by summing over all values of a
discrete law, or by quadrature; limits far out; derivatives by differences. Premises are true where they are used.
"""

import math
from fractions import Fraction
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import quad
from sympy import (
    Abs,
    Derivative,
    Ge,
    Gt,
    Identity,
    Implies,
    Integer,
    Integral,
    Le,
    Limit,
    Lt,
    MatrixSymbol,
    Pow,
    Rational,
    Symbol,
    Trace,
    ZeroMatrix,
    exp,
    log,
    oo,
    pi,
    sqrt,
)

from tests.theory.derivations.evaluation import Point, holds, value
from tests.theory.derivations.exact_matrices import draws, integers
from tests.theory.proof.hostile import BUDGET, assert_true_everywhere, eq, n, p, q, x, y
from theory.proof import lemmas
from theory.proof.chance import Expectation, ExpectedMatrix, Probability, Variance
from theory.proof.citing import ByLemma
from theory.proof.expectation import ExpectedTraces
from theory.proof.expressions import Gradient, SquaredNorm, matrix_sequence
from theory.proof.inequalities import Inequality
from theory.proof.limits import MatrixLimit
from theory.proof.order import Conditional, at_most, slack, when
from theory.proof.probability import Independence
from theory.proof.rules import Algebra, Differentiation, GradientFromDefinition

rows, columns = (Symbol(name, integer=True, positive=True) for name in "rc")
Z, H, Y = (MatrixSymbol(name, rows, columns) for name in "ZHY")
T, N = Trace(H.T * Z), SquaredNorm(Z)
SIGNS = [(Fraction(1, 2), Fraction(1)), (Fraction(1, 2), Fraction(-1))]
SKEWED = [(Fraction(1, 4), Fraction(3)), (Fraction(3, 4), Fraction(-1))]  # mean 0, variance 3
FACTORS = st.sampled_from([1, -1, 2, 0, Rational(1, 2)])


def points(*laws, seed=0):
    """Small matrices Z (and Y) of independent entries of these laws, fixed ones, and numbers of either sign."""
    random = Random(seed)
    for law in laws or (SIGNS, SKEWED):
        for shape in ((1, 1), (2, 1), (1, 2)):
            for number in (Fraction(-2), Fraction(-1, 2), Fraction(0), Fraction(1, 2), Fraction(1)):
                fixed = integers(random, *shape) * Fraction(1, 4)
                yield Point(
                    {"r": shape[0], "c": shape[1], "x": number, "y": 1 - number, "p": Fraction(1, 2), "q": Fraction(2)},
                    {"H": fixed},
                    random={"Z": draws(*shape, law), "Y": draws(*shape, SIGNS)},
                )


def assert_holds(statement, premises=()):
    for point in points():
        if all(_everywhere(premise, point) for premise in premises):
            assert _everywhere(statement, point), f"{statement} is false at {point.scalars}"


def _everywhere(premise, point):
    """Whether a statement holds for every value of the random matrices that it leaves open."""
    fixed = [point]
    for name in ("Z", "Y"):
        fixed = [each | Point(matrices={name: draw}) for each in fixed for _, draw in point.random[name]]
    return all(holds(premise, each) for each in fixed)


@BUDGET
@given(
    st.sampled_from([T, N, -N, T + N, 1 - T]),
    st.sampled_from([p, Integer(0), Integer(-1), x]),
    st.sampled_from([q, -q, x, x**2, Integer(0), Rational(1, 2), p - q]),
    st.sampled_from([1, -1, 2]),
    st.booleans(),
)
def test_markov(variable, tau, s, factor, turned):
    event = Le(variable, tau, evaluate=False) if turned else Ge(variable, tau, evaluate=False)
    statement = at_most(Probability(event, Z), exp(-factor * s * tau) * Expectation(exp(s * variable), Z))
    for premises in ((), (Ge(s, 0, evaluate=False),)):
        if ByLemma(premises, lemma=lemmas.MARKOV, values={lemmas.s: s}).prove(statement) is True:
            assert_holds(statement, premises)


BODIES = st.sampled_from([T, N, N + 1, T**2, exp(T), exp(N), exp(2 * T), 1 + T, Integer(1), T - N, exp(-N)])


@BUDGET
@given(BODIES, BODIES, st.booleans(), st.sampled_from([(Z, Z), (Z, Y), (Y, Y)]))
def test_expectations_are_compared(one, other, equal, over):
    premise = eq(one, other) if equal else at_most(one, other)
    lemma = lemmas.EXPECTATION_OF_EQUALS if equal else lemmas.EXPECTATION_IS_MONOTONE
    sides = Expectation(one, over[0]), Expectation(other, over[1])
    for statement in (eq(*sides), at_most(*sides), at_most(*reversed(sides))):
        if ByLemma((premise,), lemma=lemma).prove(statement) is True:
            assert_holds(statement, (premise,))


@BUDGET
@given(
    st.sampled_from([T, Trace(Y.T * Z), exp(Trace(Y.T * Z)), exp(T), exp(N - SquaredNorm(Y)), exp(2 * Trace(Z.T * Y))]),
    st.permutations([Z, Y]), st.permutations([Z, Y]), st.sampled_from([1, 1, 2]),
)  # fmt: skip
def test_expectations_are_exchanged(body, first, second, factor):
    left = Expectation(Expectation(body, first[0]), first[1])
    right = Expectation(Expectation(body**factor, second[0]), second[1])
    for statement in (eq(left, right), eq(left, Expectation(Expectation(body, second[0]), second[0]))):
        if ByLemma(lemma=lemmas.TONELLI).prove(statement) is True:
            assert_holds(statement)


@BUDGET
@given(
    st.sampled_from([x, -x, n * log(p), n * log(x), log(p) - x, 2 * x, Integer(0)]),
    st.sampled_from([y, x**2, n * log(q), n * log(y), x, log(q), Integer(1)]),
    st.sampled_from([1, -1]),
)
def test_exponentials_are_compared(a, b, sign):
    premise = at_most(a, b)
    left, right = (Pow(side.args[-1].args[0], n) if side.has(n) else exp(sign * side) for side in (a, b))
    statement = at_most(left, right)
    rule = ByLemma((premise,), lemma=lemmas.EXPONENTIAL_INCREASES, values={lemmas.a: a, lemmas.b: b})
    if rule.prove(statement) is True:
        assert_true_everywhere(statement, (premise,))


entry, h = Symbol("z", real=True), Symbol("h", real=True)
LAW = exp(-(entry**2) / (2 * p)) / sqrt(2 * pi * p)
LINE = (entry, -oo, oo)


def _moment(slope: float) -> float:
    """E exp(slope z) of a Gaussian of variance 1/2."""
    return quad(lambda z: math.exp(slope * z - z * z) / math.sqrt(math.pi), -20, 20)[0]


@BUDGET
@given(FACTORS, FACTORS, FACTORS, st.sampled_from([1, Rational(1, 2), 2]), st.sampled_from(["=", "≤"]), st.booleans())
def test_independent_entries(slope, claimed, constant, width, sign, is_density):
    """Gaussian entries of variance p: E exp(k tr HᵀZ) = exp(p k² ‖H‖² / 2)."""
    relation = eq if sign == "=" else at_most
    one = relation(Integral((exp(slope * h * entry) * LAW).powsimp(), LINE), exp(p * slope**2 * h**2 / 2))
    density = eq(Integral(LAW if is_density else LAW.subs(p, 2 * p), LINE), Integer(1))
    exponent = slope * T + (constant if constant > 1 else 0)
    statement = relation(Expectation(exp(exponent), Z), exp(p * claimed * SquaredNorm(H) * width / 2))
    rule = Independence((one, density), random=(Z, entry), fixed=(H, h))
    if rule.prove(statement) is not True:
        return
    random = Random(1)
    for shape in ((1, 1), (2, 2), (1, 3)):
        fixed = integers(random, *shape) * Fraction(1, 4)
        point = Point({"r": shape[0], "c": shape[1], "p": Fraction(1, 2)}, {"H": fixed})
        moments = [_moment(float(slope) * float(at)) for at in fixed.ravel()]
        found = math.exp(constant if constant > 1 else 0) * math.prod(moments)
        bound = float(value(statement.rhs, point))
        assert found <= bound * (1 + 1e-9)
        if sign == "=":
            assert found >= bound * (1 - 1e-9)


A, B = (MatrixSymbol(name, columns, columns) for name in "AB")
G = MatrixSymbol("G", rows, rows)


@BUDGET
@given(
    st.sampled_from([
        Trace(Z.T * Z), Trace(Z * Z.T), Trace(Z * A * Z.T), Trace(A * Z.T * Z), Trace(H.T * Z), Trace(Z.T * G * Z),
        Trace(H.T * Z) ** 2, Trace(Z.T * Z) ** 2, Trace(Z.T * Z * A * Z.T * Z), Trace(H.T * Z) * Trace(A),
    ]),
    st.sampled_from([
        rows * columns, rows * Trace(A), columns * Trace(G), Integer(0), SquaredNorm(H), Trace(A) * Trace(G), 3 * rows,
    ]),
    st.sampled_from([Expectation, Variance]),
)  # fmt: skip
def test_traces(polynomial, claimed, kind):
    """Entries of mean 0 and variance 1: E Z = 0, E ZᵀZ = r I, E Z Zᵀ = c I."""
    premises = (
        eq(ExpectedMatrix(Z, Z), ZeroMatrix(rows, columns)),
        eq(ExpectedMatrix(Z.T * Z, Z), rows * Identity(columns)),
        eq(ExpectedMatrix(Z * Z.T, Z), columns * Identity(rows)),
    )
    statement = eq(kind(polynomial, Z), claimed)
    verdict = ExpectedTraces(premises).prove(statement)
    truths = []
    random = Random(2)
    for point in points(SIGNS):
        r, c = point.scalars["r"], point.scalars["c"]
        named = point | Point(matrices={"A": integers(random, c, c), "G": integers(random, r, r)})
        assert all(holds(premise, named) for premise in premises)
        truths.append(holds(statement, named))
    if verdict is True:
        assert all(truths), statement
    if verdict is False:
        assert not all(truths), statement


size = Symbol("d", integer=True, positive=True)
M, P, Q = (MatrixSymbol(name, size, size) for name in "MPQ")
W, V = matrix_sequence("W", size, size), matrix_sequence("V", size, size)
t = Symbol("t", integer=True, nonnegative=True)


@BUDGET
@given(
    st.sampled_from([
        W(t), W(t).T, W(t) * M, M * W(t) * M, W(t) * W(t), W(t) + M, t * W(t), W(t) - V(t), V(t) * M, V(t) * W(t),
        W(t + 1), W(t) * V(t) - P * V(t), 2 * W(t) - P,
    ]),
    st.sampled_from([P, P.T, P * M, M * P * M, P * P, P + M, 2 * P, 0 * P, M]),
)  # fmt: skip
def test_limits_of_matrices(sequence, claimed):
    """W_t = P + Q / 2ᵗ tends to P; V_t does not come to rest."""
    premise = eq(Limit(W(t), t, oo), P)
    statement = eq(Limit(sequence, t, oo), claimed)
    if MatrixLimit((premise,)).prove(statement) is not True:
        return
    random = Random(3)
    for side in (1, 2):
        end, way = integers(random, side, side) + Fraction(1, 2), integers(random, side, side)
        point = Point(
            {"d": side}, {"P": end, "M": integers(random, side, side)},
            {"W": lambda k, end=end, way=way: end + way * Fraction(1, 2**k), "V": lambda k, end=end: end * (-1) ** k},
        )  # fmt: skip
        assert holds(premise, point)
        assert holds(statement, point), statement


@BUDGET
@given(
    st.sampled_from([
        SquaredNorm(W(t)), SquaredNorm(W(t) * M - P), Trace(M * W(t)), Trace(W(t).T * M * W(t)), Trace(W(t) * W(t)),
        SquaredNorm(W(t)) / 2 + Trace(P * W(t)),
    ]),
    st.sampled_from([
        2 * W(t), 2 * (W(t) * M - P) * M.T, 2 * (W(t) * M - P) * M, M.T, M, (M + M.T) * W(t), 2 * M * W(t), 2 * W(t).T,
        W(t) + P.T, W(t) + P,
    ]),
)  # fmt: skip
def test_gradients(function, claimed):
    statement = eq(Gradient(function, W(t)), claimed)
    if GradientFromDefinition().prove(statement) is not True:
        return
    random = Random(4)
    for side in (1, 2, 3):
        weights = integers(random, side, side)
        matrices = {"M": integers(random, side, side), "P": integers(random, side, side)}
        point = Point({"d": side, "t": 0}, matrices, {"W": lambda _, weights=weights: weights})
        assert holds(statement, point), statement


line = Symbol("t", real=True)
FUNCTIONS = [
    line**2,
    line**3,
    1 / line,
    exp(2 * line),
    line * exp(-line),
    sqrt(line**2),
    Abs(line),
    line**n,
    log(line**2),
]
SLOPES = [
    2 * line,
    3 * line**2,
    -1 / line**2,
    2 * exp(2 * line),
    (1 - line) * exp(-line),
    Integer(1),
    n * line ** (n - 1),
    2 / line,
]


@BUDGET
@given(st.sampled_from(FUNCTIONS), st.sampled_from(SLOPES))
def test_derivatives(function, claimed):
    statement = eq(Derivative(function, line), claimed)
    if Differentiation().prove(statement) is not True:
        return
    for at in (-1.5, -0.5, 0.75, 2.0):
        for exponent in (-1, 0, 2, 3):
            step, at_exponent = 1e-6, function.subs(n, exponent)
            slope = (at_exponent.subs(line, at + step) - at_exponent.subs(line, at - step)) / (2 * step)
            here = {line: at, n: exponent}
            # The difference errs by a sixth of the third derivative, below 100 here, times the square of the step.
            assert abs(float(slope) - float(claimed.subs(here))) < 1e-6 * max(1, abs(float(slope))), statement


RELATIONS = [
    at_most(x, y),
    at_most(y, x),
    Lt(x, 0, evaluate=False),
    Gt(y, 1, evaluate=False),
    at_most(x**2, Integer(1)),
]
CONCLUSIONS = [
    at_most(x, y),
    at_most(2 * x, 2 * y),
    at_most(x, y + 1),
    Lt(x, y, evaluate=False),
    at_most(x, Integer(1)),
]


@BUDGET
@given(st.lists(st.sampled_from(RELATIONS), min_size=1, max_size=2, unique=True), st.sampled_from(CONCLUSIONS), FACTORS)
def test_conditions(conditions, conclusion, factor):
    statement = when(*conditions)(conclusion)
    assume(isinstance(statement, Implies))
    for rule in (
        Inequality(),
        Inequality(certificate=factor * slack(conditions[0])),
        Inequality(certificate=slack(conclusion)),
    ):
        if Conditional(by=rule).prove(statement) is True:
            assert_true_everywhere(statement)
    equation = when(eq(x, factor * y))(eq(x**2, y**2))
    if Conditional(by=Algebra()).prove(equation) is True:
        assert_true_everywhere(equation)


def test_the_true_ones_among_them_are_proved():
    """Else nothing above would be tried."""
    markov = at_most(Probability(Ge(T, p, evaluate=False), Z), exp(-q * p) * Expectation(exp(q * T), Z))
    assert ByLemma(lemma=lemmas.MARKOV, values={lemmas.s: q}).prove(markov) is True
    assert_holds(markov)
    assert MatrixLimit((eq(Limit(W(t), t, oo), P),)).prove(eq(Limit(M * W(t) * M, t, oo), M * P * M)) is True
    assert GradientFromDefinition().prove(eq(Gradient(Trace(W(t).T * M * W(t)), W(t)), (M + M.T) * W(t))) is True
    assert Differentiation().prove(eq(Derivative(exp(2 * line), line), 2 * exp(2 * line))) is True
