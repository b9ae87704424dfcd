"""The rows of the table of speeds, a file for each kind of work."""

from benchmarks.rows import data_sets, dynamics, infinite_width, limits, predictions, start_up, training
from benchmarks.rows.row import OURS, Row

TOPICS = {
    "limits": limits.rows,
    "data sets": data_sets.rows,
    "predictions": predictions.rows,
    "dynamics": dynamics.rows,
    "infinite width": infinite_width.rows,
    "training": training.rows,
    "start": start_up.rows,
}

__all__ = ["OURS", "TOPICS", "Row"]
