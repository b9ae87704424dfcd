"""The law of learning: which training example is right after which step, over random initial weights."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int, Num

from numerics.arguments import common_namespace, real_array, real_number, step_numbers
from theory.learning.descent import Descent
from theory.learning.kernel_descent import KernelDescent
from theory.learning.labelled_law import LabelledLaw
from theory.learning.labels import checked_labels, number_of_classes, one_hot
from theory.learning.tangent_descent import TangentDescent, outputs_of
from theory.optimizer import GradientDescent
from theory.training import check_optimizer
from theory.wide import FullyConnected

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class LearningLaw(LabelledLaw):
    """The law of a network's answers to its own training examples, step by step.

    Attributes:
        steps: numbers of steps, in the order in which they were asked for.
        labels: of the training inputs, (n,).
        classes: C, the number of output units.
        optimizer: learning rate, momentum and schedule.
    """

    optimizer: GradientDescent
    _descent: Descent = field(repr=False)

    @property
    def spectrum(self) -> Float[Any, " n"]:
        """The tangent kernel's eigenvalues, descending, (n,); of a network in hand between all its outputs, (nC,)."""
        return self._like(self._descent.spectrum)

    @property
    def mode_energies(self) -> Float[Any, " n"]:
        """The share of the targets that lies along each of the tangent kernel's eigenvectors, the quickest first, (n,).

        Of the targets less their mean over output units, 1/C: what all of these have in common tells no labels apart.
        Of a network in hand these are modes of all its outputs together, (nC,), or as many as it has parameters.
        Where the first few hold much, labels are simple to this network, and are learned in few steps.
        """
        told = self._targets - 1 / self.classes
        return self._like(self._descent.energies(told) / np.sum(told**2))

    def max_stable_lr(self, momentum: float = 0.0) -> float:
        """Return the learning rate above which gradient descent diverges, 2(1 + β)/λ_max; see `theory.max_stable_lr`.

        Args:
            momentum: β in [0, 1).

        Raises:
            TypeError: not a real number.
            ValueError: outside [0, 1).
        """
        momentum = real_number("momentum", momentum)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), got {momentum}")
        largest = float(self._descent.rates.max())
        return 2 * (1 + momentum) / largest if largest > 0 else math.inf

    def at(self, steps: Any, *, optimizer: GradientDescent | None = None) -> "LearningLaw":
        """Return the same law after other numbers of steps; kernels and their modes are those already known.

        Args:
            steps: as for `learning_law`.
            optimizer: another one; None for the same.

        Raises:
            TypeError: steps that are not integers, or no GradientDescent.
            ValueError: negative steps, or an empty sequence.
            OverflowError: the learning rate is unstable, and errors outgrow float64.
        """
        chosen = self.optimizer if optimizer is None else optimizer
        check_optimizer(chosen)
        numbers, _ = step_numbers(steps)
        return replace(self, steps=numbers, optimizer=chosen, _moments=self._descent.on_training(numbers, chosen))

    def steps_to(self, fraction: float) -> int | None:
        """Return how many steps it takes until a fraction of the training examples is expected to be right.

        Between the last of `steps` before that and the first from which on it is so, the step is found by bisection:
        it is the first of all where accuracy only grows there.

        Args:
            fraction: in (0, 1].

        Returns:
            A number of steps t, with `accuracy` at least `fraction` after t steps, and below it after t − 1 unless t is
            the least of `steps`; None where none of `steps` gets so far.

        Raises:
            TypeError: not a real number.
            ValueError: outside (0, 1].
        """
        fraction = real_number("fraction", fraction)
        if not 0 < fraction <= 1:
            raise ValueError(f"fraction must be in (0, 1], got {fraction}")
        accuracy = np.mean(self._probability, axis=1)
        ordered = sorted(zip(self.steps, accuracy >= fraction, strict=True))
        reached = next((index for index, (_, enough) in enumerate(ordered) if enough), None)
        if reached is None:
            return None
        high = ordered[reached][0]
        if reached == 0:
            return high
        low = ordered[reached - 1][0]
        while high - low > 1:
            middle = (low + high) // 2
            enough = bool(np.mean(self.at(middle)._probability) >= fraction)
            low, high = (low, middle) if enough else (middle, high)
        return high

    def of(self, x: Num[Any, "m ..."], labels: Int[Any, " m"]) -> LabelledLaw:
        """Return the law of the answers to other inputs, after the same steps.

        Args:
            x: inputs, (m, ...), of the training inputs' kind and floating dtype, or integers.
            labels: the right answers, (m,).

        Raises:
            TypeError: arrays of another kind or dtype, or labels that are not integers.
            ValueError: inputs that do not fit, or labels that are not one of the classes for each.
        """
        x = self._descent.check(x)
        known = checked_labels(labels, x.shape[0], self.classes)
        return LabelledLaw(
            steps=self.steps,
            labels=known,
            classes=self.classes,
            _moments=self._descent.on(x, self.steps, self.optimizer),
            _like=self._like,
        )


def learning_law(
    network: "FullyConnected | torch.nn.Module",
    inputs: Num[Any, "n ..."],
    labels: Int[Any, " n"],
    *,
    steps: int | Iterable[int],
    optimizer: GradientDescent,
    classes: int | None = None,
) -> LearningLaw:
    """Return the law of learning: how likely each example is right after each step of full-batch gradient descent.

    Networks have an output unit for each class, and are trained on the mean squared error (torch's, the mean over
    examples and output units) against 1 for the label and 0 for the rest; an answer is the unit of the largest output.
    For `wide.FullyConnected(1, ..., parameterization="standard")` with normal weights this is exact: the law of
    one-layer networks of that size. For deeper ones it is their limit as the width grows. A learning rate is torch's in
    standard parameterization, and otherwise that of networks written in the other one.

    Time grows with n³ and memory with n². On one core 1,000 examples of 196 features take three seconds, and 0.1 s
    for each number of steps; 10,000 take 6 GB, eight minutes, and 50 s for each number of steps.

    Args:
        network: a `wide.FullyConnected`, or a torch module with outputs (n, classes): that network in particular,
            linearized at its own weights, whose probabilities are 0 or 1 (`theory.tangent.linearize` takes it).
        inputs: training inputs, (n, d), or with whatever axes the module takes.
        labels: the numbers of their classes, integers from 0, (n,), of two classes at least.
        steps: a number of steps, or a sequence of them.
        optimizer: learning rate, momentum and schedule.
        classes: C, how many output units there are; None for one more than the greatest label, or as many as the
            module has.

    Returns:
        The law over random initial weights.

    Raises:
        TypeError: no wide.FullyConnected, torch module or GradientDescent; arrays that are not real; labels or steps
            that are not integers.
        ValueError: inputs without a batch axis, empty or not finite; labels that are not one for each input, out of
            range or all the same; negative steps, or none; a module that inputs or classes do not fit.
        OverflowError: the kernels leave float64's range, or an unstable learning rate the errors.

    Example:
        >>> import numpy as np
        >>> import theory
        >>> from theory import wide
        >>> network = wide.FullyConnected(1, scheme="yann_normal", parameterization="standard")
        >>> inputs, labels = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([0, 1])
        >>> law = learning_law(network, inputs, labels, steps=[0, 4], optimizer=theory.GradientDescent(0.2))
        >>> law.probability.round(3).tolist()  # the longer input is learned first
        [[0.5, 0.5], [1.0, 0.7]]

    Source: ours, derived in theory/derivations ("learning-law"); kernels: Jacot et al. 2018, Lee et al.
    2019; the experiment that it predicts: Arpit et al. 2017.
    """
    check_optimizer(optimizer)
    numbers, _ = step_numbers(steps)
    if isinstance(network, FullyConnected):
        inputs = network.check_inputs("inputs", inputs)
        if not network.batched(inputs):
            raise ValueError(f"inputs must have a batch axis, (n, d), got shape {tuple(inputs.shape)}")
        known = checked_labels(labels, inputs.shape[0])
        units = number_of_classes(known, classes)
    else:
        outputs = outputs_of(network, inputs)
        inputs = real_array("inputs", inputs, None)
        known = checked_labels(labels, inputs.shape[0])
        units = number_of_classes(known, outputs if classes is None else classes)
        if units != outputs:
            raise ValueError(f"classes must be the network's number of outputs, {outputs}, got {units}")
    common_namespace(inputs=inputs, labels=labels, same_dtype=False)
    targets = one_hot(checked_labels(labels, inputs.shape[0], units), units)
    descent: Descent = (
        KernelDescent.of(network, inputs, targets)
        if isinstance(network, FullyConnected)
        else TangentDescent.of(network, inputs, targets)
    )
    return LearningLaw(
        steps=numbers,
        labels=known,
        classes=units,
        _moments=descent.on_training(numbers, optimizer),
        _like=descent.like,
        optimizer=optimizer,
        _descent=descent,
    )
