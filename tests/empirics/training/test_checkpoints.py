"""A training that is killed, at any moment, goes on from its checkpoint and ends where it would have ended."""

import json
import random
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from empirics import CNN, FCN, LCN, Recipe, TrainedEnsemble, train
from empirics.training import checkpoints, storage
from empirics.training.stack import size as stack_size
from tests.empirics.naive import equal

IMAGE = torch.rand(1, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
RECIPE = Recipe(lr=0.2, steps=40, precision="float64")


class Killed(BaseException):
    """What no code of ours catches."""


def run(folder: Path | None, **changes) -> TrainedEnsemble:
    settings = {"recipe": RECIPE, "seeds": range(3), "checkpoint": folder, "checkpoint_every": 7, "progress": False}
    make_model = changes.pop("make_model", lambda: CNN(1, 2, 2, 3, bias=True))
    return train(make_model, changes.pop("inputs", IMAGE), **(settings | changes))


def same(a: TrainedEnsemble, b: TrainedEnsemble) -> bool:
    """Whether two trainings went the same way, bit for bit."""
    return (
        equal(a.weights, b.weights)
        and [*a.snapshots] == [*b.snapshots]
        and all(equal(a.snapshots[step], b.snapshots[step]) for step in a.snapshots)
        and (a.diverged, a.stopped, a.division) == (b.diverged, b.stopped, b.division)
        and all(
            one is two if one is None else np.array_equal(one, two, equal_nan=True)
            for one, two in zip(vars(a.history).values(), vars(b.history).values(), strict=True)
        )
    )


def killed_at_write(number: int, monkeypatch) -> None:
    """From its write of this number on, the file system takes nothing any more."""
    write, count = storage.write_atomically, iter(range(10**6))

    def dying(path: Path, data: bytes) -> None:
        if next(count) >= number:
            raise Killed
        write(path, data)

    monkeypatch.setattr(storage, "write_atomically", dying)


CASES = {
    "sgd": {},
    "adam": {"recipe": replace(RECIPE, optimizer="adam", lr=0.01)},
    "adamax": {"recipe": replace(RECIPE, optimizer="adamax", lr=0.01)},
    "rmsprop": {"recipe": replace(RECIPE, optimizer="rmsprop", momentum=0.5, lr=0.003)},
    "adagrad": {"recipe": replace(RECIPE, optimizer="adagrad", momentum=None, lr=0.05, precision="float32")},
    "one member": {"seeds": (5,)},
    "kept at every step, its rate falling at some": {
        "recipe": replace(RECIPE, steps=8, decay_at=(0.25, 0.5)), "checkpoint_every": 1,
    },
    "no momentum": {
        "recipe": replace(RECIPE, momentum=0.0),
        "make_model": lambda: FCN(36, 2, 8),
        "inputs": IMAGE.view(-1),
    },
    "locally connected": {"make_model": lambda: LCN(1, 6)},
    "watched, with snapshots": {"watch": torch.rand(2, 1, 6, 6, dtype=torch.float64), "snapshots": (0, 8, 33)},
    "members that stop": {
        "make_model": lambda: CNN(1, 1, kernel_size=3),
        "recipe": replace(RECIPE, stop_loss=0.02, scheme="kaiming_normal"),
        "seeds": range(6),
        "snapshots": (40,),
    },
    "one diverges, all do": {"recipe": replace(RECIPE, lr=1e3, steps=400)},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_killed_between_any_two_writes_it_ends_at_the_same_weights(case: str, tmp_path: Path, monkeypatch) -> None:
    whole = run(None, **CASES[case])
    for number in range(100):
        with monkeypatch.context() as patch:
            killed_at_write(number, patch)
            try:
                run(tmp_path / str(number), **CASES[case])
            except Killed:
                pass
            else:
                break
        assert same(run(tmp_path / str(number), **CASES[case]), whole)
    assert number >= 4  # it was killed at least so often


def test_stacks_resume_each_on_their_own(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(stack_size, "CACHE", 30_000)
    whole = run(None, seeds=range(7))
    assert len(whole.division.sizes) > 1
    with monkeypatch.context() as patch:
        killed_at_write(17, patch)
        with pytest.raises(Killed):
            run(tmp_path, seeds=range(7))
    # The division with which it began is kept, whatever this machine would choose.
    monkeypatch.setattr(stack_size, "CACHE", 10**9)
    assert same(run(tmp_path, seeds=range(7)), whole)


def test_threads_are_those_with_which_it_began(tmp_path: Path, monkeypatch) -> None:
    before = torch.get_num_threads()
    killed_at_write(3, monkeypatch)
    with pytest.raises(Killed):
        run(tmp_path)
    monkeypatch.undo()
    seen = []
    descend = checkpoints.StackKeeper.keep
    monkeypatch.setattr(
        checkpoints.StackKeeper, "keep", lambda self, d: (seen.append(torch.get_num_threads()), descend(self, d))
    )
    torch.set_num_threads(before + 1)
    try:
        run(tmp_path)
        assert set(seen) == {before}
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_a_finished_training_is_not_repeated(tmp_path: Path, monkeypatch) -> None:
    first = run(tmp_path)
    monkeypatch.setattr("torch.optim.SGD.step", lambda self: pytest.fail("a step was taken"))
    assert same(run(tmp_path), first)


def test_what_a_killed_write_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".stack-0000-a.json.4711").write_text("{")
    run(tmp_path)
    assert not list(tmp_path.glob(".*"))


SCRIPT = """
import sys, torch
from empirics import CNN, Recipe, train
x = torch.rand(1, 14, 14, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
recipe = Recipe(lr=0.05, steps=800, precision="float64", optimizer="adam", decay_at=(0.5,))
train(lambda: CNN(1, 3, 4, 5), x, recipe=recipe, seeds=range(3), checkpoint=sys.argv[1], checkpoint_every=5)
resumed, whole = (
    train(lambda: CNN(1, 3, 4, 5), x, recipe=recipe, seeds=range(3), checkpoint=folder)
    for folder in (sys.argv[1], None)
)
assert all(torch.equal(value, resumed.weights[name]) for name, value in whole.weights.items())
"""


def test_kill_9_at_random_moments(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", SCRIPT, str(tmp_path)]
    rng = random.Random(0)
    for _ in range(3):
        with subprocess.Popen(command) as process:
            before, until = _newest(tmp_path), time.monotonic() + 120
            while _newest(tmp_path) == before and process.poll() is None and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 0.2))
            process.kill()
        assert _newest(tmp_path) > before
    subprocess.run(command, check=True)


def _newest(folder: Path) -> int:
    return max((json.loads(index.read_text())["serial"] for index in folder.glob("stack-*.json")), default=0)


def damage_tensors(folder: Path, name: str, *, to: str) -> None:
    file = folder / json.loads((folder / f"{name}.json").read_text())["tensors"]
    data = file.read_bytes()
    if to == "gone":
        file.unlink()
    elif to == "resealed":
        tensors = load_file(file)
        tensors["losses"] += 1
        save_file(tensors, file)
    else:
        file.write_bytes(
            {"truncated": data[: len(data) // 2], "empty": b"", "bit": data[:-1] + bytes([data[-1] ^ 1])}[to]
        )


def damage_index(folder: Path, name: str, *, to: str) -> None:
    index = folder / f"{name}.json"
    text = index.read_text()
    facts = json.loads(text)
    index.write_text(
        {
            "truncated": text[: len(text) // 2],
            "empty": "",
            "step": json.dumps(facts | {"step": facts["step"] + 1}),
            "stopped": json.dumps(facts | {"stopped": [1] * len(facts["stopped"])}),
        }[to]
    )


DAMAGES = [(damage_tensors, to) for to in ("truncated", "empty", "bit", "gone", "resealed")]
DAMAGES += [(damage_index, to) for to in ("truncated", "empty", "step", "stopped")]


@pytest.mark.parametrize(("damage", "to"), DAMAGES)
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(damage, to: str, tmp_path: Path, monkeypatch) -> None:
    whole = run(None)
    with monkeypatch.context() as patch:
        killed_at_write(8, patch)  # four states are whole
        with pytest.raises(Killed):
            run(tmp_path)
    serials = {
        name: json.loads((tmp_path / f"{name}.json").read_text())["serial"] for name in ("stack-0000-a", "stack-0000-b")
    }
    newest = max(serials, key=lambda name: serials[name])
    damage(tmp_path, newest, to=to)
    with pytest.warns(UserWarning, match=f"{newest}.*the checkpoint before it is used"):
        assert same(run(tmp_path), whole)


def test_where_both_are_damaged_it_starts_anew(tmp_path: Path) -> None:
    whole = run(tmp_path)
    for name in ("stack-0000-a", "stack-0000-b"):
        damage_tensors(tmp_path, name, to="truncated")
    with pytest.warns(UserWarning, match="is damaged"):
        assert same(run(tmp_path), whole)


OTHERS = {
    "recipe": {"recipe": replace(RECIPE, lr=0.1)},
    "network, initial weights": {"make_model": lambda: CNN(1, 2, 3, 3)},
    "inputs, targets": {"inputs": IMAGE / 2},
    "seeds, initial weights": {"seeds": range(4)},
    "snapshots": {"snapshots": (3,)},
    "targets": {"targets": IMAGE / 2},
    "watched images": {"watch": IMAGE},
}


@pytest.mark.parametrize("names", OTHERS)
def test_a_checkpoint_of_another_training_is_refused(names: str, tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(ValueError, match=rf"checkpoint must be a folder for this training, .* with other {names}$"):
        run(tmp_path, **OTHERS[names])


def test_a_checkpoint_is_a_folder() -> None:
    with pytest.raises(TypeError, match="checkpoint must be a folder's path, got 3"):
        run(3)


def test_another_version_of_torch_is_warned_of(tmp_path: Path, monkeypatch) -> None:
    run(tmp_path)
    monkeypatch.setattr(torch, "__version__", "9.9")
    with pytest.warns(UserWarning, match=r"was begun with torch .*, this is 9\.9: the last bits"):
        run(tmp_path)


def test_time_may_decide_when_to_write(tmp_path: Path, monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now.__setitem__(0, now[0] + 1) or now[0])
    kept = []
    monkeypatch.setattr(checkpoints.StackKeeper, "keep", lambda self, descent: kept.append(descent.step))
    run(tmp_path, checkpoint_every=timedelta(seconds=39))
    assert kept == [39, 40, 40]  # once the time was up it stays so, as this `keep` keeps nothing; the last is the end


@pytest.mark.parametrize(
    ("every", "error", "words"),
    [
        (0, ValueError, "checkpoint_every must be at least 1, got 0"),
        (0.5, TypeError, r"checkpoint_every must be a number of steps or a datetime\.timedelta, got 0\.5"),
        (True, TypeError, "checkpoint_every must be an integer, got True"),
        (timedelta(0), ValueError, "checkpoint_every must be positive, got 0:00:00"),
    ],
)
def test_impossible_intervals_are_refused(every, error: type[Exception], words: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=words):
        run(tmp_path, checkpoint_every=every)
