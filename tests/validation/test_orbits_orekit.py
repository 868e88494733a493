"""Flights, ground track and light against tables that Orekit made: numerical orbits in EGM96, and element sets.

The tables are reference/orekit_*.csv, made by reference/orekit_orbits.py.
"""

from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
from comparison import compares
from orbit_oracles import single

from odc_gym.elements.tle import epoch_of
from odc_gym.orbits import Constellation, GroundSite, build_ephemeris

CHAPTER = "Orbits and light"
HERE = Path(__file__).parent / "reference"
OREKIT = "Orekit 13.1.9"
SITE = GroundSite(name="Santiago", latitude_deg=-33.15, longitude_deg=-70.67, altitude_m=720)


@cache
def table(name):
    """Return the rows of a table as tuples of its columns' texts."""
    lines = [line for line in (HERE / f"orekit_{name}.csv").read_text().splitlines() if not line.startswith("#")]
    return [tuple(line.split(",")) for line in lines[1:]]


@cache
def flights(name):
    """Return {(start, altitude_km, inclination_deg, node_deg, argument_deg): rows of numbers}."""
    groups = {}
    for start, *numbers in table(name):
        altitude_km, inclination_deg, node_deg, argument_deg, *rest = map(float, numbers)
        key = (datetime.fromisoformat(start), altitude_km, inclination_deg, node_deg, argument_deg)
        groups.setdefault(key, []).append(rest)
    return {key: np.array(rows) for key, rows in groups.items()}


@cache
def flight_error_km():
    """Return the (orbits, T) distance from Orekit's flight every 247 min."""
    errors = []
    for (start, *elements), rows in flights("flights").items():
        ours = build_ephemeris(single(*elements), start=start, steps=7 * 1440 + 1)
        errors.append(np.linalg.norm(ours.position_gcrs_m[rows[:, 0].astype(int), 0] - rows[:, 1:], axis=1) / 1000)
    return np.array(errors)


@compares(
    CHAPTER,
    "J2 closed form: distance from the numerical orbit in a gravity field of degree and order 20, within "
    "one day, eight orbits",
    "km",
    f"{OREKIT}, EGM96 20x20",
    20.0,
)
def test_a_day_in_a_full_field():
    return flight_error_km()[:, : 1440 // 247 + 1], 0.0


@compares(
    CHAPTER,
    "J2 closed form: distance from the numerical orbit in that field within seven days",
    "km",
    f"{OREKIT}, EGM96 20x20",
    130.0,
)
def test_a_week_in_a_full_field():
    return flight_error_km(), 0.0


@compares(
    CHAPTER,
    "Minutes of darkness on the first day of these orbits",
    "min",
    f"{OREKIT}, EGM96 20x20, ellipsoid",
    1.5,
    note="Our radius is the mean semi-major axis. The numerical orbit's mean radius is 4 km more near the "
    "poles and 10 km less at the equator, which changes the darkness by up to 0.3 %. On the same orbits "
    "(next row), 0.1 min are left.",
)
def test_darkness_of_flights():
    pairs = []
    for (start, *elements), ((dark_min,),) in flights("darkness").items():
        ours = build_ephemeris(single(*elements), start=start, steps=1440)
        pairs.append((1440 * (1 - ours.sunlit_frac.mean()), dark_min))
    return tuple(np.array(pairs).T)


@cache
def element_sets():
    """Return {catalogue number: lines}."""
    lines = (HERE / "orekit_elements.tle").read_text().splitlines()
    return {first[2:7]: (first, second) for first, second in zip(lines[::2], lines[1::2], strict=True)}


@cache
def track():
    """Return ours and Orekit's (sets, T, 9): position, altitude [m]; latitude, longitude, elevation, beta [deg]; au."""
    ours, theirs = [], []
    for number, lines in element_sets().items():
        rows = np.array([row[1:] for row in table("track") if row[0] == number], dtype=float)
        e = build_ephemeris(Constellation.from_tle([lines]), start=epoch_of(lines[0]), steps=1440, sites=[SITE])
        values = (e.altitude_m, e.latitude_deg, e.longitude_deg, e.elevation_deg[:, :, 0], np.degrees(e.beta_rad))
        columns = np.concatenate([*[v[:, :1] for v in values], e.sun_distance_m[:, None] / 149597870700.0], axis=1)
        ours.append(np.concatenate([e.position_gcrs_m[:, 0], columns], axis=1)[rows[:, 0].astype(int)])
        theirs.append(rows[:, 1:])
    return np.array(ours), np.array(theirs)


@compares(CHAPTER, "Minutes of darkness in one day, six element sets", "min", f"{OREKIT}, ellipsoid", 0.5)
def test_darkness():
    theirs = dict(table("set_darkness"))
    ours = []
    for lines in element_sets().values():
        e = build_ephemeris(Constellation.from_tle([lines]), start=epoch_of(lines[0]), steps=1440)
        ours.append(1440 * (1 - e.sunlit_frac.mean()))
    return ours, [float(theirs[number]) for number in element_sets()]


def tracked(quantity, unit, tolerance, columns):
    """Register a comparison of columns of `track`."""

    def measure():
        ours, theirs = (values[..., columns] for values in track())
        return ours, (ours - ((ours - theirs + 180) % 360 - 180) if unit == "deg" else theirs)

    return compares(CHAPTER, quantity, unit, f"{OREKIT}, IERS 2010", tolerance)(measure)


test_positions = tracked("TLE positions in GCRS over a day, six element sets", "m", 2.0, slice(0, 3))
test_altitude = tracked("TLE altitude above the ellipsoid, six element sets", "m", 2.0, 3)
test_latitude = tracked("TLE sub-satellite latitude, six element sets", "deg", 0.005, 4)
test_longitude = tracked("TLE sub-satellite longitude, six element sets", "deg", 0.005, 5)
test_elevation = tracked("TLE elevation over Santiago, six element sets", "deg", 0.05, 6)
test_beta = tracked("Angle of the Sun above the orbit planes of six element sets", "deg", 0.02, 7)
test_sun_distance = tracked("Distance of the Sun on six dates", "au", 1e-6, 8)


@compares(
    CHAPTER,
    "Sunlit fraction in the penumbra, six element sets, one of them grazing",
    "",
    f"{OREKIT}, ellipsoid",
    0.03,
)
def test_partial_light():
    ours, theirs = [], []
    for number, lines in element_sets().items():
        seconds, light = np.array([row[1:] for row in table("light") if row[0] == number], dtype=float).T
        e = build_ephemeris(Constellation.from_tle([lines]), start=epoch_of(lines[0]), step_s=1.0, steps=4 * 3600)
        ours.append(e.sunlit_instant_frac[seconds.astype(int), 0])
        theirs.append(light)
    return np.concatenate(ours), np.concatenate(theirs)
