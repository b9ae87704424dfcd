"""Infinitely wide convolutional networks, with images as outputs."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from numerics import Window
from numerics.arguments import IMAGE_SHAPES, Shapes, image_array
from theory.wide.layers import Layer
from theory.wide.network import OUT_OF_RANGE, KernelPair, WideNetwork
from theory.wide.pixel_pairs import AllPairs, Margin, Pixels, Strip
from theory.wide.recursion import Hidden, Start, hidden_moments, kernels

BLOCK = 2**15  # pairs of pixels treated at a time, where images are small: their fields fit a processor's cache


@dataclass(frozen=True)
class Convolutional(WideNetwork):
    """An infinitely wide convolutional network: `depth` convolutions, stride 1, an activation between them, no pooling.

    Images are (n, C, H, W) or (C, H, W), and outputs are images of the same size. Kernels are between pixels:
    (n1, n2, H1, W1, H2, W2), of images of any two sizes.

    Args:
        depth: L, weight layers.
        kernel_size: k or (k_h, k_w) of every layer.
        padding_mode: what surrounds the images: "zeros", "circular", "reflect" or "replicate".
        activation: φ, "relu", "leaky_relu" (slope 0.01), "linear" or "erf".
        weight_variance: σ_w²; a weight's variance is σ_w²/f_in, with f_in = (channels before) · k_h · k_w.
        bias_variance: σ_b², of the biases.
        scheme: in place of the two, the name of an initialization (see `theory.initialization_ensemble`), which implies
            both. A scheme's biases are zero, but for "default", where their variance is 1/(3 f_in) and so vanishes with
            the width: `width` keeps it, and its effect is large (see theory/wide/fixed_point.py).
        bias: whether there are biases, where no bias_variance says so. Those that start at zero learn in standard
            parameterization only.
        parameterization: "ntk" or "standard" (torch's); see theory/wide/layers.py.
        width: channels of each hidden layer, for whatever depends on it.
        residual: whether there are identity skips over hidden layers 2 and 3, 4 and 5, …, as in `FullyConnected`; needs
            a depth of at least 4.

    Raises:
        TypeError: a setting of the wrong type.
        ValueError: a setting out of range, missing, or contradicting another.

    Source: Garriga-Alonso et al. 2019 (K); Arora et al. 2019, section 4 (Θ).
    """

    kernel_size: Any
    _: KW_ONLY
    padding_mode: str = "zeros"
    window: Window = field(init=False, repr=False, compare=False)

    input_shapes: ClassVar[Shapes] = IMAGE_SHAPES

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "window", Window.of(self.kernel_size, padding_mode=self.padding_mode))

    @property
    def taps(self) -> int:
        """k_h · k_w."""
        return self.window.taps

    @property
    def roundings(self) -> int:
        """See `WideNetwork.roundings`: the mean's additions, and the activation's."""
        return sum(self.window.kernel_size) + super().roundings

    def check_inputs(self, name: str, x: Any) -> Any:
        """Refuse images that do not fit the network."""
        x = image_array(name, x)
        self.window.output_size(*x.shape[-2:])
        return x

    @OUT_OF_RANGE
    def variances(self, x: np.ndarray, layers: tuple[Layer, ...]) -> np.ndarray:
        """K(p, p) of each pixel of a batch, (n, H, W)."""
        hidden = self._moments(x, layers)
        last = hidden[-1].margin if hidden else self._margin(x)
        return Pixels(self.window).mean(last) * layers[-1].weight_variance + layers[-1].bias_variance

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
        """The kernels between two batches, each (n1, n2, H1, W1, H2, W2)."""
        same, x2 = x2 is None, x1 if x2 is None else x2
        shape = (len(x1), len(x2), *x1.shape[2:], *x2.shape[2:])
        result = {
            depth: KernelPair(np.empty(shape) if covariance else None, np.empty(shape) if tangent else None)
            for depth in depths
        }
        first = self._moments(x1, layers)
        second = first if same else self._moments(x2, layers)
        size = max(1, BLOCK // (shape[2] * shape[3] * shape[5]))
        for i, j in _image_pairs(len(x1), len(x2), same, size):
            a, b = x1[i], x2[j]
            hidden = _at(first, i), _at(second, j)
            task = _Task(i, j, a, b, (self._margin(a), self._margin(b)))
            for pairs in self._worlds(a, b, twins=same and bool(np.all(i == j))):
                found = kernels(
                    pairs,
                    _start(pairs, task),
                    hidden,
                    layers,
                    self.nonlinearity,
                    residual=self.residual,
                    depths=depths,
                    covariance=covariance,
                    tangent=tangent,
                )
                for each in found:
                    for whole, part in zip(result[each.depth], (each.covariance, each.tangent), strict=True):
                        if whole is not None:
                            _write(whole, pairs, np.asarray(part), task, mirrored=same)
        return result

    def _margin(self, x: np.ndarray) -> Margin:
        return Pixels(self.window).margin(np.mean(x**2, axis=1))

    def _moments(self, x: np.ndarray, layers: tuple[Layer, ...]) -> list[Hidden]:
        return hidden_moments(Pixels(self.window), np.mean(x**2, axis=1), layers, self.nonlinearity, self.residual)

    def _worlds(self, a: np.ndarray, b: np.ndarray, *, twins: bool) -> Iterator[AllPairs | Strip]:
        """Sets of pixel pairs that do not see each other; for an image and itself, one of each two mirror images."""
        if self.padding_mode != "zeros":
            yield AllPairs(self.window)
            return
        for offset in range(0 if twins else 1 - a.shape[2], b.shape[2]):
            yield Strip(self.window.kernel_size, offset, (a.shape[2:], b.shape[2:]))


class _Task(NamedTuple):
    """Some pairs of images: their indices, what they show, and their margins."""

    i: np.ndarray
    j: np.ndarray
    a: np.ndarray
    b: np.ndarray
    margins: tuple[Margin, Margin]


def _image_pairs(n1: int, n2: int, same: bool, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Indices of pairs of images, at most `size` at a time; of one batch with itself each pair once, twins apart."""
    if same:
        twins = np.arange(n1)
        groups = [(twins, twins), np.triu_indices(n1, 1)]
    else:
        first, second = np.divmod(np.arange(n1 * n2), n2)
        groups = [(first, second)]
    for i, j in groups:
        for begin in range(0, len(i), size):
            yield i[begin : begin + size], j[begin : begin + size]


def _at(hidden: list[Hidden], index: np.ndarray) -> list[Hidden]:
    """The moments of some of the images."""
    return [
        Hidden(
            variance=layer.variance[index],
            square=layer.square[index],
            margin=Margin(*(field[index] for field in layer.margin)),
            branch_mean=layer.branch_mean[index],
            mean=layer.mean[index],
            extremes=layer.extremes,
        )
        for layer in hidden
    ]


def _start(pairs: AllPairs | Strip, task: _Task) -> Start:
    product: Any = 0.0
    difference: Any = 0.0
    channels = [
        (pairs.first(a), pairs.second(b)) for a, b in zip(*(np.moveaxis(x, 1, 0) for x in task[2:4]), strict=True)
    ]
    for first, second in channels:
        product = product + first * second / len(channels)
        difference = difference + (first - second) ** 2 / len(channels)
    total = None
    if np.any(product < 0):
        total = sum(((first + second) ** 2 / len(channels) for first, second in channels), start=np.zeros(()))
    return Start(task.margins, product, difference, total)


def _write(whole: np.ndarray, pairs: AllPairs | Strip, part: np.ndarray, task: _Task, *, mirrored: bool) -> None:
    """Put fields over pairs of pixels into a kernel (n1, n2, H1, W1, H2, W2)."""
    for one, other, values in zip(task.i, task.j, part, strict=True):
        pairs.place(whole[one, other], values)
        if mirrored:
            pairs.place(whole[other, one].transpose(2, 3, 0, 1), values)
