"""Every row's ways in turn, several turns, so that what else the machine does meets all of them.

Run by `make bench`; some alone: `pytest -c benchmarks/pytest.ini benchmarks/timed.py -k predictions`.
"""

import pytest
import torch

from benchmarks.rows import TOPICS, Row

TURNS = 3
ROWS = [row for topic in TOPICS.values() for row in topic()]
CASES = [(row, turn, way) for row in ROWS for turn in range(TURNS) for way in row.ways]
CHECKED: set[int] = set()


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """As OMP_NUM_THREADS=1 has it for NumPy."""
    torch.set_num_threads(1)


@pytest.mark.parametrize(("row", "turn", "way"), CASES, ids=[f"{row}-{turn}-{way}" for row, turn, way in CASES])
def test_way(row: Row, turn: int, way: str, benchmark) -> None:
    """The first of a row also sees that all its ways come to the same result."""
    if id(row) not in CHECKED:
        row.check()
        CHECKED.add(id(row))
    benchmark.extra_info.update(topic=row.topic, name=row.name, turn=turn, way=way)
    benchmark(row.ways[way])
