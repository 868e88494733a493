"""The Sun, frames, ground track and elevation against Skyfield at every instant, without interpolation."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pytest
from comparison import compares
from orbit_oracles import AU_M, EPOCHS, sampled
from skyfield.api import load, load_file, wgs84
from skyfield.positionlib import Geocentric
from skyfield.units import Distance

from odc_gym.orbits import Constellation, GroundSite, build_ephemeris
from odc_gym.orbits.frames import Sky, _kernel_path, tt_days

CHAPTER = "Orbits and light"
STARTS = [
    datetime(2027, 2, 11, 7, 13, 5, tzinfo=UTC),
    datetime(2026, 9, 23, tzinfo=UTC),
    datetime(2044, 6, 21, 23, tzinfo=UTC),
]
SITES = [
    GroundSite(name="Svalbard", latitude_deg=78.23, longitude_deg=15.41, altitude_m=458),
    GroundSite(name="Punta Arenas", latitude_deg=-52.94, longitude_deg=-70.85, altitude_m=10),
    GroundSite(name="Quito", latitude_deg=-0.2, longitude_deg=281.5, altitude_m=2850),
]
EVERY = 97
TIMESCALE = load.timescale(builtin=True)


def skyfield(quantity, unit, tolerance, chapter=CHAPTER, oracle="Skyfield", **options):
    return compares(chapter, quantity, unit, oracle, tolerance, package="skyfield", **options)


def sun_m(times):
    """Return the (T, 3) apparent Sun in GCRS."""
    with closing(load_file(_kernel_path())) as kernel:
        return kernel["earth"].at(times).observe(kernel["sun"]).apparent().position.m.T


@cache
def instants(start):
    return TIMESCALE.from_datetimes([start + timedelta(minutes=t) for t in range(0, 1440, EVERY)])


@cache
def polar(start):
    """Return a day of twelve satellites at 550 km and 80 deg, over three sites."""
    c = Constellation.walker(altitude_km=550, inclination_deg=80, total=12, planes=3, phasing=1)
    return build_ephemeris(c, start=start, steps=1440, sites=SITES)


@cache
def twelve_years():
    """Return instants of 2024 to 2035, 41 h apart, and our Sun there."""
    days = tt_days(datetime(2024, 1, 1, tzinfo=UTC)) + np.arange(0, 4383, 41 / 24)
    sky = Sky(days)
    return TIMESCALE.tt_jd(2451545.0 + days), sky.sun_m, sky


@skyfield("Direction of the Sun, 2024 to 2035", "deg", 0.001, oracle="DE421 by Skyfield")
def test_sun_direction():
    times, ours, _ = twelve_years()
    theirs = np.einsum("ijt,tj->ti", times.M, sun_m(times))
    ours, theirs = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (ours, theirs))
    return np.degrees(np.linalg.norm(ours - theirs, axis=1)), 0.0


@skyfield("Distance of the Sun, 2024 to 2035", "au", 1e-7, oracle="DE421 by Skyfield")
def test_sun_distance():
    times, ours, _ = twelve_years()
    return np.linalg.norm(ours, axis=1) / AU_M, np.linalg.norm(sun_m(times), axis=1) / AU_M


@skyfield(
    "Sunlight above the atmosphere, 2024 to 2035",
    "W/m²",
    0.01,
    oracle="1361 W/m² at 1 au (Kopp and Lean 2011), DE421 by Skyfield",
    note="The values are 1317 W/m² in July and 1408 W/m² in January.",
)
def test_solar_flux():
    ours = np.concatenate([sampled(k).solar_flux_w_m2[::EVERY] for k in range(len(EPOCHS))])
    theirs = [1361.0 * (AU_M / np.linalg.norm(sun_m(instants(start)), axis=1)) ** 2 for start in EPOCHS]
    return ours, np.concatenate(theirs)


@skyfield("Angle of the Sun above orbit planes at 80 deg, 2024 to 2035", "deg", 0.001, oracle="DE421 by Skyfield")
def test_beta():
    """The plane from positions alone, of two satellites in it."""
    ours, theirs = [], []
    for start in EPOCHS:
        e, sun = polar(start), sun_m(instants(start))
        normal = np.cross(e.position_gcrs_m[::EVERY, ::4], e.position_gcrs_m[::EVERY, 1::4])
        normal /= np.linalg.norm(normal, axis=2, keepdims=True)
        sun /= np.linalg.norm(sun, axis=1, keepdims=True)
        theirs.append(np.degrees(np.arcsin(np.einsum("tsi,ti->ts", normal, sun))))
        ours.append(np.degrees(e.beta_rad[::EVERY, ::4]))
    return np.array(ours), np.array(theirs)


def test_interpolation_between_nodes():
    """Over 64 days at odd instants: everything that is interpolated, against Skyfield at those instants."""
    days = tt_days(datetime(2027, 1, 1, tzinfo=UTC)) + np.linspace(0, 64, 997)
    sky = Sky(days)
    times = TIMESCALE.tt_jd(2451545.0 + days)
    rotation = np.moveaxis(times.M, -1, 0)
    sun = np.einsum("tij,tj->ti", rotation, sun_m(times))
    assert np.abs(sky.sun_m - sun).max() / 1.496e11 < 1e-8
    assert np.abs(sky.rotation - rotation).max() < 1e-8
    assert np.abs(sky.rotation @ np.swapaxes(sky.rotation, 1, 2) - np.eye(3)).max() < 1e-9
    turn = np.exp(1j * sky.sidereal_rad) / np.exp(1j * times.gast * np.pi / 12)
    assert np.abs(np.angle(turn)).max() < 2e-8


@pytest.mark.parametrize("start", STARTS)
def test_elements_are_in_the_true_equator_of_date(start):
    e = polar(start)
    normal = np.cross(e.position_gcrs_m[0, ::4], e.position_gcrs_m[0, 1::4])  # of two satellites in each plane
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    equinox, _, axis = instants(start).M[:, :, 0]  # of date, in GCRS, at the start
    assert np.degrees(np.arccos(normal @ axis)) == pytest.approx(80, abs=1e-6)
    node = np.cross(axis, normal)
    turned = np.arctan2(node @ np.cross(axis, equinox), node @ equinox)
    assert np.degrees(turned) == pytest.approx([0, 120, -120], abs=1e-6)


@cache
def points():
    """Return Skyfield's geodetic places of our positions and our own values, every 97th minute of 22 days."""
    places, ours = [], []
    for k, start in enumerate(EPOCHS):
        e = sampled(k)
        ours.append([e.latitude_deg[::EVERY], e.longitude_deg[::EVERY], e.altitude_m[::EVERY]])
        for s in range(4):
            place = Geocentric(Distance(m=e.position_gcrs_m[::EVERY, s].T).au, t=instants(start))
            point = wgs84.geographic_position_of(place)
            places.append([point.latitude.degrees, point.longitude.degrees, point.elevation.m])
    theirs = np.array(places).reshape(len(EPOCHS), 4, 3, -1).transpose(2, 0, 3, 1)
    return np.array(ours).swapaxes(0, 1), theirs


@skyfield("Sub-satellite latitude, 88 orbits", "deg", 0.005)
def test_latitude():
    ours, theirs = points()
    return ours[0], theirs[0]


@skyfield("Sub-satellite longitude, 88 orbits", "deg", 0.005)
def test_longitude():
    ours, theirs = points()
    return ours[1], ours[1] - ((ours[1] - theirs[1] + 180) % 360 - 180)


@skyfield("Altitude above the ellipsoid, 88 orbits", "m", 1.0)
def test_altitude():
    ours, theirs = points()
    return ours[2], theirs[2]


@skyfield("Elevation from three ground sites, far south to far north", "deg", 0.05)
def test_elevation():
    ours, theirs = [], []
    for start in STARTS:
        e, times = polar(start), instants(start)
        for g, site in enumerate(SITES):
            observer = wgs84.latlon(site.latitude_deg, site.longitude_deg, site.altitude_m)
            place, turn = observer.at(times).position.m, observer.rotation_at(times)
            for s in range(6):
                sight = e.position_gcrs_m[::EVERY, s].T - place
                horizon = np.einsum("ijt,jt->it", turn, sight)  # north, east, up
                theirs.append(np.degrees(np.arcsin(horizon[2] / np.linalg.norm(sight, axis=0))))
                ours.append(e.elevation_deg[::EVERY, s, g])
    assert np.max(ours) > 60 and np.min(ours) < -60
    return np.array(ours), np.array(theirs)
