"""Who does a sweep's work: processes of this machine, or a Dask cluster."""

import os
import re
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread

import torch

ADDRESS = re.compile(r"[a-z]+://.+:\d+")


def processes(workers: int) -> Callable[[], Executor]:
    """Make executors of so many processes, each on one thread, so that they do not fight for cores."""
    # Spawned, not forked: a fork would inherit torch's threads and, on a GPU, a context that is not its own.
    return lambda: ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """Take one thread, and end with whoever started this process, however that ends."""
    torch.set_num_threads(1)
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def dask_cluster(address: str) -> Callable[[], Executor]:
    """Make executors of a Dask cluster, which gives the work of workers that die to others.

    Args:
        address: of its scheduler, tcp://HOST:PORT.

    Raises:
        ValueError: no address, or dask.distributed is not installed.
        OSError: nothing answers there.
    """
    if not ADDRESS.fullmatch(address):
        raise ValueError(f"scheduler must be an address tcp://HOST:PORT, got {address!r}")
    try:
        from distributed import Client
    except ImportError:
        raise ValueError("a Dask cluster needs dask.distributed: pip install 'identity-crisis[cluster]'") from None

    def connect() -> Executor:
        return Client(address, set_as_default=False).get_executor(pure=False)

    return connect
