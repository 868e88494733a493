"""Oracles of orbits and light that share nothing with the package: forces, rays and the almanac's Sun; and a sample.

Numbers are written out again on purpose: a constant that is wrong in the package must disagree with them.
"""

import math
from datetime import UTC, datetime, timedelta
from functools import cache, reduce
from operator import add

import numpy as np
from scipy.stats import qmc

from odc_gym.orbits import Constellation, build_ephemeris
from odc_gym.orbits.mean_orbit import MeanShell

MU, RADIUS_M, POLE_M, J2 = 3.986004418e14, 6378137.0, 6356752.314245, 1.08262668e-3
SUN_M, AU_M, DAY_S = 6.957e8, 1.495978707e11, 86400
BAND = 0.012  # of an Earth radius around the limb, 76 km: the penumbra reaches 25 km at 2000 km altitude

EPOCHS = [datetime(2024, 1, 9, 5, 20, tzinfo=UTC) + timedelta(days=199, hours=7) * k for k in range(22)]
"""From January 2024 to June 2035, the seasons in turn."""
# altitude [km], inclination, node and argument of latitude [deg]: (22, 4, 4), four orbits an epoch, an even cover
ORBITS = qmc.scale(qmc.Halton(4, scramble=False).random(89)[1:], [400, 0, 0, 0], [2000, 100, 360, 360])
ORBITS = ORBITS.reshape(len(EPOCHS), 4, 4)


def single(altitude_km, inclination_deg, node_deg, argument_deg):
    """Return a constellation of one satellite on a circular orbit, from any position of it."""
    shell = MeanShell(
        altitude_m=1000.0 * altitude_km,
        inclination_rad=math.radians(inclination_deg),
        node_rad=(math.radians(node_deg),),
        argument_rad=(math.radians(argument_deg),),
    )
    return Constellation((shell,))


@cache
def sampled(k):
    """Return a day of the four orbits of epoch k in steps of a minute."""
    return sampled_finely(k, 60.0, 1440)


def sampled_finely(k, step_s, steps):
    """Return the day of `sampled` in finer steps; it is too large to cache."""
    orbits = reduce(add, [single(*orbit) for orbit in ORBITS[k]])
    return build_ephemeris(orbits, start=EPOCHS[k], step_s=step_s, steps=steps)


def positions_m(ephemeris):
    """Return (T, S, 3) positions and (T, 1, 3) Sun in the true equator of date."""
    return np.stack(ephemeris._xyz, axis=-1), (ephemeris._toward_sun * ephemeris.sun_distance_m[:, None])[:, None]


@cache
def disc(rings):
    """Return (4 rings^2, 2) points of the unit disc that represent equal areas."""
    radius = np.sqrt((np.arange(rings) + 0.5) / rings)
    angle = 2 * np.pi * (np.arange(4 * rings) + 0.5) / (4 * rings)
    return np.stack([np.outer(radius, np.cos(angle)), np.outer(radius, np.sin(angle))], -1).reshape(-1, 2)


def rays_past_ellipsoid(position, sun, rings=16, polar_radius_m=POLE_M):
    """Return the (n,) visible part of the Sun's disc from positions (n, 3).

    A ray to a point of the disc is stopped if it meets x^2/a^2 + y^2/a^2 + z^2/b^2 = 1 ahead. The disc that is seen is
    the ring of tangent points. Rays are cast where the one to the Sun's centre passes near the limb; elsewhere that
    one decides.
    """
    scale = np.array([RADIUS_M, RADIUS_M, polar_radius_m])
    position, sun = (np.asarray(v, dtype=float).reshape(-1, 3) for v in np.broadcast_arrays(position, sun))
    p, d = position / scale, (sun - position) / scale
    ahead = (d * p).sum(-1) < 0
    nearest = np.sqrt(np.maximum((p * p).sum(-1) - (d * p).sum(-1) ** 2 / (d * d).sum(-1), 0.0))
    fraction = np.where(ahead & (nearest < 1), 0.0, 1.0)
    for part in np.array_split(np.flatnonzero(ahead & (np.abs(nearest - 1) < BAND)), 1 + len(position) // 4000):
        fraction[part] = _cast(position[part], sun[part], disc(rings), scale)
    return fraction


def _cast(position, sun, points, scale):
    axis = sun - position
    distance = np.linalg.norm(axis, axis=1, keepdims=True)
    axis /= distance
    first = np.cross(axis, [0.36, 0.48, 0.8])
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(axis, first)
    size = SUN_M * np.sqrt(1 - (SUN_M / distance) ** 2)
    centre = (axis * (distance - SUN_M**2 / distance)) / scale
    # a d.d, b d.p of every ray, from the products of the three directions that make it
    first, second = first * size / scale, second * size / scale
    p = position / scale
    x, y = points.T
    square = (
        (centre * centre).sum(-1)[:, None]
        + (first * first).sum(-1)[:, None] * x * x
        + (second * second).sum(-1)[:, None] * y * y
        + 2 * (centre * first).sum(-1)[:, None] * x
        + 2 * (centre * second).sum(-1)[:, None] * y
        + 2 * (first * second).sum(-1)[:, None] * (x * y)
    )
    along = (centre * p).sum(-1)[:, None] + (first * p).sum(-1)[:, None] * x + (second * p).sum(-1)[:, None] * y
    outside = ((p * p).sum(-1) - 1)[:, None]
    return 1 - ((along < 0) & (along * along > square * outside)).mean(axis=1)


def almanac_sun(when):
    """Return the Sun's unit vector, mean equator of date, and its distance [m].

    Source: Astronomical Almanac, page C5, to 0.01 deg.
    """
    days = (when - datetime(2000, 1, 1, 12, tzinfo=UTC)) / timedelta(days=1)
    anomaly = math.radians(357.528 + 0.9856003 * days)
    longitude = mean_longitude_deg(when) + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly)
    obliquity, ecliptic = math.radians(23.439 - 4e-7 * days), math.radians(longitude)
    distance = AU_M * (1.00014 - 0.01671 * math.cos(anomaly) - 0.00014 * math.cos(2 * anomaly))
    x, y = math.cos(ecliptic), math.sin(ecliptic)
    return np.array([x, y * math.cos(obliquity), y * math.sin(obliquity)]), distance


def mean_longitude_deg(when):
    """Return the Sun's mean longitude, which is the right ascension of the mean Sun [deg]; same source."""
    return 280.460 + 0.9856474 * ((when - datetime(2000, 1, 1, 12, tzinfo=UTC)) / timedelta(days=1))


def node_rate_deg_day(altitude_km, inclination_deg):
    """Return the secular drift of the node of a circular orbit [deg/day]: -3/2 J2 (R/a)^2 n cos i."""
    a = RADIUS_M + 1000 * altitude_km
    rate = -1.5 * J2 * (RADIUS_M / a) ** 2 * math.sqrt(MU / a**3) * math.cos(math.radians(inclination_deg))
    return math.degrees(rate) * DAY_S


def j2_acceleration(_, state):
    """Return the derivative of the stacked states (6 n,) around a point mass with J2."""
    x, y, z = position = state.reshape(6, -1)[:3]
    squared = x * x + y * y + z * z
    pull = MU / (squared * np.sqrt(squared))
    bulge = 1.5 * J2 * RADIUS_M**2 / squared
    five = 5 * z * z / squared
    factor = np.stack([five - 1, five - 1, five - 3])
    return np.concatenate([state.reshape(6, -1)[3:], pull * position * (bulge * factor - 1)]).ravel()


def osculating(altitude_km, inclination_deg, node_deg, argument_deg):
    """Return (6,) state of a circular mean orbit with Brouwer's first-order short periods (Hoots and Roehrich 1980)."""
    a, i = RADIUS_M + 1000 * altitude_km, math.radians(inclination_deg)
    node, u = math.radians(node_deg), math.radians(argument_deg)
    g1 = 0.5 * J2 * RADIUS_M**2 / a
    g2 = g1 / a
    c, s2u, c2u = math.cos(i), math.sin(2 * u), math.cos(2 * u)
    n = math.sqrt(MU / a**3)
    radius = a * (1 - 1.5 * g2 * (3 * c * c - 1)) + 0.5 * g1 * (1 - c * c) * c2u
    argument = u - 0.25 * g2 * (7 * c * c - 1) * s2u
    node = node + 1.5 * g2 * c * s2u
    inclination = i + 1.5 * g2 * c * math.sin(i) * c2u
    outward = -n * g1 * (1 - c * c) * s2u
    onward = n * a + n * g1 * ((1 - c * c) * c2u + 1.5 * (3 * c * c - 1))
    cn, sn, ci, si = math.cos(node), math.sin(node), math.cos(inclination), math.sin(inclination)
    ca, sa = math.cos(argument), math.sin(argument)
    up = np.array([cn * ca - sn * sa * ci, sn * ca + cn * sa * ci, sa * si])
    ahead = np.array([-cn * sa - sn * ca * ci, -sn * sa + cn * ca * ci, ca * si])
    return np.concatenate([radius * up, outward * up + onward * ahead])
