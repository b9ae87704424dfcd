"""One-layer networks of the test problems, their designs written out, and optimizers that are stable on them."""

import numpy as np

import theory
from tests import reference
from tests.cases import Descent


def convolutional(case, *, bias: bool, outputs: int | None = None) -> theory.Convolutional:
    return theory.Convolutional(case.images.shape[1], outputs, kernel_size=case.kernel, bias=bias, **case.settings)


def naive_design(case, *, bias: bool) -> np.ndarray:
    options = {key: case.settings[key] for key in ("stride", "padding", "dilation")}
    matrix = reference.patch_matrix(case.images, case.kernel, mode=case.settings["padding_mode"], **options)
    return np.hstack([matrix, np.ones((len(matrix), 1))]) if bias else matrix


def optimizer_for(descent: Descent, design: np.ndarray, entries: int) -> theory.GradientDescent:
    stable = (1 + descent.momentum) * entries / max(np.linalg.norm(design, 2) ** 2, 1e-300)
    return theory.GradientDescent(
        descent.fraction * stable, momentum=descent.momentum, milestones=descent.milestones, gamma=descent.gamma
    )
