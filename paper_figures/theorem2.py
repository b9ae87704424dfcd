"""Theorem 2: how much of the identity a one-layer convolution learns, by the rank of its training image's patches."""

import numpy as np
from matplotlib.figure import Figure

import empirics
import theory
from paper_figures.figure_data import FigureData
from paper_figures.panels import TWO_COLUMNS, bare, house_style

KERNEL, SCHEME, MEMBERS, STEPS = 5, "kaiming_normal", 32, 800
SHOWN = (0, 2, 4, 5, 6)  # training images drawn as pictures
SETTINGS = {"kernel": KERNEL, "scheme": SCHEME, "members": MEMBERS, "steps": STEPS, "version": 2}


def training_images(digit: np.ndarray) -> np.ndarray:
    """Images whose patch rank goes from 1 to full: (images, 28, 28).

    Under circular padding a pattern has as many independent patches as it has Fourier frequencies that a kernel can
    tell apart: constants, stripes, products of stripes; then a digit.
    """
    down, across = np.mgrid[:28, :28] / 28

    def waves(*frequencies: tuple[int, int]) -> np.ndarray:
        total = sum(np.cos(2 * np.pi * (i * down + j * across) + k) for k, (i, j) in enumerate(frequencies))
        return 0.5 + 0.5 * total / len(frequencies)

    ways = [(0, 7), (7, 0), (4, 4), (7, 11), (11, 4), (2, 9), (9, 2), (13, 6)]
    patterns = [np.ones((28, 28)), *(waves(*ways[:n]) for n in (1, 2, 4, 6, 8)), digit]
    return np.stack(patterns)


def compute() -> FigureData:
    """Train many networks on each image, and compute the law of their error on another digit."""
    pack = empirics.images("digits")
    digits = pack.as_float()
    x_hat, x = (digits[int(np.flatnonzero(pack.labels == label)[0])] for label in (3, 8))
    images = training_images(x_hat[0])
    network = theory.Convolutional(1, kernel_size=KERNEL, padding_mode="circular")
    rows: dict[str, list] = {
        key: [] for key in ("deficiency", "expected", "low", "high", "bound", "errors", "predicted", "trained")
    }
    for image in images:
        momentum = 0.9
        recipe = empirics.Recipe(
            lr=0.9 * theory.max_stable_lr(network, image[None], momentum=momentum),
            momentum=momentum,
            milestones=(),
            steps=STEPS,
            precision="float64",
            init=SCHEME,
        )
        runs = empirics.train(
            lambda: empirics.CNN(1, 1, kernel_size=KERNEL, padding_mode="circular"),
            image[None],
            recipe=recipe,
            seeds=range(MEMBERS),
            progress=False,
        )
        outputs = np.asarray(runs.predict(x))  # members, C, H, W
        start = np.asarray(next(iter(runs.initial_weights.values())))[0]
        trained = theory.gradient_descent(network, image[None], initial=start)
        ensemble = theory.initialization_ensemble(network, image[None], scheme=SCHEME)
        rows["deficiency"].append(trained.deficiency)
        rows["expected"].append(float(ensemble.expected_mse(x)))
        rows["low"].append(float(ensemble.mse_quantile(0.05, x)))
        rows["high"].append(float(ensemble.mse_quantile(0.95, x)))
        rows["bound"].append(
            theory.identity_mse_bound(
                columns=KERNEL**2,
                rank=int(trained.rank),
                out_channels=1,
                weight_variance=ensemble.scheme.weight_variance,
                delta=0.05,
            )
        )
        rows["errors"].append(np.mean((outputs - x) ** 2, axis=(1, 2, 3)))
        rows["predicted"].append(trained(x)[0])
        rows["trained"].append(outputs[0, 0])
    arrays = {key: np.array(values) for key, values in rows.items()} | {"images": images, "input": x[0]}
    columns = KERNEL**2
    caption = (
        f"One-layer {KERNEL}×{KERNEL} convolutions (circular padding, {SCHEME}) trained for {STEPS} steps on one image "
        f"each, whose patch matrix has rank {', '.join(str(columns - d) for d in arrays['deficiency'])} of {columns}. "
        "Above: the training image, theory's prediction for another digit, and the trained network's output. Below: "
        "mean squared error on that digit against rank deficiency, computed (mean, 5 % and 95 % quantile), bounded "
        "(Theorem 2 with every constant explicit, at 95 % confidence, for all images at once) and measured on "
        f"{MEMBERS} trained networks."
    )
    return FigureData(arrays, caption, SETTINGS)


def draw(data: FigureData) -> Figure:
    """Pictures above, error against rank deficiency below."""
    arrays = data.arrays
    with house_style():
        figure = Figure(figsize=(TWO_COLUMNS, 5.2))
        parts = figure.subfigures(2, 1, squeeze=False, height_ratios=(3, 2.2))
        above, below = parts[:, 0]
        axes = above.subplots(3, len(SHOWN) + 1)
        for row, (label, name) in enumerate(
            (("trained on", "images"), ("theory", "predicted"), ("trained", "trained"))
        ):
            axes[row, 0].set_ylabel(label, rotation=0, ha="right", va="center")
            for axis, index in zip(axes[row], SHOWN, strict=False):
                axis.imshow(arrays[name][index], vmin=0, vmax=1)
                bare(axis)
        axes[0, -1].axis("off")
        axes[2, -1].axis("off")
        bare(axes[1, -1])
        axes[1, -1].imshow(arrays["input"], vmin=0, vmax=1)
        axes[1, -1].set_title("input $x$")
        columns = KERNEL**2
        for axis, index in zip(axes[0], SHOWN, strict=False):
            axis.set_title(f"rank {columns - int(arrays['deficiency'][index])} of {columns}")

        axis = below.subplots()
        order = np.argsort(arrays["deficiency"])
        deficiency = arrays["deficiency"][order]
        short = deficiency > 0
        axis.fill_between(
            deficiency[short], arrays["low"][order][short], arrays["high"][order][short], color="0.8",
            label="5 % to 95 % quantile, computed",
        )  # fmt: skip
        axis.plot(deficiency[short], arrays["expected"][order][short], label="expected, computed")
        axis.plot(deficiency[short], arrays["bound"][order][short], label="bound for all images at 95 % confidence")
        errors = arrays["errors"][order]
        jitter = np.linspace(-0.18, 0.18, errors.shape[1])
        for index, row in zip(deficiency[short], errors[short], strict=True):
            axis.plot(index + jitter, row, ".", color="#D55E00", markersize=1.2)
        for index, row in zip(deficiency[~short], errors[~short], strict=True):
            axis.annotate(
                f"identity learned:\nmeasured error\nbelow {np.max(row):.0e}",
                (index, 0.02), (index, 0.25), xycoords=("data", "axes fraction"), ha="center", fontsize=7,
                arrowprops={"arrowstyle": "->", "linewidth": 0.6},
            )  # fmt: skip
        axis.plot([], [], ".", color="#D55E00", label=f"{errors.shape[1]} trained networks each")
        axis.set_yscale("log")
        axis.set_xlabel("rank deficiency (directions of a kernel that the training image leaves open)")
        axis.set_ylabel("mean squared error on $x$")
        axis.set_xlim(-2, columns)
        axis.legend(loc="center right", bbox_to_anchor=(1, 0.6))
    return figure
