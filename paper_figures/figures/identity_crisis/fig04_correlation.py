"""Figure 4: correlation of the answers with input and training image, against that of the input with the latter."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import empirics
from paper_figures.answer_rows import mean_correlation, said
from paper_figures.figure_data import FigureData
from paper_figures.figures.identity_crisis.fig02_fcn_depth import layers
from paper_figures.panels import TWO_COLUMNS, house_style
from paper_figures.specimens import TRAINED_ON, digit
from paper_figures.workbench import Workbench, answers

FCN_DEPTHS, CNN_DEPTHS = (1, 3, 10), (1, 5, 14, 20)
CORRELATIONS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
DRAWS = 3  # images at each correlation
# The zones' thresholds are those of `empirics.zone`, stated there.
SETTINGS = {"fcn": FCN_DEPTHS, "cnn": CNN_DEPTHS, "correlations": CORRELATIONS, "draws": DRAWS, "version": 2}


def compute(bench: Workbench) -> FigureData:
    """Ask networks trained on a 7 about images between noise and that 7."""
    x_hat, scale = digit(TRAINED_ON), bench.scale
    recipe = scale.recipe()
    asked = np.stack([empirics.mix(x_hat, CORRELATIONS, seed) for seed in range(DRAWS)], axis=1)  # ρ, draws, C, H, W
    kinds = [(f"FCN, {n}", partial(empirics.FCN, 784, n, scale.width)) for n in FCN_DEPTHS] + [
        (f"CNN, {n}", partial(empirics.CNN, 1, n, scale.channels)) for n in CNN_DEPTHS
    ]
    with_input, with_constant, zones = [], [], []
    for _, make in kinds:
        ensemble = bench.train(make, x_hat[None], recipe=recipe)
        found = answers(ensemble, asked.reshape(-1, *x_hat.shape))
        found = found.reshape(len(ensemble.seeds), *asked.shape).astype(float)
        against = [
            [[mean_correlation(images, reference) for images, reference in zip(outputs, references, strict=True)]
             for outputs in found]
            for references in (asked, np.broadcast_to(x_hat, asked.shape))
        ]  # fmt: skip
        with_input.append(np.array(against[0]))
        with_constant.append(np.array(against[1]))
        letters = empirics.zone(
            np.nanmean(with_input[-1], axis=0), np.nanmean(with_constant[-1], axis=0), np.array(CORRELATIONS)
        )
        zones.append("".join(letters))
    arrays = {
        "rho": np.array(CORRELATIONS),
        "with_input": np.array(with_input),  # networks, seeds, ρ
        "with_constant": np.array(with_constant),
        "zones": np.array([list(map(ord, letters)) for letters in zones], dtype=np.uint8),  # networks, ρ
    }
    labels = [label for label, _ in kinds]
    convolutional = slice(len(FCN_DEPTHS), None)
    nearest = {
        name: CNN_DEPTHS[int(np.nanmean(arrays[name][convolutional], axis=(1, 2)).argmax())]
        for name in ("with_input", "with_constant")
    }
    listed = "; ".join(
        f"{label} layer{'s' * (not label.endswith(' 1'))}: {letters}"
        for label, letters in zip(labels, zones, strict=True)
    )
    caption = (
        "Correlation of a network's answers with the image asked (identity) and with the 7 that it was trained on "
        "(constant), against the correlation ρ of the image asked, a mixture of the 7 and noise, with the 7. An "
        "identity keeps the first at 1, a constant function the second. Networks without biases trained by "
        f"{said(recipe)}; {scale.seeds} networks a curve, {DRAWS} images a point ({scale.name} scale: "
        f"{scale.channels} channels, {scale.width} units). Below, the zones that the means lie in (A the two functions "
        f"agree, B generalization, C hallucination, D memorization; thresholds 0.8, and 0.9 for A), from ρ = 0: "
        f"{listed}. The paper reads generalization from shallow convolutional networks, hallucination from deeper "
        "ones, memorization from the deepest and from fully connected ones, and draws its zones without numbers. Here, "
        f"of the convolutional ones, {nearest['with_input']} layers keep nearest to their input on average and "
        f"{nearest['with_constant']} nearest to the training image, without biases. "
        + _absent(zones, labels, arrays["with_input"])
    )
    return FigureData(arrays, caption, bench.settings(SETTINGS), labels)


def _absent(zones: list[str], labels: list[str], with_input: np.ndarray) -> str:
    """Say which zones nobody reaches, and how near to generalization anybody comes."""
    names = {"B": "generalization", "C": "hallucination", "D": "memorization"}
    missing = [f"{letter} ({name})" for letter, name in names.items() if letter not in "".join(zones)]
    if not missing:
        return "Each zone occurs."
    said = f"Nobody's means lie in {' or '.join(missing)}"
    if "B" in "".join(zones):
        return f"{said}."
    noise = np.nanmean(with_input[:, :, 0], axis=1)  # ρ = 0
    best = int(noise.argmax())
    return (
        f"{said}: noise is what networks trained on a digit pass on worst, and of an image that is all noise even the "
        f"best ({labels[best]}) keeps only a correlation of {noise[best]:.2f}."
    )


def draw(data: FigureData) -> Figure:
    """Fully connected networks to the left, convolutional ones to the right; identity above, constant below."""
    arrays = data.arrays
    kinds = {kind: [n for n, label in enumerate(data.labels) if label.startswith(kind)] for kind in ("FCN", "CNN")}
    with house_style():
        figure = Figure(figsize=(TWO_COLUMNS, 5.1))
        axes = figure.subplots(3, 2, sharex=True, height_ratios=(2, 2, 0.9))
        for column, (kind, members) in zip(axes.T, kinds.items(), strict=True):
            for axis, name, flat in zip(column, ("with_input", "with_constant"), (True, False), strict=False):
                for index, marker in zip(members, "os^D", strict=False):
                    values = arrays[name][index]
                    mean = np.nanmean(values, axis=0)
                    (line,) = axis.plot(
                        arrays["rho"], mean, marker=marker, markersize=2.5,
                        label=layers(int(data.labels[index].split(", ")[1])),
                    )  # fmt: skip
                    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
                    axis.fill_between(arrays["rho"], low, high, color=line.get_color(), alpha=0.15, linewidth=0)
                # The identity gives 1 above and ρ below (solid), the constant function the other way round (dotted).
                axis.plot([0, 1], [1, 1] if flat else [0, 1], color="0.75", linestyle="-", linewidth=0.6, zorder=0)
                axis.plot([0, 1], [0, 1] if flat else [1, 1], color="0.75", linestyle=":", linewidth=0.8, zorder=0)
                axis.set_ylim(-0.07, 1.05)
            column[0].set_title({"FCN": "fully connected", "CNN": "convolutional"}[kind])
            column[0].legend(loc="lower right")
            _zones(column[2], arrays["rho"], arrays["zones"][members], [data.labels[n].split(", ")[1] for n in members])
            column[2].set_xlabel(r"$\rho$, correlation of the input with the training image")
        axes[0, 0].set_ylabel("correlation of answer\nand input")
        axes[1, 0].set_ylabel("correlation of answer\nand training image")
        axes[2, 0].set_ylabel("zone of depth\n(layers)")
    return figure


def _zones(axis: Axes, rho: np.ndarray, zones: np.ndarray, depths: list[str]) -> None:
    """A letter for each network (from the top) and correlation, on a shade of its own."""
    shades = {"A": "0.95", "B": "#56B4E9", "C": "0.75", "D": "#E69F00"}
    for height, codes in enumerate(zones):
        for place, letter in zip(rho, map(chr, codes), strict=True):
            axis.text(
                place, height, letter, ha="center", va="center", fontsize=6.5,
                bbox={"boxstyle": "square,pad=0.25", "facecolor": shades[letter], "linewidth": 0},
            )  # fmt: skip
    axis.set(ylim=(3.6, -0.6))
    axis.set_yticks(range(len(depths)), depths)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
