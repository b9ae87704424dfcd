"""Exact dynamics: weights through training with momentum and step decay, measured on predicted."""

import numpy as np
from matplotlib.figure import Figure

import empirics
import theory
from paper_figures.caption import say
from paper_figures.figure_data import FigureData
from paper_figures.panels import ONE_COLUMN, house_style
from paper_figures.row_captions import in_words
from paper_figures.specimens import TRAINED_ON, digit
from paper_figures.workbench import Workbench

SHARE = 0.5  # of the largest stable learning rate
KERNEL, STEPS, MOMENTUM, DECAY_AT, GAMMA, SCHEME = 5, 600, 0.9, (0.3, 0.6, 0.8), 0.2, "kaiming_normal"
WEIGHTS = ((2, 2), (2, 1), (0, 0), (4, 3))  # entries of the kernel that are drawn
MODES = (0, 4, 12, 24)
UNTIL = 120  # weights no longer move from then on
SETTINGS = {
    "kernel": KERNEL,
    "steps": STEPS,
    "momentum": MOMENTUM,
    "decay_at": DECAY_AT,
    "gamma": GAMMA,
    "scheme": SCHEME,
    "modes": MODES,
    "share": SHARE,
    "version": 2,
}


def compute(bench: Workbench) -> FigureData:
    """Train a one-layer convolution on a 7, keeping the weights at every step, and predict them."""
    image = digit(TRAINED_ON)
    network = theory.Convolutional(1, kernel_size=KERNEL)
    recipe = empirics.Recipe(
        lr=SHARE * theory.max_stable_lr(network, image, momentum=MOMENTUM),
        momentum=MOMENTUM,
        decay_at=DECAY_AT,
        gamma=GAMMA,
        steps=STEPS,
        precision="float64",
        scheme=SCHEME,
    )
    trained = empirics.train(
        lambda: empirics.CNN(1, 1, kernel_size=KERNEL), image, recipe=recipe, snapshots=range(STEPS + 1), progress=False
    )
    name = next(iter(trained.weights))
    measured = np.stack([np.asarray(trained.snapshots[t][name])[0, 0, 0] for t in range(STEPS + 1)])
    optimizer = theory.GradientDescent(recipe.lr, momentum=MOMENTUM, milestones=recipe.milestones, gamma=GAMMA)
    initial = np.asarray(trained.initial_weights[name])[0]
    run = theory.gradient_descent(network, image, initial=initial, steps=range(STEPS + 1), optimizer=optimizer)
    predicted = run.weight[:, 0, 0]
    # Coordinates of the error along the design matrix's right singular vectors, over the initial ones.
    design = network.design(image[None])
    right = np.linalg.svd(design[0], full_matrices=False)[2]
    identity = np.zeros((KERNEL, KERNEL))
    identity[KERNEL // 2, KERNEL // 2] = 1

    def modes(weights: np.ndarray) -> np.ndarray:
        along = (weights - identity).reshape(len(weights), -1) @ right.T
        return (along / along[0])[:, MODES]

    arrays = {
        "measured": measured,
        "predicted": predicted,
        "modes_measured": modes(measured),
        "modes_predicted": modes(predicted),
        "milestones": np.array(recipe.milestones),
        "spectrum": run.spectrum,
    }
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS))


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and how far theory and training are apart."""
    return say(
        "dynamics",
        kernel=KERNEL,
        momentum=MOMENTUM,
        share=SHARE,
        gamma=GAMMA,
        scheme=in_words(SCHEME),
        weights=KERNEL**2,
        largest=np.abs(arrays["measured"] - arrays["predicted"]).max(),
        steps=STEPS,
    )


def draw(data: FigureData) -> Figure:
    """Weights, modes, and the difference."""
    arrays = data.arrays
    steps = np.arange(len(arrays["measured"]))
    some = np.unique([*steps[:UNTIL:5], *steps[:: max(1, len(steps) // 40)]])
    with house_style():
        figure = Figure(figsize=(ONE_COLUMN, 5.4))
        weights, modes, off = figure.subplots(3, 1, height_ratios=(2, 2, 1.1))
        for (row, column), marker in zip(WEIGHTS, "os^D", strict=True):
            (line,) = weights.plot(steps, arrays["predicted"][:, row, column], linewidth=0.8)
            weights.plot(
                some, arrays["measured"][some, row, column], marker, color=line.get_color(), markersize=2.5,
                label=f"$w_{{{row}{column}}}$",
            )  # fmt: skip
        for place, (mode, marker) in enumerate(zip(MODES, "os^D", strict=True)):
            predicted, measured = (np.abs(arrays[name][:, place]) for name in ("modes_predicted", "modes_measured"))
            (line,) = modes.plot(steps, predicted, linewidth=0.8)
            modes.plot(
                some, measured[some], marker, color=line.get_color(), markersize=2.5, label=f"mode {mode + 1}"
            )  # fmt: skip
        largest = np.abs(arrays["measured"] - arrays["predicted"]).reshape(len(steps), -1).max(axis=1)
        off.plot(steps, largest * 1e15, "-", linewidth=0.8)
        for axis in (modes, off):
            for milestone in arrays["milestones"]:
                axis.axvline(milestone, color="0.8", linewidth=0.6, zorder=0)
        weights.set(ylabel="weight", xlabel="step", xlim=(-3, UNTIL))
        modes.set(ylabel="error left / initial error", xlabel="step", yscale="log", ylim=(1e-13, 5))
        off.set(ylabel="largest difference\nof a weight ($10^{-15}$)", xlabel="step")
        weights.legend(loc="lower right", ncols=2)
        modes.legend(loc="upper right", ncols=2, frameon=True, framealpha=1, edgecolor="none")
    return figure
