"""How a network is trained."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch

from empirics.arguments import choice, integer, real
from empirics.networks.initialization import SCHEMES
from empirics.training.optimizers import OPTIMIZERS, USUAL_RATES

# Of weights, optimizer and losses; "tf32" and "bfloat16" say what goes into products.
PRECISIONS = {"float32": torch.float32, "float64": torch.float64, "tf32": torch.float32, "bfloat16": torch.float32}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: full-batch, with a step-decay schedule.

    The defaults are the paper's: heavy-ball momentum 0.9, the learning rate times 0.2 at 30, 60 and 80 % of the run.

    Attributes:
        optimizer: "sgd", "adam", "adamax", "rmsprop" or "adagrad", each as in `torch.optim`.
        lr: learning rate η > 0 of the first steps. Left out, or None: 0.01 of sgd and adagrad, 0.001 of the others.
        momentum: β in [0, 1): `momentum` of sgd and rmsprop, β₁ of adam and adamax. None for 0.9, or for 0 with
            rmsprop (torch's default) and adagrad (which has none).
        decay_at: fractions of the run in [0, 1], ascending; at each the rate is multiplied by gamma.
        gamma: the factor of the step decay, positive.
        steps: how many steps to take.
        stop_loss: members whose loss is at most this stop changing; None for never.
        precision: "float32" or "float64", of weights and arithmetic. "tf32" and "bfloat16" are float32 but for the
            factors of products, which are rounded to 11 or 8 bits: on a GPU that knows these formats, several times
            faster ("tf32" is float32 elsewhere).
        scheme: the distribution of the initial weights, see `initialize`.

    Raises:
        TypeError: a setting of the wrong type.
        ValueError: a setting out of range.

    Source: Zhang et al. 2020, appendix on training details.
    """

    optimizer: str = "sgd"
    lr: float = cast(float, None)
    momentum: float | None = None
    decay_at: tuple[float, ...] = (0.3, 0.6, 0.8)
    gamma: float = 0.2
    steps: int = 10_000
    stop_loss: float | None = None
    precision: str = "float32"
    scheme: str = "default"

    def __post_init__(self) -> None:
        self._set("optimizer", choice("optimizer", self.optimizer, OPTIMIZERS))
        self._set("lr", USUAL_RATES[self.optimizer] if self.lr is None else _positive("lr", self.lr))
        self._set("momentum", self._checked_momentum())
        self._set("decay_at", self._checked_decay_at())
        self._set("gamma", _positive("gamma", self.gamma))
        self._set("steps", integer("steps", self.steps, least=0))
        if self.stop_loss is not None:
            self._set("stop_loss", real("stop_loss", self.stop_loss))
            if self.stop_loss < 0:
                raise ValueError(f"stop_loss must not be negative, got {self.stop_loss}")
        self._set("precision", choice("precision", self.precision, PRECISIONS))
        self._set("scheme", choice("scheme", self.scheme, SCHEMES))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _checked_momentum(self) -> float:
        if self.momentum is None:
            return 0.0 if self.optimizer in ("rmsprop", "adagrad") else 0.9
        momentum = real("momentum", self.momentum)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), got {momentum}")
        if self.optimizer == "adagrad" and momentum > 0:
            raise ValueError(f"momentum must be 0 or None for adagrad, which has none, got {momentum}")
        return momentum

    def _checked_decay_at(self) -> tuple[float, ...]:
        if isinstance(self.decay_at, str) or not isinstance(self.decay_at, Iterable):
            raise TypeError(f"decay_at must be a sequence of fractions of the run, got {self.decay_at!r}")
        fractions = tuple(real("decay_at", fraction) for fraction in self.decay_at)
        if any(not 0 <= fraction <= 1 for fraction in fractions):
            raise ValueError(f"decay_at must be fractions of the run, in [0, 1], got {fractions}")
        if list(fractions) != sorted(fractions):
            raise ValueError(f"decay_at must be in ascending order, got {fractions}")
        return fractions

    @property
    def milestones(self) -> tuple[int, ...]:
        """The steps at which the rate decays, round(fraction · steps): what `MultiStepLR` and `theory` take."""
        return tuple(round(fraction * self.steps) for fraction in self.decay_at)

    @property
    def dtype(self) -> torch.dtype:
        """The torch dtype of the weights."""
        return PRECISIONS[self.precision]


def _positive(name: str, value: float) -> float:
    number = real(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be positive, got {number}")
    return number
