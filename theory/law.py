"""The law of predictions over random initial weights: what every one of them can be asked, wherever it comes from."""

from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float, Num


@runtime_checkable
class Law(Protocol):
    """The distribution of f(x) over the initial weights that a network may begin with.

    `theory.initialization_ensemble` gives that of one-layer networks, `theory.wide.gradient_flow` that of infinitely
    wide ones.
    Inputs are those of the network trained on: with a batch axis or without, of the training inputs' kind and dtype.
    Output units, or channels, are uncorrelated and have one covariance.
    """

    def mean(self, x: Num[Any, "..."]) -> Float[Any, "..."]:
        """E f(x), in the shape of a prediction."""

    def variance(self, x: Num[Any, "..."]) -> Float[Any, "..."]:
        """Var f(x), entry by entry, in the shape of a prediction."""

    def covariance(self, x1: Num[Any, "..."], x2: Num[Any, "..."] | None = None) -> Float[Any, "..."]:
        """Cov(f(x1), f(x2)) within one output unit or channel: (n1, n2), or (n1, n2, H1, W1, H2, W2) for images."""

    def expected_mse(self, x: Num[Any, "..."], reference: Num[Any, "..."] | None = None) -> Float[Any, "..."]:
        """E of the mean squared error of f(x) against a reference, one per input; None for the identity's answer."""

    def expected_correlation(self, x: Num[Any, "..."], reference: Num[Any, "..."]) -> Float[Any, "..."]:
        """E of Pearson's correlation of f(x) with a reference, one per input."""

    def sample(self, x: Num[Any, "..."], n: int, seed: int) -> Float[Any, "n ..."]:
        """Predictions of n independent networks, each for all of x: (n, *prediction shape)."""
