"""A command line's manners: a user's mistake gets one sentence on stderr and exit code 2, Ctrl-C exit code 130."""

import io
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, NoReturn

import typer

INTERRUPTED = 130  # as the shell has it: 128 + SIGINT
MISTAKES = (ValueError, TypeError, ArithmeticError, OSError, MemoryError)


class Interrupted(Exception):
    """A command was stopped by Ctrl-C, and says what is kept and how to go on."""


def run_command_line(
    app: typer.Typer,
    program: str,
    arguments: Sequence[str] | None = None,
    *,
    explain: Callable[[Exception], str | None] = lambda error: None,
    elsewhere: Mapping[str, str] = MappingProxyType({}),
) -> NoReturn:
    """Run a Typer command line to its end, and exit.

    Args:
        app: the commands.
        program: how it was called, for instance ``"python -m theory"``.
        arguments: what the user typed; None for this process's own.
        explain: one sentence for an error that is none of the usual mistakes, or None to let it through.
        elsewhere: options that people know from other programs, and what they are called here.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file's name may hold bytes that are no text
            stream.reconfigure(errors="backslashreplace")
    message: str | None = None
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _one_sentence
            code = app(arguments, prog_name=program, standalone_mode=False) or 0
    except Interrupted as stop:
        code, message = INTERRUPTED, f"interrupted: {stop}"
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:  # who reads the output has seen enough, as `| head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:
        code, said = 2, explain(error)
        if said is None and isinstance(error, typer.TyperException):
            said = error.format_message()  # nothing where no command was given, and the help said all
            if option := getattr(error, "option_name", None):
                close = elsewhere.get(option) or " or ".join(sorted(getattr(error, "possibilities", None) or ()))
                said = f"No such option: {option}" + (f"; did you mean {close}?" if close else "")
        elif said is None and isinstance(error, MISTAKES):
            said = _told(error)
        elif said is None:
            raise
        message = f"error: {' '.join(said.split())}" if said else None
    if code == INTERRUPTED:  # Typer gives no reason
        message = message or "interrupted"
    if message:
        print(message, file=sys.stderr)
    sys.exit(code)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint for a name that does not exist: the known names nearest to it; empty where none is near."""
    close = get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(sorted(close))}?" if close else ""


def _told(error: Exception) -> str:
    """An error in words; the operating system's without its number."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror[0].lower()}{error.strerror[1:]}"
    return str(error)


def _one_sentence(message: Warning | str, *_: Any, **__: Any) -> None:
    """Show a warning as a sentence, without the line of code that gave it."""
    print(f"warning: {message}", file=sys.stderr)
