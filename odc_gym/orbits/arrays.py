"""Solar arrays between Sun and Earth: what their two faces receive from the Earth, and their temperature.

The table of an array is one over beta and orbit angle for its tracking law: other than a radiator's, most laws have
normals outside the plane of Sun and nadir.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from odc_gym.constants import STEFAN_BOLTZMANN_W_M2_K4
from odc_gym.orbits.attitude import array_normal, toward_sun
from odc_gym.orbits.fluxes import Factors, Normal, face_factors
from odc_gym.orbits.frames import Array

STEP_DEG = 3.0  # bilinear look-ups err by less than 1 W/m2
NODES = 32
LEAST_K = 3.0


@dataclass(frozen=True, eq=False)
class ArrayTable:
    """What the faces of an array receive from the Earth at one altitude, by one tracking law.

    Attributes:
        factors: (31, 121, 4) view factors and reflected flux over (albedo times sunlight) of the front, the same of the
            back, at beta angles of 0, 3 .. 90 deg and orbit angles of 0, 3 .. 360 deg.
    """

    factors: Array

    @classmethod
    def build(cls, law: str, altitude_m: float) -> ArrayTable:
        """The table of a law, one of `attitude.ARRAY_LAWS`, at an altitude [m]; the quadrature runs once for each.

        Raises:
            OrbitError: an unknown law.
        """
        return cls(_factors(law, float(altitude_m)))

    def lookup(self, beta_rad: ArrayLike, orbit_angle_rad: ArrayLike) -> tuple[Factors, Factors]:
        """Factors of the front and of the back.

        Args:
            beta_rad: angle of the Sun above the orbit plane [rad], any shape; its sign does not matter.
            orbit_angle_rad: angle from orbit noon [rad], broadcasts against `beta_rad`.
        """
        row = np.abs(np.degrees(np.asarray(beta_rad, dtype=np.float64))) / STEP_DEG
        column = np.degrees(np.asarray(orbit_angle_rad, dtype=np.float64)) % 360.0 / STEP_DEG
        row, column = np.broadcast_arrays(row, column)
        i, j = (
            np.minimum(at.astype(np.intp), n - 2) for at, n in zip((row, column), self.factors.shape[:2], strict=True)
        )
        u, v = (row - i)[..., None], (column - j)[..., None]
        low, high = ((1.0 - v) * self.factors[k, j] + v * self.factors[k, j + 1] for k in (i, i + 1))
        mixed = (1.0 - u) * low + u * high
        return Factors(mixed[..., 0], mixed[..., 1]), Factors(mixed[..., 2], mixed[..., 3])


@lru_cache(maxsize=64)
def _factors(law: str, altitude_m: float) -> Array:
    beta = np.radians(np.arange(0.0, 90.0 + STEP_DEG / 2, STEP_DEG))[:, None]
    angle = np.radians(np.arange(0.0, 360.0 + STEP_DEG / 2, STEP_DEG))
    sun, normal = toward_sun(beta, angle), array_normal(law, beta, angle)
    level = np.hypot(sun.along, sun.normal)  # sine of the Sun's zenith angle
    east, north = (np.where(level > 1e-9, part / np.maximum(level, 1e-9), k) for k, part in enumerate(sun[1:]))
    across = normal.along * east + normal.normal * north
    side = normal.along * north - normal.normal * east
    front = face_factors(altitude_m, np.arctan2(level, sun.up), Normal(normal.up, across, side), NODES)
    back = face_factors(altitude_m, np.arctan2(level, sun.up), Normal(-normal.up, -across, -side), NODES)
    table = np.stack([*front, *back], -1)
    table.flags.writeable = False
    return table


def node_temperature_k(
    heat_w_m2: Array,
    electric_w_m2: Array,
    *,
    step_s: float,
    settle: int,
    coefficient_per_k: ArrayLike,
    quoted_k: ArrayLike,
    emissivity: ArrayLike,
    capacity_j_m2_k: ArrayLike,
) -> Array:
    """Temperature of arrays, one node each, mean over each of T steps [K].

    C dT/dt = heat - electric (1 + coefficient (T - quoted)) - emissivity sigma T^4, by the exponential Euler method of
    Rosenbrock type: exact for the linear part of each step (Hochbruck and Ostermann, Acta Numerica 19, 2010, section
    2.4). The first `settle` steps are flown twice before, so that the first step begins where an orbit ends.

    Args:
        heat_w_m2: (T, N) absorbed from Sun and Earth on both faces, before the cells take their share [W/m2].
        electric_w_m2: (T, N) electrical output at the quoted temperature [W/m2].
        step_s: length of a step [s].
        settle: steps of an orbit.
        coefficient_per_k: change of output over output by temperature [1/K], a float or (N,).
        quoted_k: temperature at which the output is quoted [K], likewise.
        emissivity: sum of both faces, likewise.
        capacity_j_m2_k: areal heat capacity [J/(m2 K)], likewise.

    Returns:
        (T, N) temperatures [K].
    """
    radiation = np.asarray(emissivity) * STEFAN_BOLTZMANN_W_M2_K4
    pace = step_s / np.asarray(capacity_j_m2_k)
    slope = electric_w_m2 * np.asarray(coefficient_per_k)  # of the output by temperature
    fixed = heat_w_m2 - electric_w_m2 + slope * np.asarray(quoted_k)
    mean = np.empty(np.broadcast_shapes(fixed.shape))
    steady = np.maximum((heat_w_m2 - electric_w_m2)[:settle].mean(0), 0.0)
    kelvin = np.maximum((steady / radiation) ** 0.25, LEAST_K)
    for turn in (settle, settle, len(fixed)):
        for k in range(turn):
            cubed = radiation * kelvin * kelvin * kelvin
            decay = np.maximum(pace * (4.0 * cubed + slope[k]), 1e-9)
            change = pace * (fixed[k] - (slope[k] + cubed) * kelvin) * (-np.expm1(-decay) / decay)
            following = np.maximum(kelvin + change, LEAST_K)
            mean[k] = 0.5 * (kelvin + following)
            kelvin = following
    return mean
