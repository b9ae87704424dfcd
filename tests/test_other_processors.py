"""What names things does not hang on a last bit: this machine plays an older one, and finds the same names.

NumPy, BLAS and torch choose their instructions by the processor, and so round differently. What they compute is another
number on another processor in its last bit (`np.geomspace(1e-8, 1, 9)[4]` is 1e-05 or 9.999999999999999e-06): as a
setting, a key or the name of a folder it would not be found again there.
"""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.what_names_things import arithmetic, names_and_settings

OLD = {  # by architecture: the oldest core that OpenBLAS knows how to serve
    "x86_64": "Nehalem",
    "AMD64": "Nehalem",
    "aarch64": "ARMV8",
    "arm64": "ARMV8",
}


def instructions_to_leave_out() -> str:
    """Those that NumPy would choose here beyond what it is compiled for at least."""
    core = np._core._multiarray_umath
    return " ".join(name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name))


def older_processor() -> dict[str, str]:
    """The environment in which this machine computes as one without its newer vector instructions."""
    return {
        "NPY_DISABLE_CPU_FEATURES": instructions_to_leave_out(),
        "OPENBLAS_CORETYPE": OLD.get(platform.machine(), ""),
        "ATEN_CPU_CAPABILITY": "default",  # torch's own loops
        "MKL_CBWR": "COMPATIBLE",  # torch's BLAS
        "ONEDNN_MAX_CPU_ISA": "SSE41",  # torch's convolutions
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F",  # exp, log and powers of single numbers
    }


@pytest.fixture(scope="module")
def there() -> dict:
    """What the older processor finds."""
    root = Path(__file__).parents[1]
    environment = {name: value for name, value in (os.environ | older_processor()).items() if value}
    command = [sys.executable, "-m", "tests.what_names_things"]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_names_and_settings_are_the_same_on_an_older_processor(there):
    here = json.loads(json.dumps(names_and_settings()))
    assert here.keys() == there["names"].keys()
    for what, value in here.items():
        assert there["names"][what] == value, what


def test_the_older_processor_rounds_differently(there):
    """Else the test above would compare this machine with itself."""
    if not instructions_to_leave_out():
        pytest.skip("this processor has no instructions beyond those that NumPy is compiled for")
    assert there["arithmetic"] != arithmetic()
