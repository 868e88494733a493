"""Earth's infrared and reflected sunlight on a knife-edge radiator.

The radiator's normal is perpendicular to the Sun and to nadir, so its two faces see mirror images of the Earth.
What they receive then depends on one angle only, the zenith angle of the Sun at the satellite (cos zenith = cos
beta cos orbit angle): the table over it is exact where a table over beta and orbit angle would interpolate twice.
Where Sun and nadir are parallel the normal may be any horizontal one; all of them receive the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from odc_gym.constants import EARTH_RADIUS_M, SOLAR_CONSTANT_W_M2
from odc_gym.errors import OrbitError
from odc_gym.orbits.frames import Array

STEP_DEG = 1.0  # interpolating the cosine-like curve over 1 deg errs by less than 0.01 W/m2
QUADRATURE = 256


@dataclass(frozen=True, eq=False)
class FluxTable:
    """Incident fluxes of one altitude.

    Attributes:
        altitude_m: altitude above the equatorial radius [m].
        infrared_w_m2: Earth's infrared, mean of the two faces [W/m2]; the same everywhere on the orbit.
        albedo_w_m2: (181,) reflected sunlight, mean of the two faces [W/m2], at solar zenith angles of 0, 1 .. 180
            deg.
    """

    altitude_m: float
    infrared_w_m2: float
    albedo_w_m2: Array

    @classmethod
    def build(
        cls,
        altitude_m: float,
        infrared_w_m2: float = 237.0,
        albedo: float = 0.30,
        solar_w_m2: float = SOLAR_CONSTANT_W_M2,
    ) -> FluxTable:
        """The table of one altitude; the quadrature behind it runs once per altitude.

        Args:
            altitude_m: altitude above the equatorial radius [m].
            infrared_w_m2: infrared that leaves the Earth, everywhere the same [W/m2].
            albedo: fraction of sunlight that the Earth reflects, diffusely.
            solar_w_m2: sunlight at Earth [W/m2].

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
        factors = _albedo_factors(float(altitude_m))
        return cls(altitude_m, infrared_w_m2 * edge_view_factor(altitude_m), albedo * solar_w_m2 * factors)

    def lookup(self, beta_rad: ArrayLike, orbit_angle_rad: ArrayLike) -> tuple[Array, Array]:
        """Incident infrared and reflected sunlight, mean of the two faces.

        Args:
            beta_rad: angle between the Sun and the orbit plane [rad], any shape.
            orbit_angle_rad: angle in the orbit plane from orbit noon [rad], broadcasts against `beta_rad`.

        Returns:
            Infrared and reflected sunlight [W/m2], of the broadcast shape. Reflected sunlight is for the
            `solar_w_m2` of the
            table: scale it with the Sun's flux of the day.
        """
        cosine = np.cos(np.asarray(beta_rad, dtype=np.float64)) * np.cos(np.asarray(orbit_angle_rad, dtype=np.float64))
        position = np.arccos(cosine) * (180 / (math.pi * STEP_DEG))
        low = np.minimum(position.astype(np.intp), self.albedo_w_m2.size - 2)
        below = self.albedo_w_m2[low]
        reflected = below + (position - low) * (self.albedo_w_m2[low + 1] - below)
        return np.full_like(reflected, self.infrared_w_m2), reflected


def edge_view_factor(altitude_m: float) -> float:
    """View factor from a plate seen edge-on from Earth's centre to the Earth, per face.

    (asin(1/H) - sqrt(H^2 - 1) / H^2) / pi with H = 1 + altitude / radius. Source: Howell, A Catalog of Radiation Heat
    Transfer Configuration Factors, planar element to sphere, plane of the element through the centre.
    """
    ratio = 1 + altitude_m / EARTH_RADIUS_M
    return (math.asin(1 / ratio) - math.sqrt(ratio**2 - 1) / ratio**2) / math.pi


@lru_cache(maxsize=64)
def _albedo_factors(altitude_m: float) -> Array:
    """(181,) reflected flux on a face over (albedo times sunlight), by the Sun's zenith angle in steps of 1 deg.

    Quadrature over the visible cap of a diffuse Earth: a surface element at the angle w from the nadir point and
    azimuth p sends (1/pi) cos(sun) cos(emission) |n.d| / d^2 dA, with the Sun in the plane p = 0 and the normals at
    p = +-90 deg, so |n.d| = sin w |sin p| / d. The integral over p is done in closed form, as the sunlit part
    changes with w.
    """
    ratio = 1 + altitude_m / EARTH_RADIUS_M
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE)
    edge = math.acos(1 / ratio)
    w = 0.5 * edge * (nodes + 1)  # (Q,)
    distance2 = 1 + ratio**2 - 2 * ratio * np.cos(w)
    kernel = 0.5 * edge * weights * np.sin(w) ** 2 * (ratio * np.cos(w) - 1) / distance2**2
    zenith = np.radians(np.arange(0, 180 + STEP_DEG / 2, STEP_DEG))[:, None]
    lit = _sunlit_azimuths(np.cos(zenith) * np.cos(w), np.sin(zenith) * np.sin(w))  # (181, Q)
    factors = np.asarray((lit * kernel).sum(axis=1) / (2 * math.pi), dtype=np.float64)
    factors.flags.writeable = False
    return factors


def _sunlit_azimuths(mean: Array, swing: Array) -> Array:
    """Integral of |sin p| max(0, mean + swing cos p) over a turn, swing >= 0.

    With c = cos p it is twice the integral of max(0, mean + swing c) from -1 to 1.
    """
    partly = (mean + swing) ** 2 / np.maximum(swing, 1e-300)
    return np.where(mean >= swing, 4 * mean, np.where(mean <= -swing, 0.0, partly))
