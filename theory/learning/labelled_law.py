"""The law of a network's answers to labelled inputs, step by step: how likely each is right, and the loss."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from numerics import GaussianQuadraticForm
from numerics.arguments import positive_int, real_number
from numerics.row_space import EPS
from theory.learning.argmax import probability_of_largest
from theory.learning.labels import one_hot


@dataclass(frozen=True, eq=False)
class Moments(ABC):
    """Answers f(x) to n inputs after each of several numbers of steps: C independent output units of one covariance.

    Attributes:
        mean: E f, (steps, n, C).
        variance: of each output unit's answer, (steps, n).
    """

    mean: Float[np.ndarray, "steps n classes"]
    variance: Float[np.ndarray, "steps n"]

    @abstractmethod
    def squared_error(self, index: int, targets: Float[np.ndarray, "n classes"]) -> GaussianQuadraticForm:
        """The law of the mean squared error after the steps of that index."""


@dataclass(frozen=True, eq=False)
class Certain(Moments):
    """Answers without chance: those of one network in particular."""

    def squared_error(self, index: int, targets: Float[np.ndarray, "n classes"]) -> GaussianQuadraticForm:
        """A point mass."""
        return GaussianQuadraticForm(np.zeros(1), constant=float(np.mean((self.mean[index] - targets) ** 2)))


@dataclass(frozen=True, eq=False)
class Jointly(Moments):
    """Gaussian answers, whose covariance is known as a root of it.

    Attributes:
        root: gives (R, T, noise) for an index: with some orthogonal T, T f − T mean is R times standard normal
            variables, and `noise` is what rounding may have moved the singular values of R by.
    """

    root: Callable[[int], tuple[np.ndarray, Callable[[np.ndarray], np.ndarray], float]] = field(repr=False)

    def squared_error(self, index: int, targets: Float[np.ndarray, "n classes"]) -> GaussianQuadraticForm:
        """A quadratic form in as many Gaussians as there are answers."""
        factor, turned, noise = self.root(index)
        return GaussianQuadraticForm.from_gaussian(
            turned(self.mean[index] - targets), factor, scale=1 / targets.size, noise=noise
        )


def root_of(covariance: Float[np.ndarray, "n n"], size: float) -> tuple[np.ndarray, float]:
    """A root of a difference of matrices whose norms add up to `size`, and the noise of its singular values."""
    values, vectors = np.linalg.eigh(covariance)
    noise = EPS * 4 * len(covariance) * size  # of the products, of their difference, of the decomposition
    return vectors * np.sqrt(np.maximum(values, 0)), float(np.sqrt(noise))


@dataclass(frozen=True, eq=False)
class LossLaw:
    """The mean squared error over all examples and output units, which is random with the initial weights."""

    _law: "LabelledLaw"

    @cached_property
    def mean(self) -> Float[Any, " steps"]:
        """Its expectation after each of the steps, (steps,)."""
        law = self._law
        bias = np.mean((law._moments.mean - law._targets) ** 2, axis=(1, 2))
        return law._like(bias + np.mean(law._moments.variance, axis=1))

    def quantile(self, q: float) -> Float[Any, " steps"]:
        """Return what it stays below with probability q, after each of the steps, (steps,).

        Each step takes a singular value decomposition of size n: a second for 1,000 examples.

        Args:
            q: in [0, 1].

        Raises:
            TypeError: not a real number.
            ValueError: outside [0, 1].
        """
        q = real_number("q", q)
        if not 0 <= q <= 1:
            raise ValueError(f"q must be in [0, 1], got {q}")
        return self._law._like(np.array([form.quantile(q) for form in self._forms]))

    @cached_property
    def _forms(self) -> list[GaussianQuadraticForm]:
        law = self._law
        return [law._moments.squared_error(index, law._targets) for index in range(len(law.steps))]


@dataclass(frozen=True, eq=False)
class LabelledLaw:
    """The law of a network's answers to labelled inputs after each of several numbers of steps.

    An answer's label is the output unit of the largest output. Arrays are of the training inputs' kind, device and
    floating dtype (float64 for integers).

    Attributes:
        steps: numbers of steps, in the order in which they were asked for.
        labels: of the inputs, (n,).
        classes: C, the number of output units.
    """

    steps: tuple[int, ...]
    labels: Int[np.ndarray, " n"] = field(repr=False)
    classes: int
    _moments: Moments = field(repr=False)
    _like: Callable[[np.ndarray], Any] = field(repr=False)

    @property
    def mean(self) -> Float[Any, "steps n classes"]:
        """E f(x): outputs averaged over initial weights, (steps, n, C)."""
        return self._like(self._moments.mean)

    @property
    def variance(self) -> Float[Any, "steps n"]:
        """Var f(x) of each output unit, the same for all of them, (steps, n)."""
        return self._like(self._moments.variance)

    @property
    def probability(self) -> Float[Any, "steps n"]:
        """The probability that each input is answered with its label, (steps, n)."""
        return self._like(self._probability)

    @property
    def accuracy(self) -> Float[Any, " steps"]:
        """The share of inputs that are right, averaged over initial weights, (steps,)."""
        return self._like(np.mean(self._probability, axis=1))

    @property
    def ease(self) -> Float[Any, " n"]:
        """The share of the steps asked for at which each input is right, averaged over initial weights, (n,)."""
        return self._like(np.mean(self._probability, axis=0))

    @property
    def order(self) -> Int[np.ndarray, " n"]:
        """The inputs' indices from the one learned first to the one learned last: by `ease`, (n,)."""
        return np.argsort(-np.mean(self._probability, axis=0), kind="stable")

    @property
    def loss(self) -> LossLaw:
        """The mean squared error against the labels' targets, 1 for the label and 0 for the rest: its law."""
        return LossLaw(self)

    def overdispersion(self, networks: int) -> Float[Any, " steps"]:
        """Return how much more the inputs' error rates differ than if all were equally hard, (steps,).

        Over S networks an input's error rate p̂ has expectation p, and among inputs that are equally hard (p̄ each) a
        variance of p̄(1 − p̄)/S. Inputs that are not have E mean (p̂ − p̄)² over that: 1 + (S − 1) Var p/(p̄(1 − p̄)).

        Args:
            networks: S, over which each error rate is measured.

        Returns:
            1 where all inputs are equally hard, S where each is always right or always wrong, NaN where none is ever
            wrong or none right.

        Raises:
            TypeError: not an integer.
            ValueError: below 1.

        Source: Arpit et al. 2017, figure 1, as a number; derived in theory/derivations ("learning-law").
        """
        networks = positive_int("networks", networks)
        mean = np.mean(self._probability, axis=1)
        binomial = mean * (1 - mean)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where(binomial > 0, np.var(self._probability, axis=1) / binomial, np.nan)
        return self._like(1 + (networks - 1) * ratio)

    @cached_property
    def _probability(self) -> np.ndarray:
        moments = self._moments
        return probability_of_largest(moments.mean, np.sqrt(moments.variance), self.labels)

    @cached_property
    def _targets(self) -> np.ndarray:
        return one_hot(self.labels, self.classes)
