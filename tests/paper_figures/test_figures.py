"""The figures' data shows what it claims, is stored once, and is drawn without complaint."""

import sys

import numpy as np
import pytest
import typer
from PIL import Image

import empirics
from paper_figures import FigureData, cli, theorem1, theorem2
from paper_figures.runs import Runs, answers
from paper_figures.scale import Scale

TINY = Scale(
    "tiny",
    channels=2,
    width=8,
    seeds=2,
    training=(("optimizer", "adam"), ("lr", 1e-3), ("steps", 2), ("init", "xavier_uniform")),
)


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the command line; returns (exit code, stdout, stderr)."""

    def call(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["paper_figures", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def first():
    return theorem1.compute(Runs())


@pytest.fixture(scope="module")
def second():
    with pytest.MonkeyPatch.context() as patch:  # few networks and steps: the shapes and the theory are the same
        patch.setattr(theorem2, "MEMBERS", 3)
        patch.setattr(theorem2, "STEPS", 60)
        return theorem2.compute(Runs())


def test_theorem1_adds_up(first):
    arrays = first.arrays
    assert {array.shape for array in arrays.values()} == {(12, 28, 28)}
    # Rounding of sums of 784 products of numbers below 4.
    rounding = 784 * 2.0**-52 * 4
    assert np.abs(arrays["parallel"] + arrays["noise"] - arrays["predicted"]).max() <= rounding
    # The training image comes first, and is reproduced.
    assert np.abs(arrays["predicted"][0] - arrays["input"][0]).max() <= rounding
    # The parallel part of anything is a multiple of the training image.
    flat = arrays["parallel"].reshape(12, -1)
    assert np.linalg.svd(flat, compute_uv=False)[1] <= rounding * 12
    # The figure's message: trained and predicted agree where inputs and predictions do not.
    assert np.abs(arrays["trained"] - arrays["predicted"]).max() <= 10 * rounding
    assert np.abs(arrays["trained"] - arrays["input"]).max() > 1


def test_theorem2_orders_error_by_rank(second):
    arrays = second.arrays
    families = np.array(second.labels)
    assert arrays["rank"].min() == 1
    short = arrays["rank"] < arrays["columns"]
    assert not short[-1]  # the digit as it is
    assert (arrays["low"][short] < arrays["expected"][short]).all()
    assert (arrays["expected"][short] < arrays["high"][short]).all()
    assert (arrays["high"][short] <= arrays["bound"][short]).all()
    assert arrays["errors"].shape == (len(short), 3)
    # Within each construction the rank rises to full, but for equal channels, which count once.
    for family in ("stripes, circular", "corner", "crop, no padding"):
        ranks = arrays["rank"][families == family]
        assert (np.diff(ranks) > 0).all(), family
    assert arrays["rank"][families == "grey as colour"].tolist() == [25]
    # Each network is where theory says after as many steps: rounding of 60 steps on 75 weights, with momentum 0.9.
    assert arrays["difference"].max() <= 60 * 75 * 2.0**-53 * 100


@pytest.mark.parametrize("name", ["first", "second"])
def test_data_is_stored_whole_and_drawn(name, request, tmp_path):
    data = request.getfixturevalue(name)
    data.save(tmp_path / "data.safetensors")
    again = FigureData.load(tmp_path / "data.safetensors")
    assert (again.caption, again.settings) == (data.caption, data.settings)
    for key, array in data.arrays.items():
        np.testing.assert_array_equal(again.arrays[key], array)
    module = {"first": theorem1, "second": theorem2}[name]
    figure = module.draw(again)
    figure.savefig(tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        shades = np.asarray(picture.convert("L"))
    assert shades.std() > 20  # something is drawn
    assert [path.name for path in tmp_path.iterdir()].count("data.safetensors") == 1


def test_redrawing_never_computes_again(run, first, tmp_path, monkeypatch):
    first.save(tmp_path / "out" / "theorem1.safetensors")
    monkeypatch.setattr(theorem1, "compute", lambda runs: pytest.fail("computed again"))
    pictures = []
    for _ in range(2):
        code, out, _ = run("draw", "theorem1", "--out", "out")
        assert code == 0
        assert "theorem1.png" in out
        pictures.append((tmp_path / "out" / "theorem1.png").read_bytes())
    assert pictures[0] == pictures[1]
    assert (tmp_path / "out" / "theorem1.txt").read_text().startswith("A one-layer fully connected network")
    assert (tmp_path / "out" / "theorem1.pdf").read_bytes().startswith(b"%PDF")


def test_data_of_other_settings_is_computed_anew(run, first, tmp_path, monkeypatch):
    FigureData(first.arrays, "old", {"version": 0}).save(tmp_path / "theorem1.safetensors")
    monkeypatch.setattr(theorem1, "compute", lambda runs: first)
    assert run("draw", "theorem1", "--out", tmp_path)[0] == 0
    assert FigureData.load(tmp_path / "theorem1.safetensors").settings == Runs().settings(theorem1.SETTINGS)


def test_mistakes_get_one_sentence_and_exit_code_2(run, tmp_path):
    (tmp_path / "theorem1.safetensors").write_bytes(b"half a file")
    for arguments, message in (
        (["draw", "figure99"], "unknown figure 'figure99'; the figures are theorem1, theorem2"),
        (["draw", "theorem1", "--scale", "huge"], "scale must be one of quick, paper, got 'huge'"),
        (["draw", "theorem1", "--out", tmp_path], "delete it to compute it anew"),
        (["draw"], "names"),
        (["paint"], "paint"),
    ):
        code, _, err = run(*arguments)
        assert code == 2
        assert message in err
        assert len([line for line in err.strip().splitlines() if not line.startswith("figures")]) == 1


def test_list_names_every_figure_and_every_option_has_help(run):
    code, out, _ = run("list")
    assert code == 0
    assert all(name in out for name in cli.FIGURES)
    for name, command in typer.main.get_command(cli.app).commands.items():
        assert command.help, name
        assert all(parameter.help for parameter in command.params), name


def test_networks_are_trained_once_for_all_figures(tmp_path, monkeypatch):
    image = np.random.default_rng(0).random((1, 1, 6, 6))
    runs = Runs(TINY, tmp_path / "runs")
    first = runs.train(lambda: empirics.CNN(1, 2, 3), image, recipe=TINY.recipe())
    monkeypatch.setattr(empirics, "train", lambda *_, **__: pytest.fail("trained again"))
    again = runs.train(lambda: empirics.CNN(1, 2, 3), image, recipe=TINY.recipe())
    np.testing.assert_array_equal(answers(first, image), answers(again, image))
    for changed in (
        (lambda: empirics.CNN(1, 2, 4), image, TINY.recipe()),
        (lambda: empirics.CNN(1, 2, 3), image + 1, TINY.recipe()),
        (lambda: empirics.CNN(1, 2, 3), image, TINY.recipe(steps=3)),
    ):
        make, other, recipe = changed
        with pytest.raises(pytest.fail.Exception, match="trained again"):
            runs.train(make, other, recipe=recipe)


@pytest.mark.parametrize("name", [name for name in cli.FIGURES if name.startswith("fig") or name == "optimizers"])
def test_figures_of_trained_networks_are_computed_at_any_scale(name):
    """Two channels and two steps: the shapes and the caption are those of any other scale."""
    module = cli._module(name)
    data = module.compute(Runs(TINY))
    assert "tiny scale" in data.caption
    assert data.settings == Runs(TINY).settings(module.SETTINGS)
    for array in data.arrays.values():
        assert array.size
    module.draw(data)
