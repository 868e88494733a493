"""Attitude of solar arrays and radiators: normals of their faces, and cosines of incidence of sunlight.

Directions are in the axes of the orbit: up (zenith), along (the velocity of a circular orbit), and normal (the angular
momentum). Beta is the angle of the Sun above the orbit plane, and the orbit angle is counted from orbit noon. The
direction of the Sun is then up = cos beta cos angle, along = -cos beta sin angle, normal = sin beta.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from odc_gym.errors import OrbitError
from odc_gym.orbits.frames import Array

ARRAY_LAWS = ("two_axis", "one_axis", "zenith", "along_track", "cross_track")
"""Tracking laws of an array.

`two_axis` points at the Sun. `one_axis` turns about the pitch axis towards the Sun. The other laws are fixed to the
body. The normal of `cross_track` is that of the orbit plane on the side of the Sun, so the body yaws when the Sun
changes sides.
"""

COSINE_UNTIL_DEG = 60.0
ROLL_STEP_S = 5.0  # interval at which a knife edge chooses its direction of roll
_KELLY_DEG = (COSINE_UNTIL_DEG, 80.0, 85.0, 90.0)
_KELLY_OVER_COSINE = (1.0, 0.100 / np.cos(np.radians(80.0)), 0.0, 0.0)  # over the cosine


class Direction(NamedTuple):
    """Unit vectors in the axes of the orbit; the components broadcast against each other."""

    up: Array
    along: Array
    normal: Array


def toward_sun(beta_rad: ArrayLike, orbit_angle_rad: ArrayLike) -> Direction:
    """Return the direction of the Sun for a beta angle and an angle from orbit noon [rad], any shapes."""
    beta, angle = np.asarray(beta_rad, dtype=np.float64), np.asarray(orbit_angle_rad, dtype=np.float64)
    plane = np.cos(beta)
    return Direction(*np.broadcast_arrays(plane * np.cos(angle), -plane * np.sin(angle), np.sin(beta)))


def array_normal(law: str, beta_rad: ArrayLike, orbit_angle_rad: ArrayLike) -> Direction:
    """Return the normal of an array's cells.

    Args:
        law: one of `ARRAY_LAWS`; `one_axis` turns about the pitch axis, the normal of the orbit plane.
        beta_rad: angle of the Sun above the orbit plane [rad], any shape.
        orbit_angle_rad: angle from orbit noon [rad], broadcasts against `beta_rad`.

    Raises:
        OrbitError: the law is unknown.
    """
    sun = toward_sun(beta_rad, orbit_angle_rad)
    if law == "two_axis":
        return sun
    if law == "one_axis":  # the Sun's projection on the orbit plane, defined also where the Sun is on the pitch axis
        angle = np.broadcast_to(np.asarray(orbit_angle_rad, dtype=np.float64), sun.up.shape)
        return Direction(np.cos(angle), -np.sin(angle), np.zeros_like(angle))
    none, one = np.zeros(sun.up.shape), np.ones(sun.up.shape)
    fixed = {
        "zenith": Direction(one, none, none),
        "along_track": Direction(none, one, none),
        "cross_track": Direction(none, none, np.where(sun.normal < 0.0, -one, one)),
    }
    if law not in fixed:
        raise OrbitError(f"law = {law}: must be one of {', '.join(ARRAY_LAWS)}")
    return fixed[law]


def incidence_cosine(law: str, beta_rad: ArrayLike, orbit_angle_rad: ArrayLike) -> Array:
    """Return the cosine of the angle between the Sun and the normal of an array; it is negative behind the array.

    The cosine is 1 for two axes and cos beta for one axis. A fixed array has the component of its normal along the Sun.
    The arguments are those of `array_normal`.
    """
    if law == "two_axis":
        return np.ones(np.broadcast_shapes(np.shape(beta_rad), np.shape(orbit_angle_rad)))
    sun = toward_sun(beta_rad, orbit_angle_rad)
    normal = array_normal(law, beta_rad, orbit_angle_rad)
    return np.asarray(sun.up * normal.up + sun.along * normal.along + sun.normal * normal.normal)


def cell_response(cosine: ArrayLike) -> Array:
    """Return the output of a solar cell over its output in normal sunlight, from the cosine of incidence, any shape.

    The response is the cosine up to 60 deg. Beyond, cells give less, following the Kelly cosine: 0.100 at 80 deg, where
    the cosine is 0.174, and 0 from 85 deg on. Between these angles the ratio to the cosine is linear in the angle. The
    table's own value of 0.450 at 60 deg is left out, because it would make the response jump.

    Source: Kelly cosine of silicon cells, Patel, Spacecraft Power Systems (2005), table 8.1, as used by Wertz et al.
    """
    cosine = np.asarray(cosine, dtype=np.float64)
    degrees = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    share = np.interp(degrees, _KELLY_DEG, _KELLY_OVER_COSINE)
    return np.asarray(np.where(degrees <= COSINE_UNTIL_DEG, cosine, cosine * share))


def direct_cosine(attitude: str, cosine_zenith: ArrayLike, error_rad: ArrayLike) -> Array:
    """Return the cosine of incidence of the Sun on a radiator's face; it is 0 where the Sun is behind the face.

    Args:
        attitude: "knife_edge", "anti_sun", "nadir" or "zenith".
        cosine_zenith: cosine of the Sun's zenith angle, any shape.
        error_rad: pointing error [rad], taken towards the Sun in full; broadcasts.
    """
    zenith = np.asarray(cosine_zenith, dtype=np.float64)
    pointed = {"knife_edge": 0.0 * zenith, "anti_sun": 0.0 * zenith - 1.0, "nadir": -zenith, "zenith": zenith}[attitude]
    turned = pointed * np.cos(error_rad) + np.sqrt(np.maximum(1.0 - pointed * pointed, 0.0)) * np.sin(error_rad)
    return np.asarray(np.where(pointed >= np.cos(error_rad), 1.0, np.maximum(turned, 0.0)))


def edge_roll_rad(beta_rad: ArrayLike, orbit_angle_rad: ArrayLike) -> Array:
    """Return the roll about the Sun's direction that turns a knife edge to nadir [rad].

    The two faces are alike, so the roll counts modulo pi. It is atan2(-sin beta cos angle, sin angle). At orbit noon it
    changes at the orbit's rate over sin beta.
    """
    beta, angle = np.asarray(beta_rad, dtype=np.float64), np.asarray(orbit_angle_rad, dtype=np.float64)
    return np.asarray(np.arctan2(-np.sin(beta) * np.cos(angle), np.sin(angle)))


def edge_lag_rad(
    beta_rad: Array,
    orbit_angle_rad: Array,
    advance_rad: Array,
    *,
    step_s: float,
    orbit_steps: int,
    rate_rad_s: ArrayLike,
) -> Array:
    """Return the mean angle in each of T steps between a rate-limited knife edge and its wanted roll [rad].

    The knife edge turns the shorter way to either face at its largest rate, without looking ahead. Before the first
    step, the first `orbit_steps` steps are flown twice, so that the initial roll has no effect.

    Args:
        beta_rad: (T, N) angle of the Sun above the orbit plane [rad].
        orbit_angle_rad: (T, N) angle from orbit noon at the middle of the steps [rad].
        advance_rad: (T, N) orbit angle that passes in each step [rad].
        step_s: length of a step [s].
        orbit_steps: number of steps in an orbit.
        rate_rad_s: largest roll rate [rad/s], a float or (N,).

    Returns:
        (T, N) absolute lag [rad], 0 to pi/2.
    """
    substeps = math.ceil(step_s / ROLL_STEP_S)
    largest_turn = np.asarray(rate_rad_s) * (step_s / substeps)
    lag = np.zeros(beta_rad.shape)
    roll = edge_roll_rad(beta_rad[0], orbit_angle_rad[0] - 0.5 * advance_rad[0])
    share = ((np.arange(substeps) + 1.0) / substeps - 0.5)[:, None]
    for count in (orbit_steps, orbit_steps, len(lag)):
        for k in range(count):
            lag[k] = 0.0
            for target in edge_roll_rad(beta_rad[k], orbit_angle_rad[k] + share * advance_rad[k]):
                error = (target - roll + 0.5 * math.pi) % math.pi - 0.5 * math.pi
                turned = np.clip(error, -largest_turn, largest_turn)
                roll = roll + turned
                lag[k] += np.abs(error - turned) / substeps
    return lag
