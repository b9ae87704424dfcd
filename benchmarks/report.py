"""The table of speeds: `benchmarks/results.json` and docs/performance.md, from what pytest-benchmark wrote.

Run by `make bench` after the timing: `python -m benchmarks.report timed.json`.
"""

import json
import os
import platform
import sys
import time
from collections import defaultdict
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import growth, memory
from benchmarks.page import page
from benchmarks.rows import OURS, TOPICS, Row

ROOT = Path(__file__).resolve().parents[1]
RESULTS, PAGE = ROOT / "benchmarks" / "results.json", ROOT / "docs" / "performance.md"
REMARKS = ROOT / "benchmarks" / "remarks.md"
LIBRARIES = ("numpy", "scipy", "torch")


def environment() -> dict[str, str]:
    """What the figures depend on."""
    return {
        "processor": _processor(),
        "processors": str(os.cpu_count()),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "GPU": _gpu(),
        "date": time.strftime("%Y-%m-%d"),
    }


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    flags = next((line for line in lines if line.startswith("flags")), "")
    wide = next((name for name in ("avx512f", "avx2", "avx") if f" {name} " in f"{flags} "), "no AVX")
    return f"{names[0] if names else platform.processor()} ({wide})"


def _gpu() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "none"


def machine_rates() -> dict[str, float]:
    """What this machine does at most, on one thread: operations a second of a product of matrices, bytes of a copy."""
    a = np.random.default_rng(0).random((1500, 1500))
    b = np.empty(2**25)
    c = np.ones(2**25)
    return {
        "operations": 2 * 1500**3 / _fastest(lambda: a @ a),
        "bytes": 2 * b.nbytes / _fastest(lambda: np.copyto(b, c)),
    }


def _fastest(work: Any) -> float:
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def medians(timed: dict[str, Any]) -> dict[tuple[str, str], dict[str, float]]:
    """Seconds of each way of each row: the median over turns of medians."""
    turns: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for entry in timed["benchmarks"]:
        info = entry["extra_info"]
        turns[info["topic"], info["name"]][info["way"]].append(entry["stats"]["median"])
    return {row: {way: median(values) for way, values in ways.items()} for row, ways in turns.items()}


def collected(timed: dict[str, Any], rows: list[Row]) -> dict[str, Any]:
    """Everything that was measured."""
    rates, seconds = machine_rates(), medians(timed)
    told = []
    for row in rows:
        ways = seconds.get((row.topic, row.name))
        if ways is None:
            continue
        ours = ways[OURS]
        told.append(
            {
                "topic": row.topic,
                "name": row.name,
                "seconds": ways,
                "times as fast": {way: value / ours for way, value in ways.items() if way != OURS},
                "goals": row.goals,
                "of the matmul rate": row.operations / ours / rates["operations"] if row.operations else None,
                "of the memory bandwidth": row.moved / ours / rates["bytes"] if row.moved else None,
            }
        )
    return {"environment": environment(), "machine rates": rates, "rows": told}


def main(arguments: list[str]) -> None:
    """Write both from a JSON of pytest-benchmark."""
    timed = json.loads(Path(arguments[0]).read_text())
    results = collected(timed, [row for topic in TOPICS.values() for row in topic()])
    results["memory"] = memory.measured()
    results["growth"] = []
    for each in growth.GROWTHS:
        found = growth.measured(each)
        results["growth"].append(
            {"name": each.name, "sizes": each.sizes, "expected": each.expected, "why": each.why, **asdict(found)}
        )
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(page(results, REMARKS.read_text()))
    print(PAGE.read_text())


if __name__ == "__main__":
    main(sys.argv[1:])
