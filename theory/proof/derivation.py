"""A derivation: a theorem, what it assumes, and the steps that prove it, each of them by machine.

The chain is closed. A rule may use only what the derivation assumes or what an earlier step has proved; every claim of
the theorem must be the statement of a step; and every expression offered as a result must stand in a proved statement.
So what is displayed is what is proved, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sympy import Basic, Dummy, MatrixSymbol, S, lambdify, preorder_traversal
from sympy.matrices.expressions import MatrixExpr

from theory.proof import time_limit as limits
from theory.proof.counterexample import found_counterexamples
from theory.proof.latex import page
from theory.proof.lemma import Lemma
from theory.proof.scope import free_symbols
from theory.proof.steps import Assumption, Step, says_the_same
from theory.proof.text import text
from theory.proof.time_limit import OutOfTimeError, forget_what_was_begun, time_limit

__all__ = [
    "Derivation",
    "DerivationError",
    "RefutedStepError",
    "UndecidedStepError",
]


class DerivationError(ArithmeticError):
    """A derivation that does not hold together."""


class UndecidedStepError(DerivationError):
    """A step that its rule could not decide. Not known to be false, and not proved."""


class RefutedStepError(DerivationError):
    """A step that is false.

    Attributes:
        counterexample: values of its symbols at which the premises hold and the step does not.
    """

    def __init__(self, message: str, counterexample: Mapping[Basic, Any]) -> None:
        super().__init__(message)
        self.counterexample = counterexample


@dataclass(frozen=True)
class Derivation:
    """A theorem with its proof.

    Attributes:
        name: what `derive` calls it.
        title: one line.
        statement: the claims of the theorem; each is the statement of one of the steps.
        assumptions: what is taken for granted, definitions included.
        steps: the proof, in order.
        source: where the theorem is stated.
        result: the closed forms by name, to be lambdified; each is a part of a proved statement.
        remarks: what a reader should know about the reach of the theorem.
    """

    name: str
    title: str
    statement: tuple[Basic, ...]
    assumptions: tuple[Assumption, ...]
    steps: tuple[Step, ...]
    source: str
    result: Mapping[str, Basic] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "result", MappingProxyType(dict(self.result)))

    @property
    def cited(self) -> tuple[Lemma, ...]:
        """The textbook facts that the proof takes for granted, in the order in which it first uses them."""
        return tuple(dict.fromkeys(lemma for step in self.steps for lemma in step.rule.cites))

    def behind(self, claim: Basic) -> tuple[tuple[Basic, ...], tuple[Step, ...]]:
        """The assumptions and the steps that the proof of a claim leads back to, through the premises of each rule.

        Raises:
            ValueError: no step has that statement.
        """
        assumed = [item.statement for item in self.assumptions if item.statement is not None]
        pending, assumptions, steps = [claim], list[Basic](), list[Step]()
        while pending:
            statement = pending.pop()
            known = next((each for each in assumed if says_the_same(statement, each)), None)
            if known is not None:
                assumptions.append(known)
                continue
            step = next((step for step in self.steps if says_the_same(statement, step.statement)), None)
            if step is None:
                raise ValueError(f"claim must be the statement of a step of {self.name}, got {claim}")
            if step not in steps:
                steps.append(step)
                pending += step.rule.premises
        return tuple(each for each in assumed if each in assumptions), tuple(steps)

    def check(self) -> None:
        """Prove every step.

        Raises:
            RefutedStepError: a step is false; the error has a counterexample.
            UndecidedStepError: a step cannot be decided, uses a premise that was never established, or only for some
                values of a symbol where the rule needs it for all, or a claim or a result was not proved by any step.
        """
        established = [
            (assumption.statement, assumption.restricts())
            for assumption in self.assumptions
            if assumption.statement is not None
        ]
        for number, step in enumerate(self.steps, start=1):
            where = f"{self.name}, step {number} ({step.title})"
            restricted: frozenset[Basic] = frozenset()
            for premise in step.rule.premises:
                known_as = [restricts for known, restricts in established if says_the_same(premise, known)]
                if not known_as:
                    raise UndecidedStepError(f"{where}: the premise {premise} is neither assumed nor proved before")
                fixed = min((restricts & free_symbols(premise) for restricts in known_as), key=len)
                needed = fixed & step.rule.generalizes(step.statement)
                if needed:
                    names = ", ".join(sorted(map(str, needed)))
                    raise UndecidedStepError(
                        f"{where}: the premise {premise} is known for some {names} only; {step.rule.name} needs it for "
                        "all"
                    )
                restricted |= fixed
            if step.statement in (S.true, S.false):
                raise UndecidedStepError(f"{where}: the statement has been evaluated away to {step.statement}")
            try:
                with found_counterexamples() as found, time_limit(limits.SECONDS_A_STEP):
                    verdict = step.rule.prove(step.statement)
            except OutOfTimeError:
                forget_what_was_begun(step.statement, *step.rule.premises)
                raise UndecidedStepError(
                    f"{where}: {step.rule.name} has not decided it in {limits.SECONDS_A_STEP} s"
                ) from None
            except Exception as error:
                raise UndecidedStepError(f"{where}: {step.rule.name} failed on {step.statement}: {error!r}") from error
            if verdict is False and found:
                values = ", ".join(f"{name} = {value}" for name, value in sorted(found[-1].items(), key=str))
                raise RefutedStepError(f"{where}: {step.statement} is false at {values}", found[-1])
            if verdict is not True:
                raise UndecidedStepError(f"{where}: {step.rule.name} cannot decide {step.statement}")
            established.append((step.statement, restricted))
        proved = [step.statement for step in self.steps]
        if not self.statement:
            raise UndecidedStepError(f"{self.name}: the theorem claims nothing")
        for claim in self.statement:
            if claim not in proved:
                raise UndecidedStepError(f"{self.name}: no step proves the claim {claim}")
        for name, expression in self.result.items():
            if not any(expression == part for claim in proved for part in preorder_traversal(claim)):
                raise UndecidedStepError(f"{self.name}: the result {name!r} stands in no proved statement")

    def function(self, name: str, *arguments: Basic) -> Callable[..., Any]:
        """The result of that name as a numeric function of the arguments (`sympy.lambdify`).

        Args:
            name: one of `result`.
            arguments: symbols, matrix symbols, or terms of a sequence, in the order of the function's parameters.
        """
        # lambdify turns matrices whose names are no identifiers into scalars, and these commute
        parameters = [
            MatrixSymbol(f"parameter{index}", *argument.shape) if isinstance(argument, MatrixExpr) else Dummy()
            for index, argument in enumerate(arguments)
        ]
        formula = self.result[name].xreplace(dict(zip(arguments, parameters, strict=True)))
        numeric: Callable[..., Any] = lambdify(parameters, formula)
        return numeric

    def __str__(self) -> str:
        return text(self)

    def to_latex(self, standalone: bool = False) -> str:
        """The derivation as a page for an appendix; with `standalone`, as a document that compiles by itself."""
        return page(self, standalone=standalone)
