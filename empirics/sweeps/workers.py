"""Who does a sweep's work: this process, processes of this machine, or a Dask cluster."""

import os
import re
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from threading import Thread
from typing import Any

import torch

ADDRESS = re.compile(r"[a-z]+://.+:\d+")


class InProcess(Executor):
    """An executor that does the work at once, where it is asked to."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Call the function, and return its result as a finished future."""
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class _Spawn(SpawnContext):
    """Makes processes, and knows them.

    They are spawned, not forked: a fork would inherit torch's threads and, on a GPU, a context that is not its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self.made: list[SpawnProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]
        """A process that has not started yet."""
        self.made.append(SpawnProcess(*args, **kwargs))
        return self.made[-1]


class Processes(ProcessPoolExecutor):
    """Processes of this machine, each on one thread, so that they do not fight for cores.

    A terminal sends Ctrl-C to all of its processes. These leave it to the one that they work for, which ends them.
    """

    def __init__(self, workers: int) -> None:
        self._spawn = _Spawn()
        super().__init__(workers, mp_context=self._spawn, initializer=_begin)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Submit work with Ctrl-C blocked, so that a process that starts now inherits the block."""
        if not hasattr(signal, "pthread_sigmask"):  # Windows
            return super().submit(fn, *args, **kwargs)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)  # a Ctrl-C of meanwhile comes now

    def end(self) -> None:
        """End the processes, whatever they are doing."""
        for process in self._spawn.made:
            if process.is_alive():
                process.terminate()


def give_up(executor: Executor) -> None:
    """Stop an executor's work: at once where it is processes of this machine, else what has not begun."""
    if isinstance(executor, Processes):
        executor.end()
    executor.shutdown(wait=False)


def processes(workers: int) -> Callable[[], Executor]:
    """Make executors of so many processes, see `Processes`."""
    return lambda: Processes(workers)


def _begin() -> None:
    """Use one thread, and end when the process that started this one ends, in whatever way."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
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
