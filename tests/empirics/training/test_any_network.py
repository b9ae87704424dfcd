"""What a network takes is what its forward takes, and whatever it does in place stays its own affair."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from empirics import (
    CNN,
    FCN,
    Recipe,
    TrainedEnsemble,
    attractors,
    jacobian_spectrum,
    layer_activations,
    layer_mosaics,
    probe,
    train,
)
from empirics.training.descent import Descent, Task, descend
from empirics.training.stack.members import WAYS
from tests.empirics.naive import equal, member, train_alone

RECIPE = Recipe(lr=0.05, steps=6, precision="float64", decay_at=(0.5,))
VECTOR = torch.tensor([[-1.0, 0.5, 2.0, -0.25]], dtype=torch.float64)
IMAGE = (torch.arange(36, dtype=torch.float64).view(1, 1, 6, 6) - 17) / 36


class DecoderFirst(nn.Module):
    """Its decoder is registered before its encoder, as alphabetical order would have it."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = nn.Linear(2, 4)
        self.encoder = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(torch.tanh(self.encoder(x)))


class Coordinates(nn.Module):
    """Each pixel is told where it is, by two more channels."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        down, across = (torch.linspace(-1, 1, size, dtype=x.dtype) for size in x.shape[2:])
        where = torch.stack(torch.meshgrid(down, across, indexing="ij")).expand(len(x), -1, -1, -1)
        return self.layer(torch.cat([x, where], dim=1))


class InPlace(nn.Module):
    """Its first operation changes what it is given."""

    def __init__(self, operation: Callable[[Tensor], object], layer: nn.Module) -> None:
        super().__init__()
        self.operation, self.layer = operation, layer

    def forward(self, x: Tensor) -> Tensor:
        self.operation(x)
        return self.layer(x)


class Gain(nn.Module):
    """A layer times a learned number, which has no axes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.gain = nn.Linear(4, 4, bias=False), nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.gain * self.layer(x)


SOUND = {
    "decoder registered first": (DecoderFirst, VECTOR),
    "coordinate channels": (Coordinates, IMAGE),
    "pixel unshuffling": (
        lambda: nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, 4, 3, padding=1), nn.PixelShuffle(2)),
        IMAGE,
    ),
    "images flattened inside": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 36), nn.Unflatten(1, (1, 6, 6))),
        IMAGE,
    ),
    "vectors that become images inside": (
        lambda: nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 1, 3, padding=1), nn.Flatten()),
        VECTOR,
    ),
    "grouped convolution": (lambda: nn.Conv2d(2, 2, 3, padding=1, groups=2), IMAGE.expand(1, 2, 6, 6)),
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_networks_train_predict_and_end_where_torch_takes_them(name: str) -> None:
    make_model, x = SOUND[name]
    ensemble = train(make_model, x, recipe=RECIPE, seeds=(3,))
    assert ensemble.division.way == "alone"  # torch's own operations, in the order in which anyone would write them
    expected, losses = train_alone(make_model, member(ensemble.initial_weights, 0), x, x, RECIPE)
    assert equal(member(ensemble.weights, 0), expected)
    assert losses[-1] < losses[0]
    with torch.no_grad():
        assert torch.allclose(ensemble.predict(x)[0], ensemble.member(0)(x.clone()), rtol=1e-12, atol=0)
    assert layer_activations(ensemble.member(0), x)[-1].shape == x.shape


OPERATIONS = {
    "relu": lambda x: functional.relu(x, inplace=True),
    "add": lambda x: x.add_(2.3),
    "zero": lambda x: x[..., :1].zero_(),
    "clamp of a view": lambda x: x.flatten(1).clamp_(min=0),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("members", [1, 3])
def test_operations_in_place_change_neither_the_callers_tensor_nor_the_targets(operation: str, members: int) -> None:
    """A network that copies its input first is the same function: so are its loss and all that it becomes."""
    act = OPERATIONS[operation]

    def make_model() -> nn.Module:
        return InPlace(act, nn.Linear(4, 4))

    x = VECTOR.clone()
    ensemble = train(make_model, x, recipe=RECIPE, seeds=range(members), watch=x, snapshots=(0, 3))
    copying = train(lambda: nn.Sequential(Copy(), make_model()), VECTOR.clone(), recipe=RECIPE, seeds=range(members))
    assert torch.equal(x, VECTOR)
    assert torch.equal(ensemble.history.losses, copying.history.losses)
    assert all(torch.equal(value, copying.weights[f"1.{name}"]) for name, value in ensemble.weights.items())
    predicted = ensemble.predict(x)
    assert torch.equal(predicted, ensemble.predict(x))
    network = ensemble.member(0)
    for measure in (
        lambda: jacobian_spectrum(network, x, iterations=3),
        lambda: attractors(network, x, 5),
        lambda: layer_activations(network, x),
        lambda: layer_mosaics(network, x),
        lambda: probe(network, x, torch.tensor([0]), x, torch.tensor([0])),
    ):
        measure()
        assert torch.equal(x, VECTOR)


class Copy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.clone()


def test_iterating_a_network_that_works_in_place_iterates_its_function() -> None:
    layer = nn.Linear(4, 4).to(torch.float64)
    in_place = attractors(InPlace(OPERATIONS["add"], layer), VECTOR, 7)
    plain = attractors(nn.Sequential(Copy(), InPlace(OPERATIONS["add"], layer)), VECTOR, 7)
    assert torch.equal(in_place.points, plain.points)
    contraction = nn.Linear(4, 4).to(torch.float64)
    with torch.no_grad():
        contraction.weight.copy_(torch.diag(torch.tensor([0.1, 0.2, 0.3, 0.4])))
    alone = attractors(InPlace(OPERATIONS["add"], contraction), VECTOR, 100)
    copied = attractors(nn.Sequential(Copy(), InPlace(OPERATIONS["add"], contraction)), VECTOR, 100)
    assert alone.attracted.all()
    for name in ("points", "fixed_points", "radii", "distances"):
        assert torch.equal(getattr(alone, name), getattr(copied, name))
    spectra = [jacobian_spectrum(InPlace(OPERATIONS["relu"], layer), VECTOR).norm for _ in range(2)]
    assert torch.equal(*spectra)
    # relu lets two of the four entries through.
    through = layer.weight.detach()[:, VECTOR[0] > 0]
    largest = torch.linalg.matrix_norm(through, 2)
    # An error of √ε in the singular vector is one of ε in the value (Golub and Van Loan, section 8.1).
    assert math.isclose(spectra[0].item(), largest.item(), rel_tol=1e3 * 2**-52)


def test_activations_are_what_layers_held_when_they_were_given_them() -> None:
    class Skip(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            held = self.one(x)
            held += self.two(held)
            return held

    network = Skip().to(torch.float64)
    given, between, _ = layer_activations(network, VECTOR)
    assert torch.equal(between, network.one(VECTOR))
    given += 1  # a copy: the caller's vector is not written to
    assert VECTOR[0, 0] == -1


def test_a_network_that_the_caller_holds_stays_as_it_is() -> None:
    mine = FCN(4, 1)
    train(lambda: mine, VECTOR, recipe=RECIPE)
    assert mine.layers[0].weight.dtype == torch.float32


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamax", "rmsprop", "adagrad"])
@pytest.mark.parametrize("members", [1, 2])
def test_a_learned_gain_trains_and_is_stored_and_reported(optimizer: str, members: int, tmp_path) -> None:
    recipe = Recipe(optimizer=optimizer, lr=0.01, steps=9, precision="float64")
    initial = {
        "layer.weight": torch.eye(4, dtype=torch.float64).expand(members, 4, 4) / 4,
        "gain": torch.tensor([0.5, 3.0], dtype=torch.float64)[:members],
    }
    kept = {"checkpoint": tmp_path / "kept", "checkpoint_every": 2}
    run = lambda: train(Gain, VECTOR, recipe=recipe, seeds=range(members), initial=initial, snapshots=(4,), **kept)  # noqa: E731
    ensemble = run()
    for index in range(members):
        weights, losses = train_alone(Gain, member(initial, index), VECTOR, VECTOR, recipe)
        # A step rounds a few hundred sums and products of numbers near 1 or less, and passes on what it was given.
        rounding = recipe.steps * 400 * 2**-52 * 4
        assert math.isclose(ensemble.weights["gain"][index].item(), weights["gain"].item(), rel_tol=rounding)
        assert math.isclose(ensemble.history.losses[index, -1].item(), losses[-1], rel_tol=rounding)
        assert ensemble.weights["gain"][index] != initial["gain"][index]
    assert ensemble.member(0).gain.shape == ()
    assert ensemble.snapshots[4]["gain"].shape == (members,)
    ensemble.save(tmp_path / "saved")
    assert equal(TrainedEnsemble.load(tmp_path / "saved", Gain).weights, ensemble.weights)
    assert equal(run().weights, ensemble.weights)


def test_a_gain_that_overflows_behind_a_dead_unit_counts_as_diverged() -> None:
    task = Task(Gain().double(), VECTOR, VECTOR, Recipe(steps=0, precision="float64"), "mapped")
    weights = {"layer.weight": torch.zeros(2, 4, 4).double(), "gain": torch.tensor([1.0, math.inf]).double()}
    descent = Descent.start(weights)
    descend(task, descent, lambda step, losses: None)
    assert descent.diverged == [None, 0]


def test_a_gain_needs_initial_weights() -> None:
    with pytest.raises(TypeError, match="initial must be given, as a scheme cannot draw all weights: model must hold"):
        train(Gain, VECTOR, recipe=RECIPE)

    class Gained(nn.Linear):
        """Its weight and bias could be drawn, and its gain not."""

        def __init__(self) -> None:
            super().__init__(4, 4)
            self.gain = nn.Parameter(torch.tensor(1.0))

        def forward(self, x: Tensor) -> Tensor:
            return self.gain * super().forward(x)

    with pytest.raises(TypeError, match="must hold weights and biases only, got Gained with gain"):
        train(Gained, VECTOR, recipe=RECIPE)


def test_what_fails_in_the_report_fails_before_the_first_step(monkeypatch) -> None:
    monkeypatch.setattr("torch.optim.SGD.step", lambda self: pytest.fail("a step was taken"))
    monkeypatch.setattr(TrainedEnsemble, "member", lambda self, index: {}[index])
    with pytest.raises(ValueError, match="make_model must return a network that can be trained, predict and be copied"):
        train(lambda: FCN(4, 1), VECTOR, recipe=RECIPE)


class Untrainable(nn.Module):
    """A layer, and something of which the forward alone does not tell that it cannot be trained or told."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.layer = kind, nn.Linear(4, 4)
        self.register_buffer("calls", torch.tensor(0.0))
        self.called = 0
        if kind == "generator":
            self.held = (step for step in range(3))

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        if self.kind == "counts":
            self.calls += 1
        if self.kind == "counts anew":
            self.calls = self.calls + 1
        if self.kind == "alternates":
            self.called += 1
            return y * (-1) ** self.called
        return {"sum": y.sum(), "other dtype": y.float(), "squeezed": y.squeeze()}.get(self.kind, y)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("counts", "counts nothing, got one whose forward changes calls"),
        ("counts anew", "counts nothing, got one whose forward changes calls"),
        ("alternates", "draws no random numbers and counts nothing, got one whose outputs differ from call to call"),
        ("sum", r"outputs one result for each input, \(1, \.\.\.\), got \(\)"),
        ("squeezed", r"outputs one result for each input, \(1, \.\.\.\), got \(4,\)"),
        ("other dtype", "outputs torch.float64 for it, got torch.float32"),
        ("generator", r"that copy\.deepcopy can copy, for each member: cannot pickle 'generator' object"),
    ],
)
def test_what_cannot_be_trained_is_told_in_a_sentence(kind: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        train(lambda: Untrainable(kind), VECTOR, recipe=RECIPE)


@given(st.sampled_from(["linear", "conv"]), st.integers(1, 5), st.integers(1, 5), st.integers(1, 3))
def test_inputs_fit_where_the_forward_takes_them_and_only_there(kind: str, takes: int, given: int, count: int) -> None:
    """Whatever is registered before: an idle order of the attributes decides nothing."""

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(takes, given) if kind == "linear" else nn.Conv2d(takes, given, 1)
            self.first = nn.Linear(takes, takes) if kind == "linear" else nn.Conv2d(takes, takes, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.first(x))

    x = np.full((count, given) if kind == "linear" else (count, given, 2, 2), 0.5)
    run = lambda: train(Network, x, recipe=Recipe(steps=1))  # noqa: E731
    if takes == given:
        assert run().diverged == (None,)
    else:
        unit = "entries" if kind == "linear" else "channels"
        with pytest.raises(ValueError, match=f"inputs must have {takes} {unit} for this network, got {given}"):
            run()


def test_channels_in_the_last_axis_are_told_of() -> None:
    picture = np.zeros((48, 40, 3))
    with pytest.raises(ValueError, match=r"must have 3 channels for this network, got 48; \(48, 40, 3\) looks like "):
        train(lambda: CNN(3, 1), picture, recipe=RECIPE)
    with pytest.raises(ValueError, match=r"looks like \(H, W, C\), and \(C, H, W\) is taken: numpy\.moveaxis\(watch"):
        train(lambda: CNN(3, 1), np.moveaxis(picture, -1, -3), recipe=RECIPE, watch=picture[None])
    with pytest.raises(ValueError, match=r"must have 1 channels for this network, got 48$"):
        train(lambda: CNN(1, 1), np.zeros((48, 3, 3)), recipe=RECIPE)  # small images of many channels look like nothing
    assert train(lambda: CNN(3, 1), np.moveaxis(picture, -1, -3), recipe=Recipe(steps=0)).diverged == (None,)


@pytest.mark.parametrize("argument", ["inputs", "targets", "watch"])
def test_bytes_are_taken_as_they_are_and_told_of(argument: str) -> None:
    grey = np.full((1, 6, 6), 0.5)
    settings = {"inputs": grey, "targets": grey, argument: np.full((1, 6, 6), 200, dtype=np.uint8)}
    with pytest.warns(UserWarning, match=rf"{argument} are of uint8 .*, up to 200: .* give {argument} / 255"):
        train(lambda: CNN(1, 1), recipe=Recipe(steps=0), **settings)
    for quiet in (np.ones((1, 6, 6), dtype=np.uint8), np.full((1, 6, 6), 200, dtype=np.int64)):
        train(lambda: CNN(1, 1), recipe=Recipe(steps=0), **(settings | {argument: quiet}))


def test_bytes_to_predict_or_measure_are_told_of() -> None:
    asked = np.full((1, 6, 6), 200, dtype=np.uint8)
    ensemble = train(lambda: CNN(1, 1), np.full((1, 6, 6), 0.5), recipe=Recipe(steps=0))
    with pytest.warns(UserWarning, match="inputs are of uint8"):
        ensemble.predict(asked)
    with pytest.warns(UserWarning, match="images are of uint8"):
        jacobian_spectrum(ensemble.member(0), asked, iterations=1)


@pytest.mark.parametrize("seeds", [(1, 1), [0, 2, 5, 2]])
def test_the_same_seed_twice_is_refused(seeds) -> None:
    with pytest.raises(ValueError, match=f"seeds must be different, one for each network, got {seeds[-1]} more than"):
        train(lambda: FCN(4, 1), VECTOR, recipe=RECIPE, seeds=seeds)


def test_every_way_of_computing_leaves_its_inputs_alone() -> None:
    for way in ("alone", "mapped"):
        x, network = VECTOR.clone(), InPlace(OPERATIONS["add"], nn.Linear(4, 4)).double()
        stack = WAYS[way](network, {n: v.detach()[None] for n, v in network.named_parameters()}, x, x)
        assert stack.losses().item() == stack.losses().item()
        assert torch.equal(x, VECTOR)
