"""Learning curves of a run: its tables as numbers, and as a picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from odc_gym.evaluation.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Columns = Mapping[str, NDArray[np.float64]]

PICTURE = "curves.png"
_WINDOW = 64  # training episodes of the moving mean
_COLOUR, _PALE = "#1b6ca8", "#9cc3de"
_DPI = 110


def read_columns(path: Path) -> Columns:
    """Return the columns of a CSV file by name; an empty mapping if the file does not exist or has no rows.

    Lines that begin with `#` are comments.
    """
    if not path.is_file():
        return {}
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]} if rows else {}


def validation_scores(run: Path) -> list[tuple[float, float]]:
    """Return decisions so far and mean score of each validation of a run's folder."""
    columns = read_columns(run / "evaluations.csv")
    return list(zip(columns["decisions"].tolist(), columns["mean"].tolist(), strict=True)) if columns else []


def draw_curves(run: Path) -> bool:
    """Draw the learning curves of a run's folder as `curves.png`.

    Returns:
        False if matplotlib is not installed, so that there is no picture.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        return False
    figure = Figure(figsize=(10.0, 6.4), layout="constrained")
    axes = figure.subplots(2, 2)
    _validation(axes[0, 0], read_columns(run / "evaluations.csv"))
    _training(axes[0, 1], read_columns(run / "monitor.csv"))
    learning = read_columns(run / "learning.csv")
    axes[1, 0].set(title="critic", ylabel="explained variance")
    _updates(axes[1, 0], learning, {"explained_variance": "at each update"})
    axes[1, 1].set(title="updates of the policy", ylabel="share, nats")
    _updates(axes[1, 1], learning, {"clip_fraction": "clip fraction", "approx_kl": "approximate KL"})
    for one in axes.flat:
        one.grid(color="#e5e5e5", linewidth=0.6)
        one.spines[["top", "right"]].set_visible(False)
        if one.get_legend_handles_labels()[1]:
            one.legend(fontsize=8, frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=_DPI)
    write_bytes(run / PICTURE, picture.getvalue())
    return True


def _validation(axes: Axes, columns: Columns) -> None:
    axes.set(title="validation episodes", xlabel="thousand decisions", ylabel="score")
    if not columns:
        return
    at, mean = columns["decisions"] / 1e3, columns["mean"]
    axes.plot(at, mean, color=_COLOUR, marker=".", label="mean")
    axes.plot(at, columns["worst"], color=_PALE, label="worst episode")
    axes.axhline(mean[0], color="#777777", linestyle="--", linewidth=1, label=f"start {mean[0]:.2f}")
    best = int(mean.argmax())
    axes.plot(at[best], mean[best], "*", color="#d1495b", markersize=11, label=f"best {mean[best]:.2f}")


def _training(axes: Axes, columns: Columns) -> None:
    axes.set(title="training episodes, with exploration", xlabel="thousand decisions", ylabel="score")
    if not columns:
        return
    at, scores = np.cumsum(columns["l"]) / 1e3, columns["r"]
    axes.plot(at, scores, ".", color=_PALE, markersize=2, label="episode")
    window = min(_WINDOW, len(scores))
    smooth = np.convolve(scores, np.full(window, 1.0 / window), "valid")
    axes.plot(at[window - 1 :], smooth, color=_COLOUR, label=f"mean of {window} episodes")


def _updates(axes: Axes, columns: Columns, shown: Mapping[str, str]) -> None:
    axes.set_xlabel("thousand decisions")
    for (name, label), colour in zip(shown.items(), (_COLOUR, "#d1495b"), strict=False):
        if name in columns:
            axes.plot(columns["decisions"] / 1e3, columns[name], color=colour, label=label)
