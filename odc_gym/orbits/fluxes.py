"""Earth's infrared and reflected sunlight on a radiator, by its attitude.

A knife edge has its normal perpendicular to the Sun and to nadir, so that its two faces see mirror images of the
Earth; where Sun and nadir are parallel the normal may be any horizontal one, all of them receive the same. An anti-Sun
radiator has one face, whose normal points away from the Sun.

What a face of either receives depends on one angle only, the zenith angle of the Sun at the satellite (cos zenith = cos
beta cos orbit angle): the table over it is exact where a table over beta and orbit angle would interpolate twice. An
attitude is one function that gives the two factors of the table; one whose normal lies in the plane of Sun and nadir
only has to say where (`_in_sun_plane`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from odc_gym.constants import EARTH_RADIUS_M, SOLAR_CONSTANT_W_M2
from odc_gym.errors import OrbitError
from odc_gym.orbits.frames import Array

STEP_DEG = 1.0  # interpolating the cosine-like curve over 1 deg errs by less than 0.01 W/m2
QUADRATURE = 256


@dataclass(frozen=True, eq=False)
class FluxTable:
    """Incident fluxes of one altitude and attitude, mean of the faces, at solar zenith angles of 0, 1 .. 180 deg.

    Attributes:
        altitude_m: altitude above the equatorial radius [m].
        infrared_w_m2: (181,) Earth's infrared [W/m2].
        albedo_w_m2: (181,) reflected sunlight [W/m2].
    """

    altitude_m: float
    infrared_w_m2: Array
    albedo_w_m2: Array

    @classmethod
    def build(
        cls,
        altitude_m: float,
        infrared_w_m2: float = 237.0,
        albedo: float = 0.30,
        solar_w_m2: float = SOLAR_CONSTANT_W_M2,
        attitude: str = "knife_edge",
    ) -> FluxTable:
        """The table of one altitude and attitude; the quadrature behind it runs once for each.

        Args:
            altitude_m: altitude above the equatorial radius [m].
            infrared_w_m2: infrared that leaves the Earth, everywhere the same [W/m2].
            albedo: fraction of sunlight that the Earth reflects, diffusely.
            solar_w_m2: sunlight at Earth [W/m2].
            attitude: "knife_edge" or "anti_sun".

        Raises:
            OrbitError: a value that is not allowed.
        """
        if not 0 < altitude_m < math.inf:
            raise OrbitError(f"altitude_m = {altitude_m:g}: must be > 0")
        if not 0 <= infrared_w_m2 < math.inf:
            raise OrbitError(f"infrared_w_m2 = {infrared_w_m2:g}: must be >= 0")
        if not 0 <= albedo <= 1:
            raise OrbitError(f"albedo = {albedo:g}: must be 0 to 1")
        if not 0 <= solar_w_m2 < math.inf:
            raise OrbitError(f"solar_w_m2 = {solar_w_m2:g}: must be >= 0")
        if attitude not in ATTITUDES:
            raise OrbitError(f"attitude = {attitude}: must be one of {', '.join(ATTITUDES)}")
        factors = _factors(attitude, float(altitude_m))
        return cls(altitude_m, infrared_w_m2 * factors.infrared, albedo * solar_w_m2 * factors.albedo)

    def lookup(self, beta_rad: ArrayLike, orbit_angle_rad: ArrayLike) -> tuple[Array, Array]:
        """Incident infrared and reflected sunlight, mean of the faces.

        Args:
            beta_rad: angle between the Sun and the orbit plane [rad], any shape.
            orbit_angle_rad: angle in the orbit plane from orbit noon [rad], broadcasts against `beta_rad`.

        Returns:
            Infrared and reflected sunlight [W/m2], of the broadcast shape. Reflected sunlight is for the
            `solar_w_m2` of the table: scale it with the Sun's flux of the day.
        """
        cosine = np.cos(np.asarray(beta_rad, dtype=np.float64)) * np.cos(np.asarray(orbit_angle_rad, dtype=np.float64))
        position = np.arccos(cosine) * (180 / (math.pi * STEP_DEG))
        low = np.minimum(position.astype(np.intp), self.albedo_w_m2.size - 2)
        infrared, reflected = (
            np.asarray(table[low] + (position - low) * (table[low + 1] - table[low]))
            for table in (self.infrared_w_m2, self.albedo_w_m2)
        )
        return infrared, reflected


def edge_view_factor(altitude_m: float) -> float:
    """View factor from a plate seen edge-on from Earth's centre to the Earth, per face.

    (asin(1/H) - sqrt(H^2 - 1) / H^2) / pi with H = 1 + altitude / radius. Source: Howell, A Catalog of Radiation Heat
    Transfer Configuration Factors, planar element to sphere, plane of the element through the centre.
    """
    ratio = 1 + altitude_m / EARTH_RADIUS_M
    return (math.asin(1 / ratio) - math.sqrt(ratio**2 - 1) / ratio**2) / math.pi


class Factors(NamedTuple):
    """What a face receives, by the Sun's zenith angle in steps of 1 deg, mean of the faces, (181,) each.

    Attributes:
        infrared: view factor of the Earth.
        albedo: reflected flux over (albedo times sunlight).
    """

    infrared: Array
    albedo: Array


@lru_cache(maxsize=64)
def _factors(attitude: str, altitude_m: float) -> Factors:
    factors = ATTITUDES[attitude](altitude_m, np.radians(np.arange(0, 180 + STEP_DEG / 2, STEP_DEG))[:, None])
    for table in factors:
        table.flags.writeable = False
    return factors


def _cap(altitude_m: float) -> tuple[Array, Array, float]:
    """Quadrature over the visible cap of a diffuse Earth, (Q,): angles w from the nadir point [rad], and kernels.

    A surface element at w and azimuth p sends (1/pi) cos(sun) cos(emission) max(0, n.d) / d^2 dA to a face of normal n.
    The kernel is dA cos(emission) / (d^3 dp): what is left for the integral over p, which is done in closed form as the
    part that is lit and seen changes with w, is max(0, n.d) with d in Earth radii, times cos(sun) for reflected light.
    Also returns the satellite's distance over the Earth's radius.
    """
    ratio = 1 + altitude_m / EARTH_RADIUS_M
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE)
    edge = math.acos(1 / ratio)
    w = 0.5 * edge * (nodes + 1)
    distance2 = 1 + ratio**2 - 2 * ratio * np.cos(w)
    return w, 0.5 * edge * weights * np.sin(w) * (ratio * np.cos(w) - 1) / distance2**2, ratio


def _knife_edge(altitude_m: float, zenith: Array) -> Factors:
    """Both faces of a knife edge; with the Sun in the plane p = 0 the normals are at p = +-90 deg."""
    w, kernel, _ = _cap(altitude_m)
    kernel = kernel * np.sin(w)  # |n.d| = sin w |sin p|
    lit = _sunlit_azimuths(np.cos(zenith) * np.cos(w), np.sin(zenith) * np.sin(w))  # (181, Q)
    reflected = np.asarray((lit * kernel).sum(axis=1) / (2 * math.pi), dtype=np.float64)
    return Factors(np.full(reflected.shape, edge_view_factor(altitude_m)), reflected)


def _anti_sun(altitude_m: float, zenith: Array) -> Factors:
    """One face, away from the Sun: it looks at the ground at noon and at the sky at midnight."""
    return _in_sun_plane(altitude_m, zenith, -np.sin(zenith), -np.cos(zenith))


def _in_sun_plane(altitude_m: float, zenith: Array, across: Array, up: Array) -> Factors:
    """One face with its normal in the plane of Sun and nadir.

    Args:
        altitude_m: altitude [m].
        zenith: the Sun's zenith angle [rad], (181, 1).
        across: component of the normal along the horizontal direction towards the Sun, (181, 1).
        up: component of the normal along zenith, (181, 1).
    """
    w, kernel, ratio = _cap(altitude_m)
    seen = (up * (np.cos(w) - ratio), across * np.sin(w))  # n.d = a + b cos p, (181, Q) each
    lit = (np.cos(zenith) * np.cos(w), np.sin(zenith) * np.sin(w))  # cos(sun), the same way
    ones = (np.ones_like(seen[0]), np.zeros_like(seen[0]))
    infrared, reflected = ((_azimuths(seen, by) * kernel).sum(axis=1) / math.pi for by in (ones, lit))
    return Factors(np.asarray(infrared), np.asarray(reflected))


ATTITUDES: dict[str, Callable[[float, Array], Factors]] = {"knife_edge": _knife_edge, "anti_sun": _anti_sun}
"""Name to factors of an altitude [m] at zenith angles of the Sun [rad], (181, 1)."""


def _azimuths(one: tuple[Array, Array], other: tuple[Array, Array]) -> Array:
    """Integral of max(0, a + b cos p) max(0, c + d cos p) over a turn, for pairs (a, b) and (c, d)."""
    low, high = np.full(one[0].shape, -1.0), np.full(one[0].shape, 1.0)  # where both are positive: low < cos p < high
    for mean, swing in (one, other):
        edge = mean / np.maximum(np.abs(swing), 1e-300)
        low = np.where(swing >= 0.0, np.maximum(low, -edge), low)
        high = np.where(swing < 0.0, np.minimum(high, edge), high)
    first, last = np.arccos(np.clip(high, -1.0, 1.0)), np.arccos(np.clip(low, -1.0, 1.0))
    (a, b), (c, d) = one, other

    def primitive(p: Array) -> Array:
        return (a * c + 0.5 * b * d) * p + (a * d + b * c) * np.sin(p) + 0.25 * b * d * np.sin(2.0 * p)

    return np.where(last > first, 2.0 * (primitive(last) - primitive(first)), 0.0)


def _sunlit_azimuths(mean: Array, swing: Array) -> Array:
    """Integral of |sin p| max(0, mean + swing cos p) over a turn, swing >= 0.

    With c = cos p it is twice the integral of max(0, mean + swing c) from -1 to 1.
    """
    partly = (mean + swing) ** 2 / np.maximum(swing, 1e-300)
    return np.where(mean >= swing, 4 * mean, np.where(mean <= -swing, 0.0, partly))
