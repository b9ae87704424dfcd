"""Captions of figures of answer rows: how networks were trained, and what was measured, from the rows actually run."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

import empirics
from paper_figures.answer_rows import Row
from paper_figures.caption import enumerated, say
from paper_figures.workbench import Workbench

row_phrase, recipe_phrase = partial(say, "answer_rows"), partial(say, "recipe")


def row_caption(
    statement: str,
    bench: Workbench,
    rows: Sequence[Row],
    arrays: dict[str, np.ndarray],
    measured: str | None = None,
) -> str:
    """What the figure shows and what was measured, said from the rows actually run.

    Args:
        statement: what the paper says here, and what the rows are.
        bench: what trained the networks.
        rows: of the figure.
        arrays: as `answer_rows.ask` returns them.
        measured: what the rows' `measured` images are; None for digits of other classes.
    """
    lost = int(np.isnan(arrays["with_input"]).sum())
    first = rows[0].shown[0]
    trained = any(image.shape == first.shape and np.array_equal(image, first) for image in rows[0].trained_on)
    several = max(len(row.trained_on) for row in rows) > 1
    return row_phrase(
        statement=statement,
        trained_by=_trained_by(rows),
        seeds=bench.scale.seeds,
        scale=bench.scale.name,
        sizes=_sizes(rows),
        column=row_phrase("first_column_of_several" if several else "first_column") if trained else "",
        measured=measured or row_phrase("digits"),
        nearest=row_phrase("nearest_of_several" if several else "one"),
        with_input=_each(rows, arrays["with_input"]),
        with_training_image=_each(rows, arrays["with_training_image"]),
        diverged=row_phrase("diverged", count=lost) if lost else "",
    )


def recipe_in_words(recipe: empirics.Recipe) -> str:
    """A recipe in words."""
    shares = enumerated(f"{100 * share:g}" for share in recipe.decay_at) if recipe.decay_at else ""
    return recipe_phrase(
        optimizer=recipe_phrase(recipe.optimizer),
        lr=recipe.lr,
        decay=recipe_phrase("decay", gamma=recipe.gamma, shares=shares) if shares else "",
        momentum=recipe_phrase("momentum", momentum=recipe.momentum) if recipe.optimizer == "sgd" else "",
        steps=recipe.steps,
        until="" if recipe.stop_loss is None else recipe_phrase("until", loss=recipe.stop_loss),
        scheme=in_words(recipe.scheme),
    )


def in_words(scheme: str) -> str:
    """A scheme of initial weights as a sentence names it: "xavier uniform"."""
    return scheme.replace("_", " ")


def _trained_by(rows: Sequence[Row]) -> str:
    """The recipes of the rows: one for all, or each with the labels of its rows."""
    recipes: dict[str, list[str]] = {}
    for row in rows:
        recipes.setdefault(recipe_in_words(row.recipe), []).append(" ".join(row.label.split()))
    if len(recipes) == 1:
        return row_phrase("trained_by", recipes=next(iter(recipes)))
    each = (f"{how} ({', '.join(labels)})" for how, labels in recipes.items())
    return row_phrase("trained_by", recipes="; ".join(each))


def _sizes(rows: Sequence[Row]) -> str:
    """How wide the rows' hidden layers are: channels of convolutional networks, units of the others."""
    found: dict[str, set[int]] = {"channels": set(), "units": set()}
    for row in rows:
        with torch.device("meta"):  # to be looked at, not computed with
            model = row.network()
        if isinstance(model, empirics.CNN):
            found["channels"].add(model.channels)
        else:
            found["units"].add(model.width)
    spans = {unit: sorted({min(sizes), max(sizes)}) for unit, sizes in found.items() if sizes}
    return ", ".join(f"{' to '.join(map(str, span))} {unit}" for unit, span in spans.items())


def _each(rows: Sequence[Row], values: np.ndarray) -> str:
    """Each row's mean over its networks, those left out that diverged."""
    kept = [(row.label, found[~np.isnan(found)]) for row, found in zip(rows, values, strict=True)]
    return ", ".join(f"{np.mean(found):.2f} ({' '.join(label.split())})" for label, found in kept if len(found)) or "—"
