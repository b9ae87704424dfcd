"""The command line: what is done is skipped, what was stopped goes on, and mistakes get one sentence."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import typer

import empirics
from paper_figures import FigureData, cli
from paper_figures.catalogue import figure_module
from paper_figures.figures.theory import theorem1
from paper_figures.scale import PAPER, QUICK
from paper_figures.workbench import Workbench, answers, flat_for
from tests.command_lines import caller
from tests.paper_figures.tiny import TINY, tiny


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    return caller("paper_figures", cli.main, monkeypatch, capsys, tmp_path)


def example(**settings):
    """A figure's data that `theorem1` can draw."""
    arrays = {name: np.ones((2, 3, 3)) for name in ("input", "parallel", "noise", "predicted", "trained")}
    return FigureData(arrays, "What was run.", Workbench().settings(theorem1.SETTINGS | settings))


def test_redrawing_never_computes_again(run, tmp_path, monkeypatch):
    example().save(tmp_path / "out" / "theorem1.safetensors")
    monkeypatch.setattr(theorem1, "compute", lambda bench: pytest.fail("computed again"))
    pictures = []
    for _ in range(2):
        code, out, _ = run("draw", "theorem1", "--out", "out")
        assert code == 0
        assert "theorem1.png" in out
        pictures.append([(tmp_path / "out" / f"theorem1.{suffix}").read_bytes() for suffix in ("png", "pdf")])
    assert pictures[0] == pictures[1]
    assert (tmp_path / "out" / "theorem1.txt").read_text() == "What was run.\n"
    assert pictures[0][1].startswith(b"%PDF")
    # Fonts that an editor of a journal can use (Type 42 in PDF's words CIDFontType2), and a printer's resolution.
    assert b"/Type3" not in pictures[0][1]
    assert b"/CIDFontType2" in pictures[0][1]
    width = int.from_bytes(pictures[0][0][16:20])
    assert width == 6.75 * 300
    assert {path.stat().st_mode & 0o444 for path in (tmp_path / "out").glob("theorem1.*")} == {0o444 & ~_umask()}


def _umask() -> int:
    os.umask(mask := os.umask(0))
    return mask


def test_a_figure_that_is_stored_needs_no_network(run, tmp_path, monkeypatch):
    """The whole way: train, draw, and draw again while training is forbidden."""
    monkeypatch.setitem(cli.SCALES, "quick", TINY)
    assert run("draw", "41", "--out", tmp_path)[0] == 0
    monkeypatch.setattr(empirics, "train", lambda *_, **__: pytest.fail("trained again"))
    monkeypatch.setattr(empirics.TrainedEnsemble, "load", lambda *_: pytest.fail("looked for networks"))
    assert run("draw", "41", "--out", tmp_path)[0] == 0


def test_data_of_other_settings_is_computed_anew(run, tmp_path, monkeypatch):
    example(version=0).save(tmp_path / "theorem1.safetensors")
    monkeypatch.setattr(theorem1, "compute", lambda bench: example())
    assert run("draw", "theorem1", "--out", tmp_path)[0] == 0
    assert FigureData.load(tmp_path / "theorem1.safetensors").settings == Workbench().settings(theorem1.SETTINGS)
    assert Workbench(QUICK).settings(theorem1.SETTINGS) != Workbench(PAPER).settings(theorem1.SETTINGS)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"half a file",
        lambda data: data[:-9],
        lambda data: b"",
        lambda data: data[:-5] + bytes([data[-5] ^ 1]) + data[-4:],  # one bit of a pixel
    ],
)
def test_damaged_data_is_named_and_computed_anew(run, tmp_path, monkeypatch, damage):
    path = tmp_path / "theorem1.safetensors"
    example().save(path)
    path.write_bytes(damage(path.read_bytes()))
    monkeypatch.setattr(theorem1, "compute", lambda bench: example())
    code, _, err = run("draw", "theorem1", "--out", tmp_path)
    assert code == 0
    assert f"{path} is damaged or not a figure's data" in err
    assert "computed anew" in err
    assert FigureData.load(path).caption == "What was run."


def test_mistakes_get_one_sentence_and_exit_code_2(run, tmp_path):
    (tmp_path / "file").write_text("in the way")
    for arguments, message in (
        (["draw", "figure99"], "unknown figure 'figure99'; the figures are theorem1, theorem2"),
        (["draw", "99"], "unknown figure '99'"),
        (["draw", "theorem"], "unknown figure 'theorem'; did you mean theorem1 or theorem2?"),
        (["fig05_layer"], "unknown figure 'fig05_layer'; did you mean fig05_layers or fig15_more_layers?"),
        (["draw", "fig-1"], "unknown figure 'fig-1'"),
        (["draw", "theorem1", "--scale", "huge"], "scale must be one of quick, paper, got 'huge'"),
        (["draw", "theorem1", "--data-dir", tmp_path / "no"], "--data-dir must be a folder with the files of mnist or"),
        (["draw", "fig02", "--device", "abacus", "--out", tmp_path], "device must be one that torch can use here"),
        (["draw", "phase", "--out", tmp_path / "file"], "file"),
        (["draw"], "names"),
        (["paint"], "paint"),
    ):
        code, _, err = run(*arguments)
        assert code == 2, arguments
        assert message.casefold() in err.casefold()
        assert len([line for line in err.splitlines() if line.startswith("error: ")]) == 1
        assert "Traceback" not in err


@pytest.mark.parametrize("named", ["theorem1", "fig02", "2"])
def test_a_figures_name_is_a_command(run, named, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(cli, "draw_one", lambda name, out, bench: drawn.append((name, str(out))))
    code, _, _ = run(named, "--out", "there")
    assert (code, drawn) == (0, [("theorem1" if named == "theorem1" else "fig02_fcn_depth", "there")])


def test_ctrl_c_says_what_is_kept(run, monkeypatch):
    def stop(name, out, bench):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "draw_one", stop)
    code, _, err = run("draw", "theorem1", "--out", "there")
    assert code == 130
    assert err == "interrupted: what is drawn and trained is kept in there; the same command goes on from there\n"


def test_without_a_command_there_is_help_and_no_complaint(run):
    code, out, err = run()
    assert code == 2
    assert "Draw every figure" in out
    assert err == ""


def test_list_names_every_figure_and_every_option_has_help(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = run("list")
    assert code == 0
    assert all(name in out for name in cli.FIGURES)
    assert "6, 7" in out
    assert "38, 39" in out
    for name, command in typer.main.get_command(cli.app).commands.items():
        assert command.help, name
        assert all(parameter.help for parameter in command.params), name


def test_every_number_of_the_paper_names_a_figure():
    for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 31, 38, 39, 41, 42):
        names = {cli.full_name(said) for said in (f"{number}", f"fig{number}", f"fig{number:02}")}
        assert len(names) == 1
        (name,) = names
        assert number in cli.FIGURES[name].numbers
        assert f"Figure{'s' * (len(cli.FIGURES[name].numbers) > 1)} " in figure_module(name).__doc__
    assert cli.full_name("7") == "fig06_test_sizes"
    assert cli.full_name("39") == "fig38_several_examples"


def test_networks_are_trained_once_for_all_figures(tmp_path, monkeypatch):
    image = np.random.default_rng(0).random((1, 1, 6, 6))
    bench = Workbench(TINY, tmp_path / "runs")
    first = bench.train(lambda: empirics.CNN(1, 2, 3), image, recipe=TINY.recipe())
    monkeypatch.setattr(empirics, "train", lambda *_, **__: pytest.fail("trained again"))
    again = bench.train(lambda: empirics.CNN(1, 2, 3), image, recipe=TINY.recipe())
    np.testing.assert_array_equal(answers(first, image), answers(again, image))
    for changed in (
        (lambda: empirics.CNN(1, 2, 4), image, TINY.recipe()),
        (lambda: empirics.CNN(1, 2, 3), image + 1, TINY.recipe()),
        (lambda: empirics.CNN(1, 2, 3), image, TINY.recipe(steps=3)),
    ):
        make, other, recipe = changed
        with pytest.raises(pytest.fail.Exception, match="trained again"):
            bench.train(make, other, recipe=recipe)


def test_damaged_networks_are_named_and_trained_anew(tmp_path, capsys):
    image = np.random.default_rng(0).random((1, 1, 6, 6))
    bench = Workbench(TINY, tmp_path / "runs")
    first = bench.train(lambda: empirics.CNN(1, 2, 3), image, recipe=TINY.recipe())
    (weights,) = (tmp_path / "runs").rglob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1])
    again = bench.train(lambda: empirics.CNN(1, 2, 3), image, recipe=TINY.recipe())
    assert f"{weights} is damaged" in (said := capsys.readouterr().err)
    assert "trained anew" in said
    np.testing.assert_array_equal(answers(first, image), answers(again, image))


def test_published_images_are_used_where_they_are(run, published, tmp_path, monkeypatch):
    monkeypatch.setitem(cli.SCALES, "quick", TINY)
    monkeypatch.setattr(cli.Workbench, "train", _untrained)
    captions = []
    for more in (["--data-dir", published], ["--data-dir", published / "cifar10"], []):  # the second has no MNIST
        assert run("draw", "1", "42", "--out", tmp_path, *more)[0] == 0
        captions.append([(tmp_path / f"{name}.txt").read_text() for name in ("fig01_digit_set", "fig42_natural")])
    assert ["of MNIST's training set, none" in first and "embedded" not in first for first, _ in captions] == [
        True,
        False,
        False,
    ]
    assert ["image of CIFAR-10, and" in second for _, second in captions] == [True, True, False]


def _untrained(bench, make_model, images, *, recipe):
    return empirics.train(make_model, flat_for(make_model(), images), recipe=TINY.recipe(steps=0), seeds=(0, 1))


# Draws six networks, and dies in the third's training, right after its first checkpoint.
DRAW_AND_DIE = """
import os, signal, sys
import empirics, empirics.training.checkpoints
from paper_figures import cli
from tests.paper_figures.tiny import tiny

train, write_tensors, begun = empirics.train, empirics.training.checkpoints.write_tensors, []

def train_with_many_checkpoints(*given, **how):
    begun.append(how)
    return train(*given, **how, checkpoint_every=100)

def write_and_die(*given):
    write_tensors(*given)
    if len(begun) == 3:
        os.kill(os.getpid(), signal.SIGKILL)

empirics.train, empirics.training.checkpoints.write_tensors = train_with_many_checkpoints, write_and_die
cli.SCALES["quick"] = tiny(int(sys.argv[1]))
sys.argv = ["paper_figures", "draw", "fig02", "--out", sys.argv[2]]
cli.main()
"""


def test_what_was_killed_goes_on(run, tmp_path, monkeypatch):
    steps, kept = 300, tmp_path / "killed" / "runs"
    died = subprocess.run([sys.executable, "-c", DRAW_AND_DIE, str(steps), str(tmp_path / "killed")], check=False)
    assert died.returncode == -signal.SIGKILL
    finished = {path: path.stat().st_mtime_ns for path in kept.glob("*/ensemble.json")}
    assert len(finished) == 2
    assert len(list(kept.glob("*.begun/stack-*.json"))) == 1
    assert not (tmp_path / "killed" / "fig02_fcn_depth.safetensors").exists()

    monkeypatch.setitem(cli.SCALES, "quick", tiny(steps))
    trainings = []
    train = empirics.train
    monkeypatch.setattr(empirics, "train", lambda *given, **how: trainings.append(how) or train(*given, **how))
    assert run("draw", "fig02", "--out", tmp_path / "killed")[0] == 0
    assert len(trainings) == 4
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert not list(kept.glob("*.begun"))
    assert run("draw", "fig02", "--out", tmp_path / "whole")[0] == 0
    killed, whole = (
        FigureData.load(tmp_path / folder / "fig02_fcn_depth.safetensors") for folder in ("killed", "whole")
    )
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(killed.arrays[name], array, err_msg=name)
