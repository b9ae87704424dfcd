"""What a test finds out about a claim: the claim, its refutation, and the evidence that a test gathers."""

from __future__ import annotations

import math
import numbers
import re
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

VERDICTS = ("refuted", "error", "undecided", "verified", "not run")
"""From the gravest: a claim's verdict is the gravest of its tests' verdicts."""


@dataclass(frozen=True)
class Claim:
    """A statement that tests examine, and where it is made."""

    id: str
    statement: str
    source: str

    def __post_init__(self) -> None:
        for name in ("id", "statement", "source"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f"claim {self.id!r}: {name} must be a non-empty string, got {value!r}")
        if not re.fullmatch(r"[A-Za-z]\w*(\.[\w-]+)*", self.id):
            raise ValueError(f"claim id must look like 'T1.limit', got {self.id!r}")


class ClaimRefuted(AssertionError):
    """A check contradicts the claim under test."""


@dataclass
class Evidence:
    """What one test has found out about its claim: the `ledger` fixture.

    Under hypothesis all the checks on one generated input count as one example; elsewhere every check is one.
    Inputs that hypothesis tries again while it shrinks a failure count too: the numbers are of examples *tried*.
    """

    claim: Claim
    examples: int = 0
    checks: int = 0
    worst_margin: float | None = None
    worst_at: str = ""
    alpha: float = 0.0
    seconds: float = 0.0
    conditions: list[str] = field(default_factory=list)
    skipped: bool = False
    foreseen: bool = False
    reasons: dict[str, str] = field(default_factory=dict)  # verdict: why, for all but verified
    _example: object = None
    _labels: Counter[str] = field(default_factory=Counter)  # of this example's margins, each given how often

    def __repr__(self) -> str:
        return f"<ledger of {self.claim.id}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # hypothesis prints it with each counterexample
        printer.text(repr(self))

    def agree(self, measured: Any, bound: Any, **context: Any) -> None:
        """Check that a measured distance is within its derived bound, entry by entry.

        Args:
            measured: Distances, ≥ 0: a number, or an array of NumPy or torch. NaN refutes.
            bound: What theory allows each of them: finite, ≥ 0, one number or an array of as many axes.
            **context: What was compared, and for which input; printed with a failure.
        """
        __tracebackhide__ = True  # a failure points at the test, not in here
        measured, bound = _numbers("measured", measured), _numbers("bound", bound)
        if measured.size == 0:
            raise ValueError("measured is empty: nothing would be checked")
        if not (np.isfinite(bound) & (bound >= 0)).all():
            raise ValueError(f"bound must be finite and not negative, got {bound}")
        if (measured < 0).any():
            raise ValueError(f"measured must be a distance, not negative, got {measured.min()}")
        if bound.ndim not in (0, measured.ndim):
            raise ValueError(f"bound has shape {bound.shape}, measured {measured.shape}: give as many axes")
        bound = np.broadcast_to(bound, measured.shape)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            margins = np.where(measured == 0, 0.0, measured / bound)
        margins[np.isnan(margins)] = math.inf
        beyond = ~(measured <= bound)
        worst = np.unravel_index(np.argmax(margins), margins.shape)
        self._count(float(margins[worst]), context)
        self._climb(float(margins[worst]), context)
        if beyond.any():
            where = f" at index {tuple(map(int, worst))}" if measured.ndim else ""
            many = f"; {beyond.sum()} of {beyond.size} entries are beyond" if measured.size > 1 else ""
            self._refute(
                f"measured {measured[worst]:.6g} > bound {bound[worst]:.6g} ({margins[worst]:.6g} times){where}{many}",
                context,
            )

    def holds(self, condition: Any, **context: Any) -> None:
        """Check an exact statement: a boolean, or a non-empty array of booleans that must all be true."""
        __tracebackhide__ = True
        outcome = _to_numpy(condition)
        if outcome.dtype != bool or outcome.size == 0:
            raise TypeError(f"condition must be a boolean or a non-empty array of them, got {condition!r}")
        self._count(None, context)
        if not outcome.all():
            self._refute("the statement is false", context)

    def equality_in_law(self, p_value: Any, alpha: Any, **context: Any) -> None:
        """Check that a test at level alpha does not reject equality; the margin is alpha / p_value."""
        __tracebackhide__ = True
        p_value, alpha = _probability("p_value", p_value), _level(alpha)
        self.alpha += alpha
        self._count(alpha / p_value if p_value else math.inf, context)
        if p_value < alpha:
            self._refute(f"equality in law is rejected: p = {p_value:.3g} < alpha = {alpha:.3g}", context)

    def order(self, p_opposite: Any, p_claim: Any, alpha: Any, smallest_detectable: Any = None, **context: Any) -> None:
        """Decide an order ("deeper is closer to constant") if the sample can; the margin is p_opposite / alpha.

        Args:
            p_opposite: p-value of the null hypothesis that the opposite holds: below alpha, the claim is verified.
            p_claim: p-value of the null hypothesis that the claim holds: below alpha, the claim is refuted.
            alpha: Level of either test. Only one of the two nulls can be true, so alpha is booked once.
            smallest_detectable: The effect, or the sample, that it would take to decide: a number or words.
            **context: What was compared; printed unless the claim is verified.
        """
        __tracebackhide__ = True
        p_opposite, p_claim = _probability("p_opposite", p_opposite), _probability("p_claim", p_claim)
        alpha = _level(alpha)
        if max(p_opposite, p_claim) < alpha:
            raise ValueError(f"p_opposite {p_opposite} and p_claim {p_claim} cannot both be below {alpha}")
        self.alpha += alpha
        self._count(p_opposite / alpha, context)
        found = f"p(opposite) = {p_opposite:.3g}, p(claim) = {p_claim:.3g}, alpha = {alpha:.3g}"
        if p_claim < alpha:
            self._refute(f"the opposite order holds: {found}", context)
        if p_opposite >= alpha:
            needed = "" if smallest_detectable is None else f"; smallest detectable: {smallest_detectable}"
            self.reasons.setdefault("undecided", _with_context(found + needed, context))

    def note(self, text: str) -> None:
        """Put a condition under which the claim holds on record."""
        if text not in self.conditions:
            self.conditions.append(text)

    def _count(self, margin: float | None, context: dict) -> None:
        example = _drawn_example()
        if example is None or example is not self._example:
            self.examples += 1
            self._labels.clear()
        self._example = example
        self.checks += 1
        if margin is not None and (self.worst_margin is None or margin > self.worst_margin):
            self.worst_margin = margin
            self.worst_at = _in_words(context)

    def _climb(self, margin: float, context: dict) -> None:
        """Let hypothesis search for larger margins: it maximizes what `target` is given, a value for each label."""
        if _drawn_example() is None or not math.isfinite(margin):
            return
        from hypothesis import target

        name = str(context.get("what", "margin"))
        self._labels[name] += 1
        target(margin, label=name if self._labels[name] == 1 else f"{name}, {self._labels[name]}")

    def _refute(self, what: str, context: dict) -> None:
        __tracebackhide__ = True
        # Kept here too: a refutation that a test swallows is a refutation all the same.
        self.reasons["refuted"] = _with_context(f"{self.claim.id}: {what}", context)
        raise ClaimRefuted(self.reasons["refuted"])

    def blame(self, error: BaseException) -> None:
        """Record why the test failed: a counterexample, or a crash."""
        refutation = find_refutation(error)
        if refutation is not None:
            text = "\n".join([str(refutation), *getattr(refutation, "__notes__", ())])
            # hypothesis explains a counterexample by lines of code: they lie in here, and say nothing of the claim.
            self.reasons["refuted"] = re.sub(r"\n+Explanation:(\n +.*)*", "", text)
        else:
            self.reasons["error"] = f"the test ended in {type(error).__name__}"

    def record(self, test: str) -> dict:
        """All evidence, in types that can be sent between processes."""
        if not self.reasons and not self.skipped and self.examples == 0:
            self.reasons["error"] = "the test passed without trying an example"
        verdict = next((v for v in VERDICTS if v in self.reasons), "not run" if self.skipped else "verified")
        return {
            "test": test,
            **asdict(self.claim),
            "verdict": verdict,
            "reason": _without_folders(self.reasons.get(verdict, "")),
            "examples": self.examples,
            "checks": self.checks,
            "worst_margin": self.worst_margin,
            "worst_at": _without_folders(self.worst_at),
            "alpha": self.alpha,
            "seconds": self.seconds,
            "conditions": list(self.conditions),
            "foreseen": self.foreseen,
        }


def _drawn_example() -> object | None:
    """What stands for the input that hypothesis tries at present; None outside of it, and where it isn't installed."""
    if "hypothesis" not in sys.modules:
        return None
    from hypothesis import currently_in_test_context
    from hypothesis.control import current_build_context

    return current_build_context() if currently_in_test_context() else None


def _to_numpy(value: Any) -> np.ndarray:
    if hasattr(value, "detach"):  # torch, without importing it: NumPy has neither its gradients nor its bfloat16
        value = value.detach().cpu()
        value = (value.double() if value.is_floating_point() else value).numpy()
    elif isinstance(value, numbers.Rational) and not isinstance(value, bool):  # integers of any size, fractions
        value = float(value)
    return np.asarray(value)


def _numbers(name: str, value: Any) -> np.ndarray:
    array = _to_numpy(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must be real numbers, got {array.dtype} from {_shorten(repr(value), 80)}")
    return array.astype(np.float64)


def _probability(name: str, value: Any) -> float:
    array = _numbers(name, value)
    if array.ndim or not 0 <= array <= 1:
        raise ValueError(f"{name} must be one number from 0 to 1, got {value!r}")
    return float(array)


def _level(alpha: Any) -> float:
    level = _probability("alpha", alpha)
    if not 0 < level < 1:
        raise ValueError(f"alpha must be strictly between 0 and 1, got {alpha!r}")
    return level


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _in_words(context: dict) -> str:
    """A check's context as a reader of the ledger wants it: what was compared first, then each name and value."""
    rest = [f"{name.replace('_', ' ')} {_value_in_words(value)}" for name, value in context.items() if name != "what"]
    return "; ".join([_value_in_words(context["what"]), *rest] if "what" in context else rest)


def _value_in_words(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    if isinstance(value, tuple | list) and len(value) <= 8:
        return "(" + ", ".join(map(_value_in_words, value)) + ")"
    if hasattr(value, "shape") and math.prod(value.shape) > 8:
        numbers = _to_numpy(value)
        return f"of shape {tuple(numbers.shape)}, from {numbers.min():.6g} to {numbers.max():.6g}"
    return _shorten(str(value), 80)


def _with_context(what: str, context: dict) -> str:
    return "\n".join([what, *(f"  {name} = {_shorten(repr(value), 400)}" for name, value in context.items())])


def _without_folders(text: str) -> str:
    """Reduce absolute paths to file names: a ledger is published."""
    return re.sub(r"(?<![\w.:/])(?:/[\w.@+-]+)+/(?=[\w.@+-])", "", text)


def find_refutation(error: BaseException) -> ClaimRefuted | None:
    """The refutation that an error is, or that a group of errors contains."""
    if isinstance(error, BaseExceptionGroup):  # hypothesis reports distinct failures together
        return next(filter(None, map(find_refutation, error.exceptions)), None)
    return error if isinstance(error, ClaimRefuted) else None
