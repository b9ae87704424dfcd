"""Linearize a network at its own weights, and decompose what training can do with it."""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Num

from numerics.arguments import real_number, step_numbers
from numerics.momentum import momentum_modes
from numerics.row_space import EPS, RowSpace, decomposed
from theory.optimizer import GradientDescent, stable_lr
from theory.tangent.prediction import LinearizedNetwork, Member

if TYPE_CHECKING:
    import torch

DENSE = 2**27  # numbers in a Jacobian (1 GiB) up to which it is held
DECOMPOSED = (
    5e9  # multiplications (rows · columns · the smaller) up to which it is decomposed itself, not its Gram matrix
)


@dataclass(frozen=True, eq=False)
class Linearization:
    """Networks linearized at their own weights, and trained inputs and targets: ask what training makes of them.

    Attributes:
        rank: of the Jacobian of the training outputs, one per seed, (seeds,), or one number without seeds.
        spectrum: its singular values, descending, (seeds, values) or (values,).
        initial_loss: the mean squared error before training, (seeds,) or one number.
        method: "decomposition" of the Jacobian, known to κ = 10¹², or of its "gram" matrix, known to κ = 10⁷.
    """

    method: str
    _members: tuple[Member, ...] = field(repr=False)
    _stacked: bool = field(repr=False)
    _numpy: bool = field(repr=False)
    _dtype: "torch.dtype" = field(repr=False)

    def _each(self, values: list[Any]) -> Any:
        return np.array(values) if self._stacked else values[0]

    @property
    def rank(self) -> Any:
        """Of the Jacobian of the training outputs."""
        return self._each([int(member.space.rank) for member in self._members])

    @property
    def spectrum(self) -> Float[np.ndarray, "*seeds values"]:
        """The Jacobian's singular values."""
        return np.asarray(self._each([np.asarray(member.space.singular_values) for member in self._members]))

    @property
    def directions(self) -> Float[np.ndarray, "*seeds outputs values"]:
        """The Jacobian's left singular vectors: which training outputs move together, one column for each value."""
        return np.asarray(self._each([np.asarray(member.space.left) for member in self._members]))

    @property
    def initial_loss(self) -> Any:
        """The mean squared error before training."""
        return self._each([member.loss(np.zeros_like(member.energies)) for member in self._members])

    @cached_property
    def kernel(self) -> Float[np.ndarray, "*seeds outputs outputs"]:
        """Θ = J Jᵀ between all training outputs, (seeds, N, N) or (N, N), in float64."""
        found = []
        for member in self._members:
            scaled = np.asarray(member.space.left) * np.asarray(member.space.singular_values)
            found.append(scaled @ scaled.T)
        return np.asarray(self._each(found))

    def max_stable_lr(self, momentum: float = 0.0) -> Any:
        """The learning rate above which the linearized training diverges, per seed; see `theory.max_stable_lr`."""
        return self._each(
            [stable_lr(np.asarray(member.space.singular_values), member.entries, momentum) for member in self._members]
        )

    def after(self, *, steps: Any = math.inf, optimizer: GradientDescent | None = None) -> LinearizedNetwork:
        """Return the linearized networks after full-batch gradient descent.

        Args:
            steps: a number of steps, or math.inf for the limit.
            optimizer: learning rate, momentum and schedule; required for finite steps.

        Returns:
            What they are then: call it to predict, ask its `doubt` how far to trust it.

        Raises:
            TypeError: steps that are not a number, or no GradientDescent.
            ValueError: finite steps without an optimizer, an unstable final rate in the limit, or a rank that rounding
                leaves undecided (ask for a finite number of steps, or `at_loss`).
            OverflowError: an unstable rate has carried the weights past what float64 can hold.
        """
        if optimizer is not None and not isinstance(optimizer, GradientDescent):
            raise TypeError(f"optimizer must be a GradientDescent, got {type(optimizer).__name__}")
        if isinstance(steps, float | np.floating) and steps == math.inf:
            learned = []
            for member in self._members:
                values = np.asarray(member.space.singular_values)
                if optimizer is not None:
                    largest = stable_lr(values, member.entries, optimizer.momentum)
                    if optimizer.final_lr >= largest:
                        raise ValueError(
                            f"optimizer's final learning rate must be below {largest:.6g} to be stable here, got "
                            f"{optimizer.final_lr:g}"
                        )
                member.require_decided()
                learned.append(np.asarray(member.space.kept).astype(np.float64))
            return self._trained(learned, steps=math.inf)
        numbers, trajectory = step_numbers(steps)
        if trajectory:
            raise TypeError(f"steps must be one number, got {steps!r}: ask once for each")
        if optimizer is None:
            raise ValueError(
                "optimizer must be given for a finite number of steps: its learning rate decides the result"
            )
        learned = [
            momentum_modes(
                member.rates,
                lr=optimizer.lr,
                momentum=optimizer.momentum,
                milestones=optimizer.milestones,
                gamma=optimizer.gamma,
                steps=numbers,
            )[1][0]
            for member in self._members
        ]
        return self._trained(learned, steps=numbers[0])

    def at_loss(self, value: float) -> LinearizedNetwork:
        """Return the linearized networks where gradient flow has brought their loss to a value, each at its own time.

        A real network's training and its linearization's run at different speeds once features move. Compared where
        both have the same loss, they are much nearer to each other than after equally many steps.

        Args:
            value: a mean squared error, below each network's initial one and above what its linearization can reach.

        Raises:
            TypeError: not a real number.
            ValueError: a loss that is not on the way of one of the networks.
        """
        value = real_number("value", value)
        learned, times = [], []
        for seed, member in enumerate(self._members):
            time = member.time_at(value)
            if time is None:
                of = f" of seed number {seed}" if self._stacked else ""
                raise ValueError(
                    f"value must be a loss on the way{of}, between {member.least_loss:.6g} (in the limit) and "
                    f"{member.loss(np.zeros_like(member.energies)):.6g} (before training), got {value:.6g}"
                )
            times.append(time)
            learned.append(-np.expm1(-member.rates * time))
        return self._trained(learned, time=self._each(times))

    def _trained(self, learned: list[np.ndarray], **when: Any) -> LinearizedNetwork:
        return LinearizedNetwork(
            steps=when.get("steps"),
            time=when.get("time"),
            loss=self._each([member.loss(part) for member, part in zip(self._members, learned, strict=True)]),
            _functions=tuple(member.function for member in self._members),
            _moved=tuple(member.moved(part) for member, part in zip(self._members, learned, strict=True)),
            _stacked=self._stacked,
            _numpy=self._numpy,
            _dtype=self._dtype,
        )


def linearize(
    model: "torch.nn.Module",
    inputs: Num[Any, "n ..."],
    targets: Num[Any, "n ..."] | None = None,
    *,
    weights: Mapping[str, Any] | None = None,
) -> Linearization:
    """Linearize a network at its own weights, as a model that gradient descent trains on these inputs.

    Any module whose forward takes the inputs, answers each by itself and the same twice. For networks that are linear
    in their parameters this is no approximation: what follows equals `theory.gradient_descent`.

    Args:
        model: a torch module; its weights are those that training begins with. It is copied, not changed.
        inputs: training inputs, with their batch axis, (n, ...).
        targets: what they are to be answered with, in the shape of the model's outputs; None for the inputs themselves.
        weights: initial weights of many networks at once, parameter name to (seeds, ...), such as
            `TrainedEnsemble.initial_weights`; None for the model's own.

    Returns:
        The linearization. Its predictions have the inputs' kind and floating dtype (float64 for integers), and are
        computed in float64.

    Raises:
        TypeError: no module, arrays that are not real or of different kinds, or `weights` that are no mapping.
        ValueError: inputs that are empty, not finite, or do not fit; targets or weights of another shape; no parameters
            to move; a forward that is random, looks at other inputs of the batch, or changes what the module holds.

    Example:
        >>> import torch, theory
        >>> _ = torch.manual_seed(0)
        >>> image = torch.rand(1, 1, 6, 6)
        >>> network = torch.nn.Conv2d(1, 1, 3, padding=1, bias=False)
        >>> theory.tangent.linearize(network, image).rank
        9

    Source: Lee et al. 2019 ("Wide neural networks of any depth evolve as linear models under gradient descent"),
    section 2.2; discrete steps and momentum as in theory/derivations ("momentum").
    """
    import torch
    from torch import nn

    from theory.tangent.arrays import checked_weights, dtype_of, float64, kind_of
    from theory.tangent.module import check_module, functions

    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    x = float64("inputs", inputs)
    module = copy.deepcopy(model).to(torch.float64).to(x.device)
    answered = check_module(module, x)
    y = x if targets is None else float64("targets", targets)
    if kind_of(inputs) != kind_of(targets if targets is not None else inputs):
        raise TypeError("inputs and targets must be arrays of one kind, got NumPy's and torch's")
    if y.shape != answered.shape:
        given = "targets must be given" if targets is None else "targets must have the shape of the model's outputs"
        raise ValueError(f"{given}: {tuple(answered.shape)}, got {tuple(y.shape)}")
    stacks = None if weights is None else checked_weights(module, weights, x.device)
    members = [_member(function, x, y) for function in functions(module, x, stacks)]
    return Linearization(
        method=members[0].method,
        _members=tuple(members),
        _stacked=weights is not None,
        _numpy=kind_of(inputs) == "numpy",
        _dtype=dtype_of(inputs),
    )


def _member(function: Any, x: "torch.Tensor", y: "torch.Tensor") -> Member:
    """One network's Jacobian, decomposed on its smaller side."""
    missing = (y - function.outputs(x).detach()).flatten().cpu().numpy()
    rows, columns = missing.size, function.size
    if rows * columns <= DENSE:
        jacobian = function.jacobian(x)
        if rows * columns * min(rows, columns) <= DECOMPOSED:
            space = decomposed(jacobian.cpu().numpy())
            return Member.of(function, x, missing, space, "decomposition")
        gram = jacobian @ jacobian.T
    else:
        gram = function.kernel(x)
    return Member.of(function, x, missing, _through_gram(gram.cpu().numpy(), columns), "gram")


def _through_gram(gram: np.ndarray, columns: int) -> RowSpace:
    """U and σ of J from Θ = J Jᵀ; V is left out, and found by a product with Jᵀ where it is needed."""
    asymmetry = float(np.abs(gram - gram.T).max()) * len(gram)  # of what both passes round
    values, left = np.linalg.eigh((gram + gram.T) / 2)
    values, left = values[::-1], left[:, ::-1]
    largest = max(float(values[0]), 0.0)
    # Rounded inner products over all parameters, the eigenvalues' backward error, and what the passes differ by.
    noise = EPS * (math.sqrt(columns) + len(gram)) * largest + asymmetry
    # A singular value is known to where its square is: σ² ± noise.
    return RowSpace(left, np.sqrt(np.clip(values, 0, None)), np.zeros((0, len(gram))), np.asarray(math.sqrt(noise)))
