"""`python -m theory` as its user meets it."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest
import typer
from PIL import Image

import theory
from files import embedded_digits, read_image, write_image
from tests.cases import random_images
from theory import cli


def test_predict_writes_predictions_and_says_what_is_learned(run, tmp_path):
    mine, other = (np.random.default_rng(seed).random((1, 12, 12)) for seed in (0, 1))
    write_image(tmp_path / "mine.png", mine)
    np.save(tmp_path / "other.npy", other)
    code, out, err = run(
        "predict", "--train", "mine.png", "--input", "other.npy", "--input", "mine.png", "--network", "cnn",
        "--kernel-size", 5, "--scheme", "kaiming_uniform", "--seed", 0, "--out", "results",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "rank 25, deficiency 0" in out
    assert "the identity is learned" in out
    prediction = np.load(tmp_path / "results" / "other.npy", allow_pickle=False)
    # Full rank: the prediction is the image, to the rounding of 25 weights of condition number < 1e3.
    assert np.abs(prediction - other).max() <= 2.0**-52 * 1e3 * 25
    assert read_image(tmp_path / "results" / "mine.png").shape == (1, 12, 12)
    with Image.open(tmp_path / "results" / "predictions.png") as picture:
        assert picture.size[0] > picture.size[1] / 2


CIRCULAR = {"kernel_size": 3, "padding_mode": "circular", "bias": True}
NETWORKS = {
    "fcn": theory.FullyConnected(49, bias=True),
    "cnn": theory.Convolutional(1, **CIRCULAR),
    "lcn": theory.LocallyConnected(1, **CIRCULAR),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_predict_is_descent_from_the_weights_drawn(run, tmp_path, name):
    network, images = NETWORKS[name], random_images(0, (2, 1, 7, 7))
    for file, image in zip(("mine", "other"), images, strict=True):
        np.save(tmp_path / f"{file}.npy", image)
    _, out, _ = run(
        "predict", "--train", "mine.npy", "--input", "other.npy", "--network", name, "--kernel-size", 3,
        "--padding-mode", "circular", "--bias", "--scheme", "default", "--seed", 3, "--steps", 7, "--lr", 0.05,
        "--momentum", 0.5, "--out", "results",
    )  # fmt: skip
    mine, other = images.reshape(2, 49) if name == "fcn" else images
    blocks, outputs, weights = {"fcn": (1, 49, 49), "cnn": (1, 1, 9), "lcn": (49, 1, 9)}[name]
    drawn = np.random.default_rng(3).uniform(-1, 1, (blocks, outputs, weights + 1)) / np.sqrt(weights)
    trained = theory.gradient_descent(
        network,
        mine,
        initial=(
            drawn[..., :-1].reshape(network.weight_shape(mine)),
            drawn[..., -1].reshape(network.bias_shape(mine)),
        ),
        steps=7,
        optimizer=theory.GradientDescent(0.05, momentum=0.5),
    )
    prediction = np.load(tmp_path / "results" / "other.npy", allow_pickle=False)
    assert prediction.shape == (1, 7, 7)
    # The weights drawn may differ by the rounding of their bound, and each enters with a pixel of at most 1.
    assert np.abs(prediction - trained(other).reshape(1, 7, 7)).max() <= 4 * 2.0**-52 * 50
    error = np.sqrt(np.mean((prediction - images[1]) ** 2))
    assert [line.split("│")[2].strip() for line in out.splitlines() if "│ other" in line] == [f"{error:.3g}"]


def test_predict_says_how_far_training_gets(run, tmp_path):
    """One digit has full rank; a kernel of one tap for each pixel learns nothing where the image is black."""
    assert "the identity is learned" in run("predict", "--out", tmp_path)[1]
    for label in range(10):
        prediction = np.load(tmp_path / f"digit-{label}.npy", allow_pickle=False)
        assert np.abs(prediction - embedded_digits()[20 * label + 10] / 255).max() <= 2.0**-52 * 1e3 * 25
    _, out, _ = run("predict", "--steps", 9, "--lr", 0.1, "--out", tmp_path)
    assert "the identity is what training converges to" in out
    _, out, _ = run("predict", "--network", "lcn", "--kernel-size", 1, "--out", tmp_path)
    assert "rank 0 to 1, by output pixel, deficiency 0 to 1, by output pixel" in out
    assert "the identity is not learned" in out


def test_the_digit_trained_on_is_read_as_its_picture_would_be(run, tmp_path):
    write_image(tmp_path / "digit.png", embedded_digits()[cli.DIGIT] / 255)
    predictions = []
    for train in ([], ["--train", "digit.png"]):
        run("predict", *train, "--steps", 5, "--lr", 0.1, "--out", "results")
        predictions.append(np.load(tmp_path / "results" / "digit-3.npy", allow_pickle=False))
    np.testing.assert_array_equal(*predictions)


@pytest.mark.parametrize("network", ["fcn", "cnn", "lcn"])
def test_predict_with_nothing_given_uses_embedded_digits(run, tmp_path, network):
    code, out, _ = run("predict", "--network", network, "--steps", 3, "--lr", 0.1, "--bias", "--out", tmp_path)
    assert code == 0
    assert "rank 1, " in out or network == "cnn"
    assert len(list(tmp_path.glob("digit-*.npy"))) == 10


NAMES = ["cost_$5_and_$6", "scan[final]", "[red]", "a\\frac{", "$\\no$", "日本", "[bold"]


def test_file_names_are_no_markup(run, tmp_path, monkeypatch):
    """Neither mathematics to matplotlib nor colours to rich; a letter that its font lacks is no warning."""
    monkeypatch.setenv("COLUMNS", "120")
    for name in NAMES:
        write_image(tmp_path / f"{name}.png", embedded_digits()[3] / 255)
    inputs = [part for name in NAMES for part in ("--input", f"{name}.png")]
    code, out, err = run("predict", *inputs, "--out", "out[put]")
    assert (code, err) == (0, "")
    rows = [line.split("│")[1].strip() for line in out.splitlines() if line.startswith("│")]
    assert rows == NAMES
    assert "to out[put]" in out
    assert {path.stem for path in (tmp_path / "out[put]").iterdir()} == {*NAMES, "predictions"}


def test_a_name_that_is_no_text_is_told_all_the_same(run, tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    write_image(tmp_path / name, embedded_digits()[3] / 255)
    code, out, err = run("predict", "--input", name, "--out", "there")
    assert (code, err) == (0, "")
    assert r"caf\udce9" in out


def test_an_image_of_two_channels_is_predicted_and_shown(run, tmp_path):
    images = random_images(0, (2, 2, 7, 7))
    for file, image in zip(("mine", "other"), images, strict=True):
        np.save(tmp_path / f"{file}.npy", image)
    code, _, err = run("predict", "--train", "mine.npy", "--input", "other.npy", "--kernel-size", 3, "--out", "out")
    assert (code, err) == (0, "")
    assert np.load(tmp_path / "out" / "other.npy").shape == (2, 7, 7)
    assert read_image(tmp_path / "out" / "other.png").shape == (1, 7, 14)


@pytest.mark.parametrize(
    ("padding", "kernel", "said"),
    [
        ("3", 5, "the identity (with 1 pixel more at every edge) is learned"),
        ("0", 5, "the identity (with 2 pixels fewer at every edge) is learned"),
        ("valid", 5, "the identity (with 2 pixels fewer at every edge) is learned"),
        ("2", 5, "the identity is learned"),
        ("2", 4, "the identity (with 1 pixel more above and on the left, 0 pixels more below and on the right) is"),
    ],
)
def test_outputs_of_another_size_are_compared_with_what_the_identity_gives(run, tmp_path, padding, kernel, said):
    code, out, _ = run("predict", "--padding", padding, "--kernel-size", kernel, "--out", "out")
    assert code == 0
    assert said in out
    errors = [float(line.split("│")[2]) for line in out.splitlines() if "digit-" in line]
    # Full rank: the identity, to the rounding of 25 weights of condition number < 1e3.
    assert len(errors) == 10
    assert max(errors) <= 2.0**-52 * 1e3 * 25
    prediction = np.load(tmp_path / "out" / "digit-3.npy")
    before = (int(padding) if padding != "valid" else 0) - (kernel - 1) // 2
    digit, size = embedded_digits()[70, 0] / 255, prediction.shape[1]
    inner = slice(max(0, before), max(0, before) + min(28, size))
    seen = slice(max(0, -before), max(0, -before) + min(28, size))
    assert np.abs(prediction[0, inner, inner] - digit[seen, seen]).max() <= 2.0**-52 * 1e3 * 25


def test_a_full_disk_leaves_nothing_half_done(run, tmp_path, monkeypatch):
    """The fourth file is the one that does not fit."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "digit-0.npy").write_text("older")
    for out, left in (("kept", ["digit-0.npy"]), ("new/er", None)):
        sync, calls = os.fsync, []

        def full(descriptor, sync=sync, calls=calls):
            calls.append(descriptor)
            if len(calls) == 4:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            sync(descriptor)

        monkeypatch.setattr(os, "fsync", full)
        code, _, err = run("predict", "--out", out)
        monkeypatch.setattr(os, "fsync", sync)
        assert (code, err) == (2, f"error: {out}/digit-3.npy: no space left on device\n")
        if left is None:
            assert not (tmp_path / "new").exists()
        else:
            assert [path.name for path in (tmp_path / out).iterdir()] == left
            assert (tmp_path / out / "digit-0.npy").read_text() == "older"


def test_the_seed_decides_the_initial_weights(run, tmp_path):
    outputs = []
    for seed in (0, 0, 1):
        run("predict", "--network", "fcn", "--seed", seed, "--out", tmp_path)
        outputs.append(np.load(tmp_path / "digit-4.npy", allow_pickle=False))
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert not np.array_equal(outputs[0], outputs[2])


def test_rank_tells_whether_an_image_suffices(run, tmp_path):
    corner = np.zeros((1, 9, 9))
    corner[0, 0, 0] = 1
    write_image(tmp_path / "corner.png", corner)
    code, out, _ = run("rank", "corner.png", "--kernel-size", "3,5")
    assert code == 0
    # One lit corner pixel is seen by ((k + 1)/2)² taps.
    assert [line.split("│")[3].strip() for line in out.splitlines() if "×" in line] == ["4", "9"]
    # Wider zeros, or an image that wraps around, let every tap see it.
    for padding in (["--padding", 2], ["--padding-mode", "circular"]):
        assert "│ 3×3    │ 9             │ 9    │ 0 " in run("rank", "corner.png", "--kernel-size", "3", *padding)[1]
    assert "no, 5 directions" in " ".join(out.replace("│", " ").split())
    assert "yes" in run("rank", "--method", "svd")[1]


def test_rank_of_all_digits(run):
    code, out, _ = run("rank", "--dataset", "digits", "--kernel-size", "3,5,7,9,11,13,15")
    assert code == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "(no. " in line]
    ranks = [str(k * k) for k in range(3, 16, 2)]
    assert rows == [[f"{label} (no. {number})", *ranks, "all"] for label in range(10) for number in range(20)]


def test_rank_of_a_folder_of_pictures_of_different_sizes_and_channels(run, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    lit = np.zeros((1, 9, 9))
    lit[0, 0, 0] = 1
    write_image(folder / "corner[1].png", lit)
    write_image(folder / "noise.PNG", np.random.default_rng(0).random((1, 12, 12)))
    (folder / "notes.txt").write_text("not a picture")
    code, out, _ = run("rank", "--dataset", "mine", "--kernel-size", "3,5")
    assert code == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if ".png" in line.lower()]
    assert rows == [["corner[1].png", "4", "9", "none"], ["noise.PNG", "9", "25", "all"]]
    assert "3×3: 1 of 2 images teach the identity, each alone" in out
    write_image(folder / "colour.png", np.random.default_rng(0).random((3, 12, 12)))
    _, out, _ = run("rank", "--dataset", "mine", "--kernel-size", "3")
    assert "27 of 27" in out
    assert "4 of 9" in out


@pytest.mark.parametrize(("kernels", "enough"), [("3,27", "3"), ("27", "none"), ("1,3,27", "1, 3"), ("5", "all")])
def test_kernels_that_a_digit_suffices_for(run, kernels, enough):
    """Without padding a kernel of 27 taps has 4 places, too few for its 729 weights."""
    _, out, _ = run("rank", "--dataset", "digits", "--kernel-size", kernels, "--padding", "valid")
    assert [line.split("│")[-2].strip() for line in out.splitlines() if "(no. " in line] == [enough] * 200


def test_derive_prints_mathematics(run):
    _, out, _ = run("derive", "fcn-limit")
    assert "Theorem 1" in out.splitlines()[0]
    assert "1. " in out
    assert "By " in out
    for raw in ("Derivation(", "Step(", "mappingproxy", "Eq(", "$"):
        assert raw not in out
    assert r"\begin" in run("derive", "fcn-limit", "--latex")[1]
    assert r"\documentclass" in run("derive", "fcn-limit", "--pdf-ready")[1]


def test_every_option_has_help(run):
    for name, command in typer.main.get_command(cli.app).commands.items():
        assert command.help, name
        assert all(parameter.help for parameter in command.params), name
        assert run(name, "--help")[0] == 0


def test_no_command_prints_the_help_alone(run):
    code, out, err = run()
    assert (code, err) == (2, "")
    assert "predict" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "--train", "text.png"], "not an image file"),
        (["predict", "--train", "transparent.png"], "must be opaque"),
        (["predict", "--train", "grey.png", "--train", "small.png"], "must have one shape"),
        (["predict", "--train", "grey.png", "--input", "small.png", "--network", "fcn"], "features"),
        (["predict", "--train", "colour.png"], "--input must be given, since the embedded digit-0"),
        (["predict", "--train", "grey.png", "--input", "colour.png"], "--input colour, an image of shape (3, 8, 8)"),
        (["predict", "--train", "absent.png"], "error: absent.png: no such file or directory"),
        (["predict", "--train", "folder"], "folder must be a file, PNG, JPEG"),
        (["predict", "--train", "last.npy"], "got shape (48, 40, 3), which looks like (H, W, C)"),
        (["predict", "--out", "grey.png"], "--out must be a folder, got grey.png, where grey.png is a file"),
        (["predict", "--out", "grey.png/deeper/still"], "got grey.png/deeper/still, where grey.png is a file"),
        (["predict", "--kernel-size", "0"], "kernel_size must be at least 1"),
        (["predict", "--kernel-size", "five"], "--kernel-size"),
        (["predict", "--network", "rnn"], "--network"),
        (["predict", "--scheme", "zeros"], "--scheme"),
        (["predict", "--steps", "5"], "--lr must be given"),
        (["predict", "--steps", "-5", "--lr", "1"], "--steps"),
        (["predict", "--padding", "full"], "padding must be"),
        (["predict", "--unknown"], "--unknown"),
        (["rank", "--kernel-size", "3,x"], "--kernel-size must be integers"),
        (["rank", "--kernel-size", "²"], "--kernel-size must be integers"),
        (["rank", "--padding", "²"], "padding must be"),
        (["rank", "--dataset", "cats"], "--dataset must be 'digits' or a folder of pictures, got 'cats'"),
        (["rank", "--dataset", "grey.png"], "--dataset must be a folder of pictures, got grey.png"),
        (["rank", "--dataset", "empty"], "--dataset empty holds no pictures"),
        (["rank", "--dataset", "floats", "--kernel-size", "3"], "small.npy, of shape (1, 4, 4): method='exact' needs"),
        (
            ["rank", "--dataset", "floats", "--kernel-size", "9", "--padding", "valid", "--method", "svd"],
            "small.npy, of",
        ),
        (["rank", "grey.png", "--dataset", "digits"], "not both"),
        (["rank", "nan.npy"], "finite"),
        (["derive", "everything"], "fcn-limit"),
        (["derive", "fcn-limits"], "unknown derivation 'fcn-limits'; did you mean cnn-limit or fcn-limit"),
        (["predict", "--init", "xavier"], "No such option: --init; did you mean --scheme?"),
        (["predict", "--kernel-siz", "3"], "No such option: --kernel-siz; did you mean --kernel-size?"),
        (["predict", "grey.png", "colour.png"], "must be said: --train MINE.png --input OTHER.png"),
        (["fly"], "fly"),
    ],
)
def test_mistakes_get_one_sentence_and_exit_code_2(run, tmp_path, arguments, message):
    (tmp_path / "text.png").write_text("not a picture")
    for name in ("folder", "empty", "floats"):
        (tmp_path / name).mkdir()
    np.save(tmp_path / "floats" / "small.npy", np.ones((1, 4, 4)))
    np.save(tmp_path / "last.npy", np.zeros((48, 40, 3)))
    np.save(tmp_path / "nan.npy", np.full((4, 4), np.nan))
    Image.new("RGB", (8, 8)).save(tmp_path / "transparent.png", transparency=(0, 0, 0))
    Image.new("L", (8, 8)).save(tmp_path / "grey.png")
    Image.new("L", (7, 8)).save(tmp_path / "small.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "colour.png")
    before = set(tmp_path.iterdir())
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err
    assert set(tmp_path.iterdir()) == before
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err


def test_import_theory_is_light():
    code = "import sys, theory; print(sorted({'torch', 'sympy', 'matplotlib', 'empirics'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def rows_of(out: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]


def test_depth_tells_the_ceiling_layer_by_layer_and_the_least_depth(run, tmp_path):
    write_image(tmp_path / "seven.png", embedded_digits()[140] / 255)
    code, out, err = run("depth", "seven.png", "--kernel-size", "5,9")
    assert (code, err) == (0, "")
    five = [[str(n), f"{2 * n} away", f"{2 * n - 2} away"] for n in range(1, 9)]
    nine = [[str(n), f"{4 * n} away", f"{4 * n - 4} away"] for n in range(1, 6)]
    rows = rows_of(out)
    assert [row[:3] for row in rows] == five + nine
    assert [row[3] for row in rows[:8]] == ["0.000", "0.000", "0.357", "0.511", "0.595", "0.735", "0.914", "1.000"]
    assert [line for line in out.splitlines() if "takes" in line] == [
        "the constant function takes 8 layers",
        "the constant function takes 5 layers",
    ]


def test_depth_of_given_images_and_other_settings(run, tmp_path):
    for number in (140, 20, 40):
        write_image(tmp_path / f"digit{number}.png", embedded_digits()[number] / 255)
    given = ["--input", "digit20.png", "--input", "digit40.png"]
    _, out, _ = run("depth", "digit140.png", *given, "--kernel-size", 3, "--most", 4)
    images = embedded_digits()[[140, 20, 40]] / 255
    for row, found in zip(rows_of(out), theory.depth.ceilings(images[1:], images[0], 4, 3), strict=True):
        assert row[3:] == [f"{value:.3f}" for value in found.with_training_image]
    for options in (["--padding-mode", "circular"], ["--no-bias"]):
        _, out, _ = run("depth", *options)
        assert "the constant function is out of reach at any depth" in out
        assert [row[3] for row in rows_of(out)] == ["0.000"]


def test_depth_refuses_images_of_another_shape(run, tmp_path):
    np.save(tmp_path / "wide.npy", np.ones((28, 30)))
    code, _, err = run("depth", "--input", "wide.npy")
    assert code == 2
    assert "--input wide must have the training image's shape, (1, 28, 28), got (1, 28, 30)" in err
