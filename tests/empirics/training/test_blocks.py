"""Steps taken in blocks, and recorded as on a GPU, lead where steps one by one do: all without a GPU."""

import importlib
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from empirics import CNN, Recipe
from empirics.training.descent import Descent, Leg, Task
from empirics.training.stack.members import WAYS, has_stacked_layers
from empirics.training.stack.weights import draw_stacked
from tests.empirics.naive import equal
from tests.empirics.training.recording import graphs_on_cpu
from tests.empirics.training.test_company import NETWORKS, taken, uniform


def blocks_problem(optimizer: str, way: str = "layered") -> tuple[Task, dict[str, Tensor]]:
    """Members of which some come to rest, and one diverges, in the middle of a block."""
    x = uniform(1, 1, 6, 6)
    lr = 0.005 if optimizer == "rmsprop" else 0.05
    recipe = Recipe(optimizer=optimizer, lr=lr, steps=150, precision="float64", stop_loss=0.02, scheme="kaiming_normal")
    network = CNN(1, 2, 2, 3).to(recipe.dtype)
    weights = draw_stacked(network, recipe.scheme, range(6), recipe.dtype)
    weights["layers.0.weight"][3] = 1e155  # whose loss overflows
    if way == "alone":  # one member, which passes all milestones
        recipe, weights = replace(recipe, stop_loss=None), {name: value[:1] for name, value in weights.items()}
    return Task(network, x, x, recipe, way, snapshots={0, 40, 150}), weights


def assert_same_descent(a: Descent, b: Descent) -> None:
    """Bit for bit."""
    assert (a.stopped, a.diverged, a.step) == (b.stopped, b.diverged, b.step)
    assert equal(a.weights, b.weights)
    assert list(a.records) == list(b.records)
    for step in a.records:
        assert torch.equal(a.records[step].losses, b.records[step].losses)
    assert list(a.snapshots) == list(b.snapshots)
    assert all(equal(a.snapshots[step], b.snapshots[step]) for step in a.snapshots)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamax", "rmsprop", "adagrad"])
def test_blocks_of_steps_lead_where_single_steps_do(optimizer: str) -> None:
    """Also where members come to rest, or diverge, in the middle of a block, which is then taken back."""
    task, weights = blocks_problem(optimizer)
    single, blocks = (taken(replace(task, block=block), weights) for block in (1, 64))
    assert single.diverged[3] is not None
    assert len({step for step in single.stopped if step is not None}) > 1
    assert_same_descent(single, blocks)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamax", "rmsprop", "adagrad"])
@pytest.mark.parametrize("way", WAYS)
def test_recorded_steps_lead_where_single_steps_do(way: str, optimizer: str, monkeypatch) -> None:
    """What a CUDA graph would replay is all that a step does: the schedule and the optimizers' counts included."""
    task, weights = blocks_problem(optimizer, way)
    counts_on_host = ["_local_scalar_dense"] if optimizer == "adagrad" else []
    with graphs_on_cpu(monkeypatch, counts_on_host) as graphs:
        single, blocks = (taken(replace(task, block=block), weights) for block in (1, 64))
    assert len(graphs) > 3  # one for each learning rate, or each time that someone came to rest
    assert_same_descent(single, blocks)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamax", "rmsprop", "adagrad"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_stays_on_its_device(name: str, optimizer: str, monkeypatch) -> None:
    """Torch's device "meta" has no numbers to look at, and refuses tensors of others."""
    make, shape = NETWORKS[name]
    network, x = make("relu").to("meta"), torch.empty(2, *shape, device="meta")
    monkeypatch.setattr("empirics.training.optimizers.VECTOR", 10**9)  # torch's fused SGD does not know "meta"
    fused = importlib.import_module("torch.optim.optimizer")
    monkeypatch.setattr(fused, "_get_fused_kernels_supported_devices", lambda: ["meta"])
    for way in WAYS:
        if way in ("layered", "unfolded") and not has_stacked_layers(network):
            continue
        members = 1 if way == "alone" else 3
        weights = {
            key: torch.empty((members, *value.shape), device="meta") for key, value in network.named_parameters()
        }
        with graphs_on_cpu(monkeypatch):
            task = Task(network, x, x, Recipe(optimizer=optimizer), way, block=100)
            blocks = Leg(task, Descent.start(weights)).blocks
            assert blocks is not None
            before = blocks._everything()
            for _ in range(2):
                blocks._step()
            blocks._restore(before)
        for state in blocks.optimizer.state.values():
            for key, value in state.items():
                if isinstance(value, Tensor):
                    assert value.device.type == ("cpu" if (optimizer, key) == ("adagrad", "step") else "meta")


def test_a_loss_that_was_looked_at_before_a_block_ends_no_block() -> None:
    """A graph's first loss may differ by rounding from the one looked at; to go back there would be to stay there."""
    task, weights = blocks_problem("sgd")
    blocks = Leg(replace(task, block=64), Descent.start(weights)).blocks
    assert blocks is not None
    assert blocks.advance(0, 5, lambda losses: torch.arange(len(losses))[:, None] == 0) == 5


def test_blocks_need_no_gradients_around_them() -> None:
    task, weights = blocks_problem("sgd")
    with torch.no_grad():
        assert_same_descent(taken(task, weights), taken(replace(task, block=64), weights))
