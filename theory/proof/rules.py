"""The rules of inference: how a step is proved by machine.

Every rule decides the statement that is displayed, by reducing it to zero or to true. None means undecided.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from sympy import (
    Abs,
    Add,
    Basic,
    Derivative,
    Determinant,
    Dummy,
    Eq,
    Expr,
    Limit,
    MatrixBase,
    MatrixSymbol,
    Pow,
    S,
    StrictLessThan,
    Symbol,
    Trace,
    expand,
    oo,
)
from sympy.matrices.expressions import MatrixExpr

from theory.proof.counterexample import refuted
from theory.proof.explicit import explicit
from theory.proof.expressions import Gradient
from theory.proof.lemma import Lemma
from theory.proof.lemmas import DIFFERENTIATION, GEOMETRIC_DECAY
from theory.proof.scope import bound_symbols, counts_from_zero, free_symbols, hold_throughout, may_stand_for
from theory.proof.steps import Rule, conjunction
from theory.proof.vanishing import vanishes
from theory.proof.words import MatrixWords, as_words, reduce_words, trace_terms, word_rules

__all__ = [
    "Algebra",
    "Chain",
    "Differentiation",
    "GeometricLimit",
    "GradientFromDefinition",
    "Induction",
    "Instance",
    "MatrixEntries",
    "Rewriting",
]


@dataclass(frozen=True)
class Algebra(Rule):
    """An equation of scalars: the difference of its sides is zero, given the premises (equations, or `Ne(…, 0)`).

    Sound because a rational function whose numerator lies in the radical of the ideal that the premises generate is
    zero wherever they hold and no denominator vanishes, of which `vanishes` makes sure; whatever is not rational stands
    there as an unknown, together with the equations that it is known to satisfy, so that what holds of the unknown
    holds of it.
    """

    name: ClassVar[str] = "commutative algebra"

    def prove(self, statement: Basic) -> bool | None:
        """Decide `lhs − rhs = 0` as a question about rational functions."""
        left, right = (side.replace(Determinant, lambda matrix: matrix.det()) for side in _sides(statement))
        return vanishes(left - right, self.premises)


@dataclass(frozen=True)
class MatrixEntries(Rule):
    """An equation of matrices of explicit size, entry by entry.

    Premises that say what a matrix is (`M = …`) are put in; equations of scalars may be used in every entry.

    Sound because matrices of one shape are equal if and only if all their entries are, and each entry is decided as an
    equation of scalars, see `Algebra`. Equals are put in for equals.
    """

    name: ClassVar[str] = "entries of matrices"

    def prove(self, statement: Basic) -> bool | None:
        """Decide every entry of `lhs − rhs`."""
        equations = [premise for premise in self.premises if _is_matrix_equation(premise)]
        values = {equation.lhs: equation.rhs for equation in equations if not equation.rhs.has(equation.lhs)}
        left, right = (explicit(side, values) for side in _sides(statement))
        if not (isinstance(left, MatrixBase) and isinstance(right, MatrixBase)):
            return None
        if left.shape != right.shape:
            return None
        scalars = [premise for premise in self.premises if not _is_matrix_equation(premise)]
        return conjunction(vanishes(entry, scalars) for entry in left - right) or refuted(statement, self.premises)


@dataclass(frozen=True)
class Instance(Rule):
    """What holds for every index holds for this one: the only premise, with `variable` replaced by `value`.

    Sound because a statement that holds for all values of a variable holds for one of them. That the premise does hold
    for all, `Derivation.check` sees to, since the variable is among what the rule generalizes over; that the value is
    one of them follows from what it is declared to be; and it contains nothing that the premise binds.
    """

    variable: Symbol = field(kw_only=True)
    value: Expr = field(kw_only=True)
    name: ClassVar[str] = "a special case"

    def generalizes(self, statement: Basic) -> frozenset[Basic]:
        """The index."""
        return super().generalizes(statement) | {self.variable}

    def prove(self, statement: Basic) -> bool | None:
        """Compare the statement with the instance of the premise."""
        (general,) = self.premises
        if not may_stand_for(self.value, self.variable) or free_symbols(self.value) & bound_symbols(general):
            return None
        return _sides(statement) == tuple(side.subs(self.variable, self.value) for side in _sides(general)) or None


@dataclass(frozen=True)
class Rewriting(Rule):
    """An equation of matrices or traces of any size: both sides have the same normal form.

    Premises are used as oriented rules, from left to right: `word → …` between matrices (`x.T x → s I`) and
    `term → …` between scalars. Equations of scalars with a compound left side are used as equations, and `Ne(…, 0)`
    keeps a denominator from zero.

    Sound because each rewriting puts equals for equals inside a product, which matrices of any size allow (sums and
    products of matrices are associative and distributive, the product is not taken to commute, and the trace may be
    turned round), so that both sides equal their normal forms; equal normal forms are equal sides. The rules need not
    be confluent or complete for that: where they are not, the rule does not decide.
    """

    name: ClassVar[str] = "noncommutative algebra"

    def prove(self, statement: Basic) -> bool | None:
        """Reduce both sides to words and compare coefficient by coefficient."""
        left, right = _sides(statement)
        if isinstance(left, MatrixExpr) != isinstance(right, MatrixExpr):
            return None
        if not hold_throughout(self.premises, *bound_symbols(statement)):
            return None
        if not isinstance(left, MatrixExpr):
            return self._zero(left - right) or refuted(statement, self.premises)
        if left.shape != right.shape:
            return None
        rules = word_rules(self.premises)
        difference = as_words(left)
        for word, coefficient in as_words(right).items():
            difference[word] = difference.get(word, S.Zero) - coefficient
        normal = reduce_words(difference, rules).values()
        return conjunction(self._zero(coefficient) for coefficient in normal) or refuted(statement, self.premises)

    def _zero(self, coefficient: Expr) -> bool | None:
        scalar = trace_terms(coefficient, word_rules(self.premises))
        return vanishes(scalar, [premise for premise in self.premises if not _is_matrix_equation(premise)])


@dataclass(frozen=True)
class Chain(Rule):
    """An equation proved through intermediate expressions: `lhs = through[0] = … = rhs`, each link by a rule.

    `by` has one rule more than `through` has expressions.

    Sound because equality is transitive, and each link is proved by a rule that is sound.
    """

    through: tuple[Basic, ...] = ()
    by: tuple[Rule, ...] = ()
    name: ClassVar[str] = "a chain of equations"

    def __post_init__(self) -> None:
        if len(self.by) != len(self.through) + 1:
            raise ValueError(f"by must have one rule for each of {len(self.through) + 1} links, got {len(self.by)}")
        object.__setattr__(self, "premises", tuple(premise for rule in self.by for premise in rule.premises))

    @property
    def cites(self) -> tuple[Lemma, ...]:
        """What the links cite."""
        return tuple(lemma for rule in self.by for lemma in rule.cites)

    def generalizes(self, statement: Basic) -> frozenset[Basic]:
        """What the links take their premises to hold for."""
        links = self._links(*_sides(statement))
        return super().generalizes(statement).union(*(rule.generalizes(link) for rule, link in links))

    def _links(self, left: Basic, right: Basic) -> list[tuple[Rule, Eq]]:
        stations = (left, *self.through, right)
        pairs = zip(self.by, stations, stations[1:], strict=False)
        return [(rule, Eq(start, end, evaluate=False)) for rule, start, end in pairs]

    def prove(self, statement: Basic) -> bool | None:
        """Prove every link."""
        verdicts = [rule.prove(link) for rule, link in self._links(*_sides(statement))]
        return conjunction(verdicts) or refuted(statement, self.premises)


@dataclass(frozen=True)
class Induction(Rule):
    """`term(t) = closed(t)` for every integer t ≥ 0, by induction: the base cases, then the step.

    Sound because it is complete induction over the natural numbers: the index runs through all of them, the first terms
    are as claimed, and if k terms in a row are, the recurrence, which holds at every index, makes the next one so. The
    hypothesis is used for the one t at hand; a rule that would use it for all is refused.

    Attributes:
        variable: the index t.
        recurrence: a premise, `term(t + k) = F(term(t), …, term(t + k − 1))`, which holds for every t ≥ 0.
        initial: premises, `term(j) = …` for j < k; without one, `closed(j)` must reduce to `term(j)` itself.
        by: the rule that proves base and step.
    """

    variable: Symbol = field(kw_only=True)
    recurrence: Basic = field(kw_only=True)
    initial: tuple[Basic, ...] = ()
    by: Rule = field(default_factory=lambda: Rewriting())
    name: ClassVar[str] = "induction"

    def __post_init__(self) -> None:
        object.__setattr__(self, "premises", (self.recurrence, *self.initial, *self.by.premises))

    @property
    def cites(self) -> tuple[Lemma, ...]:
        """What base and step cite."""
        return self.by.cites

    def generalizes(self, statement: Basic) -> frozenset[Basic]:
        """The index, and what the rule for base and step takes its premises to hold for."""
        return super().generalizes(statement) | self.by.generalizes(statement) | {self.variable}

    def prove(self, statement: Basic) -> bool | None:
        """Reduce the base cases and the inductive step to zero."""
        term, closed = _sides(statement)
        t = self.variable
        if not (counts_from_zero(t) and hold_throughout(self.premises, t)):
            return None
        if t in self.by.generalizes(statement):  # the hypothesis is about this t, not about all
            return None

        def at(expression: Basic, index: Expr) -> Basic:
            return expression.subs(t, index)

        order = next((k for k in range(1, 5) if at(term, t + k) == self.recurrence.lhs), None)
        if order is None:
            return None
        known = {premise.lhs: premise.rhs for premise in self.initial}
        bases = [Eq(at(closed, j), known.get(at(term, j), at(term, j)), evaluate=False) for j in range(order)]
        hypothesis = {at(term, t + j): at(closed, t + j) for j in range(order)}
        step = Eq(at(closed, t + order), self.recurrence.rhs.xreplace(hypothesis), evaluate=False)
        assumed = tuple(Eq(*equation, evaluate=False) for equation in hypothesis.items())
        inductive = replace(self.by, premises=(*assumed, *self.by.premises))
        if conjunction([*(self.by.prove(base) for base in bases), inductive.prove(step)]):
            return True
        return self._refuted_by_the_first_terms(term, closed, known, order)

    def _refuted_by_the_first_terms(
        self, term: Basic, closed: Basic, known: dict[Basic, Basic], order: int
    ) -> bool | None:
        """False if one of the first terms, as the recurrence gives them, is not what is claimed."""
        values: dict[Basic, Basic] = {}
        for index in range(order + 3):
            now = term.subs(self.variable, index)
            value = known.get(now, now)
            if index >= order:
                value = self.recurrence.rhs.subs(self.variable, index - order).xreplace(values)
            values[now] = value
            claim = Eq(value, closed.subs(self.variable, index), evaluate=False)
            if refuted(claim, self.by.premises) is False:
                return False
        return None

    def describe(self) -> str:
        """Name the induction variable and the rule used in base and step."""
        return f"induction on ${self.variable}$, base and step by {self.by.describe()}"


@dataclass(frozen=True)
class GeometricLimit(Rule):
    """A limit at infinity of a polynomial in `t` and geometric sequences `q**t`, coefficient by coefficient.

    The one limit used is `t**k q**t → 0` for `|q| < 1`; the premises say `Abs(q) < 1` for each q that occurs.
    Equations among the premises rewrite both sides first, so that the limit of a sequence whose closed form has been
    proved can be taken.

    Sound because every term that is dropped is a constant times `t**k q**(n t)` with n ≥ 1, k ≥ 0 and `|q| < 1`,
    which tends to 0, every term that is kept does not depend on t, and limits of finite sums are the sums of the
    limits. A term of neither kind makes it undecided.
    """

    name: ClassVar[str] = "the limit of a geometric sequence"
    rests_on: ClassVar[tuple[Lemma, ...]] = (GEOMETRIC_DECAY,)

    def prove(self, statement: Basic) -> bool | None:
        """Drop what vanishes in the limit and compare what is left."""
        limit, value = _sides(statement)
        if not isinstance(limit, Limit) or limit.args[2] != oo or limit.args[1] in value.free_symbols:
            return None
        sequence, variable = limit.args[:2]
        if not hold_throughout(self.premises, variable):
            return None
        if not isinstance(sequence, MatrixExpr):
            closed = {premise.lhs: premise.rhs for premise in self.premises if isinstance(premise, Eq)}
            left = self._limit(sequence.xreplace(closed), variable)
            return None if left is None else vanishes(left - value, self.premises)
        rules = word_rules(self.premises)
        words: MatrixWords = reduce_words(as_words(sequence), rules)
        limits = {word: self._limit(coefficient, variable) for word, coefficient in words.items()}
        if any(term.has(variable) for word in limits for term in word) or None in limits.values():
            return None
        for word, coefficient in reduce_words(as_words(value), rules).items():
            limits[word] = limits.get(word, S.Zero) - coefficient
        return all(vanishes(coefficient, self.premises) for coefficient in limits.values()) or None

    def _limit(self, expression: Expr, t: Symbol) -> Expr | None:
        """The limit of one scalar, or None where the premises do not give it."""
        ratios = [expand(premise.lhs.args[0]) for premise in self.premises if _is_contraction(premise)]
        vanishing: dict[Expr, Symbol] = {}

        def split(base: Expr, exponent: Expr) -> Expr:
            slope, shift = exponent.expand().coeff(t, 1), exponent.expand().coeff(t, 0)
            sign = None if base.has(t) else next((s for s in (1, -1) if expand(s * base) in ratios), None)
            if sign is None or not (slope.is_Integer and slope > 0) or expand(slope * t + shift - exponent) != 0:
                return Pow(base, exponent, evaluate=False)
            return vanishing.setdefault(expand(base), Dummy("q")) ** slope * base**shift

        opened = expand(
            expression.replace(lambda part: isinstance(part, Pow) and part.exp.has(t), lambda part: split(*part.args))
        )
        kept = S.Zero
        for monomial in Add.make_args(opened):
            powers = monomial.as_powers_dict()
            decays = any(powers.get(symbol, 0) > 0 for symbol in vanishing.values())
            rest = monomial.as_independent(t, *vanishing.values())[1]
            if rest == 1:
                kept += monomial
            elif not decays or not rest.is_polynomial(t, *vanishing.values()):
                return None
        return kept


@dataclass(frozen=True)
class GradientFromDefinition(Rule):
    """The gradient of a function of a matrix (traces and squared norms of polynomials), in a direction H left free.

    Expands `f(W + εH)` in powers of ε; the coefficient of ε must be `tr(Hᵀ G)`.

    Sound because `f(W + εH)` is a polynomial in ε, so that its derivative at 0 is the coefficient of ε; as the
    direction H is a new symbol, the equation `d/dε f(W + εH) = tr(Hᵀ G)` holds for every H, and that is what defines
    the gradient G.
    """

    name: ClassVar[str] = "the definition of the gradient, in an arbitrary direction"

    def prove(self, statement: Basic) -> bool | None:
        """Compare the derivative in the direction H with `tr(Hᵀ G)`."""
        gradient, value = _sides(statement)
        if not isinstance(gradient, Gradient) or value.has(Gradient):
            return None
        function, at = gradient.args
        step, direction = Dummy("epsilon", real=True), MatrixSymbol("direction", *at.shape)
        rules = word_rules(self.premises)
        moved = expand(trace_terms(function.xreplace({at: at + step * direction}), rules))
        if not moved.is_polynomial(step):
            return None
        claimed = trace_terms(Trace(direction.T * value), rules)
        return vanishes(moved.coeff(step, 1) - claimed, self.premises)


@dataclass(frozen=True)
class Differentiation(Rule):
    """An equation between derivatives of scalars.

    Sound because SymPy differentiates expressions by the rules of differentiation, which hold where the expression is
    differentiable, and the equation that is left is decided as in `Algebra`.
    """

    name: ClassVar[str] = "differentiation"
    rests_on: ClassVar[tuple[Lemma, ...]] = (DIFFERENTIATION,)

    def prove(self, statement: Basic) -> bool | None:
        """Carry the derivatives out and decide the equation that is left."""
        left, right = _sides(statement)
        if not statement.has(Derivative):
            return None
        return vanishes(left.doit() - right.doit(), self.premises)


def _sides(statement: Basic) -> tuple[Basic, Basic]:
    if not isinstance(statement, Eq):
        raise TypeError(f"this rule proves equations, not {type(statement).__name__}")
    return statement.args


def _is_matrix_equation(statement: Basic) -> bool:
    return isinstance(statement, Eq) and isinstance(statement.lhs, MatrixExpr | MatrixBase)


def _is_contraction(premise: Basic) -> bool:
    return isinstance(premise, StrictLessThan) and isinstance(premise.lhs, Abs) and premise.rhs == 1
