"""Figures of the page: learning curves, and the value of parts of action and observation."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from study import INSPECTED_RULES, Study

DPI = 110
RUN_COLOURS = ("#1b6ca8", "#d1495b", "#2e8b57", "#8e5ea2", "#c98a1b")
RULE_COLOURS = {"zero": "#777777", "sun-aware": "#e08e0b", "gang-aware": "#222222", "full-clock": "#bbbbbb"}


def draw(study: Study, folder: Path) -> list[Path]:
    """Draw both figures of a study as files."""
    folder.mkdir(parents=True, exist_ok=True)
    name = study.scenario.name
    return [
        curves(study, folder / f"learnability-{name}-curves.png"),
        value_of_parts(study, folder / f"learnability-{name}-worth.png"),
    ]


def curves(study: Study, path: Path) -> Path:
    """Draw the validation score and the critic's explained variance over decisions."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6), layout="constrained")
    scores = [line["mean"] for lines in study.curves.values() for line in lines]
    for (label, lines), colour in zip(study.curves.items(), RUN_COLOURS, strict=False):
        left.plot(
            [line["decisions"] / 1e3 for line in lines], [line["mean"] for line in lines], color=colour, label=label
        )
    for rule, colour in RULE_COLOURS.items():
        mean = float(study.chosen_on.results[rule].score.mean())
        if rule in INSPECTED_RULES:  # full-clock is far below all others and would compress the curves
            left.axhline(mean, color=colour, linestyle="--", linewidth=1, label=f"{rule} {mean:.1f}")
            scores.append(mean)
        else:
            left.plot([], [], color=colour, linestyle="--", linewidth=1, label=f"{rule} {mean:.1f} (not shown)")
    margin = max(0.08 * (max(scores) - min(scores)), 0.1)
    left.set(
        xlabel="thousand decisions", ylabel="mean score, validation", ylim=(min(scores) - margin, max(scores) + margin)
    )
    figure.legend(*left.get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=7)
    for (label, lines), colour in zip(study.learning.items(), RUN_COLOURS, strict=False):
        at = [line["decisions"] / 1e3 for line in lines]
        right.plot(at, [line["explained_variance"] for line in lines], color=colour, label=label)
    right.axhline(0.0, color="#bbbbbb", linewidth=1)
    right.set(xlabel="thousand decisions", ylabel="explained variance of the critic", ylim=(-0.5, 1.0))
    return _save(figure, path, study)


def value_of_parts(study: Study, path: Path) -> Path:
    """Draw the change of the score with a kind of component frozen, or a block of the observation hidden."""
    learned = {label: found for label, found in study.inspections.items() if found.masked}
    shown = {label: found for label, found in study.inspections.items() if label != "zero"}
    blocks = next(iter(learned.values())).masked
    order = sorted(blocks, key=lambda block: -sum(found.masked[block].value for found in learned.values()))
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 0.8 + 0.26 * len(order)), layout="constrained")
    kinds = list(reversed(next(iter(shown.values())).zeroed))
    colours = dict(zip(learned, RUN_COLOURS, strict=False)) | RULE_COLOURS
    _dots(left, kinds, {label: [found.zeroed[kind] for kind in kinds] for label, found in shown.items()}, colours)
    left.set_title("a kind of component frozen at zero", fontsize=10)
    _dots(right, order, {label: [found.masked[block] for block in order] for label, found in learned.items()}, colours)
    right.set_title("a block of the observation at its mean", fontsize=10)
    figure.legend(*left.get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=7)
    return _save(figure, path, study)


def _dots(axes: Axes, rows: list[str], columns: dict[str, list], colours: dict[str, str]) -> None:
    """Draw one row for each part, with one dot and its interval for each scheduler."""
    shift = np.linspace(0.3, -0.3, len(columns)) if len(columns) > 1 else [0.0]
    for (label, estimates), offset in zip(columns.items(), shift, strict=True):
        values = np.array([estimate.value for estimate in estimates])
        ends = np.nan_to_num([[e.value - e.low, e.high - e.value] for e in estimates]).T
        axes.errorbar(
            values, np.arange(len(rows)) + offset, xerr=np.abs(ends), fmt="o", markersize=3.5, linewidth=1.1,
            color=colours[label], label=label,
        )  # fmt: skip
    axes.axvline(0.0, color="#bbbbbb", linewidth=1, zorder=0)
    axes.set_yticks(np.arange(len(rows)), rows, fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlabel("change of the score, 95 % interval", fontsize=9)


def _save(figure: plt.Figure, path: Path, study: Study) -> Path:
    figure.suptitle(study.scenario.name, fontsize=11)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="both", color="#eeeeee", zorder=0)
        axes.set_axisbelow(True)
    figure.savefig(path, dpi=DPI, metadata={"Software": None})  # equal numbers give equal files
    plt.close(figure)
    return path
