"""Infinitely wide convolutional networks of depth 20 on a digit, against neural-tangents 0.6.5.

neural-tangents' last release needs an old JAX: it gets a virtual environment of its own in .venv/neural-tangents, made
at the first run. Where Python 3.11 or the packages are not to be had, only our side is measured. Compilation is not
counted.
"""

import shutil
import subprocess
from pathlib import Path

from benchmarks.rows.row import OURS, Row
from benchmarks.rows.worker import ROOT, Worker

OLD = ROOT / ".venv" / "neural-tangents"
PACKAGES = ["neural-tangents==0.6.5", "jax==0.4.23", "jaxlib==0.4.23", "numpy<2", "scipy<1.13"]

DIGIT = """
import numpy as np
from files import embedded_digits
digits = embedded_digits() / 255
x = digits[140, 0]
SOME = np.s_[::5, ::3, ::4, ::7]
"""

NTK = """
from theory import wide
network = wide.Convolutional({depth}, kernel_size=5, weight_variance=2.0)
work = lambda: network.ntk(x[None])[0, 0][SOME].ravel().tolist()
"""

THEIRS = """
import json, numpy as np, jax
jax.config.update("jax_enable_x64", True)
from neural_tangents import stax
x = np.array({pixels})
layers = []
for layer in range({depth}):
    layers.append(stax.Conv(8, (5, 5), padding="SAME", W_std=2**0.5, b_std=None, parameterization="ntk"))
    layers += [stax.Relu()] * (layer < {depth} - 1)
compiled = jax.jit(lambda x: stax.serial(*layers)[2](x[None, :, :, None], None, "ntk")).lower(x).compile()
def work():
    kernel = np.asarray(compiled(x).block_until_ready())[0, 0].transpose(0, 2, 1, 3)
    return kernel[::5, ::3, ::4, ::7].ravel().tolist()
"""

FLOW = """
from theory import wide
flow = wide.gradient_flow(wide.Convolutional({depth}, kernel_size=5, weight_variance=2.0), digits[140])
def work():
    flow.{method}
"""


COSINE = 1e-7  # neural-tangents takes angles from cosines, and so knows one near 0 to 10⁻⁸, in every layer anew


def environment() -> Path | None:
    """The old environment's Python, made if need be; None where that fails."""
    python = OLD / "bin" / "python"
    if python.exists():
        return python
    interpreter = shutil.which("python3.11")
    if interpreter is None or subprocess.run([interpreter, "-m", "venv", str(OLD)], check=False).returncode:
        return None
    if subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=False).returncode == 0:
        return python
    shutil.rmtree(OLD, ignore_errors=True)
    return None


def rows(*, quick: bool = False) -> list[Row]:
    """The kernel on one and on two threads, and what a law is asked; quick: a kernel of two layers, ours alone."""
    if quick:
        return [Row("infinite width", "tangent kernel, depth 2", {OURS: Worker(DIGIT + NTK.format(depth=2))})]
    from files import embedded_digits

    pixels = (embedded_digits()[140, 0] / 255).tolist()
    old, found = environment(), []
    for threads, goal in ((1, 15.0), (2, 12.0)):
        ways = {OURS: Worker(DIGIT + NTK.format(depth=20), threads=threads)}
        if old is not None:
            script = THEIRS.format(pixels=pixels, depth=20)
            ways["neural-tangents"] = Worker(script, threads=threads, python=old)
        name = f"tangent kernel, depth 20, {threads} thread{'s' * (threads > 1)}"
        found.append(Row("infinite width", name, ways, {"neural-tangents": goal}, off=COSINE))
    mean = Worker(DIGIT + FLOW.format(depth=20, method="mean(digits[:1])"))
    for what in ("covariance(digits[:1])", "expected_correlation(digits[:1], digits[140])"):
        ways = {OURS: Worker(DIGIT + FLOW.format(depth=20, method=what)), "mean of the same": mean}
        found.append(Row("infinite width", what.split("(")[0], ways, {"mean of the same": 1 / 3}, off=None))
    hundred = {OURS: Worker(DIGIT + FLOW.format(depth=20, method="mean(digits[:100])"))}
    return [*found, Row("infinite width", "mean of 100 digits, depth 20", hundred, off=None)]
