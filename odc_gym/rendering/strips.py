"""Strips: charge, temperature, power and score over the last day of an episode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from odc_gym.constants import HOUR_S
from odc_gym.rendering.board import Board
from odc_gym.rendering.history import ARRAY, CHARGE, JUNCTION, POWER, SCORE, History
from odc_gym.rendering.snapshot import Snapshot
from odc_gym.rendering.temperature import COLDEST_C, ZERO_C_K
from odc_gym.rendering.theme import ALARM, BAND, FAINT, INK, LINE, MIDDLE, SUN, Colour

X, Y, WIDTH, HEIGHT, GAP = 832.0, 56.0, 432.0, 158.0, 8.0
TITLE, LEFT, RIGHT, FOOT = 32.0, 44.0, 14.0, 22.0
"""Space for the title, the numbers of the axis, the right edge and the hours."""
LONGEST_H = 24.0
"""Hours that a strip shows; it rolls in longer episodes."""
LARGEST_KW_W = 5e6
"""Power of a fleet from which on the axis counts megawatts [W]."""
TICK_HOURS = (0.25, 0.5, 1.0, 2.0, 3.0, 6.0)
TEMPERATURE_STEP_C, SCORE_STEP = 20.0, 20.0
"""Steps by which axes grow, so that they seldom change."""

Numbers = NDArray[np.floating]


class Axes(NamedTuple):
    """Place and axes of one strip."""

    place: int  # from the top
    title: str
    begin: float  # first decision
    end: float  # last decision
    low: float
    high: float
    limit: float | None  # value beyond which is an alarm
    hour: float  # decisions of an hour
    unit: float = 1.0  # of the axis, in units of the history

    @property
    def top(self) -> float:
        """Upper edge of the panel."""
        return Y + self.place * (HEIGHT + GAP)

    def points(self, decisions: Numbers | NDArray[np.intp], values: Numbers | float) -> Numbers:
        """Return positions on the layout, (N, 2); values beyond the axis lie on its end."""
        x = X + LEFT + (decisions - self.begin) / (self.end - self.begin) * (WIDTH - LEFT - RIGHT)
        share = np.clip((np.asarray(values, float) - self.low) / (self.high - self.low), 0.0, 1.0)
        y = self.top + HEIGHT - FOOT - share * (HEIGHT - TITLE - FOOT)
        return np.stack(np.broadcast_arrays(x, y), 1)


def axes_of(snapshot: Snapshot, history: History) -> tuple[Axes, Axes, Axes, Axes]:
    """Return the axes of the strips of charge [%], temperature [deg C], power [kW] and score."""
    begin, end = window(snapshot)
    hour = HOUR_S / snapshot.decision_period_s
    values, design = history.values[history.known(int(np.ceil(begin)))], snapshot.design
    limit_c = float(np.max(design["limit_k"])) - ZERO_C_K
    floor = float(np.max(design["floor_frac"])) * 100.0
    coldest = np.floor(values[:, JUNCTION].min() / TEMPERATURE_STEP_C) * TEMPERATURE_STEP_C
    most_w = max(float(np.sum(design["peak_w"])), float(np.sum(design["array_peak_w"])))
    unit, unit_w = ("MW", 1e6) if most_w > LARGEST_KW_W else ("kW", 1e3)
    low = float(np.floor(min(values[:, SCORE].min() / SCORE_STEP, 0.0)) * SCORE_STEP)
    pace = 100.0 * end / snapshot.decisions
    high = float(np.ceil(max(values[:, SCORE].max(), pace) / SCORE_STEP) * SCORE_STEP)
    return (
        Axes(0, "Charge [%]", begin, end, 0.0, 100.0, floor, hour),
        Axes(1, "Junction [°C]", begin, end, float(min(COLDEST_C, coldest)), limit_c + 10.0, limit_c, hour),
        Axes(2, f"Power [{unit}]", begin, end, 0.0, 1.05 * most_w / unit_w, None, hour, unit_w),
        Axes(3, "Score", begin, end, low, high, None, hour),
    )


def window(snapshot: Snapshot) -> tuple[float, float]:
    """Return the first and the last decision that the strips show."""
    most = min(LONGEST_H * HOUR_S / snapshot.decision_period_s, float(snapshot.decisions))
    end = max(most, float(snapshot.decision))
    return end - most, end


def draw_axes(board: Board, axes: Sequence[Axes]) -> None:
    """Draw what changes seldom: titles, hours, levels and limits."""
    for each in axes:
        board.panel(X, each.top, WIDTH, HEIGHT, each.title)
        hours = (each.end - each.begin) / each.hour
        step = next((h for h in TICK_HOURS if hours / h <= 8), TICK_HOURS[-1])
        first = np.ceil(each.begin / each.hour / step) * step
        for hour in np.arange(first, each.end / each.hour + 1e-6, step).tolist():
            bottom, top = each.points(np.full(2, hour * each.hour), np.array([each.low, each.high])).tolist()
            board.rule((bottom, top), LINE)
            board.text(f"{hour:g} h", bottom[0], bottom[1] + 10, 13, FAINT, "middle")
        for value in levels(each.low, each.high):
            line = each.points(np.array([each.begin, each.end]), value).tolist()
            board.rule(line, LINE)
            board.text(f"{value:g}", X + LEFT - 6, line[0][1], 13, FAINT, "right")


def levels(low: float, high: float) -> list[float]:
    """Return three to six round values of an axis."""
    span = high - low
    power = 10.0 ** np.floor(np.log10(span))
    step = next(f * power for f in (0.2, 0.25, 0.5, 1.0, 2.0) if span / (f * power) <= 5.0)
    return [float(round(value, 9)) for value in np.arange(np.ceil(low / step) * step, high + 1e-9 * span, step)]


def draw_strips(board: Board, axes: tuple[Axes, Axes, Axes, Axes], snapshot: Snapshot, history: History) -> None:
    """Draw the values of an episode on the axes of its strips."""
    known = history.known(int(np.ceil(axes[0].begin)))
    values, now = history.values[known], history.values[snapshot.decision]
    charge, junction, power, score = axes
    for each, columns in ((charge, CHARGE), (junction, JUNCTION)):
        lines = values[:, columns]
        _draw_band(board, each, known, lines[:, 0], lines[:, 4], BAND)
        _draw_band(board, each, known, lines[:, 1], lines[:, 3], MIDDLE)
        board.line(each.points(known, lines[:, 2]), INK)
        assert each.limit is not None
        board.rule(each.points(np.array([each.begin, each.end]), each.limit).tolist(), ALARM)
    keys = (("all", BAND, ""), ("middle half", MIDDLE, ""))
    _draw_keys(board, charge, (*keys, ("median", INK, f"{now[CHARGE][2]:.0f} %"), ("floor", ALARM, "")))
    _draw_keys(board, junction, (*keys, ("median", INK, f"{now[JUNCTION][2]:.0f} °C"), ("limit", ALARM, "")))
    _draw_band(board, power, known, np.zeros(len(known)), values[:, POWER] / power.unit, MIDDLE)
    board.line(power.points(known, values[:, ARRAY] / power.unit), SUN)
    arrays, compute = (_three_digits(value / power.unit) for value in (now[ARRAY], now[POWER]))
    _draw_keys(board, power, (("arrays", SUN, arrays), ("compute", MIDDLE, compute)))
    ends = np.array([score.begin, score.end])
    board.line(score.points(ends, 100.0 * ends / snapshot.decisions), FAINT)
    board.line(score.points(known, values[:, SCORE]), INK, 2)
    pace = 100.0 * snapshot.decision / snapshot.decisions
    _draw_keys(board, score, (("score", INK, f"{now[SCORE]:.1f}"), ("sustainable output", FAINT, f"{pace:.1f}")))
    for each in axes:
        board.rule(each.points(np.full(2, snapshot.decision), np.array([each.low, each.high])).tolist(), FAINT)


def _draw_band(
    board: Board, axes: Axes, decisions: NDArray[np.intp], lower: Numbers, upper: Numbers, colour: Colour
) -> None:
    """Fill the area between two lines."""
    if len(decisions) > 1:
        board.polygon(np.concatenate([axes.points(decisions, lower), axes.points(decisions, upper)[::-1]]), colour)


def _draw_keys(board: Board, axes: Axes, keys: Sequence[tuple[str, Colour, str]]) -> None:
    """Draw names, colours and present values at the right of a title."""
    x, y = X + WIDTH - RIGHT, axes.top + 16
    for name, colour, value in reversed(keys):
        x -= board.text(f"{name} {value}".rstrip(), x, y, 14, FAINT, "right") + 5
        board.rectangle(x - 11, y - 5, 11, 10, colour)
        x -= 23


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100.0 else f"{value:.3g}"
