import math
from datetime import UTC, datetime

import numpy as np
import pytest
from pydantic import TypeAdapter

from odc_gym.constants import EARTH_RADIUS_M
from odc_gym.errors import OrbitError
from odc_gym.orbits import Constellation, build_ephemeris
from odc_gym.scenario import Orbit

START = datetime(2027, 3, 1, 5, 0, tzinfo=UTC)


def elements(constellation, start=START, steps=2):
    """Node and argument of latitude at the start [deg], from positions and planes alone."""
    e = build_ephemeris(constellation, start=start, steps=steps)
    position = np.stack(e._xyz, -1)[0]
    normal = np.stack(e._motion.normal, -1)[1, e._motion.plane]
    node = np.cross([0, 0, 1.0], normal)
    node /= np.linalg.norm(node, axis=1, keepdims=True)
    ahead = np.cross(normal, node)
    argument = np.arctan2((position * ahead).sum(1), (position * node).sum(1))
    return np.degrees(np.arctan2(node[:, 1], node[:, 0])) % 360, np.degrees(argument) % 360, position, normal


def close_angles(a, b, tolerance=1e-6):
    return np.all(np.abs((np.asarray(a) - b + 180) % 360 - 180) < tolerance)


def test_walker_delta_places_nodes_and_slots():
    c = Constellation.walker(altitude_km=550, inclination_deg=53, total=12, planes=3, phasing=1, raan_deg=10)
    node, argument, position, normal = elements(c)
    assert len(c) == 12
    assert close_angles(node, np.repeat([10, 130, 250], 4))
    assert close_angles(argument, np.concatenate([np.arange(4) * 90 + shift for shift in (0, 30, 60)]))
    assert np.allclose(np.linalg.norm(position, axis=1), EARTH_RADIUS_M + 550e3, rtol=1e-12)
    assert np.allclose(np.degrees(np.arccos(normal[:, 2])), 53)


def test_walker_star_spans_half_a_turn():
    node, *_ = elements(Constellation.walker(altitude_km=800, inclination_deg=88, total=6, planes=3, pattern="star"))
    assert close_angles(node, np.repeat([0, 60, 120], 2))


def test_sun_synchronous_local_time_is_that_of_the_mean_sun():
    """At 7 h in Greenwich, 12 h is on the meridian of 75 deg east, whatever the equation of time."""
    c = Constellation.sun_synchronous(altitude_km=600, local_time_h=[12.0, 18.0], total=2, planes=2)
    for month in (2, 11):  # the true Sun is 14 min behind, then 16 min ahead
        e = build_ephemeris(c, start=datetime(2027, month, 11, 7, tzinfo=UTC), steps=1)
        assert np.abs(e.latitude_deg[0]).max() < 1e-9
        assert e.longitude_deg[0] == pytest.approx([75, 165], abs=0.01)


def test_one_local_time_serves_all_planes():
    one = Constellation.sun_synchronous(altitude_km=600, local_time_h=6, total=4, planes=2, phasing=1)
    two = Constellation.sun_synchronous(altitude_km=600, local_time_h=[6, 6], total=4, planes=2, phasing=1)
    assert one == two


@pytest.mark.parametrize("total, radius_km", [(1, 1.0), (2, 0.5), (81, 1.0)])
def test_cluster_stays_together_in_one_plane(total, radius_km):
    c = Constellation.cluster(altitude_km=650, local_time_h=18, total=total, radius_km=radius_km)
    reference = Constellation.sun_synchronous(altitude_km=650, local_time_h=18, total=1)
    e, r = (build_ephemeris(x, start=START, steps=1440) for x in (c, reference))
    offset = e.position_gcrs_m - r.position_gcrs_m
    distance = np.linalg.norm(offset, axis=2)
    assert distance.max() < radius_km * 1000 * 1.01
    normal = np.cross(r.position_gcrs_m[0, 0], r.position_gcrs_m[20, 0])
    assert np.abs(offset[0] @ (normal / np.linalg.norm(normal))).max() < 5
    if total > 1:
        assert distance.max() > radius_km * 1000 * 0.95
        pairs = offset[::60, :, None] - offset[::60, None]
        separation = np.linalg.norm(pairs, axis=3) + 1e9 * np.eye(total)
        assert separation.min() > 0.7 * radius_km * 1000 / math.sqrt(total)


def test_cluster_keeps_suncatcher_spacing():
    e = build_ephemeris(Constellation.cluster(altitude_km=650, local_time_h=18, total=81), start=START, steps=98)
    pairs = e.position_gcrs_m[:, :, None] - e.position_gcrs_m[:, None]
    nearest = (np.linalg.norm(pairs, axis=3) + 1e9 * np.eye(81)).min(axis=2)
    assert nearest.min() > 95
    assert nearest.max() < 210


def test_cluster_satellites_orbit_in_step():
    """Semi-major axes are equal: a day later at the same phase, the along-track offset has not grown."""
    c = Constellation.cluster(altitude_km=650, local_time_h=18, total=7)
    e = build_ephemeris(c, start=START, steps=10 * 1440)
    span = np.linalg.norm(e.position_gcrs_m - e.position_gcrs_m[:, :1], axis=2)
    assert span[-200:].max() == pytest.approx(span[:200].max(), rel=0.01)


def test_satellites_of_joined_constellations_keep_their_order():
    a = Constellation.walker(altitude_km=550, inclination_deg=53, total=2, planes=1)
    b = Constellation.sun_synchronous(altitude_km=650, local_time_h=18, total=3)
    both = build_ephemeris(a + b, start=START, steps=30)
    assert (a + b).altitude_m == (550e3, 550e3, 650e3, 650e3, 650e3)
    apart = [build_ephemeris(x, start=START, steps=30) for x in (a, b)]
    for name in ("position_gcrs_m", "beta_rad", "orbit_angle_rad", "sunlit_instant_frac"):
        assert np.array_equal(getattr(both, name), np.concatenate([getattr(x, name) for x in apart], axis=1))


@pytest.mark.parametrize(
    "fields, same",
    [
        (
            {"pattern": "star", "altitude_km": 900, "inclination_deg": 87, "total": 6, "planes": 2, "raan_deg": 5},
            lambda: Constellation.walker(
                altitude_km=900, inclination_deg=87, total=6, planes=2, pattern="star", raan_deg=5
            ),
        ),
        (
            {"pattern": "sun_synchronous", "altitude_km": 650, "local_time_h": [6, 18], "total": 4, "planes": 2},
            lambda: Constellation.sun_synchronous(altitude_km=650, local_time_h=(6, 18), total=4, planes=2),
        ),
        (
            {"pattern": "cluster", "altitude_km": 650, "local_time_h": 18, "total": 9, "radius_km": 2},
            lambda: Constellation.cluster(altitude_km=650, local_time_h=18, total=9, radius_km=2),
        ),
    ],
)
def test_scenario_orbits(fields, same):
    assert Constellation.from_orbit(TypeAdapter(Orbit).validate_python(fields)) == same()


@pytest.mark.parametrize(
    "change, words",
    [
        ({"total": 10, "planes": 3}, ["total = 10", "planes = 3"]),
        ({"phasing": 3}, ["phasing = 3", "2"]),
        ({"planes": 0}, ["planes = 0"]),
        ({"total": 0}, ["total = 0"]),
        ({"altitude_km": 100}, ["altitude_km = 100", "300"]),
        ({"altitude_km": math.nan}, ["altitude_km = nan"]),
        ({"inclination_deg": 181}, ["inclination_deg = 181"]),
        ({"pattern": "flower"}, ["pattern = flower", "delta"]),
        ({"raan_deg": math.inf}, ["raan_deg = inf"]),
    ],
)
def test_bad_walker_is_told_in_one_line(change, words):
    good = {"altitude_km": 550, "inclination_deg": 53, "total": 12, "planes": 3, "phasing": 1}
    Constellation.walker(**good)
    with pytest.raises(OrbitError) as caught:
        Constellation.walker(**good | change)
    message = str(caught.value)
    assert "\n" not in message and all(word in message for word in words), message


@pytest.mark.parametrize(
    "build, change, word",
    [
        (Constellation.sun_synchronous, {"local_time_h": 24}, "local_time_h = 24"),
        (Constellation.sun_synchronous, {"local_time_h": [1, 2]}, "2 times"),
        (Constellation.sun_synchronous, {"total": 5, "planes": 2}, "total = 5"),
        (Constellation.cluster, {"radius_km": 0}, "radius_km = 0"),
        (Constellation.cluster, {"total": 0}, "total = 0"),
        (Constellation.cluster, {"local_time_h": -1}, "local_time_h = -1"),
    ],
)
def test_bad_sun_synchronous_is_told_in_one_line(build, change, word):
    with pytest.raises(OrbitError) as caught:
        build(**{"altitude_km": 650, "local_time_h": 18, "total": 4} | change)
    assert word in str(caught.value) and "\n" not in str(caught.value)
