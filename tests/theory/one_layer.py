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


def drawn_weights_and_targets(network: theory.Convolutional, images: np.ndarray, seed: int) -> tuple:
    """(targets, initial parameters in torch's layout, the same as rows of one output channel each)."""
    rng = np.random.default_rng(seed)
    targets = rng.standard_normal(network.target_shape(images))
    weight = rng.standard_normal(network.weight_shape(images))
    start = weight.reshape(network.outputs, -1)
    if not network.bias:
        return targets, weight, start
    bias = rng.standard_normal(network.outputs)
    return targets, (weight, bias), np.hstack([start, bias[:, None]])


def optimizer_for(descent: Descent, design: np.ndarray, entries: int) -> theory.GradientDescent:
    stable = (1 + descent.momentum) * entries / max(np.linalg.norm(design, 2) ** 2, 1e-300)
    return theory.GradientDescent(
        descent.fraction * stable, momentum=descent.momentum, milestones=descent.milestones, gamma=descent.gamma
    )
