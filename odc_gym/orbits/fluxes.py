"""Fluxes from the Earth: infrared and reflected sunlight on plane faces, integrated over the visible cap.

The Earth is diffuse. The flux on a radiator's face depends on its attitude and on the zenith angle of the Sun at the
satellite. The zenith angle follows from cos zenith = cos beta cos orbit angle. The attitudes are:

- Knife edge: two faces whose normals are perpendicular to the Sun and to nadir. Where Sun and nadir are parallel, any
  horizontal normal receives the same flux. A knife edge that cannot follow stays perpendicular to the Sun, and lags by
  a roll angle about the direction of the Sun.
- Anti-Sun, nadir, zenith: one face each.

An attitude is one function that returns the normals of the faces; the quadrature takes any normal. A table over the
zenith angle needs one interpolation, where a table over beta and orbit angle would need two.
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
from odc_gym.physics.interpolation import interpolate

STEP_DEG = 1.0  # the error of interpolation over 1 deg is below 0.01 W/m2
LAG_STEP_DEG = 3.0  # the error of interpolation over 3 deg is below 0.1 W/m2
QUADRATURE_NODES = 64  # within 0.003 W/m2 of the result with four times as many nodes


@dataclass(frozen=True, eq=False)
class FluxTable:
    """Incident fluxes of one altitude and attitude, mean of the faces, at solar zenith angles of 0, 1 .. 180 deg.

    Attributes:
        altitude_m: altitude above the equatorial radius [m].
        attitude: attitude of the faces, one of `ATTITUDES`.
        infrared_w_m2: (L, 181) Earth's infrared [W/m2]; L = 1 where the attitude is always reached, else L = 31
            for lags of the roll angle of 0, 3 .. 90 deg.
        albedo_w_m2: (L, 181) reflected sunlight [W/m2].
    """

    altitude_m: float
    attitude: str
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
        lags: bool = False,
    ) -> FluxTable:
        """Build the table of one altitude and attitude; the quadrature behind it runs once for each.

        Args:
            altitude_m: altitude above the equatorial radius [m].
            infrared_w_m2: infrared that the Earth emits, the same everywhere [W/m2].
            albedo: fraction of sunlight that the Earth reflects diffusely.
            solar_w_m2: sunlight at Earth [W/m2].
            attitude: "knife_edge", "anti_sun", "nadir" or "zenith".
            lags: whether a knife edge lags behind its attitude.

        Raises:
            OrbitError: a value is not allowed.
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
        factors = _factors(attitude, float(altitude_m), lags)
        return cls(altitude_m, attitude, infrared_w_m2 * factors.infrared, albedo * solar_w_m2 * factors.albedo)

    def lookup(self, beta_rad: ArrayLike, orbit_angle_rad: ArrayLike, lag_rad: ArrayLike = 0.0) -> tuple[Array, Array]:
        """Return the incident infrared and reflected sunlight, mean of the faces.

        Args:
            beta_rad: angle between the Sun and the orbit plane [rad], any shape.
            orbit_angle_rad: angle in the orbit plane from orbit noon [rad], broadcasts against `beta_rad`.
            lag_rad: roll angle by which a knife edge lags [rad], -pi/2 to pi/2, broadcasts. Tables without
                lags ignore it.

        Returns:
            Infrared and reflected sunlight [W/m2], of the broadcast shape. The reflected sunlight holds for the
            `solar_w_m2` of the table; scale it to the Sun's flux of the day.
        """
        cosine = np.cos(np.asarray(beta_rad, dtype=np.float64)) * np.cos(np.asarray(orbit_angle_rad, dtype=np.float64))
        position = np.arccos(cosine) * (180 / (math.pi * STEP_DEG))
        if len(self.albedo_w_m2) == 1:
            found = np.empty((2, *np.shape(position)))
            tables = np.concatenate([self.infrared_w_m2, self.albedo_w_m2])
            interpolate(tables, np.ravel(position), found.reshape(2, -1))
            return found[0], found[1]
        row = np.abs(lag_rad) * (180 / (math.pi * LAG_STEP_DEG))
        low = np.minimum(row.astype(np.intp), len(self.albedo_w_m2) - 2)
        position, low, share = np.broadcast_arrays(position, low, row - low)
        infrared, reflected = (
            (1 - share) * _interpolate_row(table, position, low) + share * _interpolate_row(table, position, low + 1)
            for table in (self.infrared_w_m2, self.albedo_w_m2)
        )
        return infrared, reflected


def _interpolate_row(table: Array, position: Array, row: Array) -> Array:
    """Interpolate linearly in one row of a table for each position."""
    low = np.minimum(position.astype(np.intp), table.shape[-1] - 2)
    left, right = table[row, low], table[row, low + 1]
    return np.asarray(left + (position - low) * (right - left))


def edge_view_factor(altitude_m: float) -> float:
    """Return the view factor of the Earth per face, for a plate seen edge-on from Earth's centre.

    It is (asin(1/H) - sqrt(H^2 - 1) / H^2) / pi with H = 1 + altitude / radius. Source: Howell, A Catalog of Radiation
    Heat Transfer Configuration Factors, planar element to sphere, plane of the element through the centre.
    """
    ratio = 1 + altitude_m / EARTH_RADIUS_M
    return (math.asin(1 / ratio) - math.sqrt(ratio**2 - 1) / ratio**2) / math.pi


class Factors(NamedTuple):
    """Factors of the flux that faces receive; arrays of one shape.

    Attributes:
        infrared: view factor of the Earth.
        albedo: reflected flux over (albedo times sunlight).
    """

    infrared: Array
    albedo: Array


class Normal(NamedTuple):
    """Normals of faces in axes given by the Sun, which lies in the plane of zenith and `across`.

    The shapes of the components broadcast.

    Attributes:
        up: component along zenith.
        across: component along the horizontal direction towards the Sun.
        side: component along the other horizontal direction; its sign does not matter.
    """

    up: Array
    across: Array
    side: Array


def face_factors(altitude_m: float, zenith_rad: Array, normal: Normal, nodes: int = QUADRATURE_NODES) -> Factors:
    """Compute the factors of a face of any normal above a diffuse Earth.

    A surface element at the angle w from the nadir point and azimuth p sends (1/pi) cos(sun) cos(emission) max(0, n.d)
    / d^2 dA to a face of normal n. The integral over w is a Gauss sum. The integral over p has a closed form, because
    the arc that is lit and visible changes with w.

    Args:
        altitude_m: altitude above the equatorial radius [m].
        zenith_rad: zenith angle of the Sun [rad], any shape.
        normal: normal of the face, broadcasts against `zenith_rad`.
        nodes: nodes of the quadrature over w.

    Returns:
        Factors of the broadcast shape.
    """
    ratio = 1 + altitude_m / EARTH_RADIUS_M
    points, weights = np.polynomial.legendre.leggauss(nodes)
    edge = math.acos(1 / ratio)
    w = 0.5 * edge * (points + 1)
    distance2 = 1 + ratio**2 - 2 * ratio * np.cos(w)
    # dA cos(emission) / (d^3 dp); the remaining factor is n.d, d in Earth radii, times cos(sun) for reflected light
    kernel = 0.5 * edge * weights * np.sin(w) * (ratio * np.cos(w) - 1) / distance2**2 / math.pi
    zenith, up, across, side = (np.asarray(v)[..., None] for v in (zenith_rad, *normal))
    facing = (up * (np.cos(w) - ratio), np.hypot(across, side) * np.sin(w))  # n.d = mean + swing cos(p - turn)
    turn = np.arctan2(np.abs(side), across)
    lit = (np.cos(zenith) * np.cos(w), np.sin(zenith) * np.sin(w))  # cos(sun), of the same form with turn 0
    seen = _half_arc(*facing)
    infrared = 2 * (facing[0] * seen + facing[1] * np.sin(seen)) @ kernel
    return Factors(*np.broadcast_arrays(infrared, np.maximum(_azimuth_integral(facing, turn, lit) @ kernel, 0.0)))


def _azimuth_integral(facing: tuple[Array, Array], turn: Array, lit: tuple[Array, Array]) -> Array:
    """Integrate max(0, a + b cos(p - turn)) max(0, c + d cos p) over a turn, for facing (a, b) and lit (c, d).

    Each factor is positive on an arc: one centred at `turn`, which is 0 to pi, the other at 0. The arcs overlap in one
    interval, or in two if they also meet on the far side.
    """
    (a, b), (c, d) = facing, lit
    seen, bright = _half_arc(a, b), _half_arc(c, d)
    integral = np.zeros(np.broadcast_shapes(seen.shape, bright.shape, turn.shape))
    for centre in (turn, turn - 2 * math.pi):
        first = np.maximum(-bright, centre - seen)
        last = np.maximum(np.minimum(bright, centre + seen), first)
        integral += a * c * (last - first) + a * d * (np.sin(last) - np.sin(first))
        integral += b * c * (np.sin(last - turn) - np.sin(first - turn))
        integral += 0.5 * b * d * np.cos(turn) * (last - first)
        integral += 0.25 * b * d * (np.sin(2 * last - turn) - np.sin(2 * first - turn))
    return integral


def _half_arc(mean: Array, swing: Array) -> Array:
    """Return half of the arc on which mean + swing cos p > 0 [rad], for swing >= 0."""
    return np.arccos(np.clip(-mean / np.maximum(swing, 1e-300), -1.0, 1.0))


def _knife_edge(zenith: Array, lag: Array) -> list[Normal]:
    """Return the normals of both faces, perpendicular to the Sun.

    They are horizontal without lag, and lie in the plane of Sun and nadir at a lag of 90 deg.
    """
    one = Normal(-np.sin(lag) * np.sin(zenith), np.sin(lag) * np.cos(zenith), np.cos(lag) * np.ones_like(zenith))
    return [one, Normal(*(-part for part in one))]


ATTITUDES: dict[str, Callable[[Array, Array], list[Normal]]] = {
    "knife_edge": _knife_edge,
    "anti_sun": lambda zenith, lag: [Normal(-np.cos(zenith), -np.sin(zenith), 0.0 * zenith)],
    "nadir": lambda zenith, lag: [Normal(0.0 * zenith - 1.0, 0.0 * zenith, 0.0 * zenith)],
    "zenith": lambda zenith, lag: [Normal(0.0 * zenith + 1.0, 0.0 * zenith, 0.0 * zenith)],
}
"""Attitudes by name: functions of the Sun's zenith angle and the lag [rad] that return the normals of the faces."""


@lru_cache(maxsize=64)
def _factors(attitude: str, altitude_m: float, lags: bool) -> Factors:
    """Compute the mean factors of the faces, (L, 181).

    Rows are lags in steps of 3 deg, or one row without lag. Columns are zenith angles of the Sun in steps of 1 deg.
    """
    zenith = np.radians(np.arange(0, 180 + STEP_DEG / 2, STEP_DEG))
    rows = []
    for lag in np.radians(np.arange(0, 90 + LAG_STEP_DEG / 2, LAG_STEP_DEG)) if lags else [np.array(0.0)]:
        faces = [face_factors(altitude_m, zenith, normal) for normal in ATTITUDES[attitude](zenith, lag)]
        rows.append([np.mean([getattr(face, name) for face in faces], axis=0) for name in Factors._fields])
    tables = Factors(*np.array(rows).swapaxes(0, 1))
    for table in tables:
        table.flags.writeable = False
    return tables
