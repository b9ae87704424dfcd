"""A command line's manners: a user's mistake gets one sentence on stderr and exit code 2, Ctrl-C exit code 130."""

import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import typer

INTERRUPTED = 130  # as the shell has it: 128 + SIGINT
MISTAKES = (ValueError, TypeError, ArithmeticError, OSError, MemoryError)


def run_command_line(
    app: typer.Typer,
    program: str,
    arguments: Sequence[str] | None = None,
    *,
    explain: Callable[[Exception], str | None] = lambda error: None,
) -> NoReturn:
    """Run a Typer command line to its end, and exit.

    Args:
        app: the commands.
        program: how it was called, for instance ``"python -m theory"``.
        arguments: what the user typed; None for this process's own.
        explain: one sentence for an error that is none of the usual mistakes, or None to let it through.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file's name may hold bytes that are no text
            stream.reconfigure(errors="backslashreplace")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _one_sentence
            code = app(arguments, prog_name=program, standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except typer.TyperException as error:
        message: str | None = error.format_message()
    except BrokenPipeError:  # who reads the output has seen enough, as `| head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except MISTAKES as error:
        message = explain(error) or _told(error)
    except Exception as error:
        message = explain(error)
        if message is None:
            raise
    else:
        sys.exit(code or 0)
    if message:  # none where no command was given, and the help said all
        print("error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(2)


def _told(error: Exception) -> str:
    """An error in words; the operating system's without its number."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror[0].lower()}{error.strerror[1:]}"
    return str(error)


def _one_sentence(message: Warning | str, *_: Any, **__: Any) -> None:
    """Show a warning as a sentence, without the line of code that gave it."""
    print(f"warning: {message}", file=sys.stderr)
