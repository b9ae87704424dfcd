"""Top floor: figures, each with its data beside it."""

from paper_figures.figure_data import FigureData

__all__ = ["FigureData"]
