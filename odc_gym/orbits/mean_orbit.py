"""Mean orbits: near-circular orbits with the secular rates of J2 to second order, in closed form.

Source of the rates: Brouwer 1959, Astron. J. 64, 378, in the form of Hoots and Roehrich, Spacetrack Report No. 3
(1980), section 6, at e = 0. At low inclinations, the first order alone errs by up to 0.03 deg of node a day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from odc_gym.constants import DAY_S, EARTH_J2, EARTH_MU_M3_S2, EARTH_RADIUS_M, TROPICAL_YEAR_DAYS
from odc_gym.errors import OrbitError
from odc_gym.orbits.frames import Array
from odc_gym.physics.orbit_tables import Turning, Vectors, place_in_orbit, turned_angles

SUN_SYNCHRONOUS_RAD_S = 2 * math.pi / (TROPICAL_YEAR_DAYS * DAY_S)  # the mean Sun's motion from the equinox of date


@dataclass(frozen=True)
class Rates:
    """Secular rates of a circular orbit [rad/s]."""

    node: float
    perigee: float
    anomaly: float


@dataclass(frozen=True)
class Motion:
    """Positions and orbit planes at R instants, in the true equator of date."""

    position_m: Vectors  # (R, S)
    normal: Vectors  # (R, Q) unit vectors along the angular momentum of Q orbit planes
    plane: NDArray[np.intp]  # (S,) orbit plane of each satellite


@dataclass(frozen=True)
class MeanShell:
    """S satellites of one altitude and inclination.

    Attributes:
        altitude_m: semi-major axis above the equatorial radius [m].
        inclination_rad: inclination to the true equator [rad].
        node_rad: (S,) right ascension of the ascending node at epoch [rad]. With `local_time` it counts from the
            meridian of mean midnight instead of the equinox.
        argument_rad: (S,) mean argument of latitude at epoch [rad].
        local_time: whether nodes count from mean midnight, so that 2 pi is 24 h of mean solar time.
        eccentricity: (S,) pairs e cos(perigee), e sin(perigee) at epoch; empty for circles.
    """

    altitude_m: float
    inclination_rad: float
    node_rad: tuple[float, ...]
    argument_rad: tuple[float, ...]
    local_time: bool = False
    eccentricity: tuple[tuple[float, float], ...] = ()

    def __len__(self) -> int:
        return len(self.node_rad)


def mean_motion_rad_s(altitude_m: float) -> float:
    """Return the Keplerian mean motion of a circular orbit [rad/s]: sqrt(mu / a^3)."""
    return math.sqrt(EARTH_MU_M3_S2 / (EARTH_RADIUS_M + altitude_m) ** 3)


def orbit_period_s(altitude_m: float) -> float:
    """Return the Keplerian period of a circular orbit [s]: 2 pi sqrt(a^3 / mu), a = equatorial radius + altitude.

    Args:
        altitude_m: altitude [m].

    Raises:
        OrbitError: the altitude is not above the surface.
    """
    if not 0 < altitude_m < math.inf:
        raise OrbitError(f"altitude_m = {altitude_m:g}: must be > 0")
    return 2 * math.pi / mean_motion_rad_s(altitude_m)


def secular_rates(altitude_m: float, inclination_rad: float) -> Rates:
    """Return the secular J2 rates of a circular orbit, to second order in g = J2 (Re / a)^2 / 2.

    Source: that of this module; the first order is Vallado 4th ed., eqs. 9-37, 9-39 and 9-41 at e = 0.
    """
    n, g = mean_motion_rad_s(altitude_m), _oblateness(altitude_m)
    cosine = math.cos(inclination_rad)
    c2, c4 = cosine**2, cosine**4
    return Rates(
        node=n * cosine * (-3 * g + 1.5 * g * g * (4 - 19 * c2)),
        perigee=n * (1.5 * g * (5 * c2 - 1) + 3 / 16 * g * g * (7 - 114 * c2 + 395 * c4)),
        anomaly=n * (1 + 1.5 * g * (3 * c2 - 1) + 3 / 16 * g * g * (13 - 78 * c2 + 137 * c4)),
    )


def sun_synchronous_inclination_rad(altitude_m: float) -> float:
    """Return the inclination at which the node follows the mean Sun [rad].

    It is the textbook's first order, cos i = -rate / (3 g n). With the rates of `secular_rates` the node then loses
    1e-3 deg a day, which is 4 s of local time in 16 days.

    Raises:
        OrbitError: no inclination is sun-synchronous at this altitude.
    """
    cosine = -SUN_SYNCHRONOUS_RAD_S / (3 * _oblateness(altitude_m) * mean_motion_rad_s(altitude_m))
    if cosine < -1:
        raise OrbitError(f"altitude_km = {altitude_m / 1000:g}: too high for a sun-synchronous orbit")
    return math.acos(cosine)


def _oblateness(altitude_m: float) -> float:
    """Return J2 (Re / a)^2 / 2."""
    return 0.5 * EARTH_J2 * (EARTH_RADIUS_M / (EARTH_RADIUS_M + altitude_m)) ** 2


def propagate(shell: MeanShell, elapsed_s: Array, midnight_rad: float) -> Motion:
    """Compute positions and orbit planes of a shell's satellites.

    Eccentricities are carried to first order, r = a (1 - e cos M), u = l + 2 e sin M (Vallado 4th ed., section 2.2).
    The error is below 1 m for the 1e-4 of a cluster.

    Args:
        shell: S satellites.
        elapsed_s: (R,) time since epoch [s].
        midnight_rad: right ascension of the meridian of mean midnight at epoch [rad].
    """
    rates = secular_rates(shell.altitude_m, shell.inclination_rad)
    a = EARTH_RADIUS_M + shell.altitude_m
    node, plane = np.unique(np.asarray(shell.node_rad), return_inverse=True)
    cos_node, sin_node = _cosine_sine_of_sum(rates.node * elapsed_s, node + (midnight_rad if shell.local_time else 0.0))
    in_plane = _eccentric if shell.eccentricity else _circular
    along_node, across_node = in_plane(shell, rates, elapsed_s, a)  # (R, S) towards the node, and 90 deg ahead
    cos_i, sin_i = math.cos(shell.inclination_rad), math.sin(shell.inclination_rad)
    z = np.empty_like(along_node)
    place_in_orbit(along_node, across_node, cos_node, sin_node, plane, cos_i, sin_i, z)
    return Motion(
        position_m=Vectors(along_node, across_node, z),
        normal=Vectors(sin_node * sin_i, cos_node * -sin_i, np.full_like(cos_node, cos_i)),
        plane=plane,
    )


def _cosine_sine_of_sum(turned: Array, at_epoch: Array) -> tuple[Array, Array]:
    """Return cosine and sine (R, N) of turned (R,) + at_epoch (N,)."""
    cosine, sine = np.empty((2, turned.size, at_epoch.size))
    turning = Turning(np.cos(turned), np.sin(turned), np.cos(at_epoch), np.sin(at_epoch))
    turned_angles(turning, cosine, sine)
    return cosine, sine


def _circular(shell: MeanShell, rates: Rates, elapsed_s: Array, a: float) -> tuple[Array, Array]:
    cosine, sine = _cosine_sine_of_sum((rates.perigee + rates.anomaly) * elapsed_s, np.asarray(shell.argument_rad))
    cosine *= a
    sine *= a
    return cosine, sine


def _eccentric(shell: MeanShell, rates: Rates, elapsed_s: Array, a: float) -> tuple[Array, Array]:
    ex, ey = np.asarray(shell.eccentricity).T
    e, perigee = np.hypot(ex, ey), np.arctan2(ey, ex)
    anomaly = np.asarray(shell.argument_rad) - perigee + rates.anomaly * elapsed_s[:, None]
    latitude = anomaly + perigee + rates.perigee * elapsed_s[:, None] + 2 * e * np.sin(anomaly)
    radius = a * (1 - e * np.cos(anomaly))
    return radius * np.cos(latitude), radius * np.sin(latitude)
