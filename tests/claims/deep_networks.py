"""What deep networks make of other digits after training on one or a few: the experiment that the claims share.

At the quick scale everything is small enough for one core: digits of 14×14 pixels, 8 channels or 96 units, and Adam for
a few hundred steps, where the paper's momentum descent would need many thousands. The paper's sizes need a GPU, and a
run of their own, with its own budget of false alarms: `python -m pytest tests/claims -m gpu --ledger out`.
"""

from bisect import bisect_left
from dataclasses import asdict, dataclass, fields
from functools import cache, lru_cache

import numpy as np
import pytest
import torch
from scipy import stats

import empirics
from empirics.networks.skips_throughout import SkipsThroughout

MEMBERS = 48
FIRST_SEED = 1000  # not among those of the pilot runs that sizes and numbers of seeds were chosen by
COMPARED = 32  # enough where two kinds are compared: rank sums need fewer than signs
ALPHA = 1e-11  # of each order: what 46 of 48 seeds agree on is decided, and 50 orders book 5e-10

LEARNED = 0.05
"""A network has learned its images when its loss is below this share of the zero function's."""
ALIKE = 0.8
"""Two images are alike from this correlation on, as `empirics.zone` has it."""


@dataclass(frozen=True)
class Study:
    """Networks of one kind, trained from many seeds to reproduce digits.

    Attributes:
        kind: "CNN", "FCN", or "skips throughout", see `SkipsThroughout`.
        depth: weight layers.
        channels: of each hidden layer; in an FCN, its units.
        kernel: taps of a CNN's kernels along an axis.
        scheme: distribution of the initial weights.
        bias: whether layers have biases.
        activation: between layers.
        residual: whether an FCN has skips over every two hidden layers.
        optimizer: with its `lr`.
        lr: learning rate.
        steps: how long they train.
        size: height and width of the digits.
        trained_on: classes of the digits, one of each.
        members: how many seeds.
        device: where they train.
    """

    kind: str
    depth: int
    channels: int
    kernel: int = 5
    scheme: str = "xavier_uniform"
    bias: bool = False
    activation: str = "relu"
    residual: bool = False
    optimizer: str = "adam"
    lr: float = 1e-3
    steps: int = 400
    size: int = 14
    trained_on: tuple[int, ...] = (7,)
    members: int = MEMBERS
    device: str = "cpu"

    def __str__(self) -> str:
        defaults = {field.name: field.default for field in fields(self)}
        said = {name: value for name, value in asdict(self).items() if value != defaults[name]}
        kind, depth, channels = (said.pop(name) for name in ("kind", "depth", "channels"))
        others = "".join(f", {name} {value}" for name, value in said.items() if name != "scheme")
        return f"{kind}, {depth} layers of {channels}, {self.scheme}{others}"

    @property
    def recipe(self) -> empirics.Recipe:
        return empirics.Recipe(optimizer=self.optimizer, lr=self.lr, steps=self.steps, scheme=self.scheme)

    def make_model(self) -> torch.nn.Module:
        settings = {"bias": self.bias, "activation": self.activation}
        if self.kind == "CNN":
            return empirics.CNN(1, self.depth, self.channels, self.kernel, **settings)
        if self.kind == "skips throughout":
            return SkipsThroughout(self.size**2, self.depth, self.channels, **settings)
        return empirics.FCN(self.size**2, self.depth, self.channels, residual=self.residual, **settings)

    @property
    def training_images(self) -> np.ndarray:
        return np.concatenate([digits_of_class(label, 1, self.size) for label in self.trained_on])

    @property
    def flat(self) -> bool:
        return self.kind != "CNN"

    @property
    def ensemble(self) -> empirics.TrainedEnsemble:
        return _trained(self)

    @property
    def learned(self) -> np.ndarray:
        """Which members have learned their images, (members,)."""
        return self.losses <= LEARNED

    @property
    def losses(self) -> np.ndarray:
        """Each member's loss as a share of the zero function's, (members,)."""
        return self.ensemble.history.losses[:, -1].numpy() / np.square(self.training_images).mean()

    def answers(self, size: int | None = None, besides: tuple[int, ...] = ()) -> tuple[np.ndarray, np.ndarray]:
        """Digits (n, 1, H, W) of other classes than those trained on, and the members' answers, seeds first.

        Args:
            size: height and width; None for those of the digits trained on.
            besides: classes that are not asked about either.
        """
        asked = others((*self.trained_on, *besides), size or self.size)
        given = asked.reshape(len(asked), -1) if self.flat else asked
        answered = self.ensemble.predict(given).reshape(self.members, *asked.shape)
        return asked, np.where(np.isfinite(answered), answered, 0)  # of a diverged member: no answer

    def likeness(self, size: int | None = None, besides: tuple[int, ...] = ()) -> empirics.Likeness:
        """How like their inputs and the digit trained on the answers are, (members, n) each; see `answers`."""
        asked, answered = self.answers(size, besides)
        return empirics.likeness(answered, asked, self.training_images)

    def to_mixture(self) -> np.ndarray:
        """Correlation of each answer with the best mixture of the digits trained on, (members, n)."""
        _, answered = self.answers()
        centred = [image.ravel() - image.mean() for image in self.training_images]
        span = np.linalg.svd(centred, full_matrices=False)[2]
        flat = answered.reshape(*answered.shape[:2], -1).astype(np.float64)
        flat -= flat.mean(-1, keepdims=True)
        length = np.linalg.norm(flat, axis=-1)
        return np.linalg.norm(flat @ span.T, axis=-1) / np.where(length > 0, length, 1)

    def summary(self) -> str:
        """What its members do, in a line."""
        mean, losses = self.likeness().mean(), self.losses
        return (
            f"{self}: correlation with the input {_spread(mean.with_input)}, with the training image "
            f"{_spread(mean.with_training_image)}, "
            f"learned by {self.learned.sum()} of {self.members} (median loss {100 * np.median(losses):.2g} %)"
        )


@dataclass(frozen=True)
class StudyScale:
    """How large digits and networks are, and how long these train.

    Attributes:
        size: height and width of the digits.
        channels: of each hidden layer of a CNN.
        many: channels where there are to be many.
        width: units of each hidden layer of an FCN.
        longer: factor of the steps.
        slower: divisor of the learning rates.
        members: how many seeds.
        compared: how many where two kinds of networks are compared, and nothing else is asked of them.
        device: where they train.
    """

    size: int
    channels: int
    many: int
    width: int
    longer: float = 1
    slower: float = 1
    members: int = MEMBERS
    compared: int = COMPARED
    device: str = "cpu"

    def cnn(self, depth: int, *, steps: int = 400, **settings) -> Study:
        """Convolutional networks of this scale, but for what other settings say."""
        return self._study("CNN", depth, steps, {"channels": self.channels} | settings)

    def fcn(self, depth: int, *, kind: str = "FCN", steps: int = 200, **settings) -> Study:
        """Fully connected networks, which learn sooner."""
        return self._study(kind, depth, steps, {"channels": self.width} | settings)

    def _study(self, kind: str, depth: int, steps: int, settings: dict) -> Study:
        own = {"size": self.size, "members": self.members, "device": self.device}
        pace = {"steps": round(self.longer * steps), "lr": settings.pop("lr", Study.lr) / self.slower}
        return Study(kind, depth, **(own | settings | pace))


QUICK = StudyScale(size=14, channels=8, many=16, width=96)
CNN, FCN = QUICK.cnn, QUICK.fcn
# One step of Adam moves what a unit is given by up to the learning rate times the unit's inputs, of which there are 16
# to 21 times as many as in the quick networks: hence smaller steps, and more of them. All in all some 1.1e17 FLOPs (6 a
# weight, pixel, step and member) and 2e15 bytes moved (10 numbers a weight, step and member): half an hour at 100
# TFLOP/s and 4 TB/s; an H200 in float32 has up to two thirds of the former. E.channels takes 7 minutes of it,
# E.cnn-depth, E.init and E.two-three-examples 4 to 5 each, the others 1 or 2; E.contractive's spectra take minutes
# more, on the CPU.
PAPER = StudyScale(size=28, channels=128, many=512, width=2048, longer=10, slower=10, device="cuda")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
_paper = pytest.param(PAPER, id="paper", marks=[pytest.mark.gpu, needs_cuda])
at_each_scale = pytest.mark.parametrize("scale", [pytest.param(QUICK, id="quick"), _paper])
at_paper_scale = pytest.mark.parametrize("scale", [_paper])


@lru_cache(maxsize=6)  # as many as tests in a row share; 48 networks of the paper's width take up to 14 GB
def _trained(study: Study) -> empirics.TrainedEnsemble:
    images = study.training_images
    given = images.reshape(len(images), -1) if study.flat else images
    return empirics.train(
        study.make_model,
        given,
        recipe=study.recipe,
        seeds=range(FIRST_SEED, FIRST_SEED + study.members),
        device=study.device,
        progress=False,
    )


def digits_of_class(label: int, count: int, size: int) -> np.ndarray:
    """The first digits of a class, (count, 1, H, W) in [0, 1]."""
    pixels, labels = _pack(size)
    return pixels[np.flatnonzero(labels == label)[:count]]


@cache
def _pack(size: int) -> tuple[np.ndarray, np.ndarray]:
    pack = empirics.images("digits", size=size)
    return pack.as_float(), pack.labels


def others(classes: tuple[int, ...], size: int) -> np.ndarray:
    """Two digits of each other class, (n, 1, H, W)."""
    return np.concatenate([digits_of_class(label, 2, size) for label in range(10) if label not in classes])


def learns_identity(ledger, study: Study, size: int | None = None) -> None:
    """Decide whether networks of a study that have learned their digit generalize from it."""
    ledger.note(study.summary())
    asked_at = size or study.size
    more_often(ledger, generalizes(study, size), among=study.learned, study=str(study), asked_at=asked_at)


def generalizes(study: Study, size: int | None = None) -> np.ndarray:
    """Which members answer other digits with those digits: alike, on average, and more so than to the one learned."""
    mean = study.likeness(size).mean()
    nearer = True if mean.with_training_image is None else mean.with_input > mean.with_training_image
    return (mean.with_input >= ALIKE) & nearer


def more_often(
    ledger, agrees: np.ndarray, contradicts: np.ndarray | None = None, *, among: np.ndarray | None = None, **context
) -> None:
    """Decide whether a seed agrees with a statement more often than not, by the exact sign test.

    Args:
        ledger: where the evidence goes.
        agrees: per seed, whether it does.
        contradicts: whether it shows the opposite; None for all that do not agree. A tie is neither.
        among: which seeds the statement is about, those that have learned; the others are neither. None for all.
        **context: what was compared.
    """
    opposite = ~agrees if contradicts is None else contradicts
    if among is not None:
        agrees, opposite = agrees & among, opposite & among
    n, k = len(agrees), int(agrees.sum())
    needed = int(stats.binom.isf(ALPHA, n, 0.5)) + 1
    ledger.order(
        stats.binomtest(k, n, alternative="greater").pvalue,
        stats.binomtest(int(opposite.sum()), n, alternative="greater").pvalue,
        ALPHA,
        smallest_detectable=f"what {needed} of {n} seeds show{_more_seeds(k / n, n)}",
        seeds_that_agree=f"{k} of {n}",
        seeds_that_contradict=f"{int(opposite.sum())} of {n}",
        **context,
    )


def _more_seeds(share: float, n: int) -> str:
    """How many seeds would decide, were the share of those that agree as seen."""
    for more in range(n, 100_000, n):
        for k in {round(share * more), round((1 - share) * more)}:
            if stats.binom.sf(k - 1, more, 0.5) < ALPHA:
                return f"; at the share seen, about {more} seeds would decide"
    return "; at the share seen, no number of seeds below 100,000 would decide"


def compare(ledger, what: str, greater: Study, lesser: Study, scores) -> None:
    """Decide whether a score is greater in one study than in another, by the exact rank-sum test of Mann and Whitney.

    The null hypotheses are that the score has the same law in both, or is stochastically less where the claim has it
    greater; and the reverse. Only networks that learned are compared: all those of the one with all those of the other.
    Where two score the same, each null hypothesis is given the benefit. Completely apart, 20 networks of either kind
    decide, where a sign test takes 37 pairs.

    Args:
        ledger: where the evidence goes.
        what: the score, in words.
        greater: the study in which the claim has it greater.
        lesser: the other.
        scores: study to scores, (members,).
    """
    a, b = scores(greater), scores(lesser)
    for study in (greater, lesser):
        ledger.note(study.summary())
    among, than = a[greater.learned], b[lesser.learned]
    above = int((among[:, None] > than).sum())
    below = int((among[:, None] < than).sum())
    pairs = len(among) * len(than)
    ledger.order(
        rank_sum(above, len(among), len(than)),
        rank_sum(below, len(among), len(than)),
        ALPHA,
        smallest_detectable=_more_networks(above, len(among), len(than)),
        pairs_that_agree=f"{above} of {pairs}",
        pairs_that_contradict=f"{below} of {pairs}",
        score=what,
        greater_in=f"{greater}: {_spread(a)}",
        than_in=f"{lesser}: {_spread(b)}",
    )


def rank_sum(above: int, m: int, n: int) -> float:
    """The chance that of m n pairs from two samples of one continuous law the first is greater in `above` or more."""
    if not m * n or not above:
        return 1.0
    # Two samples with so many such pairs: `whole` of the first above all of the second, one above `rest` of them.
    whole, rest = divmod(above, n)
    first = np.repeat([n + 1, rest + 0.5, 0], [whole, whole < m, max(m - whole - 1, 0)])
    second = np.arange(1, n + 1)
    jitter = 0.1 * np.arange(m) / m  # no two are equal
    return float(stats.mannwhitneyu(first - jitter, second, alternative="greater", method="exact").pvalue)


def _more_networks(above: int, m: int, n: int) -> str:
    """How many pairs decide; and how many networks would, were the share of pairs that agree as seen."""
    decides = bisect_left(range(m * n + 1), True, key=lambda pairs: rank_sum(pairs, m, n) < ALPHA)
    needed = f"what {decides} of {m * n} pairs of networks show" if decides <= m * n else "more that have learned"
    for more in range(20, 201, 10):
        if m and n and rank_sum(round(above / (m * n) * more * more), more, more) < ALPHA:
            return f"{needed}; at the share seen, about {more} networks of either kind would decide"
    return f"{needed}; at the share seen, not even 200 networks of either kind would decide"


def identity(study: Study) -> np.ndarray:
    """Mean correlation of a member's answers with their inputs, (members,)."""
    return study.likeness().mean().with_input


def constant(study: Study) -> np.ndarray:
    """Mean correlation of a member's answers with the image trained on, (members,)."""
    return study.likeness().mean().with_training_image


def _spread(values: np.ndarray) -> str:
    return f"{values.mean():.2f} ({values.min():.2f} to {values.max():.2f})"
