"""The figures' data shows what it claims, is stored whole, and is drawn without complaint."""

import numpy as np
import pytest
import torch
from PIL import Image

import empirics
from empirics.networks.skips_throughout import SkipsThroughout
from paper_figures import FigureData, cli, layer_pictures
from paper_figures.catalogue import figure_module
from paper_figures.figures.identity_crisis import fig01_digit_set, fig05_layers, fig42_natural
from paper_figures.figures.theory import theorem1, theorem2
from paper_figures.figures.theory.rank import MOMENTUM, SHARE, steps_to_learn
from paper_figures.row_captions import recipe_in_words
from paper_figures.scale import PAPER
from paper_figures.workbench import Workbench
from tests.bounds import UNIT_ROUNDOFF, gamma
from tests.paper_figures.tiny import TINY


@pytest.fixture(scope="module")
def first():
    return theorem1.compute(Workbench())


@pytest.fixture(scope="module")
def second():
    with pytest.MonkeyPatch.context() as patch:  # few networks and steps: the shapes and the theory are the same
        patch.setattr(theorem2, "MEMBERS", 3)
        patch.setattr(theorem2, "STEPS", 60)
        return theorem2.compute(Workbench())


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


@pytest.mark.parametrize("name", [name for name in cli.FIGURES if name.startswith("fig") or name == "optimizers"])
def test_figures_of_trained_networks_are_computed_at_any_scale(name):
    """Two channels and two steps: the shapes and the caption are those of any other scale."""
    module = figure_module(name)
    data = module.compute(Workbench(TINY))
    assert "tiny scale" in data.caption
    assert data.settings == Workbench(TINY).settings(module.SETTINGS)
    for array in data.arrays.values():
        assert array.size
    module.draw(data)


def test_recipes_are_said_in_full():
    recipe = empirics.Recipe(lr=0.01, steps=2_000_000, stop_loss=1e-8, scheme="xavier_uniform")
    assert recipe_in_words(recipe) == (
        "gradient descent (learning rate 0.01, times 0.2 at 30, 60 and 80 % of the steps, momentum 0.9, 2,000,000 "
        "steps or until the loss is 1e-08) from xavier uniform initial weights"
    )
    recipe = empirics.Recipe(optimizer="adam", lr=1e-3, decay_at=(), steps=5)
    assert recipe_in_words(recipe) == "Adam (learning rate 0.001, 5 steps) from default initial weights"


def test_skips_throughout_begin_as_the_identity_plus_what_blocks_add():
    network = SkipsThroughout(6, 4, 5)
    x = np.random.default_rng(0).random((3, 6))
    blocks = [[layer.weight.detach().double().numpy() for layer in block.layers] for block in network.blocks]
    expected = bold = x  # bold: the same with nothing cancelling
    for first, second in blocks:
        expected = expected + np.maximum(np.maximum(expected @ first.T, 0) @ second.T, 0)
        bold = bold + bold @ np.abs(first).T @ np.abs(second).T
    found = network.double()(torch.from_numpy(x)).detach().numpy()
    # Two blocks, each of sums of 6 and of 5 products and one more addition; both sides round.
    assert (np.abs(found - expected) <= 2 * gamma(2 * (6 + 5 + 1), UNIT_ROUNDOFF["float64"]) * bold).all()
    for depth in (0, 3):
        with pytest.raises(ValueError, match=f"depth must be even and at least 2 .* got {depth}"):
            SkipsThroughout(6, depth, 5)


@pytest.mark.parametrize("values", [[3.0, 1.0, 0.02], [1.0, 0.5], [1.0, 0.999]])
def test_steps_to_learn_are_those_of_descent(values):
    """Against the recurrence itself, run until 1 % of every mode is left for good."""
    rates = 0.9 * 2 * (1 + MOMENTUM) * (np.array(values) / values[0]) ** 2
    before, now, last = np.ones(len(rates)), 1 - rates, 0
    for step in range(1, 200_000):
        if (np.abs(now) > 1 - SHARE).any():
            last = step
        if step > 10 * (last + 100):
            break
        before, now = now, now - rates * now + MOMENTUM * (now - before)
    predicted = steps_to_learn(np.array(values))
    # The modulus tells the slope; the first steps, 1 / (1 − β) of them a few times over, are beside it.
    assert abs(last - predicted) <= 10 / (1 - MOMENTUM)
    assert steps_to_learn(np.array([1.0, 0.0])) == float("inf")


def test_mnist_is_trained_on_where_it_is_and_never_what_is_asked(published):
    with_files, without = Workbench(TINY, data_dir=published), Workbench(TINY)
    found = fig01_digit_set.training_set(with_files)
    assert found.shape == (10, 1, 28, 28)
    np.testing.assert_array_equal(found, empirics.images("mnist", data_dir=published).as_float()[2:])
    embedded = fig01_digit_set.training_set(without)
    for row in fig01_digit_set.rows(without):
        asked = {image.tobytes() for image in (*row.shown, *row.measured)}
        assert not asked & {image.tobytes() for image in embedded}
    captions = [fig01_digit_set.compute(bench).caption for bench in (with_files, without)]
    assert "10 digits at once, of MNIST's training set" in captions[0]
    assert "10 digits at once, embedded ones of MNIST's training set" in captions[1]
    assert [bench.settings(fig01_digit_set.SETTINGS)["images"] for bench in (with_files, without)] == [
        "mnist",
        "digits",
    ]


def test_layers_are_asked_about_mnist_where_it_is(published):
    with_files, without = Workbench(TINY, data_dir=published), Workbench(TINY)
    (known, asked), (embedded, others) = (fig05_layers.known_and_asked(bench) for bench in (with_files, without))
    for found, split, count in ((known, "train", 10), (asked, "test", 2)):
        there = empirics.images("mnist", split=split, data_dir=published)
        np.testing.assert_array_equal(found.pixels, there.pixels[:count])
        np.testing.assert_array_equal(found.labels, there.labels[:count])
    assert (len(embedded), len(others)) == (120, 80)
    assert not {image.tobytes() for image in embedded.pixels} & {image.tobytes() for image in others.pixels}
    assert np.bincount(embedded.labels).tolist() == 10 * [12]
    with_mnist, with_embedded = (fig05_layers.compute(bench) for bench in (with_files, without))
    assert "10 digits of MNIST's training set, asked about 2 of its test set)" in with_mnist.caption
    assert "120 digits, asked about 80 others)" in with_embedded.caption
    assert [data.settings["images"] for data in (with_mnist, with_embedded)] == ["mnist", "digits"]
    # Of the first network of 7 layers, trained: the classifier's errors on those digits.
    network = next(layer_pictures.networks(with_files, 7, "trained"))
    errors = empirics.probe(network, known.as_float(), known.labels, asked.as_float(), asked.labels)
    np.testing.assert_array_equal(with_mnist.arrays["error_trained_7"][0], errors)


def test_at_the_papers_scale_layers_are_asked_about_all_of_mnist(monkeypatch):
    whole = {
        split: empirics.ImageSet(np.zeros((count, 1, 1, 1), np.uint8), np.zeros(count, int), None, "")
        for split, count in (("train", 60_000), ("test", 10_000))
    }
    monkeypatch.setattr(Workbench, "images", lambda _, name, split="train": whole[split])
    assert [len(some) for some in fig05_layers.known_and_asked(Workbench(PAPER))] == [60_000, 10_000]


def test_cifar_is_trained_on_where_it_is(published):
    with_files, without = Workbench(TINY, data_dir=published), Workbench(TINY)
    shown, measured = fig42_natural.pictures(with_files)
    train, test = (
        empirics.images("cifar10", split=split, data_dir=published).as_float() for split in ("train", "test")
    )
    np.testing.assert_array_equal(shown, np.concatenate([train[:1], test[:7]]))
    np.testing.assert_array_equal(measured, test[:18])
    captions = [fig42_natural.compute(bench).caption for bench in (with_files, without)]
    assert "one image of CIFAR-10, and asked" in captions[0]
    assert "one 32×32 crop of a colour photograph" in captions[1]
    assert [bench.settings(fig42_natural.SETTINGS)["images"] for bench in (with_files, without)] == [
        "cifar10",
        "natural",
    ]
    with pytest.raises(FileNotFoundError, match="cifar10 needs a folder with its files"):
        without.available("mnist", "cifar10")


def test_files_that_are_not_the_published_ones_are_refused(tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"something else")
    with pytest.raises(ValueError, match="must be the published file of mnist"):
        Workbench(TINY, data_dir=tmp_path).settings(fig01_digit_set.SETTINGS)
