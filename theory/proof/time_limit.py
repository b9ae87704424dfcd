"""A limit to how long a computation may take, in any thread, on the main one or not.

A watching thread interrupts the computing one. What is measured is the processor time of the computing thread where the
system tells it (Linux, macOS), so that a busy machine decides what an idle one does; elsewhere the time on the wall.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from sympy import Basic, preorder_traversal
from sympy.core.cache import clear_cache

__all__ = ["SECONDS_A_STEP", "OutOfTimeError", "forget_what_was_begun", "time_limit", "within_time"]

SECONDS_A_STEP = 60  # of processor time; the slowest step of the derivations here takes five
_here = threading.local()  # whether a limit is running in this thread


class OutOfTimeError(BaseException):
    """The computation was interrupted. No `Exception`: nothing on the way takes it for a failure of its own."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupts what is computed inside when it has taken that many seconds.

    Raises:
        OutOfTimeError: the time is over. What was being computed is not finished; `forget_what_was_begun` clears what
            SymPy keeps of it.
    """
    thread, used = threading.get_ident(), _clock_of_this_thread()
    start, finished, lock = used(), threading.Event(), threading.Lock()
    interrupted = False

    def watch() -> None:
        nonlocal interrupted
        left = seconds
        while left > 0:
            if finished.wait(left):
                return
            left = seconds - (used() - start)
        with lock:
            if not finished.is_set():
                interrupted = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(OutOfTimeError))

    watcher = threading.Thread(target=watch, name="time limit", daemon=True)
    watcher.start()
    outer, _here.running = getattr(_here, "running", False), True
    try:
        yield
    finally:
        _stop(finished, lock)
        _here.running = outer
        if interrupted:  # the interruption may not have arrived yet: it must not arrive later, somewhere else
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None)


def within_time(prove: Callable[[Any, Basic], bool | None]) -> Callable[[Any, Basic], bool | None]:
    """A rule's `prove` that says undecided where it takes too long, unless a limit is running outside already."""

    @wraps(prove)
    def limited(rule: Any, statement: Basic) -> bool | None:
        if getattr(_here, "running", False):
            return prove(rule, statement)
        try:
            with time_limit(SECONDS_A_STEP):
                return prove(rule, statement)
        except OutOfTimeError:
            forget_what_was_begun(statement, *rule.premises)
            return None

    return limited


def _stop(finished: threading.Event, lock: threading.Lock) -> None:
    """Tell the watcher to interrupt no more, whatever arrives meanwhile."""
    try:
        with lock:
            finished.set()
    except OutOfTimeError:
        finished.set()
        raise


def _clock_of_this_thread() -> Callable[[], float]:
    """Seconds of processor time of the calling thread, to be asked from any thread."""
    if hasattr(time, "pthread_getcpuclockid"):
        clock = time.pthread_getcpuclockid(threading.get_ident())
        return lambda: time.clock_gettime(clock)
    return time.monotonic


def forget_what_was_begun(*statements: Basic) -> None:
    """Clear what SymPy remembers of an interrupted computation: results in its cache, and questions left open.

    SymPy notes that a question about an expression (is it positive?) is being looked into, and reads the note later as
    "unknown". That is never wrong, but it would leave undecided what could be decided.
    """
    clear_cache()
    for statement in statements:
        for part in preorder_traversal(statement):
            if not part.is_Symbol and part.args:
                part._assumptions = type(part).default_assumptions
