"""Links and contacts: visibility, the choice of links, and the choice of ground sites."""

from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from odc_gym.errors import OrbitError
from odc_gym.orbits import Constellation, build_ephemeris
from odc_gym.orbits.network import (
    LinkRules,
    acquired_links,
    all_pairs,
    grid_pairs,
    ground_contacts,
    in_sight,
    plan_links,
    run_lengths,
    shell_grid,
)
from odc_gym.orbits.sightings import Sightings
from odc_gym.scenario import ClusterOrbit, SunSynchronousOrbit, WalkerOrbit
from odc_gym.sites import SITES

START = datetime(2027, 3, 1, tzinfo=UTC)
GRAZING_M, RANGE_M = 80e3, 5000e3


@cache
def walker(total, planes, phasing=1, altitude_km=550, inclination_deg=53, steps=1440):
    """Return (T, S, 3) positions of a Walker delta pattern at each minute."""
    c = Constellation.walker(
        altitude_km=altitude_km, inclination_deg=inclination_deg, total=total, planes=planes, phasing=phasing
    )
    return build_ephemeris(c, start=START, steps=steps).position_equator_m


@cache
def cluster():
    c = Constellation.cluster(altitude_km=650, local_time_h=18, total=81)
    return build_ephemeris(c, start=START, steps=300).position_equator_m


def plan(position_m, topology="nearest", terminals=3, range_m=RANGE_M, wait=1, pairs=None):
    satellites = position_m.shape[1]
    rules = LinkRules(topology, np.full(satellites, terminals), range_m, GRAZING_M, wait)
    return plan_links(position_m, all_pairs(satellites) if pairs is None else pairs, rules)


def degrees(p, table, satellites):
    """Return the number of links of each satellite, (T, S)."""
    return np.array([np.bincount(p.pairs[row].ravel(), minlength=satellites) for row in table])


def parts(p, satellites, t):
    """Return the connected components of one step by merging sets, without a library."""
    part = list(range(satellites))
    for a, b in p.pairs[p.up[t]]:
        part = [part[a] if x == part[b] else x for x in part]
    return len(set(part))


@pytest.mark.parametrize(("slots", "seen"), [(8, 0.0), (9, 9 / 36)])
def test_a_ring_at_550_km_needs_nine_satellites(slots, seen):
    """By geometry: cos(180/n) (a + 550 km) over a + 80 km, 6458.1 km: 6401 for 8, 6510 for 9. Each sees two others."""
    sight, _ = in_sight(walker(slots, 1, 0, steps=100), all_pairs(slots), GRAZING_M)
    assert sight.mean() == pytest.approx(seen)


def test_sight_of_the_starter():
    """Measured before this code was written: mean degree 0.75, isolated 25 % of the time, contacts of 5 to 6 min."""
    pairs = all_pairs(12)
    sight, _ = in_sight(walker(12, 3), pairs, GRAZING_M)
    degree = np.array([np.bincount(pairs[row].ravel(), minlength=12) for row in sight])
    assert degree.mean() == pytest.approx(0.75, abs=0.03)
    assert (degree == 0).mean() == pytest.approx(0.25, abs=0.03)
    assert 5 <= np.median(run_lengths(sight, False)) <= 6


@pytest.mark.parametrize(
    "shell", [(18, 2), (27, 3), (24, 4, 1, 650, 30)], ids=["18/2/1 at 550 km", "27/3/1 at 550 km", "30 degrees, 650 km"]
)
def test_constellations_that_stay_connected(shell):
    position = walker(*shell)
    p = plan(position)
    assert all(parts(p, shell[0], t) == 1 for t in range(0, 1440, 7))


def test_a_pair_over_the_earth_and_one_beyond_it():
    high = 6378137.0 + 600e3
    angle = 2 * np.arccos((6378137.0 + GRAZING_M) / high)  # at which the line grazes the equator's bulge
    for turn, clear in ((0.999 * angle, True), (1.001 * angle, False)):
        equator = np.array([[[high, 0, 0], [high * np.cos(turn), high * np.sin(turn), 0]]])
        assert in_sight(equator, all_pairs(2), GRAZING_M)[0].item() is clear
        meridian = equator[..., [2, 1, 0]]  # over the pole, where the Earth is 21 km less: both see each other
        assert in_sight(meridian, all_pairs(2), GRAZING_M)[0].item()


def test_near_and_far_above_each_other():
    """The Earth does not block two satellites when the lowest point of their line lies behind the lower one."""
    above = np.array([[[6378137.0 + 100e3, 0, 0], [6378137.0 + 2000e3, 1000.0, 0]]])
    sight, distance = in_sight(above, all_pairs(2), 99e3)
    assert sight.item() and distance.item() == pytest.approx(np.hypot(1900e3, 1000.0), abs=0.07)


@given(
    topology=st.sampled_from(["nearest", "mesh"]),
    terminals=st.integers(1, 4),
    wait=st.integers(0, 3),
    range_km=st.floats(500, 6000),
    shell=st.sampled_from([(18, 2), (27, 3), (12, 3)]),
)
@settings(max_examples=12, deadline=None)
def test_links_keep_the_rules(topology, terminals, wait, range_km, shell):
    position = walker(*shell)[:200]
    p = plan(position, topology, terminals, range_km * 1000, wait)
    sight, distance = in_sight(position, p.pairs, GRAZING_M)
    assert degrees(p, p.held, shell[0]).max(initial=0) <= terminals
    assert (sight & (distance <= range_km * 1000))[p.held].all()
    assert not (p.up & ~p.held).any()
    for column, up in zip(p.held.T, p.up.T, strict=True):
        for begin in np.flatnonzero(column[1:] & ~column[:-1]) + 1:
            assert not up[begin : begin + wait].any()  # acquired first
            assert column[begin : begin + wait + 1].all()  # and lasts longer than that


def test_links_stay_while_they_can():
    """A link ends only when its satellites lose sight; without hysteresis, shorter pairs would replace it."""
    p = plan(walker(27, 3))
    sight, distance = in_sight(walker(27, 3), p.pairs, GRAZING_M)
    ended = p.held[:-1] & ~p.held[1:]
    assert ended.sum() > 100
    assert not (sight & (distance <= RANGE_M))[1:][ended].any()


def test_no_terminal_idles_beside_a_pair_that_lasts():
    position, pairs = walker(18, 2), all_pairs(18)
    p = plan(position, terminals=2)
    free = degrees(p, p.held, 18) < 2
    sight, distance = in_sight(position, pairs, GRAZING_M)
    able = sight & (distance <= RANGE_M)
    held = np.zeros_like(able)
    held[:, [int(np.flatnonzero((pairs == pair).all(1))[0]) for pair in p.pairs]] = p.held
    lasting = able[:-1] & able[1:] & ~held[:-1]
    assert not (lasting & free[:-1, pairs[:, 0]] & free[:-1, pairs[:, 1]]).any()


def test_a_cluster_has_one_mesh_for_good():
    p = plan(cluster(), "mesh", 4, 250.0)
    assert p.up.all() and parts(p, 81, 0) == 1
    assert p.distance_m.max() < 220 and degrees(p, p.held, 81).max() == 4


def test_mesh_of_satellites_that_all_lose_each_other():
    assert plan(walker(12, 3), "mesh").pairs.shape == (0, 2)


def test_acquisition():
    held = np.array([[1, 0], [1, 1], [1, 1], [1, 1], [0, 1]], bool)
    assert acquired_links(held, 2).T.tolist() == [[True, True, True, True, False], [False, False, False, True, True]]
    assert (acquired_links(held, 0) == held).all()


def test_pairs_of_a_grid():
    delta = WalkerOrbit(pattern="delta", altitude_km=550, inclination_deg=53, total=12, planes=3, phasing=1)
    pairs = {tuple(p) for p in grid_pairs([shell_grid(delta)]).tolist()}
    ring = {(0, 1), (1, 2), (2, 3), (0, 3)}
    assert {p for p in pairs if max(p) < 4} == ring
    assert len(pairs) == 24  # four links each
    assert (0, 4) in pairs and (4, 8) in pairs
    assert {p for p in pairs if p[0] < 4 and p[1] >= 8} == {(1, 8), (2, 9), (3, 10), (0, 11)}  # slots shift by one
    star = shell_grid(delta.model_copy(update={"pattern": "star"}))
    assert not any(p[0] < 4 and p[1] >= 8 for p in grid_pairs([star]).tolist())
    sun = SunSynchronousOrbit(pattern="sun_synchronous", altitude_km=600, local_time_h=(17, 18), total=4, planes=2)
    assert grid_pairs([shell_grid(sun), shell_grid(sun)]).tolist() == [
        [0, 1], [2, 3], [4, 5], [6, 7], [0, 2], [1, 3], [4, 6], [5, 7],
    ]  # fmt: skip
    with pytest.raises(OrbitError, match="pattern = cluster: has no planes for a grid"):
        shell_grid(ClusterOrbit(pattern="cluster", altitude_km=650, local_time_h=18, total=3))


def test_the_seam_of_a_delta_joins_slots_as_near_as_elsewhere():
    """With the wrong shift the links over the seam would be a slot longer than the others."""
    grid = shell_grid(
        WalkerOrbit(pattern="delta", altitude_km=550, inclination_deg=53, total=120, planes=10, phasing=3)
    )
    position, pairs = walker(120, 10, 3, steps=97), grid_pairs([grid])
    across = pairs[:, 0] // 12 != pairs[:, 1] // 12
    seam = across & (pairs[:, 0] // 12 == 0) & (pairs[:, 1] // 12 == 9)
    _, distance = in_sight(position, pairs, GRAZING_M)
    assert seam.sum() == 12
    assert distance[:, seam].max() == pytest.approx(distance[:, across].max(), rel=0.01)


@cache
def over_gateways():
    c = Constellation.walker(altitude_km=550, inclination_deg=53, total=12, planes=3, phasing=1)
    return build_ephemeris(c, start=START, steps=1440, sites=SITES["gateways"])


def seen_above(elevation, least):
    """The sightings in a table of elevations, at distances that do not matter."""
    return Sightings.of_tables(elevation, np.ones_like(elevation), least)


def test_contacts_with_thirty_gateways():
    """Measured before with other sites: 16 % of the time, passes of up to 4.5 min, so 5 samples."""
    elevation = over_gateways().elevation_deg
    site = ground_contacts(seen_above(elevation, 25.0), np.full(30, 15)).site
    assert (site >= 0).mean() == pytest.approx(0.16, abs=0.04)
    assert run_lengths((elevation >= 25).reshape(1440, -1), False).max() == 5
    assert ((site >= 0) == (elevation >= 25).any(2)).all()  # antennas never are scarce


@given(antennas=st.integers(1, 3), least=st.floats(0, 40), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_contacts_keep_the_rules(antennas, least, seed):
    elevation = over_gateways().elevation_deg[:300, :, :6]
    site_up = np.random.default_rng(seed).random((300, 6)) < 0.9
    site = ground_contacts(seen_above(elevation, least).working(site_up), np.full(6, antennas)).site
    t, s = np.nonzero(site >= 0)
    g = site[t, s]
    assert (elevation[t, s, g] >= least).all() and site_up[t, g].all()
    used = np.array([np.bincount(row[row >= 0], minlength=6) for row in site])
    assert used.max() <= antennas
    able = (elevation >= least) & site_up[:, None]
    assert not ((site < 0)[:, :, None] & able & (used < antennas)[:, None]).any()  # nobody waits beside a free antenna
    before, now = site[:-1], site[1:]
    left = (before >= 0) & (now != before)
    t, s = np.nonzero(left)
    assert not able[t + 1, s, before[t, s]].any()  # a site that can serve on is kept


@given(table=arrays(bool, (40, 3)))
def test_spells(table):
    inner = []
    for column in table.T:
        text = "".join("x" if v else "." for v in column)
        runs = [part for part in text.strip("x").split(".") if part] if "." in text else []
        inner += [len(run) for run in runs]
    assert sorted(run_lengths(table, False)) == sorted(inner)
