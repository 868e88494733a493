"""The Sun, frames, ground track and elevation against Skyfield at every instant, without interpolation."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from skyfield.api import load, load_file, wgs84
from skyfield.positionlib import Geocentric
from skyfield.units import Distance

from odc_gym.orbits import Constellation, GroundSite, build_ephemeris
from odc_gym.orbits.frames import Sky, _kernel_path, tt_days

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


@pytest.fixture(scope="module")
def kernel():
    file = load_file(_kernel_path())
    yield file
    file.close()


@pytest.fixture(scope="module", params=range(len(STARTS)), ids=lambda i: STARTS[i].strftime("%Y-%m-%d"))
def case(request):
    start = STARTS[request.param]
    c = Constellation.walker(altitude_km=550, inclination_deg=80, total=12, planes=3, phasing=1)
    e = build_ephemeris(c, start=start, steps=1440, sites=SITES)
    times = TIMESCALE.from_datetimes([start + timedelta(minutes=t) for t in range(0, 1440, EVERY)])
    return e, times


def apparent(kernel, times):
    return kernel["earth"].at(times).observe(kernel["sun"]).apparent().position.m.T


def test_sun_direction_distance_and_beta(case, kernel):
    e, times = case
    sun = apparent(kernel, times)
    distance = np.linalg.norm(sun, axis=1)
    assert np.linalg.norm(sun / distance[:, None] - e.sun_direction[::EVERY], axis=1).max() < 2e-8
    assert np.abs(distance / e.sun_distance_m[::EVERY] - 1).max() < 1e-8
    assert e.solar_flux_w_m2[::EVERY] == pytest.approx(1361 * (1.495978707e11 / distance) ** 2, rel=1e-7)
    # the plane from positions alone: two of them, a step apart
    normal = np.cross(e.position_gcrs_m[:-1], e.position_gcrs_m[1:])[::EVERY]
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    beta = np.degrees(np.arcsin((normal * (sun / distance[:, None])[:, None]).sum(axis=2)))
    assert np.abs(beta - np.degrees(e.beta_rad[::EVERY])).max() < 0.02


def test_interpolation_between_nodes(kernel):
    """Over 64 days at odd instants: everything that is interpolated, against Skyfield at those instants."""
    start = datetime(2027, 1, 1, tzinfo=UTC)
    days = tt_days(start) + np.linspace(0, 64, 997)
    sky = Sky(days)
    times = TIMESCALE.tt_jd(2451545.0 + days)
    rotation = np.moveaxis(times.M, -1, 0)
    sun = np.einsum("tij,tj->ti", rotation, apparent(kernel, times))
    assert np.abs(sky.sun_m - sun).max() / 1.496e11 < 1e-8
    assert np.abs(sky.rotation - rotation).max() < 1e-8
    assert np.abs(sky.rotation @ np.swapaxes(sky.rotation, 1, 2) - np.eye(3)).max() < 1e-9
    turn = np.exp(1j * sky.sidereal_rad) / np.exp(1j * times.gast * np.pi / 12)
    assert np.abs(np.angle(turn)).max() < 2e-8


def test_elements_are_in_the_true_equator_of_date(case):
    e, times = case
    normal = np.cross(e.position_gcrs_m[0, ::4], e.position_gcrs_m[0, 1::4])  # of two satellites in each plane
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    equinox, _, axis = times.M[:, :, 0]  # of date, in GCRS, at the start
    assert np.degrees(np.arccos(normal @ axis)) == pytest.approx(80, abs=1e-6)
    node = np.cross(axis, normal)
    turned = np.arctan2(node @ np.cross(axis, equinox), node @ equinox)
    assert np.degrees(turned) == pytest.approx([0, 120, -120], abs=1e-6)


def test_ground_track(case):
    e, times = case
    for s in range(6):
        place = Geocentric(Distance(m=e.position_gcrs_m[::EVERY, s].T).au, t=times)
        point = wgs84.geographic_position_of(place)
        assert np.abs(point.latitude.degrees - e.latitude_deg[::EVERY, s]).max() < 1e-5
        turn = point.longitude.degrees - e.longitude_deg[::EVERY, s]
        assert np.abs((turn + 180) % 360 - 180).max() < 1e-5
        assert np.abs(point.elevation.m - e.altitude_m[::EVERY, s]).max() < 0.1


def test_elevation(case):
    e, times = case
    for g, site in enumerate(SITES):
        observer = wgs84.latlon(site.latitude_deg, site.longitude_deg, site.altitude_m)
        for s in range(6):
            sight = Distance(m=e.position_gcrs_m[::EVERY, s].T).au - observer.at(times).position.au
            horizon = np.einsum("ijt,jt->it", observer.rotation_at(times), sight)  # north, east, up
            elevation = np.degrees(np.arcsin(horizon[2] / np.linalg.norm(sight, axis=0)))
            assert np.abs(elevation - e.elevation_deg[::EVERY, s, g]).max() < 1e-3
    assert e.elevation_deg.max() > 60 and e.elevation_deg.min() < -60
