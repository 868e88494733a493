"""Two-line elements against the verification cases of the sgp4 package, and against Skyfield's satellites."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pkgutil import get_data

import numpy as np
import pytest
from comparison import compares
from orbit_oracles import EPOCHS
from sgp4.api import WGS72, Satrec
from sgp4.exporter import export_tle
from skyfield.api import EarthSatellite, load, wgs84

from odc_gym.elements import read_lines
from odc_gym.elements.tle import epoch_of
from odc_gym.errors import OrbitError
from odc_gym.orbits import Constellation, GroundSite, build_ephemeris
from odc_gym.orbits.sgp4_propagation import ElementGroup, propagate

CHAPTER = "Orbits and light"
EVERY = 111
STARTS = EPOCHS[::4]
SITE = GroundSite(name="Svalbard", latitude_deg=78.23, longitude_deg=15.41, altitude_m=458)
WRONG_CHECKSUMS = ("33333", "33334", "33335")  # the cases of broken elements have them
GIVE_UP = ("33333", "33334")
CHECKSUM = {"-": 1} | {str(digit): digit for digit in range(10)}


@cache
def verification_cases():
    """Return lines, minutes since epoch (R,) and positions in TEME (R, 3) [km] of each case."""
    lines = [line for line in get_data("sgp4", "SGP4-VER.TLE").decode().splitlines() if line[:2] in ("1 ", "2 ")]
    blocks = get_data("sgp4", "tcppver.out").decode().split(" xx\n")[1:]
    cases = []
    for first, second, block in zip(lines[::2], lines[1::2], blocks, strict=True):
        rows = [line.split() for line in block.splitlines()]
        table = np.array([row[:4] for row in rows if len(row) >= 7], dtype=float)
        cases.append(((first[:69], second[:69]), table[:, 0], table[:, 1:]))
    return cases


def right_checksum(line):
    return line[:68] + str(sum(CHECKSUM.get(c, 0) for c in line[:68]) % 10)


@compares(
    CHAPTER,
    "SGP4 positions of the official verification cases, near and deep space",
    "m",
    "results in AIAA 2006-6753 as shipped with sgp4",
    0.005,
    package="sgp4",
)
def test_verification_cases():
    ours, theirs = [], []
    for lines, minutes, position_km in verification_cases():
        if lines[0][2:7] in GIVE_UP:
            continue
        group = ElementGroup(read_lines([tuple(map(right_checksum, lines))]), allow_old=True)
        motion = propagate(group, epoch_of(lines[0]), minutes * 60, np.zeros(minutes.size))
        ours.append(np.hstack(motion.position_m))
        theirs.append(position_km * 1000)
    assert len(ours) == 31
    return np.concatenate(ours), np.concatenate(theirs)


def test_broken_verification_cases_are_refused():
    for lines, *_ in verification_cases():
        if lines[0][2:7] in WRONG_CHECKSUMS:
            with pytest.raises(OrbitError, match="checksum"):
                Constellation.from_tle([lines])
        if lines[0][2:7] in GIVE_UP:
            group = ElementGroup(read_lines([tuple(map(right_checksum, lines))]), allow_old=True)
            elapsed_s = np.arange(0.0, 150.0) * 60
            with pytest.raises(OrbitError, match="no position at"):
                propagate(group, epoch_of(lines[0]), elapsed_s, np.zeros(elapsed_s.size))


def element_set(start, number, inclination, node, eccentricity, perigee, anomaly, revolutions, drag=2e-5):
    """Return the lines of an element set with the epoch at the start."""
    satellite = Satrec()
    days = (start - datetime(1949, 12, 31, tzinfo=UTC)) / timedelta(days=1)
    angles = np.radians([perigee, inclination, anomaly])
    motion = revolutions * 2 * np.pi / 1440
    satellite.sgp4init(WGS72, "i", number, days, drag, 0.0, 0.0, eccentricity, *angles, motion, np.radians(node))
    satellite.classification, satellite.intldesg = "U", "26001A"
    return export_tle(satellite)


@cache
def element_sets(start):
    return [
        element_set(start, 90001, 53.05, 120.0, 0.0001400, 90.0, 270.0, 15.06),
        element_set(start, 90002, 97.98, 310.0, 0.0011, 40.0, 10.0, 14.72),
        element_set(start, 90003, 30.0, 10.0, 0.02, 200.0, 100.0, 14.2),
        element_set(start, 90004, 0.03, 200.0, 0.0003, 10.0, 50.0, 15.54),  # 400 km
        element_set(start, 90005, 99.9, 75.0, 0.001, 20.0, 300.0, 11.33),  # 2000 km
        element_set(start, 90006, 63.4, 50.0, 0.7, 270.0, 0.0, 2.006, 0.0),  # a Molniya orbit: the deep-space branch
    ]


@cache
def flown(start):
    """Return our day of the element sets, and Skyfield's satellites at every 111th of its instants."""
    timescale = load.timescale(builtin=True)
    times = timescale.from_datetimes([start + timedelta(minutes=t) for t in range(0, 1440, EVERY)])
    lines = element_sets(start)
    # the group is built by hand, because a constellation refuses orbits outside the altitudes of the models
    satellites = Constellation((ElementGroup(read_lines(lines)),))
    ours = build_ephemeris(satellites, start=start, steps=1440, sites=[SITE])
    place = wgs84.latlon(SITE.latitude_deg, SITE.longitude_deg, SITE.altitude_m)
    satellites = [EarthSatellite(*pair, ts=timescale) for pair in lines]
    theirs = [satellite.at(times) for satellite in satellites]
    elevation = [(satellite - place).at(times).altaz()[0].degrees for satellite in satellites]
    return ours, theirs, np.array(elevation).T


def both(ours, theirs):
    """Return values of all epochs: `ours` of an ephemeris (T, S, ...), `theirs` of a Skyfield position (T, ...)."""
    mine = [ours(flown(start)[0])[::EVERY] for start in STARTS]
    other = [np.stack([theirs(position) for position in flown(start)[1]], axis=1) for start in STARTS]
    return np.array(mine), np.array(other)


def skyfield(quantity, unit, tolerance, **options):
    return compares(CHAPTER, quantity, unit, "EarthSatellite, Skyfield", tolerance, package="skyfield", **options)


@skyfield("TLE positions in GCRS over a day, six element sets, 2024 to 2035", "m", 1.0)
def test_positions():
    return both(lambda e: e.position_gcrs_m, lambda position: position.position.m.T)


@skyfield("TLE sub-satellite latitude", "deg", 0.001)
def test_latitude():
    return both(lambda e: e.latitude_deg, lambda p: wgs84.geographic_position_of(p).latitude.degrees)


@skyfield("TLE sub-satellite longitude", "deg", 0.001)
def test_longitude():
    ours, theirs = both(lambda e: e.longitude_deg, lambda p: wgs84.geographic_position_of(p).longitude.degrees)
    return ours, ours - ((ours - theirs + 180) % 360 - 180)


@skyfield("TLE altitude above the ellipsoid", "m", 1.0)
def test_altitude():
    return both(lambda e: e.altitude_m, lambda p: wgs84.geographic_position_of(p).elevation.m)


@skyfield("TLE elevation over a site at 78 deg north", "deg", 0.005)
def test_elevation():
    return (
        np.array([flown(start)[0].elevation_deg[::EVERY, :, 0] for start in STARTS]),
        np.array([flown(start)[2] for start in STARTS]),
    )


@skyfield("TLE orbit planes: angle between the normals", "deg", 0.001)
def test_orbit_normals():
    """The Sun's angle above the plane depends on these normals."""

    def normal(e):
        components = np.stack(e._normal, axis=-1)
        return np.einsum("tji,tsj->tsi", e._sky.rotation[e._at_steps], components)

    def unit(position):
        vector = np.cross(position.position.m.T, position.velocity.m_per_s.T)
        return vector / np.linalg.norm(vector, axis=1, keepdims=True)

    ours, theirs = both(normal, unit)
    return np.degrees(np.linalg.norm(ours - theirs, axis=-1)), 0.0


def test_closed_form_beside_sgp4():
    """The same mean elements flown by both theories: a few km of short-period motion, no drift."""
    start = EPOCHS[0]
    radius_km = 6378.135 + 550
    mean_motion = np.sqrt(398600.8 / radius_km**3)
    # an element set carries Kozai's mean motion, which adds the secular rate of the anomaly at e = 0
    rate = 1.5 * 1.0826e-3 * (6378.135 / radius_km) ** 2 * (1 - 1.5 * np.sin(np.radians(53.0)) ** 2)
    revolutions = mean_motion * (1 + rate) * 86400 / (2 * np.pi)
    lines = element_set(start, 90007, 53.0, 40.0, 0.0, 0.0, 0.0, revolutions, drag=0.0)
    theirs = build_ephemeris(Constellation.from_tle([lines]), start=start, steps=1440)
    shell = Constellation.walker(altitude_km=550, inclination_deg=53, total=1, planes=1, raan_deg=40)
    ours = build_ephemeris(shell, start=start, steps=1440)
    error_km = np.linalg.norm(ours.position_gcrs_m - theirs.position_gcrs_m, axis=2) / 1000
    assert error_km.max() < 20
    assert np.abs(np.degrees(ours.beta_rad - theirs.beta_rad)).max() < 0.06
