"""Infinitely wide fully connected networks."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from numerics.arguments import VECTOR_SHAPES, Shapes
from theory.wide.layers import Layer
from theory.wide.network import OUT_OF_RANGE, KernelPair, WideNetwork
from theory.wide.recursion import Hidden, Start, hidden_moments, kernels

BLOCK = 2**15  # pairs of vectors treated at a time: their fields fit a processor's cache


class _Vectors:
    """A batch of vectors: a unit sees all features of its own."""

    def margin(self, field: np.ndarray) -> np.ndarray:
        return field

    def mean(self, margin: np.ndarray) -> np.ndarray:
        return margin


class _VectorPairs:
    """Pairs of vectors, fields of shape (n1, n2)."""

    roundings = 2

    def first(self, field: np.ndarray) -> np.ndarray:
        return field[:, None]

    def second(self, field: np.ndarray) -> np.ndarray:
        return field[None, :]

    def mean(self, field: np.ndarray, scale: float, alone: Any = None) -> np.ndarray:
        return field * scale


@dataclass(frozen=True)
class FullyConnected(WideNetwork):
    """An infinitely wide fully connected network x ↦ W_L φ(… φ(W₁ x + b₁) …) + b_L.

    Inputs are vectors, (n, d) or (d,); flatten images explicitly, in C, H, W order.

    Args:
        depth: L, weight layers.
        activation: φ, "relu", "leaky_relu" (slope 0.01), "linear" or "erf".
        weight_variance: σ_w²; a weight's variance is σ_w²/f_in.
        bias_variance: σ_b², of the biases.
        scheme: in place of the two, the name of an initialization (see `theory.initialization_ensemble`), which implies
            both. A scheme's biases are zero, but for "default", where their variance is 1/(3 f_in) and so vanishes with
            the width: `width` keeps it.
        bias: whether there are biases, where no bias_variance says so. Those that start at zero learn in standard
            parameterization only.
        parameterization: "ntk" or "standard" (torch's); see theory/wide/layers.py.
        width: units of each hidden layer, for whatever depends on it.
        residual: whether there are identity skips over hidden layers 2 and 3, 4 and 5, …, each pair
            x + φ(W φ(W' x)); needs a depth of at least 4.

    Raises:
        TypeError: a setting of the wrong type.
        ValueError: a setting out of range, missing, or contradicting another.

    Source: Jacot et al. 2018; Lee et al. 2018, 2019; the skips are those of Zhang et al. 2020.
    """

    input_shapes: ClassVar[Shapes] = VECTOR_SHAPES

    @OUT_OF_RANGE
    def variances(self, x: np.ndarray, layers: tuple[Layer, ...]) -> np.ndarray:
        """K(x, x) of each input, (n,)."""
        square = np.mean(x**2, axis=1)
        hidden = hidden_moments(_Vectors(), square, layers, self.nonlinearity, self.residual)
        return (hidden[-1].square if hidden else square) * layers[-1].weight_variance + layers[-1].bias_variance

    @OUT_OF_RANGE
    def kernels(
        self,
        x1: np.ndarray,
        x2: np.ndarray | None,
        layers: tuple[Layer, ...],
        *,
        depths: tuple[int, ...],
        covariance: bool,
        tangent: bool,
    ) -> dict[int, KernelPair]:
        """The kernels between two batches, each (n1, n2)."""
        x2 = x1 if x2 is None else x2
        result = {
            depth: KernelPair(
                np.empty((len(x1), len(x2))) if covariance else None, np.empty((len(x1), len(x2))) if tangent else None
            )
            for depth in depths
        }
        squares = [np.mean(x**2, axis=1) for x in (x1, x2)]
        activation = self.nonlinearity
        if not self.residual:
            activation = activation.carrying("gap")
        hidden = [hidden_moments(_Vectors(), each, layers, self.nonlinearity, self.residual) for each in squares]
        rows = max(1, BLOCK // x2.size)
        for begin in range(0, len(x1), rows):
            block = slice(begin, begin + rows)
            found = kernels(
                _VectorPairs(),
                _start((x1[block], x2), (squares[0][block], squares[1]), gaps=activation.carries == "gap"),
                (_at(hidden[0], block), hidden[1]),
                layers,
                activation,
                residual=self.residual,
                depths=depths,
                covariance=covariance,
                tangent=tangent,
            )
            for each in found:
                for whole, part in zip(result[each.depth], (each.covariance, each.tangent), strict=True):
                    if whole is not None:
                        whole[block] = part
        return result


def _at(hidden: list[Hidden], block: slice) -> list[Hidden]:
    """The moments of some of the vectors."""
    return [
        Hidden(
            layer.variance[block],
            layer.square[block],
            layer.margin[block],
            layer.branch_mean[block],
            layer.mean[block],
            layer.extremes,
        )
        for layer in hidden
    ]


def _start(x: tuple[np.ndarray, np.ndarray], squares: tuple[np.ndarray, np.ndarray], *, gaps: bool) -> Start:
    """What the first layer sees of pairs, given each vector's mean square.

    g and f are those of vectors of one length, so that no difference in length hides the angle.
    """
    x1, x2 = x
    product = np.mean(x1[:, None] * x2[None], axis=-1)
    scale = np.ones(())
    if gaps:
        lengths = [np.sqrt(square) for square in squares]
        scale = lengths[0][:, None] * lengths[1][None]
        x1, x2 = (each / np.where(length, length, 1)[:, None] for each, length in zip(x, lengths, strict=True))
    a, b = x1[:, None], x2[None]
    total = scale * np.mean((a + b) ** 2, axis=-1) if np.any(product < 0) else None
    return Start(squares, product, scale * np.mean((a - b) ** 2, axis=-1), total)
