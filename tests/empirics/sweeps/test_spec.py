"""What a sweep is to run: every combination of its grids once, under a key of all that has a meaning."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

import empirics
from empirics.sweeps.spec import Run


def test_several_grids_are_one_sweep(spec):
    found = spec(
        "[[grid]]\noptimizer = 'sgd'\nlr = [0.1, 0.2]\nseeds = 2\n[[grid]]\noptimizer = ['adam', 'sgd']\nlr = 0.1"
    )
    asked = [(run.recipe.optimizer, run.recipe.lr, run.seed) for run in found.runs]
    assert sorted(asked) == [("adam", 0.1, 0), ("sgd", 0.1, 0), ("sgd", 0.1, 1), ("sgd", 0.2, 0), ("sgd", 0.2, 1)]


def test_the_sweep_at_the_papers_scale_is_every_depth_from_both_initializations():
    found = empirics.read_spec(Path(empirics.__file__).parents[1] / "paper_figures" / "sweeps" / "depth.toml")
    starts = {("default", True), ("default", False), ("xavier_uniform", True), ("xavier_uniform", False)}
    expected = {(depth, 128, *start, seed) for depth in range(1, 21) for start in starts for seed in range(8)}
    assert {(run.depth, run.channels, run.recipe.scheme, run.bias, run.seed) for run in found.runs} == expected
    assert len(list(found.groups())) == 20 * 4


def test_stacks_are_no_larger_than_asked(spec):
    found = spec("stack = 3\n[grid]\nsteps = 1\nchannels = 2\nseeds = 8")
    assert [len(group.runs) for group in found.groups()] == [3, 3, 2]


def test_keys_depend_on_what_has_a_meaning_only():
    cnn = Run(network="cnn", depth=2, channels=3, width=7)
    assert cnn.key == Run(network="cnn", depth=2, channels=3, width=8).key
    assert cnn.key != Run(network="cnn", depth=2, channels=4, width=7).key
    fcn = Run(network="fcn", depth=2, channels=3, width=7)
    assert fcn.key == Run(network="fcn", depth=2, channels=4, width=7).key
    assert fcn.key != Run(network="fcn", depth=2, channels=3, width=8).key
    assert cnn.key != Run(network="cnn", depth=2, channels=3, recipe=empirics.Recipe(steps=5)).key


def test_a_setting_without_meaning_makes_no_other_run(tmp_path):
    text = '[grid]\nnetwork = ["cnn", "fcn"]\nkernel_size = [3, 5]\nchannels = 2\nwidth = 4\nsteps = 1'
    (tmp_path / "spec.toml").write_text(text)
    assert [run.network for run in empirics.read_spec(tmp_path / "spec.toml").runs] == ["cnn", "cnn", "fcn"]


def test_a_run_of_another_format_has_another_key(monkeypatch):
    key = Run().key
    monkeypatch.setattr("empirics.sweeps.spec.FORMAT", 10**6)
    assert Run().key != key


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("[grid", ValueError, "is not TOML"),
        ("", ValueError, r"there is no table \[grid\], got an empty file or list"),
        ("grid = []", ValueError, r"there is no table \[grid\], got an empty file or list"),
        ("[grid]\ndeepness = 3", ValueError, "there is no grid.deepness; there are .*depth"),
        ("deepness = 3", ValueError, "there is no deepness; there are stack, weights"),
        ("depth = 3", ValueError, r"depth must stand in the table \[grid\], got it outside"),
        ("grid = 3", TypeError, r"grid must be a table, \[grid\], got 3"),
        ("grid = [3]", TypeError, r"grid must be a table, \[grid\], got 3"),
        ("[[grid]]\ndepth = 1\n[[grid]]\ndepth = 0", ValueError, "depth = 0: depth must be at least 1, got 0"),
        ("[grid]\ndepth = []", ValueError, "grid.depth must have at least one value"),
        ("[grid]\ndepth = [1, 0]", ValueError, "depth = 0: depth must be at least 1, got 0"),
        ("[grid]\ndepth = 'deep'", TypeError, "depth must be an integer"),
        ("[grid]\ndepth = [2, 2]", ValueError, "grid must not name a combination twice"),
        ("[grid]\nseeds = 0", ValueError, "grid.seeds must be at least 1"),
        ("[grid]\noptimizer = 'adamm'", ValueError, "optimizer must be one of"),
        ("[grid]\nscheme = 'nice'", ValueError, "scheme must be one of default,"),
        ("[grid]\nnetwork = 'fcn'\nresidual = true\ndepth = 2", ValueError, "depth must be at least 4"),
        ("[grid]\nresidual = true", ValueError, "residual must go with network 'fcn'"),
        ("stack = 0", ValueError, "stack must be at least 1"),
        ("weights = 1", TypeError, "weights must be True or False"),
        ("[grid]\ndecay_at = [0.9, 0.3]", ValueError, "decay_at must be in ascending order"),
    ],
)
def test_a_wrong_spec_gets_a_sentence(spec, text, error, message):
    with pytest.raises(error, match=message):
        spec(text)


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path):
    """As some editors write it; and letters of UTF-8 in comments, whatever the machine's own encoding is."""
    text = "# café\n[grid]\ndepth = [1, 2]\n"
    for name, encoding in (("plain", "utf-8"), ("marked", "utf-8-sig")):
        (tmp_path / f"{name}.toml").write_text(text, encoding=encoding)
    plain, marked = (empirics.read_spec(tmp_path / f"{name}.toml") for name in ("plain", "marked"))
    assert plain == marked
    assert [run.depth for run in marked.runs] == [1, 2]


def test_every_setting_of_run_and_recipe_has_a_key_of_its_own():
    base = Run(network="fcn", depth=4, residual=True, recipe=empirics.Recipe())
    recipe = {
        "optimizer": "adam", "lr": 0.5, "momentum": 0.5, "decay_at": (0.5,), "gamma": 0.5, "steps": 7,
        "stop_loss": 0.1, "precision": "float64", "scheme": "orthogonal",
    }  # fmt: skip
    assert set(recipe) == {field.name for field in fields(empirics.Recipe)}
    keys = [replace(base, recipe=replace(base.recipe, **{name: value})).key for name, value in recipe.items()]
    others = {
        "dataset": "patterns", "depth": 6, "width": 5, "training_images": 2, "image_size": 9, "first": 3, "seed": 1,
        "residual": False, "bias": True,
    }  # fmt: skip
    keys += [replace(base, **{name: value}).key for name, value in others.items()]
    convolutional = Run(network="cnn", depth=4)
    keys += [convolutional.key, *(replace(convolutional, **{name: 7}).key for name in ("channels", "kernel_size"))]
    assert {field.name for field in fields(Run)} - set(others) == {"network", "recipe", "channels", "kernel_size"}
    assert len(set(keys) | {base.key}) == len(keys) + 1
