"""Wrong statements and wrong rules, made systematically from right ones: a flipped sign, another factor or exponent."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace

from sympy import Add, Basic, Eq, Limit, MatrixBase, MatrixSymbol, Mul, Pow, Symbol
from sympy.core.relational import Ge, Gt, Le, Lt, Ne, Relational
from sympy.logic.boolalg import BooleanFunction
from sympy.matrices.expressions import MatAdd, MatMul, MatPow, ZeroMatrix

from theory.proof.derivation import Derivation
from theory.proof.expressions import Gradient
from theory.proof.rules import Chain, Induction, Instance
from theory.proof.scope import free_symbols
from theory.proof.steps import Assumption, Rule, Step

OPPOSITE = {Lt: Gt, Gt: Lt, Le: Gt, Ge: Lt, Ne: Eq}


def alone(
    derivation: Derivation, index: int, *, statement: Basic | None = None, rule: Rule | None = None
) -> Derivation:
    """A derivation of one step only, possibly altered, that takes the steps before it as proved for all values."""
    step = derivation.steps[index]
    step = replace(step, statement=step.statement if statement is None else statement, rule=rule or step.rule)
    before = tuple(
        Assumption(earlier.title, earlier.statement, every=tuple(free_symbols(earlier.statement)))
        for earlier in derivation.steps[:index]
    )
    return replace(
        derivation,
        assumptions=derivation.assumptions + before,
        steps=(step,),
        statement=(step.statement,),
        result={},
    )


def mutants(statement: Basic) -> Iterator[Basic]:
    """The statement with one thing changed in it, in every place where that makes it another statement."""
    if isinstance(statement, BooleanFunction):
        for index, part in enumerate(statement.args):
            for changed in mutants(part):
                yield statement.func(*statement.args[:index], changed, *statement.args[index + 1 :])
        return
    assert isinstance(statement, Relational)
    if type(statement) in OPPOSITE:
        yield OPPOSITE[type(statement)](*statement.args, evaluate=False)
    left, right = statement.args
    homogeneous = _is_zero(left) or _is_zero(right)
    if isinstance(statement, Eq) and homogeneous:  # 2 · 0 is 0: put something else in the place of zero
        other = right if _is_zero(left) else left
        shape = getattr(other, "shape", None)
        yield Eq(other, MatrixSymbol("other", *shape) if shape else Symbol("other", nonzero=True), evaluate=False)
        return
    for side, changed in ((0, _changed(left, scale=not homogeneous)), (1, _changed(right, scale=not homogeneous))):
        for expression in changed:
            if not _same(expression, statement.args[side]):
                yield statement.func(*((expression, right) if side == 0 else (left, expression)), evaluate=False)


def altered_rules(step: Step) -> Iterator[Rule]:
    """The step's rule with one of its premises changed, in every way but at most three for each premise."""
    for premise in step.rule.premises:
        for changed in list(mutants(premise))[:3]:
            yield _put(step.rule, premise, changed)


def without_premises(rule: Rule) -> Rule | None:
    """The rule with nothing to go by, or None where it has no premises of its own."""
    if not rule.premises or isinstance(rule, Chain | Induction | Instance):
        return None
    bare = replace(rule, premises=())
    return None if bare.premises else bare  # a rule made of others has theirs


def _same(changed: Basic, original: Basic) -> bool:
    """Whether the change made no difference: the factor of a zero in an explicit matrix."""
    explicit = all(isinstance(factor, MatrixBase) for factor in MatMul.make_args(original))
    return changed == original or (explicit and changed.doit() == original.doit())


def _is_zero(side: Basic) -> bool:
    return side == 0 or isinstance(side, ZeroMatrix)


def _changed(expression: Basic, *, scale: bool) -> Iterator[Basic]:
    """The expression with one factor, sign, exponent or entry changed."""
    if scale and not _is_zero(expression) and not isinstance(expression, MatrixBase):
        yield 2 * expression
    if isinstance(expression, MatrixBase):
        for index in range(min(len(expression), 12)):
            entries = list(expression)
            entries[index] += 1
            yield type(expression)(*expression.shape, entries)
        return
    if isinstance(expression, Pow | MatPow):
        yield expression.base ** (expression.exp + 1)
    if isinstance(expression, Add | MatAdd):
        for index, term in enumerate(expression.args):
            yield expression.func(*expression.args[:index], -term, *expression.args[index + 1 :])
    if isinstance(expression, Limit | Gradient):
        for changed in _changed(expression.args[0], scale=True):
            yield expression.func(changed, *expression.args[1:])
    elif isinstance(expression, Add | MatAdd | Mul | MatMul | Pow):
        for index, argument in enumerate(expression.args):
            for changed in _changed(argument, scale=isinstance(expression, Add | MatAdd)):
                yield expression.func(*expression.args[:index], changed, *expression.args[index + 1 :])


def _put(part: object, old: Basic, new: Basic) -> object:
    """The rule, or part of one, with a premise replaced."""
    if isinstance(part, Basic):
        return new if part == old else part
    if isinstance(part, tuple):
        return tuple(_put(item, old, new) for item in part)
    if is_dataclass(part) and isinstance(part, Rule):
        return replace(part, **{field.name: _put(getattr(part, field.name), old, new) for field in fields(part)})
    return part
