"""Sentences of captions that say whether what was measured is what the paper found: chosen by the measured numbers."""

import numpy as np

from paper_figures.caption import say


def finding(what: str, values: np.ndarray, *, rises: bool) -> str:
    """Say that a statement of the paper holds from each row to the next, or how far it does.

    Args:
        what: the statement, as it follows on "As in the paper,".
        values: what should rise or fall from row to row, (rows, seeds); NaN where a network diverged.
        rises: whether it should rise.
    """
    means = [np.mean(row[~np.isnan(row)]) for row in values if not np.isnan(row).all()]
    if len(means) < 2:
        return say("beside_the_paper", "undecided", what=what)
    steps = np.diff(means) * (1 if rises else -1)
    found = int((steps > 0).sum())
    if found == len(steps):
        return say("beside_the_paper", "as_there", what=what)
    ends = {"first": means[0], "last": means[-1]}
    return say("beside_the_paper", "not_as_there", what=what, found=found, steps=len(steps), **ends)


def spread(what: str, values: np.ndarray) -> str:
    """Say between which numbers the rows' means over networks lie."""
    means = [np.mean(row[~np.isnan(row)]) for row in values if not np.isnan(row).all()]
    return say("beside_the_paper", "spread", what=what, least=min(means), greatest=max(means))
