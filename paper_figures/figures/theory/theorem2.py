"""Theorem 2: how much of the identity a one-layer convolution learns, by the rank of its training image's patches."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import empirics
import theory
from paper_figures.caption import say
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, bare, house_style
from paper_figures.row_captions import in_words
from paper_figures.specimens import digit
from paper_figures.workbench import Workbench

KERNEL, SCHEME, MEMBERS, STEPS, MOMENTUM = 5, "kaiming_normal", 32, 800, 0.9
SHARE = 0.9  # of the largest stable learning rate
FAMILIES = {"stripes, circular": "o", "corner": "s", "crop, no padding": "^", "grey as colour": "D", "digit": "*"}
SHOWN = (0, 3, 7, 10, 12, 16, 17)  # cases drawn as pictures
SETTINGS = {
    "kernel": KERNEL,
    "scheme": SCHEME,
    "members": MEMBERS,
    "steps": STEPS,
    "momentum": MOMENTUM,
    "share": SHARE,
    "version": 6,
}


@dataclass(frozen=True)
class Case:
    """A training image, (C, H, W), and the padding it is seen with."""

    family: str
    image: np.ndarray
    padding: str = "same"
    padding_mode: str = "zeros"


def cases() -> Iterator[Case]:
    """Training images whose patch rank goes from 1 to full, by four constructions; last a digit as it is."""
    three = digit(3)
    # Under circular padding: as many independent patches as there are Fourier frequencies that a kernel tells apart.
    ways = [(0, 7), (7, 0), (4, 4), (7, 11), (11, 4), (2, 9), (9, 2), (13, 6)]
    yield Case("stripes, circular", np.ones((1, 28, 28)), padding_mode="circular")
    for count in (1, 2, 4, 6, 8):
        yield Case("stripes, circular", _waves(ways[:count])[None], padding_mode="circular")
    for side in (1, 2, 3):  # a kernel's taps beyond the corner see nothing
        corner = np.zeros((1, 28, 28))
        corner[:, :side, :side] = 0.5 + 0.5 * three[:, 12 : 12 + side, 13 : 13 + side]
        yield Case("corner", corner)
    for height, width in ((5, 5), (6, 5), (6, 6), (7, 6), (7, 7), (8, 7), (8, 8)):  # few patches fit in
        top, left = 14 - height // 2, 14 - width // 2
        yield Case("crop, no padding", three[:, top : top + height, left : left + width], padding="valid")
    yield Case("grey as colour", np.repeat(three, 3, axis=0))  # three equal channels count once
    yield Case("digit", three)


def _waves(frequencies: list[tuple[int, int]]) -> np.ndarray:
    down, across = np.mgrid[:28, :28] / 28
    total = sum(np.cos(2 * np.pi * (i * down + j * across) + k) for k, (i, j) in enumerate(frequencies))
    return 0.5 + 0.5 * total / len(frequencies)


def compute(bench: Workbench) -> FigureData:
    """Train many networks on each image, and compute the law of their error on another digit."""
    rows: dict[str, list] = {
        key: [] for key in ("columns", "rank", "expected", "low", "high", "bound", "errors", "difference")
    }
    arrays: dict[str, np.ndarray] = {}
    labels = []
    for number, case in enumerate(cases()):
        channels = len(case.image)
        x = np.concatenate([digit(label) for label in (8, 5, 2)[:channels]])
        network = theory.Convolutional(
            channels, kernel_size=KERNEL, padding=case.padding, padding_mode=case.padding_mode
        )
        recipe = empirics.Recipe(
            lr=SHARE * theory.max_stable_lr(network, case.image, momentum=MOMENTUM),
            momentum=MOMENTUM,
            decay_at=(),
            steps=STEPS,
            precision="float64",
            scheme=SCHEME,
        )
        # Without padding the network reproduces what the kernel's centre sees: the image without its border.
        target = case.image if case.padding == "same" else case.image[:, 2:-2, 2:-2]
        reference = x if case.padding == "same" else x[:, 2:-2, 2:-2]
        trainings = empirics.train(
            partial(
                empirics.CNN, channels, 1, kernel_size=KERNEL, padding=case.padding, padding_mode=case.padding_mode
            ),
            case.image[None],
            target[None],
            recipe=recipe,
            seeds=range(MEMBERS),
            progress=False,
        )
        outputs = np.asarray(trainings.predict(x))  # members, C, H, W
        start = np.asarray(next(iter(trainings.initial_weights.values())))[0]
        descent = theory.GradientDescent(recipe.lr, momentum=MOMENTUM)
        trained = theory.gradient_descent(network, case.image, initial=start, steps=STEPS, optimizer=descent)
        ensemble = theory.initialization_ensemble(network, case.image, scheme=SCHEME, steps=STEPS, optimizer=descent)
        columns = KERNEL**2 * channels
        rows["columns"].append(columns)
        rows["rank"].append(int(trained.rank))
        rows["expected"].append(float(ensemble.expected_mse(x)))
        rows["low"].append(float(ensemble.mse_quantile(0.05, x)))
        rows["high"].append(float(ensemble.mse_quantile(0.95, x)))
        rows["bound"].append(
            theory.identity_mse_bound(
                columns=columns,
                rank=int(trained.rank),
                out_channels=channels,
                weight_variance=ensemble.scheme.weight_variance,
                delta=0.05,
            )
        )
        rows["errors"].append(np.mean((outputs - reference) ** 2, axis=(1, 2, 3)))
        rows["difference"].append(np.abs(outputs[0] - trained(x)).max())
        labels.append(case.family)
        if number in SHOWN:
            arrays[f"image{number}"] = case.image
            arrays[f"predicted{number}"], arrays[f"trained{number}"] = trained(x), outputs[0]
    arrays |= {key: np.array(values) for key, values in rows.items()} | {"input": digit(8)}
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), labels)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, how far theory and training are apart, and how far the bound is above the mean."""
    short = arrays["rank"] < arrays["columns"]
    slack = arrays["bound"][short] / arrays["expected"][short]
    return say(
        "theorem2",
        kernel=KERNEL,
        scheme=in_words(SCHEME),
        steps=STEPS,
        momentum=MOMENTUM,
        share=SHARE,
        largest=arrays["difference"].max(),
        members=MEMBERS,
        least=slack.min(),
        greatest=slack.max(),
    )


def draw(data: FigureData) -> Figure:
    """Pictures above, error against rank deficiency below."""
    with house_style():
        figure = Figure(figsize=(TWO_COLUMNS, 6.2))
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(4, 2.4))[:, 0]
        _pictures(above.subplots(4, len(SHOWN) + 1), data.arrays)
        _errors(below.subplots(), data)
    return figure


def _pictures(axes: np.ndarray, arrays: dict[str, np.ndarray]) -> None:
    for row, label in enumerate(("trained on", "theory", "trained", "trained\n− theory")):
        axes[row, 0].set_ylabel(label, rotation=0, ha="right", va="center")
    for column, number in zip(axes.T, SHOWN, strict=False):
        image, predicted, trained = (arrays[f"{name}{number}"] for name in ("image", "predicted", "trained"))
        for axis, shown in zip(column, (image, predicted, trained), strict=False):
            axis.imshow(np.clip(shown, 0, 1).transpose(1, 2, 0).squeeze(), vmin=0, vmax=1)
            bare(axis)
        difference = (trained - predicted).mean(axis=0)
        largest = max(float(np.abs(difference).max()), 1e-300)
        column[3].imshow(difference, vmin=-largest, vmax=largest)
        column[3].set_xlabel(f"± {largest:.0e}", fontsize=6)
        bare(column[3])
        column[0].set_title(f"rank {arrays['rank'][number]}\nof {arrays['columns'][number]}")
    for axis in axes[[0, 2, 3], -1]:
        axis.axis("off")
    bare(axes[1, -1])
    axes[1, -1].imshow(arrays["input"][0], vmin=0, vmax=1)
    axes[1, -1].set_title("input $x$")


def _errors(axis: Axes, data: FigureData) -> None:
    arrays = data.arrays
    families = np.array(data.labels)
    open_share = 1 - arrays["rank"] / arrays["columns"]
    short = open_share > 0
    single = np.flatnonzero(short & (arrays["columns"] == KERNEL**2))
    order = single[np.argsort(open_share[single])]
    axis.plot(open_share[order], arrays["bound"][order], "-", color="0.4", label="bound, one channel")
    rng = np.random.default_rng(0)
    for number, (family, marker) in enumerate(FAMILIES.items()):
        members = np.flatnonzero((families == family) & short)
        if not len(members):
            continue
        place = open_share + 0.016 * (number - 1)  # beside those of other families
        (points,) = axis.plot(place[members], arrays["expected"][members], marker, markersize=4, label=family)
        for index in members:
            span = [arrays["low"][index], arrays["high"][index]]
            axis.plot([place[index]] * 2, span, "-", color=points.get_color(), linewidth=2.5, alpha=0.3)
            spread = place[index] + rng.uniform(-0.006, 0.006, arrays["errors"].shape[1])
            axis.plot(spread, arrays["errors"][index], ".", color=points.get_color(), markersize=1)
    for index in np.flatnonzero(short & (arrays["columns"] != KERNEL**2)):
        axis.plot(
            open_share[index], arrays["bound"][index], "_", color="0.4", markersize=9, label="bound, three channels"
        )
    learned = arrays["errors"][~short].max()
    axis.annotate(
        f"identity learned:\nmeasured error\nat most {learned:.0e}",
        (0, 0.02), (0, 0.3), xycoords=("data", "axes fraction"), ha="center", fontsize=7,
        arrowprops={"arrowstyle": "->", "linewidth": 0.6},
    )  # fmt: skip
    axis.plot([], [], "-", color="0.4", alpha=0.3, linewidth=2.5, label="5 % to 95 % quantile")
    axis.plot([], [], ".", color="0.4", markersize=1.5, label=f"{arrays['errors'].shape[1]} trained networks each")
    axis.set(
        yscale="log", ylim=(3e-3, 1e3), xlim=(-0.12, 1), ylabel="mean squared error on $x$\n(squared grey values)",
        xlabel="rank deficiency / columns (share of a kernel's directions that the training image leaves open)",
    )  # fmt: skip
    axis.legend(loc="center", ncols=3, bbox_to_anchor=(0.55, 0.62))
