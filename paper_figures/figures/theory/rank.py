"""Patch ranks and spectra: which single images teach a one-layer convolution the identity, and how fast."""

from functools import partial

import numpy as np
from matplotlib.figure import Figure

import empirics
import numerics
from paper_figures.caption import say
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, bare, house_style
from paper_figures.workbench import Workbench

KERNELS, SPECTRUM_KERNEL, MOMENTUM, SHARE = (3, 5, 7, 9, 11, 13, 15), 5, 0.9, 0.99
PADDINGS = {
    "zeros": {"padding": "same", "padding_mode": "zeros"},
    "circular": {"padding": "same", "padding_mode": "circular"},
    "reflect": {"padding": "same", "padding_mode": "reflect"},
    "replicate": {"padding": "same", "padding_mode": "replicate"},
    "none": {"padding": "valid"},
}
LOOKS = {"digits": ("#000000", "o", "-"), "patterns": ("#D55E00", "s", "--"), "photographs": ("#0072B2", "^", "-.")}
TITLES = {"zeros": "zero padding", "none": "no padding"}
EACH = 6  # digits of each class
TEACHERS = 8  # images that are drawn
SETTINGS = {
    "kernels": KERNELS,
    "spectrum_kernel": SPECTRUM_KERNEL,
    "each": EACH,
    "paddings": PADDINGS,
    "momentum": MOMENTUM,
    "share": SHARE,
    "version": 2,
}


def families() -> dict[str, np.ndarray]:
    """Images of one channel, bytes (n, 1, H, W), by kind."""
    digits = empirics.images("digits")
    photographs = empirics.images("natural").pixels
    return {
        "digits": digits.pixels[np.arange(len(digits)) % 20 < EACH],
        "patterns": empirics.images("patterns").pixels,
        "photographs": photographs.reshape(-1, 1, *photographs.shape[2:]),  # each colour by itself
    }


def compute(bench: Workbench) -> FigureData:
    """Exact ranks of all images, kernels and paddings; spectra and learning times under zero padding."""
    kinds = families()
    arrays: dict[str, np.ndarray] = {"kernels": np.array(KERNELS)}
    for name, pixels in kinds.items():
        arrays[f"rank_{name}"] = np.array(
            [
                [
                    [numerics.patch_rank(image, k, method="exact", **settings).rank for k in KERNELS]
                    for settings in PADDINGS.values()
                ]
                for image in pixels
            ]
        )  # images, paddings, kernels
        spectra = [singular_values(image, SPECTRUM_KERNEL) for image in pixels]
        arrays[f"spectrum_{name}"] = np.array(spectra)
        arrays[f"steps_{name}"] = np.array([[steps_to_learn(singular_values(i, k)) for k in KERNELS] for i in pixels])
    arrays |= teachers(kinds, arrays)
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), list(kinds))


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What is shown, and which images teach the identity."""
    phrase, squares = partial(say, "rank"), arrays["kernels"] ** 2
    ranks = {name: arrays[f"rank_{name}"] for name in LOOKS}
    full = {name: (found == squares).all(axis=2).mean(axis=0) for name, found in ranks.items()}
    shares = [
        ", ".join(
            [TITLES.get(padding, padding), *(phrase("share", share=full[name][place], images=name) for name in LOOKS)]
        )
        for place, padding in enumerate(PADDINGS)
    ]
    return phrase(
        **{name: len(found) for name, found in ranks.items()},
        shares="; ".join(shares),
        kernel=SPECTRUM_KERNEL,
        momentum=MOMENTUM,
        share=SHARE,
    )


def teachers(kinds: dict[str, np.ndarray], arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Images from the quickest teacher of the identity to the slowest, and two that never teach it."""
    place = KERNELS.index(SPECTRUM_KERNEL)
    images = [image[0] for pixels in kinds.values() for image in pixels]
    steps = np.concatenate([arrays[f"steps_{name}"][:, place] for name in kinds])
    ranks = np.concatenate([arrays[f"rank_{name}"][:, 0, place] for name in kinds])
    _, first = np.unique(steps.round(), return_index=True)  # one of each pace, in ascending order
    teach = first[np.isfinite(steps[first])]
    never = np.flatnonzero(np.isinf(steps))
    extremes = [never[ranks[never].argmax()], never[ranks[never].argmin()]]
    chosen = [*teach[np.linspace(0, len(teach) - 1, TEACHERS - len(extremes)).astype(int)], *extremes]
    found = {f"teacher{n}": images[index] for n, index in enumerate(chosen)}
    return found | {"teachers_steps": steps[chosen], "teachers_rank": ranks[chosen]}


def singular_values(image: np.ndarray, kernel: int) -> np.ndarray:
    """Of the image's patch matrix under zero padding, descending; 0 where the rank, exact, is short."""
    pixels = image.astype(float) / 255
    values = np.linalg.svd(numerics.patch_matrix(pixels, kernel), compute_uv=False)
    return np.where(np.arange(len(values)) < numerics.patch_rank(image, kernel, method="exact").rank, values, 0.0)


def steps_to_learn(values: np.ndarray) -> float:
    """Steps until the slowest mode has 1 % of its error left; inf where a mode is never learned.

    With λ the mode's rate over the largest, times 0.9 · 2 (1 + β), heavy-ball shrinks it by the modulus ϱ of the larger
    root of z² − (1 + β − λ) z + β a step (derived in theory/derivations, "momentum").
    """
    if not values[-1] > 0:
        return float("inf")
    rates = 0.9 * 2 * (1 + MOMENTUM) * (values / values[0]) ** 2
    roots = [np.abs(np.roots([1, -(1 + MOMENTUM - rate), MOMENTUM])).max() for rate in rates]
    return float(np.log(1 - SHARE) / np.log(max(roots)))


def draw(data: FigureData) -> Figure:
    """Ranks by padding, spectra and learning times, and images."""
    with house_style():
        figure = Figure(figsize=(TWO_COLUMNS, 6.0))
        above, middle, below = figure.subfigures(3, 1, squeeze=False, height_ratios=(2, 2.4, 1.25))[:, 0]
        _ranks(above.subplots(1, len(PADDINGS), sharey=True), data)
        _spectra_and_steps(middle.subplots(1, 2), data)
        _teachers(below.subplots(1, TEACHERS), data.arrays)
    return figure


def _ranks(axes: np.ndarray, data: FigureData) -> None:
    columns = data.arrays["kernels"] ** 2
    for place, (axis, padding) in enumerate(zip(axes, PADDINGS, strict=True)):
        axis.plot(columns, columns, "-", color="0.75", linewidth=0.8, zorder=0)
        for shift, name in zip((0.9, 1.0, 1.11), data.labels, strict=True):
            ranks = data.arrays[f"rank_{name}"][:, place]
            colour, marker, _ = LOOKS[name]
            # One mark an image; those of many equal ranks are one.
            axis.plot(columns * shift, ranks.T, marker, color=colour, markersize=1.8, markeredgewidth=0)
        axis.set(xscale="log", title=TITLES.get(padding, padding))
        axis.set_yscale("symlog", linthresh=1)  # down to rank 0
        axis.set_xticks([9, 49, 225], ["9", "49", "225"])
        axis.set_yticks([0, 1, 9, 49, 225], ["0", "1", "9", "49", "225"])
        axis.minorticks_off()
    axes[0].set_ylabel("patch rank")
    axes[len(axes) // 2].set_xlabel("columns of the patch matrix, $m/C = k^2$")


def _spectra_and_steps(axes: np.ndarray, data: FigureData) -> None:
    arrays, kernels = data.arrays, data.arrays["kernels"]
    spectrum, steps = axes
    for name in data.labels:
        colour, marker, style = LOOKS[name]
        values = arrays[f"spectrum_{name}"]
        relative = values[values[:, 0] > 0] / values[values[:, 0] > 0, :1]
        lowest = np.where(relative > 0, relative, np.inf).min(axis=0)
        index = np.arange(1, values.shape[1] + 1)
        spectrum.plot(index, np.median(relative, axis=0), style, color=colour, label=name)
        spectrum.fill_between(index, lowest, relative.max(axis=0), color=colour, alpha=0.15, linewidth=0)
        columns = [column[np.isfinite(column)] for column in arrays[f"steps_{name}"].T]
        middle, low, high = (np.array([of(column) for column in columns]) for of in (np.median, np.min, np.max))
        steps.plot(kernels**2, middle, style, color=colour, marker=marker, markersize=3, label=name)
        steps.fill_between(kernels**2, low, high, color=colour, alpha=0.15, linewidth=0)
    spectrum.set(yscale="log", xlabel="mode", ylabel="singular value / largest")
    spectrum.legend(loc="lower left")
    steps.set(
        xscale="log", yscale="log", ylabel=f"steps until {SHARE:.0%} learned",
        xlabel="columns of the patch matrix, $m/C = k^2$",
    )  # fmt: skip
    steps.set_xticks(kernels**2, map(str, kernels**2))
    steps.minorticks_off()
    steps.legend(loc="upper left")


def _teachers(axes: np.ndarray, arrays: dict[str, np.ndarray]) -> None:
    for number, (axis, rank, steps) in enumerate(
        zip(axes, arrays["teachers_rank"], arrays["teachers_steps"], strict=True)
    ):
        axis.imshow(arrays[f"teacher{number}"], vmin=0, vmax=255)
        bare(axis)
        axis.set_xlabel(f"rank {rank}\n{'never' if np.isinf(steps) else f'{steps:,.0f} steps'}", fontsize=7)
