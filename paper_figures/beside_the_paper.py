"""Sentences of captions that say whether what was measured is what the paper found: chosen by the measured numbers."""

import numpy as np


def finding(what: str, values: np.ndarray, *, rises: bool) -> str:
    """Say that a statement of the paper holds from each row to the next, or how far it does.

    Args:
        what: the statement, as it follows on "As in the paper,".
        values: what should rise or fall from row to row, (rows, seeds); NaN where a network diverged.
        rises: whether it should rise.
    """
    means = np.array([np.mean(row[~np.isnan(row)]) if not np.isnan(row).all() else np.nan for row in values])
    steps = np.diff(means[~np.isnan(means)]) * (1 if rises else -1)
    as_there = int((steps > 0).sum())
    if as_there == len(steps):
        return f"As in the paper, {what}."
    between = f"from {means[0]:.2f} in the first row to {means[-1]:.2f} in the last"
    return f"The paper finds that {what}. Here it is so in {as_there} of {len(steps)} steps from row to row, {between}."


def spread(what: str, values: np.ndarray) -> str:
    """Say between what the rows' means over networks lie."""
    means = [np.mean(row[~np.isnan(row)]) for row in values if not np.isnan(row).all()]
    return f"{what} between {min(means):.2f} and {max(means):.2f}"
