"""Surges: windows of time in which arrival rates and the demand of services are multiplied."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from odc_gym.constants import HOUR_S
from odc_gym.scenario import RadiationStorm, ScriptedEvent, Surge, Surges
from odc_gym.seeds import random_stream
from odc_gym.workload.jobs import TIME_GRID, round_to_grid

Floats = npt.NDArray[np.float64]

WEEK_S = 7 * 24 * HOUR_S
SURGES_PURPOSE = 321  # purpose of a random stream


class RateWindow(NamedTuple):
    """Window of time in which a rate is multiplied.

    Attributes:
        begin_s: begin from the start of the episode [s].
        end_s: end from the start of the episode [s].
        factor: factor on the rate.
        classes: affected classes; empty for all.
    """

    begin_s: float
    end_s: float
    factor: float
    classes: tuple[str, ...] = ()


def draw_surges(surges: Surges, seed: int, before_s: float, after_s: float) -> tuple[RateWindow, ...]:
    """Draw the surges of an episode: a Poisson process in which each surge has its own length and factor.

    Surges are drawn in order of time, so that a longer episode begins with the surges of a shorter one.

    Args:
        surges: rates and ranges.
        seed: seed of the episode.
        before_s: length of the history before the start of the episode [s].
        after_s: length of the episode [s].
    """
    if surges.per_week == 0.0:
        return ()
    random = random_stream(seed, SURGES_PURPOSE)
    found: list[RateWindow] = []
    begin_s = -before_s - surges.hours.high * HOUR_S
    while True:
        wait, length_draw, factor_draw = random.random(3)
        begin_s += float(round_to_grid(-np.log1p(-wait) * (WEEK_S / surges.per_week)))
        if begin_s >= after_s:
            return tuple(found)
        hours = surges.hours.low + (surges.hours.high - surges.hours.low) * length_draw
        factor = surges.factor.low + (surges.factor.high - surges.factor.low) * factor_draw
        found.append(RateWindow(begin_s, begin_s + float(round_to_grid(hours * HOUR_S)), float(factor), surges.classes))


def scripted_windows(
    events: Sequence[ScriptedEvent], event_type: type[Surge] | type[RadiationStorm], epoch: datetime | None
) -> tuple[RateWindow, ...]:
    """Return the windows of the scripted surges, or of the scripted storms.

    Args:
        events: scripted events of the scenario.
        event_type: `Surge` or `RadiationStorm`.
        epoch: fixed start of all episodes; None if the start varies.
    """
    found = []
    for event in events:
        if isinstance(event, event_type):
            begin = event.begin_s(epoch)
            classes = event.classes if isinstance(event, Surge) else ()
            found.append(RateWindow(begin, begin + event.hours * HOUR_S, event.factor, classes))
    return tuple(found)


def mean_rate_factor(windows: Sequence[RateWindow], class_name: str, begin_s: Floats, length_s: float) -> Floats:
    """Return the mean factor on a rate in each of several intervals.

    Args:
        windows: surges; the factors of overlapping surges multiply.
        class_name: class of the rate.
        begin_s: (N,) begins of the intervals [s].
        length_s: length of an interval [s].

    Returns:
        (N,) factors; 1 outside all windows.
    """
    factor = np.ones(begin_s.shape)
    for window in windows:
        if not window.classes or class_name in window.classes:
            inside = np.minimum(begin_s + length_s, window.end_s) - np.maximum(begin_s, window.begin_s)
            factor *= 1.0 + (window.factor - 1.0) * np.clip(inside / length_s, 0.0, 1.0)
    return factor


def max_rate_factor(windows: Sequence[RateWindow], class_name: str) -> float:
    """Return the largest factor on a class's rate at any time; it is at least 1."""
    begins = np.array([window.begin_s for window in windows])
    return float(np.max(mean_rate_factor(windows, class_name, begins, 1.0 / TIME_GRID), initial=1.0))
