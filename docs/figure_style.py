"""Style of all figures of the pages: colours, legends, and the check that every axis has a name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatter, ScalarFormatter

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Colours that stay apart for colour-blind readers (Okabe and Ito 2008), by decreasing contrast."""
STYLE = {
    "axes.prop_cycle": pyplot.cycler(color=COLOURS),
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "grid.color": "#e6e6e6",
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "font.size": 9,
}
LEAST_TEXT = 8  # points
DPI = 110
OURS, ORACLE = {"linestyle": "-"}, {"linestyle": "none", "marker": "."}


def legend(
    axes: Axes, marks: Mapping[str, Mapping[str, Any]] | None = None, shared: bool = False, **options: Any
) -> None:
    """Add a legend of the labelled lines, then of kinds of marks.

    Args:
        axes: panel with the lines.
        marks: kinds of marks with their style, black by default, such as `{"odc-gym": OURS}`.
        shared: whether the legend stands below all panels and holds for all of them.
        **options: as in `Axes.legend`.
    """
    handles, _ = axes.get_legend_handles_labels()
    handles += [Line2D([], [], label=label, **{"color": "#333333", **style}) for label, style in (marks or {}).items()]
    if shared:
        axes.get_figure().legend(handles=handles, loc="outside lower center", **options)
    else:
        axes.legend(handles=handles, **options)


def save(figure: Figure, path: Path) -> None:
    """Save a figure and close it; equal numbers give equal files.

    Raises:
        ValueError: the figure has no title, an axis has no name, lines of several colours have no legend, or a text is
            too small.
    """
    if not figure.get_suptitle() and not any(axes.get_title() for axes in figure.axes):
        raise ValueError(f"{path.name}: the figure has no title")
    for axes in figure.axes:
        _check(axes, bool(figure.legends))
    figure.savefig(path, dpi=DPI, metadata={"Software": None})
    pyplot.close(figure)


def _check(axes: Axes, shared_legend: bool) -> None:
    """Refuse a panel that readers cannot read without its code."""
    for axis, siblings in ((axes.xaxis, axes.get_shared_x_axes()), (axes.yaxis, axes.get_shared_y_axes())):
        numbers = isinstance(axis.get_major_formatter(), ScalarFormatter | LogFormatter)  # else names at the ticks
        own = len(siblings.get_siblings(axes)) == 1  # else another panel has the name
        if numbers and own and axis.get_ticklabels() and not axis.get_label_text():
            raise ValueError(f"{axes.get_title() or axes}: the {axis.axis_name} axis has no name")
    colours = {to_hex(line.get_color()) for line in axes.get_lines() if len(line.get_xdata()) > 1}
    if len(colours) > 1 and axes.get_legend() is None and not shared_legend:
        raise ValueError(f"{axes.get_title() or axes}: lines of {len(colours)} colours without a legend")
    texts = [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels(), *axes.get_yticklabels()]
    texts += [*axes.texts, *(axes.get_legend().get_texts() if axes.get_legend() else ())]
    small = [text.get_text() for text in texts if text.get_text() and text.get_fontsize() < LEAST_TEXT]
    if small:
        raise ValueError(f"{axes.get_title() or axes}: text below {LEAST_TEXT} points: {small[0]}")
