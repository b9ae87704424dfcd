"""Noncommutative algebra of real matrices: sums of words, reduced by oriented rewriting rules.

A matrix expression is expanded into words (products of matrix symbols and their transposes) with commutative scalar
coefficients. A rule replaces a word wherever it stands inside another one; it is applied until none applies. Shapes are
SymPy's and are checked by SymPy, so nothing that is proved here could not be multiplied out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sympy import Basic, Eq, Expr, Pow, S, Trace, sympify
from sympy.matrices.expressions import (
    Identity,
    MatAdd,
    MatMul,
    MatPow,
    MatrixExpr,
    MatrixSymbol,
    Transpose,
    ZeroMatrix,
)

from theory.proof.expressions import Gradient, Iterate, SquaredNorm

__all__ = [
    "MatrixWords",
    "Word",
    "as_words",
    "reduce_words",
    "trace_terms",
    "word_product",
    "word_rules",
]

Word = tuple[MatrixExpr, ...]
MatrixWords = dict[Word, Expr]
LETTERS = (MatrixSymbol, Iterate, Gradient)
TURNS = 50  # of a trace's word; more are taken for turns in a circle
REWRITINGS = 1_000  # rules that rewrite longer than this are taken not to terminate


def as_words(expression: Basic) -> MatrixWords:
    """The matrix expression as a sum of words; the identity is the empty word."""
    if isinstance(expression, Identity):
        return {(): S.One}
    if isinstance(expression, ZeroMatrix):
        return {}
    if isinstance(expression, LETTERS):
        return {(expression,): S.One}
    if isinstance(expression, Transpose):
        inner = expression.args[0]
        if isinstance(inner, LETTERS):
            return {(expression,): S.One}
        return {tuple(_transposed(letter) for letter in reversed(word)): c for word, c in as_words(inner).items()}
    if isinstance(expression, MatAdd):
        return _sum(as_words(argument) for argument in expression.args)
    if isinstance(expression, MatMul):
        return word_product(as_words(argument) for argument in expression.args)
    if isinstance(expression, MatPow | Pow) and expression.exp.is_Integer and expression.exp >= 0:
        return word_product(as_words(expression.base) for _ in range(int(expression.exp)))
    if isinstance(expression, MatPow):
        raise TypeError(f"a power of a matrix needs a number as its exponent, got {expression}")
    if isinstance(expression, MatrixExpr):
        raise TypeError(f"words are made of symbols, sums, products and transposes, not {type(expression).__name__}")
    return {(): sympify(expression)}


def reduce_words(words: MatrixWords, rules: Mapping[Word, MatrixWords]) -> MatrixWords:
    """Apply the rules, each from left to right, until no word contains the left side of any."""
    pending, normal = dict(words), MatrixWords()
    for _ in range(REWRITINGS):
        if not pending:
            return {word: coefficient for word, coefficient in normal.items() if coefficient != 0}
        word, coefficient = pending.popitem()
        for start, pattern in _matches(word, rules):
            replaced = word_product(
                [{word[:start]: coefficient}, rules[pattern], {word[start + len(pattern) :]: S.One}]
            )
            pending = _sum([pending, replaced])
            break
        else:
            normal = _sum([normal, {word: coefficient}])
    raise ArithmeticError(f"the rewriting rules {list(rules)} do not terminate")


def word_rules(equations: Iterable[Basic]) -> dict[Word, MatrixWords]:
    """The equations between matrices as rewriting rules from left to right; the left side must be a single word."""
    rules: dict[Word, MatrixWords] = {}
    for equation in equations:
        if not (isinstance(equation, Eq) and isinstance(equation.lhs, MatrixExpr)):
            continue
        left = as_words(equation.lhs)
        if len(left) != 1 or () in left or next(iter(left.values())) != 1:
            raise ValueError(f"the left side of a rewriting rule must be one word, got {equation.lhs}")
        rules[next(iter(left))] = as_words(equation.rhs)
    return rules


def trace_terms(expression: Expr, rules: Mapping[Word, MatrixWords]) -> Expr:
    """The scalar expression with every trace and squared norm in normal form.

    A trace is linear and does not change when its word is turned round cyclically or transposed: of all these forms the
    least is taken, after the rules have been applied to whichever of them they apply to.
    """
    opened = expression.replace(lambda part: isinstance(part, SquaredNorm), lambda part: part.as_trace())
    return opened.replace(lambda part: isinstance(part, Trace), lambda part: _normal_trace(part.args[0], rules))


def _normal_trace(matrix: MatrixExpr, rules: Mapping[Word, MatrixWords]) -> Expr:
    return _trace_of(as_words(matrix), matrix.shape[0], rules)


def _trace_of(words: MatrixWords, rows: Expr, rules: Mapping[Word, MatrixWords], turns: int = 0) -> Expr:
    """The trace of a sum of words of square matrices with that many rows, after so many turns that let a rule apply."""
    if turns > TURNS:
        raise ArithmeticError(f"the rewriting rules {list(rules)} do not terminate in a trace")
    total = S.Zero
    for word, coefficient in reduce_words(words, rules).items():
        turned = [word[i:] + word[:i] for i in range(len(word))]
        reducible = next((form for form in turned if any(_matches(form, rules))), None)
        if not word:
            total += coefficient * rows
        elif reducible is not None:
            total += _trace_of({reducible: coefficient}, reducible[0].shape[0], rules, turns + 1)
        else:
            transposed = [tuple(_transposed(letter) for letter in reversed(form)) for form in turned]
            least = min((*turned, *transposed), key=lambda form: [str(letter) for letter in form])
            total += coefficient * Trace(MatMul(*least) if len(least) > 1 else least[0])
    return total


def _matches(word: Word, rules: Iterable[Word]) -> Iterable[tuple[int, Word]]:
    for start in range(len(word)):
        for pattern in rules:
            if word[start : start + len(pattern)] == pattern:
                yield start, pattern


def _transposed(letter: MatrixExpr) -> MatrixExpr:
    return letter.args[0] if isinstance(letter, Transpose) else Transpose(letter)


def _sum(parts: Iterable[MatrixWords]) -> MatrixWords:
    total: MatrixWords = {}
    for part in parts:
        for word, coefficient in part.items():
            total[word] = total.get(word, S.Zero) + coefficient
    return total


def word_product(parts: Iterable[MatrixWords]) -> MatrixWords:
    """The product of sums of words, multiplied out."""
    total: MatrixWords = {(): S.One}
    for part in parts:
        total = _sum({left + right: a * b} for left, a in total.items() for right, b in part.items())
    return total
