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
    upsets = upsets_per_s(faults, track) * np.reshape(storm, (-1, 1))
    hard = np.full(track.latitude_deg.shape, faults.hard_failures_per_chip_year / YEAR_S)
    tables = []
    for kind, purpose, rate in ((0, UPSETS, upsets), (1, FAILURES, hard)):
        expected = np.cumsum(np.rint(rate * accelerators * (dt_s * EXPECTATION_GRID)) / EXPECTATION_GRID, 0)
        for s, count in enumerate(accelerators):
            times, chips = _poisson_arrivals(random_stream(seed, purpose, s), float(expected[-1, s]))
            table = np.zeros(times.size, EVENT)
            table["tick"], table["satellite"], table["hard"] = np.searchsorted(expected[:, s], times, "right"), s, kind
            table["accelerator"] = chips * count
            tables.append(table)
    events = np.concatenate(tables)
    return np.sort(events, order=("tick", "satellite", "hard"), kind="stable")


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
    living, factors = np.zeros(len(accelerators)), np.ones((len(accelerators), 2))
    for s, count in enumerate(accelerators):
        alive = (random_stream(seed, DEAD, s).random(int(count)) >= failure_probability).sum()
        living[s] = 0.0 if random_stream(seed, LOST, s).random() < loss_probability else alive
        factors[s] = np.exp(spread * random_stream(seed, SILICON, s).standard_normal(2) - 0.5 * spread**2)
    factors = np.rint(factors * FACTOR_GRID) / FACTOR_GRID
    return Condition(years, living, factors[:, 0], factors[:, 1])


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
