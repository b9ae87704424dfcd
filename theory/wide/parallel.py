"""Independent pieces of work on all processors: NumPy lets other threads run while it computes."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def each_in_a_thread(work: Callable[[Any], None], pieces: Iterable[Any]) -> None:
    """Call `work` on each piece, on as many threads as OMP_NUM_THREADS allows, or there are processors."""
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    threads = int(allowed) if allowed.isdigit() and int(allowed) else os.cpu_count() or 1
    pieces = list(pieces)
    if threads == 1 or len(pieces) == 1:
        for piece in pieces:
            work(piece)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, pieces))  # raises what a piece has raised
