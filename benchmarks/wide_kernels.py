"""The tangent kernel between all pixels of a digit, depth 20, against neural-tangents 0.6.5, side by side.

neural-tangents' last release needs an old JAX: it gets a virtual environment of its own in .venv/neural-tangents, made
at the first run. Where Python 3.11 or the packages are not to be had, only our side is measured.

Both sides compute the same kernel (28×28, ReLU, 5×5, weight variance 2, float64) in a process of their own, ours
with one thread, theirs with one and with all processors; compilation is excluded. On a machine that is shared, compare
processor times. Memory is what a process's peak resident set gains after its imports, a small kernel and compilation.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

OLD = Path(__file__).resolve().parents[1] / ".venv" / "neural-tangents"
PACKAGES = ["neural-tangents==0.6.5", "jax==0.4.23", "jaxlib==0.4.23", "numpy<2", "scipy<1.13"]
REPEATS = 7

COMMON = """
import json, resource, sys, time
import numpy as np
def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
def best(kernel, x, repeats):
    wall, processor = [], []
    for _ in range(repeats):
        start, cpu = time.perf_counter(), time.process_time()
        kernel(x)
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - cpu)
    return min(wall), min(processor)
x = np.array(json.loads(sys.stdin.read()))
"""

OURS = """
from theory import wide
network = wide.Convolutional(20, kernel_size=5, weight_variance=2.0)
kernel = lambda x: network.ntk(x[None])
kernel(x[:8, :8])
before = memory()
values = kernel(x)[0, 0]
"""

THEIRS = """
import jax
jax.config.update("jax_enable_x64", True)
from neural_tangents import stax
layers = []
for depth in range(20):
    layers.append(stax.Conv(8, (5, 5), padding="SAME", W_std=2**0.5, b_std=None, parameterization="ntk"))
    layers += [stax.Relu()] * (depth < 19)
traced = jax.jit(lambda x: stax.serial(*layers)[2](x[None, :, :, None], None, "ntk"))
traced(x[:8, :8]).block_until_ready()
compiled = traced.lower(x).compile()
kernel = lambda x: compiled(x).block_until_ready()
before = memory()
values = np.asarray(kernel(x))[0, 0].transpose(0, 2, 1, 3)
"""

REPORT = """
wall, processor = best(kernel, x, {repeats})
print(json.dumps(dict(wall=wall, processor=processor, before=before, peak=memory(),
                      values=values[::5, ::3, ::4, ::7].ravel().tolist())))
"""


def environment() -> Path | None:
    """The old environment's Python, made if need be; None where that fails."""
    python = OLD / "bin" / "python"
    if python.exists():
        return python
    interpreter = shutil.which("python3.11")
    if interpreter is None:
        return None
    made = subprocess.run([interpreter, "-m", "venv", str(OLD)], check=False).returncode == 0
    if made and subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=False).returncode == 0:
        return python
    shutil.rmtree(OLD, ignore_errors=True)
    return None


def measured(python: Path, script: str, pixels: list, threads: int) -> dict:
    """What a process of its own reports."""
    single = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    settings = {"OMP_NUM_THREADS": str(threads)} | ({"XLA_FLAGS": single} if threads == 1 else {})
    affinity = {0} if threads == 1 else set(range(os.cpu_count() or 1))
    run = subprocess.run(
        [python, "-c", COMMON + script + REPORT.format(repeats=REPEATS)],
        input=json.dumps(pixels),
        env=os.environ | settings | {"PYTHONPATH": str(OLD.parents[1])},
        preexec_fn=lambda: os.sched_setaffinity(0, affinity),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return json.loads(run.stdout.splitlines()[-1])


def batch() -> tuple[float, float, float]:
    """Seconds and peak MiB (beyond the training kernel) of `.mean` for 10 and for 100 test images at depth 20."""
    import tracemalloc

    from files import embedded_digits
    from theory import wide

    digits = embedded_digits() / 255
    flow = wide.gradient_flow(wide.Convolutional(20, kernel_size=5, weight_variance=2.0), digits[140])
    start = time.perf_counter()
    flow.mean(digits[:100])
    seconds = time.perf_counter() - start
    peaks = []
    for count in (10, 100):
        tracemalloc.start()
        flow.mean(digits[:count])
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
    return seconds, peaks[0], peaks[1]


def main() -> None:
    """Print the ratios."""
    from files import embedded_digits

    pixels = (embedded_digits()[140, 0] / 255).tolist()
    table = Table("library", "threads", "wall", "processor", "memory gained", "process peak")
    ours = measured(Path(sys.executable), OURS, pixels, 1)
    rows = {("theory.wide", 1): ours}
    old = environment()
    if old is not None:
        rows |= {("neural-tangents", n): measured(old, THEIRS, pixels, n) for n in (1, os.cpu_count() or 1)}
    for (name, threads), result in rows.items():
        gained = result["peak"] - result["before"]
        table.add_row(
            name,
            str(threads),
            f"{result['wall']:.3f} s",
            f"{result['processor']:.3f} s",
            f"{gained:.0f} MiB",
            f"{result['peak']:.0f} MiB",
            end_section=result is ours,
        )
        if result is not ours:
            off = max(abs(a - b) for a, b in zip(ours["values"], result["values"], strict=True)) / max(ours["values"])
            table.add_row(
                "ratio",
                f"(off by {off:.0e})",
                f"{result['wall'] / ours['wall']:.1f}",
                f"{result['processor'] / ours['processor']:.1f}",
                f"{gained / (ours['peak'] - ours['before']):.1f}",
                f"{result['peak'] / ours['peak']:.1f}",
                end_section=True,
            )
    console = Console()
    console.print(table)
    if old is None:
        console.print("neural-tangents 0.6.5 could not be installed (it needs Python 3.11 and a package index)")
    seconds, few, many = batch()
    console.print(f".mean of 100 digits at depth 20: {seconds:.1f} s, {many:.0f} MiB at most; of 10: {few:.0f} MiB")


if __name__ == "__main__":
    main()
