"""What the numbers of every caption must be: its own words, and statistics computed from the stored arrays by loops.

Each function of a figure takes its arrays and settings.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

import empirics
from paper_figures.catalogue import figure_module
from paper_figures.specimens import TRAINED_ON, other_digits
from tests.paper_figures.test_stored_figures import stored

NUMBER = r"(?:(?<!\w)[+-])?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?%?(?<!,)"
NETWORKS, SEEDS = 1032, 16  # in paper_figures/sweeps/conditions.toml: all, and those that differ by their seed only
OPTIMIZERS = {
    "sgd": "gradient descent",
    "adam": "Adam",
    "adamax": "Adamax",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
}


@dataclass
class Statement:
    """Words of a caption with # for each number, and what the numbers must be."""

    words: str
    values: list[float]

    def found(self, caption: str) -> re.Match:
        pattern = f"({NUMBER})".join(map(re.escape, self.words.split("#")))
        matches = list(re.finditer(pattern, caption))
        assert len(matches) == 1, (self.words, caption)
        assert len(matches[0].groups()) == len(self.values), self.words
        return matches[0]


def is_of_rows(name: str) -> bool:
    return hasattr(figure_module(name), "rows")


def mean(values) -> float:
    """Of what is not NaN, one after the other."""
    kept = [float(value) for value in values if value == value]
    return sum(kept) / len(kept)


def largest_difference(one, other) -> float:
    return max(abs(float(a) - float(b)) for a, b in zip(one.ravel(), other.ravel(), strict=True))


def statements(name: str) -> list[Statement]:
    """What the numbers of a figure's caption must be."""
    data = stored(name)
    own = OF_FIGURES[name](data.arrays, data.settings) if name in OF_FIGURES else []
    return own + (of_rows(name) if is_of_rows(name) else [])


def of_rows(name: str) -> list[Statement]:
    """What the captions of all figures of rows say."""
    data = stored(name)
    labels = [" ".join(label.split()) for label in data.labels]
    found = []
    for words, key in (("With the input: ", "with_input"), ("With the training image: ", "with_training_image")):
        means = [(label, mean(row)) for label, row in zip(labels, data.arrays[key], strict=True) if (row == row).any()]
        each = ", ".join(f"# ({label})" for label, _ in means) or "—"
        found.append(Statement(f"{words}{each}.", [value for _, value in means]))
    if name not in ("fig03_cnn_depth", "fig31_initializations", "optimizers"):  # not all trained in one way
        found.append(trained_by(data.settings))
    return [*found, Statement("# networks a row (quick scale: ", [data.settings["scale"]["seeds"]])]


def trained_by(settings, optimizer: str = "Adam", rate: float | None = None, rows: str = "") -> Statement:
    """How networks were trained, and which."""
    training, default = dict(settings["scale"]["training"]), empirics.Recipe()
    steps = settings["steps"]["quick"] if "steps" in settings else training["steps"]
    momentum = [default.momentum] if optimizer == "gradient descent" else []
    how = f"learning rate #, times # at #, # and # % of the steps{', momentum #' * len(momentum)}, # steps"
    shares = [100 * share for share in default.decay_at]
    values = [rate or training["lr"], default.gamma, *shares, *momentum, steps]
    return Statement(f"{optimizer} ({how}){rows}", values)


def finding(what: str, rows, *, rises: bool) -> Statement:
    """What is said of a trend: the paper's words where each row is beyond the one before, else how many are."""
    means = [mean(row) for row in rows]
    there = sum((after > before) if rises else (after < before) for before, after in pairwise(means))
    if there == len(means) - 1:
        return Statement(f"As in the paper, {what}.", [])
    words = "Here it is so in # of # steps from row to row, from # in the first row to # in the last."
    return Statement(f"The paper finds that {what}. {words}", [there, len(means) - 1, means[0], means[-1]])


def spread(words: str, rows) -> Statement:
    means = [mean(row) for row in rows]
    return Statement(f"{words} between # and #", [min(means), max(means)])


def theorem1(arrays, settings):
    return [
        Statement("trained on one digit (#, first column)", [settings["digit"]]),
        Statement("trained for # steps", [settings["steps"]]),
        Statement("(at # of the largest stable learning rate)", [settings["share"]]),
        Statement("differ by at most # (", [largest_difference(arrays["predicted"], arrays["trained"])]),
    ]


def theorem2(arrays, settings):
    ratios = [
        bound / expected
        for bound, expected, rank, columns in zip(
            arrays["bound"], arrays["expected"], arrays["rank"], arrays["columns"], strict=True
        )
        if rank < columns
    ]
    kernel = settings["kernel"]
    return [
        Statement("One-layer #×# convolutions", [kernel, kernel]),
        Statement("trained for # steps", [settings["steps"]]),
        Statement("momentum # at # of the largest", [settings["momentum"], settings["share"]]),
        Statement("(at most # in any case)", [max(arrays["difference"])]),
        Statement("measured on # trained networks each", [arrays["errors"].shape[1]]),
        Statement("The bound is # to # times the mean", [min(ratios), max(ratios)]),
    ]


def rank(arrays, settings):
    kinds = ("digits", "patterns", "photographs")
    titles = {"zeros": "zero padding", "none": "no padding"}
    found = [
        Statement("# digits, # patterns and # colour planes", [len(arrays[f"rank_{kind}"]) for kind in kinds]),
        Statement("over the largest, #×# taps, zero padding", 2 * [settings["spectrum_kernel"]]),
        Statement("slowest teacher at #×# taps", 2 * [settings["spectrum_kernel"]]),
        Statement("descent with momentum #,", [settings["momentum"]]),
        Statement("mode is # learned", [settings["share"]]),
    ]
    for place, padding in enumerate(("zeros", "circular", "reflect", "replicate", "none")):
        shares = []
        for kind in kinds:
            full = [
                all(rank == kernel**2 for rank, kernel in zip(image[place], arrays["kernels"], strict=True))
                for image in arrays[f"rank_{kind}"]
            ]
            shares.append(sum(full) / len(full))
        found.append(Statement(f"{titles.get(padding, padding)}, # of digits, # of patterns, # of photographs", shares))
    return found


def dynamics(arrays, settings):
    kernel, steps = settings["kernel"], len(arrays["measured"]) - 1
    off = largest_difference(arrays["measured"], arrays["predicted"])
    return [
        Statement("A one-layer #×# convolution", [kernel, kernel]),
        Statement("momentum #, at # of the largest", [settings["momentum"], settings["share"]]),
        Statement("times # at the vertical lines", [settings["gamma"]]),
        Statement("weights, all #: at most # in # steps", [arrays["measured"][0].size, off, steps]),
    ]


def depth(arrays, settings):
    biased, scale = "convolutional, default, biases", settings["scale"]
    deepest = max(arrays[f"depths_{biased}"])
    identity, constant = arrays[f"predicted_{biased}"][settings["curve"].index(deepest)]
    networks = arrays[f"trained_{biased}"][list(arrays[f"depths_{biased}"]).index(deepest)]
    off = {"identity": mean(networks[:, 0]) - identity, "constant": mean(networks[:, 1]) - constant}
    return [
        Statement("answers to # digits", [len(range(0, len(other_digits()), settings["every"]))]),
        trained_by(settings),
        Statement(
            "# networks each (quick scale: # channels, # units)", [scale["seeds"], scale["channels"], scale["width"]]
        ),
        Statement("variance that # channels give them", [scale["channels"]]),
        Statement(
            "networks of # layers are predicted to correlate # with the constant and # with the identity",
            [deepest, constant, identity],
        ),
        Statement("of # layers differ from that by # and #:", [deepest, off["constant"], off["identity"]]),
    ]


def root_mean_square(pixels) -> float:
    return mean(value**2 for value in pixels) ** 0.5


def ceiling(arrays, settings):
    smaller, kernel = settings["kernels"]
    learned = arrays["x_hat"].ravel()
    beyond = [
        root_mean_square(answer.ravel() - learned) - float(bound)
        for answer, bound in zip(arrays["trained"], arrays["own_distance"], strict=True)
    ]

    def first_at_zero(distances) -> int:
        return next(depth for depth, distance in enumerate(distances, 1) if distance == 0)

    return [
        Statement("of networks that reproduce a #.", [TRAINED_ON]),
        Statement("Above, #×# kernels", [kernel, kernel]),
        Statement(
            "takes # layers (# of #×# kernels)",
            [*(first_at_zero(arrays[f"distance_{size}"]) for size in (kernel, smaller)), smaller, smaller],
        ),
        Statement("networks of # channels with biases", [settings["channels"]]),
        Statement("(# steps of Adam, learning rate #)", [settings["steps_to_constant"], settings["lr"]]),
        Statement("come within # of that", [max(beyond)]),
        trained_by(settings),
        Statement("of answers to # other digits", [len(other_digits())]),
        Statement(
            "(# of each depth; quick scale: # channels), # at most",
            [len(arrays["with_alone"][0]), settings["scale"]["channels"], max(arrays["with_alone"].ravel())],
        ),
        Statement("one layer of #×# could reach #", [smaller, smaller, arrays[f"with_others_{smaller}"][0]]),
    ]


def phase(arrays, settings):
    depths, difference = settings["depths"], arrays["with_input"] - arrays["with_training_image"]
    shares = [sum(value < 0 for value in each.ravel()) / each.size for each in difference]
    size, kernel = settings["size"], settings["kernel"]
    reached = arrays["boundary_at_default"]
    default = ", ".join(
        f"# layers ({variant})" if depth < float("inf") else f"none ({variant})"
        for variant, depth in zip(stored("phase").labels, reached, strict=True)
    )
    return [
        Statement("to # digits of #×# pixels", [len(range(0, len(other_digits()), settings["every"])), size, size]),
        Statement("(#×# kernels) of #, # and # layers;", [kernel, kernel, *depths]),
        Statement("biases that # channels give it", [settings["channels"]]),
        Statement(
            "takes # of the map at # layers, # of the map at # layers and # of the map at # layers;",
            [value for pair in zip(shares, depths, strict=True) for value in pair],
        ),
        # Without biases, in the row of variance 0, weights of any variance tell the same.
        Statement("identity less constant is #, # and # at these depths", [row[0, 0] for row in difference]),
        Statement("not even # layers memorize", [settings["deepest"]]),
        Statement(f"At the default it is {default}.", [depth for depth in reached if depth < float("inf")]),
    ]


def conditions(arrays, settings):
    labels, depths = stored("conditions").labels, arrays["depths"]
    optimizers = ("sgd", "adam", "adamax", "rmsprop", "adagrad")

    def turned(chosen) -> list[int]:
        """Of the networks of these optimizers, starts and depth: how many turned to the constant, of how many."""
        differences = [
            float(identity - constant)
            for optimizer, start, depth in chosen
            for identity, constant in zip(
                arrays["with_input"][optimizer, start, depth], arrays["with_training_image"][optimizer, start, depth],
                strict=True,
            )
        ]  # fmt: skip
        learned = [difference for difference in differences if difference == difference]
        return [sum(difference < 0 for difference in learned), len(learned)]

    every, starts = range(len(optimizers)), range(len(labels))
    deepest = depths[-1]
    by_depth = [turned([(o, s, d) for o in every for s in starts]) for d in range(len(depths))]
    by_start = {label: turned([(o, s, -1) for o in every]) for s, label in enumerate(labels)}
    by_start = {label: counts for label, counts in by_start.items() if counts[0]}
    *starts_but_one, last_start = (f"# of # ({label})" for label in by_start)
    by_optimizer = [turned([(o, s, -1) for s in starts]) for o in every]
    with_biases = [s for s, label in enumerate(labels) if label.endswith("biases")]
    without = [s for s in starts if s not in with_biases]
    silent = arrays["with_input"][:, labels.index("default"), -1].ravel()
    zone_d = [
        label
        for s, label in enumerate(labels)
        for identity, constant in zip(
            arrays["with_input"][:, s, -1].ravel(), arrays["with_training_image"][:, s, -1].ravel(), strict=True
        )
        if constant > identity and constant >= 0.8
    ]
    found = [
        Statement("mean over # seeds", [arrays["with_input"].shape[-1]]),
        Statement("networks of # channels, 5×5 kernels: # networks in all", [settings["narrow"], NETWORKS]),
        Statement("explains # of its training", [settings["learned"]]),
        Statement(
            "identity are # of # at # layers, # of # at # layers, # of # at # layers and # of # at # layers.",
            [value for counts, depth in zip(by_depth, depths, strict=True) for value in (*counts, depth)],
        ),
        Statement(
            "Of the # layers these are # of # with biases and # of # without",
            [
                deepest,
                *turned([(o, s, -1) for o in every for s in with_biases]),
                *turned([(o, s, -1) for o in every for s in without]),
            ],
        ),
        Statement(
            f"by initial weights {', '.join(starts_but_one)} and {last_start}, and none",
            [value for counts in by_start.values() for value in counts],
        ),
        Statement(
            "by optimizer # of # (sgd), # of # (adam), # of # (adamax), # of # (rmsprop) and # of # (adagrad).",
            [value for counts in by_optimizer for value in counts],
        ),
        Statement(
            "without biases # of # networks of # layers learned",
            [sum(value == value for value in silent), len(silent), deepest],
        ),
        Statement("at least # with the training image) is", [0.8]),
        Statement("is reached by #, of which # began", [len(zone_d), zone_d.count("default, biases")]),
        Statement("Bottom right: # layers of # channels", [deepest, settings["wide"]]),
    ]
    for name in ("default, biases", "xavier uniform"):
        to_input, to_constant = (sorted(map(float, column)) for column in arrays[f"seeds_{name}"].T)
        words = "with the input and # with the training image in the median, the latter from # to # (# of # seeds)"
        values = [median(to_input), median(to_constant), to_constant[0], to_constant[-1], len(to_input), SEEDS]
        found.append(Statement(f"{name}: # {words}", values))
    return found


def median(ordered: list[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


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
