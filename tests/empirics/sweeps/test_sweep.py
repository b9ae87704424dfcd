"""Sweeps: each run once, kept, found again; their results as one table."""

import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as parquet
import pytest
import torch

import empirics
from empirics import cli
from empirics.sweeps import images as sweep_images
from empirics.sweeps.images import chosen
from empirics.sweeps.results import finished
from empirics.sweeps.spec import Run
from empirics.sweeps.sweep import _metrics as metrics_of
from tests.empirics.images.published_files import publish, random_digits
from tests.empirics.images.test_published_sets import idx_files
from tests.empirics.sweeps.killing import journal

SMALL = """
weights = true
[grid]
depth = [1, 2]
channels = 3
image_size = 14
optimizer = "adam"
lr = 0.001
bias = [true, false]
steps = 20
seeds = 2
"""


def test_every_combination_is_a_run_and_seeds_are_trained_together(spec):
    found = spec(SMALL)
    assert len(found.runs) == 2 * 2 * 2
    assert len({run.key for run in found.runs}) == 8
    groups = list(found.groups())
    assert [len(group.runs) for group in groups] == [2, 2, 2, 2]
    for group in groups:
        assert {run.seed for run in group.runs} == {0, 1}
        assert len({(run.depth, run.bias) for run in group.runs}) == 1
    assert {(run.depth, run.bias) for run in found.runs} == {(1, True), (1, False), (2, True), (2, False)}
    assert {run.recipe.lr for run in found.runs} == {0.001}


def test_weights_asked_for_later_are_trained_for(spec, tmp_path):
    """And once they are there, a spec that does not ask for them finds the runs finished and leaves them."""
    settings = "[grid]\nchannels = 2\ndepth = 2\nsteps = 3"
    without, with_them = spec(settings), spec(f"weights = true\n{settings}")
    for asked, trainings, kept in [(without, 1, False), (with_them, 2, True), (with_them, 2, True), (without, 2, True)]:
        assert empirics.sweep(asked, tmp_path) == {}
        assert len(journal(tmp_path)) == trainings
        assert finished(tmp_path, asked.runs[0], weights=True) == kept
    assert len(empirics.sweep_table(tmp_path)) == 1


def test_kept_networks_are_those_that_were_trained(spec, tmp_path):
    grid = "[[grid]]\nchannels = 2\ndepth = 2\nbias = true\nsteps = 3\n"
    found = spec(f"weights = true\n{grid}[[grid]]\nnetwork = 'fcn'\ndepth = 4\nwidth = 3\nresidual = true\nsteps = 3")
    assert empirics.sweep(found, tmp_path) == {}
    for run in found.runs:
        network = empirics.sweep_network(tmp_path, run.key)
        (row,) = [row for row in empirics.sweep_table(tmp_path).to_pylist() if row["key"] == run.key]
        trained_on, _ = chosen(run)
        x = torch.from_numpy(trained_on).float()
        x = x.flatten(1) if run.network == "fcn" else x
        # Sums of at most 784 products, rounded in another order.
        assert abs(torch.nn.functional.mse_loss(network(x), x).item() - row["loss"]) <= 784 * 2.0**-23 * row["loss"]
    with pytest.raises(FileNotFoundError, match="there is no finished run 'abc' in"):
        empirics.sweep_network(tmp_path, "abc")


def test_a_result_without_settings_is_damaged(spec, tmp_path):
    found = spec("[grid]\nsteps = 1\nimage_size = 7")
    assert empirics.sweep(found, tmp_path) == {}
    (tmp_path / "runs" / found.runs[0].key / "metrics.json").write_text("{}")
    with pytest.warns(UserWarning, match="is damaged and counts as not there: it holds no settings"):
        assert empirics.sweep_table(tmp_path).num_rows == 0


def test_weights_that_went_missing_are_trained_anew(spec, tmp_path):
    found = spec("weights = true\n[grid]\nsteps = 1\nimage_size = 7")
    assert empirics.sweep(found, tmp_path) == {}
    (tensors,) = tmp_path.glob("runs/*/*.safetensors")
    tensors.unlink()
    assert empirics.sweep(found, tmp_path) == {}
    assert tensors.is_file()
    assert empirics.sweep_network(tmp_path, found.runs[0].key)


AXES = {
    "depth": [2, 1],
    "channels": [2, 3],
    "kernel_size": [3, 5],
    "scheme": ["default", "xavier_normal"],
    "bias": [False, True],
    "optimizer": ["sgd", "adam"],
    "image_size": [7, 14],
    "training_images": [1, 2],
}


def test_every_axis_may_be_a_list_and_each_of_its_values_is_trained(spec, tmp_path):
    grid = "".join(f"{name} = {json.dumps(values)}\n" for name, values in AXES.items())
    found = spec(f"[grid]\nsteps = 3\nseeds = 2\n{grid}")
    assert len({run.key for run in found.runs}) == 2**9 - 2**7  # at depth 1 the number of channels has no meaning
    # One run for each value of each axis, at the others' first values.
    columns = {**AXES, "seed": [0, 1]}
    of_run = {"scheme": lambda run: run.recipe.scheme, "optimizer": lambda run: run.recipe.optimizer}

    def settings(run: Run) -> tuple:
        return tuple(of_run.get(name, lambda run, name=name: getattr(run, name))(run) for name in columns)

    first = tuple(values[0] for values in columns.values())
    few = [run for run in found.runs if sum(a != b for a, b in zip(settings(run), first, strict=True)) <= 1]
    assert len(few) == 1 + len(columns)
    assert empirics.sweep(type(found)(tuple(few)), tmp_path) == {}
    rows = empirics.sweep_table(tmp_path).to_pylist()
    at = list(columns).index("channels")
    expected = [list(settings(run)) for run in few]
    for run, said in zip(few, expected, strict=True):
        said[at] = None if run.depth == 1 else said[at]  # without hidden layers there are none
    assert {tuple(row[name] for name in columns) for row in rows} == set(map(tuple, expected))
    assert len({row["loss"] for row in rows}) == len(rows)


def test_published_images_are_read_from_a_folder(spec, tmp_path, monkeypatch):
    publish(tmp_path / "data", "mnist", idx_files(), monkeypatch)
    text = "[grid]\ndataset = 'mnist'\nfirst = 3\nchannels = 2\ndepth = 2\nsteps = 2"
    found = spec(text)
    arguments = ["sweep", str(tmp_path / "spec.toml"), "--out", str(tmp_path / "out"), "--data-dir"]
    with pytest.raises(SystemExit) as stop:
        cli.main([*arguments, str(tmp_path / "nowhere")])
    assert stop.value.code == 2
    with pytest.raises(SystemExit) as stop:
        cli.main([*arguments, str(tmp_path / "data")])
    assert not stop.value.code
    pixels, labels = random_digits(7, seed=len("train"))
    trained, asked = chosen(found.runs[0], tmp_path / "data")
    assert np.array_equal(trained[:, 0], pixels[3:4] / 255)
    assert len(asked) == (labels != labels[3]).sum()
    smaller, _ = chosen(replace(found.runs[0], image_size=14), tmp_path / "data")
    whole = empirics.images("mnist", size=14, data_dir=tmp_path / "data")
    assert np.array_equal(smaller, whole.as_float()[3:4])
    (row,) = empirics.sweep_table(tmp_path / "out").to_pylist()
    assert row["dataset"] == "mnist"


def test_results_are_those_of_training_by_hand(spec, tmp_path):
    found = spec(SMALL)
    assert empirics.sweep(found, tmp_path / "out") == {}
    run = next(run for run in found.runs if run.depth == 2 and run.bias and run.seed == 1)
    pack = empirics.images("digits", size=14)
    x_hat = pack.as_float()[140:141]  # the first 7
    ensemble = empirics.train(
        lambda: empirics.CNN(1, 2, 3, bias=True), x_hat, recipe=run.recipe, seeds=(0, 1), progress=False
    )
    folder = tmp_path / "out" / "runs" / run.key
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["loss"] == float(ensemble.history.losses[1, -1])
    assert metrics["parameters"] == 3 * 25 + 3 + 3 * 25 + 1
    _, asked = chosen(run)
    assert len(asked) == 18
    assert not any((image == pack.as_float()[140:160]).all(axis=(1, 2, 3)).any() for image in asked)  # no other 7
    predictions = ensemble.predict(asked)[1]
    expected = [np.corrcoef(p.ravel(), q.ravel())[0, 1] for p, q in zip(predictions, asked, strict=True)]
    # Both are sums of 196 products in float32 or better.
    assert metrics["with_input"] == pytest.approx(np.mean(expected), abs=196 * 2.0**-24)
    constant = [np.corrcoef(p.ravel(), x_hat.ravel())[0, 1] for p in predictions]
    assert metrics["with_training_image"] == pytest.approx(np.mean(constant), abs=196 * 2.0**-24)
    from empirics.training.storage import read_tensors

    weights, _ = read_tensors(folder, "weights")
    for name, value in ensemble.weights.items():
        torch.testing.assert_close(weights[name], value[1], rtol=0, atol=0)


def test_further_training_images_are_of_the_next_classes():
    digits = empirics.images("digits")
    indices = sweep_images._spread(digits, 140, 12).tolist()
    assert indices == [140, 160, 180, 0, 20, 40, 60, 80, 100, 120, 141, 161]
    trained, asked = chosen(Run(training_images=3, image_size=7))
    expected = empirics.images("digits", size=7).as_float()
    assert np.array_equal(trained, expected[[140, 160, 180]])
    for image in asked:
        (where,) = np.flatnonzero((expected == image).all(axis=(1, 2, 3)))[:1]
        assert digits.labels[where] not in (7, 8, 9)


def test_metrics_compare_with_the_nearest_training_image_and_count_constants_as_nothing():
    rng = np.random.default_rng(0)
    trained, asked = rng.random((2, 1, 4, 4)), rng.random((3, 1, 4, 4))
    ensemble = empirics.train(lambda: empirics.CNN(1, 1), trained, recipe=empirics.Recipe(steps=0), progress=False)
    predictions = np.stack([trained[1], asked[1], np.full((1, 4, 4), 0.25)])
    found = metrics_of(Run(training_images=2), ensemble, 0, predictions, asked, trained)

    def correlation(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])

    to_input = [correlation(trained[1], asked[0]), 1.0, 0.0]
    to_nearest = [1.0, max(correlation(asked[1], image) for image in trained), 0.0]
    rounding = 1000 * 2.0**-53  # of sums over 16 pixels
    assert found["with_input"] == pytest.approx(np.mean(to_input), abs=rounding)
    assert found["with_training_image"] == pytest.approx(np.mean(to_nearest), abs=rounding)
    assert found["mse"] == pytest.approx(np.mean((predictions - asked) ** 2), abs=rounding)


def test_what_is_finished_is_skipped_and_the_table_has_it_all(spec, tmp_path):
    found = spec(SMALL)
    half = type(found)(found.runs[:4], found.stack, found.weights)
    empirics.sweep(half, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/metrics.json")}
    assert len(before) == 4
    assert parquet.read_table(tmp_path / "results.parquet").num_rows == 4
    empirics.sweep(found, tmp_path)
    lines = journal(tmp_path)
    assert len(lines) == 4  # two trainings of two, twice: none of them again
    shares = empirics.sweep_table(tmp_path)["seconds"].to_pylist()
    # Each run's is its share of its training's; eight halves and sums round.
    assert sum(shares) == pytest.approx(sum(line["seconds"] for line in lines), rel=16 * 2.0**-53)
    for path, time_of_writing in before.items():
        assert path.stat().st_mtime_ns == time_of_writing
    table = empirics.sweep_table(tmp_path)
    assert table.num_rows == 8
    assert table.equals(parquet.read_table(tmp_path / "results.parquet"))
    assert set(table["depth"].to_pylist()) == {1, 2}
    assert sorted(table["seed"].to_pylist()) == [0, 0, 0, 0, 1, 1, 1, 1]
    assert None not in table["loss"].to_pylist()
    assert set(table["diverged"].to_pylist()) == {None}


def test_a_run_that_fails_is_named_and_the_others_finish(spec, tmp_path):
    found = spec("[grid]\nnetwork='fcn'\nwidth=3\ndepth=2\nsteps=2\nimage_size=7\nfirst=[140, 900]")
    failed = empirics.sweep(found, tmp_path)
    assert len(failed) == 1
    assert "digits has 200 images: too few for first = 900" in next(iter(failed.values()))
    assert not list((tmp_path / "runs").glob(".*"))
    assert empirics.sweep_table(tmp_path).num_rows == 1


def test_an_error_that_many_share_is_told_once(tmp_path, capsys):
    (tmp_path / "spec.toml").write_text("[grid]\nnetwork='fcn'\nwidth=3\nimage_size=7\nfirst=900\ndepth=[1, 2, 3]")
    with pytest.raises(SystemExit) as stop:
        cli.main(["sweep", str(tmp_path / "spec.toml"), "--out", str(tmp_path / "out")])
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert told.count("digits has 200 images") == 1
    assert "and 2 more failed" in told


def test_a_diverged_run_is_a_result(spec, tmp_path):
    empirics.sweep(spec("[grid]\nchannels=2\ndepth=3\nlr=1e30\nsteps=9\nimage_size=7"), tmp_path)
    (row,) = empirics.sweep_table(tmp_path).to_pylist()
    assert row["diverged"] > 0
    assert row["with_input"] is None
    empirics.sweep(spec("[grid]\nchannels=4\ndepth=3\nlr=1e9\nsteps=9\nimage_size=7"), tmp_path)
    (row,) = [row for row in empirics.sweep_table(tmp_path).to_pylist() if row["channels"] == 4]
    assert row["diverged"] == 1  # its weights are still finite, and so would be what it predicts
    assert (row["with_input"], row["with_training_image"], row["mse"], row["loss"]) == (None,) * 4


def test_no_sweep_no_table(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no sweep in"):
        empirics.sweep_table(tmp_path)


def test_command_line(tmp_path, capsys):
    (tmp_path / "spec.toml").write_text("[grid]\nchannels = 2\nsteps = 2\nimage_size = 7\nseeds = 2")
    out = str(tmp_path / "out")
    for _ in range(2):
        with pytest.raises(SystemExit) as stop:
            cli.main(["sweep", str(tmp_path / "spec.toml"), "--out", out])
        assert not stop.value.code
        assert "2 of 2 runs are finished" in capsys.readouterr().out
    assert len(journal(tmp_path / "out")) == 1
    with pytest.raises(SystemExit) as stop:
        cli.main(["sweep", str(tmp_path / "spec.toml"), "--out", out, "--workers", "2", "--scheduler", "tcp://x:1"])
    assert stop.value.code == 2
    assert "--workers must be left out with --scheduler" in capsys.readouterr().err


def test_a_damaged_result_is_named_and_made_anew(tmp_path):
    (tmp_path / "spec.toml").write_text("[grid]\nchannels = 2\nsteps = 1")
    spec = empirics.read_spec(tmp_path / "spec.toml")
    empirics.sweep(spec, tmp_path / "out")
    (result,) = (tmp_path / "out" / "runs").glob("*/metrics.json")
    whole = json.loads(result.read_text())
    result.write_text("{")
    with pytest.warns(UserWarning, match=r"metrics\.json is damaged"):
        assert empirics.sweep(spec, tmp_path / "out") == {}
    assert json.loads(result.read_text())["loss"] == whole["loss"]
