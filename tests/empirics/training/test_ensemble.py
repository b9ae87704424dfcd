"""A trained ensemble predicts, gives out its members, and survives being saved."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from empirics import CNN, FCN, LCN, Recipe, TrainedEnsemble, images, train
from empirics.training.stack import weights as stacking
from tests.empirics.dyadic import integer_weights, integers
from tests.empirics.naive import equal, member

EXACT = Recipe(steps=0, precision="float64")


def untrained(make_model, inputs: torch.Tensor, members: int = 3) -> TrainedEnsemble:
    """Networks with small integers for weights, whose predictions are exact."""
    outputs = make_model().to(torch.float64)(inputs[None]).detach()[0]
    initial = integer_weights(make_model(), members)
    return train(make_model, inputs, outputs, recipe=EXACT, seeds=range(members), initial=initial)


@pytest.mark.parametrize("chunk", [1, 50, 2**24])
@pytest.mark.parametrize(
    ("make_model", "shape"),
    [
        (lambda: FCN(6, 3, 4, out_features=2, bias=True), (6,)),
        (lambda: CNN(2, 3, 4, (3, 2), out_channels=3), (2, 5, 6)),
        (lambda: LCN(2, (5, 6), out_channels=3, kernel_size=3, padding="valid"), (2, 5, 6)),
    ],
    ids=["FCN", "CNN", "LCN"],
)
def test_predictions_are_each_members_outputs(make_model, shape: tuple, chunk: int, monkeypatch) -> None:
    monkeypatch.setattr(stacking, "CHUNK_ENTRIES", chunk)
    x = integers(4, *shape, seed=1)
    ensemble = untrained(make_model, x[0])
    predicted = ensemble.predict(x)
    for index in range(3):
        expected = ensemble.member(index)(x).detach()
        assert torch.equal(predicted[index], expected)
        assert equal(dict(ensemble.member(index).named_parameters()), member(ensemble.weights, index))
    assert torch.equal(ensemble.predict(x[0]), predicted[:, 0])
    assert np.array_equal(ensemble.predict(x.numpy()), predicted.numpy())


@pytest.mark.parametrize(("chunk", "calls"), [(10 * 5 * 4 * 30, 1), (5 * 4 * 30, 10), (4 * 30, 50), (2 * 4 * 30, 25)])
def test_predictions_are_made_in_chunks_that_fit_memory(chunk: int, calls: int, monkeypatch) -> None:
    """The largest layer of 10 members and 5 images has 10 · 5 · 4 · 30 entries."""
    seen, forward = [], stacking.forward

    def spied(network: nn.Module, weights: dict, inputs: torch.Tensor) -> torch.Tensor:
        seen.append(len(weights["layers.0.weight"]) * len(inputs) * 4 * 30)
        return forward(network, weights, inputs)

    ensemble = untrained(lambda: CNN(2, 3, 4, 3), integers(2, 5, 6, seed=1), members=10)
    monkeypatch.setattr(stacking, "CHUNK_ENTRIES", chunk)
    monkeypatch.setattr(stacking, "forward", spied)
    ensemble.predict(integers(5, 2, 5, 6, seed=2))
    assert max(seen) <= chunk
    assert (sum(seen), len(seen)) == (10 * 5 * 4 * 30, calls)


def test_convolutions_predict_images_of_other_sizes() -> None:
    ensemble = untrained(lambda: CNN(1, 2, 3, 3), integers(1, 6, 6, seed=0))
    assert ensemble.predict(np.ones((2, 1, 9, 4))).shape == (3, 2, 1, 9, 4)
    assert ensemble.predict(np.ones((1, 1, 1))).shape == (3, 1, 1, 1)


@pytest.mark.parametrize(
    ("inputs", "error", "words"),
    [
        (np.ones((1, 6, 7)), ValueError, "images of one size"),
        (np.ones((2, 6, 6)), ValueError, "inputs must have 1 channels for this network, got 2"),
        (np.ones((6, 6)), ValueError, "inputs must have shape"),
        (np.full((1, 6, 6), np.nan), ValueError, "inputs must be finite"),
        (np.ones((0, 1, 6, 6)), ValueError, "inputs must not be empty"),
        ([[1.0]], TypeError, "inputs must be a NumPy or torch array"),
        (np.ones((1, 6, 6), dtype=bool), TypeError, "got dtype bool"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs, error: type[Exception], words: str) -> None:
    ensemble = untrained(lambda: LCN(1, 6, kernel_size=3), integers(1, 6, 6, seed=0))
    with pytest.raises(error, match=words):
        ensemble.predict(inputs)


def test_a_member_that_is_not_there_is_refused() -> None:
    ensemble = untrained(lambda: FCN(2, 1), integers(2, seed=0))
    with pytest.raises(ValueError, match="index must be below the number of seeds, 3, got 3"):
        ensemble.member(3)


def trained(make_model=lambda: CNN(1, 2, 3, (3, 2), bias=True, padding_mode="circular")) -> TrainedEnsemble:
    x = torch.rand(1, 6, 6, generator=torch.Generator().manual_seed(0))
    recipe = Recipe(steps=20, lr=0.1, stop_loss=0.05)
    return train(make_model, x, recipe=recipe, seeds=(3, 1), snapshots=(0, 10))


@pytest.mark.parametrize(
    "make_model",
    [
        lambda: CNN(1, 2, 3, (3, 2), bias=True, padding_mode="circular"),
        lambda: LCN(1, 6, kernel_size=3, bias=True),
        lambda: CNN(1, 1, kernel_size=3, padding=(1, 1)),
    ],
    ids=["CNN", "LCN", "explicit padding"],
)
def test_saving_and_loading_gives_everything_back(make_model, tmp_path: Path) -> None:
    ensemble = trained(make_model)
    ensemble.save(tmp_path)
    loaded = TrainedEnsemble.load(tmp_path)
    assert equal(loaded.weights, ensemble.weights)
    assert equal(loaded.initial_weights, ensemble.initial_weights)
    assert [*loaded.snapshots] == [0, 10]
    assert all(equal(loaded.snapshots[step], ensemble.snapshots[step]) for step in (0, 10))
    assert torch.equal(loaded.history.steps, ensemble.history.steps)
    assert torch.equal(loaded.history.losses, ensemble.history.losses)
    assert (loaded.recipe, loaded.seeds) == (ensemble.recipe, ensemble.seeds)
    assert (loaded.diverged, loaded.stopped) == (ensemble.diverged, ensemble.stopped)
    x = np.random.default_rng(0).uniform(size=(2, 1, 6, 6))
    assert np.array_equal(loaded.predict(x), ensemble.predict(x))


def test_saving_again_replaces_what_was_there(tmp_path: Path) -> None:
    first, second = trained(), trained(lambda: CNN(1, 1))
    first.save(tmp_path)
    second.save(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert equal(TrainedEnsemble.load(tmp_path).weights, second.weights)


def test_other_architectures_need_make_model_to_be_loaded(tmp_path: Path) -> None:
    make_model = lambda: nn.Conv2d(1, 1, 3, padding=1)  # noqa: E731
    ensemble = trained(make_model)
    ensemble.save(tmp_path)
    with pytest.raises(ValueError, match="make_model must be given: the network is none of FCN, CNN, LCN"):
        TrainedEnsemble.load(tmp_path)
    assert equal(TrainedEnsemble.load(tmp_path, make_model).weights, ensemble.weights)
    with pytest.raises(ValueError, match="make_model must return the architecture saved in"):
        TrainedEnsemble.load(tmp_path, lambda: nn.Conv2d(1, 1, 5))


def test_a_damaged_file_is_found_out_and_named(tmp_path: Path) -> None:
    trained().save(tmp_path)
    (tensors,) = tmp_path.glob("*.safetensors")
    data = tensors.read_bytes()
    for damaged in (data[:-1], data[:-1] + bytes([data[-1] ^ 1]), b""):
        tensors.write_bytes(damaged)
        with pytest.raises(ValueError, match=f"{tensors.name} is damaged"):
            TrainedEnsemble.load(tmp_path)
    tensors.unlink()
    with pytest.raises(FileNotFoundError):
        TrainedEnsemble.load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}'])
def test_a_damaged_index_is_found_out_and_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "ensemble.json").write_text(text)
    with pytest.raises(ValueError, match=r"ensemble\.json is damaged"):
        TrainedEnsemble.load(tmp_path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    trained().save(tmp_path)
    index = tmp_path / "ensemble.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"format": 2}))
    with pytest.raises(ValueError, match=r"ensemble\.json must have format 1, got 2"):
        TrainedEnsemble.load(tmp_path)


def test_a_write_that_fails_leaves_the_old_ensemble_whole(tmp_path: Path, monkeypatch) -> None:
    first = trained()
    first.save(tmp_path)
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "disk full")))
    with pytest.raises(OSError, match="disk full"):
        trained(lambda: CNN(1, 1)).save(tmp_path)
    assert equal(TrainedEnsemble.load(tmp_path).weights, first.weights)
    assert len(list(tmp_path.iterdir())) == 2  # nor is a temporary file left


def test_a_dead_network_is_told_apart_from_one_that_learned(tmp_path) -> None:
    """At a huge rate every unit dies: a finite loss, that of answering 0, and nothing learned."""
    x = images("digits", size=7).as_float()[7].reshape(1, -1)
    make_model = lambda: FCN(49, 2, 16)  # noqa: E731
    dead = train(make_model, x, recipe=Recipe(lr=1e5, steps=30), seeds=range(2))
    alive = train(make_model, x, recipe=Recipe(lr=0.1, steps=300), seeds=range(2))
    assert dead.diverged == (None, None)
    assert dead.zero_loss == pytest.approx(float(np.mean(x**2)), rel=2.0**-23)
    assert dead.history.losses[:, -1].tolist() == pytest.approx([dead.zero_loss] * 2, rel=2.0**-20)
    assert dead.learned == (False, False)
    assert alive.learned == (True, True)
    alive.save(tmp_path)
    assert TrainedEnsemble.load(tmp_path).learned == alive.learned
    targets = 1 + x
    toward = train(make_model, x, targets, recipe=Recipe(steps=1))
    # The mean of squares in float64, of targets that are rounded once: for a sum in float32 it would be 1e-7 off.
    assert toward.zero_loss == pytest.approx(float(np.mean(np.float32(targets).astype(float) ** 2)), rel=2.0**-50)
