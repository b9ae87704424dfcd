"""docs/performance.md, from the results."""

from typing import Any

from benchmarks.rows import OURS

HEAD = """# Performance

Written by `make bench`, every row in one run: all ways take turns, three times; medians. A ratio is the peer's time
over ours: above 1 ours is faster. All ways come to the same result, which is checked first.
"""
ROWS = ("work", "ours", "beside", "its time", "times as fast", "goal", "of the machine")
GROWTH = ("work, what grows", "sizes", "time ~ size^", "expected", "memory ~ size^", "expected", "since")
ADDED = "What each adds to the peak of a process of its own."
FITTED = """Exponents fitted to the larger half of the sizes, beside those that an operation count gives for large ones:
smaller ones say that overhead still counts."""


def page(results: dict[str, Any], remarks: str) -> str:
    """Markdown.

    Args:
        results: as `benchmarks.report` collects them.
        remarks: what stands in the way where a goal is missed.
    """
    rates = results["machine rates"]
    parts = [
        HEAD,
        ", ".join(f"{name} {value}" for name, value in results["environment"].items()) + ".\n",
        f"On one thread this machine multiplies matrices at {rates['operations'] / 1e9:.0f} GFLOP/s and copies at "
        f"{rates['bytes'] / 1e9:.1f} GB/s.\n",
    ]
    for topic in dict.fromkeys(row["topic"] for row in results["rows"]):
        lines = [line for row in results["rows"] if row["topic"] == topic for line in _lines(row)]
        parts.append(f"## {topic[0].upper()}{topic[1:]}\n\n{_table(ROWS, lines)}")
    memory = [(name, f"{value:,.0f}") for name, value in results["memory"].items()]
    parts.append(f"## Memory\n\n{ADDED}\n\n{_table(('work', 'MiB'), memory)}")
    growth = [_growth(each) for each in results["growth"]]
    parts.append(f"## Growth\n\n{FITTED}\n\n{_table(GROWTH, growth)}")
    return "\n".join([*parts, remarks])


def _table(heads: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (heads, ("---",) * len(heads), *lines))


def _lines(row: dict[str, Any]) -> list[tuple[str, ...]]:
    """A line for each peer."""
    ours = row["seconds"][OURS]
    shares = {"matmul": row["of the matmul rate"], "bandwidth": row["of the memory bandwidth"]}
    first = (row["name"], _duration(ours))
    last = ", ".join(f"{share:.0%} {name}" for name, share in shares.items() if share)
    found = []
    for way, ratio in row["times as fast"].items():
        goal = row["goals"].get(way)
        told = "" if goal is None else f"≥ {goal:.3g}" + (" (missed)" if ratio < goal else "")
        times = f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}"
        found.append((*first, way, _duration(row["seconds"][way]), times, told, last))
        first, last = ("", ""), ""
    return found or [(*first, "", "", "", "", last)]


def _growth(each: dict[str, Any]) -> tuple[str, ...]:
    fitted = [f"{exponent:.1f}" for exponent in each["exponents"]]
    expected = [str(exponent) for exponent in each["expected"]]
    sizes = ", ".join(map(str, each["sizes"]))
    return (each["name"], sizes, fitted[0], expected[0], fitted[1], expected[1], each["why"])


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"
