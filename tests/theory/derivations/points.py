"""For every derivation, points that satisfy its assumptions: built from first principles, with fractions."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.theory.derivations.evaluation import Point
from tests.theory.derivations.points_of_chance import arc_cosine, expected_mse, mse_bound, patch_rank_margin, wide_limit
from tests.theory.derivations.points_of_descent import (
    cnn_limit,
    fcn_limit,
    learning_law,
    linear,
    momentum,
    nonlinear_span,
    off_the_span,
    one_image,
)

POINTS: dict[str, Callable[[Random], Point]] = {
    "linear-model": linear,
    "fcn-limit": fcn_limit,
    "fcn-trajectory": one_image,
    "cnn-limit": cnn_limit,
    "momentum": momentum,
    "cnn-expected-mse": expected_mse,
    "cnn-mse-bound": mse_bound,
    "nonlinear-span": nonlinear_span,
    "patch-rank-margin": patch_rank_margin,
    "arc-cosine": arc_cosine,
    "wide-limit": wide_limit,
    "off-the-span": off_the_span,
    "learning-law": learning_law,
}
