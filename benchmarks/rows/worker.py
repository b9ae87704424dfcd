"""Work in a process of its own, with a number of threads that is decided before anything is imported."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

LOOP = """
import json, sys
told = sys.stdout
sys.stdout = sys.stderr
for line in sys.stdin:
    print(json.dumps(work()), file=told, flush=True)
"""


class Worker:
    """A process that does one thing whenever it is called, and keeps what it has prepared.

    Args:
        script: defines `work()`, which returns what JSON holds.
        threads: how many it may use.
        python: the interpreter.
    """

    def __init__(self, script: str, *, threads: int = 1, python: Path = Path(sys.executable)) -> None:
        self._script, self._threads, self._python = script, threads, python
        self._process: subprocess.Popen[str] | None = None

    def __call__(self) -> Any:
        """Do it once; the first call starts the process, and waits until it is ready."""
        if self._process is None:
            self._process = self._started()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process ended with exit code {self._process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    __del__ = close

    def _started(self) -> "subprocess.Popen[str]":
        settings = {"OMP_NUM_THREADS": str(self._threads), "PYTHONPATH": str(ROOT)}
        if self._threads == 1:
            settings["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        affinity = sorted(os.sched_getaffinity(0))[: self._threads]
        return subprocess.Popen(
            [self._python, "-c", f"import os\nos.sched_setaffinity(0, {affinity})\n{self._script}\n{LOOP}"],
            env=os.environ | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )


def peak_memory(script: str) -> float:
    """MiB that the peak of a process's memory gains while `work()` of a script runs once."""
    measure = """
import resource
from pathlib import Path
def peak():
    status = Path("/proc/self/status")
    if status.exists():  # what the process has held since it began; getrusage's begins with what its parent held
        return int(status.read_text().split("VmHWM:")[1].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
work()
print((peak() - before) / 1024)
"""
    run = subprocess.run(
        [sys.executable, "-c", script + measure],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout.split()[-1])
