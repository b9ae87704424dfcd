"""Rules about inequalities, conditions and chance prove what is true, and nothing that is only nearly so."""

from sympy import (
    And,
    Eq,
    Ge,
    Gt,
    Implies,
    Integer,
    Integral,
    Le,
    Limit,
    MatrixSymbol,
    Min,
    Sum,
    Symbol,
    Trace,
    exp,
    factorial,
    log,
    oo,
    pi,
    sign,
    sqrt,
    symbols,
)

from theory.proof import lemmas
from theory.proof.chance import Expectation, ExpectedMatrix, Probability, Variance
from theory.proof.citing import ByLemma
from theory.proof.expectation import ExpectedTraces
from theory.proof.expressions import SquaredNorm
from theory.proof.induction import InequalityInduction, JointInduction
from theory.proof.inequalities import Inequality
from theory.proof.order import Conditional, PartOf, Transitivity, at_most, slack, times, total, when
from theory.proof.probability import Independence
from theory.proof.real_terms import real_sequence
from theory.proof.rules import GeometricLimit
from theory.proof.series import Factorials, Integration
from theory.proof.unfolding import Unfolding

n = Symbol("n", integer=True, nonnegative=True)
i, rows, columns = (Symbol(name, integer=True, positive=True) for name in ("i", "p", "q"))
x, y, z, h = symbols("x y z h", real=True)
a, v = symbols("a v", positive=True)
k = real_sequence("k")
Z, H = MatrixSymbol("Z", rows, columns), MatrixSymbol("H", rows, columns)


def eq(left, right):
    return Eq(left, right, evaluate=False)


def cite(lemma, *premises, **values):
    """The lemma, with values for its symbols by their names in `theory.proof.lemmas`."""
    return ByLemma(premises, lemma=lemma, values={getattr(lemmas, name): value for name, value in values.items()})


def termwise(*premises, **values):
    return cite(lemmas.TERM_BY_TERM, *premises, **values)


def by_number(premise):
    return cite(lemmas.TERMS_BY_THEIR_NUMBER, premise, g=premise.rhs)


def gaussian(w, k=None):
    return cite(lemmas.GAUSSIAN_INTEGRAL, w=w, k=1 / sqrt(2 * pi) if k is None else k, b=Integer(0))


EXPONENTIAL = lemmas.EXPONENTIAL_SERIES


def test_induction_needs_base_and_step():
    doubling = eq(k(n + 1), 2 * k(n))
    start = eq(k(0), Integer(1))
    positive = at_most(Integer(0), k(n))
    whole = InequalityInduction(
        variable=n,
        base=Inequality((start,), certificate=Integer(1)),
        step=Inequality((doubling,), certificate=2 * k(n)),
    )
    assert whole.prove(positive) is True
    without_base = InequalityInduction(variable=n, step=Inequality((doubling,), certificate=2 * k(n)))
    assert without_base.prove(positive) is None
    assert InequalityInduction(variable=n, base=whole.base).prove(positive) is None
    assert whole.prove(at_most(Integer(2), k(n))) is not True


def test_no_base_may_use_the_hypothesis():
    """Both sequences keep whatever sign they start with; nothing says what that is."""
    first, second = at_most(Integer(0), k(n)), at_most(Integer(0), real_sequence("l")(n))
    keeps = [(eq(part.rhs.func(part.rhs.args[0], n + 1), part.rhs), part) for part in (first, second)]
    parts = tuple(
        (
            part,
            InequalityInduction(
                variable=n,
                base=Inequality(certificate=part.rhs.subs(n, 0)),
                step=Inequality((constant,), certificate=slack(part)),
            ),
        )
        for constant, part in keeps
    )
    assert JointInduction(parts=parts).prove(And(first, second)) is None


def test_a_condition_may_be_used_and_is_needed():
    small, below = at_most(x, y), at_most(2 * x, 2 * y)
    halved = Inequality(certificate=times(Integer(2), slack(small)))
    assert Conditional(by=halved).prove(when(small)(below)) is True
    assert Conditional(by=halved).prove(when(at_most(x, 2 * y))(below)) is not True
    assert Conditional(by=PartOf((when(small)(And(below, x > z)),))).prove(when(small)(below)) is True
    assert Conditional(by=PartOf((when(x > z)(And(below, x > z)),))).prove(when(small)(below)) is None
    assert PartOf((Implies(small, below),)).prove(below) is None


def test_a_condition_must_not_speak_of_what_a_proof_runs_through():
    """k₀ ≥ 1 and k_{n+1} = k_n − 1 does not stay positive, though each step from a k_n ≥ 1 does."""
    falling, start = eq(k(n + 1), k(n) - 1), eq(k(0), Integer(1))
    large, positive = at_most(Integer(1), k(n)), at_most(Integer(0), k(n))
    step = InequalityInduction(
        variable=n,
        base=Inequality((start,), certificate=Integer(1)),
        step=Inequality((falling,), certificate=slack(large)),
    )
    assert Conditional(by=step).prove(when(large)(positive)) is None
    limit = eq(Limit(x**n, n, oo), Integer(0))
    contraction = abs(x) < 1
    assert Conditional(by=GeometricLimit()).prove(when(contraction)(limit)) is True
    assert Conditional(by=GeometricLimit()).prove(when(contraction, n > 3)(limit)) is None
    random = at_most(Trace(H.T * Z), Integer(1))
    bounded = at_most(Expectation(exp(Trace(H.T * Z)), Z), Expectation(exp(Integer(1)), Z))
    assert Conditional(by=cite(lemmas.EXPECTATION_IS_MONOTONE)).prove(when(random)(bounded)) is None


def test_chains_lead_from_one_end_to_the_other():
    assert Transitivity((at_most(x, y), eq(z, y), at_most(z, h))).prove(at_most(x, h)) is True
    assert Transitivity((at_most(x, y), at_most(h, y))).prove(at_most(x, h)) is None
    assert Transitivity((at_most(x, y),)).prove(eq(x, y)) is None
    assert cite(lemmas.LESS_THAN_THE_LEAST, at_most(x, y), at_most(x, z), a=y, b=z).prove(at_most(x, Min(y, z))) is True
    assert cite(lemmas.LESS_THAN_THE_LEAST, at_most(x, y), a=y, b=z).prove(at_most(x, Min(y, z))) is None
    assert cite(lemmas.THE_LEAST_IS_LESS, a=y, b=z).prove(at_most(Min(y, z), y)) is True
    assert cite(lemmas.THE_LEAST_IS_LESS, a=y, b=z).prove(at_most(y, Min(y, z))) is not True
    assert cite(lemmas.THE_LEAST_IS_LESS, a=y, b=z).prove(at_most(Min(y, z), h)) is not True


def test_sums_are_compared_term_by_term():
    one = at_most(k(i), x)
    assert by_number(one).prove(at_most(Sum(k(i), (i, 1, rows)), rows * x)) is True
    assert by_number(one).prove(at_most(Sum(k(i), (i, 0, rows)), rows * x)) is None
    assert by_number(at_most(k(i), i * x)).prove(at_most(Sum(k(i), (i, 1, rows)), rows * i * x)) is None
    assert cite(EXPONENTIAL).prove(eq(Sum(a**n / factorial(n), (n, 0, oo)), exp(a))) is True
    assert cite(EXPONENTIAL).prove(eq(Sum(a**n / factorial(n + 1), (n, 0, oo)), exp(a))) is not True
    assert Factorials().prove(eq(factorial(n + 1), (n + 1) * factorial(n))) is True
    assert Factorials().prove(eq(factorial(n + 1), n * factorial(n))) is not True


def test_sums_run_over_what_their_index_may_be():
    """From k_i ≤ x for i = 1, 2, … nothing follows about k_0; and an empty sum is 0, not −3 x."""
    one, late = at_most(k(i), x), at_most(k(n), x)
    assert by_number(one).prove(at_most(Sum(k(i), (i, 0, rows)), (rows + 1) * x)) is None
    assert by_number(late).prove(at_most(Sum(k(n), (n, 0, rows)), (rows + 1) * x)) is True
    assert by_number(late).prove(at_most(Sum(k(n), (n, 5, rows)), (rows - 4) * x)) is None
    assert termwise(one).prove(at_most(Sum(k(i), (i, 1, rows)), Sum(x, (i, 1, rows)))) is True
    assert termwise(one).prove(at_most(Sum(k(i), (i, 1, rows)), Sum(x, (i, 1, rows + 1)))) is None
    shifted = Symbol("m", integer=True, positive=True)
    assert cite(EXPONENTIAL).prove(eq(Sum(a**shifted / factorial(shifted), (shifted, 0, oo)), exp(a))) is None
    even = Symbol("m", even=True, nonnegative=True)
    assert by_number(at_most(k(even), x)).prove(at_most(Sum(k(even), (even, 0, 3)), 4 * x)) is None
    assert Factorials().prove(eq(factorial(n), n * factorial(n - 1))) is None  # 0! is 1


def test_integrals_have_their_constants():
    normal = exp(-(z**2) / 2) / sqrt(2 * pi)
    assert gaussian(Integer(1)).prove(eq(Integral(normal, (z, -oo, oo)), Integer(1))) is True
    assert gaussian(Integer(1)).prove(eq(Integral(normal, (z, -oo, oo)), Integer(2))) is None
    assert gaussian(Integer(1)).prove(eq(Integral(normal, (z, 0, oo)), Integer(1))) is None
    positive = Symbol("z", positive=True)
    half = eq(Integral(normal.subs(z, positive), (positive, -oo, oo)), Integer(1))
    assert gaussian(Integer(1)).prove(half) is None
    twice = eq(Integral(normal, (z, -oo, oo), (y, 0, 2)), Integer(1))
    assert gaussian(Integer(1)).prove(twice) is None
    assert Integration().prove(eq(Integral(sqrt(positive**2), (positive, -1, 1)), Integer(0))) is None
    assert gaussian(x, k=Integer(1)).prove(eq(Integral(exp(-x * z**2 / 2), (z, -oo, oo)), sqrt(2 * pi / x))) is None
    assert Integration().prove(eq(Integral(z**2, (z, 0, 1)), Integer(1) / 3)) is True
    assert Integration().prove(eq(Integral(z**2, (z, 0, 1)), Integer(1) / 2)) is False
    assert Integration().prove(eq(Integral(z ** (2 * n), (z, -a, a)), 2 * a ** (2 * n + 1) / (2 * n + 1))) is True
    assert Integration().prove(eq(Integral(1 / z**2, (z, -1, 1)), Integer(-2))) is None  # there is a pole between
    assert Integration().prove(eq(Integral(z * exp(-(z**2) / 2), (z, 0, oo)), Integer(1))) is True
    assert Integration().prove(eq(Integral(sign(z), (z, -1, 2)), Integer(1))) is None


def test_independent_entries_multiply():
    law = exp(-(z**2) / (2 * v)) / sqrt(2 * pi * v)
    line = (z, -oo, oo)
    one_entry = eq(Integral((exp(h * z) * law).powsimp(), line), exp(v * h**2 / 2))
    density = eq(Integral(law, line), Integer(1))
    both = Independence((one_entry, density), random=(Z, z), fixed=(H, h))
    claim = eq(Expectation(exp(Trace(H.T * Z)), Z), exp(v * SquaredNorm(H) / 2))
    assert both.prove(claim) is True
    assert both.prove(eq(claim.lhs, exp(v * SquaredNorm(H)))) is None
    assert Independence((one_entry,), random=(Z, z), fixed=(H, h)).prove(claim) is None  # is it a density?
    assert Independence((density,), random=(Z, z), fixed=(H, h)).prove(eq(claim.lhs, Integer(1))) is not True
    twice = exp(-(z**2) / (4 * v)) / sqrt(4 * pi * v)  # the density of another law, of twice the variance
    other = eq(Integral(twice, line), Integer(1))
    assert Independence((one_entry, other), random=(Z, z), fixed=(H, h)).prove(claim) is None
    bound = at_most(claim.lhs, claim.rhs)
    below = at_most(one_entry.lhs, one_entry.rhs)
    one, half = at_most(Integer(1), one_entry.rhs), at_most(Integer(1) / 2, one_entry.rhs)
    assert Independence((below, density, one), random=(Z, z), fixed=(H, h)).prove(bound) is True
    assert Independence((below, density, half), random=(Z, z), fixed=(H, h)).prove(bound) is None  # an entry that is 0
    assert Independence((below, density), random=(Z, z), fixed=(H, h)).prove(claim) is None  # ≤ is no =
    assert Independence((density,), random=(Z, z), fixed=(H, h)).prove(bound) is None  # of no law at all
    shifted = Independence((one_entry, density), random=(Z, z), fixed=(H, h))
    assert shifted.prove(eq(Expectation(exp(Trace(H.T * Z) + 1), Z), exp(1 + v * SquaredNorm(H) / 2))) is None
    squared = eq(Expectation(exp(Trace(H.T * Z) ** 2), Z), claim.rhs)
    assert both.prove(squared) is None  # no sum over the entries


def test_probabilities_are_bounded_by_exponential_moments():
    event = Ge(SquaredNorm(Z), a, evaluate=False)
    moment = Expectation(exp(v * SquaredNorm(Z)), Z)
    markov = cite(lemmas.MARKOV, s=v)
    assert markov.prove(at_most(Probability(event, Z), exp(-v * a) * moment)) is True
    assert markov.prove(at_most(Probability(event, Z), exp(-2 * v * a) * moment)) is None
    assert markov.prove(at_most(Probability(Le(SquaredNorm(Z), a, evaluate=False), Z), exp(-v * a) * moment)) is None
    rising = at_most(Probability(event, Z), exp(v * a) * Expectation(exp(-v * SquaredNorm(Z)), Z))
    assert markov.prove(rising) is None
    assert cite(lemmas.MARKOV, s=-v).prove(rising) is None  # the sign is a condition of the lemma
    of_any_sign = at_most(Probability(event, Z), exp(-x * a) * Expectation(exp(x * SquaredNorm(Z)), Z))
    assert cite(lemmas.MARKOV, s=x).prove(of_any_sign) is None
    assert cite(lemmas.MARKOV, Ge(x, 0, evaluate=False), s=x).prove(of_any_sign) is True
    other = at_most(Probability(event, Z), exp(-v * a) * Expectation(exp(v * SquaredNorm(Z)), H))
    assert markov.prove(other) is None  # averaged over something else
    random = SquaredNorm(Z) * v
    assert cite(lemmas.MARKOV, s=random).prove(
        at_most(Probability(event, Z), exp(-random * a) * Expectation(exp(random * SquaredNorm(Z)), Z))
    ) is None  # fmt: skip


def test_expectations_are_monotone_and_exchange():
    inner = exp(Trace(H.T * Z))
    swapped = eq(Expectation(Expectation(inner, Z), H), Expectation(Expectation(inner, H), Z))
    tonelli = cite(lemmas.TONELLI)
    assert tonelli.prove(swapped) is True
    signed = Trace(H.T * Z)
    assert tonelli.prove(swapped.subs(inner, signed)) is None  # Tonelli is for what is positive
    once = eq(swapped.lhs, Expectation(Expectation(inner, Z), H + 0 * H))
    assert tonelli.prove(eq(swapped.lhs, swapped.lhs)) is None  # nothing is exchanged
    assert tonelli.prove(once) is None
    of_one = cite(lemmas.EXPECTATION_OF_EQUALS, eq(inner, exp(v)))
    assert of_one.prove(eq(Expectation(inner, Z), Expectation(exp(v), Z))) is True
    assert of_one.prove(eq(Expectation(inner, Z), Expectation(exp(2 * v), Z))) is None
    assert of_one.prove(eq(Expectation(inner, Z), Expectation(exp(v), H))) is None
    smaller = at_most(inner, exp(SquaredNorm(Z)))
    assert (
        cite(lemmas.EXPECTATION_IS_MONOTONE, smaller).prove(at_most(*(Expectation(side, Z) for side in smaller.args)))
        is True
    )
    assert (
        cite(lemmas.EXPECTATION_IS_MONOTONE, smaller).prove(
            at_most(*(Expectation(side, Z) for side in reversed(smaller.args)))
        )
        is None
    )
    increasing = cite(lemmas.EXPONENTIAL_INCREASES, at_most(x, y))
    assert increasing.prove(at_most(exp(x), exp(y))) is True
    assert increasing.prove(at_most(exp(y), exp(x))) is None
    logarithms = at_most(n * log(x), n * log(y))
    powers = cite(lemmas.EXPONENTIAL_INCREASES, logarithms, a=logarithms.lhs, b=logarithms.rhs)
    assert powers.prove(at_most(x**n, y**n)) is None  # (−2)² is not 1, whatever log(−2) is
    above = (Gt(x, 0, evaluate=False), Gt(y, 0, evaluate=False))
    sound = cite(lemmas.EXPONENTIAL_INCREASES, logarithms, *above, a=logarithms.lhs, b=logarithms.rhs)
    assert sound.prove(at_most(x**n, y**n)) is True


def test_expectations_are_linear_in_moments():
    second = eq(ExpectedMatrix(Z.T * Z, Z), a * H.T * H)
    claim = eq(Expectation(Trace(Z * Z.T), Z), a * Trace(H.T * H))
    assert ExpectedTraces((second,)).prove(claim) is True
    assert ExpectedTraces((second,)).prove(eq(claim.lhs, 2 * claim.rhs)) is False
    assert ExpectedTraces((second,)).prove(eq(Expectation(Trace(Z.T * Z * Z.T * Z), Z), claim.rhs)) is None
    assert ExpectedTraces().prove(claim) is None


def test_a_product_of_traces_is_no_trace_of_a_product():
    """E tr(Z)² is not tr E[Z Z], but for 1 × 1 matrices."""
    squares, G = MatrixSymbol("Z", rows, rows), MatrixSymbol("G", rows, rows)
    moment = eq(ExpectedMatrix(squares * squares, squares), G)
    assert ExpectedTraces((moment,)).prove(eq(Expectation(Trace(squares * squares), squares), Trace(G))) is True
    assert ExpectedTraces((moment,)).prove(eq(Expectation(Trace(squares) ** 2, squares), Trace(G))) is None
    column, fixed = MatrixSymbol("z", rows, 1), MatrixSymbol("b", rows, 1)
    second = eq(ExpectedMatrix(column * column.T, column), G)
    claim = eq(Expectation(Trace(fixed.T * column) ** 2, column), Trace(fixed.T * G * fixed))
    assert ExpectedTraces((second,)).prove(claim) is True
    assert ExpectedTraces((second,)).prove(eq(claim.lhs, Trace(fixed.T * fixed) * Trace(G))) is not True
    variance = eq(Variance(Trace(fixed.T * column), column), claim.rhs)
    assert ExpectedTraces((second,)).prove(variance) is None  # nothing is known of the mean
    assert ExpectedTraces((second, eq(ExpectedMatrix(column, column), 0 * column))).prove(variance) is True
    other = eq(ExpectedMatrix(column * column.T, fixed), G)
    assert ExpectedTraces((other,)).prove(claim) is None  # the moment of something else


def test_no_base_of_one_inequality_may_use_the_hypothesis():
    claim, keeps = at_most(Integer(0), k(n)), eq(k(n + 1), k(n))
    rule = InequalityInduction(
        variable=n,
        base=Inequality(certificate=k(0)),
        step=Inequality((keeps,), certificate=slack(claim)),
    )
    assert rule.prove(claim) is not True


def test_definitions_are_put_in():
    assert Unfolding((eq(x, y + 1), eq(y, z**2))).prove(eq(x**2, (z**2 + 1) ** 2)) is True
    assert Unfolding((eq(x, y + 1),)).prove(eq(x**2, y**2 + 1)) is None
    assert Unfolding((eq(x + y, z),)).prove(eq(x + y, z)) is None  # no definition of a symbol


def test_certificates_are_read_as_they_stand():
    gap = at_most(x, y)
    assert Inequality((gap,), certificate=total(slack(gap), a)).prove(x < y + a) is True
    assert Inequality((gap,), certificate=total(slack(gap), -a)).prove(at_most(x + a, y)) is not True
