"""A rule that does not come to an end is undecided, on the main thread and on others, and nothing is left half done.

Nothing here is measured: were the limit broken, the tests would not end.
"""

import contextlib
import ctypes
import threading
from dataclasses import dataclass

import pytest
from sympy import Eq, Symbol, preorder_traversal

from theory.proof import time_limit as limits
from theory.proof.derivation import Derivation, UndecidedStepError
from theory.proof.rules import Algebra, Chain
from theory.proof.steps import Rule, Step
from theory.proof.time_limit import OutOfTimeError, forget_what_was_begun, time_limit

x, y = (Symbol(name, real=True) for name in "xy")
claim = Eq((x + y) ** 2, x**2 + 2 * x * y + y**2, evaluate=False)


@dataclass(frozen=True)
class Endless(Rule):
    """Goes on for ever, and lets no ordinary error disturb it."""

    def prove(self, statement):
        while True:
            with contextlib.suppress(Exception):
                sum(range(1000))


def one_step(rule):
    steps = (Step("The only step", claim, rule, "By the rule."),)
    return Derivation(name="trial", title="A trial", statement=(claim,), assumptions=(), steps=steps, source="None")


def checked(rule):
    with pytest.raises(UndecidedStepError, match="has not decided it"):
        one_step(rule).check()
    one_step(Algebra()).check()  # afterwards as before
    return True


def test_an_endless_rule_is_undecided(monkeypatch):
    monkeypatch.setattr(limits, "SECONDS_A_STEP", 0.05)
    assert checked(Endless())


def test_an_endless_rule_is_undecided_on_any_thread(monkeypatch):
    monkeypatch.setattr(limits, "SECONDS_A_STEP", 0.05)
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(checked(Endless()))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True, True]


def test_a_rule_called_alone_is_undecided_too(monkeypatch):
    monkeypatch.setattr(limits, "SECONDS_A_STEP", 0.05)
    assert Endless().prove(claim) is None
    assert Chain(through=(claim.lhs,), by=(Endless(), Endless())).prove(claim) is None
    assert Algebra().prove(claim) is True


def test_an_interruption_that_has_not_arrived_is_called_back(monkeypatch):
    """Sent while the computation ended: it would arrive later, in the middle of something else."""
    sent, here = [], threading.Event()

    def send(thread, error):
        sent.append(error.value if error is not None else None)
        here.set()

    monkeypatch.setattr(ctypes.pythonapi, "PyThreadState_SetAsyncExc", send)
    with time_limit(0.01):
        while not here.is_set():
            sum(range(1000))
    assert sent == [OutOfTimeError, None]


def test_an_interruption_never_comes_late():
    """Many computations that end about when their time does: each is interrupted inside its limit or not at all."""
    for count in range(200):
        try:
            with time_limit(1e-4):
                sum(range(100 * count))
        except OutOfTimeError:
            pass
        assert sum(range(100)) == 4950


def test_limits_nest():
    with time_limit(60), pytest.raises(OutOfTimeError), time_limit(0.05):
        Endless().prove(claim)
    with pytest.raises(OutOfTimeError), time_limit(0.05), time_limit(60):
        Endless().prove(claim)


def test_what_sympy_left_open_is_forgotten():
    part = x**2 + y**2
    part._assumptions = part._assumptions.copy()
    part._assumptions._tell("nonnegative", None)  # as an interrupted question leaves it
    assert part.is_nonnegative is None
    forget_what_was_begun(part)
    assert all(inner is not None for inner in preorder_traversal(part))
    assert part.is_nonnegative is True
    assert x.is_real is True
