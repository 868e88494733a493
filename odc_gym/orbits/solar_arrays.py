"""Tables of the Earth's infrared and reflected sunlight on both faces of a solar array.

Each tracking law has a table over the beta angle and the orbit angle. A radiator's table needs one angle alone; most
tracking laws have normals outside the plane of Sun and nadir, so they need two.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from odc_gym.orbits.attitude import array_normal, toward_sun
from odc_gym.orbits.fluxes import Factors, Normal, face_factors
from odc_gym.orbits.frames import Array
from odc_gym.physics.angles import remainder
from odc_gym.physics.interpolation import interpolate_grid

DEGREES = 180.0 / np.pi  # degrees in a radian
STEP_DEG = 3.0  # the error of bilinear interpolation is below 1 W/m2
QUADRATURE_NODES = 32


@dataclass(frozen=True, eq=False)
class ArrayTable:
    """View factors and reflected flux of both faces of a solar array, for one altitude and tracking law.

    Attributes:
        factors: (31, 121, 4) view factor and reflected flux over (albedo times sunlight) of the front, then of the
            back, at beta angles of 0, 3 .. 90 deg and orbit angles of 0, 3 .. 360 deg.
    """

    factors: Array

    @classmethod
    def build(cls, law: str, altitude_m: float) -> ArrayTable:
        """Return the table of a tracking law, one of `attitude.ARRAY_LAWS`, at an altitude [m].

        The quadrature runs once for each pair of law and altitude.

        Raises:
            OrbitError: the law is unknown.
        """
        return cls(_factors(law, float(altitude_m)))

    def lookup(self, beta_rad: ArrayLike, orbit_angle_rad: ArrayLike) -> tuple[Factors, Factors]:
        """Return the interpolated factors of the front and of the back.

        Args:
            beta_rad: angle of the Sun above the orbit plane [rad], any shape; its sign does not matter.
            orbit_angle_rad: angle from orbit noon [rad], broadcasts against `beta_rad`.
        """
        row = np.abs(np.asarray(beta_rad, dtype=np.float64) * DEGREES) / STEP_DEG
        column = remainder(np.asarray(orbit_angle_rad, dtype=np.float64) * DEGREES, 360.0) / STEP_DEG
        row, column = np.broadcast_arrays(row, column)
        found = np.empty((self.factors.shape[2], *row.shape))
        interpolate_grid(self.factors, row.ravel(), column.ravel(), found.reshape(len(found), -1))
        return Factors(found[0], found[1]), Factors(found[2], found[3])


@lru_cache(maxsize=64)
def _factors(law: str, altitude_m: float) -> Array:
    beta = np.radians(np.arange(0.0, 90.0 + STEP_DEG / 2, STEP_DEG))[:, None]
    angle = np.radians(np.arange(0.0, 360.0 + STEP_DEG / 2, STEP_DEG))
    sun, normal = toward_sun(beta, angle), array_normal(law, beta, angle)
    horizontal = np.hypot(sun.along, sun.normal)  # sine of the Sun's zenith angle
    east, north = (
        np.where(horizontal > 1e-9, part / np.maximum(horizontal, 1e-9), k) for k, part in enumerate(sun[1:])
    )
    across = normal.along * east + normal.normal * north
    side = normal.along * north - normal.normal * east
    front = face_factors(altitude_m, np.arctan2(horizontal, sun.up), Normal(normal.up, across, side), QUADRATURE_NODES)
    back = face_factors(
        altitude_m, np.arctan2(horizontal, sun.up), Normal(-normal.up, -across, -side), QUADRATURE_NODES
    )
    table = np.stack([*front, *back], -1)
    table.flags.writeable = False
    return table
