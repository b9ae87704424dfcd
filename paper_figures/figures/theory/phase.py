"""A phase diagram before training: where deep convolutional networks will generalize, and where memorize."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from paper_figures.answer_rows import mean_correlation
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, house_style
from paper_figures.specimens import TRAINED_ON, digit, other_digits
from paper_figures.workbench import Workbench
from theory import wide

SIZE, KERNEL, DEPTHS = 14, 5, (5, 10, 20)
SHALLOWEST = 4  # layers of a network with skips
WEIGHTS = (0.25, 0.3536, 0.5, 0.7071, 1.0, 1.4142, 2.0, 2.8284, 4.0)  # powers of √2
BIASES = (0.0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
WEIGHT, BIAS = 1 / 3, 1 / (3 * 32 * KERNEL**2)  # torch's default, of 32 channels
VARIANTS = {  # what else moves the boundary: kernel size, and skips
    "3×3": {"kernel_size": 3},
    "5×5": {"kernel_size": 5},
    "7×7": {"kernel_size": 7},
    "5×5, skips": {"kernel_size": 5, "residual": True},
}
DEEPEST = 20
SETTINGS = {
    "size": SIZE, "kernel": KERNEL, "depths": DEPTHS, "weights": WEIGHTS, "biases": BIASES,
    "variants": VARIANTS, "deepest": DEEPEST, "version": 2,
}  # fmt: skip


def compute(bench: Workbench) -> FigureData:
    """Predict networks of all settings by the infinite-width limit; nothing is trained."""
    x_hat, asked = digit(TRAINED_ON, size=SIZE), other_digits(SIZE)[::4]
    found = np.empty((2, len(DEPTHS), len(BIASES), len(WEIGHTS)))
    for index in np.ndindex(*found.shape[1:]):
        depth, bias, weight = (values[i] for values, i in zip((DEPTHS, BIASES, WEIGHTS), index, strict=True))
        network = wide.Convolutional(depth, kernel_size=KERNEL, weight_variance=weight, bias_variance=bias)
        mean = network.gradient_flow(x_hat).mean(asked)
        found[(0, *index)], found[(1, *index)] = mean_correlation(mean, asked), mean_correlation(mean, x_hat)
    difference = found[0] - found[1]
    memorizes = (found[1] > found[0]).mean(axis=(1, 2))
    by_weight = np.array([[boundary(x_hat, asked, w, BIAS, kind) for w in WEIGHTS] for kind in VARIANTS])
    by_bias = np.array([[boundary(x_hat, asked, WEIGHT, b, kind) for b in BIASES[1:]] for kind in VARIANTS])
    torch_like = [boundary(x_hat, asked, WEIGHT, BIAS, kind) for kind in VARIANTS]
    caption = (
        f"Predicted by the infinite-width limit, before any training: correlation of the answers to {len(asked)} "
        f"digits of {SIZE}×{SIZE} pixels with the digit asked, less that with the 7 trained on, for convolutional "
        f"ReLU networks ({KERNEL}×{KERNEL} kernels) of {', '.join(map(str, DEPTHS))} layers; against the variance "
        "of the weights (times their fan-in) and of the biases. The line divides generalization (above 0) from "
        "memorization; the circle is torch's default, 1/3, with the biases that 32 channels give it. Memorization "
        "takes "
        + ", ".join(f"{share:.0%} of the map at {depth} layers" for share, depth in zip(memorizes, DEPTHS, strict=True))
        + "; where weights shrink the signal, biases outweigh it. Without biases the weights' variance cancels: "
        f"identity less constant is {_each(difference[:, 0, 0])} at these depths, and depth alone decides. Below: the "
        "depth from which on memorization begins, the middle one of the digits, for other kernels and with skips over "
        "every two hidden layers, against either variance, the other one being torch's default; where no point is, "
        "not even "
        f"{DEEPEST} layers memorize. At the default it is "
        + ", ".join(f"{_said(depth)} ({kind})" for kind, depth in zip(VARIANTS, torch_like, strict=True))
        + "."
    )
    arrays = {
        "with_input": found[0],
        "with_constant": found[1],
        "weights": np.array(WEIGHTS),
        "biases": np.array(BIASES),
        "boundary_by_weight": by_weight,
        "boundary_by_bias": by_bias,
    }
    return FigureData(arrays, caption, bench.settings(SETTINGS), list(VARIANTS))


def boundary(x_hat: np.ndarray, asked: np.ndarray, weight: float, bias: float, kind: str) -> float:
    """The depth at which half of the digits are answered with x̂ rather than with themselves, or inf."""
    settings: dict[str, Any] = VARIANTS[kind]
    network = wide.Convolutional(SHALLOWEST, weight_variance=weight, bias_variance=bias, **settings)
    return float(np.median(wide.zones(network, x_hat, asked, depths=range(1, DEEPEST + 1)).boundary))


def _each(values: np.ndarray) -> str:
    return ", ".join(f"{value:+.2f}" for value in values)


def _said(depth: float) -> str:
    return f"{depth:.0f} layers" if np.isfinite(depth) else "none"


def draw(data: FigureData) -> Figure:
    """A map for each depth, and below the depth at which memorization begins."""
    arrays = data.arrays
    difference = arrays["with_input"] - arrays["with_constant"]
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
            fan_in = 32 * KERNEL**2
            default = np.interp(np.log10(1 / (3 * fan_in)), np.log10(arrays["biases"][1:]), rows[1:])
            axis.plot(1 / 3, default, "o", color="black", markerfacecolor="white", markersize=5)
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
