"""Figures of the page, drawn from its numbers: the bracket of each scenario, and learning curves with bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from answers import CLAIRVOYANT, bracket, entrants
from figure_style import COLOURS, STYLE, legend, save

Numbers = Mapping[str, Any]
MARKS = {
    "bound": {"marker": "|", "color": "#000000", "markersize": 13, "markeredgewidth": 2},
    CLAIRVOYANT: {"marker": "D", "color": "#777777", "markerfacecolor": "white", "markersize": 6},
    "rule": {"marker": "s", "color": COLOURS[4], "markersize": 6},
    "tuned": {"marker": "^", "color": COLOURS[2], "markersize": 7},
    "planner": {"marker": "v", "color": COLOURS[3], "markersize": 7},
    "learned": {"marker": "o", "color": COLOURS[0], "markersize": 7},
}
LABELS = {
    "bound": "certified bound",
    CLAIRVOYANT: "clairvoyant plan (knows the future)",
    "rule": "best rule",
    "planner": "best planner",
    "learned": "best learned",
}


def draw(scenarios: Mapping[str, Numbers], folder: Path) -> list[str]:
    """Draw the figures for which there are numbers, and return the names of their files."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = {name: numbers for name, numbers in scenarios.items() if bracket(numbers)[0]}
    trained = {name: numbers for name, numbers in scenarios.items() if curve(numbers["training"])[0].size}
    drawn = []
    for file, figure, part in (
        ("benchmark-bracket.png", brackets, shown),
        ("benchmark-curves.png", curves, trained),
    ):
        if part:
            with plt.rc_context(STYLE):
                save(figure(part), folder / file)
            drawn.append(file)
    return drawn


def brackets(scenarios: Mapping[str, Numbers]) -> plt.Figure:
    """Draw the mean scores of each scenario in a row: bound, clairvoyant plan, and the best of each kind."""
    figure, axes = plt.subplots(figsize=(8.5, 1.6 + 0.32 * len(scenarios)), layout="constrained")
    for kind, style in MARKS.items():
        axes.plot([], [], linestyle="none", label=LABELS.get(kind, kind), **style)
    for row, numbers in enumerate(scenarios.values()):
        means, chosen = bracket(numbers)[1], entrants(numbers)
        values = {kind: means.get(chosen.get(kind) or kind) for kind in MARKS}
        known = [value for value in values.values() if value is not None]
        axes.plot([min(known), max(known)], [row, row], color="#cccccc", linewidth=1.2, zorder=1)
        for kind, value in values.items():
            if value is not None:
                axes.plot(value, row, linestyle="none", zorder=2, **MARKS[kind])
    axes.set_yticks(np.arange(len(scenarios)), [plain(name) for name in scenarios])
    axes.grid(axis="y", visible=False)
    axes.set(ylim=(len(scenarios) - 0.4, -0.6), xlabel="mean score on the test episodes that all of a row played")
    legend(axes, shared=True, ncols=3)
    figure.suptitle("From the best rule to the bound", fontsize=11)
    return figure


def curves(scenarios: Mapping[str, Numbers]) -> plt.Figure:
    """Draw the validation score over decisions for each scenario: the mean of all runs, and their range as a band."""
    columns = min(3, len(scenarios))
    rows = -(-len(scenarios) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(3.2 * columns + 1.4, 2.6 * rows + 0.5), layout="constrained", squeeze=False
    )
    for axes, (name, numbers) in zip(grid.flat, scenarios.items(), strict=False):
        decisions, lines = curve(numbers["training"])
        axes.fill_between(decisions / 1e3, lines.min(0), lines.max(0), color=COLOURS[0], alpha=0.25, linewidth=0)
        axes.plot(decisions / 1e3, lines.mean(0), color=COLOURS[0])
        runs = f"{len(lines)} run{'' if len(lines) == 1 else 's'}"
        axes.set(title=f"{plain(name)} ({runs})", xlabel="decisions [thousand]", ylabel="mean validation score")
    for axes in list(grid.flat)[len(scenarios) :]:
        axes.remove()
    figure.suptitle("Learning curves: mean of the runs, and their range", fontsize=11)
    return figure


def curve(training: Sequence[Numbers]) -> tuple[np.ndarray, np.ndarray]:
    """Return the decisions (K,) at which all runs were validated, and their scores (R, K)."""
    tables = [dict(map(tuple, run["curve"])) for run in training if run["curve"]]
    shared = sorted(set.intersection(*map(set, tables))) if tables else []
    return np.array(shared), np.array([[table[at] for at in shared] for table in tables])


def plain(name: str) -> str:
    """Return a name that matplotlib does not read as a formula."""
    return name.replace("$", r"\$")
