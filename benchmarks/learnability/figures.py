"""Figures of the page, drawn from its numbers: learning curves, and the value of parts of action and observation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from figure_style import COLOURS, STYLE, legend, save
from matplotlib.axes import Axes

RULE_STYLES = {
    "zero": {"color": "#777777", "linestyle": "--"},
    "sun-aware": {"color": COLOURS[4], "linestyle": "--"},
    "gang-aware": {"color": "#000000", "linestyle": "--"},
    "full-clock": {"color": "#999999", "linestyle": ":"},
}
RUN_COLOURS = (*COLOURS[:4], COLOURS[5])
Numbers = Mapping[str, Any]


def draw(name: str, numbers: Numbers, folder: Path) -> list[Path]:
    """Draw both figures of a scenario as files, from its part of learnability.json."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for figure_name, figure in (("curves", curves), ("worth", value_of_parts)):
        drawn.append(folder / f"learnability-{name}-{figure_name}.png")
        with plt.rc_context(STYLE):
            save(figure(name, numbers), drawn[-1])
    return drawn


def curves(name: str, numbers: Numbers) -> plt.Figure:
    """Draw the validation score and the critic's explained variance over decisions."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.0), layout="constrained")
    scores = [line["mean"] for lines in numbers["curves"].values() for line in lines]
    for (label, lines), colour in zip(numbers["curves"].items(), RUN_COLOURS, strict=False):
        left.plot(
            [line["decisions"] / 1e3 for line in lines], [line["mean"] for line in lines], color=colour, label=label
        )
    for rule, style in RULE_STYLES.items():
        mean = float(np.mean(numbers["chosen_on"][rule]))
        if rule in numbers["inspection"]:  # full-clock is far below all others and would compress the curves
            left.axhline(mean, **style, linewidth=1.2, label=f"{rule} {mean:.1f}")
            scores.append(mean)
        else:
            left.plot([], [], **style, label=f"{rule} {mean:.1f} (not shown)")
    margin = max(0.08 * (max(scores) - min(scores)), 0.1)
    left.set(
        xlabel="decisions [thousand]", ylabel="mean score on validation", title="Score",
        ylim=(min(scores) - margin, max(scores) + margin),
    )  # fmt: skip
    for (label, lines), colour in zip(numbers["learning"].items(), RUN_COLOURS, strict=False):
        at = [line["decisions"] / 1e3 for line in lines]
        right.plot(at, [line["explained_variance"] for line in lines], color=colour, label=label, linewidth=1.0)
    right.axhline(0.0, color="#999999", linewidth=1)
    right.set(xlabel="decisions [thousand]", ylabel="explained variance (1: all)", title="Critic")
    right.set_ylim(bottom=max(right.get_ylim()[0], -0.5))  # an untrained critic may be far below 0
    legend(left, shared=True, ncols=4)
    figure.suptitle(f"{name}: learning curves", fontsize=11)
    return figure


def value_of_parts(name: str, numbers: Numbers) -> plt.Figure:
    """Draw the change of the score with a kind of component frozen, or a block of the observation hidden."""
    shown = {label: found for label, found in numbers["inspection"].items() if label != "zero"}
    learned = {label: found for label, found in shown.items() if found["blind"]}
    blocks = next(iter(learned.values()))["blind"]
    order = sorted(blocks, key=lambda block: sum(found["blind"][block]["mean"] for found in learned.values()))
    kinds = list(next(iter(shown.values()))["frozen"])
    colours = {rule: style["color"] for rule, style in RULE_STYLES.items()}
    colours |= dict(zip(learned, RUN_COLOURS, strict=False))
    heights = [len(rows) * len(columns) + len(rows) for rows, columns in ((kinds, shown), (order, learned))]
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(8.5, 1.9 + 0.11 * sum(heights)), layout="constrained", height_ratios=heights
    )
    labels = [kind.replace("_", " ") for kind in kinds]
    _intervals(top, labels, {label: [found["frozen"][k] for k in kinds] for label, found in shown.items()}, colours)
    top.set_title("Action: one kind of component held at zero")
    _intervals(bottom, order, {label: [found["blind"][b] for b in order] for label, found in learned.items()}, colours)
    bottom.set_title("Observation: one block held at its mean")
    legend(top, shared=True, ncols=5)
    figure.suptitle(f"{name}: change of the score without a part (filled: the 95 % interval excludes 0)", fontsize=11)
    return figure


def _intervals(
    axes: Axes, rows: Sequence[str], columns: Mapping[str, Sequence[Numbers]], colours: Mapping[str, str]
) -> None:
    """Draw a band for each part, with one mean and its interval for each scheduler; the first part is on top."""
    shift = np.linspace(-0.32, 0.32, len(columns)) if len(columns) > 1 else [0.0]
    for (label, estimates), offset in zip(columns.items(), shift, strict=True):
        axes.plot([], [], color=colours[label], linewidth=2.4, label=label)  # the same width for all in the legend
        for row, estimate in enumerate(estimates):
            low, high = estimate["ci95"] or (estimate["mean"], estimate["mean"])
            colour, resolved = colours[label], low > 0.0 or high < 0.0
            axes.plot([low, high], [row + offset] * 2, color=colour, linewidth=2.4 if resolved else 1.3)
            face = colour if resolved else "white"
            axes.plot(estimate["mean"], row + offset, "o", color=colour, markersize=5, markerfacecolor=face)
    for row in range(0, len(rows), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#f3f3f3", zorder=0)
    axes.axvline(0.0, color="#555555", linewidth=1)
    axes.set_yticks(np.arange(len(rows)), rows)
    axes.grid(axis="y", visible=False)
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlabel="change of the score [points]")
