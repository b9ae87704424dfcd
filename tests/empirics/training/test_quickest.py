"""The way that measured quickest is taken, and measuring changes nothing."""

import math

import pytest
import torch

from empirics import CNN, FCN, LCN, Recipe
from empirics.training import quickest
from empirics.training.descent import Task
from empirics.training.quickest import measured
from empirics.training.stack.size import Division
from empirics.training.stack.weights import draw_stacked
from tests.empirics.naive import equal
from tests.empirics.training.recording import graphs_on_cpu

X = torch.rand(1, 1, 6, 6, generator=torch.Generator().manual_seed(0))


def task(network: torch.nn.Module, inputs: torch.Tensor = X, precision: str = "float32") -> Task:
    return Task(network, inputs, inputs, Recipe(steps=9, precision=precision), "mapped", block=100)


def tried(monkeypatch, problem: Task, seconds: dict[str, float]) -> tuple[Division, list[str]]:
    """The division chosen if the ways took so long, and the ways tried."""
    ways: list[str] = []

    def taking(task: Task, weights: dict) -> float:
        ways.append(task.way)
        assert len(next(iter(weights.values()))) == (1 if task.way == "alone" else 4)
        return seconds[task.way]

    monkeypatch.setattr(quickest, "_seconds", taking)
    weights = draw_stacked(problem.network, "default", range(7), torch.float32)
    return measured(Division("mapped", (4, 3)), problem, weights), ways


@pytest.mark.parametrize(
    ("seconds", "division"),
    [
        ({"mapped": 2, "layered": 1, "unfolded": 3, "alone": 0.3}, Division("layered", (4, 3))),
        ({"mapped": 2, "layered": 3, "unfolded": 1, "alone": 0.3}, Division("unfolded", (4, 3))),
        # Members alone take their time four times.
        ({"mapped": 2, "layered": 3, "unfolded": math.inf, "alone": 0.6}, Division("mapped", (4, 3))),
        ({"mapped": 2, "layered": 3, "unfolded": 3, "alone": 0.4}, Division("alone", (1,) * 7)),
    ],
)
def test_the_quickest_way_is_taken(seconds: dict[str, float], division: Division, monkeypatch) -> None:
    found, ways = tried(monkeypatch, task(CNN(1, 2, 2, 3)), seconds)
    assert found == division
    assert set(ways) == set(seconds)


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (task(FCN(36, 2, 4), X.flatten(1)), {"mapped", "layered", "alone"}),
        (task(LCN(1, 6)), {"mapped", "alone"}),
        (task(CNN(1, 2, 2, 3), precision="bfloat16"), {"mapped", "alone"}),
    ],
)
def test_only_ways_that_the_network_has_are_tried(problem: Task, expected: set[str], monkeypatch) -> None:
    _, ways = tried(monkeypatch, problem, dict.fromkeys(("mapped", "layered", "unfolded", "alone"), 1.0))
    assert set(ways) == expected


def test_measuring_changes_no_weights_and_a_way_without_memory_is_passed_over(monkeypatch) -> None:
    problem = task(CNN(1, 2, 2, 3))
    weights = draw_stacked(problem.network, "default", range(4), torch.float32)
    before = {name: value.clone() for name, value in weights.items()}
    synchronized = []
    monkeypatch.setattr(torch.cuda, "synchronize", synchronized.append)
    with graphs_on_cpu(monkeypatch) as graphs:
        assert sum(measured(Division("mapped", (4,)), problem, weights).sizes) == 4
    assert len(graphs) == 4
    assert len(synchronized) == 4 * 2 * 2
    assert equal(weights, before)

    def too_large(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr(quickest, "Leg", too_large)
    assert quickest._seconds(problem, weights) == math.inf
