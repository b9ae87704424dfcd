"""What the numbers of the third paper's captions must be, by loops."""

import math

from tests.paper_figures.caption_words import Statement, mean


def correlation(one, other) -> float:
    """Pearson's."""
    a, b = ([float(value) - mean(values) for value in values] for values in (one, other))
    lengths = [math.sqrt(sum(value**2 for value in values)) for values in (a, b)]
    return sum(x * y for x, y in zip(a, b, strict=True)) / lengths[0] / lengths[1]


def learning(arrays, settings):
    kinds = ("real digits", "random labels", "random inputs")
    place = {int(t): index for index, t in enumerate(arrays["steps"])}
    correlations = [
        correlation(arrays[f"probability_{kind}"][place[t]], arrays[f"frequency_{kind}"][place[t]])
        for kind, t in settings["scattered"]
    ]
    off = [
        abs(mean(arrays[f"probability_{kind}"][index]) - mean(arrays[f"frequency_{kind}"][index]))
        for kind in kinds
        for index in place.values()
    ]
    energies = [sum(float(share) for share in arrays[f"energies_{kind}"][: settings["modes"]]) for kind in kinds]
    size, shown = settings["size"], settings["shown"]
    return [
        Statement("# digits of #×# pixels", [len(arrays["pictures"]), size, size]),
        Statement("two layers of # units", [settings["wider"] * settings["scale"]["width"]]),
        Statement("descent at # of the largest", [settings["share"]]),
        Statement("the share of # trained networks", [settings["networks"]]),
        Statement("grey: where # of shares lie", [settings["band"]]),
        Statement("from left to right: #, #, # and #.", correlations),
        Statement("off by # at most", [max(off)]),
        Statement(
            "the first # hold # of the real labels, # of random ones, and # where", [settings["modes"], *energies]
        ),
        Statement("Below: the # real digits learned first and the # learned last", [shown, shown]),
        Statement("share trained after # steps", [settings["asked"]]),
    ]
