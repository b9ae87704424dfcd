"""Which digit is learned when: predicted before training, beside how often trained networks are right."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from scipy import stats

import empirics
import theory
from paper_figures.caption import say
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, bare, house_style
from paper_figures.workbench import Workbench
from theory import wide
from theory.learning import LearningLaw, learning_law

SIZE = 14
WIDER = 4  # times as many units as the scale's
NETWORKS = 48
STEPS = (1, 2, 4, 8, 16, 32, 64, 128)
SHARE = 0.5  # of the largest stable learning rate
SEED = 0  # of random labels and random inputs
SHOWN = 10  # digits at either end
BAND = 0.999
MODES = 10
KINDS = ("real digits", "random labels", "random inputs")
SCATTERED = (("real digits", 4), ("real digits", 16), ("random labels", 16), ("random labels", 64))
ASKED = 4  # steps after which the digits shown are asked
LOOKS = dict(zip(KINDS, (("#0072B2", "-", "o"), ("#D55E00", "--", "D"), ("#009E73", ":", "^")), strict=True))
SETTINGS = {
    "size": SIZE, "wider": WIDER, "networks": NETWORKS, "steps": STEPS, "share": SHARE, "seed": SEED, "shown": SHOWN,
    "band": BAND, "modes": MODES, "scattered": SCATTERED, "asked": ASKED, "version": 1,
}  # fmt: skip


def compute(bench: Workbench) -> FigureData:
    """Predict, and train, networks on digits, on digits with random labels, and on random inputs."""
    width = WIDER * bench.scale.width
    arrays: dict[str, np.ndarray] = {"steps": np.array(STEPS)}
    for kind in KINDS:
        inputs, labels = examples(kind)
        law = predicted(inputs, labels, width)
        arrays[f"probability_{kind}"] = np.asarray(law.probability)  # steps, examples
        arrays[f"frequency_{kind}"] = frequencies(inputs, labels, width, law, bench.device)
        arrays[f"overdispersion_{kind}"] = np.asarray(law.overdispersion(NETWORKS))
        arrays[f"energies_{kind}"] = np.asarray(law.mode_energies)
        if kind == KINDS[0]:
            arrays["order"] = law.order
    arrays["pictures"] = empirics.images("digits", size=SIZE).as_float()[:, 0]
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), list(KINDS))


def examples(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, pixels) and labels (n,)."""
    digits, rng = empirics.images("digits", size=SIZE), np.random.default_rng(SEED)
    inputs, labels = digits.as_float().reshape(len(digits), -1), np.asarray(digits.labels).astype(np.int64)
    if kind == "random labels":
        return inputs, rng.permutation(labels)
    if kind == "random inputs":  # of the pixels' mean and deviation
        return inputs.mean() + inputs.std() * rng.standard_normal(inputs.shape), labels
    return inputs, labels


def predicted(inputs: np.ndarray, labels: np.ndarray, width: int) -> LearningLaw:
    """The law of networks of two layers, as torch initializes them."""
    network = wide.FullyConnected(2, scheme="default", bias=True, width=width, parameterization="standard")
    law = learning_law(network, inputs, labels, steps=0, optimizer=theory.GradientDescent(1.0))
    return law.at(STEPS, optimizer=theory.GradientDescent(SHARE * law.max_stable_lr()))


def frequencies(inputs: np.ndarray, labels: np.ndarray, width: int, law: LearningLaw, device: str | None) -> np.ndarray:
    """The share of trained networks that are right about each example after each of the steps, (steps, n)."""
    recipe = empirics.Recipe(lr=law.optimizer.lr, momentum=0.0, decay_at=(), steps=max(STEPS), scheme="default")
    trained = empirics.train(
        partial(empirics.FCN, inputs.shape[1], 2, width, out_features=law.classes, bias=True),
        inputs.astype(np.float32),
        np.eye(law.classes, dtype=np.float32)[labels],
        recipe=recipe,
        seeds=range(NETWORKS),
        device=device,
        snapshots=STEPS,
        progress=False,
    )
    outputs = (replace(trained, weights=trained.snapshots[t]).predict(inputs.astype(np.float32)) for t in STEPS)
    return np.array([np.mean(np.argmax(found, axis=2) == labels, axis=0) for found in outputs])


def overdispersion(frequency: np.ndarray) -> np.ndarray:
    """How much more error rates differ than by chance, as measured, (steps,); NaN where none or all are right."""
    mean = frequency.mean(axis=1)
    binomial = mean * (1 - mean) / NETWORKS
    return np.divide(frequency.var(axis=1), binomial, out=np.full(len(mean), np.nan), where=binomial > 0)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and how near predictions are."""
    real, labels, inputs = KINDS
    place = {t: index for index, t in enumerate(STEPS)}

    def correlation(kind: str, step: int) -> float:
        pair = (arrays[f"{name}_{kind}"][place[step]] for name in ("probability", "frequency"))
        return float(np.corrcoef(*pair)[0, 1])

    off = max(
        np.abs(arrays[f"probability_{kind}"].mean(axis=1) - arrays[f"frequency_{kind}"].mean(axis=1)).max()
        for kind in KINDS
    )
    return say(
        "learning",
        digits=len(arrays["pictures"]),
        size=SIZE,
        width=WIDER * bench.scale.width,
        networks=NETWORKS,
        scale=bench.scale.name,
        share=SHARE,
        band=BAND,
        first=correlation(*SCATTERED[0]),
        second=correlation(*SCATTERED[1]),
        third=correlation(*SCATTERED[2]),
        fourth=correlation(*SCATTERED[3]),
        off=off,
        modes=MODES,
        of_digits=arrays[f"energies_{real}"][:MODES].sum(),
        of_labels=arrays[f"energies_{labels}"][:MODES].sum(),
        of_inputs=arrays[f"energies_{inputs}"][:MODES].sum(),
        shown=SHOWN,
        at=ASKED,
    )


def draw(data: FigureData) -> Figure:
    """Example by example; on average; and the pictures at either end."""
    arrays = data.arrays
    with house_style():
        figure = Figure(figsize=(TWO_COLUMNS, 5.6))
        grid = figure.add_gridspec(3, 1, height_ratios=(1.75, 1.75, 1.7))
        above, middle, below = (figure.add_subfigure(grid[row]) for row in range(3))
        for axis, (kind, step) in zip(above.subplots(1, len(SCATTERED), sharey=True), SCATTERED, strict=True):
            _scatter(axis, arrays, kind, step)
        above.axes[0].set_ylabel("share of trained\nnetworks that are right")
        accuracy, spread, modes = middle.subplots(1, 3)
        for kind in KINDS:
            _course(accuracy, spread, modes, arrays, kind)
        accuracy.set(xscale="log", xlabel="steps", ylabel="share of examples right", ylim=(0, 1.03))
        spread.set(xscale="log", yscale="log", xlabel="steps", ylabel="error rates vary,\ntimes as by chance")
        modes.set(
            xscale="log", xlabel="modes, the quickest first", ylabel="share of the labels in them", ylim=(0, 1.03)
        )
        modes.axvline(MODES, color="0.8", linewidth=0.6, zorder=0)
        spread.legend(fontsize=6, loc="lower right")
        _pictures(below, arrays)
    return figure


def _scatter(axis: Axes, arrays: dict[str, np.ndarray], kind: str, step: int) -> None:
    """Each example's share on its probability, over where shares are by chance."""
    place, (colour, _, marker) = arrays["steps"].tolist().index(step), LOOKS[kind]
    p = np.linspace(0, 1, 201)
    low, high = (stats.binom.ppf(q, NETWORKS, p) / NETWORKS for q in ((1 - BAND) / 2, (1 + BAND) / 2))
    axis.fill_between(p, low, high, color="0.9", linewidth=0)
    axis.plot([0, 1], [0, 1], color="0.5", linestyle="-", linewidth=0.6)
    axis.plot(
        arrays[f"probability_{kind}"][place], arrays[f"frequency_{kind}"][place], marker, color=colour,
        markersize=2, linestyle="none", alpha=0.7, markeredgewidth=0,
    )  # fmt: skip
    axis.set(title=f"{kind}, {step} steps", xlabel="probability predicted", xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    axis.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])


def _course(accuracy: Axes, spread: Axes, modes: Axes, arrays: dict[str, np.ndarray], kind: str) -> None:
    """Predicted lines and measured points."""
    steps, (colour, style, marker) = arrays["steps"], LOOKS[kind]
    points: dict[str, Any] = {"marker": marker, "color": colour, "linestyle": "none", "markersize": 3}
    accuracy.plot(steps, arrays[f"probability_{kind}"].mean(axis=1), color=colour, linestyle=style)
    accuracy.plot(steps, arrays[f"frequency_{kind}"].mean(axis=1), **points)
    spread.plot(steps, arrays[f"overdispersion_{kind}"], color=colour, linestyle=style, label=kind)
    spread.plot(steps, overdispersion(arrays[f"frequency_{kind}"]), **points)
    energies = np.cumsum(arrays[f"energies_{kind}"])
    modes.plot(np.arange(1, len(energies) + 1), energies, color=colour, linestyle=style)


def _pictures(figure: SubFigure, arrays: dict[str, np.ndarray]) -> None:
    """The digits learned first and last, with the probability predicted and the share trained."""
    place = arrays["steps"].tolist().index(ASKED)
    axes = figure.subplots(2, SHOWN)
    for row, name, chosen in zip(
        axes, ("learned\nfirst", "learned\nlast"), (arrays["order"][:SHOWN], arrays["order"][-SHOWN:]), strict=True
    ):
        for axis, index in zip(row, chosen, strict=True):
            axis.imshow(arrays["pictures"][index], vmin=0, vmax=1)
            bare(axis)
            found = (arrays[f"{what}_{KINDS[0]}"][place, index] for what in ("probability", "frequency"))
            axis.set_title(" | ".join(f"{value:.2f}" for value in found), fontsize=6, pad=2)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=7)
