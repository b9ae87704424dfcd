"""Which figures there are, and what a figure is: settings, data, caption, drawing."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:  # what a figure is drawn with takes long to load, and a list of figures needs none of it
    import numpy as np
    from matplotlib.figure import Figure

    from paper_figures.figure_data import FigureData
    from paper_figures.workbench import Workbench


class FigureModule(Protocol):
    """What the module of a figure offers; its docstring's first line says what the figure shows."""

    __doc__: str | None
    SETTINGS: dict[str, Any]
    """What decides its data beside the scale; stored data with other settings are computed anew."""

    def compute(self, bench: Workbench) -> FigureData:
        """Train and predict what the figure shows."""
        ...

    def caption(self, bench: Workbench, arrays: dict[str, np.ndarray]) -> str:
        """Say what it shows, with the numbers that its arrays hold; its words stand in `paper_figures/captions`."""
        ...

    def draw(self, data: FigureData) -> Figure:
        """Draw it, from stored data or fresh."""
        ...


@dataclass(frozen=True)
class Entry:
    """Where a figure stands.

    Attributes:
        folder: of `paper_figures/figures`: a paper, or "theory".
        numbers: which of that paper's figures it is; none where it is ours.
    """

    folder: str
    numbers: tuple[int, ...] = ()


FIGURES = {
    "theorem1": Entry("theory"),
    "theorem2": Entry("theory"),
    "rank": Entry("theory"),
    "dynamics": Entry("theory"),
    "depth": Entry("theory"),
    "ceiling": Entry("theory"),
    "phase": Entry("theory"),
    "conditions": Entry("theory"),
    "fig01_digit_set": Entry("identity_crisis", (1,)),
    "fig02_fcn_depth": Entry("identity_crisis", (2,)),
    "fig03_cnn_depth": Entry("identity_crisis", (3,)),
    "fig04_correlation": Entry("identity_crisis", (4,)),
    "fig05_layers": Entry("identity_crisis", (5,)),
    "fig06_test_sizes": Entry("identity_crisis", (6, 7)),
    "fig08_training_sizes": Entry("identity_crisis", (8,)),
    "fig09_kernel_sizes": Entry("identity_crisis", (9,)),
    "fig10_channels": Entry("identity_crisis", (10,)),
    "fig15_more_layers": Entry("identity_crisis", (15,)),
    "fig31_initializations": Entry("identity_crisis", (31,)),
    "fig38_several_examples": Entry("identity_crisis", (38, 39)),
    "fig41_residual": Entry("identity_crisis", (41,)),
    "fig42_natural": Entry("identity_crisis", (42,)),
    "optimizers": Entry("identity_crisis"),
    "learning": Entry("closer_look"),
}


def figure_module(name: str) -> FigureModule:
    """The module of a figure, imported when it is asked for."""
    return cast(FigureModule, import_module(f"paper_figures.figures.{FIGURES[name].folder}.{name}"))


def shows(name: str) -> str:
    """What a figure shows, the first line of its module's docstring; read, not imported."""
    source = Path(__file__).with_name("figures") / FIGURES[name].folder / f"{name}.py"
    return (ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "").splitlines()[0]
