"""What all infinitely wide networks have in common: kernels between inputs, and the doors to them."""

import math
from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, NamedTuple

import array_api_compat
import numpy as np
from jaxtyping import Float, Num

from numerics.arguments import Shapes, as_float64, boolean, common_namespace, floating_dtype, is_integer, real_array
from numerics.row_space import to_numpy
from theory.wide.activations import Activation, activation_named
from theory.wide.layers import Initialization, Layer

# What leaves float64's range on the way is refused at the end, in a sentence.
OUT_OF_RANGE = np.errstate(over="ignore", invalid="ignore")
SHALLOWEST_RESIDUAL = 4  # layers
SMALLEST = 1e-280  # a variance below has products of variances that leave float64's range


class KernelPair(NamedTuple):
    """K and Θ, each (n1, n2, *units1, *units2), or None where it was not asked for."""

    covariance: np.ndarray | None
    tangent: np.ndarray | None


@dataclass(frozen=True)
class WideNetwork(ABC):
    """The settings of an infinitely wide network, and the doors to its kernels; see the two architectures."""

    depth: int
    _: KW_ONLY
    activation: str = "relu"
    weight_variance: float | None = None
    bias_variance: float | None = None
    scheme: str | None = None
    bias: bool = False
    parameterization: str = "ntk"
    width: int | None = None
    residual: bool = False

    input_shapes: ClassVar[Shapes]
    """How many axes a batch of inputs has."""

    def __post_init__(self) -> None:
        activation_named(self.activation)
        boolean("bias", self.bias)
        boolean("residual", self.residual)
        self._initialization()
        if self.residual and self.depth < SHALLOWEST_RESIDUAL:
            raise ValueError(
                f"depth must be at least {SHALLOWEST_RESIDUAL} for residual=True (a skip spans two hidden layers), "
                f"got {self.depth}"
            )

    def nngp(self, x1: Num[Any, "..."], x2: Num[Any, "..."] | None = None) -> Float[Any, "..."]:
        """Return K(x1, x2): the covariance of one output unit's (or channel's) values at random initial weights.

        Args:
            x1: inputs.
            x2: inputs of the same kind and dtype; None for x1 again, at half the cost.

        Returns:
            (n1, n2) for vectors, (n1, n2, H1, W1, H2, W2) for images, always in that order; an input without a batch
            axis counts as a batch of one. Of x1's kind, device and floating dtype.

        Raises:
            TypeError: inputs that are not real arrays, or of different kinds or dtypes.
            ValueError: inputs of a wrong shape, empty or not finite, or a kernel that they do not fit.
            OverflowError: the kernel leaves the range of float64, or of x1's dtype.

        Source: Lee et al. 2018; Garriga-Alonso et al. 2019.
        """
        return self._kernel(x1, x2, tangent=False)

    def ntk(self, x1: Num[Any, "..."], x2: Num[Any, "..."] | None = None) -> Float[Any, "..."]:
        """Return Θ(x1, x2), the neural tangent kernel of one output unit (or channel); arguments as `nngp`.

        It is the limit of Σ ∂f(x1)/∂θ ∂f(x2)/∂θ over all parameters θ. In standard parameterization it grows with the
        width, and what is returned is its value at `width`, without the corrections that a finite network has.

        Source: Jacot et al. 2018; Arora et al. 2019.
        """
        return self._kernel(x1, x2, tangent=True)

    # What an architecture says of itself.

    @property
    def taps(self) -> int:
        """How many inputs of each channel a unit sees."""
        return 1

    @property
    def roundings(self) -> int:
        """How many rounded operations, at most, stand between one layer's kernels and the next one's."""
        return 32

    def check_inputs(self, name: str, x: Any) -> Any:
        """Refuse inputs that do not fit the network."""
        return real_array(name, x, self.input_shapes)

    def batch(self, x: Any) -> np.ndarray:
        """Checked inputs in float64, always with a batch axis."""
        values = to_numpy(as_float64(x))
        return values if self.batched(x) else values[None]

    def batched(self, x: Any) -> bool:
        """Whether checked inputs have a batch axis."""
        return bool(x.ndim == max(self.input_shapes))

    @abstractmethod
    def variances(self, x: np.ndarray, layers: tuple[Layer, ...]) -> np.ndarray:
        """K(p, p) of each unit of a batch, (n, *units)."""

    @abstractmethod
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
        """The kernels between two batches (x2 None: x1 again) at each of the depths."""

    # What follows from that.

    def require_range_of(self, x: np.ndarray, layers: tuple[Layer, ...]) -> None:
        """Refuse inputs whose variances grow or shrink out of float64's range.

        Raises:
            OverflowError: saying so.
        """
        axes = tuple(range(1, x.ndim))
        largest = np.max(self.variances(x, layers).reshape(len(x), -1), axis=1)
        if not np.all(np.isfinite(largest)) or np.any((largest < SMALLEST) & np.any(x != 0, axis=axes)):
            raise OverflowError(
                f"variances leave float64's range: after {self.depth} layers they are {np.max(largest):.3g} "
                f"and {np.min(largest):.3g} for inputs of entries up to {np.max(np.abs(x)):.3g}"
            )

    @property
    def nonlinearity(self) -> Activation:
        """φ."""
        return activation_named(self.activation)

    def layers(self, inputs: int, outputs: int) -> tuple[Layer, ...]:
        """Each layer's constants."""
        return self._initialization().layers(inputs, outputs, self.taps)

    def _initialization(self) -> Initialization:
        return Initialization(
            depth=self.depth,
            weight_variance=self.weight_variance,
            bias_variance=self.bias_variance,
            scheme=self.scheme,
            bias=self.bias,
            parameterization=self.parameterization,
            width=self.width,
        )

    def _kernel(self, x1: Any, x2: Any, *, tangent: bool) -> Any:
        x1 = self.check_inputs("x1", x1)
        first, second = self.batch(x1), None
        if x2 is not None:
            x2 = self.check_inputs("x2", x2)
            common_namespace(x1=x1, x2=x2, same_dtype=not (is_integer(x1) or is_integer(x2)))
            second = self.batch(x2)
            if second.shape[1] != first.shape[1]:
                unit = "features" if first.ndim == 2 else "channels"
                raise ValueError(f"x2 must have as many {unit} as x1, {first.shape[1]}, got {second.shape[1]}")
        layers = self.layers(first.shape[1], first.shape[1])
        found = self.kernels(first, second, layers, depths=(self.depth,), covariance=not tangent, tangent=tangent)[
            self.depth
        ]
        kernel = require_range(found.tangent if tangent else found.covariance)
        largest = max(-kernel.min(), kernel.max())
        if largest < SMALLEST:  # inputs that do not meet, or variances that vanished?
            self.require_range_of(first, layers)
            self.require_range_of(first if second is None else second, layers)
        dtype = floating_dtype(x1)
        if 0 < largest < array_api_compat.array_namespace(x1).finfo(dtype).smallest_normal:
            raise OverflowError(
                f"the kernel, {largest:.3g} at most, is below the range of {dtype}: give inputs in float64"
            )
        return like(x1, kernel)


def like(x: Any, values: np.ndarray) -> Any:
    """Float64 values as an array of x's kind, device and floating dtype.

    Raises:
        OverflowError: values beyond that dtype's range.
    """
    xp, dtype = array_api_compat.array_namespace(x), floating_dtype(x)
    limits = xp.finfo(dtype)
    if limits.bits < 64 and (largest := max(-values.min(), values.max())) > limits.max:
        raise OverflowError(f"values of up to {largest:.3g} are beyond the range of {dtype}: give inputs in float64")
    return xp.asarray(values, dtype=dtype, device=array_api_compat.device(x))


def require_range(kernel: np.ndarray | None) -> np.ndarray:
    """Refuse a kernel that has left float64's range.

    Raises:
        OverflowError: saying so.
    """
    if kernel is None or not (math.isfinite(kernel.min()) and math.isfinite(kernel.max())):
        raise OverflowError(
            "the kernel is beyond float64's range: weights of this variance multiply it in each of so many layers"
        )
    return kernel
