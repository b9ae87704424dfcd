"""The benchmarks still run, and all ways of a row come to the same; nothing here looks at a clock."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import growth, memory, report
from benchmarks.page import page
from benchmarks.rows import OURS, TOPICS, Row
from benchmarks.rows.worker import Worker


@pytest.mark.parametrize("topic", TOPICS)
def test_a_quick_row_of_each_kind_runs_and_its_ways_agree(topic: str) -> None:
    rows = TOPICS[topic](quick=True)
    for row in rows:
        assert next(iter(row.ways)) == OURS
        assert set(row.goals) <= set(row.ways)
        row.check()


def test_a_way_that_comes_to_something_else_is_named() -> None:
    row = Row("topic", "name", {OURS: lambda: np.ones(3), "other": lambda: np.ones(3) + 2e-9})
    with pytest.raises(AssertionError, match=r"topic: name: other is off by 2\.0e-09"):
        row.check()
    replace(row, off=1e-8).check()
    replace(row, off=None).check()


@pytest.mark.parametrize("each", growth.GROWTHS, ids=lambda each: each.name)
def test_growth_is_measured_at_the_least_sizes(each: growth.Growth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "SECONDS", 0.0)
    found = growth.measured(each, each.sizes[:3])
    assert len(found.seconds) == len(found.peak) == 3
    assert min(*found.seconds, *found.peak) > 0


def test_exponents_are_those_of_the_larger_half() -> None:
    sizes = (1, 10, 100, 1000)
    assert growth._exponent(sizes, [5, 5, 2e4, 2e6]) == pytest.approx(2)


def test_a_worker_keeps_what_it_has_prepared_and_its_end_is_told() -> None:
    worker = Worker("count = 0\ndef work():\n    global count\n    count += 1\n    print('aside')\n    return count")
    assert [worker(), worker()] == [1, 2]
    with pytest.raises(RuntimeError, match="ended with exit code 3"):
        Worker("def work():\n    os._exit(3)")()


def test_memory_is_what_the_work_adds() -> None:
    script = "import numpy as np\ndef work():\n    np.ones(2**23)\n"
    assert 60 <= memory.peak_memory(script) <= 80  # 64 MiB, and the interpreter's own few


TIMED = {
    "benchmarks": [
        {"extra_info": {"topic": "limit", "name": "small", "way": way, "turn": turn}, "stats": {"median": seconds}}
        for way, times in ((OURS, (1e-3, 9e-3, 2e-3)), ("peer", (4e-3, 5e-3, 3e-3)), ("slow", (2.0, 2.2, 2.1)))
        for turn, seconds in enumerate(times)
    ]
}


def test_the_page_tells_ratios_of_medians_over_turns_and_which_goals_are_missed(monkeypatch) -> None:
    monkeypatch.setattr(report, "machine_rates", lambda: {"operations": 1e9, "bytes": 1e9})
    nothing = {way: lambda: 0 for way in (OURS, "peer", "slow")}
    row = Row("limit", "small", nothing, {"peer": 2.5, "slow": 20.0}, operations=1e6, moved=None)
    results = report.collected(copy.deepcopy(TIMED), [row, replace(row, name="never timed")])
    assert len(results["rows"]) == 1
    assert results["rows"][0]["times as fast"] == {"peer": 2.0, "slow": 1050.0}
    results["memory"] = {"something": 1234.5}
    found = growth.Measured((1.0, 2.0), (3, 4), (1.96, 0.04))
    results["growth"] = [{"name": "limit, side", "sizes": (1, 2), "expected": (2, 0), "why": "pixels", **vars(found)}]
    told = page(results, "## What stands in the way\n\nNothing.\n")
    assert "| small | 2 ms | peer | 4 ms | 2.00 | ≥ 2.5 (missed) | 50% matmul |" in told
    assert "|  |  | slow | 2.1 s | 1,050 | ≥ 20 |  |" in told
    assert "| something | 1,234 |" in told
    assert "| limit, side | 1, 2 | 2.0 | 2 | 0.0 | 0 | pixels |" in told
    assert told.endswith("Nothing.\n")
    assert f"Python {results['environment']['Python']}" in told


def test_rates_of_the_machine_are_measured() -> None:
    rates = report.machine_rates()
    assert rates["operations"] > 1e7
    assert rates["bytes"] > 1e7
