"""Identity and constant against depth: the infinite-width limit's curves over trained networks."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import empirics
from paper_figures.caption import say
from paper_figures.depths import CNN_DEPTHS, CNN_DEPTHS_WITH_BIASES, FCN_DEPTHS
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, house_style
from paper_figures.row_captions import recipe_in_words
from paper_figures.specimens import TRAINED_ON, digit, other_digits
from paper_figures.workbench import Network, Workbench, answers
from theory import wide

CURVE = (1, 2, 3, 5, 7, 10, 12, 14, 17, 20)  # depths at which the limit is computed
EVERY = 4  # of the other digits one in so many is asked about
SETTINGS = {
    "curve": CURVE,
    "fcn": FCN_DEPTHS,
    "cnn": CNN_DEPTHS,
    "cnn_with_biases": CNN_DEPTHS_WITH_BIASES,
    "every": EVERY,
    "version": 1,
}
PANELS = ("fully connected", "convolutional", "convolutional, default, biases")


def compute(bench: Workbench) -> FigureData:
    """Predict networks of all depths without training them, and train some."""
    scale, x_hat, asked = bench.scale, digit(TRAINED_ON), other_digits()[::EVERY]
    fully, plain, biased = PANELS
    wanted = {fully: FCN_DEPTHS, plain: CNN_DEPTHS, biased: CNN_DEPTHS_WITH_BIASES}
    makers: dict[str, Callable[[int], Callable[[], Network]]] = {
        fully: lambda n: partial(empirics.FCN, 784, n, scale.width),
        plain: lambda n: partial(empirics.CNN, 1, n, scale.channels),
        biased: lambda n: partial(empirics.CNN, 1, n, scale.channels, bias=True),
    }
    recipes = {fully: scale.recipe(), plain: scale.recipe(), biased: scale.recipe(scheme="default")}
    arrays: dict[str, np.ndarray] = {}
    for panel in PANELS:
        width = scale.width if panel == fully else scale.channels
        curve = [limit(panel, n, width, x_hat, asked) for n in CURVE]
        arrays[f"predicted_{panel}"] = np.array(curve)  # depths, (identity, constant)
        points = []
        for n in wanted[panel]:
            ensemble = bench.train(makers[panel](n), x_hat[None], recipe=recipes[panel])
            points.append([both(found, x_hat, asked) for found in answers(ensemble, asked)])
        arrays[f"trained_{panel}"] = np.array(points)  # depths, seeds, (identity, constant)
        arrays[f"depths_{panel}"] = np.array(wanted[panel])
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS), list(PANELS))


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and how far the deepest networks are from their limit."""
    scale, (*_, biased) = bench.scale, PANELS
    identity, constant = arrays[f"predicted_{biased}"][-1]
    identity_off, constant_off = arrays[f"trained_{biased}"][-1].mean(axis=0) - (identity, constant)
    return say(
        "depth",
        asked=len(other_digits()[::EVERY]),
        recipe=recipe_in_words(scale.recipe()),
        seeds=scale.seeds,
        scale=scale.name,
        channels=scale.channels,
        width=scale.width,
        deepest=arrays[f"depths_{biased}"][-1],
        identity=identity,
        constant=constant,
        identity_off=identity_off,
        constant_off=constant_off,
    )


def limit(panel: str, depth: int, width: int, x_hat: np.ndarray, asked: np.ndarray) -> tuple[float, float]:
    """Correlations of the limit's mean prediction with identity and constant."""
    if panel == "fully connected":
        law = wide.gradient_flow(wide.FullyConnected(depth, scheme="xavier_uniform", width=width), x_hat.reshape(1, -1))
        return both(law.mean(asked.reshape(len(asked), -1)).reshape(asked.shape), x_hat, asked)
    settings = {"scheme": "default", "bias": True} if "biases" in panel else {"scheme": "xavier_uniform", "bias": False}
    network = wide.Convolutional(
        depth, kernel_size=5, scheme=str(settings["scheme"]), bias=bool(settings["bias"]), width=width
    )
    return both(wide.gradient_flow(network, x_hat).mean(asked), x_hat, asked)


def both(found: np.ndarray, x_hat: np.ndarray, asked: np.ndarray) -> tuple[Any, Any]:
    """Mean correlation with what was asked, and with x̂."""
    mean = empirics.likeness(found, asked, x_hat).mean()
    return mean.with_input, mean.with_training_image


def draw(data: FigureData) -> Figure:
    """A panel for each kind of network."""
    arrays = data.arrays
    with house_style():
        figure = Figure(figsize=(TWO_COLUMNS, 2.5))
        for axis, panel in zip(figure.subplots(1, len(PANELS), sharey=True), data.labels, strict=True):
            for index, (name, colour, style, marker) in enumerate(
                (("identity", "#0072B2", "-", "o"), ("constant", "#D55E00", "--", "D"))
            ):
                axis.plot(
                    CURVE, arrays[f"predicted_{panel}"][:, index], style, color=colour, label=f"{name}, predicted"
                )
                points = arrays[f"trained_{panel}"][:, :, index]
                depths = np.repeat(arrays[f"depths_{panel}"][:, None], points.shape[1], axis=1)
                fill = colour if marker == "o" else "white"
                axis.plot(
                    depths.ravel(), points.ravel(), marker, color=colour, markerfacecolor=fill, markersize=3.5,
                    label=f"{name}, trained",
                )  # fmt: skip
            axis.set(title=panel, xlabel="depth (layers)", ylim=(-0.03, 1.05), xticks=(1, 5, 10, 15, 20))
        figure.axes[0].set_ylabel("correlation of the answer")
        figure.axes[0].legend(loc="center", bbox_to_anchor=(0.58, 0.68), fontsize=6)
    return figure
