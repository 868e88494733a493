"""Tables of what breaks: when radiation strikes which accelerator, and in what state a fleet is found.

Every satellite has a random stream of its own for each purpose, and each event its own numbers in it. So no satellite's
events depend on the other satellites, no purpose shifts another, and more upsets of the same episode come on top of
fewer of them in the same order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.physics.radiation import Bell, upset_rate
from odc_gym.scenario import Faults

YEAR_S = 365.25 * 86400.0
UPSETS, FAILURES, AGE = 301, 302, 303  # purposes of random streams
EXPOSURE = 2.0**40  # steps of one expected event to which expectations are rounded: their sums are then exact

EVENT = np.dtype([("tick", "i4"), ("satellite", "i4"), ("accelerator", "i4"), ("hard", "i4")])
"""One event: physics step from the start of the warm-up, who is struck, and 1 for a hard failure, 0 for an upset."""
NEVER = np.array((np.iinfo(np.int32).max, 0, 0, 0), EVENT)


class Place(NamedTuple):
    """Where the satellites are: geodetic latitude and east longitude [deg], altitude [m], (T, S) each."""

    latitude_deg: np.ndarray
    longitude_deg: np.ndarray
    altitude_m: np.ndarray


def bell_of(faults: Faults) -> Bell:
    """The anomaly of a scenario."""
    return Bell(**faults.anomaly.model_dump())


def upsets_per_s(faults: Faults, place: Place) -> np.ndarray:
    """Upset rate of one chip [1/s], (T, S)."""
    return upset_rate(*place, faults.upsets_per_chip_year / YEAR_S, faults.altitude_exponent, bell_of(faults))


def draw_events(faults: Faults, seed: int, place: Place, accelerators: np.ndarray, dt_s: float) -> np.ndarray:
    """The events of an episode in order of time, (E,) of EVENT.

    Events strike installed accelerators, whether they live or not: the rates hold for each chip that lives.

    Args:
        faults: rates.
        seed: of the episode.
        place: of the satellites at the start of each step.
        accelerators: installed on each satellite, (S,).
        dt_s: length of a step [s].
    """
    hard = np.full(place.latitude_deg.shape, faults.hard_failures_per_chip_year / YEAR_S)
    parts = []
    for kind, purpose, rate in ((0, UPSETS, upsets_per_s(faults, place)), (1, FAILURES, hard)):
        expected = np.cumsum(np.rint(rate * accelerators * (dt_s * EXPOSURE)) / EXPOSURE, 0)
        for s, count in enumerate(accelerators):
            times, chips = _arrivals(_stream(seed, purpose, s), float(expected[-1, s]))
            part = np.zeros(times.size, EVENT)
            part["tick"], part["satellite"], part["hard"] = np.searchsorted(expected[:, s], times, "right"), s, kind
            part["accelerator"] = chips * count
            parts.append(part)
    events = np.concatenate(parts)
    return np.sort(events, order=("tick", "satellite", "hard"), kind="stable")


def _arrivals(random: np.random.Generator, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Times of a Poisson process of rate 1 before `end`, and a uniform number for each, (N,) both.

    In the time in which one event is expected, a process of any rate is one of rate 1.
    """
    size = 8 + int(end + 6.0 * np.sqrt(end))
    drawn = random.random((size, 2))
    while (times := np.cumsum(-np.log1p(-drawn[:, 0])))[-1] < end:
        drawn = np.concatenate([drawn, random.random((size, 2))])
    before = times < end
    return times[before], drawn[before, 1]


def _stream(seed: int, purpose: int, satellite: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=(purpose, satellite))))
