"""Sightings: which ground sites see which satellites, as lists of the few pairs that see each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from odc_gym.orbits.frames import Array
from odc_gym.orbits.kernels import list_candidates

SINE_MARGIN = 1e-9  # by which candidates may lie below the least elevation: their sine is squared


class Sightings(NamedTuple):
    """N sightings over T steps, sorted by step, satellite and site.

    A table of all satellites and sites would be 99 % empty.
    """

    begin: np.ndarray  # (T + 1,) first sighting of each step, and N
    satellite: np.ndarray  # (N,)
    site: np.ndarray  # (N,)
    elevation_deg: Array  # (N,) elevation of the satellite at the site [deg]
    range_m: Array  # (N,) distance [m]
    satellites: int  # number of satellites S

    def working(self, site_up: np.ndarray) -> Sightings:
        """Return the sightings of the sites that work, (T, G)."""
        step = np.repeat(np.arange(len(self.begin) - 1), np.diff(self.begin))
        return self._selected(step, np.flatnonzero(site_up[step, self.site]))

    def _selected(self, step: np.ndarray, order: np.ndarray) -> Sightings:
        """Return chosen sightings, in order; `step` is the step of each sighting."""
        begin = np.searchsorted(step[order], np.arange(len(self.begin)))
        return Sightings(
            begin, self.satellite[order], self.site[order], self.elevation_deg[order], self.range_m[order],
            self.satellites,
        )  # fmt: skip

    @classmethod
    def joined(cls, parts: Sequence[Sightings]) -> Sightings:
        """Join the sightings of parts of a fleet, whose satellites follow each other."""
        if len(parts) == 1:
            return parts[0]
        first = np.cumsum([0, *(part.satellites for part in parts)])
        step = np.concatenate([np.repeat(np.arange(len(part.begin) - 1), np.diff(part.begin)) for part in parts])
        satellite = np.concatenate([part.satellite + begin for part, begin in zip(parts, first, strict=False)])
        site, elevation, distance = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("site", "elevation_deg", "range_m")
        )
        whole = cls(parts[0].begin, satellite, site, elevation, distance, int(first[-1]))
        return whole._selected(step, np.argsort(step, kind="stable"))

    @classmethod
    def of_tables(cls, elevation_deg: Array, range_m: Array, minimum_deg: float) -> Sightings:
        """Return the sightings at or above an elevation in tables (T, S, G) of elevations and distances."""
        step, satellite, site = np.nonzero(elevation_deg >= minimum_deg)
        begin = np.searchsorted(step, np.arange(len(elevation_deg) + 1))
        at = (step, satellite, site)
        return cls(begin, satellite, site, elevation_deg[at], range_m[at], elevation_deg.shape[1])


def find_sightings(position_m: Array, site_m: Array, up: Array, minimum_deg: float) -> Sightings:
    """Return which sites see which satellites at or above an elevation, without refraction.

    Args:
        position_m: (T, S, 3) Earth-fixed positions of satellites [m].
        site_m: (G, 3) Earth-fixed positions of sites [m].
        up: (G, 3) unit vectors to the zenith of the ellipsoid at each site.
        minimum_deg: least elevation [deg], 0 to 90.
    """
    position_m = np.ascontiguousarray(position_m)
    steps, satellites, _ = position_m.shape
    least_sine2 = math.sin(math.radians(minimum_deg)) ** 2 - SINE_MARGIN
    size, count = position_m.size, np.zeros(1, np.int64)
    candidates = np.empty((size, 3), np.int32)
    list_candidates(position_m, site_m, up, least_sine2, candidates, count)
    if count[0] > size:
        candidates = np.empty((count[0], 3), np.int32)
        list_candidates(position_m, site_m, up, least_sine2, candidates, count)
    t, s, g = candidates[: count[0]].T
    (x, y, z), (gx, gy, gz), (ux, uy, uz) = position_m[t, s].T, site_m[g].T, up[g].T
    dx, dy, dz = x - gx, y - gy, z - gz
    distance = np.sqrt(dx * dx + dy * dy + dz * dz)
    elevation = np.degrees(np.arcsin(np.clip((dx * ux + dy * uy + dz * uz) / distance, -1.0, 1.0)))
    high = elevation >= minimum_deg
    begin = np.searchsorted(t[high], np.arange(steps + 1))
    return Sightings(begin, s[high], g[high].astype(np.int16), elevation[high], distance[high], satellites)
