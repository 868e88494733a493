"""Surges: hours in which the rate of arrivals and the demand for services are multiplied."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from odc_gym.constants import HOUR_S
from odc_gym.scenario import RadiationStorm, ScriptedEvent, Surge, Surges
from odc_gym.seeds import random_stream
from odc_gym.workload.jobs import GRID, on_grid

Floats = npt.NDArray[np.float64]

WEEK_S = 7 * 24 * HOUR_S
SURGES = 321  # purpose of a random stream


class Window(NamedTuple):
    """A time in which a rate is multiplied; seconds from the start of the episode."""

    begin_s: float
    end_s: float
    factor: float
    classes: tuple[str, ...] = ()  # that it concerns; all if none is named


def draw_surges(surges: Surges, seed: int, before_s: float, after_s: float) -> tuple[Window, ...]:
    """The surges of an episode: a Poisson process, each with a length and a factor of its own.

    Surges are drawn in order of time, so that a longer episode begins like a shorter one.

    Args:
        surges: rates and ranges.
        seed: the episode.
        before_s: how long before the start of the episode work arrives [s].
        after_s: length of the episode [s].
    """
    if surges.per_week == 0.0:
        return ()
    random = random_stream(seed, SURGES)
    found: list[Window] = []
    at = -before_s - surges.hours.high * HOUR_S
    while True:
        wait, length, height = random.random(3)
        at += float(on_grid(-np.log1p(-wait) * (WEEK_S / surges.per_week)))
        if at >= after_s:
            return tuple(found)
        hours = surges.hours.low + (surges.hours.high - surges.hours.low) * length
        factor = surges.factor.low + (surges.factor.high - surges.factor.low) * height
        found.append(Window(at, at + float(on_grid(hours * HOUR_S)), float(factor), surges.classes))


def scripted(
    events: Sequence[ScriptedEvent], kind: type[Surge] | type[RadiationStorm], epoch: datetime | None
) -> tuple[Window, ...]:
    """The surges, or the storms, of a script.

    Args:
        events: the script.
        kind: `Surge` or `RadiationStorm`.
        epoch: when episodes begin, if it is always the same.
    """
    found = []
    for event in events:
        if isinstance(event, kind):
            begin = event.begin_s(epoch)
            classes = event.classes if isinstance(event, Surge) else ()
            found.append(Window(begin, begin + event.hours * HOUR_S, event.factor, classes))
    return tuple(found)


def factor_over(windows: Sequence[Window], class_name: str, begin_s: Floats, length_s: float) -> Floats:
    """What a rate is multiplied by, mean over each of some intervals.

    Args:
        windows: surges; where several are at once, their factors multiply.
        class_name: the class whose rate it is.
        begin_s: (N,) beginnings of the intervals [s].
        length_s: their length [s].

    Returns:
        (N,) factors; 1 outside all windows.
    """
    factor = np.ones(begin_s.shape)
    for window in windows:
        if not window.classes or class_name in window.classes:
            inside = np.minimum(begin_s + length_s, window.end_s) - np.maximum(begin_s, window.begin_s)
            factor *= 1.0 + (window.factor - 1.0) * np.clip(inside / length_s, 0.0, 1.0)
    return factor


def largest_factor(windows: Sequence[Window], class_name: str) -> float:
    """The largest factor of a class at any time, those between the surges included."""
    begins = np.array([window.begin_s for window in windows])
    return float(np.max(factor_over(windows, class_name, begins, 1.0 / GRID), initial=1.0))
