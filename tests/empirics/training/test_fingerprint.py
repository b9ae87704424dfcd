"""A checkpoint goes on with the training that it is of, and no other; a longer one goes on from it where it can."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from empirics import CNN, FCN, Recipe, TrainedEnsemble, train
from empirics.training import checkpoints, fingerprint
from empirics.training.stack import size as stack_size
from tests.empirics.naive import equal
from tests.empirics.training.test_checkpoints import Killed, killed_at_write, same

RECIPE = Recipe(lr=0.05, steps=8, precision="float64", decay_at=())
VECTOR = torch.tensor([-1.0, 0.5, 2.0, -0.25], dtype=torch.float64)
SLOPE = 0.1


class Leaky(nn.Module):
    """A layer and a leaky relu whose slope stands somewhere."""

    def __init__(self, where: str, slope: float) -> None:
        super().__init__()
        self.layer, self.where = nn.Linear(4, 4), where
        if where == "attribute":
            self.slope = slope
        elif where == "buffer":
            self.register_buffer("slope", torch.tensor(slope), persistent=False)
        elif where == "array":
            self.slope = np.array([slope])
        elif where == "dict":
            self.held = {"deep": [{"slope": slope}]}
        elif where == "object":
            self.held = Settings(slope)
        elif where == "closure":
            self.act = lambda x: functional.leaky_relu(x, slope)
        elif where == "default":
            self.act = with_default(slope)
        elif where == "keyword":
            self.act = with_keyword(slope)
        elif where == "code":
            self.act = POINT_ONE if slope == 0.1 else POINT_NINE
        elif where == "hook":
            self.layer.register_forward_hook(lambda _, given, out: functional.leaky_relu(out, slope))
        elif where == "module":
            self.act = nn.LeakyReLU(slope)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        if self.where == "hook":
            return y
        if self.where in ("closure", "default", "keyword", "code", "module"):
            return self.act(y)
        held = {
            "global": lambda: SLOPE,
            "dict": lambda: self.held["deep"][0]["slope"],
            "object": lambda: self.held.slope,
        }.get(self.where, lambda: self.slope.item() if self.where == "array" else float(self.slope))()
        return functional.leaky_relu(y, held)


class Settings:
    __slots__ = ("slope",)

    def __init__(self, slope: float) -> None:
        self.slope = slope


def with_default(slope: float) -> Callable[[Tensor], Tensor]:
    def act(x: Tensor, slope: float = slope) -> Tensor:
        return functional.leaky_relu(x, slope)

    return act


def with_keyword(slope: float) -> Callable[[Tensor], Tensor]:
    def act(x: Tensor, *, slope: float = slope) -> Tensor:
        return functional.leaky_relu(x, slope)

    return act


POINT_ONE = lambda x: functional.leaky_relu(x, 0.1)  # noqa: E731
POINT_NINE = lambda x: functional.leaky_relu(x, 0.9)  # noqa: E731
PLACES = [
    "attribute",
    "buffer",
    "array",
    "dict",
    "object",
    "closure",
    "default",
    "keyword",
    "code",
    "hook",
    "module",
    "global",
]


def run(make_model: Callable[[], nn.Module], folder: Path | None = None, **changes) -> TrainedEnsemble:
    changed = {"recipe": RECIPE, "seeds": (0, 1), "checkpoint_every": 3, "progress": False} | changes
    return train(make_model, changed.pop("inputs", VECTOR), checkpoint=folder, **changed)


@pytest.mark.parametrize("where", PLACES)
def test_networks_that_differ_in_what_they_hold_do_not_take_each_others_result(where, tmp_path, monkeypatch) -> None:
    """A leaky slope of .1 or .9, wherever it stands; and the same slope, made anew, goes on."""
    kept = run(lambda: Leaky(where, 0.1), tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("torch.optim.SGD.step", lambda self: pytest.fail("a step was taken"))
        assert same(run(lambda: Leaky(where, 0.1), tmp_path), kept)
    if where == "global":
        monkeypatch.setitem(globals(), "SLOPE", 0.9)
    with pytest.raises(checkpoints.OtherTraining, match="with other network's code"):
        run(lambda: Leaky(where, 0.9), tmp_path)


def test_the_outputs_tell_what_cannot_be_looked_into(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(fingerprint, "anatomy", lambda network: {})
    run(lambda: Leaky("attribute", 0.1), tmp_path)
    with pytest.raises(checkpoints.OtherTraining, match="with other outputs of its network"):
        run(lambda: Leaky("attribute", 0.9), tmp_path)


def test_the_same_shape_of_bytes_in_another_order_of_axes_is_another_training(tmp_path: Path) -> None:
    """(1, 1, 4, 8) and (1, 1, 8, 4) of the same bytes."""
    image = torch.arange(32, dtype=torch.float64) / 32
    run(lambda: CNN(1, 1, kernel_size=3), tmp_path, inputs=image.view(1, 1, 4, 8))
    with pytest.raises(checkpoints.OtherTraining, match="with other inputs, targets"):
        run(lambda: CNN(1, 1, kernel_size=3), tmp_path, inputs=image.view(1, 1, 8, 4))


def test_other_images_to_watch_make_another_history(tmp_path: Path) -> None:
    run(lambda: FCN(4, 1), tmp_path, watch=VECTOR)
    with pytest.raises(checkpoints.OtherTraining, match="with other watched images"):
        run(lambda: FCN(4, 1), tmp_path, watch=VECTOR / 2)


def last_bits(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: torch.nextafter(value, value + 1) for name, value in weights.items()}


def test_on_another_machine_the_same_call_goes_on(tmp_path: Path, monkeypatch) -> None:
    """There a scheme's weights may differ in their last bits. Weights that the caller gives do not."""
    drawn = run(lambda: FCN(4, 2, 3), tmp_path / "drawn", seeds=(0, 1))
    run(lambda: FCN(4, 2, 3), tmp_path / "given", initial=drawn.initial_weights)
    with pytest.raises(checkpoints.OtherTraining, match="with other given weights"):
        run(lambda: FCN(4, 2, 3), tmp_path / "given", initial=last_bits(drawn.initial_weights))
    monkeypatch.setattr("empirics.training.train.draw_stacked", lambda *_: last_bits(drawn.initial_weights))
    assert equal(run(lambda: FCN(4, 2, 3), tmp_path / "drawn").weights, drawn.weights)
    monkeypatch.setattr(
        "empirics.training.train.draw_stacked", lambda *_: {n: v * 1.01 for n, v in drawn.initial_weights.items()}
    )
    with pytest.raises(checkpoints.OtherTraining, match="with other initial weights"):
        run(lambda: FCN(4, 2, 3), tmp_path / "drawn")


def test_outputs_that_are_no_numbers_are_the_same_ones_too(tmp_path: Path) -> None:
    """∞ − ∞ in the first step: the member has diverged before it, and a resumed run says so again."""
    huge = {"layers.0.weight": torch.full((2, 4, 4), 1e308, dtype=torch.float64)}
    kept = run(lambda: FCN(4, 1), tmp_path, initial=huge, inputs=10 * VECTOR)
    assert kept.diverged == (0, 0)
    assert same(run(lambda: FCN(4, 1), tmp_path, initial=huge, inputs=10 * VECTOR), kept)


def test_the_outputs_of_the_last_member_tell_too(tmp_path: Path, monkeypatch) -> None:
    """Where the first one's are all zero, slopes of .1 and .9 look the same."""
    monkeypatch.setattr(fingerprint, "anatomy", lambda network: {})
    start = {"layer.weight": torch.stack([torch.zeros(4, 4), torch.eye(4)]).double(), "layer.bias": torch.zeros(2, 4)}
    run(lambda: Leaky("attribute", 0.1), tmp_path, initial=start)
    with pytest.raises(checkpoints.OtherTraining, match="with other outputs of its network"):
        run(lambda: Leaky("attribute", 0.9), tmp_path, initial=start)


def test_another_python_is_told_of_and_outputs_decide(tmp_path: Path, monkeypatch) -> None:
    kept = run(lambda: Leaky("attribute", 0.1), tmp_path)
    described = fingerprint.description
    monkeypatch.setattr(
        "empirics.training.train.description",
        lambda *given, **kw: described(*given, **kw) | {"python": "9.9", "network's code": {"": "other bytecode"}},
    )
    with pytest.warns(UserWarning, match=r"begun with Python .*, this is 9\.9: .* told by its outputs alone"):
        assert same(run(lambda: Leaky("attribute", 0.1), tmp_path), kept)
    with pytest.raises(checkpoints.OtherTraining, match="with other outputs"):
        run(lambda: Leaky("attribute", 0.9), tmp_path)


FIELDS = {
    "optimizer": "adam",
    "lr": 0.051,
    "momentum": 0.8,
    "gamma": 0.3,
    "stop_loss": 1e-9,
    "precision": "float32",
    "scheme": "orthogonal",
}


def test_every_field_of_a_recipe_makes_it_another_training(tmp_path: Path) -> None:
    assert set(FIELDS) == set(vars(RECIPE)) - {"steps", "decay_at"}
    run(lambda: FCN(4, 1), tmp_path)
    for name, value in FIELDS.items():
        with pytest.raises(checkpoints.OtherTraining, match="with other recipe"):
            run(lambda: FCN(4, 1), tmp_path, recipe=replace(RECIPE, **{name: value}))


LONG = {
    "sgd": {},
    "adam": {"optimizer": "adam", "lr": 0.01},
    "rmsprop": {"optimizer": "rmsprop", "momentum": 0.5, "lr": 0.003},
    "adagrad": {"optimizer": "adagrad", "momentum": None, "lr": 0.05},
    "stopping": {"stop_loss": 0.05},
    "diverging": {"lr": 1e3},
}


@pytest.mark.parametrize(("case", "stacks"), [*((case, 1) for case in LONG), ("adam", 2), ("stopping", 2)])
def test_100_and_then_200_steps_are_200_at_once(case: str, stacks: int, tmp_path: Path, monkeypatch) -> None:
    """Bit for bit: weights, optimizer, history, snapshots, who stopped and who diverged."""
    if stacks > 1:
        monkeypatch.setattr(stack_size, "CACHE", 7000)
    recipe = replace(RECIPE, **({"momentum": 0.9} | LONG[case]))
    make_model = lambda: FCN(4, 2, 6, bias=True)  # noqa: E731
    # 90 is no step that a run of 200 records; the last recorded one before it is 89.
    for first, snapshots in ((100, (0, 40)), (90, (0, 40, 150))):
        long = replace(recipe, steps=200)
        settings = {"seeds": range(4), "checkpoint_every": 33}
        whole = run(make_model, None, recipe=long, snapshots=(0, 40, 150), **settings)
        assert (len(whole.division.sizes) > 1) == (stacks > 1)
        folder = tmp_path / str(first)
        short = tuple(step for step in snapshots if step <= first)
        run(make_model, folder, recipe=replace(recipe, steps=first), snapshots=short, **settings)
        assert same(run(make_model, folder, recipe=long, snapshots=(0, 40, 150), **settings), whole)
        assert same(run(make_model, folder, recipe=long, snapshots=(0, 40, 150), **settings), whole)


def test_who_diverged_at_the_shorter_runs_end_did_so_in_the_longer_one(tmp_path: Path) -> None:
    recipe = Recipe(lr=1e3, momentum=0.0, steps=60, precision="float64", decay_at=())
    initial = {"layers.0.weight": np.array([[[1e100]], [[0.5]]])}
    given = {"inputs": np.array([1.0]), "initial": initial}
    make_model = lambda: FCN(1, 1)  # noqa: E731
    whole = run(make_model, recipe=recipe, **given)
    first, second = whole.diverged
    assert first < second < recipe.steps
    assert run(make_model, tmp_path, recipe=replace(recipe, steps=first), **given).diverged == (first, None)
    assert same(run(make_model, tmp_path, recipe=recipe, **given), whole)


def test_weights_that_overflowed_unseen_are_dated_to_the_longer_runs_end(tmp_path: Path) -> None:
    """Behind a dead unit a weight is −∞ and the loss 0: found out at the end, wherever that is."""
    recipe = Recipe(lr=1e10, momentum=0.0, steps=3, precision="float64", decay_at=())
    initial = {"layers.0.weight": np.array([[[1e-100]]]), "layers.1.weight": np.array([[[1e100]]])}
    given = {"inputs": np.array([1e100]), "targets": np.array([0.0]), "initial": initial, "seeds": (0,)}
    make_model = lambda: FCN(1, 2, 1)  # noqa: E731
    assert run(make_model, tmp_path, recipe=recipe, **given).diverged == (3,)
    assert run(make_model, tmp_path, recipe=replace(recipe, steps=7), **given).diverged == (7,)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.lists(st.sampled_from([0.0, 0.2, 0.25, 0.5, 0.75, 1.0]), max_size=3).map(sorted),
    st.lists(st.sampled_from([0.0, 0.2, 0.25, 0.5, 0.75, 1.0]), max_size=3).map(sorted),
)
def test_it_goes_on_where_the_past_is_the_same_and_only_there(
    tmp_path_factory, first: int, then: int, early: list[float], late: list[float]
) -> None:
    """Whatever the numbers of steps and the milestones: the result is that of the call alone, or a refusal."""
    folder = tmp_path_factory.mktemp("kept")
    one, two = (replace(RECIPE, steps=n, decay_at=m, gamma=0.5) for n, m in ((first, early), (then, late)))
    make_model = lambda: FCN(4, 1)  # noqa: E731
    run(make_model, folder, recipe=one)
    passed = [[step for step in recipe.milestones if step < first] for recipe in (one, two)]
    if then >= first and passed[0] == passed[1]:
        assert same(run(make_model, folder, recipe=two), run(make_model, None, recipe=two))
    else:
        with pytest.raises(checkpoints.OtherTraining, match=r"to go on from there|must be at least that"):
            run(make_model, folder, recipe=two)


def test_where_the_schedule_would_have_been_another_it_says_what_to_do(tmp_path: Path) -> None:
    short = replace(RECIPE, steps=10, decay_at=(0.3, 0.6, 0.8))
    run(lambda: FCN(4, 1), tmp_path, recipe=short)
    long = replace(short, steps=20)
    words = r"of 10 steps that is at step 10; its rate fell at steps 3, 6, 8, .* give decay_at=\(0\.15, 0\.3, 0\.4\)"
    with pytest.raises(checkpoints.OtherTraining, match=words):
        run(lambda: FCN(4, 1), tmp_path, recipe=long)
    as_told = replace(long, decay_at=(0.15, 0.3, 0.4))
    assert same(run(lambda: FCN(4, 1), tmp_path, recipe=as_told), run(lambda: FCN(4, 1), None, recipe=as_told))
    with pytest.raises(
        checkpoints.OtherTraining, match=r"has taken 20 steps already: recipe\.steps must be at least that, got 10"
    ):
        run(lambda: FCN(4, 1), tmp_path, recipe=short)


def test_milestones_that_change_no_rate_are_in_nobodys_way(tmp_path: Path) -> None:
    short = replace(RECIPE, steps=10, decay_at=(0.3, 0.6, 0.8), gamma=1.0)
    run(lambda: FCN(4, 1), tmp_path, recipe=short)
    long = replace(short, steps=20)
    assert same(run(lambda: FCN(4, 1), tmp_path, recipe=long), run(lambda: FCN(4, 1), None, recipe=long))


def test_a_run_that_was_killed_before_its_milestones_may_get_others(tmp_path: Path, monkeypatch) -> None:
    one, two = (replace(RECIPE, steps=n, decay_at=(0.5,)) for n in (20, 40))
    with monkeypatch.context() as patch:
        killed_at_write(4, patch)
        with pytest.raises(Killed):
            run(lambda: FCN(4, 1), tmp_path, recipe=one)
    assert same(run(lambda: FCN(4, 1), tmp_path, recipe=two), run(lambda: FCN(4, 1), None, recipe=two))
