"""Outages: satellites, their optical links, and ground sites in bad weather, at random or by a script.

Every satellite, link and site has a random stream of its own, as in `odc_gym.faults.faults`.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from odc_gym.constants import HOUR_S, MINUTE_S, YEAR_S
from odc_gym.core.layout.state import IN_SERVICE, LOST, OUT
from odc_gym.first_draws import first_uniforms
from odc_gym.scenario import (
    BadWeather,
    Faults,
    LinkOutage,
    SatelliteEvent,
    SatelliteLoss,
    SatelliteOutage,
    Scenario,
    site_names,
)
from odc_gym.seeds import random_stream

OUTAGES, LOSSES, LINKS, WEATHER = 311, 312, 313, 314  # purposes of random streams
# times are rounded to 1 s over this, so that the last bits of a machine's logarithm do not matter
TIME_GRID_PER_S = 1024.0

Flags = npt.NDArray[np.bool_]


class Availability(NamedTuple):
    """Availability of satellites, links and sites in each physics step of warm-up and episode.

    A satellite or link that is out at the beginning of a step is out for the whole step.
    """

    condition: npt.NDArray[np.uint8]  # (T, S) IN_SERVICE, OUT, or LOST for good
    link_up: Flags  # (T, S) whether the satellite's optical terminals work
    site_up: Flags  # (T, G) whether the ground site works

    @property
    def satellite_up(self) -> Flags:
        """Mask of the satellites in service, (T, S)."""
        return np.asarray(self.condition == IN_SERVICE)

    @property
    def working_masks(self) -> tuple[Flags | None, Flags | None, Flags | None]:
        """Masks of working satellites, links and sites; None for a kind that never fails."""
        up = (self.satellite_up, self.link_up, self.site_up)
        return tuple(None if works.all() else works for works in up)  # type: ignore[return-value]


def draw_availability(scenario: Scenario, seed: int, satellites: int, at_s: np.ndarray) -> Availability:
    """Draw the availability of episode `seed`.

    Args:
        scenario: rates and script.
        seed: seed of the episode.
        satellites: number of satellites S.
        at_s: beginning of each physics step, counted from the start of the episode [s], (T,).
    """
    out, link_down = np.zeros((at_s.size, satellites), np.bool_), np.zeros((at_s.size, satellites), np.bool_)
    lost = out.copy()
    if scenario.faults.enabled:
        _mark_random_outages(scenario.faults, seed, at_s - at_s[0], out, lost, link_down)
    orbits = [shell.orbit for shell in scenario.shells]
    for event in scenario.events:
        if not isinstance(event, SatelliteEvent):
            continue
        begin, affected = event.begin_s(scenario.start.epoch), list(event.affected_satellites(orbits))
        if isinstance(event, SatelliteLoss):
            lost[:, affected] |= (at_s >= begin)[:, None]
        elif isinstance(event, SatelliteOutage | LinkOutage):
            table = out if isinstance(event, SatelliteOutage) else link_down
            table[:, affected] |= within(at_s, begin, event.hours)[:, None]
    condition = np.where(lost, LOST, np.where(out, OUT, IN_SERVICE)).astype(np.uint8)
    return Availability(condition, ~link_down, ~_bad_weather(scenario, seed, at_s))


def _bad_weather(scenario: Scenario, seed: int, at_s: np.ndarray) -> Flags:
    """Return whether each ground site has bad weather, (T, G).

    The weather of a site is independent of the other sites.
    """
    names, weather = site_names(scenario.network.ground), scenario.faults.weather
    bad = np.zeros((at_s.size, len(names)), np.bool_)
    if scenario.faults.enabled:
        mean_s = weather.mean_hours * HOUR_S
        rate = weather.bad_frac / (1.0 - weather.bad_frac) / mean_s
        for g, name in enumerate(names):
            bad[:, g] = draw_outages(
                random_stream(seed, WEATHER, zlib.crc32(name.encode())), rate, mean_s, at_s - at_s[0]
            )
    for event in scenario.events:
        if isinstance(event, BadWeather):
            bad[:, names.index(event.site)] |= within(at_s, event.begin_s(scenario.start.epoch), event.hours)
    return bad


def within(at_s: np.ndarray, begin_s: float, hours: float) -> Flags:
    """Return whether times (T,) [s] lie within some hours after a beginning."""
    return np.asarray((at_s >= begin_s) & (at_s < begin_s + hours * HOUR_S))


def _mark_random_outages(
    faults: Faults, seed: int, since_s: np.ndarray, out: Flags, lost: Flags, link_down: Flags
) -> None:
    """Mark random outages in tables (T, S); `since_s` (T,) is the time since the tables begin."""
    outages, links, losses = faults.outages, faults.links, faults.loss
    for table, purpose, per_year, mean_s in (
        (out, OUTAGES, outages.per_satellite_year, outages.mean_hours * HOUR_S),
        (link_down, LINKS, links.outages_per_link_year, links.mean_minutes * MINUTE_S),
    ):
        rate = per_year / YEAR_S
        for s in np.flatnonzero(_may_fail(seed, purpose, out.shape[1], rate, mean_s, float(since_s[-1]))):
            table[:, s] = draw_outages(random_stream(seed, purpose, int(s)), rate, mean_s, since_s)
    if losses.per_satellite_year > 0.0:
        mean_s = YEAR_S / losses.per_satellite_year
        for s in np.flatnonzero(
            _may_end(first_uniforms(seed, [LOSSES], out.shape[1], 1)[0, :, 0], mean_s, since_s[-1])
        ):
            wait = _exponential(random_stream(seed, LOSSES, int(s)), mean_s)
            lost[:, s] = since_s >= wait


def _may_fail(seed: int, purpose: int, objects: int, rate: float, mean_s: float, last_s: float) -> Flags:
    """Return whether `draw_outages` may find each object down at or before `last_s`, (N,).

    Objects for which this is False start up and stay so.
    """
    if rate == 0.0:
        return np.zeros(objects, np.bool_)
    starts, wait = first_uniforms(seed, [purpose], objects, 2)[0].T
    return np.asarray((starts < rate * mean_s / (1.0 + rate * mean_s)) | _may_end(wait, 1.0 / rate, last_s))


def _may_end(uniform: np.ndarray, mean_s: float, last_s: float) -> Flags:
    """Return whether exponential waits from uniform numbers may end at or before `last_s`, (N,).

    The margins cover the grid of times, and differences in the last bits of logarithms.
    """
    return np.asarray(-np.log1p(-uniform) * mean_s * (1.0 - 1e-9) <= last_s + 1.0)


def draw_outages(random: np.random.Generator, rate: float, mean_s: float, at_s: np.ndarray) -> Flags:
    """Draw outages of something that fails and recovers at random.

    The process is a two-state Markov chain, stationary from the start.

    Args:
        random: random stream of the object.
        rate: rate of failures while it is up [1/s].
        mean_s: mean time to recover [s].
        at_s: times in ascending order [s], (T,).

    Returns:
        (T,) whether it is down.
    """
    if rate == 0.0:
        return np.zeros(at_s.shape, np.bool_)
    starts_down = bool(random.random() < rate * mean_s / (1.0 + rate * mean_s))
    changes, down = [0.0], starts_down
    while changes[-1] <= at_s[-1]:
        changes.append(changes[-1] + _exponential(random, mean_s if down else 1.0 / rate))
        down = not down
    count = np.searchsorted(changes[1:], at_s, "right")
    return np.asarray((count % 2 == 1) != starts_down)


def _exponential(random: np.random.Generator, mean_s: float) -> float:
    return float(np.rint(-np.log1p(-random.random()) * mean_s * TIME_GRID_PER_S) / TIME_GRID_PER_S)
