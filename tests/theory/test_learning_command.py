"""`python -m theory learning` as its user meets it."""

import csv
import json

import numpy as np
import pytest

import theory
from files import embedded_digits, write_image
from theory import wide
from theory.learning import learning_law


def law_of_digits(steps, labels, **settings):
    """Digits of 14×14 pixels, naively averaged, two layers of 1,024 units, half the largest stable rate."""
    images = embedded_digits()[:, 0] / 255
    inputs = np.array(
        [[image[i : i + 2, j : j + 2].mean() for i in range(0, 28, 2) for j in range(0, 28, 2)] for image in images]
    )
    network = wide.FullyConnected(2, scheme="default", bias=True, width=1024, parameterization="standard")
    law = learning_law(network, inputs, labels, steps=0, optimizer=theory.GradientDescent(1.0))
    return law.at(steps, optimizer=theory.GradientDescent(law.max_stable_lr() / 2))


def rows_of(out: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]


def test_it_prints_who_is_learned_first_and_last(run):
    code, out, err = run("learning", "--steps", "16,4", "--show", 100)
    assert (code, err) == (0, "")
    law = law_of_digits([4, 16], np.arange(200) // 20)
    assert "200 images of 14×14 pixels in 10 classes, real labels" in out
    assert f"the first ten modes hold {law.mode_energies[:10].sum():.3f} of the labels" in out
    course, examples = rows_of(out)[:2], rows_of(out)[2:]
    assert [row[:2] for row in course] == [[str(t), f"{a:.3f}"] for t, a in zip((4, 16), law.accuracy, strict=True)]
    shown = [*law.order[:100], *law.order[-100:]]
    for row, index in zip(examples, shown, strict=True):
        assert row[:2] == [f"{index // 20} (no. {index % 20})", str(index // 20)]
        assert row[2:4] == [f"{p:.3f}" for p in law.probability[:, index]]
        half = ["4"] if law.probability[0, index] >= 0.5 else ["16"] if law.probability[1, index] >= 0.5 else ["later"]
        assert row[4:] == half


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_all_examples_go_to_a_file_the_first_learned_first(run, tmp_path, ending):
    code, out, _ = run("learning", "--labels", "random", "--seed", 3, "--steps", "16", "--out", f"new/all.{ending}")
    assert code == 0
    assert f"wrote all 200 examples, the first learned first, to new/all.{ending}" in out
    labels = np.random.default_rng(3).permutation(np.arange(200) // 20)
    law = law_of_digits([16], labels)
    text = (tmp_path / "new" / f"all.{ending}").read_text(encoding="utf-8")
    rows = json.loads(text) if ending == "json" else list(csv.DictReader(text.splitlines()))
    found = [int(row["example"].split()[0]) * 20 + int(row["example"].rstrip(")").split()[-1]) for row in rows]
    assert sorted(found) == list(range(200))
    assert [int(row["label"]) for row in rows] == labels[found].tolist()
    known = law.probability[0, found]
    # Means over 2×2 pixels are summed in another order, and so differ by their rounding.
    assert np.abs([float(row["right_after_16"]) - p for row, p in zip(rows, known, strict=True)]).max() <= 1e-10
    assert np.all(np.diff([float(row["ease"]) for row in rows]) <= 0)


def test_a_folder_of_folders_is_a_data_set(run, tmp_path):
    rng = np.random.default_rng(0)
    for name, light in (("bright[1]", 0.8), ("dark", 0.1)):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for number in range(3):
            write_image(tmp_path / "mine" / name / f"{number}.png", light + 0.1 * rng.random((3, 6, 4)))
    code, out, err = run("learning", "--dataset", "mine", "--depth", 3, "--width", 64, "--no-bias", "--scheme",
                         "kaiming_normal", "--momentum", 0.5, "--lr", 0.001, "--show", 2)  # fmt: skip
    assert (code, err) == (0, "")
    assert "6 images of 3×2 pixels in 2 classes, real labels; learning rate 0.001" in out
    assert sum("bright[1]/" in line or "dark/" in line for line in out.splitlines()) == 4


def test_an_unstable_rate_is_told(run):
    code, out, _ = run("learning", "--lr", 2.0, "--steps", "1")
    assert code == 0
    assert "does not converge: --lr is 2, and at 0.7803 it is no longer stable" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "cats"], "--dataset must be 'digits' or a folder with a folder for each class, got 'cats'"),
        (["--dataset", "one"], "--dataset must hold a folder for each of two classes at least, got 1 in one"),
        (["--dataset", "uneven"], "--dataset must hold images of one shape, got (1, 4, 4) in uneven/a/0.png and (1, 4"),
        (["--dataset", "hollow"], "--dataset hollow/b holds no pictures"),
        (["--dataset", "black"], "--lr must be given: all images are black, and any learning rate is stable"),
        (["--pool", "3"], "--pool must divide the images' height and width, 28×28, got 3"),
        (["--pool", "0"], "--pool"),
        (["--labels", "false"], "--labels"),
        (["--steps", "4,-1"], "--steps must be whole numbers separated by commas, got '-1'"),
        (["--steps", ""], "--steps must be whole numbers separated by commas, got ''"),
        (["--lr", "-1"], "lr must be positive, got -1"),
        (["--lr", "0"], "lr must be positive, got 0"),
        (["--momentum", "1"], "momentum must be in [0, 1), got 1"),
        (["--activation", "tanh"], "activation must be one of relu"),
        (["--depth", "0"], "--depth"),
        (["--out", "table.txt"], "--out must be a file whose name ends in .csv or .json, got table.txt"),
        (["--lr", "100", "--steps", "100000"], "lr=100.0 is unstable"),
    ],
)
def test_mistakes_get_one_sentence_and_exit_code_2(run, tmp_path, arguments, message):
    pictures = {"one/a": (4, 4), "uneven/a": (4, 4), "uneven/b": (4, 6), "hollow/a": (4, 4), "hollow/b": None}
    for place, shape in {**pictures, "black/a": (4, 4), "black/b": (4, 4)}.items():
        (tmp_path / place).mkdir(parents=True)
        if shape is not None:
            write_image(tmp_path / place / "0.png", np.full((1, *shape), 0.0 if "black" in place else 0.5))
    extra = ["--no-bias"] if "black" in arguments else []
    code, _, err = run("learning", *arguments, *extra)
    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "table.txt").exists()
