r"""How like the training image the answers of a network can be at most, and what its answer to that image forces.

A network that answers x̂ with x̂ answers every pixel of another image x that is in the class of a pixel of x̂
(`theory.depth.classes`) with what it answers there: these pixels F are *forced*, with values v. On its other pixels x
is answered with one value on each class. Call such answers admissible. Among them:

**Theorem** (ours). Let the target be t (x̂, or x), n_b, m_b the size and mean of t on the free class b, and n_F, m_F
those on the forced pixels; W_b and W_F = Σ_F (t − m_F)² what t varies within them. Let V = Σ_F (v − mean v)² and
c = Σ_F (t − m_F)(v − mean v), and, with m the mean of t over all pixels,

    between = Σ_b n_b (m_b − m)² + n_F (m_F − m)²,      slope = c/V, or 0 if V = 0.

1. The mean squared distance of an admissible answer and t is at least (Σ_b W_b + Σ_F (v − t)²)/pixels, and this is
   attained.
2. Let e = between + max(slope, 0)² V. The correlation of an admissible answer and t is at most √(e/Σ(t − m)²); no
   number below this is a bound. (Where there are no free classes there is one answer, and it correlates by c/√(V Σ(t
   − m)²).)

With several channels each free class has a value in each channel of its own, and sums run over pixels and channels.

*Proof.* 1. Class by class, the constant that is nearest to t is t's mean. 2. Correlations stay as they are when an
answer is multiplied by a positive number and a constant is added. So take the set K of all s that are constant on
each free class and α v + β on F, with any α > 0 and β. Its closure, α ≥ 0, is a closed convex cone. The projection P
of t − m on that is, by least squares, m_b − m on b and m_F − m + max(slope, 0) (v − mean v) on F, with ‖P‖² = e. In a
closed convex cone P has the greatest correlation with t, ‖P‖/‖t − m‖, unless P = 0; and K comes as near to P as one
likes. If P = 0, no member of K correlates with t by more than 0, and one to which a large multiple of a free class's
indicator is added, which does not correlate with t as m_b = m, by nearly 0. Without free classes K has one member but
for scale and constants, v. ∎

The correlation of an answer that does not vary is 0, as in `empirics.likeness`.

**A network that reproduces x̂ only nearly**, with mean squared error ε, is held by v + d in place of v. Pixels of a
class share their error, so Σ_F d² ≤ δ² = ε · (entries of all x̂) · max_c n_c(x)/n_c(x̂), over the classes c of forced
pixels, n_c counting their pixels. What cannot be explained of t on F, r = min over α ≥ 0 and β of ‖t − α v − β‖_F,
shrinks to r − ᾱ δ at least, as no slope exceeds ᾱ = √W_F/(√V − δ). So the correlation is at most √(1 − (Σ_b W_b +
max(r − ᾱ δ, 0)²)/Σ(t − m)²), with 0 for that maximum where √V ≤ δ; and the mean squared distance is at least (Σ_b W_b
+ max(‖v − t‖_F − δ, 0)²)/pixels.

It is an upper bound: a network's last layer adds up what its taps see, and a training that reproduces x̂ need not
find the answer that comes nearest.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from theory.depth.classes import NOTHING, paired


@dataclass(frozen=True, eq=False)
class Ceiling:
    """What every network of a depth must do that answers x̂ with x̂; arrays are of the input's kind.

    Attributes:
        with_training_image: correlation of the answer with x̂ at most, of several training images with the one for
            which it is greatest, (n,) or (); None where the sizes differ.
        with_input: correlation of the answer with the input at most. It is 1, or 0 for a constant input, where some
            tap of the kernel sees the output's own pixel: nothing ever forbids the identity.
        mse_to_training_image: mean squared difference of the answer and x̂ at least, of several the least; or None.
        mse_to_input: mean squared difference of the answer and the input at least. 0 where `with_input` is 1.
        forced: whether a pixel's answer is known, (n, H, W) or (H, W).
        values: the known answers, 0 elsewhere, (n, C, H, W) or (C, H, W).
        nearest: the admissible answer that is nearest to x̂, in shape as `values`; None where the sizes differ.
    """

    with_training_image: Float[Any, "*n"] | None
    with_input: Float[Any, "*n"]
    mse_to_training_image: Float[Any, "*n"] | None
    mse_to_input: Float[Any, "*n"]
    forced: Bool[Any, "*n height width"]
    values: Float[Any, "*n channels height width"]
    nearest: Float[Any, "*n channels height width"] | None


@dataclass(frozen=True)
class Problem:
    """What is asked, what has been learned, and how: NumPy stacks (n, C, H, W) in float64.

    Attributes:
        asked: images asked.
        learned: training images.
        known: what the network answers those with.
        exact: whether it does so exactly, so that pixels of one class must have one answer.
        loss: mean squared error of these answers.
        bias: whether what sees nothing may be answered with something.
    """

    asked: np.ndarray
    learned: np.ndarray
    known: np.ndarray
    exact: bool
    loss: float
    bias: bool

    def solve(self, ours: np.ndarray, theirs: np.ndarray) -> Ceiling:
        """The ceiling, for these classes of pixels of the images asked and learned, with a batch axis.

        Raises:
            ValueError: pixels of one class are answered differently.
        """
        asked, learned = self.asked, self.learned
        forced, values = _forced(ours, theirs, self.known, bias=self.bias, exact=self.exact)
        error = np.sqrt(self.loss * learned.size * _most_copies(ours, theirs, forced))
        groups = _Groups.of(ours, forced, channels=asked.shape[1])
        with_input, mse_to_input = _bounds(asked, forced, values, error, groups)
        with_training_image = mse_to_training_image = nearest = None
        if asked.shape[1:] == learned.shape[1:]:
            all_targets = (np.broadcast_to(target, asked.shape) for target in learned)
            bounds = [_bounds(targets, forced, values, error, groups) for targets in all_targets]
            correlations, distances = (np.stack(kind) for kind in zip(*bounds, strict=True))  # (examples, n)
            with_training_image, mse_to_training_image = correlations.max(axis=0), distances.min(axis=0)
            means = groups.means(learned[distances.argmin(axis=0)])
            nearest = np.where(forced[:, None], values, means[groups.of_entry])
        return Ceiling(with_training_image, with_input, mse_to_training_image, mse_to_input, forced, values, nearest)


@dataclass(frozen=True)
class _Groups:
    """Entries (pixels and channels) of a stack that share a mean: each image's forced ones, and each free class's.

    The first n groups are the forced entries of the n images, and may be empty.
    """

    of_entry: np.ndarray  # (n, C, H, W)
    image: np.ndarray  # of each group, like the two below
    count: np.ndarray
    first: np.ndarray  # entry, in the flattened stack; 0 where there is none

    @classmethod
    def of(cls, classes: np.ndarray, forced: np.ndarray, *, channels: int) -> "_Groups":
        """The groups of images with these classes of pixels (n, H, W), some of them forced."""
        n = len(classes)
        images = np.broadcast_to(np.arange(n)[:, None, None], classes.shape)
        (block,) = paired([images], [classes])
        block = np.unique(block, return_inverse=True)[1].reshape(block.shape)
        number = n + block[:, None] * channels + np.arange(channels)[:, None, None]
        of_entry = np.where(forced[:, None], images[:, None], number)
        entries = of_entry.ravel()
        size = int(entries.max()) + 1
        first, image = np.zeros(size, dtype=np.int64), np.arange(size)
        first[entries[::-1]] = np.arange(entries.size)[::-1]
        image[n:] = first[n:] // (entries.size // n)
        return cls(of_entry, image, np.bincount(entries, minlength=size), first)

    def means(self, stack: np.ndarray) -> np.ndarray:
        """Each group's mean, exactly its value where it has only one; 0 of an empty group."""
        start = stack.ravel()[self.first]
        return np.where(self.count, start + self.sums(stack - start[self.of_entry]) / np.maximum(self.count, 1), 0)

    def sums(self, stack: np.ndarray) -> np.ndarray:
        """Each group's sum."""
        return np.bincount(self.of_entry.ravel(), stack.ravel(), minlength=len(self.image))

    def by_image(self, of_groups: np.ndarray) -> np.ndarray:
        """Sums of the groups' numbers over the groups of each image, (n,)."""
        return np.bincount(self.image, of_groups, minlength=len(self.of_entry))


def _forced(
    ours: np.ndarray, theirs: np.ndarray, known: np.ndarray, *, bias: bool, exact: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Which pixels of classes `ours` are answered as pixels of classes `theirs`, answered as `known`; and their values.

    Raises:
        ValueError: pixels of one class are answered differently, where answers are exact.
    """
    channels = known.shape[1]
    pixels = known.transpose(0, 2, 3, 1).reshape(-1, channels)
    first = np.full(1 + max(int(ours.max()), int(theirs.max())), -1)
    first[theirs.ravel()[::-1]] = np.arange(len(pixels))[::-1]
    if not bias:  # nothing but nothing seen: answered with 0
        pixels = np.concatenate([pixels, np.zeros((1, channels))])
        first[NOTHING] = len(pixels) - 1
    unlike = (pixels[: theirs.size] != pixels[first[theirs.ravel()]]).any(axis=1)
    if exact and unlike.any():
        place = int(unlike.argmax())
        like = first[theirs.ravel()[place]]
        here, there = (tuple(map(int, np.unravel_index(i % theirs.size, theirs.shape))) for i in (place, like))
        held = f"{pixels[place].tolist()} and {pixels[like].tolist()}"
        raise ValueError(
            f"x_hat cannot be reproduced at this depth: pixels (example, row, column) {here} and {there} look alike, "
            f"and hold {held}"
            if like < theirs.size
            else f"x_hat cannot be reproduced without biases: pixel (example, row, column) {here} is not black, "
            "but sees only black"
        )
    index = first[ours]
    forced = index >= 0
    values = np.where(forced[..., None], pixels[index], 0.0)
    return forced, np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def _most_copies(ours: np.ndarray, theirs: np.ndarray, forced: np.ndarray) -> np.ndarray:
    """How many pixels of each image, (n,), at most share the answer, and the error, of one pixel learned."""
    known, (n, *_) = np.bincount(theirs.ravel()), ours.shape
    images = np.broadcast_to(np.arange(n)[:, None, None], ours.shape)
    learned = forced & (ours < len(known))
    learned[learned] = known[ours[learned]] > 0  # what sees nothing may be known without being learned
    (pairs, first, copies) = np.unique(
        images[learned] * len(known) + ours[learned], return_index=True, return_counts=True
    )
    found = np.zeros(n)
    np.maximum.at(found, pairs // len(known), copies / known[ours[learned][first]])
    return found


def _bounds(
    target: np.ndarray, forced: np.ndarray, values: np.ndarray, error: np.ndarray, groups: _Groups
) -> tuple[np.ndarray, np.ndarray]:
    """The greatest correlation with targets (n, C, H, W), and the least mean squared difference, (n,) each.

    `error`: how far the forced entries may be from `values`, as a root of a sum of squares, (n,).
    """
    n, entries = len(target), target[0].size
    known = np.broadcast_to(forced[:, None], target.shape)
    # Scaled by powers of two, so that no square leaves float64's range.
    of_target, of_values = (np.frexp(np.abs(stack).max(axis=(1, 2, 3)))[1] for stack in (target, values))
    common = np.maximum(of_target, of_values)
    t, v = _scaled(target, common), _scaled(values, common)
    free = groups.by_image(groups.sums(np.where(known, 0, t - groups.means(t)[groups.of_entry]) ** 2))
    gap = np.sqrt(groups.by_image(groups.sums(np.where(known, v - t, 0) ** 2))) - np.ldexp(error, -common)
    with np.errstate(over="ignore"):  # told when it is rounded to the caller's dtype
        distance = np.ldexp((free + np.maximum(gap, 0) ** 2) / entries, 2 * common)

    t, v, error = _scaled(target, of_target), _scaled(values, of_values), np.ldexp(error, -of_values)
    means = groups.means(t)
    t = t - means[groups.of_entry]
    free, on_known = (groups.by_image(groups.sums(np.where(part, t, 0) ** 2)) for part in (~known, known))
    off = means - means[groups.of_entry[:, 0, 0, 0]][groups.image]  # from some group's: that of a lone one is exactly 0
    off = off - (groups.by_image(groups.count * off) / entries)[groups.image]
    between = groups.by_image(groups.count * off**2)
    total = between + free + on_known
    v = np.where(known, v - groups.means(v)[groups.of_entry], 0)
    varies, along = groups.by_image(groups.sums(v**2)), groups.by_image(groups.sums(np.where(known, t, 0) * v))
    lone = known.reshape(n, -1).all(axis=1)  # one answer only
    slope = np.where((along > 0) | lone, along, 0) / np.where(varies > 0, varies, 1)
    exact = np.sqrt((between + slope**2 * varies) / np.where(total > 0, total, 1))
    exact = np.where(lone & (slope < 0), -exact, exact)

    slope = np.maximum(slope, 0)
    rest = groups.by_image(groups.sums(np.where(known, t - slope[:, None, None, None] * v, 0) ** 2))
    room = np.sqrt(varies) - error
    gain = np.sqrt(on_known) / np.where(room > 0, room, 1) * error
    rest = np.where(room > 0, np.maximum(np.sqrt(rest) - gain, 0), 0)
    nearly = np.sqrt(np.maximum(between + on_known - rest**2, 0) / np.where(total > 0, total, 1))
    return np.clip(np.where(error > 0, nearly, exact), -1, 1), distance


def _scaled(stack: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Images (n, C, H, W) divided by 2^power, (n,)."""
    return np.ldexp(stack, -power[:, None, None, None])
