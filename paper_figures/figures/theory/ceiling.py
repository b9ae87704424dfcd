"""What networks of each depth can know: the nearest that their answers can be to the constant function."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import empirics
from paper_figures.caption import say
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, bare, house_style
from paper_figures.row_captions import recipe_in_words
from paper_figures.specimens import TRAINED_ON, digit, other_digits
from paper_figures.workbench import Workbench, answers
from theory.depth import ceiling, ceilings, pixel_classes

KERNELS = (3, 5)
DEPTHS = tuple(range(1, 9))  # of 5×5 kernels, with which eight layers know every place of 28×28 pixels
MOST = 15  # layers of 3×3 kernels until they do
ALONE = (1, 2, 5)  # depths of the networks of figure 3 that are shown, which learned the digit alone
CHANNELS, LR, STEPS, SEED = 16, 2e-3, 2500, 0  # of networks that are trained to be the constant function
SETTINGS = {
    "kernels": KERNELS,
    "depths": DEPTHS,
    "most": MOST,
    "alone": ALONE,
    "channels": CHANNELS,
    "lr": LR,
    "steps_to_constant": STEPS,
    "seed": SEED,
    "version": 1,
}


def compute(bench: Workbench) -> FigureData:
    """Bound answers at each depth, and train networks that come near to the bounds."""
    x_hat, asked = digit(TRAINED_ON), other_digits()
    black = np.zeros_like(x_hat)
    arrays: dict[str, np.ndarray] = {"x_hat": x_hat[0]}
    for kernel in KERNELS:
        of_black = [vars(found) for found in ceilings(black, x_hat, MOST, kernel)]
        of_others = [vars(found) for found in ceilings(asked, x_hat, MOST, kernel)]
        arrays[f"with_black_{kernel}"] = np.array([found["with_training_image"] for found in of_black])
        arrays[f"with_others_{kernel}"] = np.array([found["with_training_image"].mean() for found in of_others])
        arrays[f"distance_{kernel}"] = np.sqrt([found["mse_to_training_image"] for found in of_black])
    arrays["nearest"] = np.array([found["nearest"][0] for found in of_black[: len(DEPTHS)]])
    arrays["alike"] = np.array([alike(pixel_classes(black, depth, KERNELS[-1])) for depth in DEPTHS])
    both = np.stack([x_hat, black])
    learned = np.array([trained_to_be_constant(bench, depth, both, x_hat) for depth in DEPTHS])  # depths, 2, 1, H, W
    arrays["trained"] = learned[:, 1, 0]
    arrays["trained_distance"] = np.sqrt(np.mean((arrays["trained"] - x_hat[0]) ** 2, axis=(1, 2)))
    own = [vars(ceiling(black, x_hat, n, KERNELS[-1], answers=a[0])) for n, a in zip(DEPTHS, learned, strict=True)]
    arrays["own_distance"] = np.sqrt([found["mse_to_training_image"] for found in own])
    recipe = bench.scale.recipe()
    alone = [
        answers(bench.train(partial(empirics.CNN, 1, n, bench.scale.channels), x_hat[None], recipe=recipe), asked)
        for n in ALONE
    ]
    arrays["with_alone"] = np.array(
        [empirics.likeness(each, asked, x_hat).mean().with_training_image for each in alone]
    )
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS))


def alike(classes: np.ndarray) -> np.ndarray:
    """How many pixels are in each pixel's class."""
    return np.bincount(classes.ravel())[classes]


def trained_to_be_constant(bench: Workbench, depth: int, both: np.ndarray, x_hat: np.ndarray) -> np.ndarray:
    """The answers of a network trained to answer the digit, and black, with the digit: (2, 1, H, W)."""
    ensemble = empirics.train(
        partial(empirics.CNN, 1, depth, CHANNELS, KERNELS[-1], bias=True),
        both,
        np.stack([x_hat, x_hat]),
        recipe=empirics.Recipe(optimizer="adam", lr=LR, steps=STEPS, scheme="kaiming_uniform"),
        seeds=(SEED,),
        device=bench.device,
        progress=False,
    )
    return np.asarray(ensemble.predict(both))[0].astype(np.float64)


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What is shown, how near the trained networks come, and how far figure 3's stay below."""
    beyond = arrays["trained_distance"] - arrays["own_distance"]
    return say(
        "ceiling",
        kernel=KERNELS[-1],
        smaller=KERNELS[0],
        least=DEPTHS[-1],
        least_smaller=MOST,
        channels=CHANNELS,
        steps=STEPS,
        lr=LR,
        beyond=beyond.max(),
        asked=len(other_digits()),
        recipe=recipe_in_words(bench.scale.recipe()),
        seeds=bench.scale.seeds,
        alone_channels=bench.scale.channels,
        scale=bench.scale.name,
        reached=arrays["with_alone"].max(),
        lowest=arrays[f"with_others_{KERNELS[0]}"].min(),
    )


def draw(data: FigureData) -> Figure:
    """Pictures of what can be known above, distances and correlations against depth below."""
    arrays = data.arrays
    with house_style():
        figure = Figure(figsize=(TWO_COLUMNS, 4.9))
        grid = figure.add_gridspec(2, 1, height_ratios=(1.35, 1))
        above, below = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
        axes = above.subplots(3, len(DEPTHS))
        rows = (
            ("pixels\nthat look alike", 1 - np.log(arrays["alike"]) / np.log(arrays["alike"].max())),
            ("nearest answer\nto black", arrays["nearest"]),
            ("trained", arrays["trained"]),
        )
        for row, (label, pictures) in zip(axes, rows, strict=True):
            for axis, picture in zip(row, pictures, strict=True):
                axis.imshow(picture, vmin=0, vmax=1)
                bare(axis)
            row[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=7)
        for axis, depth in zip(axes[0], DEPTHS, strict=True):
            axis.set_title(f"{depth} layer{'s' * (depth > 1)}", fontsize=7)
        for axis, correlation in zip(axes[1], arrays[f"with_black_{KERNELS[-1]}"], strict=False):
            axis.set_xlabel(f"at most {correlation:.2f}", fontsize=6.5)
        left, right = below.subplots(1, 2)
        _curves(left, arrays, "distance", MOST)
        left.plot(
            DEPTHS, arrays["trained_distance"], "o", color="#0072B2", label="5×5, trained on both", markersize=3.5
        )
        left.plot(DEPTHS, arrays["own_distance"], "_", color="black", label="their own bound", markersize=8)
        left.set(title="black: from the 7 at least", ylabel="root mean square distance", ylim=(0, None))
        left.set_xticks((1, 5, 10, 15))
        _curves(right, arrays, "with_others", DEPTHS[-1])
        points = arrays["with_alone"]
        right.plot(
            np.repeat(ALONE, points.shape[1]), points.ravel(), "D", color="#0072B2", markerfacecolor="white",
            markersize=3.5, label="5×5, trained on the 7",
        )  # fmt: skip
        right.set(title="other digits: at most", ylabel="correlation with the 7", ylim=(0, 1.05), xticks=DEPTHS)
        left.legend(loc="lower left", fontsize=6.5)
        right.legend(loc="center right")
    return figure


def _curves(axis: Axes, arrays: dict[str, np.ndarray], name: str, most: int) -> None:
    """Bounds against depth, for each kernel."""
    for kernel, colour, style in zip(KERNELS, ("#D55E00", "#0072B2"), ("--", "-"), strict=True):
        values = arrays[f"{name}_{kernel}"][:most]
        axis.plot(range(1, len(values) + 1), values, style, color=colour, label=f"{kernel}×{kernel}, bound")
    axis.set_xlabel("depth (layers)")
