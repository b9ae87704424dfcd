"""One-layer networks as shared-feature linear models: output unit c at position p is A(x)[p] · θ_c.

A network knows its design matrix A(x), which entries of a prediction its rows are, and how its parameters are laid out
in torch. Everything else about it (what gradient descent makes of it) is the same for all, in `theory.training`.

A *block* is a set of output positions that share parameters. Fully connected and convolutional networks have one, a
locally connected network one per output pixel. Arrays here are in float64, with these axes:

    design      (blocks, rows, columns)      rows: examples, or examples x output pixels
    responses   (..., blocks, rows, outputs)
    parameters  (..., blocks, outputs, columns)  columns: the weights of one output unit, then its bias
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import array_api_compat
import numpy as np

from numerics.arguments import (
    VECTOR_SHAPES,
    Shapes,
    as_float64,
    boolean,
    common_namespace,
    positive_int,
    real_array,
)


@dataclass(frozen=True)
class DesignGram:
    """What a design matrix D makes of things, without D.

    Attributes:
        matrix: DᵀD, (columns, columns), or one for each input, (n, columns, columns).
        error: what rounding may have moved it by, in the spectral norm; or one for each, (n,), in NumPy.
        transposed: predictions, (n, ...) or one, to (DᵀT)ᵀ, (outputs, columns).
    """

    matrix: Any
    error: Any
    transposed: Callable[[Any], Any]


@runtime_checkable
class Network(Protocol):
    """What `gradient_descent` asks of a one-layer network."""

    input_shapes: ClassVar[Shapes]
    unit_axes: ClassVar[int]  # of one output unit's weight, in torch's layout

    @property
    def fans(self) -> tuple[int, int]:
        """(f_in, f_out) as schemes of initial weights count them: with a kernel's taps, also pixel by pixel."""

    @property
    def border(self) -> tuple[int, int]:
        """Pixels that outputs have more than inputs, above (or on the left) and below (or on the right)."""

    @property
    def bias(self) -> bool:
        """Whether there is a bias."""

    @property
    def outputs(self) -> int:
        """Output units (fully connected) or channels."""

    def check_inputs(self, name: str, inputs: Any) -> Any:
        """Refuse inputs that do not fit the network."""

    def design(self, inputs: Any) -> Any:
        """A(x) for each input, stacked: (blocks, rows, columns)."""

    def design_blocks(self, inputs: Any) -> Iterator[Any] | None:
        """The design of a network of one block in parts of its rows, where the whole is large; None elsewhere."""

    def design_gram(self, inputs: Any, *, each: bool = False) -> "DesignGram | None":
        """DᵀD without D, of a network of one block, or of each input's own D; None where D itself is as quick."""

    def full_by_support(self, inputs: Any) -> np.ndarray:
        """For which inputs, (n,), what is zero in them proves that their own design has full column rank."""

    def answers(self, inputs: Any, parameters: Any, dtype: Any = None) -> Any:
        """Predictions (..., n, ...), batched as the inputs are, by parameters (..., blocks, outputs, columns).

        In float64, or computed in it and rounded once to `dtype`.
        """

    def target_shape(self, inputs: Any) -> tuple[int, ...]:
        """The shape of the network's predictions for `inputs`, which targets must have."""

    def stack(self, predictions: Any) -> Any:
        """Predictions (n, ...) as responses (blocks, rows, outputs)."""

    def unstack(self, responses: Any, inputs: Any) -> Any:
        """Responses (..., blocks, rows, outputs) as predictions (..., n, ...), batched as the inputs are."""

    def weight_shape(self, inputs: Any) -> tuple[int, ...]:
        """The weight's shape, as in torch."""

    def bias_shape(self, inputs: Any) -> tuple[int, ...]:
        """The bias's shape, as in torch."""

    def identity_parameters(self, inputs: Any) -> Any:
        """Θ*, the parameters of the identity: (blocks, outputs, columns)."""


@dataclass(frozen=True)
class FullyConnected:
    """One fully connected layer, f(x) = W x (+ b): the theory of `torch.nn.Linear`.

    Inputs are vectors, (n, d) or (d,); flatten images explicitly, in C, H, W order.

    Args:
        in_features: d.
        out_features: output units; None for as many as inputs.
        bias: whether there is a bias b.

    Raises:
        TypeError: a size that is not an integer, a bias that is not a bool.
        ValueError: a size below 1.

    Source: Zhang et al. 2020, section 4.1.
    """

    in_features: int
    out_features: int | None = None
    _: KW_ONLY
    bias: bool = False

    input_shapes: ClassVar[Shapes] = VECTOR_SHAPES
    unit_axes: ClassVar[int] = 1

    def __post_init__(self) -> None:
        positive_int("in_features", self.in_features)
        if self.out_features is not None:
            positive_int("out_features", self.out_features)
        boolean("bias", self.bias)

    @property
    def outputs(self) -> int:
        return self.in_features if self.out_features is None else self.out_features

    @property
    def fans(self) -> tuple[int, int]:
        return self.in_features, self.outputs

    @property
    def border(self) -> tuple[int, int]:
        return 0, 0

    def check_inputs(self, name: str, inputs: Any) -> Any:
        inputs = real_array(name, inputs, self.input_shapes)
        if inputs.shape[-1] != self.in_features:
            raise ValueError(f"{name} must have {self.in_features} features on the last axis, got {inputs.shape}")
        return inputs

    def design(self, inputs: Any) -> Any:
        vectors = inputs if inputs.ndim == 2 else inputs[None, :]
        return with_ones(vectors[None, ...], self.bias)

    def design_blocks(self, inputs: Any) -> None:
        return None

    def design_gram(self, inputs: Any, *, each: bool = False) -> None:
        return None

    def full_by_support(self, inputs: Any) -> np.ndarray:
        return np.zeros(1 if inputs.ndim == 1 else inputs.shape[0], dtype=bool)

    def answers(self, inputs: Any, parameters: Any, dtype: Any = None) -> Any:
        xp = array_api_compat.array_namespace(inputs)
        vectors = as_float64(inputs if inputs.ndim == 2 else inputs[None, :])
        parameters = parameters[..., 0, :, :]
        found = vectors @ xp.matrix_transpose(parameters[..., : self.in_features])
        if self.bias:
            found += parameters[..., None, :, -1]
        found = found if inputs.ndim == 2 else found[..., 0, :]
        return xp.astype(found, dtype or xp.float64, copy=False)

    def target_shape(self, inputs: Any) -> tuple[int, ...]:
        return (*inputs.shape[:-1], self.outputs)

    def stack(self, predictions: Any) -> Any:
        return predictions[None, ...] if predictions.ndim == 2 else predictions[None, None, :]

    def unstack(self, responses: Any, inputs: Any) -> Any:
        predictions = responses[..., 0, :, :]
        return predictions if inputs.ndim == 2 else predictions[..., 0, :]

    def weight_shape(self, inputs: Any) -> tuple[int, ...]:
        return (self.outputs, self.in_features)

    def bias_shape(self, inputs: Any) -> tuple[int, ...]:
        return (self.outputs,)

    def identity_parameters(self, inputs: Any) -> Any:
        if self.outputs != self.in_features:
            raise ValueError(
                f"targets may be left out only for the identity task, with as many outputs as inputs; "
                f"got {self.outputs} outputs for {self.in_features} inputs"
            )
        xp = array_api_compat.array_namespace(inputs)
        device = array_api_compat.device(inputs)
        return xp.eye(self.outputs, self.in_features + self.bias, dtype=xp.float64, device=device)[None, ...]


def with_ones(rows: Any, bias: bool) -> Any:
    """Design rows with the column of ones that a bias multiplies."""
    if not bias:
        return rows
    xp = array_api_compat.array_namespace(rows)
    return xp.concat([rows, xp.ones_like(rows[..., :1])], axis=-1)


KNOWN: set[type] = set()  # what has proved to be a network: to look for all that a protocol asks takes long


def check_network(network: Any) -> Network:
    """Refuse anything but a one-layer network.

    Raises:
        TypeError: naming what was given.
    """
    if type(network) in KNOWN:
        return network
    if isinstance(network, type) or not isinstance(network, Network):
        raise TypeError(
            f"network must be a FullyConnected, Convolutional or LocallyConnected, got {network!r:.60}; "
            "theory.from_torch turns a torch layer into one"
        )
    KNOWN.add(type(network))
    return network


def pack(network: Network, weight: Any, bias: Any) -> Any:
    """Weight and bias in torch's layout as parameters (blocks, outputs, columns)."""
    xp = common_namespace(weight=weight, bias=bias)
    flat = xp.reshape(weight, (-1, network.outputs, math.prod(weight.shape[-network.unit_axes :])))
    if bias is None:
        return flat
    return xp.concat([flat, xp.reshape(bias, (-1, network.outputs, 1))], axis=-1)


def unpack(network: Network, inputs: Any, parameters: Any) -> tuple[Any, Any]:
    """Parameters (..., blocks, outputs, columns) as (weight, bias or None) in torch's layout."""
    xp = array_api_compat.array_namespace(parameters)
    leading = parameters.shape[:-3]
    weight, bias = parameters, None
    if network.bias:
        weight = parameters[..., :-1]
        bias = xp.reshape(parameters[..., -1], (*leading, *network.bias_shape(inputs)))
    return xp.reshape(weight, (*leading, *network.weight_shape(inputs))), bias
