"""Words of a caption with a place for each number, and the statistics that stand there, by loops."""

import re
from dataclasses import dataclass
from itertools import pairwise

import empirics
from paper_figures.catalogue import figure_module
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


def median(ordered: list[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
