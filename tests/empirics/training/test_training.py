"""Stacked training does to every member what torch, alone, would do to it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from empirics import CNN, FCN, LCN, Recipe, initialize, train
from tests.empirics.dyadic import RECIPE, integer_weights, integers
from tests.empirics.naive import equal, member, train_alone

NAN, INF = float("nan"), float("inf")
IMAGE, VECTORS = (1, 2, 4, 4), (2, 8)


ARCHITECTURES = {
    "linear layer": (lambda: FCN(8, 1), VECTORS),
    "linear layer with bias": (lambda: FCN(8, 1, bias=True), VECTORS),
    "nonlinear layer": (lambda: FCN(8, 1, output_activation="relu"), VECTORS),
    "deep FCN": (lambda: FCN(8, 3, 4), VECTORS),
    "residual FCN": (lambda: FCN(8, 4, 2, residual=True, bias=True), VECTORS),
    "convolution": (lambda: CNN(2, 1, kernel_size=3), IMAGE),
    "even convolution": (lambda: CNN(2, 1, kernel_size=(2, 4), bias=True), IMAGE),
    "circular convolution": (lambda: CNN(2, 1, kernel_size=3, padding_mode="circular"), IMAGE),
    "reflecting convolution": (lambda: CNN(2, 1, kernel_size=3, padding_mode="reflect", bias=True), IMAGE),
    "replicating convolution": (lambda: CNN(2, 1, kernel_size=4, padding_mode="replicate"), IMAGE),
    "dilated convolution": (lambda: CNN(2, 1, kernel_size=2, dilation=2), IMAGE),
    "deep CNN": (lambda: CNN(2, 2, 4, 3), IMAGE),
    "locally connected layer": (lambda: LCN(2, 4, kernel_size=3, bias=True), IMAGE),
    "bare torch layer": (lambda: nn.Conv2d(2, 2, 3, padding=1), IMAGE),
}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_members_end_where_torch_takes_each_alone(architecture: str) -> None:
    """With momentum and a milestone, bit for bit: the arithmetic is exact, whatever the order of the sums."""
    make_model, shape = ARCHITECTURES[architecture]
    recipe = replace(RECIPE, lr=2.0**-5, steps=2) if "deep" in architecture or "residual" in architecture else RECIPE
    x, y = integers(*shape, seed=1), integers(*shape, seed=2)
    initial = integer_weights(make_model(), members=3)
    ensemble = train(make_model, x, y, recipe=recipe, seeds=range(3), initial=initial)
    for index in range(3):
        weights, losses = train_alone(make_model, member(initial, index), x, y, recipe)
        assert equal(member(ensemble.weights, index), weights)
        assert ensemble.history.losses[index].tolist() == losses
        assert losses[-1] != losses[0]


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamax", "rmsprop", "adagrad"])
def test_every_optimizer_and_the_schedule_are_torchs(optimizer: str, precision: str) -> None:
    """One weight and one input: nothing is summed, so that whole runs agree bit for bit."""
    recipe = Recipe(optimizer=optimizer, lr=0.07, steps=100, precision=precision, scheme="kaiming_normal")
    x = torch.tensor([[1.3]], dtype=recipe.dtype)
    # torch's fused kernels of Adam and Adagrad round the entries of a full register differently from what is left over.
    together = [range(5)] if optimizer in ("sgd", "adamax", "rmsprop") else [(seed,) for seed in range(5)]
    for seeds in together:
        ensemble = train(lambda: FCN(1, 1), x, -x, recipe=recipe, seeds=seeds)
        for index in range(len(seeds)):
            start = member(ensemble.initial_weights, index)
            weights, _ = train_alone(lambda: FCN(1, 1), start, x, -x, recipe)
            assert equal(member(ensemble.weights, index), weights)


def test_rmsprop_with_momentum_is_torchs() -> None:
    recipe = Recipe(optimizer="rmsprop", momentum=0.5, lr=0.01, steps=50, precision="float64")
    x = torch.tensor([[0.7]], dtype=torch.float64)
    ensemble = train(lambda: FCN(1, 1), x, recipe=recipe, seeds=(3,))
    weights, _ = train_alone(lambda: FCN(1, 1), member(ensemble.initial_weights, 0), x, x, recipe)
    assert equal(member(ensemble.weights, 0), weights)


def test_two_milestones_in_one_step_count_twice() -> None:
    x, y = integers(*VECTORS, seed=1), integers(*VECTORS, seed=2)
    initial = integer_weights(FCN(8, 1), members=1)
    recipe = replace(RECIPE, decay_at=(0.3, 0.4), gamma=0.5)
    assert recipe.milestones == (1, 1)
    weights, _ = train_alone(lambda: FCN(8, 1), member(initial, 0), x, y, recipe)
    assert equal(member(train(lambda: FCN(8, 1), x, y, recipe=recipe, initial=initial).weights, 0), weights)


def test_initial_weights_are_those_of_initialize() -> None:
    make_model = lambda: CNN(1, 2, 3, 3, bias=True)  # noqa: E731
    recipe = Recipe(steps=0, scheme="orthogonal")
    ensemble = train(make_model, torch.rand(1, 5, 5), recipe=recipe, seeds=(4, 9))
    for index, seed in enumerate((4, 9)):
        expected = dict(initialize(make_model(), "orthogonal", seed).named_parameters())
        assert equal(member(ensemble.initial_weights, index), expected)
    assert equal(ensemble.weights, ensemble.initial_weights)


def test_seeds_repeat_a_run_bit_for_bit() -> None:
    x = torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    recipe = Recipe(optimizer="adam", lr=1e-3, steps=30)
    runs = []
    for _ in range(2):
        runs.append(train(lambda: CNN(1, 3, 4, 3), x, recipe=recipe, seeds=range(7)))
        torch.manual_seed(99)  # what else the program draws does not matter
    assert equal(runs[0].weights, runs[1].weights)
    assert torch.equal(runs[0].history.losses, runs[1].history.losses)


def test_training_leaves_torchs_global_random_state_and_the_arguments_alone() -> None:
    x = torch.rand(1, 4, 4)
    initial = integer_weights(CNN(1, 1), members=1)
    kept = {name: value.clone() for name, value in initial.items()}
    state, image = torch.random.get_rng_state(), x.clone()
    train(lambda: CNN(1, 1), x, recipe=Recipe(steps=3), initial=initial)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(x, image)
    assert equal(initial, kept)


def test_snapshots_keep_the_trajectory() -> None:
    x = integers(1, 2, 4, 4, seed=1)
    initial = integer_weights(CNN(2, 1, kernel_size=3), members=2)
    whole = train(lambda: CNN(2, 1, kernel_size=3), x, recipe=RECIPE, seeds=(0, 1), initial=initial, snapshots=range(4))
    assert list(whole.snapshots) == [0, 1, 2, 3]
    assert equal(whole.snapshots[0], initial)
    assert equal(whole.snapshots[3], whole.weights)
    # A shorter run without milestones on the way takes the same first step.
    short = train(
        lambda: CNN(2, 1, kernel_size=3),
        x,
        recipe=replace(RECIPE, steps=1, decay_at=()),
        seeds=(0, 1),
        initial=initial,
    )
    assert equal(whole.snapshots[1], short.weights)


def test_history_records_first_last_and_log_spaced_steps() -> None:
    ensemble = train(lambda: FCN(2, 1), torch.rand(2), recipe=Recipe(steps=1000), seeds=range(3))
    steps = ensemble.history.steps.tolist()
    assert ensemble.history.losses.shape == (3, len(steps))
    assert (steps[0], steps[1], steps[-1]) == (0, 1, 1000)
    assert steps == sorted(set(steps))
    assert len(steps) <= 2 + 20 * 3
    gaps = [later / earlier for earlier, later in pairwise(steps[1:])]
    assert max(gaps) <= 2


def test_a_diverging_member_is_reported_and_leaves_the_others_alone() -> None:
    x = torch.rand(1, 6, 6, generator=torch.Generator().manual_seed(0))
    recipe = Recipe(lr=0.1, steps=20, precision="float64")
    tame = train(lambda: CNN(1, 1, kernel_size=3), x, recipe=recipe, seeds=range(3)).initial_weights
    wild = {name: value.clone() for name, value in tame.items()}
    wild["layers.0.weight"][1] = 1e200  # its squared error overflows at once
    beside_tame, beside_wild = (
        train(lambda: CNN(1, 1, kernel_size=3), x, recipe=recipe, seeds=range(3), initial=start)
        for start in (tame, wild)
    )
    assert beside_tame.diverged == (None, None, None)
    assert beside_wild.diverged == (None, 0, None)
    assert equal(member(beside_wild.weights, 1), member(wild, 1))
    for index in (0, 2):
        assert equal(member(beside_wild.weights, index), member(beside_tame.weights, index))
        assert torch.equal(beside_wild.history.losses[index], beside_tame.history.losses[index])


def test_divergence_is_dated_to_the_first_loss_that_is_not_finite() -> None:
    x = torch.rand(1, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    recipe = Recipe(lr=1e6, steps=500, precision="float64", decay_at=())
    ensemble = train(lambda: FCN(5, 1), x, recipe=recipe, seeds=range(2), snapshots=[500])
    for index in range(2):
        _, losses = train_alone(lambda: FCN(5, 1), member(ensemble.initial_weights, index), x, x, recipe)
        assert ensemble.diverged[index] == next(step for step, loss in enumerate(losses) if not np.isfinite(loss))
    # Nobody was left to train, and the snapshot holds what they stopped at.
    assert ensemble.history.steps[-1] == max(ensemble.diverged) < 500
    assert equal(ensemble.snapshots[500], ensemble.weights)


def test_weights_that_overflow_behind_a_dead_unit_count_as_diverged() -> None:
    # The hidden weight steps to −∞; relu switches its unit off, and the loss is 0 from then on.
    recipe = Recipe(lr=1e10, momentum=0.0, steps=3, precision="float64", decay_at=())
    initial = {"layers.0.weight": np.array([[[1e-100]]]), "layers.1.weight": np.array([[[1e100]]])}
    ensemble = train(lambda: FCN(1, 2, 1), np.array([1e100]), np.array([0.0]), recipe=recipe, initial=initial)
    assert ensemble.history.losses[0].isfinite().all()
    assert ensemble.weights["layers.0.weight"].item() == -INF
    assert ensemble.diverged == (3,)
    assert ensemble.learned == (False,)  # though its last loss, 0, is as good as it can be
    # Its loss has reached any stop_loss, but that is not what became of it.
    recipe = replace(recipe, stop_loss=0.1)
    ensemble = train(lambda: FCN(1, 2, 1), np.array([1e100]), np.array([0.0]), recipe=recipe, initial=initial)
    assert (ensemble.diverged, ensemble.stopped) == ((1,), (None,))


def test_members_that_reach_stop_loss_stop_changing() -> None:
    x = torch.rand(1, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    recipe = Recipe(lr=0.1, steps=300, precision="float64", stop_loss=1e-3, scheme="kaiming_normal")
    ensemble = train(lambda: CNN(1, 1, kernel_size=3), x, recipe=recipe, seeds=range(6), snapshots=range(301))
    assert len(set(ensemble.stopped)) > 1
    free = train(
        lambda: CNN(1, 1, kernel_size=3),
        x,
        recipe=replace(recipe, stop_loss=None),
        seeds=range(6),
        snapshots=range(301),
    )
    assert free.stopped == (None,) * 6

    def loss(weights: dict, index: int) -> float:
        network = CNN(1, 1, kernel_size=3).to(torch.float64)
        network.load_state_dict(member(weights, index))
        return nn.functional.mse_loss(network(x[None]), x[None]).item()

    for index, step in enumerate(ensemble.stopped):
        assert step is not None
        assert equal(member(ensemble.weights, index), member(free.snapshots[step], index))
        assert equal(member(ensemble.snapshots[300], index), member(ensemble.weights, index))
        # The stacked loss and this one sum 36 squares in different orders; weights move by far more in one step.
        rounding = 1 + 2 * 40 * 2**-53
        assert loss(free.snapshots[step], index) <= 1e-3 * rounding
        assert loss(free.snapshots[step - 1], index) > 1e-3 / rounding


def test_each_member_stops_where_it_would_alone_whoever_stopped_before() -> None:
    """f(x) = w x from w = 1 − ε: the nearer to the identity, the sooner."""
    x = torch.ones(1, 1, dtype=torch.float64)
    recipe = Recipe(lr=0.05, momentum=0.5, steps=200, precision="float64", decay_at=(), stop_loss=1e-3)
    weights = 1 - torch.tensor([0.1, 3.0, 0.4, 1.0, 0.2], dtype=torch.float64).view(5, 1, 1)
    together = train(lambda: FCN(1, 1), x, recipe=recipe, seeds=range(5), initial={"layers.0.weight": weights})
    assert len(set(together.stopped)) == 5
    for index in range(5):
        start = {"layers.0.weight": weights[index : index + 1]}
        alone = train(lambda: FCN(1, 1), x, recipe=recipe, initial=start)
        assert together.stopped[index] == alone.stopped[0]
        # At most 200 steps of 8 rounded operations on numbers up to 4 in size, and what a step is given it shrinks.
        off = together.weights["layers.0.weight"][index] - alone.weights["layers.0.weight"][0]
        assert off.abs().max() <= 200 * 8 * 4 * 2.0**-53


def test_who_diverged_keeps_its_date_and_answers_with_nothing() -> None:
    """f(x) = w₂ w₁ x: of the first member the first gradient overflows, and with it a weight."""
    x = torch.ones(1, 1, dtype=torch.float64)
    recipe = Recipe(lr=0.1, momentum=0.0, steps=30, precision="float64", decay_at=())
    start = torch.tensor([[1e-10, 1e160], [0.5, 0.5], [0.9, 0.9]], dtype=torch.float64)
    initial = {f"layers.{layer}.weight": start[:, layer].reshape(3, 1, 1) for layer in (0, 1)}
    make_model = lambda: FCN(1, 2, 1, activation="leaky_relu")  # noqa: E731
    ensemble = train(make_model, x, recipe=recipe, seeds=range(3), initial=initial)
    assert ensemble.diverged == (1, None, None)
    assert not ensemble.weights["layers.0.weight"][0].isfinite()
    assert ensemble.predict(x).isnan().flatten().tolist() == [True, False, False]
    assert ensemble.learned == (False, True, True)


def test_a_loss_of_just_stop_loss_is_reached() -> None:
    x, y = integers(*VECTORS, seed=1), integers(*VECTORS, seed=2)
    initial = integer_weights(FCN(8, 1), members=1)
    free = train(lambda: FCN(8, 1), x, y, recipe=RECIPE, initial=initial)
    recipe = replace(RECIPE, stop_loss=float(free.history.losses[0, 0]))
    ended = train(lambda: FCN(8, 1), x, y, recipe=recipe, initial=initial)
    assert ended.stopped == (0,)
    assert equal(ended.weights, initial)


def test_recipe_decides_the_precision_and_inputs_decide_the_kind() -> None:
    x = np.arange(12).reshape(1, 3, 4)  # integers
    for precision in ("float32", "float64"):
        ensemble = train(lambda: CNN(1, 1, kernel_size=3), x, recipe=Recipe(lr=1e-3, steps=2, precision=precision))
        assert ensemble.weights["layers.0.weight"].dtype == getattr(torch, precision)
        predicted = ensemble.predict(x.astype(np.float32))
        assert isinstance(predicted, np.ndarray)
        assert predicted.dtype == precision
        assert isinstance(ensemble.predict(torch.from_numpy(x)), torch.Tensor)


def test_unbatched_inputs_are_a_batch_of_one() -> None:
    x = torch.rand(8, dtype=torch.float64)
    one, batch = (train(lambda: FCN(8, 2, 4), v, recipe=Recipe(steps=5, precision="float64")) for v in (x, x[None]))
    assert equal(one.weights, batch.weights)
