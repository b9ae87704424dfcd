"""The law of an infinitely wide network's predictions after gradient flow."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Num

from numerics.arguments import as_float64, common_namespace, is_integer, positive_int, real_array
from numerics.row_space import to_numpy
from theory.gaussian_correlation import expected_correlations
from theory.wide.layers import Layer
from theory.wide.layout import as_kernel, as_matrix, as_rows, from_rows, units
from theory.wide.modes import Modes
from theory.wide.network import WideNetwork, like, require_range

BLOCK = 2**20  # entries of a kernel held at a time, where one input's are fewer


@dataclass(frozen=True)
class GradientFlow:
    """All the infinitely wide networks that gradient flow on the training inputs X may have arrived at by time t.

    With T the targets, N their number of entries and f₀ the network at random initial weights, a Gaussian process of
    covariance K, each output unit (or channel) computes

        f(x) = f₀(x) + Θ(x, X) G (T − f₀(X)),   G = Θ(X, X)⁺ (I − e^{−2 Θ(X, X) t/N}).

    The pseudo-inverse leaves out what rounding cannot tell from 0. Each entry of the computed Θ(X, X) is off by a few
    roundings per layer, in units of √(Θ(p, p) Θ(p', p')), and each eigenvalue by the same fraction of the largest if no
    entry is negative; where some are, roundings of either sign add up to less. To that the eigenvalue solver adds its
    own backward error, and the sum is `noise`. (It leaves out what convolutions and skips do not know of the angle
    between patches that are multiples of each other but for very little: see theory/wide/activations.py. Of flat 8-bit
    pictures with one pixel off, the worst found, that was 10⁻¹² of the largest entry.) Eigenvalues of deep networks
    fall off to it without a gap, so that the limit t = ∞ is to be read as "until every mode above the noise has been
    learned": a time of several N/(2 noise). The targets' share in what is left out is `unlearned`.

    Attributes:
        network: the architecture.
        time: t.
        spectrum: the eigenvalues of Θ(X, X), descending.
        noise: below which they count as 0.
        rank: how many do not.
        unlearned: ‖(I − Π) T‖²/‖T‖², with Π the projector on the eigenvectors kept; 0 for targets that are 0.
    """

    network: WideNetwork
    time: float
    spectrum: np.ndarray
    noise: float
    rank: int
    unlearned: float
    _x_hat: Any = field(repr=False)
    _inputs: np.ndarray = field(repr=False)  # X, (n, C, ...)
    _targets: np.ndarray = field(repr=False)  # T as (n · units, outputs)
    _basis: np.ndarray = field(repr=False)  # the eigenvectors kept, (n · units, rank)
    _gains: np.ndarray = field(repr=False)  # G's eigenvalues there

    @classmethod
    def solved(
        cls,
        network: WideNetwork,
        x_hat: Any,
        X: np.ndarray,
        theta: np.ndarray,
        targets: np.ndarray | None = None,
        time: float = math.inf,
    ) -> "GradientFlow":
        """The same from Θ(X, X) as a matrix, and targets as rows; None for the inputs themselves."""
        T = as_rows(X) if targets is None else targets
        modes = Modes.of(theta, network.depth * network.roundings)
        basis, values = modes.vectors[:, modes.kept], modes.spectrum[modes.kept]
        learned = -np.expm1(-2 * values * (time / T.size))
        square = float(np.sum(T**2))
        missed = T - basis @ (basis.T @ T)
        return cls(
            network=network,
            time=time,
            spectrum=modes.spectrum,
            noise=modes.noise,
            rank=len(values),
            unlearned=float(np.sum(missed**2)) / square if square else 0.0,
            _x_hat=x_hat,
            _inputs=X,
            _targets=T,
            _basis=basis,
            _gains=learned / values,
        )

    def mean(self, x: Num[Any, "..."]) -> Float[Any, "..."]:
        """Return E f(x), in the shape of a prediction.

        Args:
            x: inputs, of x̂'s kind, device and floating dtype, or integers; images may be of any size.

        Raises:
            TypeError: inputs of another kind or dtype; the same for all methods.
            ValueError: inputs that do not fit; the same for all methods.

        Source: Lee et al. 2019, equation 14.
        """
        x, batch = self._check("x", x)
        return self._as_prediction(self._moved(batch, self._targets), x)

    def prediction(
        self, x: Num[Any, "..."], *, initial: Num[Any, "..."], initial_on_x_hat: Num[Any, "..."]
    ) -> Float[Any, "..."]:
        """Return f(x) for the network whose initial outputs are given.

        A finite network has them for the asking, and what training makes of it tends to this as its width grows.

        Args:
            x: inputs.
            initial: f₀(x), in the shape of the prediction, with any axes (members of an ensemble) in front.
            initial_on_x_hat: f₀(x̂), in the shape of the targets, with the same axes in front.

        Returns:
            In the shape of `initial`.

        Raises:
            TypeError: inputs that are not a real array, or of another kind or dtype than x̂.
            ValueError: inputs that do not fit the network, or of another number of features or channels than x̂;
                initial outputs of a wrong shape.

        Source: Lee et al. 2019, equation 8.
        """
        x, batch = self._check("x", x)
        start, front = self._outputs("initial", initial, x)
        start_on_X, front_on_X = self._outputs("initial_on_x_hat", initial_on_x_hat, self._x_hat)
        if front != front_on_X:
            raise ValueError(
                f"initial and initial_on_x_hat must have the same axes in front, got {front} and {front_on_X}"
            )
        answers = start + self._moved(batch, self._targets - as_rows(start_on_X, len(front)))
        return like(x, answers.reshape(initial.shape))

    def covariance(self, x1: Num[Any, "..."], x2: Num[Any, "..."] | None = None) -> Float[Any, "..."]:
        """Return Cov(f(x1), f(x2)) within one output unit or channel; there is none between them.

        Args:
            x1: inputs.
            x2: inputs; None for x1 again.

        Returns:
            Axes as in `WideNetwork.nngp`: (n1, n2), or (n1, n2, H1, W1, H2, W2).

        Source: Lee et al. 2019, equation 15.
        """
        x1, first = self._check("x1", x1)
        second = None if x2 is None else self._check("x2", x2)[1]
        found = self.covariances(first, second)
        return like(x1, as_kernel(found, units(first), units(first if second is None else second)))

    def variance(self, x: Num[Any, "..."]) -> Float[Any, "..."]:
        """Return Var f(x), in the shape of a prediction.

        Args:
            x: inputs.

        Raises:
            TypeError: inputs of another kind or dtype than the training inputs.
            ValueError: inputs that do not fit the network.
        """
        x, batch = self._check("x", x)
        values = []
        for image in batch:
            one = image[None]
            B, K = self._response(one)
            prior = self.network.variances(one, self._layers).reshape(-1)
            within = np.maximum(prior + np.sum((B @ self._prior - 2 * K) * B, axis=1), 0)  # rounding may pass 0 at x̂
            values.append(np.broadcast_to(within, (self._targets.shape[1], len(within))))
        return self._as_prediction(np.array(values).reshape(self._output_shape(batch)), x)

    def sample(self, x: Num[Any, "..."], n: int, seed: int) -> Float[Any, "n ..."]:
        """Return predictions of n networks from independent draws of the initial weights, each for all of x.

        Args:
            x: inputs.
            n: how many networks.
            seed: of NumPy's default generator; the draws are not those of `empirics.initialize`.

        Returns:
            Shape (n, *prediction shape).

        Raises:
            TypeError: inputs of another kind or dtype than the training inputs; n or seed not an integer.
            ValueError: inputs that do not fit the network; n below 1 or a negative seed.
        """
        x, batch = self._check("x", x)
        n, seed = positive_int("n", n), positive_int("seed", seed, least=0)
        values, vectors = np.linalg.eigh(self.covariances(batch))
        spread = vectors * np.sqrt(np.maximum(values, 0))
        outputs = self._targets.shape[1]
        drawn = np.random.default_rng(seed).standard_normal((n, len(spread), outputs))
        answers = from_rows(spread @ drawn, units(batch)) + self._moved(batch, self._targets)
        return like(x, answers if self.network.batched(x) else answers[:, 0])

    def expected_mse(self, x: Num[Any, "..."], reference: Num[Any, "..."] | None = None) -> Float[Any, "..."]:
        """Return E (mean squared error of f(x)) for each input: squared bias plus variance.

        Args:
            x: inputs.
            reference: what f(x) is compared with, in the shape of the prediction; None for x itself.

        Returns:
            (n,), or () without a batch axis.

        Raises:
            TypeError: inputs that are not a real array, or of another kind or dtype than x̂.
            ValueError: inputs that do not fit the network, or of another number of features or channels than x̂; a
                reference of a wrong shape.
        """
        x, batch = self._check("x", x)
        known = self._reference(x, reference)
        errors = []
        for image, answer in zip(batch, known, strict=True):
            one = image[None]
            B, K = self._response(one)
            variance = self.network.variances(one, self._layers).reshape(-1)
            variance = variance + np.sum((B @ self._prior - 2 * K) * B, axis=1)
            bias = self._moved(one, self._targets) - answer
            errors.append(np.mean(bias**2) + np.mean(np.maximum(variance, 0)))  # rounding may pass 0 at x = x̂
        return self._per_input(errors, x)

    def expected_correlation(self, x: Num[Any, "..."], reference: Num[Any, "..."]) -> Float[Any, "..."]:
        """Return E (Pearson's correlation of f(x) with a reference, over all entries), for each input.

        Args:
            x: inputs.
            reference: in the shape of the prediction, or one input's: x for the bias towards identity, x̂ for that
                towards the constant function.

        Returns:
            (n,), or () without a batch axis; NaN where the reference is constant, or f(x) with certainty.

        Raises:
            TypeError: inputs that are not a real array, or of another kind or dtype than x̂.
            ValueError: inputs that do not fit the network, or of another number of features or channels than x̂; a
                reference of a wrong shape.

        Source: theory/gaussian_correlation.py.
        """
        x, batch = self._check("x", x)
        known = self._reference(x, reference)
        values = []
        for image, answer in zip(batch, known, strict=True):
            one = image[None]
            covariance = self.covariances(one)
            mean = as_rows(self._moved(one, self._targets))
            values += expected_correlations(mean.T, covariance, as_rows(answer[None]).T)
        return self._per_input(values, x)

    @cached_property
    def _gain(self) -> np.ndarray:
        """G."""
        return (self._basis * self._gains) @ self._basis.T

    def _gained(self, error: np.ndarray) -> np.ndarray:
        """G times the training outputs' errors, as rows."""
        return self._basis @ (self._gains[:, None] * (self._basis.T @ error))

    @cached_property
    def _prior(self) -> np.ndarray:
        """K(X, X) as a matrix."""
        depth = self.network.depth
        found = self.network.kernels(self._inputs, None, self._layers, depths=(depth,), covariance=True, tangent=False)
        return as_matrix(require_range(found[depth].covariance))

    @property
    def _layers(self) -> tuple[Layer, ...]:
        return self.network.layers(self._inputs.shape[1], self._targets.shape[1])

    def _moved(self, batch: np.ndarray, error: np.ndarray) -> np.ndarray:
        """Θ(x, X) G · error for a batch of inputs, some at a time: (..., n, outputs, *units)."""
        moved = self._gained(error)
        size = max(1, BLOCK // (math.prod(batch.shape[2:]) * len(self._basis)))
        blocks = [batch[begin : begin + size] for begin in range(0, len(batch), size)]
        answers = [from_rows(self._kernels(block)[1] @ moved, units(block)) for block in blocks]
        return np.concatenate(answers, axis=-batch.ndim)

    def apply(self, theta: np.ndarray) -> np.ndarray:
        """E f(x) as rows, given Θ(x, X) as a matrix."""
        return theta @ self._gained_targets

    @cached_property
    def _gained_targets(self) -> np.ndarray:
        return self._gained(self._targets)

    def covariances(self, first: np.ndarray, second: np.ndarray | None = None) -> np.ndarray:
        """Cov(f(x), f(x')) as a matrix; second None: the first again."""
        found = self.network.kernels(
            first, second, self._layers, depths=(self.network.depth,), covariance=True, tangent=False
        )
        prior = as_matrix(require_range(found[self.network.depth].covariance))
        B, K = self._response(first)
        B2, K2 = (B, K) if second is None else self._response(second)
        return prior + (B @ self._prior @ B2.T - B @ K2.T - K @ B2.T)

    def _response(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """B = Θ(x, X) G and K(x, X), as matrices."""
        K, theta = self._kernels(batch, covariance=True)
        return theta @ self._gain, K

    def _kernels(self, batch: np.ndarray, *, covariance: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """K(x, X) (empty unless asked for) and Θ(x, X), as matrices."""
        depth = self.network.depth
        found = self.network.kernels(
            batch, self._inputs, self._layers, depths=(depth,), covariance=covariance, tangent=True
        )[depth]
        K = as_matrix(require_range(found.covariance)) if covariance else np.empty((0, 0))
        return K, as_matrix(require_range(found.tangent))

    def _check(self, name: str, x: Any) -> tuple[Any, np.ndarray]:
        x = self.network.check_inputs(name, x)
        common_namespace(**{name: x, "x_hat": self._x_hat}, same_dtype=not (is_integer(x) or is_integer(self._x_hat)))
        batch = self.network.batch(x)
        if batch.shape[1] != self._inputs.shape[1]:
            unit = "features" if batch.ndim == 2 else "channels"
            raise ValueError(f"{name} must have {self._inputs.shape[1]} {unit} as x_hat, got {batch.shape[1]}")
        return x, batch

    def _outputs(self, name: str, values: Any, x: Any) -> tuple[np.ndarray, tuple[int, ...]]:
        """Outputs for x with axes in front, as (..., n, outputs, *units), and those axes' lengths."""
        batched = self.network.batched(x)
        own = max(self.network.input_shapes) - (not batched)
        axes = max(getattr(values, "ndim", 0), own)
        values = real_array(name, values, {axes: f"of {axes} axes or more"})
        common_namespace(**{name: values, "x": x}, same_dtype=not (is_integer(values) or is_integer(x)))
        front = tuple(values.shape[: axes - own])
        shape = self._output_shape(self.network.batch(x))
        if tuple(values.shape[axes - own :]) != (shape if batched else shape[1:]):
            raise ValueError(
                f"{name} must have shape {shape if batched else shape[1:]}, with any axes in front, "
                f"got {tuple(values.shape)}"
            )
        return to_numpy(as_float64(values)).reshape(*front, *shape), front

    def _output_shape(self, batch: np.ndarray) -> tuple[int, ...]:
        return (len(batch), self._targets.shape[1], *batch.shape[2:])

    def _reference(self, x: Any, reference: Any) -> np.ndarray:
        """The reference for each input of a batch, (n, outputs, *units)."""
        batch = self.network.batch(x)
        if reference is None:
            known, given = batch, x
        else:
            given = real_array("reference", reference, self.network.input_shapes)
            common_namespace(x=x, reference=given, same_dtype=not (is_integer(x) or is_integer(given)))
            known = self.network.batch(given)
        shape = self._output_shape(batch)
        single = given.ndim == len(shape) - 1
        if known.shape[1:] != shape[1:] or not (single or len(known) == len(batch)):
            raise ValueError(f"reference must have the prediction's shape, {shape}, or one input's, got {known.shape}")
        return np.broadcast_to(known, shape)

    def _as_prediction(self, answers: np.ndarray, x: Any) -> Any:
        return like(x, answers if self.network.batched(x) else answers[0])

    def _per_input(self, values: list[float], x: Any) -> Any:
        return like(x, np.array(values) if self.network.batched(x) else np.array(values[0]))


def gradient_flow(
    network: WideNetwork,
    x_hat: Num[Any, "..."],
    targets: Num[Any, "..."] | None = None,
    *,
    time: float = math.inf,
) -> GradientFlow:
    """Return the law of the network's predictions after gradient flow on the mean squared error.

    The loss is torch's, the mean over all target entries, of which there are N. Then the outputs obey
    df/dt = −(2/N) Θ (f − targets), and full-batch gradient descent of rate lr is at time lr · steps, or
    lr · steps/(1 − momentum), as long as lr is far below max_stable_lr = N/λ_max(Θ). In standard parameterization
    lr is torch's; in NTK parameterization it is that of networks written so.

    Args:
        network: a `wide.FullyConnected` or `wide.Convolutional`.
        x_hat: training inputs, a batch or one.
        targets: what the network is to output for them; None for the inputs themselves.
        time: t ≥ 0, or math.inf.

    Returns:
        The law, Gaussian over random initial weights.

    Raises:
        TypeError: no wide network; inputs that are not real arrays, or of different kinds or dtypes; a time that is no
            number.
        ValueError: inputs of a wrong shape, empty or not finite, or a kernel that they do not fit; targets of a wrong
            shape; a negative time.
        OverflowError: the kernel leaves the range of float64.

    Example:
        >>> import numpy as np
        >>> from theory.wide.fully_connected import FullyConnected
        >>> law = gradient_flow(FullyConnected(3, weight_variance=2.0), np.array([[1.0, 0.0]]))
        >>> law.mean(np.array([[1.0, 0.0], [0.0, 1.0]])).round(6).tolist()
        [[1.0, 0.0], [0.22857, 0.0]]

    Source: Jacot et al. 2018; Lee et al. 2019, equations 14-16.
    """
    if not isinstance(network, WideNetwork):
        raise TypeError(f"network must be a wide.FullyConnected or wide.Convolutional, got {network!r:.60}")
    x_hat = network.check_inputs("x_hat", x_hat)
    X = network.batch(x_hat)
    T = X
    if targets is not None:
        targets = real_array("targets", targets, network.input_shapes)
        common_namespace(x_hat=x_hat, targets=targets, same_dtype=not (is_integer(x_hat) or is_integer(targets)))
        T = network.batch(targets)
        if targets.ndim != x_hat.ndim or T.shape[:1] + T.shape[2:] != X.shape[:1] + X.shape[2:]:
            raise ValueError(
                "targets must have the shape of the network's output: x_hat's, with any number of features or "
                f"channels; got {tuple(targets.shape)} for {tuple(x_hat.shape)}"
            )
    if isinstance(time, bool) or not isinstance(time, int | float | np.integer | np.floating):
        raise TypeError(f"time must be a real number or math.inf, got {time!r}")
    if not time >= 0:
        raise ValueError(f"time must not be negative, got {time}")
    layers = network.layers(X.shape[1], T.shape[1])
    network.require_range_of(X, layers)
    depth = network.depth
    kernel = network.kernels(X, None, layers, depths=(depth,), covariance=False, tangent=True)[depth].tangent
    return GradientFlow.solved(network, x_hat, X, as_matrix(require_range(kernel)), as_rows(T), float(time))
