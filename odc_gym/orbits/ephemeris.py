"""Ephemeris: positions of satellites, and the sunlight that reaches them, as tables of an episode.

Tables are computed on rows of at most 60 s; a longer step consists of several rows. The rows include one before the
start and one after the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from odc_gym.constants import (
    ASTRONOMICAL_UNIT_M,
    DAY_S,
    EARTH_RADIUS_M,
    SOLAR_CONSTANT_W_M2,
)
from odc_gym.errors import OrbitError
from odc_gym.orbits import eclipse, mean_orbit, sgp4_propagation
from odc_gym.orbits.constellation import Constellation
from odc_gym.orbits.frames import Array, Sky, as_utc, tt_days
from odc_gym.orbits.mean_orbit import MeanShell, Motion
from odc_gym.orbits.sightings import Sightings, find_sightings
from odc_gym.physics.orbit_tables import ECCENTRICITY2, Vectors, from_noon, geodetic, turn_with_earth
from odc_gym.sites import GroundSite

ROW_S = 60.0
DEGREES = 180.0 / math.pi  # degrees in a radian


class Ephemeris:
    """Tables of S satellites and G ground sites over T = `steps` instants, `step_s` apart from `start`.

    Every table is computed when it is first read.

    Attributes:
        start: first instant, UTC.
        step_s: length of a step [s].
        steps: T.
        sites: G ground sites.
    """

    def __init__(
        self, start: datetime, step_s: float, steps: int, sites: tuple[GroundSite, ...], motion: Motion, sky: Sky
    ) -> None:
        self.start = start
        self.step_s = step_s
        self.steps = steps
        self.sites = sites
        self._motion = motion  # (R, S): rows of at most 60 s; the first row is one before the start
        self._sky = sky
        self._rows = rows_per_step(step_s)
        self._at_steps = slice(1, 1 + steps * self._rows, self._rows)

    @cached_property
    def position_gcrs_m(self) -> Array:
        """(T, S, 3) positions from Earth's centre [m], GCRS."""
        return np.asarray(np.einsum("tji,tsj->tsi", self._sky.rotation[self._at_steps], self.position_equator_m))

    @cached_property
    def sun_direction(self) -> Array:
        """(T, 3) unit vector to the apparent Sun, GCRS."""
        return np.asarray(np.einsum("tji,tj->ti", self._sky.rotation[self._at_steps], self._toward_sun))

    @cached_property
    def sun_distance_m(self) -> Array:
        """(T,) distance of the Sun from Earth's centre [m]."""
        sun = self._sky.sun_m[self._at_steps]
        return np.asarray(np.sqrt((sun * sun).sum(axis=1)))

    @cached_property
    def solar_flux_w_m2(self) -> Array:
        """(T,) sunlight above the atmosphere [W/m2]: 1361 W/m2 at 1 au, by the inverse square of the distance."""
        return np.asarray(SOLAR_CONSTANT_W_M2 * (ASTRONOMICAL_UNIT_M / self.sun_distance_m) ** 2)

    @property
    def plane(self) -> np.ndarray:
        """(S,) index of the orbit plane of each satellite."""
        return self._motion.plane

    @cached_property
    def beta_rad(self) -> Array:
        """(T, S) angle of the Sun above the orbit plane [rad], positive on the side of the angular momentum."""
        beta = np.arcsin(np.clip(_dot(self._normal, self._toward_sun), -1.0, 1.0))
        return np.asarray(beta.take(self._motion.plane, axis=1))

    @cached_property
    def orbit_angle_rad(self) -> Array:
        """(T, S) angle in the orbit plane from orbit noon, along the motion [rad], 0 to 2 pi."""
        ahead, toward = np.empty((2, *self._xyz.x.shape))
        from_noon(self._xyz, self._normal, self._motion.plane, self._toward_sun, ahead, toward)
        angle = np.arctan2(ahead, toward)
        angle += 2 * math.pi * (angle < 0)
        return np.asarray(angle)

    @cached_property
    def sunlit_frac(self) -> Array:
        """(T, S) mean visible fraction of the Sun's disc over the step that begins at the instant."""
        along, squared, distance = self._shadow
        means = eclipse.step_means(along, squared, distance, self.step_s / self._rows)
        if self._rows == 1:
            return means
        return np.asarray(means.reshape(self.steps, self._rows, -1).mean(axis=1))

    @cached_property
    def sunlit_instant_frac(self) -> Array:
        """(T, S) visible fraction of the Sun's disc at the instant."""
        along, squared, distance = (values[self._at_steps] for values in self._shadow)
        return eclipse.instant_fractions(along, squared, distance)

    @cached_property
    def latitude_deg(self) -> Array:
        """(T, S) geodetic latitude [deg]."""
        return self._geodetic[0] * DEGREES

    @cached_property
    def longitude_deg(self) -> Array:
        """(T, S) east longitude [deg], -180 to 180."""
        return np.asarray(np.arctan2(self._ecef.y, self._ecef.x) * DEGREES)

    @cached_property
    def altitude_m(self) -> Array:
        """(T, S) geodetic altitude above the WGS84 ellipsoid [m]."""
        return self._geodetic[1]

    @cached_property
    def position_equator_m(self) -> Array:
        """(T, S, 3) positions from Earth's centre [m], true equator of date: z lies on the Earth's axis."""
        return np.stack(self._xyz, axis=-1)

    @cached_property
    def elevation_deg(self) -> Array:
        """(T, S, G) elevation above the ellipsoid's horizon at each site [deg], without refraction."""
        site, up = _site_vectors(self.sites)
        height = self._position_ecef_m @ up.T - (site * up).sum(axis=-1)  # above the site's horizon
        return np.asarray(np.degrees(np.arcsin(np.clip(height / self.site_range_m, -1.0, 1.0))))

    @cached_property
    def site_range_m(self) -> Array:
        """(T, S, G) distance to each site [m]."""
        site, _ = _site_vectors(self.sites)
        ecef = self._position_ecef_m
        squared = (ecef * ecef).sum(axis=-1)[..., None] - 2 * (ecef @ site.T) + (site * site).sum(axis=-1)
        return np.asarray(np.sqrt(squared))

    def sightings(self, minimum_deg: float, steps: int) -> Sightings:
        """Return which sites see which satellites at or above an elevation in the first steps.

        Args:
            minimum_deg: least elevation [deg], 0 to 90.
            steps: number of steps.
        """
        site, up = _site_vectors(self.sites)
        return find_sightings(self._position_ecef_m[:steps], site, up, minimum_deg)

    @cached_property
    def _xyz(self) -> Vectors:
        """(T, S) components in the true equator of date [m]."""
        return Vectors(*(np.ascontiguousarray(values[self._at_steps]) for values in self._motion.position_m))

    @cached_property
    def _normal(self) -> Vectors:
        """(T, Q) unit vectors along the angular momentum of each orbit plane."""
        return Vectors(*(np.ascontiguousarray(values[self._at_steps]) for values in self._motion.normal))

    @cached_property
    def _toward_sun(self) -> Array:
        """(T, 3) unit vector to the Sun, true equator of date."""
        return np.asarray(self._sky.sun_m[self._at_steps] / self.sun_distance_m[:, None])

    @cached_property
    def _shadow(self) -> tuple[Array, Array, Array]:
        """(R, S), (R, S) and (R,): the two shadow coordinates, and the distance of the Sun."""
        direction, distance = eclipse.stretched_sun(self._sky.sun_m)
        return *eclipse.shadow_coordinates(self._motion, direction), distance

    @cached_property
    def _position_ecef_m(self) -> Array:
        """(T, S, 3) Earth-fixed positions [m]."""
        return np.stack(self._ecef, axis=-1)

    @cached_property
    def _ecef(self) -> Vectors:
        """(T, S) components of Earth-fixed positions [m]; polar motion (10 m) is left out."""
        angle, (x, y, z) = self._sky.sidereal_rad[self._at_steps], self._xyz
        turned = Vectors(np.empty_like(x), np.empty_like(y), z)
        turn_with_earth(x, y, np.cos(angle), np.sin(angle), turned)
        return turned

    @cached_property
    def _geodetic(self) -> tuple[Array, Array]:
        """(T, S) geodetic latitude [rad] and altitude [m]."""
        north, east, altitude = np.empty((3, *self._ecef.x.shape))
        geodetic(*(values.ravel() for values in (*self._ecef, north, east, altitude)))
        return np.arctan2(north, east), altitude


def build_ephemeris(
    constellation: Constellation,
    *,
    start: datetime,
    step_s: float = 60.0,
    steps: int = 1440,
    sites: Sequence[GroundSite] = (),
) -> Ephemeris:
    """Build the tables of a constellation from a start on.

    The constellation's mean elements hold at the start. The same arguments give the same bits, whatever was built
    before.

    Args:
        constellation: S satellites.
        start: first instant; a date without an offset is read as UTC.
        step_s: length of a step [s], above 0 and up to 3600.
        steps: number of steps T, at least 1.
        sites: G ground sites.

    Raises:
        OrbitError: a value is not allowed, elements are older than 14 days, or SGP4 cannot propagate an orbit.
    """
    start = as_utc(start)
    if not 0 < step_s <= 3600:
        raise OrbitError(f"step_s = {step_s:g}: must be above 0 and at most 3600")
    if steps != int(steps) or steps < 1:
        raise OrbitError(f"steps = {steps}: must be a whole number of at least 1")
    if not len(constellation):
        raise OrbitError("constellation: must hold at least one satellite")
    as_utc(start + timedelta(seconds=steps * step_s))
    rows = rows_per_step(step_s)
    elapsed_s = np.arange(-1, steps * rows + 2, dtype=np.float64) * (step_s / rows)
    sky = Sky(tt_days(start) + elapsed_s / DAY_S)
    motions = []
    for group in constellation.groups:
        if isinstance(group, MeanShell):
            motions.append(mean_orbit.propagate(group, elapsed_s, _midnight_rad(start, sky)))
        else:
            motions.append(sgp4_propagation.propagate(group, start, elapsed_s, sky.teme_rad))
    return Ephemeris(start, float(step_s), int(steps), tuple(sites), _concatenate(motions), sky)


def rows_per_step(step_s: float) -> int:
    """Return the number of rows of at most 60 s in a step."""
    return math.ceil(step_s / ROW_S)


def _midnight_rad(start: datetime, sky: Sky) -> float:
    """Return the right ascension of the meridian of mean midnight at the start [rad].

    Row 1 of the tables is the start. UTC stands for UT1, within 0.9 s.
    """
    since_midnight = start - start.replace(hour=0, minute=0, second=0, microsecond=0)
    return float(sky.sidereal_rad[1]) - 2 * math.pi * since_midnight.total_seconds() / DAY_S


def _concatenate(motions: list[Motion]) -> Motion:
    if len(motions) == 1:
        return motions[0]
    position_m, normal = (
        Vectors(*(np.concatenate(parts, axis=1) for parts in zip(*vectors, strict=True)))
        for vectors in ([m.position_m for m in motions], [m.normal for m in motions])
    )
    first = np.cumsum([0] + [m.normal.x.shape[1] for m in motions])
    return Motion(position_m, normal, np.concatenate([m.plane + k for m, k in zip(motions, first, strict=False)]))


def _dot(vectors: Sequence[Array], direction: Array) -> Array:
    """Return the (T, S) dot products of vectors, given as three (T, S) components, with directions (T, 3)."""
    product = vectors[0] * direction[:, :1]
    product += vectors[1] * direction[:, 1:2]
    product += vectors[2] * direction[:, 2:]
    return product


def _site_vectors(sites: Sequence[GroundSite]) -> tuple[Array, Array]:
    """Return the Earth-fixed positions [m] and zenith directions of G sites, (G, 3) each."""
    latitude = np.radians([site.latitude_deg for site in sites])
    longitude = np.radians([site.longitude_deg for site in sites])
    height = np.array([site.altitude_m for site in sites], dtype=np.float64)
    equatorial = np.cos(latitude)
    up = np.stack((equatorial * np.cos(longitude), equatorial * np.sin(longitude), np.sin(latitude)), axis=-1)
    across = EARTH_RADIUS_M / np.sqrt(1 - ECCENTRICITY2 * np.sin(latitude) ** 2)
    scale = np.stack((across + height, across + height, across * (1 - ECCENTRICITY2) + height), axis=-1)
    return scale * up, up
