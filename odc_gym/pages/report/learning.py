"""Learning curve of a training: its mean score on the validation episodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from odc_gym.pages.report.numbers import WIDTH, Axis, Tick, figure
from odc_gym.pages.report.tables import Cell, Table


class LearningCurve(NamedTuple):
    """Curve of scores over decisions; places are 0 to `numbers.WIDTH`, from the lower left corner for `scores`."""

    path: str  # path of SVG, from the upper left corner
    best: tuple[float, float]  # place of the highest score, from the upper left corner
    decisions: tuple[Tick, ...]
    scores: tuple[Tick, ...]
    summary: str
    table: Table


def learning_curve(points: Sequence[tuple[float, float]]) -> LearningCurve | None:
    """Return the curve; None without points.

    Args:
        points: decisions so far and mean score of each validation, in order of time.
    """
    if not points:
        return None
    across, up = Axis.around([at for at, _ in points], zero=True), Axis.around([score for _, score in points])
    places = [(across.at(at), round(WIDTH - up.at(score), 1)) for at, score in points]
    at, score = max(points, key=lambda point: point[1])
    rows = tuple((Cell(figure(x, 0)), Cell(figure(y, 2), y == score)) for x, y in points)
    return LearningCurve(
        path="M" + "L".join(f"{x} {y}" for x, y in places),
        best=(across.at(at), round(WIDTH - up.at(score), 1)),
        decisions=tuple(
            tick._replace(text=_short(across.low + k * across.step)) for k, tick in enumerate(across.ticks())
        ),
        scores=tuple(up.ticks()),
        summary=f"The dot is the best, {figure(score, 2)} after {figure(at, 0)} decisions, whose policy is compared.",
        table=Table("Validations; bold: the best", ("decisions", "mean score"), rows),
    )


def _short(decisions: float) -> str:
    """Return a number of decisions in few characters: `50`, `200k`, `1.5M`."""
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if decisions >= unit:
            return f"{decisions / unit:.3g}{name}"
    return f"{decisions:.0f}"
