"""Gradient descent of an infinitely wide network on one-hot targets, in the eigenbasis of its tangent kernel.

With Θ = V diag(θ) Vᵀ between the n training inputs, Y their targets, C output units and torch's mean over N = nC
numbers, the error f − Y of each output unit shrinks along the j-th eigenvector by e_j(t), `numerics.momentum_response`
at λ_j = 2θ_j/N. So, with E = V diag(e) Vᵀ and f₀ of covariance K at the start,

    f(X) = (I − E) Y + E f₀(X),      mean (I − E) Y,  covariance E K E,
    f(x) = f₀(x) + B (Y − f₀(X)),    B = Θ(x, X) V diag((1 − e)/θ) Vᵀ,
           mean B Y,  covariance K(x, x) − B K(X, x) − K(x, X) Bᵀ + B K Bᵀ.

Source: Lee et al. 2019, equations 14-16, in discrete time; theory/derivations ("learning-law", "momentum").
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from numerics.arguments import common_namespace, is_integer
from numerics.momentum import momentum_modes
from numerics.row_space import EPS
from theory.learning.labelled_law import Jointly, Moments, root_of
from theory.optimizer import GradientDescent
from theory.wide import FullyConnected
from theory.wide.modes import Modes
from theory.wide.network import like, require_range


@dataclass(frozen=True, eq=False)
class KernelDescent:
    """The modes of one training problem; see the head of this file.

    Attributes:
        network: the architecture.
        trained_on: the training inputs as they were given.
        X: the same in float64, (n, d).
        targets: Y, (n, C).
        modes: of Θ(X, X).
        prior: K(X, X).
    """

    network: FullyConnected
    trained_on: Any = field(repr=False)
    X: np.ndarray = field(repr=False)
    targets: np.ndarray = field(repr=False)
    modes: Modes = field(repr=False)
    prior: np.ndarray = field(repr=False)

    @classmethod
    def of(cls, network: FullyConnected, inputs: Any, targets: np.ndarray) -> "KernelDescent":
        """Compute the kernels between checked training inputs, and decompose the tangent one."""
        X = network.batch(inputs)
        layers = network.layers(X.shape[1], targets.shape[1])
        network.require_range_of(X, layers)
        found = network.kernels(X, None, layers, depths=(network.depth,), covariance=True, tangent=True)[network.depth]
        modes = Modes.of(require_range(found.tangent), network.depth * network.roundings)
        return cls(network, inputs, X, targets, modes, require_range(found.covariance))

    @property
    def spectrum(self) -> np.ndarray:
        """The eigenvalues of Θ(X, X)."""
        return self.modes.spectrum

    def energies(self, told: np.ndarray) -> np.ndarray:
        """How much of some targets (n, C), squared, lies along each eigenvector."""
        return np.sum((self.modes.vectors.T @ told) ** 2, axis=1)

    @cached_property
    def rates(self) -> np.ndarray:
        """λ_j = 2θ_j/N of the loss's Hessian, 0 for modes that rounding cannot tell from it, (n,)."""
        return 2 * np.where(self.modes.kept, self.modes.spectrum, 0.0) / self.targets.size

    @cached_property
    def along(self) -> np.ndarray:
        """VᵀY, (n, C)."""
        return self.modes.vectors.T @ self.targets

    @cached_property
    def turned_prior(self) -> np.ndarray:
        """VᵀKV, (n, n)."""
        return self.modes.vectors.T @ self.prior @ self.modes.vectors

    def like(self, values: np.ndarray) -> Any:
        """Results as arrays of the training inputs' kind."""
        return like(self.trained_on, values)

    def after(self, steps: tuple[int, ...], optimizer: GradientDescent) -> tuple[np.ndarray, np.ndarray]:
        """(left, learned): e and 1 − e of each mode, (steps, n) each."""
        left, learned = momentum_modes(
            self.rates,
            lr=optimizer.lr,
            momentum=optimizer.momentum,
            milestones=optimizer.milestones,
            gamma=optimizer.gamma,
            steps=steps,
        )
        return left, learned

    def on_training(self, steps: tuple[int, ...], optimizer: GradientDescent) -> Moments:
        """The answers to the training inputs."""
        left, learned = self.after(steps, optimizer)
        V, M = self.modes.vectors, self.turned_prior
        mean = np.stack([V @ (part[:, None] * self.along) for part in learned])
        variance = np.stack([_squares(V * part, M) for part in left])

        def root(index: int) -> tuple[np.ndarray, Any, float]:
            e = left[index]
            # diag(e) Vᵀ K^½: what rounds is the root, which e multiplies.
            noise = EPS * (len(M) + len(M) ** 0.5) * float(np.linalg.norm(self._root)) * float(np.abs(e).max())
            return e[:, None] * self._root, lambda offset: V.T @ offset, noise

        return Jointly(mean, variance, root)

    @cached_property
    def _root(self) -> np.ndarray:
        """R with R Rᵀ = VᵀKV."""
        values, vectors = np.linalg.eigh(self.turned_prior)
        return vectors * np.sqrt(np.maximum(values, 0))

    def on(self, x: Any, steps: tuple[int, ...], optimizer: GradientDescent) -> Moments:
        """The answers to other inputs."""
        batch, network = self.network.batch(x), self.network
        layers = network.layers(batch.shape[1], self.targets.shape[1])
        network.require_range_of(batch, layers)
        found = network.kernels(batch, self.X, layers, depths=(network.depth,), covariance=True, tangent=True)
        pair = found[network.depth]
        across = require_range(pair.tangent) @ self.modes.vectors  # Θ(x, X) V
        prior_across = require_range(pair.covariance) @ self.modes.vectors  # K(x, X) V
        kept = self.modes.kept
        _, learned = self.after(steps, optimizer)
        gains = np.where(kept, learned / np.where(kept, self.modes.spectrum, 1), 0.0)
        own = network.variances(batch, layers)
        mean = np.stack([across @ (gain[:, None] * self.along) for gain in gains])
        variance = np.stack(
            [
                # Rounding may pass 0 where x is a training input.
                np.maximum(
                    own + _squares(across * gain, self.turned_prior) - 2 * np.sum(across * gain * prior_across, axis=1),
                    0,
                )
                for gain in gains
            ]
        )

        def root(index: int) -> tuple[np.ndarray, Any, float]:
            B = across * gains[index]
            both = network.kernels(batch, None, layers, depths=(network.depth,), covariance=True, tangent=False)
            parts = (require_range(both[network.depth].covariance), B @ self.turned_prior @ B.T, B @ prior_across.T)
            whole = parts[0] + parts[1] - parts[2] - parts[2].T
            factor, noise = root_of(whole, sum(float(np.linalg.norm(part)) for part in parts))
            return factor, lambda offset: offset, noise

        return Jointly(mean, variance, root)

    def check(self, x: Any) -> Any:
        """Refuse inputs that cannot be asked about."""
        x = self.network.check_inputs("x", x)
        common_namespace(x=x, inputs=self.trained_on, same_dtype=not (is_integer(x) or is_integer(self.trained_on)))
        if not self.network.batched(x):
            raise ValueError(f"x must have a batch axis, (n, d), got shape {tuple(x.shape)}")
        if x.shape[1] != self.X.shape[1]:
            raise ValueError(f"x must have {self.X.shape[1]} features as the training inputs, got {x.shape[1]}")
        return x


def _squares(rows: np.ndarray, M: np.ndarray) -> np.ndarray:
    """The product r M rᵀ for each row r, not negative."""
    return np.maximum(np.sum((rows @ M) * rows, axis=1), 0)
