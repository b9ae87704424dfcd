"""The command line trains, writes what it says, and answers mistakes with one sentence."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from empirics import Recipe, TrainedEnsemble, correlation, images, mean_squared_error
from empirics.cli import main
from files import embedded_photographs, read_image, write_image


def run(*arguments: str | Path) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code


@pytest.mark.parametrize(
    "options",
    [
        ("--network", "cnn", "--depth", "2", "--channels", "4", "--kernel-size", "3x5", "--bias"),
        ("--network", "fcn", "--depth", "4", "--width", "64", "--residual", "--lr", "0.001"),
        (
            "--network",
            "lcn",
            "--kernel-size",
            "3",
            "--padding-mode",
            "circular",
            "--precision",
            "float64",
            "--lr",
            "0.1",
        ),
    ],
    ids=lambda options: options[1],
)
def test_train_writes_weights_predictions_and_metrics(options: tuple, tmp_path: Path, capsys) -> None:
    assert run("train", *options, "--steps", 5, "--seeds", 2, "--out", tmp_path) == 0
    assert "wrote weights, metrics.json, and predictions" in capsys.readouterr().out
    ensemble = TrainedEnsemble.load(tmp_path)
    assert (ensemble.seeds, ensemble.recipe.steps) == ((0, 1), 5)
    predictions = np.load(tmp_path / "digits.npy")
    digits = images("digits").as_float()[::20]
    assert predictions.shape == (2, 10, 1, 28, 28)
    flat = options[1] == "fcn"
    expected = ensemble.predict(digits.reshape(10, -1) if flat else digits).reshape(predictions.shape)
    assert np.array_equal(predictions, expected)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["loss"] == ensemble.history.losses[:, -1].tolist()
    found = metrics["images"]["digits"]
    assert found["mse"] == mean_squared_error(predictions, digits).tolist()
    rho = correlation(digits, digits[7])
    for member in range(2):
        naive = [
            "A" if agree >= 0.9 else "B" if same >= 0.8 and not const > same else "D" if const >= 0.8 else "C"
            for agree, same, const in zip(
                rho, correlation(predictions[member], digits), correlation(predictions[member], digits[7]), strict=True
            )
        ]
        assert found["zone"][member] == naive
    for key, reference in (("with_input", digits), ("with_training_image", digits[7])):
        # A dead network's output is constant, and correlates with nothing. Sums of 784 products, in another order.
        known = np.nan_to_num(correlation(predictions, reference))
        assert np.abs(np.array(found[key]) - known).max() <= 784 * 2.0**-52
    with Image.open(tmp_path / "patterns.png") as sheet:
        patterns = images("patterns")
        assert sheet.size == (30 * len(patterns) - 2, 30 * 3 - 2)
        assert np.array_equal(np.asarray(sheet)[:28, :28], patterns.pixels[0, 0])


def test_one_layer_is_what_a_locally_connected_network_has(tmp_path: Path) -> None:
    assert run("train", "--network", "lcn", "--depth", 1, "--steps", 0, "--seeds", 1, "--out", tmp_path) == 0


def test_train_takes_images_from_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    colour = rng.integers(256, size=(6, 5, 3), dtype=np.uint8)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    np.save(tmp_path / "other.npy", rng.uniform(size=(3, 8, 7)))
    arguments = ("--image", tmp_path / "colour.png", "--input", tmp_path / "other.npy", "--steps", 3, "--out", tmp_path)
    assert run("train", *arguments) == 0
    assert np.load(tmp_path / "input0-other.npy").shape == (4, 1, 3, 8, 7)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["images"]["input0-other"]["with_training_image"] is None
    with Image.open(tmp_path / "digits.png") as sheet:
        assert sheet.mode == "RGB"


def test_a_diverged_member_is_reported_and_kept_out_of_the_metrics(tmp_path: Path, capsys) -> None:
    options = ("--optimizer", "sgd", "--steps", 100, "--network", "fcn")
    assert run("train", *options, "--lr", 1e6, "--seeds", 1, "--out", tmp_path) == 1
    captured = capsys.readouterr()
    assert "diverged at step" in captured.out
    assert captured.err == (
        "every network diverged: give a smaller --lr than 1e+06, or --optimizer adam, which seldom needs one found\n"
    )
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["loss"] == [None]
    assert isinstance(metrics["diverged"][0], int)
    # A network that is dead, of weights as large as its rate, answers black.
    dead = ("--optimizer", "sgd", "--steps", 50, "--depth", 3, "--channels", 4, "--lr", 1e5, "--seeds", 2)
    assert run("train", *dead, "--out", tmp_path) == 1
    black = np.mean(images("digits").as_float()[140] ** 2)
    assert capsys.readouterr().err == (
        f"no network does 1 % better than answering black, which has a loss of {black:.3g}: give another --lr than "
        "100000, or --optimizer adam, which seldom needs one found, or more --steps than 50\n"
    )
    # Another ends with weights that are finite still.
    options = ("--optimizer", "sgd", "--depth", 3, "--channels", 4, "--lr", 1e9, "--steps", 10, "--seeds", 2)
    assert run("train", *options, "--out", tmp_path) == 1
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["diverged"] == [1, 1]
    assert all(value.isfinite().all() for value in TrainedEnsemble.load(tmp_path).weights.values())
    for found in metrics["images"].values():
        assert all(number is None for values in found.values() for row in values for number in row)
    assert np.isnan(np.load(tmp_path / "digits.npy")).all()


@pytest.mark.parametrize("depth", [1, 5, 10])
def test_a_newcomers_first_photograph_trains(depth: int, tmp_path: Path) -> None:
    """With nothing chosen but the picture and the depth, narrow and short for the test's sake: better than black."""
    photograph = embedded_photographs()[0]
    write_image(tmp_path / "photo.png", photograph / 255)
    options = ("--depth", depth, "--channels", 16, "--steps", 100, "--seeds", 2)
    assert run("train", "--image", tmp_path / "photo.png", *options, "--out", tmp_path / "out") == 0
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert max(metrics["loss"]) < np.mean((photograph / 255) ** 2)
    recipe = metrics["recipe"]
    assert recipe["lr"] == Recipe(optimizer=recipe["optimizer"]).lr  # one default in both places


@pytest.mark.filterwarnings("default")
def test_train_goes_on_from_a_checkpoint(tmp_path: Path, capsys) -> None:
    command = ("train", "--channels", 2, "--depth", 2, "--steps", 6, "--seeds", 2, "--checkpoint", tmp_path / "kept")
    assert run(*command, "--out", tmp_path / "first") == 0
    assert run(*command, "--out", tmp_path / "again") == 0
    first, again = (TrainedEnsemble.load(tmp_path / name) for name in ("first", "again"))
    assert all(np.array_equal(value, again.weights[name]) for name, value in first.weights.items())
    assert capsys.readouterr().err == ""
    assert run(*command, "--lr", 0.2, "--out", tmp_path / "other") == 2
    assert "which holds one with other recipe" in capsys.readouterr().err
    (index,) = (tmp_path / "kept").glob("*.json")
    index.write_text("{")
    assert run(*command, "--out", tmp_path / "anew") == 0
    assert capsys.readouterr().err.startswith(f"warning: {index} is damaged: it is not the JSON that was saved; ")


def test_ctrl_c_says_whether_anything_is_kept(tmp_path: Path, monkeypatch, capsys) -> None:
    """A training without --checkpoint is lost; one with it goes on, if it has come so far as to be kept."""
    command = ("train", "--steps", 6, "--lr", 0.1, "--seeds", 1, "--out", tmp_path / "out")
    kept = ("--checkpoint", tmp_path / "kept")
    monkeypatch.setattr("empirics.experiment.measure", stop)
    assert run(*command) == 130
    said = "nothing is kept; with --checkpoint FOLDER it would be, and the same command would go on from there"
    assert capsys.readouterr().err == f"interrupted: {said}\n"
    assert not (tmp_path / "out").exists()
    assert run(*command, *kept) == 130
    assert capsys.readouterr().err == (
        f"interrupted: the last checkpoint is in {tmp_path / 'kept'}; the same command goes on from there\n"
    )
    monkeypatch.undo()
    assert run(*command, *kept) == 0


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_images_writes_each_image_and_all_of_them(tmp_path: Path) -> None:
    assert run("images", "digits", "--count", 25, "--seed", 3, "--out", tmp_path) == 0
    digits = images("digits", count=25, seed=3)
    assert np.array_equal(np.load(tmp_path / "digits.npy"), digits.as_float())
    for index in (0, 24):
        assert np.array_equal(read_image(tmp_path / f"digits-{index:03}.png"), digits.as_float()[index])
    with Image.open(tmp_path / "digits.png") as sheet:
        assert np.array_equal(np.asarray(sheet)[30:58, 120:148], digits.pixels[24, 0])


MISTAKES = {
    "no such command": ("fit", "No such command 'fit'"),
    "no such option": ("train --rate 1", "No such option"),
    "an option of elsewhere": ("train --init xavier_normal", "No such option: --init; did you mean --scheme?"),
    "no number": ("train --lr fast", "--lr"),
    "a digit of two digits": ("train --digit 10", "--digit"),
    "rate": ("train --lr -1", "lr must be positive, got -1.0"),
    "momentum": ("train --momentum 1", "momentum must be in [0, 1), got 1.0"),
    "network": ("train --network mlp", "--network must be one of fcn, cnn, lcn, got 'mlp'"),
    "scheme": ("train --scheme he", "--scheme must be one of default"),
    "optimizer": ("train --optimizer lbfgs", "optimizer must be one of sgd"),
    "kernel": ("train --kernel-size 3x3x3", "--kernel-size must be a number of taps"),
    "depth": ("train --network lcn --depth 2", "--depth must go with --network fcn or cnn, got lcn"),
    "channels": ("train --network lcn --channels 7", "--channels must go with --network cnn, got lcn"),
    "kernel of an fcn": (
        "train --network fcn --kernel-size 3",
        "--kernel-size must go with --network cnn or lcn, got fcn",
    ),
    "memory": ("train --network fcn --depth 3 --width 100000000000", "these networks need more memory than there is"),
    "kernel beyond memory": ("train --kernel-size 1000001", "these networks need more memory than there is"),
    "skips": ("train --residual", "--residual must go with --network fcn, got cnn"),
    "shallow skips": ("train --network fcn --residual", "depth must be at least 4"),
    "reflection": ("train --image {dot} --padding-mode reflect", "do not fit the network"),
    "device": ("train --device abacus", "device must be one that torch can use here"),
    "device without memory": ("train --device meta", "device must be one that torch can use here, got 'meta'"),
    "no file": ("train --image {none}", "none.npy: no such file or directory"),
    "no picture": ("train --image {text}", "is not an image file that can be read"),
    "transparency": ("train --image {clear}", "must be opaque, got 16 of 16 pixels transparent"),
    "input of another size": ("train --network fcn --input {dot}", "must have the training image's shape, (1, 28, 28)"),
    "input of other channels": ("train --input {deep3}", "must have 1 channels, got shape (3, 4, 4)"),
    "out": ("train --steps 1 --out {text}/out", "text.png/out, where"),
    "out of images": ("images digits --out {text}", "--out must be a folder, got"),
    "out of a sweep": ("sweep {spec} --out {text}", "--out must be a folder, got"),
    "checkpoint": ("train --steps 1 --checkpoint {text}", "--checkpoint must be a folder, got"),
    "a folder for an image": ("train --image {folder}", "must be a file, PNG, JPEG"),
    "a folder for a sweep": ("sweep {folder}", "is a directory"),
    "channels last": ("train --image {last}", "got shape (48, 40, 3), which looks like (H, W, C)"),
    "set": (
        "images kmnist",
        "name must be one of digits, natural, patterns, mnist, fashion_mnist, cifar10, got 'kmnist'",
    ),
    "no files": ("images mnist --data-dir {none}", "mnist needs train-images-idx3-ubyte.gz, which is neither in"),
    "no folder needed": ("images digits --data-dir {none}", "data_dir must be left out for 'digits'"),
    "count": ("images digits --count 1000", "count must be at most 200"),
    "no set": ("images", "Missing argument"),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Files that are not what they should be, by what is wrong."""
    folder = tmp_path_factory.mktemp("files")
    paths = {name: folder / f"{name}.npy" for name in ("none", "dot", "deep3", "last")} | {"folder": folder}
    paths |= {name: folder / f"{name}.png" for name in ("text", "clear")}
    paths["text"].write_text("not a picture")
    Image.new("RGBA", (4, 4)).save(paths["clear"])
    np.save(paths["dot"], np.ones((1, 1, 1)))
    np.save(paths["deep3"], np.ones((3, 4, 4)))
    np.save(paths["last"], np.zeros((48, 40, 3)))
    paths["spec"] = folder / "spec.toml"
    paths["spec"].write_text("[grid]\nsteps = 1")
    return paths


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_sentence_and_exit_code_2(
    mistake: str, files: dict, tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command, words = MISTAKES[mistake]
    assert run(*command.format(**files).split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("error: ")
    assert words in captured.err


@pytest.mark.parametrize("arguments", [("--help",), ("train", "--help"), ("images", "--help")])
def test_help_explains_every_option(arguments: tuple, capsys) -> None:
    assert run(*arguments) == 0
    assert "Usage" in capsys.readouterr().out


def test_no_command_prints_the_help_alone(capsys) -> None:
    assert run() == 2
    captured = capsys.readouterr()
    assert "Usage" in captured.out
    assert not captured.err


def test_python_m_empirics_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "empirics", "train", "--lr", "0"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: lr must be positive, got 0.0\n"
