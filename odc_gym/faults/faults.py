"""Upsets and failures: when radiation strikes which accelerator, and the initial condition of a fleet.

Every satellite has a random stream of its own for each purpose, and each event has its own numbers in the stream. The
events of a satellite are therefore independent of other satellites, and purposes do not shift each other. A higher rate
keeps the events of a lower rate in their order and adds further ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.constants import DAY_S, YEAR_S
from odc_gym.core.layout.records import EVENT
from odc_gym.first_draws import first_uniforms
from odc_gym.physics.radiation import Bell, in_anomaly, upset_rate
from odc_gym.scenario import Faults
from odc_gym.seeds import random_stream

UPSETS, FAILURES, DEAD, LOST, SILICON = 301, 302, 303, 304, 305  # purposes of random streams
FACTOR_GRID = 2.0**30  # factors are rounded to 1 over this, so that the last bits of elementary functions do not matter
EXPECTATION_GRID = 2.0**40  # expected numbers of events are rounded to 1 over this, so that their sums are exact

NO_EVENT = np.array((np.iinfo(np.int32).max, 0, 0, 0), EVENT)


class GroundTrack(NamedTuple):
    """Positions of satellites: geodetic latitude and east longitude [deg], and altitude [m], (T, S) each."""

    latitude_deg: np.ndarray
    longitude_deg: np.ndarray
    altitude_m: np.ndarray


class Condition(NamedTuple):
    """Initial condition of an episode's satellites: age of the mission [years], and (S,) values each."""

    years: float
    living: np.ndarray  # number of working accelerators
    dynamic_power: np.ndarray  # dynamic power over that of the hardware at equal speed
    leakage: np.ndarray  # leakage over that of the hardware


def anomaly_bell(faults: Faults) -> Bell:
    """Return the South Atlantic Anomaly of a scenario."""
    return Bell(**faults.anomaly.model_dump())


def upsets_per_s(faults: Faults, track: GroundTrack) -> np.ndarray:
    """Return the upset rate of one chip [1/s], (T, S)."""
    return upset_rate(*track, faults.upsets_per_chip_year / YEAR_S, faults.altitude_exponent, anomaly_bell(faults))


def expected_upsets(faults: Faults, track: GroundTrack, accelerators: np.ndarray) -> tuple[float, float]:
    """Return the mean upsets a day of a fleet along `track`, and the share of them inside the anomaly."""
    rate = upsets_per_s(faults, track) * accelerators
    within = in_anomaly(track.latitude_deg, track.longitude_deg, anomaly_bell(faults))
    return float(rate.mean(0).sum()) * DAY_S, float((rate * within).sum() / max(rate.sum(), 1e-300))


def draw_events(
    faults: Faults,
    seed: int,
    track: GroundTrack,
    accelerators: np.ndarray,
    dt_s: float,
    storm: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Draw the events of an episode in order of time, (E,) of EVENT.

    Events strike installed accelerators, whether they work or not. The rates thus hold for each working chip.

    Args:
        faults: rates.
        seed: seed of the episode.
        track: positions of the satellites at the start of each step.
        accelerators: number of accelerators installed on each satellite, (S,).
        dt_s: length of a step [s].
        storm: factor of storms on the rate of upsets in each step, (T,).
    """
    steps, satellites = track.latitude_deg.shape
    upsets = upsets_per_s(faults, track) * np.reshape(storm, (-1, 1))
    hard = np.full((1, satellites), faults.hard_failures_per_chip_year / YEAR_S)
    tables, first = [np.zeros(0, EVENT)], first_uniforms(seed, (UPSETS, FAILURES), satellites, 1)[..., 0]
    for kind, purpose, rate in ((0, UPSETS, upsets), (1, FAILURES, hard)):
        per_step = np.rint(rate * accelerators * (dt_s * EXPECTATION_GRID)) / EXPECTATION_GRID
        total = per_step.sum(0) * (steps // len(per_step))
        for s in np.flatnonzero(_may_be_struck(first[kind], total)):
            expected = np.cumsum(np.broadcast_to(per_step[:, s], steps))
            times, chips = _poisson_arrivals(random_stream(seed, purpose, int(s)), float(expected[-1]))
            table = np.zeros(times.size, EVENT)
            table["tick"], table["satellite"], table["hard"] = np.searchsorted(expected, times, "right"), s, kind
            table["accelerator"] = chips * accelerators[s]
            tables.append(table)
    events = np.concatenate(tables)
    return events[np.lexsort(tuple(events[key] for key in ("accelerator", "hard", "satellite", "tick")))]


def draw_condition(faults: Faults, seed: int, accelerators: np.ndarray) -> Condition | None:
    """Draw the initial condition of an episode's satellites; return None if they are new and alike.

    Accelerators that are dead at one age are dead at any higher age. The spread of power is lognormal with mean 1. It
    is drawn anew in each episode, so that no agent can learn which satellite uses less power.

    Args:
        faults: rates, age and spread.
        seed: seed of the episode.
        accelerators: number of accelerators installed on each satellite, (S,).
    """
    years, spread = faults.mission_age_years, np.array([faults.dynamic_power_sigma, faults.leakage_sigma])
    if not faults.enabled or (years == 0.0 and not spread.any()):
        return None
    failure_probability = -np.expm1(-faults.hard_failures_per_chip_year * years)
    loss_probability = -np.expm1(-faults.satellite_loss_per_year * years)
    number, most = len(accelerators), int(accelerators.max())
    alive = first_uniforms(seed, [DEAD], number, most)[0] >= failure_probability
    alive &= np.arange(most) < accelerators[:, None]
    lost = first_uniforms(seed, [LOST], number, 1)[0, :, 0] < loss_probability
    living, factors = np.where(lost, 0.0, alive.sum(1)), np.ones((number, 2))
    if spread.any():
        for s in range(number):
            factors[s] = np.exp(spread * random_stream(seed, SILICON, s).standard_normal(2) - 0.5 * spread**2)
    factors = np.rint(factors * FACTOR_GRID) / FACTOR_GRID
    return Condition(years, living, factors[:, 0], factors[:, 1])


def _may_be_struck(uniform: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return whether the first event of each satellite may come before `total` expected events, (S,).

    Satellites for which this is False have no events. The margin covers differences in the last bits of logarithms.
    `uniform` holds the first number of each satellite's stream, (S,).
    """
    return np.asarray(-np.log1p(-uniform) * (1.0 - 1e-9) <= total)


def _poisson_arrivals(random: np.random.Generator, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw the times of a Poisson process of rate 1 before `end`, and a uniform number for each, (N,) both.

    A process of any rate becomes one of rate 1 when time is measured in expected events.
    """
    size = 8 + int(end + 6.0 * np.sqrt(end))
    drawn = random.random((size, 2))
    while (times := np.cumsum(-np.log1p(-drawn[:, 0])))[-1] < end:
        drawn = np.concatenate([drawn, random.random((size, 2))])
    before = times < end
    return times[before], drawn[before, 1]
