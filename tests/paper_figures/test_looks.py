"""Each figure, drawn from its stored data, as an editor of a journal would look at it."""

from functools import cache
from itertools import combinations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from paper_figures.catalogue import FIGURES, figure_module
from paper_figures.panels import ONE_COLUMN, TWO_COLUMNS, house_style
from tests.paper_figures.test_stored_figures import stored

SMALLEST = 6  # points: what journals ask for
TALLEST = 9  # inches: a page's text


@cache
def drawn(name: str) -> Figure:
    figure = figure_module(name).draw(stored(name))
    with house_style():
        FigureCanvasAgg(figure).draw()
    return figure


def texts(figure: Figure) -> list[Text]:
    """What is written on a figure, and seen."""
    hidden = {
        text
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        for text in (tick.label1, tick.label2)
        if not axes.axison or not _within(axes, axis, tick)
    }
    return [
        text
        for text in figure.findobj(Text)
        if text.get_text().strip() and text.get_visible() and text not in hidden and text.axes in (None, *figure.axes)
        and (text.axes is None or text.axes.axison)
    ]  # fmt: skip


def _within(axes: Axes, axis, tick) -> bool:
    low, high = sorted(axis.get_view_interval())
    return tick.label1.get_visible() and low <= tick.get_loc() <= high


@pytest.mark.parametrize("name", FIGURES)
def test_fits_a_column_or_two(name):
    width, height = drawn(name).get_size_inches()
    assert width in (ONE_COLUMN, TWO_COLUMNS)
    assert height <= TALLEST


def test_some_figure_fits_one_column():
    assert any(drawn(name).get_size_inches()[0] == ONE_COLUMN for name in FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_text_is_legible_whole_and_apart(name):
    figure = drawn(name)
    boxes = []
    for text in texts(figure):
        assert text.get_fontsize() >= SMALLEST, text
        box = text.get_window_extent()
        assert box.x0 >= figure.bbox.x0 - 1, text  # a pixel: boxes are wider than glyphs
        assert box.y0 >= figure.bbox.y0 - 1, text
        assert box.x1 <= figure.bbox.x1 + 1, text
        assert box.y1 <= figure.bbox.y1 + 1, text
        boxes.append((text, box))
    for (one, first), (other, second) in combinations(boxes, 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        down = min(first.y1, second.y1) - max(first.y0, second.y0)
        # Boxes hold room for ascenders and descenders: a tenth of the smaller one's height may be shared.
        assert across <= 0 or down <= 0.1 * min(first.height, second.height), (one, other)


def _place(axes: Axes) -> tuple:
    """The grid and the row that axes are in."""
    spec = axes.get_subplotspec()
    return (axes,) if spec is None else (id(spec.get_gridspec()), spec.rowspan)


@pytest.mark.parametrize("name", FIGURES)
def test_every_axis_with_numbers_has_a_name(name):
    figure = drawn(name)
    for axes in figure.axes:
        if not axes.axison or axes.get_label() == "<colorbar>":
            continue
        for which in ("x", "y"):
            axis = getattr(axes, f"{which}axis")
            if not any(_within(axes, axis, tick) and tick.label1.get_text() for tick in axis.get_major_ticks()):
                continue
            row = [other for other in figure.axes if _place(other) == _place(axes)]  # one name serves a row of panels
            assert any(getattr(other, f"get_{which}label")() for other in row), (axes, which)


@pytest.mark.parametrize("name", FIGURES)
def test_curves_are_told_apart_without_colour(name):
    """By marker, by line, or by a difference in lightness that survives a grey printer."""
    for axes in drawn(name).axes:
        lines = {line.get_label(): line for line in axes.get_lines() if not line.get_label().startswith("_")}
        for one, other in combinations(lines.values(), 2):
            alike = one.get_marker() == other.get_marker() and one.get_linestyle() == other.get_linestyle()
            if alike and one.get_linestyle() == "--":
                alike = one._dash_pattern == other._dash_pattern
            assert not alike or abs(_lightness(one) - _lightness(other)) > 0.25, (one, other)


def _lightness(line: Line2D) -> float:
    """From 0, black, to 1, on white paper."""
    opacity = 1 if line.get_alpha() is None else line.get_alpha()
    return 1 - opacity * (1 - np.dot(to_rgb(line.get_color()), (0.299, 0.587, 0.114)))
