"""Captures: arrivals of jobs whose data was taken by a satellite and lies on it."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np

from odc_gym.orbits import Ephemeris
from odc_gym.scenario import Captures, Target
from odc_gym.workload.jobs import TIME_GRID, Floats
from odc_gym.workload.streams import Purpose


class Captured(NamedTuple):
    """Jobs captured by satellites.

    Attributes:
        arrival_s: (N,) arrivals from the start of the episode [s].
        satellite: (N,) satellite of each job.
    """

    arrival_s: Floats
    satellite: np.ndarray


def capture_rates(captures: Captures, ephemeris: Ephemeris) -> Floats:
    """Return the capture rate of each satellite at each step, relative to the rate above a target of weight 1, (T, S).

    It is the sum of the weights of the targets at the subsatellite point, while the Sun is high enough there. The Sun's
    elevation is computed on a sphere.
    """
    zenith = ephemeris.position_gcrs_m / np.linalg.norm(ephemeris.position_gcrs_m, axis=2, keepdims=True)
    sine = np.einsum("tsi,ti->ts", zenith, ephemeris.sun_direction)
    sunlit = sine >= np.sin(np.radians(captures.sun_elevation_deg))
    weight = np.zeros(sunlit.shape)
    for target in captures.targets.values():
        weight += target.weight * inside_target(target, ephemeris.latitude_deg, ephemeris.longitude_deg)
    return np.asarray(weight * sunlit)


def inside_target(target: Target, latitude_deg: Floats, longitude_deg: Floats) -> np.ndarray:
    """Return whether places lie inside a target's box, (T, S) bool; longitudes may have any number of turns."""
    (south, north), (west, east) = target.latitude_deg, target.longitude_deg
    width = min(east - west, 360.0) if east > west else (east - west) % 360.0  # 360: a band around the Earth
    inside_longitudes = (longitude_deg - west) % 360.0 <= width
    return np.asarray((latitude_deg >= south) & (latitude_deg <= north) & inside_longitudes)


def draw_captures(name: str, seed: int, jobs_per_s: Floats, step_s: float, before_s: float) -> Captured:
    """Draw Poisson arrivals of one class on each satellite.

    Each satellite has its own random streams, which are read in order of time.

    Args:
        name: name of the class.
        seed: seed of the episode.
        jobs_per_s: rate of each satellite at each step, (T, S) [1/s].
        step_s: length of a step [s].
        before_s: time from the begin of the first step to the start of the episode [s].
    """
    arrivals, satellites = [], []
    for s in range(jobs_per_s.shape[1]):
        key = (int(Purpose.CAPTURES), zlib.crc32(name.encode()), s)
        counts, places = (
            np.random.Generator(np.random.PCG64(seeds))
            for seeds in np.random.SeedSequence(entropy=seed, spawn_key=key).spawn(2)
        )
        jobs = counts.poisson(np.rint(jobs_per_s[:, s] * step_s * TIME_GRID) / TIME_GRID)
        place = np.floor(places.random(int(jobs.sum())) * (step_s * TIME_GRID)) / TIME_GRID
        arrivals.append(np.repeat(step_s * np.arange(jobs.size) - before_s, jobs) + place)
        satellites.append(np.full(place.size, s, np.int32))
    return Captured(np.concatenate(arrivals), np.concatenate(satellites))
