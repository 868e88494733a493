"""The Sun's angle above orbit planes, and local times of nodes, from the almanac's formulas alone."""

import math
from datetime import timedelta

import numpy as np
from comparison import compares
from orbit_oracles import EPOCHS, ORBITS, almanac_sun, mean_longitude_deg, node_rate_deg_day, sampled

from odc_gym.orbits import Constellation, build_ephemeris

CHAPTER = "Orbits and light"
ALMANAC = "Astronomical Almanac, page C5"
EVERY = 360


@compares(
    CHAPTER,
    "Angle of the Sun above the orbit plane, 88 orbits, 2024 to 2035",
    "deg",
    f"{ALMANAC}, and the plane by the first-order drift of its node",
    0.02,
)
def test_beta():
    ours, theirs = [], []
    for k, start in enumerate(EPOCHS):
        ours.append(np.degrees(sampled(k).beta_rad[::EVERY]))
        for minute in range(0, 1440, EVERY):
            sun, _ = almanac_sun(start + timedelta(minutes=minute))
            for altitude_km, inclination_deg, node_deg, _ in ORBITS[k]:
                node = math.radians(node_deg + node_rate_deg_day(altitude_km, inclination_deg) * minute / 1440)
                i = math.radians(inclination_deg)
                normal = [math.sin(node) * math.sin(i), -math.cos(node) * math.sin(i), math.cos(i)]
                theirs.append(math.degrees(math.asin(np.dot(normal, sun))))
    return np.array(ours).ravel(), np.array(theirs)


def local_time_h(e, minute):
    """Return the (S,) mean solar time of the ascending nodes from positions at two instants, which give the plane."""
    here, later = (np.stack(e._xyz, axis=-1)[t] for t in (minute, minute + 1))
    normal = np.cross(here, later)
    node_deg = np.degrees(np.arctan2(normal[:, 0], -normal[:, 1]))
    return (12 + (node_deg - mean_longitude_deg(e.start + timedelta(minutes=minute))) / 15) % 24


@compares(
    CHAPTER,
    "Mean solar time of the ascending nodes of sun-synchronous orbits, at the start and one month later",
    "h",
    f"mean Sun, {ALMANAC}",
    0.004,
    note="0.002 h is 7 s. The second order of J2 shows at the end of the month.",
)
def test_local_time_of_the_node():
    asked = [0.5, 6.0, 10.5, 18.0]
    found = []
    for start in EPOCHS[::3]:
        for altitude_km in (400, 650, 1200):
            c = Constellation.sun_synchronous(altitude_km=altitude_km, local_time_h=asked, total=4, planes=4)
            e = build_ephemeris(c, start=start, step_s=60.0, steps=30 * 1440)
            found.append([local_time_h(e, minute) for minute in (0, 30 * 1440 - 2)])
    found = np.array(found)
    return found, found - ((found - asked + 12) % 24 - 12)
