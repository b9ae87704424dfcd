"""`python -m theory rank --dataset`: the rank of every image of a data set, each as the single training image."""

from collections import defaultdict
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from files import progress
from numerics import PatchRanks, UndecidedRankError, patch_ranks

AT_ONCE = 256  # images between two movements of the progress bar


def rank_table(images: dict[str, np.ndarray], kernels: list[int], settings: dict[str, Any]) -> tuple[Table, list[str]]:
    """Tabulate ranks, and say how many images suffice for each kernel.

    Args:
        images: by name, (C, H, W), of any sizes.
        kernels: sizes of square kernels.
        settings: of `patch_ranks`.

    Returns:
        A table with a row an image, and a sentence a kernel.

    Raises:
        TypeError: images that do not fit the settings, naming the first.
        ValueError: the same, or a rank that rounding leaves open.
    """
    names = list(images)
    alike = defaultdict(list)  # places of those that can be worked on together
    for place, image in enumerate(images.values()):
        alike[image.shape, image.dtype].append(place)
    parts = [places[i : i + AT_ONCE] for places in alike.values() for i in range(0, len(places), AT_ONCE)]
    rank = np.zeros((len(names), len(kernels)), int)
    columns = np.zeros_like(rank)
    done, whole = 0, len(names) * len(kernels)
    with progress("ranks") as tell:
        for places in parts:
            stack = np.stack([images[names[place]] for place in places])
            for k, kernel in enumerate(kernels):
                found = _ranks([names[place] for place in places], stack, kernel, settings)
                rank[places, k], columns[places, k] = found.rank, found.columns
                done += len(places)
                tell(done / whole, f"{done:,} of {whole:,}")
    full = rank == columns
    counts = zip(kernels, full.sum(axis=0), strict=True)
    told = [f"{k}×{k}: {count:,} of {len(names):,} images teach the identity, each alone" for k, count in counts]
    return _table(names, kernels, rank, columns), told


def _ranks(names: list[str], images: np.ndarray, kernel: int, settings: dict[str, Any]) -> PatchRanks:
    """`patch_ranks`, whose errors name the image."""
    try:
        return patch_ranks(images, kernel, **settings)
    except UndecidedRankError as error:
        raise ValueError(f"{names[error.index[0]]}: {error}") from None
    except (TypeError, ValueError) as error:
        raise type(error)(f"{names[0]}, of shape {images.shape[1:]}: {error}") from None


def _table(names: list[str], kernels: list[int], rank: np.ndarray, columns: np.ndarray) -> Table:
    same = (columns == columns[0]).all()  # images of one number of channels
    heads = [f"{k}×{k}\nof {m}" if same else f"{k}×{k}" for k, m in zip(kernels, columns[0], strict=True)]
    # Without these paddings seven kernels fit a terminal of 80 columns.
    table = Table("image", *heads, "suffices for", collapse_padding=True, pad_edge=False)
    for name, found, most in zip(names, rank, columns, strict=True):
        cells = [str(r) if same else f"{r} of {m}" for r, m in zip(found, most, strict=True)]
        enough = [str(k) for k, r, m in zip(kernels, found, most, strict=True) if r == m]
        table.add_row(Text(name), *cells, "all" if len(enough) == len(kernels) else ", ".join(enough) or "none")
    return table
