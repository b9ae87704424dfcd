"""What a network of each depth makes of each input, before anything is trained: identity, constant, or neither."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Num

from numerics.arguments import boolean, common_namespace, is_integer, positive_int
from theory.gaussian_correlation import expected_correlations, pearson
from theory.wide.gradient_flow import GradientFlow
from theory.wide.layout import as_matrix, as_rows
from theory.wide.network import SHALLOWEST_RESIDUAL, WideNetwork, require_range


@dataclass(frozen=True)
class Tendencies:
    """Correlations of predictions, by depth and input: the axes of the paper's map of networks.

    Attributes:
        depths: weight layers.
        rho: corr(x, x̂) of each input, (n,).
        with_input: of the prediction with the input x, the bias towards identity, (depths, n).
        with_training_image: of the prediction with x̂, the bias towards the constant function, (depths, n).
    """

    depths: tuple[int, ...]
    rho: Float[np.ndarray, " n"]
    with_input: Float[np.ndarray, "depths n"]
    with_training_image: Float[np.ndarray, "depths n"]

    @property
    def boundary(self) -> Float[np.ndarray, " n"]:
        """For each input the first depth at which the prediction is more like x̂ than like the input.

        Infinity where there is none; NaN where a prediction or an input is constant, and has no correlation.
        """
        memorizes = self.with_training_image > self.with_input
        first = np.array(self.depths, dtype=np.float64)[np.argmax(memorizes, axis=0)]
        unknown = np.any(np.isnan(self.with_training_image + self.with_input), axis=0)
        return np.where(unknown, np.nan, np.where(np.any(memorizes, axis=0), first, np.inf))


def tendencies(
    network: WideNetwork,
    x_hat: Num[Any, "..."],
    x: Num[Any, "..."],
    *,
    depths: Iterable[int] = range(1, 21),
    initial: bool = False,
) -> Tendencies:
    """Return how much networks of each depth, trained on one input x̂, tend to identity and constant function.

    All depths come out of one pass through the deepest network, where a shallower one begins with the same layers.

    Args:
        network: its settings; its own depth does not count. One of residual=True has no skips at depths below 4.
        x_hat: the training input, without a batch axis.
        x: inputs, with one; of x̂'s size, kind and dtype.
        depths: weight layers, in any order.
        initial: whether the random initial function f₀ counts. Without it, correlations are those of E f(x), the
            prediction of a large ensemble; with it they are expectations of one network's, at the cost of two
            eigenvalue problems per input and depth.

    Raises:
        TypeError: no infinitely wide network, inputs that are not real arrays or of different kinds or dtypes, or
            depths that are no integers.
        ValueError: inputs that do not fit the network; no depths, or one below 1; inputs of another size or batching.
        OverflowError: kernels or predictions beyond the range of float64.

    Example:
        >>> import numpy as np
        >>> from theory.wide.convolutional import Convolutional
        >>> x_hat, x = np.eye(5)[None], np.eye(5)[None, None, ::-1]
        >>> found = tendencies(Convolutional(1, kernel_size=3, weight_variance=2.0), x_hat, x, depths=(1, 8))
        >>> found.with_training_image[1].round(3).tolist(), found.boundary.tolist()
        ([0.698], [8.0])

    Source: Zhang et al. 2020, the figure of correlations against corr(x, x̂); here computed.
    """
    if not isinstance(network, WideNetwork):
        raise TypeError(f"network must be a wide.FullyConnected or wide.Convolutional, got {network!r:.60}")
    boolean("initial", initial)
    if not isinstance(depths, Iterable):
        raise TypeError(f"depths must be an iterable of integers, got {depths!r}")
    wanted = tuple(sorted({positive_int("depths", depth) for depth in depths}))
    if not wanted:
        raise ValueError("depths must not be empty")
    networks = {
        depth: replace(network, depth=depth, residual=network.residual and depth >= SHALLOWEST_RESIDUAL)
        for depth in wanted
    }
    x_hat, x = network.check_inputs("x_hat", x_hat), network.check_inputs("x", x)
    if network.batched(x_hat) or not network.batched(x) or tuple(x.shape[1:]) != tuple(x_hat.shape):
        raise ValueError(
            f"x_hat must be one input without a batch axis, and x several of its size; "
            f"got {tuple(x_hat.shape)} and {tuple(x.shape)}"
        )
    common_namespace(x_hat=x_hat, x=x, same_dtype=not (is_integer(x_hat) or is_integer(x)))
    X, batch = network.batch(x_hat), network.batch(x)
    networks[wanted[-1]].require_range_of(X, networks[wanted[-1]].layers(X.shape[1], X.shape[1]))
    flows = {}
    for depth, theta in _kernels(networks, X, None):
        flows[depth] = GradientFlow.solved(networks[depth], x_hat, X, theta)
    shape = (len(wanted), len(batch))
    with_input, with_training_image = np.empty(shape), np.empty(shape)
    for index, one in enumerate(batch):
        images = as_rows(one[None]).T, as_rows(X).T
        for depth, theta in _kernels(networks, one[None], X):
            row = wanted.index(depth)
            mean = flows[depth].apply(theta).T
            if initial:
                found = expected_correlations(mean, flows[depth].covariances(one[None]), *images)
            else:
                found = [pearson(mean, image) for image in images]
            with_input[row, index], with_training_image[row, index] = found
    rho = np.array([pearson(one, X[0]) for one in batch])
    return Tendencies(wanted, rho, with_input, with_training_image)


def _kernels(networks: dict[int, WideNetwork], x1: np.ndarray, x2: np.ndarray | None) -> Any:
    """Depth by depth Θ(x1, x2) as a matrix, in as few passes as the layers allow."""
    layers = {depth: network.layers(x1.shape[1], x1.shape[1]) for depth, network in networks.items()}
    left = sorted(networks, reverse=True)
    while left:
        deepest = left[0]
        along = tuple(depth for depth in reversed(left) if layers[depth] == layers[deepest][:depth])
        found = networks[deepest].kernels(x1, x2, layers[deepest], depths=along, covariance=False, tangent=True)
        for depth in along:
            yield depth, as_matrix(require_range(found[depth].tangent))
        left = [depth for depth in left if depth not in along]
