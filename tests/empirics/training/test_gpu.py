"""On a GPU: steps recorded as graphs lead where single steps do, and precisions are what they say."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from empirics import CNN, FCN, Recipe, TrainedEnsemble, train
from empirics.training.checkpoints import StackKeeper
from empirics.training.descent import Descent, Task, descend
from empirics.training.stack.members import WAYS
from empirics.training.stack.weights import draw_stacked
from tests.bounds import UNIT_ROUNDOFF
from tests.empirics.dyadic import RECIPE, integer_weights, integers
from tests.empirics.naive import equal, member, train_alone
from tests.empirics.training.test_company import magnitudes, relative_rounding, uniform

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here"),
]


def taken(task: Task, weights: dict[str, torch.Tensor]) -> Descent:
    descent = Descent.start({name: value.cuda() for name, value in weights.items()})
    descend(task, descent, lambda step, losses: None)
    return descent


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamax", "rmsprop", "adagrad"])
@pytest.mark.parametrize("way", ["alone", "mapped", "layered", "unfolded"])
def test_graphs_lead_where_single_steps_do(way: str, optimizer: str) -> None:
    """Bit for bit, with milestones, snapshots, and members that come to rest inside of a block."""
    recipe = Recipe(
        optimizer=optimizer, lr=0.005, steps=300, precision="float64", stop_loss=0.02, scheme="kaiming_normal"
    )
    network = CNN(1, 2, 4, 3).to("cuda", recipe.dtype)
    weights = draw_stacked(network, recipe.scheme, range(1 if way == "alone" else 6), recipe.dtype)
    x = uniform(1, 1, 8, 8).cuda()
    task = Task(network, x, x, recipe, way, snapshots={0, 40, 300})
    single, blocks = (taken(replace(task, block=block), weights) for block in (1, 64))
    assert (single.stopped, single.diverged, single.step) == (blocks.stopped, blocks.diverged, blocks.step)
    assert equal(single.weights, blocks.weights)
    assert all(equal(single.snapshots[step], blocks.snapshots[step]) for step in task.snapshots)


@pytest.mark.parametrize("make_model", [lambda: CNN(1, 3, 16, 5), lambda: CNN(1, 2, 4, padding_mode="circular")])
@pytest.mark.parametrize("precision", ["float64", "float32", "tf32", "bfloat16"])
def test_one_step_is_that_of_the_member_alone_on_the_cpu(precision: str, make_model) -> None:
    recipe = Recipe(lr=0.01, steps=1, precision=precision, decay_at=())
    plain = replace(recipe, precision="float64")
    network = make_model().to("cuda", recipe.dtype)
    network.activation = "linear"  # coarse numbers would put a unit on the other side of relu's corner
    x = uniform(1, 1, 8, 8, dtype=recipe.dtype)
    weights = draw_stacked(network, "kaiming_normal", range(3), recipe.dtype)

    def linear() -> torch.nn.Module:
        made = make_model()
        made.activation = "linear"
        return made

    for way in WAYS:
        if way in ("layered", "unfolded") and (precision == "bfloat16" or network.window.padding_mode != "zeros"):
            continue
        some = {key: value[:1] for key, value in weights.items()} if way == "alone" else weights
        ended = taken(Task(network, x.cuda(), x.cuda(), recipe, way), some)
        for index in range(len(ended.losses)):
            start = {key: value.to(torch.float64) for key, value in member(weights, index).items()}
            expected, _ = train_alone(linear, start, x.to(torch.float64), x.to(torch.float64), plain)
            exact = linear().to(torch.float64)
            exact.load_state_dict(start)
            magnitude = magnitudes(exact, x, x)
            # TF32 keeps 10 bits behind the point, bfloat16 7: no worse than what is allowed for the latter.
            relative = relative_rounding(exact, x, "bfloat16" if precision == "tf32" else precision)
            u = UNIT_ROUNDOFF["float64" if precision == "float64" else "float32"]
            for key, value in expected.items():
                apart = (value - ended.weights[key][index].cpu().to(torch.float64)).abs()
                update = 2 * u * (start[key].abs() + recipe.lr * magnitude[key])
                assert bool((apart <= 2 * recipe.lr * relative * magnitude[key] + update).all())


def test_tf32_is_used_only_where_asked() -> None:
    x = uniform(64, 256, dtype=torch.float32)  # a product of one row may be taken without tensor cores
    found = {
        precision: train(
            lambda: FCN(256, 3, 256), x, recipe=Recipe(steps=1, precision=precision), seeds=range(8), device="cuda"
        ).weights["layers.0.weight"]
        for precision in ("float32", "tf32", "float64")
    }
    apart = {precision: (found[precision] - found["float64"]).abs().max() for precision in ("float32", "tf32")}
    assert 0 < apart["float32"] < apart["tf32"]
    assert torch.backends.cuda.matmul.fp32_precision != "tf32"


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamax", "rmsprop", "adagrad"])
def test_a_checkpoint_is_gone_on_from(optimizer: str, tmp_path: Path, monkeypatch) -> None:
    """The optimizers' counts come back to where they were kept, and the way with which it began is taken again."""
    x = uniform(1, 1, 8, 8)
    recipe = Recipe(optimizer=optimizer, lr=0.005, steps=450, precision="float64")

    def run(folder: Path) -> TrainedEnsemble:
        settings = {"recipe": recipe, "seeds": range(3), "device": "cuda", "progress": False}
        return train(lambda: CNN(1, 2, 4, 3), x, checkpoint=folder, checkpoint_every=100, **settings)

    keep, kept = StackKeeper.keep, []

    def killed_after_two(self: StackKeeper, descent: Descent) -> None:
        keep(self, descent)
        kept.append(descent.step)
        if len(kept) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(StackKeeper, "keep", killed_after_two)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    begun = json.loads((tmp_path / "stack-0000-a.json").read_text())
    assert 0 < begun["step"] < 450
    resumed = run(tmp_path)
    assert resumed.division.way == begun["division"]["way"]
    whole = run(tmp_path / "whole")
    if whole.division == resumed.division:
        assert equal(resumed.weights, whole.weights)


@pytest.mark.parametrize("make_model", [lambda: CNN(2, 1, kernel_size=3), lambda: CNN(2, 2, 4, 3)])
def test_members_on_a_gpu_are_those_on_the_cpu_where_arithmetic_is_exact(make_model) -> None:
    """Through `train`, with the way that measured quickest."""
    x, y = integers(1, 2, 4, 4, seed=1), integers(1, 2, 4, 4, seed=2)
    recipe = replace(RECIPE, lr=2.0**-5, steps=2)
    initial = integer_weights(make_model(), members=3)
    here, there = (
        train(make_model, x, y, recipe=recipe, seeds=range(3), initial=initial, device=device, watch=x)
        for device in ("cpu", "cuda")
    )
    assert equal(here.weights, {name: value.cpu() for name, value in there.weights.items()})
    assert torch.equal(here.history.losses, there.history.losses.cpu())
