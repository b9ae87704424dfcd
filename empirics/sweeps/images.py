"""What the networks of a sweep are trained on, and asked about."""

from pathlib import Path

import numpy as np

from empirics.images.by_name import images
from empirics.images.image_set import ImageSet
from empirics.images.published import SOURCES
from empirics.sweeps.spec import Run

ASKED = 18


def chosen(run: Run, data_dir: Path | str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The training images of a run and those it is asked about, each (n, C, H, W) in [0, 1].

    The first training image is that of index `first`; the others follow a tenth of the set later each, which in the
    embedded digits is the next class. Asked about are 18 others, evenly spread over the set, of other classes than
    those trained on where there are classes.

    Args:
        run: what is to be trained.
        data_dir: the folder with the files of published sets, as `images` takes it; without meaning for other sets.

    Raises:
        OSError: the set's files are absent.
        ValueError: the set has too few images.
    """
    published = run.dataset in SOURCES
    size = run.image_size or None
    # Of tens of thousands of images, those that are chosen are resized; patterns are drawn at their size.
    found = images(run.dataset, data_dir=data_dir) if published else images(run.dataset, size=size)
    count = len(found)
    if run.first >= count or run.training_images > count:
        raise ValueError(
            f"{run.dataset} has {count} images: too few for first = {run.first} and "
            f"training_images = {run.training_images}"
        )
    trained = _spread(found, run.first, run.training_images)
    left = np.setdiff1d(np.arange(count), trained)
    if found.labels is not None:
        labels = np.asarray(found.labels)
        others = left[~np.isin(labels[left], labels[trained])]
        left = others if len(others) else left
    if not len(left):
        raise ValueError(f"{run.dataset} has no images left to ask about: all {count} are trained on")
    asked = left[np.linspace(0, len(left) - 1, min(ASKED, len(left))).astype(int)]
    some = [found.take(indices) for indices in (trained, asked)]
    trained_on, asked_about = (few if size is None else few.resize(size) for few in some)
    return trained_on.as_float(), asked_about.as_float()


def _spread(found: ImageSet, first: int, count: int) -> np.ndarray:
    """Indices a tenth of the set apart; after the last tenth, the next indices not yet taken."""
    size = len(found)
    step = max(1, size // 10)
    indices: list[int] = []
    at = first
    while len(indices) < count:
        while at in indices:
            at = (at + 1) % size
        indices.append(at)
        at = (at + step) % size
    return np.array(indices)
