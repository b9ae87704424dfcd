"""How far something is: a bar on a terminal, a line a minute elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

MINUTE = 60.0

Tell = Callable[[float, str], None]


@contextmanager
def progress(title: str, *, show: bool = True) -> Iterator[Tell]:
    """Show on stderr how far the block is, while it runs.

    Args:
        title: what is under way.
        show: False for nothing at all.

    Yields:
        A function to call as often as one likes, with the share that is done, from 0 to 1, and the rest in words.
    """
    if not show:
        yield lambda share, words: None
        return
    if not sys.stderr.isatty():
        yield _each_minute(title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}", markup=False))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=1.0, words="")
        yield lambda share, words: bar.update(task, completed=share, words=words)


def _each_minute(title: str) -> Tell:
    """A line when a minute has passed since the last one, or since the block began."""
    last = time.monotonic()

    def tell(share: float, words: str) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= MINUTE:
            last = now
            print(f"{title}: {share:.0%}, {words}", file=sys.stderr, flush=True)

    return tell


def duration(seconds: float) -> str:
    """A length of time as one says it: "8 s", "12 min", "3 h 20 min", "5 days"."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min"
    return f"{round(hours / 24)} days"
