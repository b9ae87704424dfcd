"""Patch ranks and spectra: which single images teach a one-layer convolution the identity, and how fast."""

import numpy as np
from matplotlib.figure import Figure

import empirics
import numerics
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, house_style
from paper_figures.runs import Runs

KERNELS, SPECTRUM_KERNEL, MOMENTUM, SHARE = (3, 5, 7, 9, 11, 13, 15), 5, 0.9, 0.99
PADDINGS = {
    "zeros": {"padding": "same", "padding_mode": "zeros"},
    "circular": {"padding": "same", "padding_mode": "circular"},
    "reflect": {"padding": "same", "padding_mode": "reflect"},
    "none": {"padding": "valid"},
}
EACH = 6  # digits of each class
SETTINGS = {"kernels": KERNELS, "each": EACH, "momentum": MOMENTUM, "version": 1}


def families() -> dict[str, np.ndarray]:
    """Images of one channel, bytes (n, 1, H, W), by kind."""
    digits = empirics.images("digits")
    photographs = empirics.images("natural").pixels
    return {
        "digits": digits.pixels[np.arange(len(digits)) % 20 < EACH],
        "patterns": empirics.images("patterns").pixels,
        "photographs": photographs.reshape(-1, 1, *photographs.shape[2:]),  # each colour by itself
    }


def compute(runs: Runs) -> FigureData:
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
    squares = np.array(KERNELS) ** 2
    full = {name: float((arrays[f"rank_{name}"][:, 0] == squares).all(axis=1).mean()) for name in kinds}
    caption = (
        "Patch ranks, exact. Left: the share of images whose patch matrix has full column rank, so that a one-layer "
        "convolution trained on that image alone learns the identity, against kernel size, for "
        f"{len(kinds['digits'])} digits, {len(kinds['patterns'])} patterns and {len(kinds['photographs'])} colour "
        "planes of photographs; one line a padding. Middle: singular values of the patch matrix over the largest, "
        f"kernel {SPECTRUM_KERNEL}×{SPECTRUM_KERNEL}, zero padding (median, and all from least to greatest). Right: "
        f"steps of gradient descent with momentum {MOMENTUM:g}, at 0.9 of the largest stable learning rate, until "
        f"the slowest mode is {SHARE:.0%} learned, for images of full rank (median and range): full rank is not soon "
        "learned. Under "
        "zero padding full at all kernels: " + ", ".join(f"{share:.0%} of {name}" for name, share in full.items()) + "."
    )
    return FigureData(arrays, caption, runs.settings(SETTINGS), list(kinds))


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
    """Share of full rank, spectra, and learning times."""
    arrays, kernels = data.arrays, data.arrays["kernels"]
    looks = {"digits": ("#000000", "o"), "patterns": ("#D55E00", "s"), "photographs": ("#0072B2", "^")}
    styles = dict(zip(PADDINGS, ("-", "--", "-.", ":"), strict=True))
    with house_style():
        figure = Figure(figsize=(TWO_COLUMNS, 2.7))
        share, spectrum, steps = figure.subplots(1, 3)
        for name in data.labels:
            colour, marker = looks[name]
            for place, padding in enumerate(PADDINGS):
                full = (arrays[f"rank_{name}"][:, place] == kernels**2).mean(axis=0)
                share.plot(kernels, full, styles[padding], color=colour, marker=marker, markersize=2.5)
            values = arrays[f"spectrum_{name}"]
            kept = values[:, 0] > 0
            relative = values[kept] / values[kept, :1]
            lowest = np.where(relative > 0, relative, np.nan)
            index = np.arange(1, values.shape[1] + 1)
            spectrum.plot(index, np.median(relative, axis=0), "-", color=colour, label=name)
            spectrum.fill_between(
                index, np.nanmin(lowest, axis=0), relative.max(axis=0), color=colour, alpha=0.15, linewidth=0
            )
            times = arrays[f"steps_{name}"]
            middle = [np.median(column[np.isfinite(column)]) for column in times.T]
            ends = [(column[np.isfinite(column)].min(), column[np.isfinite(column)].max()) for column in times.T]
            steps.plot(kernels, middle, "-", color=colour, marker=marker, markersize=3, label=name)
            steps.fill_between(kernels, *np.array(ends).T, color=colour, alpha=0.15, linewidth=0)
        for padding, style in styles.items():
            share.plot([], [], style, color="0.4", label=f"padding: {padding}")
        share.legend(loc="lower left")
        spectrum.legend(loc="lower left")
        share.set(xlabel="kernel size $k$ (pixels)", ylabel="share of images with rank $k^2$", ylim=(-0.03, 1.05))
        spectrum.set(yscale="log", xlabel="mode", ylabel="singular value / largest")
        steps.set(yscale="log", xlabel="kernel size $k$ (pixels)", ylabel="steps until 99 % learned")
        for axis in (share, steps):
            axis.set_xticks(kernels)
    return figure
