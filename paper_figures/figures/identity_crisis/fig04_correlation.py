"""Figure 4: correlation of the answers with input and training image, against that of the input with the latter."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import empirics
from paper_figures.caption import layers, say
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, house_style
from paper_figures.row_captions import recipe_in_words
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
    with_input: list[np.ndarray] = []
    with_training_image: list[np.ndarray] = []
    zones = []
    for _, make in kinds:
        ensemble = bench.train(make, x_hat[None], recipe=recipe)
        found = answers(ensemble, asked.reshape(-1, *x_hat.shape))
        each = empirics.likeness(found.astype(float), asked.reshape(-1, *x_hat.shape), x_hat)
        for kept, values in ((with_input, each.with_input), (with_training_image, each.with_training_image)):
            kept.append(np.asarray(values).reshape(len(ensemble.seeds), len(CORRELATIONS), DRAWS).mean(axis=-1))
        letters = empirics.zone(
            np.nanmean(with_input[-1], axis=0), np.nanmean(with_training_image[-1], axis=0), np.array(CORRELATIONS)
        )
        zones.append("".join(letters))
    arrays = {
        "rho": np.array(CORRELATIONS),
        "with_input": np.array(with_input),  # networks, seeds, ρ
        "with_training_image": np.array(with_training_image),
        "zones": np.array([list(map(ord, letters)) for letters in zones], dtype=np.uint8),  # networks, ρ
    }
    labels = [label for label, _ in kinds]
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), labels)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and which zones it lies in."""
    phrase, scale = partial(say, "fig04_correlation"), bench.scale
    zones = ["".join(map(chr, codes)) for codes in arrays["zones"]]
    labels = [f"{kind}, {layers(n)}" for kind, depths in (("FCN", FCN_DEPTHS), ("CNN", CNN_DEPTHS)) for n in depths]
    to_input, to_constant = (
        CNN_DEPTHS[int(np.nanmean(arrays[name][len(FCN_DEPTHS) :], axis=(1, 2)).argmax())]
        for name in ("with_input", "with_training_image")
    )
    return phrase(
        recipe=recipe_in_words(scale.recipe()),
        seeds=scale.seeds,
        draws=DRAWS,
        scale=scale.name,
        channels=scale.channels,
        width=scale.width,
        zones="; ".join(f"{label}: {letters}" for label, letters in zip(labels, zones, strict=True)),
        to_input=to_input,
        to_constant=to_constant,
        reached=_reached("".join(zones), labels, arrays["with_input"]),
    )


def _reached(zones: str, labels: list[str], with_input: np.ndarray) -> str:
    """Which zones no network reaches, and how near to generalization any comes."""
    phrase = partial(say, "fig04_correlation")
    missing = [letter for letter in "BCD" if letter not in zones]
    if not missing:
        return phrase("every_zone")
    listed = " or ".join(map(phrase, missing))
    if "B" not in missing:
        return phrase("absent", zones=listed)
    noise = np.nanmean(with_input[:, :, 0], axis=1)  # ρ = 0
    best = int(noise.argmax())
    return phrase("noise", zones=listed, best=labels[best], correlation=noise[best])


def draw(data: FigureData) -> Figure:
    """Fully connected networks to the left, convolutional ones to the right; identity above, constant below."""
    arrays = data.arrays
    kinds = {kind: [n for n, label in enumerate(data.labels) if label.startswith(kind)] for kind in ("FCN", "CNN")}
    with house_style():
        figure = Figure(figsize=(TWO_COLUMNS, 5.1))
        axes = figure.subplots(3, 2, sharex=True, height_ratios=(2, 2, 0.9))
        for column, (kind, members) in zip(axes.T, kinds.items(), strict=True):
            for axis, name, flat in zip(column, ("with_input", "with_training_image"), (True, False), strict=False):
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
