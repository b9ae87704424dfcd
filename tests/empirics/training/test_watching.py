"""What is watched during training is what `correlation` says of predictions made by hand, step by step."""

import numpy as np
import pytest
import torch

from empirics import CNN, FCN, Recipe, TrainedEnsemble, correlation, train

RNG = np.random.default_rng(0)
RECIPE = Recipe(lr=0.3, steps=40, precision="float64")


def by_hand(ensemble: TrainedEnsemble, step: int, asked: np.ndarray) -> np.ndarray:
    """What the networks of one step predict."""
    values = vars(ensemble) | {"weights": ensemble.snapshots[step]}
    return TrainedEnsemble(**values).predict(asked)


def test_correlations_are_those_of_predictions_at_each_step() -> None:
    x, asked = RNG.random((2, 1, 6, 6)), RNG.random((3, 1, 6, 6))
    ensemble = train(lambda: CNN(1, 2, 3, 3), x, recipe=RECIPE, seeds=range(4), watch=asked, snapshots=range(41))
    history = ensemble.history
    assert history.with_input.shape == (4, len(history.steps), 3)
    assert history.with_training_image.shape == (4, len(history.steps), 3)
    for place, step in enumerate(history.steps.tolist()):
        predictions = by_hand(ensemble, step, asked)
        # A dead network's answer is constant: it correlates with nothing.
        assert np.array_equal(history.with_input[:, place], np.nan_to_num(correlation(predictions, asked)))
        each = [np.nan_to_num(correlation(predictions, target)) for target in x]
        # Sums of 36 products of numbers below 1, in another order.
        assert np.abs(history.with_training_image[:, place].numpy() - np.max(each, axis=0)).max() <= 36 * 2.0**-50


def test_nothing_is_watched_unless_asked() -> None:
    history = train(lambda: FCN(4, 1), RNG.random(4), recipe=RECIPE).history
    assert history.with_input is history.with_training_image is None


def test_images_of_another_size_are_compared_with_themselves_only() -> None:
    with pytest.warns(UserWarning, match="with_training_image will be None"):
        history = train(lambda: CNN(1, 1), RNG.random((1, 6, 6)), recipe=RECIPE, watch=RNG.random((1, 9, 7))).history
    assert history.with_input.shape == (1, len(history.steps), 1)
    assert history.with_training_image is None
    halved = lambda: CNN(1, 1, kernel_size=2, stride=2, padding="valid")  # noqa: E731
    x, y = RNG.random((1, 6, 6)), RNG.random((1, 3, 3))
    with pytest.warns(UserWarning, match="with_input will be None"):
        history = train(halved, x, y, recipe=RECIPE, watch=RNG.random((2, 1, 6, 6))).history
    assert history.with_input is None
    assert history.with_training_image.shape == (1, len(history.steps), 2)


def test_members_at_rest_are_watched_as_they_are_and_diverged_ones_are_nan() -> None:
    recipe = Recipe(lr=0.5, steps=400, precision="float64", stop_loss=1e-3, decay_at=())
    x = RNG.random(5)
    start = RNG.normal(size=(3, 5, 5))
    start[1] *= 1e200
    start[2] = np.nan_to_num(np.inf)  # finite, but no output is
    ensemble = train(
        lambda: FCN(5, 1), x, recipe=recipe, seeds=range(3), initial={"layers.0.weight": start}, watch=x[None]
    )
    assert ensemble.diverged == (None, 0, 0)
    history = ensemble.history
    at_rest = history.steps >= ensemble.stopped[0]
    final = correlation(ensemble.predict(x[None])[:1], x[None]).item()
    assert set(history.with_input[0, at_rest, 0].tolist()) == {final}
    assert bool(history.with_input[1:].isnan().all())  # also of the one whose outputs are finite


def test_what_was_watched_is_saved(tmp_path) -> None:
    ensemble = train(lambda: FCN(4, 1), RNG.random(4), recipe=RECIPE, watch=RNG.random((2, 4)))
    ensemble.save(tmp_path)
    loaded = TrainedEnsemble.load(tmp_path).history
    assert torch.equal(loaded.with_input, ensemble.history.with_input)
    assert torch.equal(loaded.with_training_image, ensemble.history.with_training_image)


@pytest.mark.parametrize(
    ("watch", "error", "words"),
    [
        (RNG.random((1, 1, 4)), ValueError, r"watch must have shape \(n, d\) or \(d,\)"),
        (RNG.random((2, 5)), ValueError, "watch must have 4 entries for this network, got 5"),
        (torch.rand(2, 4), TypeError, "inputs and watch must be arrays of one kind"),
        (np.full((1, 4), np.nan), ValueError, "watch must be finite"),
    ],
)
def test_what_cannot_be_watched_is_refused(watch, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        train(lambda: FCN(4, 1), RNG.random(4), recipe=RECIPE, watch=watch)
