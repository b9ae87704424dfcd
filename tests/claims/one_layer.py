"""One run of a real one-layer network beside what theory says of it, and the bound between them."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from hypothesis import strategies as st

import empirics
import theory
from tests import reference
from tests.bounds import UNIT_ROUNDOFF, Rounding, gamma
from tests.cases import Descent, either_sign, images
from theory.networks import Network

schemes = st.sampled_from(
    ["default", "yann_normal", "yann_uniform", "xavier_normal", "kaiming_normal", "kaiming_uniform", "orthogonal"]
)


@dataclass(frozen=True)
class OneLayerTraining:
    """A one-layer network trained by `empirics`, whose every number theory must predict.

    Attributes:
        network: its architecture, as theory knows it.
        inputs: training inputs.
        targets: training targets, or None for the identity task.
        descent: the learning rate, as a fraction of the largest stable one, momentum and schedule.
        steps: how long it is trained.
        scheme: distribution of the initial weights.
        seed: of the initial weights.
        precision: of the training.
        trajectory: whether the weights after every step are kept.
        start: initial weights by their names in torch, in place of the scheme's.
    """

    network: Network
    inputs: np.ndarray
    targets: np.ndarray | None
    descent: Descent
    steps: int
    scheme: str
    seed: int
    precision: str = "float64"
    trajectory: bool = False
    start: dict[str, np.ndarray] | None = None

    @cached_property
    def design(self) -> np.ndarray:
        """The design matrix by the naive reference: rows are examples, or examples x output pixels."""
        if isinstance(self.network, theory.FullyConnected):
            rows = self.inputs
        else:
            rows = naive_patches(self.network, self.inputs)
        return np.hstack([rows, np.ones((len(rows), 1))]) if self.network.bias else rows

    @cached_property
    def responses(self) -> np.ndarray:
        """The targets, row by row of the design: (rows, outputs)."""
        targets = self.inputs if self.targets is None else self.targets
        return targets if targets.ndim == 2 else np.moveaxis(targets, 1, -1).reshape(-1, targets.shape[1])

    @cached_property
    def optimizer(self) -> theory.GradientDescent:
        """The descent's settings with a learning rate in units of the loss."""
        if isinstance(self.network, theory.LocallyConnected):
            largest = max(np.linalg.norm(block, 2) for block in self.blocks)
        else:
            largest = np.linalg.norm(self.design, 2)
        # Black images have no gradient: any rate is stable.
        stable = (1 + self.descent.momentum) * self.responses.size / largest**2 if largest else 1.0
        return theory.GradientDescent(
            self.descent.fraction * stable,
            momentum=self.descent.momentum,
            milestones=self.descent.milestones,
            gamma=self.descent.gamma,
        )

    @cached_property
    def blocks(self) -> list[np.ndarray]:
        """A locally connected network's designs, one per output pixel."""
        n = len(self.inputs)
        return list(np.moveaxis(self.design.reshape(n, -1, self.design.shape[1]), 1, 0))

    @cached_property
    def trained(self) -> empirics.TrainedEnsemble:
        """The real network, really trained."""
        recipe = empirics.Recipe(
            optimizer="sgd",
            lr=self.optimizer.lr,
            momentum=self.optimizer.momentum,
            decay_at=tuple(milestone / self.steps for milestone in self.optimizer.milestones),
            gamma=self.optimizer.gamma,
            steps=self.steps,
            precision=self.precision,
            scheme=self.scheme,
        )
        return empirics.train(
            self.make_model,
            self.inputs,
            self.targets,
            recipe=recipe,
            seeds=(self.seed,),
            initial=None if self.start is None else {name: value[None] for name, value in self.start.items()},
            snapshots=range(self.steps + 1) if self.trajectory else (),
            progress=False,
        )

    def make_model(self):
        """The same architecture in torch."""
        network = self.network
        if isinstance(network, theory.FullyConnected):
            return empirics.FCN(network.in_features, 1, out_features=network.outputs, bias=network.bias)
        settings = {
            "kernel_size": network.kernel_size,
            "out_channels": network.outputs,
            "stride": network.stride,
            "padding": network.padding,
            "padding_mode": network.padding_mode,
            "dilation": network.dilation,
            "bias": network.bias,
        }
        if isinstance(network, theory.LocallyConnected):
            return empirics.LCN(network.in_channels, self.inputs.shape[-2:], **settings)
        return empirics.CNN(network.in_channels, 1, **settings)

    @cached_property
    def initial(self):
        """The real network's own initial weight, or (weight, bias), in float64."""
        return parameters(self.trained.initial_weights, self.network.bias)

    def predicted(self, **options) -> theory.TrainedNetwork:
        """What theory says the same training leads to."""
        return theory.gradient_descent(
            self.network, self.inputs, self.targets, initial=self.initial, **{"optimizer": self.optimizer, **options}
        )

    @cached_property
    def rounding(self) -> Rounding:
        """What rounding may do to the run."""
        flat = self.flat(self.trained.initial_weights)
        return Rounding.of(self.design, self.responses, flat, self.optimizer, steps=self.steps, dtype=self.precision)

    @property
    def bound(self) -> float:
        """How far the last weights may be from those in the limit: rounding, and what is not yet learned."""
        slowest = np.abs(self.rounding.left[-1]).max(initial=0.0)
        return float(self.rounding.weights[-1] + slowest * self.rounding.distance)

    def flat(self, weights) -> np.ndarray:
        """Weights of a network (or of a theoretical one) as (outputs, columns), the bias last."""
        if isinstance(weights, theory.TrainedNetwork):
            weight, bias = weights.weight, weights.bias
        else:
            weight, bias = parameters(weights, True) if self.network.bias else (parameters(weights, False), None)
        flat = weight.reshape(self.network.outputs, -1)
        return flat if bias is None else np.hstack([flat, bias[:, None]])

    def distance(self, predicted: theory.TrainedNetwork) -> float:
        """‖Θ̂ − Θ‖ between the trained weights and predicted ones."""
        return float(np.linalg.norm(self.flat(self.trained.weights) - self.flat(predicted)))

    def prediction_bound(self, x: np.ndarray, weights_bound: float) -> np.ndarray:
        """What a bound on the weights means for each output: ‖A(x)[p]‖ times it, and the rounding of the sum itself."""
        rows = x if isinstance(self.network, theory.FullyConnected) else naive_patches(self.network, x)
        norms = np.linalg.norm(rows, axis=1) if not self.network.bias else np.hypot(np.linalg.norm(rows, axis=1), 1)
        size = np.linalg.norm(self.flat(self.trained.weights)) + weights_bound
        own = 2 * gamma(rows.shape[1] + 2, UNIT_ROUNDOFF[self.precision]) * size
        per_row = norms * (weights_bound + own)
        if isinstance(self.network, theory.FullyConnected):
            return per_row[:, None]
        return per_row.reshape(len(x), 1, *self.network.target_shape(x)[2:])


@st.composite
def from_any_weights(draw: st.DrawFn, run: OneLayerTraining) -> OneLayerTraining:
    """The run from its scheme's weights, or from any others, each number drawn."""
    if draw(st.booleans()):
        return run
    shapes = {name: tuple(value.shape) for name, value in run.make_model().named_parameters()}
    return replace(run, start={name: draw(images(shape, values=either_sign)) for name, shape in shapes.items()})


def naive_patches(network, shown: np.ndarray) -> np.ndarray:
    """The patch matrix by loops, for a network's own window."""
    window = network.window
    padding = network.padding if isinstance(network.padding, str) else tuple(np.broadcast_to(network.padding, 2))
    return reference.patch_matrix(
        shown, window.kernel_size, window.stride, padding, network.padding_mode, window.dilation
    )


def parameters(weights: dict, bias: bool):
    """The one layer's weight, or (weight, bias), of the first seed, as float64 NumPy arrays."""
    named = {name.rpartition(".")[2]: np.asarray(value)[0].astype(np.float64) for name, value in weights.items()}
    return (named["weight"], named["bias"]) if bias else named["weight"]


def first_digits(per_class: int = 1) -> np.ndarray:
    """Real handwritten digits in [0, 1], (10 · per_class, 1, 28, 28), the first of each class."""
    pack = empirics.images("digits")
    chosen = np.concatenate([np.flatnonzero(pack.labels == label)[:per_class] for label in range(10)])
    return pack.as_float()[chosen]
