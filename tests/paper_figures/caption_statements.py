"""What the numbers of every caption must be: its own words, and statistics computed from the stored arrays by loops.

Each function of a figure takes its arrays and settings.
"""

from paper_figures.specimens import TRAINED_ON
from tests.paper_figures.caption_words import (
    OPTIMIZERS,
    Statement,
    finding,
    is_of_rows,
    mean,
    of_rows,
    spread,
    trained_by,
)
from tests.paper_figures.closer_look_captions import learning
from tests.paper_figures.test_stored_figures import stored
from tests.paper_figures.theory_captions import ceiling, conditions, depth, dynamics, phase, rank, theorem1, theorem2


def statements(name: str) -> list[Statement]:
    """What the numbers of a figure's caption must be."""
    data = stored(name)
    own = OF_FIGURES[name](data.arrays, data.settings) if name in OF_FIGURES else []
    return own + (of_rows(name) if is_of_rows(name) else [])


def fig04(arrays, settings):
    scale, depths = settings["scale"], {"FCN": settings["fcn"], "CNN": settings["cnn"]}
    labels = [f"{kind}, {n} layer{'s' * (n > 1)}" for kind, each in depths.items() for n in each]
    zones = "; ".join(f"{label}: {''.join(map(chr, z))}" for label, z in zip(labels, arrays["zones"], strict=True))
    first = len(settings["fcn"])

    def nearest(name: str) -> int:
        means = [mean(network.ravel()) for network in arrays[name][first:]]
        return settings["cnn"][means.index(max(means))]

    noise = [mean(network[:, 0]) for network in arrays["with_input"]]
    best = labels[noise.index(max(noise))]
    return [
        trained_by(settings),
        Statement("# networks a curve, # images a point", [scale["seeds"], settings["draws"]]),
        Statement("(quick scale: # channels, # units)", [scale["channels"], scale["width"]]),
        Statement("thresholds #, and # for A", [0.8, 0.9]),
        Statement(f"from ρ = 0: {zones}.", []),
        Statement("# layers keep nearest to their input", [nearest("with_input")]),
        Statement("and # nearest to the training image", [nearest("with_training_image")]),
        Statement(f"the best ({best}) keeps only a correlation of #.", [max(noise)]),
    ]


def fig05(arrays, settings):
    scale, depths = settings["scale"], (7, 14, 20)
    known = 10 * settings["known_each"]
    each = ", ".join(f"# ({depth} layers)" for depth in depths)
    last = {
        state: [mean(arrays[f"error_{state}_{depth}"][:, -1]) for depth in depths] for state in ("trained", "untrained")
    }
    return [
        trained_by(settings),
        Statement("votes of # digits, asked about # others", [known, 200 - known]),
        Statement("the range of # networks, # channels", [scale["seeds"], scale["channels"]]),
        Statement("It is # on the images themselves", [arrays["error_trained_7"][0, 0]]),
        Statement(f"at the trained networks' outputs {each}", last["trained"]),
        Statement(f"at the untrained ones' {each}", last["untrained"]),
        Statement("of a #-layer network, for a #,", [settings["mosaic_depth"], settings["asked"]]),
    ]


def fig15(arrays, settings):
    return [
        trained_by(settings),
        Statement("All # channels", [settings["scale"]["channels"]]),
        Statement("networks of # and # layers", settings["depths"]),
        Statement("for a #: trained on one #", [settings["asked"], TRAINED_ON]),
    ]


def fig41(arrays, settings):
    kinds = 3  # plain, with skips between plain layers, with skips throughout
    means = {key: [mean(row) for row in arrays[key]] for key in ("with_input", "with_training_image")}

    def change(key: str, kind: int) -> float:
        found = means[key]
        return mean([found[place + kind] - found[place] for place in range(0, len(found), kinds)])

    near = [means["with_input"][place + 2] for place in range(0, len(means["with_input"]), kinds)]
    return [
        Statement(
            "training image changes by # on average, that with the input by #,",
            [change("with_training_image", 1), change("with_input", 1)],
        ),
        Statement("to the identity: by # and #, to", [change("with_training_image", 2), change("with_input", 2)]),
        Statement(
            "input of # with # and # with # layers", [near[0], settings["depths"][0], near[1], settings["depths"][1]]
        ),
        Statement("x + relu(W₂ relu(W₁ x))", []),
    ]


OF_FIGURES = {
    "theorem1": theorem1,
    "theorem2": theorem2,
    "rank": rank,
    "dynamics": dynamics,
    "depth": depth,
    "ceiling": ceiling,
    "phase": phase,
    "conditions": conditions,
    "learning": learning,
    "fig01_digit_set": lambda a, s: [
        Statement("to reproduce # digits at once", [s["count"]["quick"]]),
        Statement("trains on all # digits", [60_000]),
    ],
    "fig02_fcn_depth": lambda a, s: [
        finding("deeper ones are closer to the constant function", a["with_training_image"], rises=True)
    ],
    "fig03_cnn_depth": lambda a, s: [
        finding("from two layers on deeper networks learn less of it", a["with_input"][1:7], rises=False),
        Statement("The paper's networks of # layers", [max(s["depths"])]),
        spread("those here correlate with the training image", a["with_training_image"][[6, 9]]),
        trained_by(s, rows=" from xavier uniform initial weights (1 layer, 2 layers,"),
        trained_by(s, rows=" from default initial weights (5 layers, default, biases,"),
    ],
    "fig04_correlation": fig04,
    "fig05_layers": fig05,
    "fig06_test_sizes": lambda a, s: [
        finding(
            f"{depth} layers keep more of the identity the larger the images are "
            "(in the smallest, every pixel feels the border)",
            a["with_input"][3 * place : 3 * place + 3],
            rises=True,
        )
        for place, depth in enumerate(s["depths"])
    ],
    "fig08_training_sizes": lambda a, s: [
        Statement("networks of # layers", [s["depth"]]),
        Statement("digit of #×# to #×# pixels", 2 * [min(s["sizes"])] + 2 * [max(s["sizes"])]),
        finding("larger training images teach more of the identity", a["with_input"], rises=True),
    ],
    "fig09_kernel_sizes": lambda a, s: [
        Statement("networks of # layers", [s["depth"]]),
        Statement("kernels of #×# to #×# taps", 2 * [min(s["kernels"])] + 2 * [max(s["kernels"])]),
        finding("larger kernels learn less of the identity", a["with_input"], rises=False),
        finding("they learn more of the constant function", a["with_training_image"], rises=True),
    ],
    "fig10_channels": lambda a, s: [
        Statement("networks of # layers", [s["depth"]]),
        spread("correlation with the training image lies", a["with_training_image"]),
        spread("that with the input", a["with_input"]),
        Statement("(quick scale: # to # channels)", [min(s["channels"]["quick"]), max(s["channels"]["quick"])]),
    ],
    "fig15_more_layers": fig15,
    "fig31_initializations": lambda a, s: [
        Statement("networks of # layers", [s["depth"]]),
        *(trained_by(s, rows=f" from {scheme.replace('_', ' ')} initial weights") for scheme in s["schemes"]),
    ],
    "fig38_several_examples": lambda a, s: [
        Statement("two digits (# and #) and three (also #)", s["classes"]),
        spread("correlate with the nearest training image", a["with_training_image"][:4]),
        spread("convolutional ones with the input", a["with_input"][4:]),
    ],
    "fig41_residual": fig41,
    "fig42_natural": lambda a, s: [
        finding("deeper networks learn less of the identity", a["with_input"], rises=False),
        finding("they learn more of the constant function", a["with_training_image"], rises=True),
    ],
    "optimizers": lambda a, s: [
        Statement("networks of # layers", [s["depth"]]),
        spread("the correlation with the input lies", a["with_input"]),
        spread("that with the training image", a["with_training_image"]),
        *(
            trained_by(s, OPTIMIZERS[name], rate, f" from xavier uniform initial weights ({name} ({rate:g}))")
            for name, rate in s["rates"].items()
        ),
    ],
}
