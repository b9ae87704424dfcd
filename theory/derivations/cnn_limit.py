"""Theorem 2 of "Identity Crisis" (Zhang et al., ICLR 2020): what a one-layer convolutional network ends up as.

The design matrix is the patch matrix of the training image; the rest is the linear model. What is left of the error is
`A(x) N (θ₀ − θ*)`, N the projector on the null space of the patch matrix: nothing, if the patch matrix has full rank.
"""

from __future__ import annotations

from sympy import ImmutableMatrix, MatMul, eye

from theory.derivations import linear_model, patch_model
from theory.derivations.cnn_cases import INTEGER, SYMBOLIC, converged_cases, descent_cases, mode_cases, symbolic_image
from theory.derivations.explicit_convolution import Image, convolve, delta_kernel, patch_matrix, pixels
from theory.derivations.explicit_descent import real_matrix
from theory.derivations.linear_model import equation
from theory.proof.brute_force import BruteForce
from theory.proof.derivation import Derivation
from theory.proof.rules import MatrixEntries
from theory.proof.steps import Step

__all__ = ["derivation"]

line, square = symbolic_image(1, 1, 4), symbolic_image(1, 2, 2)
line_kernel, square_kernel = (real_matrix("k", 1, 3),), (real_matrix("k", 3, 3),)


def as_product(image: Image, kernel: Image) -> object:
    """`A(x) θ` is the convolution of x with θ, written out."""
    taps = ImmutableMatrix([tap for channel in kernel for tap in channel])
    return equation(MatMul(patch_matrix(image, kernel[0].shape), taps, evaluate=False), convolve(image, kernel))


def lit_pixels(width: int, kernel_width: int) -> ImmutableMatrix:
    """The patch matrices of all one-dimensional images with one lit pixel, stacked."""
    images = [(ImmutableMatrix(1, width, lambda _, j, q=q: int(j == q)),) for q in range(width)]
    return ImmutableMatrix.vstack(*(patch_matrix(image, (1, kernel_width)) for image in images))


stack = lit_pixels(3, 3)
picker = ImmutableMatrix(
    3, stack.rows, lambda tap, row: int(row == list(stack.row(i) for i in range(stack.rows)).index(eye(3).row(tap)))
)
PATCHES = (
    Step(
        "The patch matrix of a line",
        as_product(line, line_kernel),
        MatrixEntries(),
        "Each row holds what the kernel sees from one place; beyond the border it sees zeros.",
    ),
    Step(
        "The patch matrix of a square",
        as_product(square, square_kernel),
        MatrixEntries(),
        "The same in two dimensions.",
    ),
    Step(
        "The kernel of the identity",
        equation(MatMul(patch_matrix(square, (3, 3)), delta_kernel(1, (3, 3)), evaluate=False), pixels(square)),
        MatrixEntries(),
        "The centre column of the patch matrix is the image itself.",
    ),
    Step(
        "Every tap sees some lit pixel",
        equation(MatMul(picker, stack, evaluate=False), ImmutableMatrix(eye(3))),
        MatrixEntries(),
        "$L B = I$ for three pixels in a line and three taps; in general tap offset $o$ sees pixel $\\max(o, 0)$ from "
        "place $\\max(-o, 0)$, which both exist if $|o| \\le H - 1$.",
    ),
)
CHECKS = (
    Step(
        "Symbolic images, one step at a time",
        patch_model.every_step,
        BruteForce(cases=descent_cases(SYMBOLIC)),
        "Gradient descent on the convolution written out as sums, from symbolic weights.",
    ),
    Step(
        "Integer images, one step at a time",
        patch_model.every_step,
        BruteForce(cases=descent_cases(INTEGER)),
        "The same for larger images and more steps.",
    ),
    Step(
        "Modes that are learned",
        patch_model.mode_error,
        BruteForce(cases=mode_cases(seen=True)),
        "A lit corner, whose modes are single taps, and a constant line.",
    ),
    Step(
        "Modes that are not",
        patch_model.null_error,
        BruteForce(cases=mode_cases(seen=False)),
        "Taps that never see the corner; the combination of taps that cancels on the line.",
    ),
    Step(
        "The limit, reached",
        patch_model.limit_error,
        BruteForce(cases=converged_cases()),
        "Where all excited modes are equally fast, the right learning rate arrives in one step, at any rank.",
    ),
)


def derivation() -> Derivation:
    """Theorem 2, with its converse and the way there."""
    return Derivation(
        name="cnn-limit",
        title="Theorem 2: the one-layer convolutional network after training",
        statement=(*patch_model.CLAIMS, *linear_model.CLAIMS),
        assumptions=(*linear_model.ASSUMPTIONS, *patch_model.ASSUMPTIONS),
        steps=(*PATCHES, *linear_model.STEPS, *patch_model.STEPS, *CHECKS),
        source="Zhang, Bengio, Hardt, Mozer, Singer: Identity Crisis, ICLR 2020, Theorem 2.",
        result={
            "limit weights": patch_model.limit_weights.rhs,
            "weights": patch_model.every_step.rhs,
            "error": patch_model.limit_error.rhs,
            "left over": linear_model.share,
        },
        remarks=(
            "Per mode the rate is $2 \\sigma^2 / |T|$, times the learning rate; $|T| = C H W$ for one image of $C$ "
            "channels.",
            "The converse needs every tap to see a pixel. A kernel wider than $2 W - 1$ has taps that see only "
            "padding: the rank is short whatever the image, and yet the error on inputs of that size vanishes.",
        ),
    )
