"""What the numbers in the captions of theory's figures must be; each function takes a figure's arrays and settings."""

from paper_figures.specimens import TRAINED_ON, other_digits
from tests.paper_figures.caption_words import NETWORKS, SEEDS, Statement, largest_difference, mean, median, trained_by
from tests.paper_figures.test_stored_figures import stored


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
