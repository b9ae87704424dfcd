"""The law of a trained network's predictions over its random initial weights, computed and not sampled."""

import math
from dataclasses import dataclass
from typing import Any, SupportsIndex

import array_api_compat
import numpy as np
from jaxtyping import Float, Num

from numerics import GaussianQuadraticForm
from numerics.arguments import (
    as_float64,
    common_namespace,
    is_integer,
    positive_int,
    real_array,
    real_number,
    rounded,
)
from numerics.row_space import to_numpy
from theory.gaussian_correlation import expected_correlations
from theory.networks import Network
from theory.optimizer import GradientDescent
from theory.problem import Problem, problem_of
from theory.schemes import Scheme, scheme_of
from theory.training import check_predictable

REFUSED_LATER = np.errstate(over="ignore", invalid="ignore")  # with a sentence, by Ensemble._in_range


@dataclass(frozen=True)
class Ensemble:
    """All the networks that training may end at, one for each draw of the initial weights.

    Training maps each output unit's initial parameters θ₀ to F θ₀ + (what it learned), with F = I − V diag(1 − e_t) Vᵀ,
    the same for all units of a block. The initial parameters have mean zero and covariance Σ₀ = diag(variances), so the
    prediction f(x) = A(x) θ has mean A(x) (learned) and covariance A F Σ₀ F Aᵀ within a unit's outputs, and none
    between units. f(x) is Gaussian where the initial weights are.

    Attributes:
        network: the architecture.
        scheme: the distribution of its initial weights.
    """

    network: Network
    scheme: Scheme
    _problem: Problem
    _variances: np.ndarray  # of one unit's initial parameters, (columns,)

    def mean(self, x: Num[Any, "..."]) -> Float[Any, "..."]:
        """Return E f(x), in the shape of a prediction.

        Args:
            x: inputs, as `TrainedNetwork` takes them; the same for all methods.

        Raises:
            TypeError: inputs that are not a real array, or of another kind or dtype than those trained on; the
                same for all methods.
            ValueError: inputs that do not fit the network, or on another device than those trained on; the same for
                all methods.

        Source: derived in theory/derivations ("cnn-expected-mse"); the same for variance and expected_mse.
        """
        x = self._check(x)
        return self._as_prediction(self._mean_responses(x), x)

    @REFUSED_LATER
    def variance(self, x: Num[Any, "..."]) -> Float[Any, "..."]:
        """Return Var f(x), entry by entry, in the shape of a prediction.

        Raises:
            TypeError: inputs that are not a real array, or of another kind or dtype than those trained on.
            ValueError: inputs that do not fit the network, or on another device than those trained on.
            OverflowError: x so large that the variance is beyond its dtype's range.
        """
        x = self._check(x)
        xp = self._problem.xp
        per_row = xp.sum(self._spread(x) ** 2, axis=-1)
        rows = xp.broadcast_to(per_row[..., None], (*per_row.shape, self.network.outputs))
        return self._as_prediction(rows, x)

    @REFUSED_LATER
    def covariance_product(self, x: Num[Any, "..."], v: Num[Any, "..."]) -> Float[Any, "..."]:
        """Return Cov(f(x)) v without forming the covariance, all the predictions of a batch being jointly random.

        Args:
            x: inputs.
            v: in the shape of the prediction for x.

        Returns:
            In the same shape.

        Raises:
            TypeError: x or v that is not a real array, or of another kind or dtype than the training inputs.
            ValueError: x that does not fit the network, v of another shape, or either on another device.
        """
        x = self._check(x)
        v = self._check_reference("v", v, x)
        spread, rows = self._spread(x), self.network.stack(as_float64(v))
        xp = self._problem.xp
        return self._as_prediction(spread @ (xp.matrix_transpose(spread) @ rows), x)

    @REFUSED_LATER
    def covariance(self, x1: Num[Any, "..."], x2: Num[Any, "..."] | None = None) -> Float[Any, "..."]:
        """Return Cov(f(x1), f(x2)) within one output unit or channel; there is none between them.

        Args:
            x1: inputs.
            x2: inputs; None for x1 again.

        Returns:
            (n1, n2) for a fully connected network, else (n1, n2, H1, W1, H2, W2) over output pixels, those of a locally
            connected network being uncorrelated; an input without a batch axis counts as a batch of one.

        Raises:
            TypeError: inputs that are not real arrays, or of another kind or dtype than the training inputs.
            ValueError: inputs that do not fit the network.
            OverflowError: inputs so large that a covariance is beyond their dtype's range.
        """
        x1 = self._check(x1)
        x2 = x1 if x2 is None else self._check(x2)
        xp = self._problem.xp
        first, second = self._spread(x1), self._spread(x2)
        within = first @ xp.matrix_transpose(second)  # blocks, rows1, rows2
        sizes = [
            self.network.target_shape(x)[2:] if self._batched(x) else self.network.target_shape(x)[1:] for x in (x1, x2)
        ]
        counts = [x.shape[0] if self._batched(x) else 1 for x in (x1, x2)]
        blocks = within.shape[0]
        if blocks == 1:
            shaped = xp.reshape(within, (counts[0], *sizes[0], counts[1], *sizes[1]))
            axes = len(sizes[0])
            order = (0, axes + 1, *range(1, axes + 1), *range(axes + 2, 2 * axes + 2))
            return self._in_range(xp.permute_dims(shaped, order))
        found = xp.zeros((*counts, blocks, blocks), dtype=xp.float64, device=array_api_compat.device(within))
        for pixel in range(blocks):
            found[..., pixel, pixel] = within[pixel, ...]
        return self._in_range(xp.reshape(found, (*counts, *sizes[0], *sizes[1])))

    def expected_correlation(self, x: Num[Any, "..."], reference: Num[Any, "..."]) -> Float[Any, "..."]:
        """Return E (Pearson's correlation of f(x) with a reference, over all entries), for each input.

        Args:
            x: inputs.
            reference: in the shape of the prediction.

        Returns:
            (n,), or () without a batch axis; NaN where the reference is constant, or f(x) with certainty.

        Raises:
            TypeError: inputs that are not real arrays, or of another kind or dtype than the training inputs.
            ValueError: inputs that do not fit the network; a reference of another shape; a scheme that is not
                Gaussian, for which f(x) is not.

        Source: theory/gaussian_correlation.py.
        """
        if not self.scheme.gaussian:
            raise ValueError(
                f"expected_correlation is known for Gaussian initial weights only, not for {self.scheme.family} ones, "
                "where f(x) is not Gaussian; `sample` draws from their law"
            )
        x = self._check(x)
        known = to_numpy(self.network.stack(as_float64(self._check_reference("reference", reference, x))))
        mean, spread = to_numpy(self._mean_responses(x)), to_numpy(self._spread(x))
        n = x.shape[0] if self._batched(x) else 1
        rows = spread.shape[1] // n
        values: list[float] = []
        for i in range(n):
            own = slice(i * rows, (i + 1) * rows)
            within = spread[:, own] @ np.swapaxes(spread[:, own], 1, 2)
            covariance = within[0] if len(within) == 1 else np.diag(within[:, 0, 0])
            flat = (array[:, own].reshape(-1, array.shape[-1]).T for array in (mean, known))  # outputs, units
            means, references = flat
            values += expected_correlations(means, covariance, references)
        return self._from_correlations(values, x)

    def _from_correlations(self, values: list[float], x: Any) -> Any:
        """Correlations, which may be NaN, one for each image."""
        xp = self._problem.xp
        array = xp.asarray(values, dtype=self._problem.dtype, device=array_api_compat.device(self._problem.inputs))
        return array if self._batched(x) else array[0, ...]

    @REFUSED_LATER
    def expected_mse(self, x: Num[Any, "..."], reference: Num[Any, "..."] | None = None) -> Float[Any, "..."]:
        """Return the expected mean squared error of f(x) for each image: squared bias plus variance.

        Args:
            x: inputs.
            reference: what f(x) is compared with, in the shape of the prediction; None for the identity's output: x
                itself, or what the kernel's central tap sees of it.

        Returns:
            One value per image, shape (n,), or () without a batch axis.

        Raises:
            TypeError: x or a reference that is not a real array, or of another kind or dtype than the training
                inputs.
            ValueError: x that does not fit the network; a reference of another shape, or none where the identity has no
                meaning.
            OverflowError: x or a reference so large that the error is beyond their dtype's range.
        """
        x = self._check(x)
        offset = self._offset(x, reference)
        xp = self._problem.xp
        square = offset**2 + xp.sum(self._spread(x) ** 2, axis=-1)[..., None]
        return self._per_image(self.network.unstack(square, x), x)

    @REFUSED_LATER
    def mse_variance(self, x: Num[Any, "..."], reference: Num[Any, "..."] | None = None) -> Float[Any, "..."]:
        """Return the variance over initial weights of the mean squared error of f(x), one value per image.

        For independent entries θ of variance v and excess kurtosis κ, the error is θᵀBθ + 2bᵀθ + const per output unit,
        with variance 2 Σ B²ᵢⱼvᵢvⱼ + κ Σ B²ᵢᵢv²ᵢ + 4 Σ b²ᵢvᵢ.

        Args:
            x: inputs.
            reference: as in `expected_mse`.

        Returns:
            One value per image, shape (n,), or () without a batch axis.

        Raises:
            TypeError: x or a reference that is not a real array, or of another kind or dtype than the training inputs.
            ValueError: x that does not fit the network, or a reference of another shape; an orthogonal
                scheme, whose entries are not independent.
            OverflowError: an error beyond the range of the inputs' dtype.
        """
        if self.scheme.family == "orthogonal":
            raise ValueError("mse_variance needs independent initial weights; those of an orthogonal scheme are not")
        values = []
        for spread, offset, entries, _ in self._images(x, reference):
            # In units of the standard deviations, θ = √v z: S holds A F √v.
            B = np.swapaxes(spread, -1, -2) @ spread
            b = np.swapaxes(spread, -1, -2) @ offset
            units = offset.shape[-1]
            diagonal = np.diagonal(B, axis1=-2, axis2=-1)
            second = units * (2 * np.sum(B**2) + self.scheme.excess_kurtosis * np.sum(diagonal**2))
            values.append((second + 4 * np.sum(b**2)) / entries**2)
        return self._from_list(values, self._check(x))

    def mse_law(self, x: Num[Any, "..."], reference: Num[Any, "..."] | None = None) -> list[GaussianQuadraticForm]:
        """Return the distribution of the mean squared error of f(x), one quadratic form in Gaussians per image.

        Args:
            x: inputs.
            reference: as in `expected_mse`.

        Raises:
            TypeError: x or a reference that is not a real array, or of another kind or dtype than the training inputs.
            ValueError: x that does not fit the network, or a reference of another shape; a scheme that is
                not Gaussian.
        """
        if not self.scheme.gaussian:
            raise ValueError(
                f"the distribution of the error is known for Gaussian initial weights only, not for "
                f"{self.scheme.family} ones, where f(x) is not Gaussian; expected_mse is exact for all schemes"
            )
        return [_law(*image) for image in self._images(x, reference)]

    def mse_cdf(self, value: float, x: Num[Any, "..."], reference: Num[Any, "..."] | None = None) -> Float[Any, "..."]:
        """Return P(mean squared error of f(x) ≤ value), one per image.

        Args:
            value: a real number.
            x: inputs.
            reference: as in `expected_mse`.

        Raises:
            TypeError: x or a reference that is not a real array, or of another kind or dtype than the training inputs.
            ValueError: x that does not fit the network, or a reference of another shape; a scheme that is
                not Gaussian.
        """
        value = real_number("value", value)
        return self._from_list([law.cdf(value) for law in self.mse_law(x, reference)], self._check(x))

    def mse_quantile(self, q: float, x: Num[Any, "..."], reference: Num[Any, "..."] | None = None) -> Float[Any, "..."]:
        """Return the value that the mean squared error of f(x) stays below with probability q, one per image.

        For q so near to 1 that float64 loses the digits of 1 − q: `mse_law(x)[image].quantile(1 − q, upper=True)`.

        Args:
            q: in [0, 1].
            x: inputs.
            reference: as in `expected_mse`.

        Raises:
            TypeError: x or a reference that is not a real array, or of another kind or dtype than the training inputs.
            ValueError: x that does not fit the network, or a reference of another shape; a scheme that is
                not Gaussian; q outside [0, 1].
        """
        q = real_number("q", q)
        return self._from_list([law.quantile(q) for law in self.mse_law(x, reference)], self._check(x))

    def sample(self, x: Num[Any, "..."], n: int, seed: int) -> Float[Any, "n ..."]:
        """Return predictions of n networks trained from independent draws of the initial weights.

        Args:
            x: inputs.
            n: how many networks.
            seed: of NumPy's default generator; the draws are not those of `empirics.initialize`.

        Returns:
            Shape (n, *prediction shape).

        Raises:
            TypeError: inputs that are not a real array, or of another kind or dtype than those trained on; n
                or seed not an integer.
            ValueError: inputs that do not fit the network, or on another device than those trained on; n below 1 or a
                negative seed.
        """
        x = self._check(x)
        n, seed = positive_int("n", n), positive_int("seed", seed, least=0)
        xp = self._problem.xp
        parameters = self._problem.learned_parameters()
        blocks, outputs, columns = parameters.shape
        drawn = self.scheme.draw(np.random.default_rng(seed), (n, blocks, outputs, columns), self._variances)
        start = xp.asarray(drawn, device=array_api_compat.device(parameters))
        responses = self.network.design(as_float64(x)) @ xp.matrix_transpose(parameters + self._problem.forget(start))
        return self._as_prediction(responses, x)

    def _check(self, x: Any) -> Any:
        return check_predictable(self.network, x, self._problem.inputs)

    def _check_reference(self, name: str, value: Any, x: Any) -> Any:
        value = real_array(name, value, self.network.input_shapes)
        common_namespace(x=x, same_dtype=not (is_integer(x) or is_integer(value)), **{name: value})
        shape = self.network.target_shape(x)
        if tuple(value.shape) != shape:
            raise ValueError(f"{name} must have the shape of the prediction, {shape}, got {tuple(value.shape)}")
        return value

    def _mean_responses(self, x: Any) -> Any:
        xp = self._problem.xp
        return self.network.design(as_float64(x)) @ xp.matrix_transpose(self._problem.learned_parameters())

    def _spread(self, x: Any) -> Any:
        """S = A(x) F Σ₀^½, so that SSᵀ is the covariance of one output unit's responses: (blocks, rows, columns)."""
        xp = self._problem.xp
        design = self.network.design(as_float64(x))
        deviations = xp.asarray(np.sqrt(self._variances), device=array_api_compat.device(design))
        return self._problem.forget(design) * deviations

    def _offset(self, x: Any, reference: Any) -> Any:
        """E f(x) − reference as responses (blocks, rows, outputs)."""
        xp = self._problem.xp
        if reference is None:
            target = self.network.design(as_float64(x)) @ xp.matrix_transpose(self.network.identity_parameters(x))
        else:
            target = self.network.stack(as_float64(self._check_reference("reference", reference, x)))
        return self._mean_responses(x) - target

    def _images(self, x: Any, reference: Any) -> list[tuple[np.ndarray, np.ndarray, int, float]]:
        """Per image, in NumPy: S (blocks, rows, columns), offset (blocks, rows, outputs), entries, rounding of S."""
        x = self._check(x)
        spread, offset = to_numpy(self._spread(x)), to_numpy(self._offset(x, reference))
        whole = to_numpy(self.network.design(as_float64(x))) * np.sqrt(self._variances)  # S before any training
        n = x.shape[0] if self._batched(x) else 1
        entries = math.prod(self.network.target_shape(x)) // n
        rows = spread.shape[1] // n  # the rows of an image stand together
        images = [slice(i * rows, (i + 1) * rows) for i in range(n)]
        return [(spread[:, own], offset[:, own], entries, _rounding(whole[:, own])) for own in images]

    def _batched(self, x: Any) -> bool:
        return x.ndim == max(self.network.input_shapes)

    def _per_image(self, predictions: Any, x: Any) -> Any:
        xp = self._problem.xp
        axes = tuple(range(1 if self._batched(x) else 0, predictions.ndim))
        return self._in_range(xp.mean(predictions, axis=axes))

    def _from_list(self, values: list[float], x: Any) -> Any:
        xp = self._problem.xp
        array = self._in_range(
            xp.asarray(values, dtype=xp.float64, device=array_api_compat.device(self._problem.inputs))
        )
        return array if self._batched(x) else array[0, ...]

    def _as_prediction(self, responses: Any, x: Any) -> Any:
        return self._in_range(self.network.unstack(responses, x))

    @REFUSED_LATER
    def _in_range(self, values: Any) -> Any:
        """Values rounded to the inputs' dtype, unless that cannot hold them."""
        return rounded("results for x, or for this reference,", values, self._problem.dtype)


def _rounding(matrix: np.ndarray) -> float:
    """What rounding can move the singular values of a stack by when each is multiplied with a projector."""
    rows, columns = matrix.shape[1:]
    return float(np.finfo(float).eps * (np.sqrt(rows) + columns) * np.linalg.norm(matrix, axis=(1, 2)).max())


def _law(spread: np.ndarray, offset: np.ndarray, entries: int, rounding: float) -> GaussianQuadraticForm:
    """The law of Σ ‖S z + offset‖²/entries over blocks and output units.

    A deviation that rounding explains carries no randomness; its share of the offset stays, constant.
    """
    blocks = [
        GaussianQuadraticForm.from_gaussian(offsets, factor, scale=1 / entries, noise=rounding)
        for factor, offsets in zip(spread, offset, strict=True)
    ]
    return GaussianQuadraticForm(
        weights=np.concatenate([block.weights for block in blocks]),
        offsets=np.concatenate([block.offsets for block in blocks]),
        constant=sum(block.constant for block in blocks),
    )


def initialization_ensemble(
    network: Network,
    inputs: Num[Any, "..."],
    targets: Num[Any, "..."] | None = None,
    *,
    scheme: str,
    steps: SupportsIndex | float = math.inf,
    optimizer: GradientDescent | None = None,
) -> Ensemble:
    """Return the law of the networks that gradient descent ends at, over a scheme's random initial weights.

    Args:
        network: FullyConnected, Convolutional or LocallyConnected.
        inputs: training inputs, as in `gradient_descent`, like targets, steps and optimizer.
        targets: training targets; None for the identity task.
        scheme: "default" (torch's own), "yann_normal", "yann_uniform", "xavier_normal", "xavier_uniform",
            "kaiming_normal", "kaiming_uniform" or "orthogonal".
        steps: math.inf for the limit, or one number of steps.
        optimizer: required for finite steps.

    Returns:
        The ensemble: exact moments for every scheme, exact distributions for Gaussian ones.

    Raises:
        TypeError: arrays of different kinds or dtypes, or a setting of the wrong type.
        ValueError: shapes that do not fit, no targets where the identity has no meaning, an unknown scheme, finite
            steps without an optimizer or a sequence of them, an unstable final learning rate in the limit, or a rank
            that rounding leaves undecided.
        OverflowError: the weights are beyond the range of the inputs' dtype, or outgrow float64.

    Example:
        >>> import numpy as np
        >>> from theory.sliding_window import Convolutional
        >>> law = initialization_ensemble(Convolutional(1, kernel_size=3), np.ones((1, 1, 2)), scheme="kaiming_normal")
        >>> law.expected_mse(np.ones((1, 1, 4))).round(6).tolist()
        0.092593

    Source: derived in theory/derivations ("cnn-expected-mse").
    """
    problem = problem_of(network, inputs, targets, steps=steps, optimizer=optimizer)
    if isinstance(problem.steps, tuple):
        raise ValueError(f"steps must be one number of steps for an ensemble, got {steps!r}")
    law = scheme_of(scheme, network)
    return Ensemble(network, law, problem, law.variances(problem.space.right.shape[-2], network.bias))
