"""What a linearized network has become: its predictions, its weights, and how far to trust them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Num
from scipy.optimize import brentq

from numerics.row_space import RowSpace

if TYPE_CHECKING:
    import torch

    from theory.tangent.module import Function


@dataclass(frozen=True, eq=False)
class Member:
    """One network's training problem in the singular directions of its Jacobian J = U Σ Vᵀ.

    Attributes:
        function: the network at its own weights.
        space: U, σ and, where J itself was decomposed, V.
        method: "decomposition" or "gram".
        along: Uᵀ r, what is missing at first along each direction, (q,); r = targets − outputs.
        beyond: |r|² of what no change of weights can supply.
        entries: how many numbers the targets are, N.
        inputs: training inputs, in float64.
    """

    function: "Function"
    space: RowSpace
    method: str
    along: np.ndarray
    beyond: float
    entries: int
    inputs: "torch.Tensor"

    @classmethod
    def of(cls, function: "Function", x: "torch.Tensor", missing: np.ndarray, space: RowSpace, method: str) -> "Member":
        """Split what is missing along the Jacobian's directions."""
        along = space.left.T @ missing
        beyond = max(float(missing @ missing - along @ along), 0.0) if len(along) < len(missing) else 0.0
        return cls(function, space, method, along, beyond, missing.size, x)

    @property
    def energies(self) -> np.ndarray:
        """|Uᵀ r|² direction by direction."""
        return self.along**2

    @property
    def rates(self) -> np.ndarray:
        """λ = 2σ²/N of the loss's Hessian, (q,)."""
        return 2 * np.asarray(self.space.singular_values) ** 2 / self.entries

    @property
    def least_loss(self) -> float:
        """The loss in the limit."""
        return self.loss(self.space.kept.astype(np.float64))

    def require_decided(self) -> None:
        """Refuse a rank that rounding leaves open; see `RowSpace.require_decided`."""
        self.space.require_decided()

    def loss(self, learned: np.ndarray) -> float:
        """The mean squared error once so much of each direction is learned."""
        return (float(np.sum((1 - learned) ** 2 * self.energies)) + self.beyond) / self.entries

    def time_at(self, value: float) -> float | None:
        """The time at which gradient flow's loss is `value`; None where it never is."""

        def excess(log_time: float) -> float:
            return self.loss(-np.expm1(-self.rates * math.exp(log_time))) - value

        moving = self.rates[self.space.kept]
        if not len(moving) or not self.least_loss < value < self.loss(np.zeros_like(self.along)):
            return None
        # Before the first no direction has moved by a thousandth of a rounding; after the last all have arrived.
        first, last = math.log(1e-19 / moving.max()), math.log(800 / moving.min())
        if not excess(first) > 0 > excess(last):
            return None
        return math.exp(brentq(excess, first, last, xtol=1e-15, rtol=1e-15, maxiter=500))

    def moved(self, learned: np.ndarray) -> "dict[str, torch.Tensor]":
        """δ = V diag(learned/σ) Uᵀ r, by parameter name."""
        import torch

        σ = np.asarray(self.space.singular_values)
        nonzero = σ > 0
        device = self.inputs.device
        if self.method == "decomposition":
            share = np.where(nonzero, learned * self.along / np.where(nonzero, σ, 1), 0)
            return self.function.named(torch.from_numpy(self.space.right @ share).to(device))
        # V = Jᵀ U Σ⁻¹: one product with Jᵀ for all directions together.
        share = np.where(nonzero, learned * self.along / np.where(nonzero, σ**2, 1), 0)
        answered = self.function.outputs(self.inputs)
        return self.function.pulled(
            self.inputs, torch.from_numpy(self.space.left @ share).to(device).reshape(answered.shape)
        )


@dataclass(frozen=True, eq=False)
class LinearizedNetwork:
    """Networks after training, as their linearizations predict them. Call it to predict new inputs.

    Attributes:
        steps: how many steps of gradient descent it was trained for, math.inf in the limit; None where a time is given.
        time: the time of gradient flow (learning rate × steps, for small rates), (seeds,) or one number; else None.
        loss: the linearization's mean squared error on the training inputs then, (seeds,) or one number.
    """

    steps: int | float | None
    time: Any
    loss: Any
    _functions: "tuple[Function, ...]" = field(repr=False)
    _moved: "tuple[dict[str, torch.Tensor], ...]" = field(repr=False)
    _stacked: bool = field(repr=False)
    _numpy: bool = field(repr=False)
    _dtype: "torch.dtype" = field(repr=False)

    @cached_property
    def weights(self) -> "Mapping[str, Any]":
        """θ₀ + δ by parameter name, (seeds, ...) or as in the module."""
        import torch

        ends = [
            {name: value + moved[name] for name, value in function.parameters.items()}
            for function, moved in zip(self._functions, self._moved, strict=True)
        ]
        together = {name: torch.stack([end[name] for end in ends]) for name in ends[0]}
        return {name: self._given(value if self._stacked else value[0]) for name, value in together.items()}

    def __call__(self, inputs: Num[Any, "n ..."]) -> Float[Any, "..."]:
        """Predict f(θ₀; x) + J(x) δ, one forward-mode pass a network.

        Args:
            inputs: with their batch axis, (n, ...), of any size that the network takes; NumPy or torch.

        Returns:
            (seeds, n, ...), or (n, ...) without seeds, of the training inputs' kind and floating dtype.

        Raises:
            TypeError: inputs that are not a real array.
            ValueError: inputs that are empty, not finite, or do not fit the network.
        """
        return self._given(self._together([value + change for value, change in self._pushed(inputs)]))

    def doubt(self, inputs: Num[Any, "n ..."]) -> Float[Any, "*seeds n"]:
        """How far the real network at the predicted weights is from its linearization, as a share of the change.

        |f(θ₀ + δ; x) − f(θ₀; x) − J(x) δ| / |J(x) δ| for each input: one more forward pass. Where it is small, features
        hardly move on the way; where it is not, nothing is promised. It is a flag, not a bound.

        Args:
            inputs: as for a prediction.

        Returns:
            (seeds, n), or (n,) without seeds; 0 where neither the network nor its linearization moves.
        """
        import torch

        x = self._checked(inputs)
        found = []
        for function, moved in zip(self._functions, self._moved, strict=True):
            value, change = function.pushed(x, moved)
            end = {name: start + moved[name] for name, start in function.parameters.items()}
            off = (function.outputs(x, end) - value - change).flatten(1).norm(dim=1)
            size = change.flatten(1).norm(dim=1)
            found.append(torch.where((off == 0) & (size == 0), 0.0, off / size).detach())
        return self._given(self._together(found))

    def _checked(self, inputs: Any) -> "torch.Tensor":
        from theory.tangent.arrays import float64

        x = float64("inputs", inputs).to(next(iter(self._functions[0].parameters.values())).device)
        try:
            self._functions[0].outputs(x[:1])
        except Exception as error:
            words = str(error).partition("\n")[0]
            raise ValueError(f"inputs of shape {tuple(x.shape)} do not fit the network: {words}") from error
        return x

    def _pushed(self, inputs: Any) -> "list[tuple[torch.Tensor, torch.Tensor]]":
        x = self._checked(inputs)
        return [function.pushed(x, moved) for function, moved in zip(self._functions, self._moved, strict=True)]

    def _together(self, values: "list[torch.Tensor]") -> "torch.Tensor":
        import torch

        return torch.stack(values) if self._stacked else values[0]

    def _given(self, value: "torch.Tensor") -> Any:
        from numerics.arguments import rounded

        result = rounded("predictions", value.detach(), self._dtype)
        return result.cpu().numpy() if self._numpy else result
