"""When satellites see something to work on: arrivals of jobs whose data lies on the satellite that took it."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np

from odc_gym.orbits import Ephemeris
from odc_gym.scenario import Captures, Target
from odc_gym.workload.jobs import TIME_GRID, Floats
from odc_gym.workload.streams import Purpose


class Captured(NamedTuple):
    """Jobs that satellites find: arrival after the episode's start [s] and satellite, (N,) each."""

    arrival_s: Floats
    satellite: np.ndarray


def capture_rates(captures: Captures, ephemeris: Ephemeris) -> Floats:
    """Rate of captures of each satellite at each step over that above a target of weight 1, (T, S).

    It is the sum of the weights of the targets below the satellite while the Sun stands high enough over them; what a
    satellite sees is the point straight below it, and the Sun's elevation there is taken on a sphere.
    """
    zenith = ephemeris.position_gcrs_m / np.linalg.norm(ephemeris.position_gcrs_m, axis=2, keepdims=True)
    sine = np.einsum("tsi,ti->ts", zenith, ephemeris.sun_direction)
    sunlit = sine >= np.sin(np.radians(captures.sun_elevation_deg))
    weight = np.zeros(sunlit.shape)
    for target in captures.targets.values():
        weight += target.weight * inside_target(target, ephemeris.latitude_deg, ephemeris.longitude_deg)
    return np.asarray(weight * sunlit)


def inside_target(target: Target, latitude_deg: Floats, longitude_deg: Floats) -> np.ndarray:
    """Whether places are inside a target's box, (T, S) bool; longitudes of any turn."""
    (south, north), (west, east) = target.latitude_deg, target.longitude_deg
    inside_longitudes = (longitude_deg - west) % 360.0 <= (east - west) % 360.0
    return np.asarray((latitude_deg >= south) & (latitude_deg <= north) & inside_longitudes)


def draw_captures(name: str, seed: int, jobs_per_s: Floats, step_s: float, before_s: float) -> Captured:
    """Poisson arrivals of one class on each satellite, from streams of its own, which are read in the order of time.

    Args:
        name: of the class.
        seed: of the episode.
        jobs_per_s: rate of each satellite at each step, (T, S) [1/s].
        step_s: length of a step [s].
        before_s: how long before the episode's start the first step begins [s].
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
