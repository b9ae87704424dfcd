"""What gradient descent makes of a one-layer network: in the limit, and after any number of steps."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import array_api_compat
import numpy as np
from jaxtyping import Float, Num

from numerics.arguments import (
    as_float64,
    common_namespace,
    floating_dtype,
    is_integer,
    rounded,
)
from numerics.row_space import to_numpy
from theory.networks import DesignGram, Network, check_network, unpack
from theory.optimizer import GradientDescent
from theory.problem import (
    Problem,
    check_optimizer,
    check_targets,
    decomposed_design,
    initial_parameters,
    problem_of,
    refuse_unstable,
)
from theory.proved_limit import proved_gram, solution


@dataclass(frozen=True)
class TrainedNetwork:
    """A one-layer network after training, as theory predicts it. Call it to predict new inputs.

    After a sequence of step numbers (a trajectory), weight, bias and predictions have one more axis in front: time.

    Attributes:
        network: its architecture.
        weight: in torch's layout, comparable to `nn.Linear.weight` or `nn.Conv2d.weight` entry by entry.
        bias: in torch's layout, or None.
        rank: of the design matrix; for a locally connected network one per output pixel, (H', W').
        deficiency: parameters of one output unit (its bias included) less the rank: what training leaves untouched.
        steps: how long it was trained: math.inf, a number, or a tuple of numbers.
        method: how it was found: by a "decomposition" of the design matrix; or in the limit, where full rank is proved,
            from what proves it: that the image is zero near its borders, "support" (`numerics.support_certificate`), or
            a Cholesky factorization of the Gram matrix, "gram".
    """

    network: Network
    weight: Float[Any, "..."]
    bias: Float[Any, "..."] | None
    rank: int | np.ndarray
    deficiency: int | np.ndarray
    steps: int | float | tuple[int, ...]
    method: str
    _parameters: Any = field(repr=False)
    _trained_on: Any = field(repr=False)
    _singular_values: Any = field(repr=False)

    @classmethod
    def of(
        cls,
        network: Network,
        inputs: Any,
        parameters: Any,
        *,
        rank: np.ndarray,
        steps: int | float | tuple[int, ...],
        method: str,
        singular_values: Any = None,
    ) -> "TrainedNetwork":
        """Lay out parameters, (..., blocks, outputs, columns), and ranks, (blocks,), as the caller knows them."""
        dtype = floating_dtype(inputs)
        weight, bias = unpack(network, inputs, parameters)
        blocks = network.bias_shape(inputs)[:-1]  # (H', W') for a locally connected network, () else
        found = rank.reshape(blocks) if blocks else int(rank[0])
        return cls(
            network=network,
            weight=rounded("the trained weights", weight, dtype),
            bias=None if bias is None else rounded("the trained biases", bias, dtype),
            rank=found,
            deficiency=parameters.shape[-1] - found,
            steps=steps,
            method=method,
            _parameters=parameters,
            _trained_on=inputs,
            _singular_values=singular_values,
        )

    @cached_property
    def spectrum(self) -> Float[Any, "..."]:
        """The design matrix's singular values, descending; for a locally connected network (H', W', values).

        Where the limit was found without them, they are computed when they are first asked for.
        """
        values = self._singular_values
        if values is None:
            values = decomposed_design(self.network, self._trained_on, None)[0].singular_values
        xp = array_api_compat.array_namespace(values)
        blocks = self.network.bias_shape(self._trained_on)[:-1]
        return rounded("singular values", xp.reshape(values, (*blocks, -1)), self.weight.dtype)

    def __call__(self, inputs: Num[Any, "..."]) -> Float[Any, "..."]:
        """Predict the network's outputs.

        Args:
            inputs: (n, d) or (d,) for a fully connected network, else (n, C, H, W) or (C, H, W); for a convolutional
                network of any size that its kernel fits. Of the training inputs' kind, device and floating dtype, or
                integers.

        Returns:
            Predictions with the inputs' batching, in the training inputs' floating dtype: (n, outputs) or (outputs,),
            (n, outputs, H', W') or (outputs, H', W').

        Raises:
            TypeError: inputs that are not a real array, or of another kind or dtype than the training inputs.
            ValueError: inputs that do not fit the network, or on another device.
            OverflowError: predictions beyond the dtype's range.
        """
        inputs = check_predictable(self.network, inputs, self._trained_on)
        with np.errstate(over="ignore", invalid="ignore"):  # told below
            found = self.network.answers(inputs, self._parameters, self.weight.dtype)
        return rounded("predictions", found, found.dtype)


def check_predictable(network: Network, inputs: Any, trained_on: Any) -> Any:
    """Refuse inputs that a network trained on `trained_on` cannot be asked about; see `TrainedNetwork.__call__`."""
    inputs = network.check_inputs("inputs", inputs)
    others = {"the training inputs": trained_on}
    common_namespace(inputs=inputs, **others, same_dtype=not is_integer(inputs))
    if network.weight_shape(inputs) != network.weight_shape(trained_on):
        raise ValueError(
            f"a locally connected network predicts images of the size it was trained on, "
            f"{tuple(trained_on.shape[-2:])}, got {tuple(inputs.shape[-2:])}"
        )
    return inputs


def gradient_descent(
    network: Network,
    inputs: Num[Any, "..."],
    targets: Num[Any, "..."] | None = None,
    *,
    initial: Any = None,
    steps: Any = math.inf,
    optimizer: GradientDescent | None = None,
) -> TrainedNetwork:
    """Return the network that full-batch gradient descent on the mean squared error arrives at.

    With the design matrices of the inputs stacked into D and the targets into T, it ends at

        Θ_∞ = Θ₀ (I − Π) + (D⁺T)ᵀ,   Π = D⁺D,

    and after t steps each singular direction of D has covered 1 − e_t of that way, with e_t from
    `numerics.momentum_response` at λ = 2σ²/(number of target entries).

    Args:
        network: FullyConnected, Convolutional or LocallyConnected.
        inputs: training inputs, (n, d) or (d,) for a fully connected network, else (n, C, H, W) or (C, H, W).
        targets: what the network is to output for them, in the shape of its output; None for the identity task: the
            inputs themselves ("same" padding) or what the kernel's central tap sees of them ("valid": the centre crop).
        initial: initial weight in torch's layout, or (weight, bias) where the network has a bias; None for zeros.
        steps: math.inf for the limit, a number of steps, or a sequence of numbers (a trajectory).
        optimizer: learning rate, momentum and schedule; required for finite steps. In the limit the result does not
            depend on it, but an unstable final rate is refused.

    Returns:
        The trained network, its arrays of the inputs' kind, device and floating dtype (float64 for integers).

    Raises:
        TypeError: arrays of different kinds or dtypes, a bare weight where there is a bias, or wrong types.
        ValueError: shapes that do not fit, no targets where the identity has no meaning, finite steps without an
            optimizer, steps=inf with an unstable final learning rate, or a rank that rounding leaves undecided.
        OverflowError: the weights are beyond the range of the inputs' dtype, or an unstable learning rate has carried
            them past what float64 can hold.

    Example:
        >>> import numpy as np
        >>> from theory.networks import FullyConnected
        >>> initial = np.array([[0.0, 0.0], [0.0, 2.0]])
        >>> trained = gradient_descent(FullyConnected(2), np.array([1.0, 1.0]), initial=initial)
        >>> trained.rank, trained.weight.round(6).tolist()  # along (1, 1) the identity, across it as it began
        (1, [[0.5, 0.5], [-0.5, 1.5]])

    Source: Zhang et al. 2020, Theorems 1 and 2; derived in theory/derivations ("fcn-limit", "cnn-limit", "momentum").
    """
    inputs = check_network(network).check_inputs("inputs", inputs)
    targets = check_targets(network, inputs, targets)
    common_namespace(inputs=inputs, targets=targets)
    start = initial_parameters(network, inputs, initial)
    if isinstance(steps, float | np.floating) and steps == math.inf:
        known = _known_limit(network, inputs, targets, optimizer)
        if known is not None:
            return known
    problem = problem_of(network, inputs, targets, steps=steps, optimizer=optimizer)
    parameters = problem.learned_parameters()
    if start is not None:
        parameters = parameters + problem.forget(start)
    return _trained_network(problem, parameters)


def _known_limit(
    network: Network, inputs: Any, targets: Any, optimizer: GradientDescent | None
) -> TrainedNetwork | None:
    """The limit where full rank is proved without a decomposition; None elsewhere."""
    xp = array_api_compat.array_namespace(inputs)
    if targets is None and network.full_by_support(inputs).any():  # more inputs are more rows: the rank stays
        if optimizer is not None:
            scaled, unit = _scaled(as_float64(inputs))
            _refuse_unstable_by_gram(optimizer, network, inputs, network.design_gram(scaled), unit)
        parameters = xp.asarray(network.identity_parameters(inputs), copy=True)
        return TrainedNetwork.of(
            network, inputs, parameters, rank=np.array([parameters.shape[-1]]), steps=math.inf, method="support"
        )
    scaled, unit = _scaled(as_float64(inputs))
    gram = proved_gram(network, scaled, solve=targets is not None)
    if gram is None:
        return None
    if optimizer is not None:
        _refuse_unstable_by_gram(optimizer, network, inputs, gram, unit)
    if targets is None:
        parameters = xp.asarray(network.identity_parameters(inputs), copy=True)
    else:
        parameters = solution(network, scaled, as_float64(targets), gram)
        weights = parameters.shape[-1] - network.bias
        with np.errstate(over="ignore"):  # told where the weights are rounded
            parameters = xp.concat([parameters[..., :weights] / unit, parameters[..., weights:]], axis=-1)
    return TrainedNetwork.of(
        network, inputs, parameters, rank=np.array([parameters.shape[-1]]), steps=math.inf, method="gram"
    )


def _refuse_unstable_by_gram(
    optimizer: GradientDescent, network: Network, inputs: Any, gram: DesignGram | None, unit: float
) -> None:
    """`_refuse_unstable`, the largest singular value being known from the Gram matrix of inputs divided by `unit`."""
    check_optimizer(optimizer)
    assert gram is not None, "a network whose support is looked at has a Gram matrix"
    matrix = to_numpy(gram.matrix)
    units = np.full(len(matrix), unit)
    units[len(units) - network.bias :] = 1  # what a bias multiplies was not divided
    largest = np.sqrt(np.linalg.eigvalsh(matrix * np.outer(units, units))[-1:])
    refuse_unstable(optimizer, largest, math.prod(network.target_shape(inputs)))


def _scaled(inputs: Any) -> tuple[Any, float]:
    """Inputs divided by the power of two at their largest entry, exactly, and that power: squares stay in range."""
    largest = float(to_numpy(abs(inputs)).max())
    unit = math.ldexp(1.0, math.frexp(largest)[1] - 1) if largest else 1.0
    return inputs / unit, unit


def _trained_network(problem: Problem, parameters: Any) -> TrainedNetwork:
    values = problem.space.singular_values
    return TrainedNetwork.of(
        problem.network,
        problem.inputs,
        parameters,
        rank=problem.space.rank,
        steps=problem.steps,
        method="decomposition",
        singular_values=values,
    )
