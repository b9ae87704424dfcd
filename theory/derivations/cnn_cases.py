"""Explicit one-layer convolutional networks, trained step by step: the ground truth for Theorem 2."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from sympy import Basic, Expr, ImmutableMatrix, Rational, eye

from theory.derivations import linear_model as model
from theory.derivations import patch_model
from theory.derivations.explicit_convolution import Image, KernelSize, convolve, delta_kernel, patch_matrix, pixels
from theory.derivations.explicit_descent import descend, multiplied_out, real_matrix
from theory.proof.brute_force import Case

__all__ = ["CONVERGED", "INTEGER", "SYMBOLIC", "Experiment", "converged_cases", "descent_cases", "mode_cases"]


@dataclass(frozen=True)
class Experiment:
    """A training image, the size of the kernel, for how many steps to train, how fast, and from which weights."""

    image: Image
    kernel_size: KernelSize
    steps: int
    learning_rate: Expr = model.eta
    initial: ImmutableMatrix | None = None  # None: symbols

    @property
    def label(self) -> str:
        """What is trained, in words."""
        (height, width), (tall, wide) = self.image[0].shape, self.kernel_size
        kind = "integer" if not ImmutableMatrix.hstack(*self.image).free_symbols else "symbolic"
        size = rf"${height} \times {width}$ pixels, kernel ${tall} \times {wide}$"
        return f"{len(self.image)} channel(s) of {kind} {size}"


def symbolic_image(channels: int, height: int, width: int) -> Image:
    """An image whose pixels are symbols."""
    names = ["x"] if channels == 1 else [f"x{channel + 1}" for channel in range(channels)]
    return tuple(real_matrix(name, height, width) for name in names)


def lit(height: int, width: int, row: int, column: int) -> Image:
    """An image of value 2 in one pixel and zero elsewhere."""
    return (ImmutableMatrix(height, width, lambda i, j: 2 * int((i, j) == (row, column))),)


SYMBOLIC = (
    Experiment(symbolic_image(1, 1, 2), (1, 3), steps=3),
    Experiment(symbolic_image(1, 1, 4), (1, 3), steps=3),
    Experiment(symbolic_image(2, 1, 2), (1, 3), steps=2),
    Experiment(symbolic_image(1, 2, 2), (3, 3), steps=3),
    Experiment(symbolic_image(1, 3, 3), (3, 3), steps=1),
    Experiment(symbolic_image(1, 3, 3), (3, 3), steps=3, initial=ImmutableMatrix([[2, 0, 0, 0, 1, 0, 0, -3, 0]])),
)
INTEGER = (
    Experiment((ImmutableMatrix([[3, 0, 1, 2], [1, 5, 0, 0], [0, 2, 2, 7], [4, 1, 0, 1]]),), (3, 3), steps=5),
    Experiment((ImmutableMatrix([[1, 1, 1, 1]] * 4),), (2, 3), steps=4),
)
# all non-zero eigenvalues of D'D are equal, and this learning rate arrives in one step
ONE_LIT = (
    (lit(1, 3, 0, 1), (1, 3)),
    (lit(4, 4, 1, 2), (3, 3)),
    (lit(4, 4, 0, 0), (3, 3)),
    (lit(3, 3, 0, 1), (3, 3)),
    (lit(1, 4, 0, 3), (1, 4)),
)
TWO_EQUAL_CHANNELS = Experiment(lit(1, 1, 0, 0) * 2, (1, 1), 1, Rational(1, 8))
CONVERGED = (
    *(Experiment(image, size, 1, Rational(image[0].rows * image[0].cols, 8)) for image, size in ONE_LIT),
    TWO_EQUAL_CHANNELS,
)


@cache
def trained(experiment: Experiment) -> list[ImmutableMatrix]:
    """The initial kernels, one a row, and the iterates: descent on the convolution's loss, written out."""
    image, (tall, wide) = experiment.image, experiment.kernel_size
    channels, taps, targets = len(image), tall * wide, pixels(image)

    def mean_squared_error(weights: ImmutableMatrix) -> Expr:
        total = 0
        for unit in range(channels):
            kernel = tuple(
                ImmutableMatrix(tall, wide, list(weights[unit, channel * taps : (channel + 1) * taps]))
                for channel in range(channels)
            )
            total += sum(error**2 for error in convolve(image, kernel) - targets[:, unit])
        return total / len(targets)

    initial = experiment.initial or real_matrix("w", channels, channels * taps)
    return descend(mean_squared_error, initial, experiment.learning_rate, experiment.steps)


def observed(experiment: Experiment, step: int) -> dict[Basic, Any]:
    """The symbols of the derivation as they are in this experiment after so many steps."""
    image = experiment.image
    design, targets = patch_matrix(image, experiment.kernel_size), pixels(image)
    kappa = 2 * experiment.learning_rate / len(targets)
    identity_kernels = [delta_kernel(len(image), experiment.kernel_size, channel) for channel in range(len(image))]
    shrink = ImmutableMatrix(eye(design.cols) - kappa * design.T * design)
    power = ImmutableMatrix(eye(design.cols))
    for _ in range(step - 1):
        power = multiplied_out(power, shrink)
    return {
        model.n: design.rows,
        model.p: design.cols,
        model.c: len(image),
        model.t: step,
        model.kappa: kappa,
        model.D: design,
        patch_model.Theta_star: ImmutableMatrix.hstack(*identity_kernels).T,
        patch_model.Q(step): power * shrink,
    } | {model.Theta(number): weights for number, weights in enumerate(trained(experiment))}


def descent_cases(experiments: tuple[Experiment, ...]) -> tuple[Case, ...]:
    """Every step of every experiment."""
    return tuple(
        Case(f"{experiment.label}, $t = {step}$", partial(observed, experiment, step))
        for experiment in experiments
        for step in range(1, experiment.steps + 1)
    )


def converged_cases() -> tuple[Case, ...]:
    """Networks that arrive at their limit in one step, predicting a symbolic image."""

    def arrived(experiment: Experiment) -> dict[Basic, Any]:
        channels, (height, width) = len(experiment.image), experiment.image[0].shape
        found = observed(experiment, 1)
        design = found[model.D]
        return found | {
            model.Theta_inf: trained(experiment)[1],
            patch_model.N: ImmutableMatrix(eye(design.cols) - found[model.kappa] * design.T * design),
            patch_model.A: patch_matrix(symbolic_image(channels, height, width), experiment.kernel_size),
        }

    return tuple(Case(experiment.label, partial(arrived, experiment)) for experiment in CONVERGED)


def mode_cases(*, seen: bool) -> tuple[Case, ...]:
    """One mode of images whose modes are rational, seen by the network or not, up to three steps from any weights."""

    def mode(experiment: Experiment, step: int) -> dict[Basic, Any]:
        found = observed(experiment, step)
        modes = sorted((found[model.D].T * found[model.D]).eigenvects(), key=lambda entry: entry[0])
        value, _, (*_, vector) = modes[-1 if seen else 0]
        return found | {model.w: 1, model.v: vector, model.v_null: vector, model.eigenvalue: value}

    images = [(lit(4, 4, 0, 0), (3, 3)), ((ImmutableMatrix([[1, 1]]),), (1, 3))]
    return tuple(
        Case(f"{experiment.label}, $t = {step}$", partial(mode, experiment, step))
        for experiment in (Experiment(image, kernel_size, steps=3) for image, kernel_size in images)
        for step in range(1, 4)
    )
