"""A recipe refuses what cannot be trained, and its rate decays at fractions of the run."""

from dataclasses import asdict

import pytest

from empirics import Recipe


def test_defaults_are_the_papers() -> None:
    recipe = Recipe()
    assert (recipe.optimizer, recipe.momentum, recipe.decay_at, recipe.gamma) == ("sgd", 0.9, (0.3, 0.6, 0.8), 0.2)


@pytest.mark.parametrize(
    ("steps", "fractions", "expected"),
    [(1000, (0.3, 0.6, 0.8), (300, 600, 800)), (7, (0.0, 0.5, 1.0), (0, 4, 7)), (0, (0.3,), (0,)), (10, (), ())],
)
def test_the_rate_decays_at_rounded_fractions_of_the_run(steps: int, fractions: tuple, expected: tuple) -> None:
    assert Recipe(steps=steps, decay_at=fractions).milestones == expected


@pytest.mark.parametrize(
    ("optimizer", "momentum"), [("sgd", 0.9), ("adam", 0.9), ("adamax", 0.9), ("rmsprop", 0.0), ("adagrad", 0.0)]
)
def test_momentum_left_out_is_each_optimizers_usual_one(optimizer: str, momentum: float) -> None:
    assert Recipe(optimizer=optimizer).momentum == momentum


@pytest.mark.parametrize(
    ("optimizer", "rate"), [("sgd", 0.01), ("adam", 0.001), ("adamax", 0.001), ("rmsprop", 0.001), ("adagrad", 0.01)]
)
def test_the_learning_rate_left_out_is_one_that_trains(optimizer: str, rate: float) -> None:
    assert Recipe(optimizer=optimizer).lr == rate
    assert Recipe(optimizer=optimizer, lr=2).lr == 2.0


def test_a_recipe_comes_back_from_its_fields() -> None:
    recipe = Recipe(optimizer="rmsprop", lr=1, decay_at=[0.5], stop_loss=0, precision="float64", scheme="orthogonal")
    assert Recipe(**asdict(recipe)) == recipe


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        (
            {"optimizer": "lbfgs"},
            ValueError,
            "optimizer must be one of sgd, adam, adamax, rmsprop, adagrad, got 'lbfgs'",
        ),
        ({"lr": 0}, ValueError, "lr must be positive"),
        ({"lr": float("nan")}, ValueError, "lr must be finite"),
        ({"lr": "0.1"}, TypeError, "lr must be a real number"),
        ({"momentum": 1}, ValueError, r"momentum must be in \[0, 1\)"),
        ({"momentum": -0.1}, ValueError, r"momentum must be in \[0, 1\)"),
        ({"optimizer": "adagrad", "momentum": 0.9}, ValueError, "adagrad, which has none"),
        ({"decay_at": (0.6, 0.3)}, ValueError, "ascending"),
        ({"decay_at": (300, 600)}, ValueError, "fractions of the run"),
        ({"decay_at": 0.3}, TypeError, "decay_at must be a sequence"),
        ({"gamma": 0}, ValueError, "gamma must be positive"),
        ({"steps": -1}, ValueError, "steps must be at least 0"),
        ({"steps": 1e3}, TypeError, "steps must be an integer"),
        ({"stop_loss": -1e-3}, ValueError, "stop_loss must not be negative"),
        ({"precision": "float16"}, ValueError, "precision must be one of float32, float64"),
        ({"scheme": "he"}, ValueError, "scheme must be one of"),
    ],
)
def test_impossible_settings_are_refused(settings: dict, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Recipe(**settings)
