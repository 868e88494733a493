"""Two-line elements against the sgp4 package, called one instant at a time, and against Skyfield's satellites."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sgp4.api import WGS72, Satrec, jday
from sgp4.exporter import export_tle
from skyfield.api import EarthSatellite, load, wgs84
from skyfield.framelib import itrs

from odc_gym.orbits import Constellation, GroundSite, build_ephemeris

START = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


def element_set(number, inclination, node, eccentricity, perigee, anomaly, revolutions, drag=2e-5):
    """Lines with the epoch at START."""
    satellite = Satrec()
    days = (START - datetime(1949, 12, 31, tzinfo=UTC)) / timedelta(days=1)
    angles = np.radians([perigee, inclination, anomaly])
    satellite.sgp4init(
        WGS72,
        "i",
        number,
        days,
        drag,
        0.0,
        0.0,
        eccentricity,
        *angles,
        revolutions * 2 * np.pi / 1440,
        np.radians(node),
    )
    satellite.classification, satellite.intldesg = "U", "26001A"
    return export_tle(satellite)


TLES = [
    element_set(90001, 53.05, 120.0, 0.0001400, 90.0, 270.0, 15.06),
    element_set(90002, 97.98, 310.0, 0.0011, 40.0, 10.0, 14.72),
    element_set(90003, 30.0, 10.0, 0.02, 200.0, 100.0, 14.2),
    element_set(90004, 63.4, 50.0, 0.7, 270.0, 0.0, 2.006, 0.0),  # a Molniya orbit: the deep-space branch
]


@pytest.fixture(scope="module")
def ephemeris():
    return build_ephemeris(Constellation.from_tle(TLES), start=START, step_s=60.0, steps=1440)


def test_distance_and_plane_against_single_calls(ephemeris):
    for t in (0, 1, 700, 1439):
        when = START + timedelta(seconds=60 * t)
        days = jday(when.year, when.month, when.day, when.hour, when.minute, when.second)
        for s, lines in enumerate(TLES):
            code, position, velocity = Satrec.twoline2rv(*lines).sgp4(*days)
            ours = np.array([axis[t, s] for axis in ephemeris._xyz])
            assert code == 0
            # the turn from TEME to the true equinox is about z: height, distance and the plane's tilt are untouched
            assert ours[2] == pytest.approx(position[2] * 1e3, abs=0.1)
            assert np.linalg.norm(ours) == pytest.approx(np.linalg.norm(position) * 1e3, abs=0.1)
            normal = np.cross(position, velocity)
            assert ephemeris._motion.normal[2][t + 1, s] == pytest.approx(normal[2] / np.linalg.norm(normal), abs=1e-9)


def test_against_skyfield_satellites(ephemeris):
    timescale = load.timescale(builtin=True)
    times = timescale.from_datetimes([START + timedelta(seconds=60 * t) for t in range(0, 1440, 111)])
    for s, lines in enumerate(TLES):
        theirs = EarthSatellite(*lines, ts=timescale).at(times)
        assert np.abs(ephemeris.position_gcrs_m[::111, s] - theirs.position.m.T).max() < 1.0
        fixed = theirs.frame_xyz(itrs).m.T
        assert np.abs(ephemeris._position_ecef_m[::111, s] - fixed).max() < 1.0


def test_beta_of_elements_against_skyfield_velocity(ephemeris):
    timescale = load.timescale(builtin=True)
    times = timescale.from_datetimes([START + timedelta(seconds=60 * t) for t in range(0, 1440, 111)])
    for s, lines in enumerate(TLES):
        theirs = EarthSatellite(*lines, ts=timescale).at(times)
        normal = np.cross(theirs.position.m.T, theirs.velocity.m_per_s.T)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        beta = np.arcsin((normal * ephemeris.sun_direction[::111]).sum(axis=1))
        assert np.abs(np.degrees(ephemeris.beta_rad[::111, s] - beta)).max() < 1e-3


def test_ground_track_and_elevation_against_skyfield():
    site = GroundSite(name="Svalbard", latitude_deg=78.23, longitude_deg=15.41, altitude_m=458)
    e = build_ephemeris(Constellation.from_tle(TLES), start=START, steps=1440, sites=[site])
    timescale = load.timescale(builtin=True)
    times = timescale.from_datetimes([START + timedelta(seconds=60 * t) for t in range(0, 1440, 7)])
    place = wgs84.latlon(site.latitude_deg, site.longitude_deg, site.altitude_m)
    for s, lines in enumerate(TLES):
        satellite = EarthSatellite(*lines, ts=timescale)
        elevation, _, _ = (satellite - place).at(times).altaz()
        assert np.abs(elevation.degrees - e.elevation_deg[::7, s, 0]).max() < 1e-3
        below = wgs84.geographic_position_of(satellite.at(times))
        assert np.abs(below.latitude.degrees - e.latitude_deg[::7, s]).max() < 1e-5
        turn = below.longitude.degrees - e.longitude_deg[::7, s]
        assert np.abs((turn + 180) % 360 - 180).max() < 1e-5
        assert np.abs(below.elevation.m - e.altitude_m[::7, s]).max() < 1


def test_closed_form_beside_sgp4():
    """The same mean elements flown by both theories: a few km of short-period motion, no drift."""
    radius_km = 6378.135 + 550
    mean_motion = np.sqrt(398600.8 / radius_km**3)
    # an element set carries Kozai's mean motion, which adds the secular rate of the anomaly at e = 0
    rate = 1.5 * 1.0826e-3 * (6378.135 / radius_km) ** 2 * (1 - 1.5 * np.sin(np.radians(53.0)) ** 2)
    revolutions = mean_motion * (1 + rate) * 86400 / (2 * np.pi)
    lines = element_set(90005, 53.0, 40.0, 0.0, 0.0, 0.0, revolutions, drag=0.0)
    theirs = build_ephemeris(Constellation.from_tle([lines]), start=START, steps=1440)
    ours = build_ephemeris(
        Constellation.walker(altitude_km=550, inclination_deg=53, total=1, planes=1, raan_deg=40),
        start=START,
        steps=1440,
    )
    error_km = np.linalg.norm(ours.position_gcrs_m - theirs.position_gcrs_m, axis=2) / 1000
    assert error_km.max() < 20
    assert np.abs(np.degrees(ours.beta_rad - theirs.beta_rad)).max() < 0.06
