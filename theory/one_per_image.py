"""One network for each image of a data set: what each learns from its own image, for all of them at once."""

import math
from dataclasses import dataclass
from typing import Any, cast

import array_api_compat
import numpy as np
from jaxtyping import Float, Int, Num

from numerics.arguments import as_float64, common_namespace, floating_dtype, rounded
from numerics.full_rank import positive_definite
from numerics.many_ranks import parts
from numerics.row_space import UndecidedRankError, to_numpy
from theory.networks import Network, check_network, unpack
from theory.optimizer import GradientDescent
from theory.problem import (
    Problem,
    check_optimizer,
    check_targets,
    covered,
    decomposed_design,
    initial_parameters,
    refuse_unstable,
)


@dataclass(frozen=True)
class PerImage:
    """Networks of one architecture, of which each was trained on one input alone, as theory predicts them.

    After a sequence of step numbers (a trajectory), weight, bias and loss have one more axis in front: time.

    Attributes:
        network: the architecture.
        weight: in torch's layout, (n, ...).
        bias: in torch's layout, (n, ...), or None.
        rank: of each input's design matrix, (n,); for a locally connected network (n, H', W').
        deficiency: parameters of one output unit (its bias included) less the rank.
        loss: mean squared error on the input that each was trained on, (n,).
        steps: how long they were trained: math.inf, a number, or a tuple of numbers.
        method: how each was found, (n,): "support", "gram" or "decomposition", as in `TrainedNetwork`.
    """

    network: Network
    weight: Float[Any, "..."]
    bias: Float[Any, "..."] | None
    rank: Int[np.ndarray, "n ..."]
    deficiency: Int[np.ndarray, "n ..."]
    loss: Float[Any, "..."]
    steps: int | float | tuple[int, ...]
    method: np.ndarray


def per_image(
    network: Network,
    inputs: Num[Any, "n ..."],
    targets: Num[Any, "n ..."] | None = None,
    *,
    initial: Any = None,
    steps: Any = math.inf,
    optimizer: GradientDescent | None = None,
) -> PerImage:
    """Return what `gradient_descent` makes of a network for each input alone: one network per image of a data set.

    In the limit of the identity task a network of full rank is the identity, whatever it began with: where that is
    proved, as for most pictures, nothing is solved or decomposed.

    Args:
        network: FullyConnected, Convolutional or LocallyConnected.
        inputs: training inputs, (n, d) for a fully connected network, else (n, C, H, W).
        targets: what each network is to output for its own input, in the shape of their outputs; None for the identity
            task.
        initial: initial weight in torch's layout, or (weight, bias) where the network has a bias, the same for all;
            None for zeros.
        steps: math.inf for the limit, a number of steps, or a sequence of numbers (a trajectory).
        optimizer: learning rate, momentum and schedule; required for finite steps. In the limit the result does not
            depend on it, but a final rate that is unstable on any of the inputs is refused.

    Returns:
        Weights, ranks, deficiencies and training losses, one for each input; arrays of the inputs' kind and dtype.

    Raises:
        TypeError: arrays of different kinds or dtypes, a bare weight where there is a bias, or wrong types.
        ValueError: inputs without a batch axis, shapes that do not fit, no targets where the identity has no meaning,
            finite steps without an optimizer, or steps=inf with an unstable final learning rate.
        UndecidedRankError: (a ValueError) rounding leaves the rank of an input open, naming it.
        OverflowError: weights beyond the range of the inputs' dtype, or an unstable learning rate has carried them past
            what float64 can hold.

    Example:
        >>> import numpy as np
        >>> from theory.sliding_window import Convolutional
        >>> images = np.zeros((2, 1, 5, 5))
        >>> images[0, 0, 2, 2] = 1
        >>> found = per_image(Convolutional(1, kernel_size=3), images)
        >>> found.deficiency.tolist(), found.method.tolist()
        ([0, 9], ['support', 'decomposition'])

    Source: Zhang et al. 2020, Theorems 1 and 2, as in `gradient_descent`; what the support of an image proves is proved
        in `numerics.rank_certificate`.
    """
    inputs = check_network(network).check_inputs("inputs", inputs)
    batched = max(network.input_shapes)
    if inputs.ndim != batched:
        shape = tuple(inputs.shape)
        raise ValueError(
            f"inputs must have a batch axis, {network.input_shapes[batched]}, got {shape}; of one: gradient_descent"
        )
    targets = check_targets(network, inputs, targets)
    common_namespace(inputs=inputs, targets=targets)
    start = initial_parameters(network, inputs, initial)
    if optimizer is not None:
        check_optimizer(optimizer)
    limit = isinstance(steps, float | np.floating) and steps == math.inf
    method = np.full(inputs.shape[0], "decomposition")
    if limit and targets is None:
        method = _proved(network, inputs, optimizer)
    places = np.flatnonzero(method == "decomposition")
    descents = [
        _descents(network, inputs, targets, places[part], start, steps, optimizer)
        for part in parts(len(places), math.prod(network.design(as_float64(inputs[:1, ...])).shape))
    ]
    return _gathered(network, inputs, steps if limit else None, method, places, descents)


def _proved(network: Network, inputs: Any, optimizer: GradientDescent | None) -> np.ndarray:
    """How each input's design is proved to have full column rank; "decomposition" where it is not."""
    method = np.where(network.full_by_support(inputs), "support", "decomposition")
    entries = math.prod(network.target_shape(inputs)[1:])
    open_ones = np.arange(len(method)) if optimizer is not None else np.flatnonzero(method == "decomposition")
    for part in parts(len(open_ones), network.identity_parameters(inputs).shape[-1] ** 2):
        places = open_ones[part]
        some = as_float64(_taken(inputs, places))
        xp = array_api_compat.array_namespace(some)
        largest = np.abs(to_numpy(some)).max(axis=tuple(range(1, some.ndim)), keepdims=True)
        units = np.ldexp(1.0, np.frexp(largest)[1] - 1)  # powers of two: no square overflows or vanishes
        gram = network.design_gram(some / xp.asarray(units, device=array_api_compat.device(some)), each=True)
        if gram is None:
            break
        matrices = to_numpy(gram.matrix)
        method[places[positive_definite(matrices, gram.error) & (method[places] != "support")]] = "gram"
        if optimizer is not None:
            scale = np.repeat(units.reshape(-1, 1), matrices.shape[-1], axis=1)
            scale[:, scale.shape[1] - network.bias :] = 1  # what a bias multiplies was not divided
            values = np.linalg.eigvalsh(matrices * scale[:, :, None] * scale[:, None, :])
            refuse_unstable(optimizer, np.sqrt(values[:, -1]), entries)
    return method


@dataclass(frozen=True)
class _Descents:
    """Some of the networks: parameters (..., n, blocks, outputs, columns), ranks (n, blocks), losses (..., n)."""

    steps: int | float | tuple[int, ...]
    parameters: Any
    rank: np.ndarray
    loss: Any


def _descents(
    network: Network,
    inputs: Any,
    targets: Any,
    places: np.ndarray,
    start: Any,
    steps: Any,
    optimizer: GradientDescent | None,
) -> _Descents:
    """What training makes of the networks for inputs at some places, by decompositions of their designs."""
    apart = cast(Network, _Apart(network))
    some = _taken(inputs, places)
    wanted = None if targets is None else _taken(targets, places)
    xp = array_api_compat.array_namespace(inputs)
    space, amplitudes = decomposed_design(apart, some, wanted)
    blocks = space.right.shape[0] // len(places)
    entries = math.prod(network.target_shape(inputs)[1:])
    try:
        steps, left, learned = covered(space, entries, steps, optimizer)
    except UndecidedRankError as error:
        raise UndecidedRankError(f"inputs[{places[error.index[0] // blocks]}]: {error}", error.index) from None
    problem = Problem(apart, some, floating_dtype(inputs), space, amplitudes, steps, left, learned)
    parameters = problem.learned_parameters()
    away = amplitudes  # of each mode, how far it was from where it ends
    if start is not None:
        start = _repeated(start, len(places))
        parameters = parameters + problem.forget(start)
        away = away - xp.matrix_transpose(start @ space.right)
    kept = xp.astype(space.kept, xp.float64)[..., None]
    missed = (space.singular_values[..., None] * left[..., None] * away * kept) ** 2  # (..., n · blocks, q, outputs)
    square = xp.sum(missed, axis=(-2, -1))
    if wanted is not None:  # what no parameters reach
        responses = apart.stack(as_float64(wanted))
        reached = space.left @ (kept * (xp.matrix_transpose(space.left) @ responses))
        square = square + xp.sum((responses - reached) ** 2, axis=(-2, -1))
    shape = (*parameters.shape[:-3], len(places), blocks)
    loss = xp.sum(xp.reshape(square, shape), axis=-1) / entries
    rank = np.asarray(space.rank).reshape(len(places), blocks)
    return _Descents(steps, xp.reshape(parameters, (*shape, *parameters.shape[-2:])), rank, loss)


def _gathered(
    network: Network, inputs: Any, steps: Any, method: np.ndarray, places: np.ndarray, descents: list[_Descents]
) -> PerImage:
    """All networks: those of descents at their places, and else the identity."""
    xp, device = array_api_compat.array_namespace(inputs), array_api_compat.device(inputs)
    n, known = len(method), len(method) - len(places)
    if descents:
        steps = descents[0].steps
        times, shape = descents[0].parameters.shape[:-4], descents[0].parameters.shape[-3:]
    else:
        times, shape = (), network.identity_parameters(inputs).shape
    parameters = [some.parameters for some in descents]
    loss = [some.loss for some in descents]
    if known:
        parameters.append(xp.broadcast_to(network.identity_parameters(inputs), (*times, known, *shape)))
        loss.append(xp.zeros((*times, known), dtype=xp.float64, device=device))
    rank = np.full((n, shape[0]), shape[-1])
    rank[places] = np.concatenate([np.empty((0, shape[0]), int), *(some.rank for some in descents)])
    order = np.argsort(np.concatenate([places, np.flatnonzero(method != "decomposition")]))
    order, time = xp.asarray(order, device=device), len(times)
    parameters = xp.take(xp.concat(parameters, axis=time), order, axis=time)
    loss = xp.take(xp.concat(loss, axis=time), order, axis=time)
    dtype = floating_dtype(inputs)
    weight, bias = unpack(network, inputs, parameters)
    blocks = network.bias_shape(inputs)[:-1]  # (H', W') for a locally connected network, () else
    rank = rank.reshape(n, *blocks)
    return PerImage(
        network=network,
        weight=rounded("the trained weights", weight, dtype),
        bias=None if bias is None else rounded("the trained biases", bias, dtype),
        rank=rank,
        deficiency=shape[-1] - rank,
        loss=rounded("the training losses", loss, dtype),
        steps=steps,
        method=method,
    )


@dataclass(frozen=True)
class _Apart:
    """A network as one for each input: their designs are blocks of their own, the inputs' order outside."""

    network: Network

    def design(self, inputs: Any) -> Any:
        return self._apart(self.network.design(inputs), inputs)

    def design_blocks(self, inputs: Any) -> None:
        return None

    def stack(self, predictions: Any) -> Any:
        return self._apart(self.network.stack(predictions), predictions)

    def identity_parameters(self, inputs: Any) -> Any:
        return _repeated(self.network.identity_parameters(inputs), inputs.shape[0])

    def _apart(self, rows: Any, inputs: Any) -> Any:
        """(blocks, n · rows, columns) as (n · blocks, rows, columns): the rows of an input stand together."""
        xp = array_api_compat.array_namespace(rows)
        n, (blocks, _, columns) = inputs.shape[0], rows.shape
        each = xp.permute_dims(xp.reshape(rows, (blocks, n, -1, columns)), (1, 0, 2, 3))
        return xp.reshape(each, (n * blocks, -1, columns))


def _repeated(parameters: Any, n: int) -> Any:
    """(blocks, outputs, columns) for each of n inputs: (n · blocks, outputs, columns)."""
    xp = array_api_compat.array_namespace(parameters)
    return xp.reshape(xp.broadcast_to(parameters, (n, *parameters.shape)), (-1, *parameters.shape[1:]))


def _taken(array: Any, places: np.ndarray) -> Any:
    xp = array_api_compat.array_namespace(array)
    return xp.take(array, xp.asarray(places, device=array_api_compat.device(array)), axis=0)
