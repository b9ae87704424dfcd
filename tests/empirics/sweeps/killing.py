"""Killing a worker of a sweep in the middle of it."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path


def journal(folder: Path) -> list[dict]:
    """The lines of a sweep's journal: a training each that came to its end."""
    path = folder / "journal.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def kill_one(find_pid: Callable[[], int], folder: Path) -> threading.Thread:
    """Kill a worker as soon as the first training is through, while the next are under way."""

    def watch():
        until = time.monotonic() + 120
        while not journal(folder) and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(find_pid(), signal.SIGKILL)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread
