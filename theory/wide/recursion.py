"""From one layer's kernels to the next, for pairs of units laid out in whatever way an architecture likes.

    K¹ = σ_b² + σ_w² ⟨x x'⟩                      Θ¹ = β + ω ⟨x x'⟩
    Kˡ⁺¹ = σ_b² + σ_w² ⟨κ(Kˡ)⟩                   Θˡ⁺¹ = β + ⟨ω κ(Kˡ) + σ_w² κ̇(Kˡ) Θˡ⟩

⟨·⟩ is the mean over what a unit sees: the inputs of a fully connected unit, the patch of a convolutional one. The
output layer is linear, so that a network of depth L has kernels K^L and Θ^L. The variance of differences,
D = K(x, x) + K(x', x') − 2 K(x, x'), follows Dˡ⁺¹ = σ_w² ⟨D_φ⟩: no bias moves it.

A skip adds an earlier layer's activations x to a branch's r. The branch's last weights are fresh, so that x and r are
independent across units; but neither has mean zero:

    ⟨(x + r)(x + r)'⟩ = ⟨xx'⟩ + ⟨rr'⟩ + m_x m_r' + m_r m_x',   D = D_x + D_r + 2 (m_x − m_x')(m_r − m_r'),

while tangents, whose cross terms have fresh weights of mean zero as a factor, add up.

Source: Jacot et al. 2018, theorem 1; Arora et al. 2019, section 4 (convolutions); Garriga-Alonso et al. 2019; the skips
of Zhang et al. 2020 follow the activation, which the mean terms, ours, take into account.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from theory.wide.activations import Activation
from theory.wide.layers import Layer


@runtime_checkable
class Units(Protocol):
    """The units of a batch of inputs, and what each of them sees."""

    def margin(self, field: np.ndarray) -> Any:
        """A field over units as `Pairs.mean` takes it for pairs of which one unit lies in the padding."""

    def mean(self, margin: Any) -> np.ndarray:
        """⟨·⟩ of the field of a margin."""


@runtime_checkable
class Pairs(Protocol):
    """Some pairs of units of two inputs, and how fields over them are laid out."""

    @property
    def roundings(self) -> int:
        """How many rounded additions make a mean."""

    def first(self, field: np.ndarray) -> np.ndarray:
        """A field over the first input's units, as it broadcasts against fields over pairs."""

    def second(self, field: np.ndarray) -> np.ndarray:
        """A field over the second input's units, likewise."""

    def mean(self, field: np.ndarray, scale: float, alone: Any = None) -> np.ndarray:
        """A new field, scale · ⟨·⟩ of a field over pairs.

        Args:
            field: over pairs.
            scale: a factor.
            alone: what stands for a pair of which one unit lies in the padding, given by the other: `Units.margin` of
                a field over the first input's units and of one over the second's. Zeros where None.
        """


class Hidden(NamedTuple):
    """Moments of one hidden layer: fields over the units of a batch of inputs.

    Attributes:
        variance: q, of the pre-activations.
        square: ⟨φ²⟩ of what the next layer sees.
        margin: the same, as a margin.
        branch_mean: E φ of the layer's own activations.
        mean: of what the next layer sees.
        extremes: the least and the greatest variance.
    """

    variance: np.ndarray
    square: np.ndarray
    margin: Any
    branch_mean: np.ndarray
    mean: np.ndarray
    extremes: tuple[float, float]


def closes_skip(index: int, residual: bool) -> bool:
    """Whether hidden layer `index` (from 0) ends a skip over two: layers 1 and 2, 3 and 4, … go in pairs."""
    return residual and index > 0 and index % 2 == 0


def hidden_moments(
    units: Units, square: np.ndarray, layers: Sequence[Layer], activation: Activation, residual: bool
) -> list[Hidden]:
    """Moments of each hidden layer of one batch of inputs, whose ⟨x²⟩ before the mean over taps is `square`."""
    passed: list[Hidden] = []
    margin = units.margin(square)
    for index, layer in enumerate(layers[:-1]):
        variance = units.mean(margin) * layer.weight_variance + layer.bias_variance
        extremes = float(np.min(variance)), float(np.max(variance))
        branch_mean = mean = activation.mean(variance)
        square = activation.second_moment(variance)
        if closes_skip(index, residual):
            skipped = passed[index - 2]
            square = square + skipped.square + 2 * skipped.mean * branch_mean
            mean = branch_mean + skipped.mean
        margin = units.margin(square)
        passed.append(Hidden(variance, square, margin, branch_mean, mean, extremes))
    return passed


class Start(NamedTuple):
    """What the first layer sees, before the mean over taps.

    Attributes:
        margins: of ⟨x²⟩, of the first and of the second inputs.
        product: ⟨x x'⟩ over pairs.
        difference: ⟨(x − x')²⟩ over pairs, or g where that is carried.
        total: ⟨(x + x')²⟩ over pairs, or f; None where no products are negative.
    """

    margins: tuple[Any, Any]
    product: np.ndarray
    difference: np.ndarray
    total: np.ndarray | None


@dataclass(frozen=True)
class Kernels:
    """Kernels of the network that ends with layer `depth`, fields over pairs; None where not asked for."""

    depth: int
    covariance: np.ndarray | None
    tangent: np.ndarray | None


def kernels(
    pairs: Pairs,
    start: Start,
    hidden: tuple[list[Hidden], list[Hidden]],
    layers: Sequence[Layer],
    activation: Activation,
    *,
    residual: bool = False,
    depths: Collection[int],
    covariance: bool,
    tangent: bool,
) -> Iterator[Kernels]:
    """Yield the kernels at the given depths, in ascending order.

    A yielded field is only good until the next one is asked for.

    Args:
        pairs: which pairs, and their layout.
        start: what the first layer sees.
        hidden: moments of the first and of the second inputs.
        layers: of the deepest network.
        activation: φ.
        residual: whether there are skips over every two hidden layers.
        depths: at which the kernels are wanted.
        covariance: whether K is.
        tangent: whether Θ is.
    """
    product, total = start.product, start.total
    pair = product if activation.carries == "covariance" else start.difference
    alone = start.margins
    unbiased = not (residual or any(layer.bias_variance for layer in layers))
    flowing = None  # σ_w-free part of the tangents, κ̇ Θ, that the next layer sees
    stream: list[tuple[np.ndarray, np.ndarray, np.ndarray | None]] = []
    for depth, layer in enumerate(layers, start=1):
        theta = None
        if tangent:
            theta = pairs.mean(_learned(layer, product, flowing), layer.weight_variance)
            if layer.bias_rate:
                theta += layer.bias_rate
        if depth in depths:
            K = pairs.mean(product, layer.weight_variance) + layer.bias_variance if covariance else None
            yield Kernels(depth, K, theta)
        if depth == max(depths):
            return
        if activation.carries == "gap":
            pair, total = _gaps(pairs, layer, alone, pair, total)
        elif activation.carries == "difference":
            pair = pairs.mean(pair, layer.weight_variance, alone)
            if total is not None:
                total = pairs.mean(total, layer.weight_variance, alone) + 4 * layer.bias_variance
        else:
            pair = pairs.mean(pair, layer.weight_variance) + layer.bias_variance
        before, after = (moments[depth - 1] for moments in hidden)
        # beside the mean's: the scale, the bias, and the activation's own
        roundings = pairs.roundings + 8
        least, greatest = min(before.extremes[0], after.extremes[0]), max(before.extremes[1], after.extremes[1])
        contrast = greatest / least if least else math.inf
        dual = activation.dual(
            pairs.first(before.variance), pairs.second(after.variance), pair, total, roundings, contrast
        )
        product, slope, pair = dual.covariance, dual.derivative, dual.pair
        if dual.apart and unbiased:
            activation, pair = activation.carrying("covariance"), product
        total, alone = None, (before.margin, after.margin)
        flowing = theta if theta is None or slope is None else np.multiply(theta, slope, out=theta)
        if closes_skip(depth - 1, residual):
            crossed = _cross_terms(pairs, hidden, depth - 1, activation.carries == "difference")
            branch = (product, pair, flowing)
            product, pair, flowing = (_sum(*three) for three in zip(branch, stream[depth - 3], crossed, strict=True))  # type: ignore[assignment]
        if residual:
            stream.append((product, pair, flowing))


def _gaps(
    pairs: Pairs, layer: Layer, squares: tuple[Any, Any], g: np.ndarray, f: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """The new g and f, where a unit sees all of its own input: nothing cancels.

    With a² = σ_w² ⟨φ²⟩ and R² = (a² + σ_b²)(a'² + σ_b²) they are 2(R − K) and 2(R + K), K being a a' − σ_w² g/2 + σ_b²
    or σ_w² f/2 − a a' + σ_b²; and R − (a a' + σ_b²) = σ_b² (a − a')²/(R + a a' + σ_b²).
    """
    w, b = layer.weight_variance, layer.bias_variance
    g, f = w * g, f if f is None else w * f
    if b == 0:
        return g, f
    A, A2 = w * pairs.first(squares[0]), w * pairs.second(squares[1])
    R, product = np.sqrt(A + b) * np.sqrt(A2 + b), np.sqrt(A) * np.sqrt(A2)
    g += 2 * b * (np.sqrt(A) - np.sqrt(A2)) ** 2 / (R + product + b)
    if f is not None:
        f += 2 * b * (1 + (A + A2 + b) / (R + product))
    return g, f


def _learned(layer: Layer, product: np.ndarray, flowing: np.ndarray | None) -> np.ndarray:
    """(ω/σ_w²) κ + κ̇ Θ."""
    ratio = layer.weight_rate / layer.weight_variance
    learned = product if ratio == 1 else product * ratio
    return learned if flowing is None else learned + flowing


def _cross_terms(
    pairs: Pairs, hidden: tuple[list[Hidden], list[Hidden]], index: int, difference: bool
) -> tuple[np.ndarray, np.ndarray, None]:
    """What means add to the products, pairs and tangents of x + r: no cross terms between tangents."""
    x1, x2 = pairs.first(hidden[0][index - 2].mean), pairs.second(hidden[1][index - 2].mean)
    r1, r2 = pairs.first(hidden[0][index].branch_mean), pairs.second(hidden[1][index].branch_mean)
    product = x1 * r2 + r1 * x2
    return product, 2 * (x1 - x2) * (r1 - r2) if difference else product, None


def _sum(*fields: np.ndarray | None) -> np.ndarray | None:
    """The sum of what is there."""
    there = [field for field in fields if field is not None]
    return sum(there[1:], start=there[0]) if there else None
