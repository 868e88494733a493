"""Where arrays and radiators point: cosines of incidence by tracking law, and normals of their faces.

Directions are in the orbit's own axes: up (zenith), along (the motion of a circular orbit), and normal (the angular
momentum). With beta the angle of the Sun above the orbit plane and the orbit angle counted from orbit noon, the Sun
stands at up = cos beta cos angle, along = -cos beta sin angle, normal = sin beta.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from odc_gym.errors import OrbitError
from odc_gym.orbits.frames import Array

ARRAY_LAWS = ("two_axis", "one_axis", "zenith", "along_track", "cross_track")
"""How an array points: at the Sun, as near to it as turning about the pitch axis allows, or fixed to the body.

The normal `cross_track` is that of the orbit plane, on the side where the Sun is: a body yaws when the Sun changes
sides.
"""

COSINE_UNTIL_DEG = 60.0
ROLL_STEP_S = 5.0  # in which a knife edge decides which way to roll
_KELLY_DEG = (COSINE_UNTIL_DEG, 80.0, 85.0, 90.0)
_KELLY_OVER_COSINE = (1.0, 0.100 / np.cos(np.radians(80.0)), 0.0, 0.0)  # of the cosine


class Direction(NamedTuple):
    """A direction in the orbit's axes; the components broadcast against each other."""

    up: Array
    along: Array
    normal: Array


def toward_sun(beta_rad: ArrayLike, orbit_angle_rad: ArrayLike) -> Direction:
    """Direction of the Sun, at an angle above the orbit plane and an angle from orbit noon [rad], any shapes."""
    beta, angle = np.asarray(beta_rad, dtype=np.float64), np.asarray(orbit_angle_rad, dtype=np.float64)
    plane = np.cos(beta)
    return Direction(*np.broadcast_arrays(plane * np.cos(angle), -plane * np.sin(angle), np.sin(beta)))


def array_normal(law: str, beta_rad: ArrayLike, orbit_angle_rad: ArrayLike) -> Direction:
    """Normal of an array's cells.

    Args:
        law: one of `ARRAY_LAWS`; `one_axis` turns about the pitch axis, the normal of the orbit plane.
        beta_rad: angle of the Sun above the orbit plane [rad], any shape.
        orbit_angle_rad: angle from orbit noon [rad], broadcasts against `beta_rad`.

    Raises:
        OrbitError: an unknown law.
    """
    sun = toward_sun(beta_rad, orbit_angle_rad)
    if law == "two_axis":
        return sun
    if law == "one_axis":  # the Sun's projection on the orbit plane, also where the Sun stands on the pitch axis
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
    """Cosine of the angle between the Sun and the normal of an array, negative where the Sun is behind it.

    1 with two axes, cos beta with one, and the normal's own component along the Sun when fixed. Arguments as in
    `array_normal`.
    """
    sun = toward_sun(beta_rad, orbit_angle_rad)
    if law == "two_axis":
        return np.ones(sun.up.shape)
    normal = array_normal(law, beta_rad, orbit_angle_rad)
    return np.asarray(sun.up * normal.up + sun.along * normal.along + sun.normal * normal.normal)


def cell_response(cosine: ArrayLike) -> Array:
    """Output of a solar cell over that in normal sunlight, from the cosine of incidence, any shape.

    The cosine up to 60 deg; beyond, cells give less, as the Kelly cosine says: 0.100 at 80 deg where the cosine is
    0.174, nothing from 85 deg on. Between these angles the share of the cosine is linear in the angle; the table's
    own 0.450 at 60 deg is left out for a law without a jump.

    Source: Kelly cosine of silicon cells, Patel, Spacecraft Power Systems (2005), table 8.1, as used by Wertz et al.
    """
    cosine = np.asarray(cosine, dtype=np.float64)
    degrees = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    share = np.interp(degrees, _KELLY_DEG, _KELLY_OVER_COSINE)
    return np.asarray(np.where(degrees <= COSINE_UNTIL_DEG, cosine, cosine * share))


def direct_cosine(attitude: str, cosine_zenith: ArrayLike, error_rad: ArrayLike) -> Array:
    """Cosine of incidence of the Sun on a radiator's face, 0 where the Sun is behind it.

    Args:
        attitude: "knife_edge", "anti_sun", "nadir" or "zenith".
        cosine_zenith: cosine of the Sun's zenith angle, any shape.
        error_rad: pointing error, all of it towards the Sun [rad], broadcasts.
    """
    zenith = np.asarray(cosine_zenith, dtype=np.float64)
    pointed = {"knife_edge": 0.0 * zenith, "anti_sun": 0.0 * zenith - 1.0, "nadir": -zenith, "zenith": zenith}[attitude]
    turned = pointed * np.cos(error_rad) + np.sqrt(np.maximum(1.0 - pointed * pointed, 0.0)) * np.sin(error_rad)
    return np.asarray(np.where(pointed >= np.cos(error_rad), 1.0, np.maximum(turned, 0.0)))


def edge_roll_rad(beta_rad: ArrayLike, orbit_angle_rad: ArrayLike) -> Array:
    """Roll about the Sun's direction that puts a knife edge to nadir [rad]; the two faces make it modulo pi.

    atan2(-sin beta cos angle, sin angle): at orbit noon it turns at the orbit's rate over sin beta.
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
    """How far a knife edge that rolls at most at a rate is from where it should be, mean over each of T steps [rad].

    It turns the shorter way to either face, as fast as it can, and knows nothing of what comes. The first `orbit_steps`
    steps are flown twice before.

    Args:
        beta_rad: (T, N) angle of the Sun above the orbit plane [rad].
        orbit_angle_rad: (T, N) angle from orbit noon at the middle of the steps [rad].
        advance_rad: (T, N) angle that is flown in the steps [rad].
        step_s: length of a step [s].
        orbit_steps: steps of an orbit.
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
