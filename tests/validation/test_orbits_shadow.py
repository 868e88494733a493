"""Light against rays cast from the satellite to points of the Sun's disc past an oblate Earth."""

from datetime import UTC, datetime

import numpy as np
import pytest

from odc_gym.orbits import Constellation, build_ephemeris, sunlit_fraction

EQUATOR_M, POLE_M, SUN_M = 6378137.0, 6356752.3142, 6.957e8


def disc(points=48):
    """Points of equal area of the unit disc (n, 2)."""
    radius = np.sqrt((np.arange(points) + 0.5) / points)
    angle = 2 * np.pi * (np.arange(4 * points) + 0.5) / (4 * points)
    return np.stack([np.outer(radius, np.cos(angle)), np.outer(radius, np.sin(angle))], -1).reshape(-1, 2)


def rays_past_ellipsoid(position, sun):
    """(n,) part of the Sun's disc that is seen: a ray is stopped if it meets x^2/a^2 + y^2/a^2 + z^2/b^2 = 1 ahead."""
    scale = np.array([EQUATOR_M, EQUATOR_M, POLE_M])
    points = disc()
    fractions = []
    for r, s in zip(position, sun, strict=True):
        axis = s - r
        distance = np.linalg.norm(axis)
        axis /= distance
        first = np.cross(axis, [0.36, 0.48, 0.8])
        first /= np.linalg.norm(first)
        second = np.cross(axis, first)
        # the disc that is seen is the ring of tangent points
        size = SUN_M * np.sqrt(1 - (SUN_M / distance) ** 2)
        place = r + axis * (distance - SUN_M**2 / distance)
        targets = place + size * (points[:, :1] * first + points[:, 1:] * second)
        p, d = r / scale, (targets - r) / scale
        a, b, c = (d * d).sum(-1), (d * p).sum(-1), p @ p - 1
        fractions.append(1 - ((b < 0) & (b * b > a * c)).mean())
    return np.array(fractions)


@pytest.mark.parametrize(
    "altitude_km, inclination_deg, raan_deg, month",
    [(550, 53, 0, 3), (550, 53, 150, 6), (650, 98, 175, 6), (1400, 85, 95, 12), (300, 5, 10, 6)],
)
def test_fraction_against_rays(altitude_km, inclination_deg, raan_deg, month):
    c = Constellation.walker(
        altitude_km=altitude_km, inclination_deg=inclination_deg, total=3, planes=3, raan_deg=raan_deg
    )
    e = build_ephemeris(c, start=datetime(2026, month, 21, tzinfo=UTC), step_s=1.0, steps=7200)
    t, s = np.nonzero((e.sunlit_instant_frac > 0) & (e.sunlit_instant_frac < 1))
    margin = np.concatenate([t, np.clip(t - 8, 0, None), np.clip(t + 8, None, 7199)])
    pick = np.unique(np.stack([margin, np.tile(s, 3)], 1), axis=0)[:: max(1, len(t) // 60)]
    position = np.stack(e._xyz, -1)[pick[:, 0], pick[:, 1]]
    sun = e._sky.sun_m[1:-2][pick[:, 0]]
    ours = e.sunlit_instant_frac[pick[:, 0], pick[:, 1]]
    theirs = rays_past_ellipsoid(position, sun)
    assert len(pick) > 60 and (theirs == 0).any() and (theirs == 1).any() and ((theirs > 0.2) & (theirs < 0.8)).any()
    assert np.abs(ours - theirs).max() < 0.03
    assert abs((ours - theirs).mean()) < 0.005
    assert np.allclose(sunlit_fraction(position, sun), ours, atol=1e-9)


def centre_in_sight(position, sun):
    """(n,) whether the ray to the Sun's centre passes the ellipsoid."""
    scale = np.array([EQUATOR_M, EQUATOR_M, POLE_M])
    p, d = position / scale, (sun - position) / scale
    a, b, c = (d * d).sum(-1), (d * p).sum(-1), (p * p).sum(-1) - 1
    return (b > 0) | (b * b < a * c)


def test_minutes_of_a_day():
    """Darkness of a day is the time for which the Sun's centre is hidden: 0.5 min; a spherical Earth is 4 min off."""
    c = Constellation.sun_synchronous(altitude_km=650, local_time_h=18.0, total=1)
    start = datetime(2026, 6, 21, tzinfo=UTC)
    fine = build_ephemeris(c, start=start, step_s=5.0, steps=17280)
    by_rays = 1440 * (1 - centre_in_sight(np.stack(fine._xyz, -1)[:, 0], fine._sky.sun_m[1:-2]).mean())
    minutes = (1 - build_ephemeris(c, start=start, steps=1440).sunlit_frac).sum()
    assert minutes == pytest.approx(by_rays, abs=0.5)
