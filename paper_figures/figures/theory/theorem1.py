"""Theorem 1: a one-layer fully connected network outputs the parallel part of its input, and noise for the rest."""

import numpy as np
from matplotlib.figure import Figure

import empirics
import theory
from paper_figures.caption import say
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, house_style, image_rows, tight
from paper_figures.row_captions import in_words
from paper_figures.workbench import Workbench

DIGIT, SCHEME, SEED, STEPS = 7, "kaiming_normal", 0, 100
SHARE = 0.5  # of the largest stable learning rate
SETTINGS = {"digit": DIGIT, "scheme": SCHEME, "seed": SEED, "steps": STEPS, "share": SHARE, "version": 2}


def compute(bench: Workbench) -> FigureData:
    """Train a one-layer network on one digit, and predict it, on digits, blends and patterns."""
    pack = empirics.images("digits")
    digits = pack.as_float()
    first = [int(np.flatnonzero(pack.labels == label)[0]) for label in range(10)]
    x_hat = digits[first[DIGIT], 0]
    others = [digits[first[label], 0] for label in (7, 1, 4, 0)]
    blends = [(1 - share) * x_hat + share * digits[first[2], 0] for share in (0.25, 0.5, 0.75)]
    patterns = empirics.images("patterns", size=28).as_float()[:, 0]
    chosen = patterns[:: max(1, len(patterns) // 5)][:5]
    inputs = np.stack([*others, *blends, *chosen])
    flat = inputs.reshape(len(inputs), -1)

    network = theory.FullyConnected(x_hat.size)
    recipe = empirics.Recipe(
        lr=SHARE * theory.max_stable_lr(network, x_hat.reshape(1, -1)),
        momentum=0.0,
        decay_at=(),
        steps=STEPS,
        precision="float64",
        scheme=SCHEME,
    )
    ensemble = empirics.train(
        lambda: empirics.FCN(x_hat.size, 1),
        x_hat.reshape(1, -1),
        recipe=recipe,
        seeds=(SEED,),
        progress=False,
    )
    initial = next(iter(ensemble.initial_weights.values()))
    weights = np.asarray(initial)[0]
    trained = theory.gradient_descent(network, x_hat.reshape(1, -1), initial=weights)
    parallel, perpendicular = theory.decompose(flat, x_hat.reshape(1, -1))
    arrays = {
        "input": inputs,
        "parallel": parallel.reshape(inputs.shape),
        "noise": (perpendicular @ weights.T).reshape(inputs.shape),
        "predicted": trained(flat).reshape(inputs.shape),
        "trained": np.asarray(ensemble.predict(flat))[0].reshape(inputs.shape),
    }
    return FigureData(arrays, caption(bench, arrays), bench.settings(SETTINGS))


def caption(bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
    """What was run, and how far theory and training are apart."""
    return say(
        "theorem1",
        digit=DIGIT,
        scheme=in_words(SCHEME),
        steps=STEPS,
        share=SHARE,
        largest=np.abs(arrays["predicted"] - arrays["trained"]).max(),
    )


def draw(data: FigureData) -> Figure:
    """The input, its two parts, the prediction, the trained network's output, and their difference."""
    arrays = data.arrays
    difference = arrays["trained"] - arrays["predicted"]
    rows = [
        ("input $x$", arrays["input"]),
        (r"$\Pi_\parallel x$", arrays["parallel"]),
        (r"$R\,\Pi_\perp x$", arrays["noise"]),
        ("theory", arrays["predicted"]),
        ("trained", arrays["trained"]),
        ("trained − theory", difference),
    ]
    with house_style():
        figure = tight(Figure(figsize=(TWO_COLUMNS, 3.0)))
        image_rows(figure, rows)
    return figure
