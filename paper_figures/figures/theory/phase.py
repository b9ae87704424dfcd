"""A phase diagram before training: where deep convolutional networks will generalize, and where memorize."""

from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import empirics
from paper_figures.caption import enumerated, say
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, house_style
from paper_figures.specimens import TRAINED_ON, digit, other_digits
from paper_figures.workbench import Workbench
from theory import wide

SIZE, KERNEL, DEPTHS = 14, 5, (5, 10, 20)
EVERY = 4  # of the other digits one in so many is asked about
CHANNELS = 32  # of the networks whose biases torch's default stands for
SHALLOWEST = 4  # layers of a network with skips
WEIGHTS = (0.25, 0.3536, 0.5, 0.7071, 1.0, 1.4142, 2.0, 2.8284, 4.0)  # powers of √2
BIASES = (0.0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
WEIGHT, BIAS = 1 / 3, 1 / (3 * CHANNELS * KERNEL**2)  # torch's default
VARIANTS = {  # what else moves the boundary: kernel size, and skips
    "3×3": {"kernel_size": 3},
    "5×5": {"kernel_size": 5},
    "7×7": {"kernel_size": 7},
    "5×5, skips": {"kernel_size": 5, "residual": True},
}
DEEPEST = 20
SETTINGS = {
    "size": SIZE, "kernel": KERNEL, "depths": DEPTHS, "weights": WEIGHTS, "biases": BIASES,
    "variants": VARIANTS, "deepest": DEEPEST, "channels": CHANNELS, "every": EVERY, "version": 3,
}  # fmt: skip


def compute(bench: Workbench) -> FigureData:
    """Predict networks of all settings by the infinite-width limit; nothing is trained."""
    x_hat, asked = digit(TRAINED_ON, size=SIZE), other_digits(SIZE)[::EVERY]
    found = np.empty((2, len(DEPTHS), len(BIASES), len(WEIGHTS)))
    for index in np.ndindex(*found.shape[1:]):
        depth, bias, weight = (values[i] for values, i in zip((DEPTHS, BIASES, WEIGHTS), index, strict=True))
        network = wide.Convolutional(depth, kernel_size=KERNEL, weight_variance=weight, bias_variance=bias)
        mean = wide.gradient_flow(network, x_hat).mean(asked)
        likeness = empirics.likeness(mean, asked, x_hat).mean()
        found[(0, *index)], found[(1, *index)] = likeness.with_input, likeness.with_training_image
    by_weight = np.array([[boundary(x_hat, asked, w, BIAS, kind) for w in WEIGHTS] for kind in VARIANTS])
    by_bias = np.array([[boundary(x_hat, asked, WEIGHT, b, kind) for b in BIASES[1:]] for kind in VARIANTS])
    at_default = np.array([boundary(x_hat, asked, WEIGHT, BIAS, kind) for kind in VARIANTS])
    arrays = {
        "with_input": found[0],
        "with_training_image": found[1],
        "weights": np.array(WEIGHTS),
        "biases": np.array(BIASES),
        "boundary_by_weight": by_weight,
        "boundary_by_bias": by_bias,
        "boundary_at_default": at_default,
    }
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), list(VARIANTS))


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What is predicted, and where memorization begins."""
    phrase, difference = partial(say, "phase"), arrays["with_input"] - arrays["with_training_image"]
    memorizes = (difference < 0).mean(axis=(1, 2))
    default = [
        phrase("from_depth", depth=depth, variant=variant)
        if np.isfinite(depth)
        else phrase("from_no_depth", variant=variant)
        for variant, depth in zip(VARIANTS, arrays["boundary_at_default"], strict=True)
    ]
    return phrase(
        asked=len(other_digits(SIZE)[::EVERY]),
        size=SIZE,
        kernel=KERNEL,
        depths=enumerated(map(str, DEPTHS)),
        channels=CHANNELS,
        shares=enumerated(phrase("share", share=n, depth=d) for n, d in zip(memorizes, DEPTHS, strict=True)),
        without=enumerated(f"{value:+.2f}" for value in difference[:, 0, 0]),
        deepest=DEEPEST,
        default=", ".join(default),
    )


def boundary(x_hat: np.ndarray, asked: np.ndarray, weight: float, bias: float, kind: str) -> float:
    """The depth at which half of the digits are answered with x̂ rather than with themselves, or inf."""
    settings: dict[str, Any] = VARIANTS[kind]
    network = wide.Convolutional(SHALLOWEST, weight_variance=weight, bias_variance=bias, **settings)
    return float(np.median(wide.tendencies(network, x_hat, asked, depths=range(1, DEEPEST + 1)).boundary))


def draw(data: FigureData) -> Figure:
    """A map for each depth, and below the depth at which memorization begins."""
    arrays = data.arrays
    difference = arrays["with_input"] - arrays["with_training_image"]
    limit = np.abs(difference).max()
    rows = np.arange(len(arrays["biases"]))
    with house_style():
        figure = Figure(figsize=(TWO_COLUMNS, 4.8))
        grid = figure.add_gridspec(2, 1)
        above, below = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
        axes = above.subplots(1, len(DEPTHS), sharey=True)
        for axis, depth, values in zip(axes, DEPTHS, difference, strict=True):
            # The bottom row, without biases, has no place on a logarithmic axis: rows are numbered.
            mesh = axis.pcolormesh(
                arrays["weights"], rows, values, cmap="cividis", vmin=-limit, vmax=limit, shading="nearest"
            )
            if (values < 0).any():
                axis.contour(arrays["weights"], rows, values, levels=[0], colors="black", linewidths=1)
            default = np.interp(np.log10(BIAS), np.log10(arrays["biases"][1:]), rows[1:])
            axis.plot(WEIGHT, default, "o", color="black", markerfacecolor="white", markersize=5)
            axis.set(title=f"{depth} layers", xscale="log", xlabel=r"weight variance $\sigma_w^2$")
            axis.set_xticks([0.25, 0.5, 1, 2, 4], ["¼", "½", "1", "2", "4"])
            axis.minorticks_off()
        axes[0].set_yticks(rows, ["0", *(f"$10^{{{np.log10(value):.0f}}}$" for value in arrays["biases"][1:])])
        axes[0].set_ylabel(r"bias variance $\sigma_b^2$")
        bar = above.colorbar(mesh, ax=axes, shrink=0.9, pad=0.01)
        bar.set_label("identity − constant")
        left, right = below.subplots(1, 2, sharey=True)
        _lines(left, arrays["weights"], arrays["boundary_by_weight"], data.labels, r"weight variance $\sigma_w^2$")
        _lines(right, arrays["biases"][1:], arrays["boundary_by_bias"], data.labels, r"bias variance $\sigma_b^2$")
        left.set_xticks([0.25, 0.5, 1, 2, 4], ["¼", "½", "1", "2", "4"])
        left.minorticks_off()
        left.set_ylabel("memorizes from (layers)")
        right.legend(fontsize=6)
    return figure


def _lines(axis: Any, variances: np.ndarray, depths: np.ndarray, labels: list[str], name: str) -> None:
    """A line for each variant, with gaps where nothing is memorized."""
    for values, label, marker in zip(depths, labels, "osD^", strict=True):
        style = "--" if "skips" in label else "-"
        axis.plot(variances, np.where(np.isfinite(values), values, np.nan), style, marker=marker, label=label)
    axis.set(xscale="log", xlabel=name, ylim=(0, DEEPEST + 1), yticks=(1, 5, 10, 15, 20))
