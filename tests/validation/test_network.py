"""Lines of sight, contacts and routes: against Skyfield's geodesy and passes, and against networkx.

Lines of sight are judged by the lowest geodetic height on them, which Skyfield's WGS84 finds point by point.
"""

from datetime import UTC, datetime, timedelta
from functools import cache

import networkx
import numpy as np
import pytest
from comparison import compares
from skyfield.api import EarthSatellite, load, wgs84
from skyfield.positionlib import Geocentric
from skyfield.units import Distance

from odc_gym.orbits import Constellation, build_ephemeris
from odc_gym.orbits.network import LinkRules, all_pairs, ground_contacts, in_sight, plan_links, run_lengths
from odc_gym.orbits.routes import ground_routes, light_time_s, topologies
from odc_gym.sites import SITES

CHAPTER = "Network"
TIMESCALE = load.timescale(builtin=True)
START = datetime(2027, 5, 3, 4, 30, tzinfo=UTC)
EVERY = 9  # minutes between the lines of sight that are looked at
OF_THEM = 7  # of these, one in as many
SITE_EVERY = 3  # of the gateways
LIGHT_M_S, HOP_S = 299792458.0, 0.001
LINES = (
    "1 25544U 98067A   27122.51782528  .00002182  00000-0  47350-4 0  0001",
    "2 25544  51.6416 247.4627 0006703 130.5360 325.0288 15.49815366563539",
)


@cache
def day(name):
    """Return a day by minutes of twelve satellites in three planes at 53 degrees, or of nine sun-synchronous ones."""
    c = {
        "53 degrees": Constellation.walker(altitude_km=550, inclination_deg=53, total=12, planes=3, phasing=1),
        "sun-synchronous": Constellation.sun_synchronous(altitude_km=650, local_time_h=10.5, total=9),
    }[name]
    return build_ephemeris(c, start=START, steps=1440, sites=SITES["gateways"][::SITE_EVERY])


def heights_m(points_m, times):
    """Return geodetic heights by Skyfield of points (n, 3) in GCRS at n times [m]."""
    place = Geocentric(Distance(m=points_m.T).au, t=times)
    return wgs84.height_of(place).m


def lowest_m(a, b, times):
    """Return the least geodetic height of lines between a and b, (n, 3) in GCRS each, by a three-section search."""
    low, high = np.zeros(len(a)), np.ones(len(a))
    for _ in range(25):
        third = (high - low) / 3
        left, right = low + third, high - third
        lower = heights_m(a + left[:, None] * (b - a), times) < heights_m(a + right[:, None] * (b - a), times)
        low, high = np.where(lower, low, left), np.where(lower, right, high)
    return heights_m(a + ((low + high) / 2)[:, None] * (b - a), times)


def lost_at_m(position_m, pairs):
    """Return the largest height that our lines of sight keep, for pairs (n, 2) at positions of one step each [m]."""
    low, high = np.zeros(len(pairs)), np.full(len(pairs), 400e3)
    for _ in range(18):
        middle = (low + high) / 2
        seen = np.array(
            [
                in_sight(position[None], pair[None], float(height))[0].item()
                for position, pair, height in zip(position_m, pairs, middle, strict=True)
            ]
        )
        low, high = np.where(seen, middle, low), np.where(seen, high, middle)
    return (low + high) / 2


@cache
def lines(name):
    """Return lines of sight between 5 and 395 km: lowest height by us and by Skyfield, and whether 80 km is kept."""
    e = day(name)
    pairs = all_pairs(e.position_gcrs_m.shape[1])
    t, p = (v.ravel() for v in np.meshgrid(np.arange(0, 1440, EVERY), np.arange(len(pairs)), indexing="ij"))
    a, b = (e.position_gcrs_m[t, pairs[p, k]] for k in (0, 1))
    middle = np.linalg.norm((a + b) / 2, axis=1) - 6370e3
    near = (middle > -20e3) & (middle < 450e3)
    t, p, a, b = (v[near][::OF_THEM] for v in (t, p, a, b))
    theirs = lowest_m(a, b, TIMESCALE.from_datetimes([START + timedelta(minutes=int(minute)) for minute in t]))
    inside = (theirs > 5e3) & (theirs < 395e3)
    t, p, theirs = t[inside], p[inside], theirs[inside]
    seen = in_sight(e.position_equator_m, pairs, 80e3)[0][t, p]
    return lost_at_m(e.position_equator_m[t], pairs[p]), theirs, seen


@compares(
    CHAPTER,
    "Lowest height of lines of sight over one day, twelve satellites at 53° and nine sun-synchronous ones",
    "m",
    "WGS84 heights along the line, Skyfield",
    3.0,
    package="skyfield",
    note="Our surface at the grazing altitude is an ellipsoid, which is not exactly at one height.",
)
def test_lines_of_sight():
    found = [lines(name) for name in ("53 degrees", "sun-synchronous")]
    assert all(len(theirs) > 100 for _, theirs, _ in found)
    return tuple(np.concatenate([f[k] for f in found]) for k in (0, 1))


@pytest.mark.parametrize("name", ["53 degrees", "sun-synchronous"])
def test_who_sees_whom(name):
    _, theirs, seen = lines(name)
    assert (seen == (theirs >= 80e3))[np.abs(theirs - 80e3) > 3].all()
    assert 0 < seen.mean() < 1 or name == "sun-synchronous"


@cache
def elevations(name):
    """Return (1440, S, G) elevations by Skyfield from our positions [deg]."""
    e = day(name)
    times = TIMESCALE.from_datetimes([START + timedelta(minutes=t) for t in range(1440)])
    table = np.empty(e.elevation_deg.shape)
    for g, site in enumerate(e.sites):
        observer = wgs84.latlon(site.latitude_deg, site.longitude_deg, site.altitude_m)
        place, turn = observer.at(times).position.m, observer.rotation_at(times)
        for s in range(table.shape[1]):
            horizon = np.einsum("ijt,jt->it", turn, e.position_gcrs_m[:, s].T - place)
            table[:, s, g] = np.degrees(np.arcsin(horizon[2] / np.linalg.norm(horizon, axis=0)))
    return table


@compares(
    CHAPTER,
    "Minutes of contact per day above 25° of each satellite with each of ten gateways, two constellations",
    "min",
    "elevations, Skyfield",
    1.0,
    mean_tolerance=0.02,
    package="skyfield",
    note="Contacts are counted in minutes, so an instant at 25° can count on one side only.",
)
def test_contacts():
    ours, theirs = [], []
    for name in ("53 degrees", "sun-synchronous"):
        ours.append((day(name).elevation_deg >= 25).sum(0).ravel())
        theirs.append((elevations(name) >= 25).sum(0).ravel())
    return np.concatenate(ours), np.concatenate(theirs)


@pytest.mark.parametrize("name", ["53 degrees", "sun-synchronous"])
def test_served_while_a_gateway_sees_it(name):
    site = ground_contacts(day(name).sightings(25.0, day(name).steps), np.full(len(day(name).sites), 15)).site
    theirs = (elevations(name) >= 25).any(2)
    assert (site >= 0).sum() > 500
    assert ((site >= 0) != theirs).mean() < 2e-4


@compares(
    CHAPTER,
    "Length of the passes of a TLE satellite above 25° over thirty gateways, one day",
    "min",
    "rise and set to the second, Skyfield",
    1.0,
    package="skyfield",
    note="Ours are whole minutes: the number of instants within the pass.",
)
def test_passes():
    sites = SITES["gateways"]
    e = build_ephemeris(Constellation.from_tle([LINES]), start=START, steps=1440, sites=sites)
    satellite = EarthSatellite(*LINES, ts=TIMESCALE)
    begin, end = (TIMESCALE.from_datetime(START + timedelta(minutes=t)) for t in (0, 1439))
    ours, theirs = [], []
    for g, site in enumerate(sites):
        place = wgs84.latlon(site.latitude_deg, site.longitude_deg)
        times, events = satellite.find_events(place, begin, end, altitude_degrees=25.0)
        rise, sets = (times.tt[events == k] * 1440 for k in (0, 2))
        if len(events) and len(rise) == len(sets):
            minutes = np.floor(sets - begin.tt * 1440) - np.ceil(rise - begin.tt * 1440) + 1
            lengths = sets - rise
            mine = run_lengths((e.elevation_deg[:, 0, g] >= 25)[:, None], False)
            assert mine.tolist() == minutes[minutes > 0].tolist()
            ours += mine.tolist()
            theirs += lengths[minutes > 0].tolist()
    assert len(ours) > 20
    return np.array(ours), np.array(theirs)


@cache
def planned(name):
    """Return positions, links and routes of a constellation over some hours."""
    c, topology, terminals, range_m = {
        "18/2/1": (
            Constellation.walker(altitude_km=550, inclination_deg=53, total=18, planes=2, phasing=1),
            "nearest",
            3,
            5000e3,
        ),
        "cluster": (Constellation.cluster(altitude_km=650, local_time_h=18, total=81), "mesh", 4, 250.0),
    }[name]
    e = build_ephemeris(c, start=START, steps=400, sites=SITES["gateways"])
    rules = LinkRules(topology, np.full(len(c), terminals), range_m, 80e3, 1)
    plan = plan_links(e.position_equator_m, all_pairs(len(c)), rules)
    return e, plan, topologies(plan, len(c), HOP_S, len(c) - 1)


def network_of(name, t):
    """Return the links of a step as a networkx graph with independent light times."""
    e, plan, _ = planned(name)
    same = (plan.up == plan.up[t]).all(1)
    graph = networkx.Graph()
    graph.add_nodes_from(range(e.position_gcrs_m.shape[1]))
    for a, b in plan.pairs[plan.up[t]].tolist():
        apart = np.linalg.norm(e.position_gcrs_m[same, a] - e.position_gcrs_m[same, b], axis=1)
        graph.add_edge(a, b, weight=apart.mean() / LIGHT_M_S + HOP_S)
    return graph


@compares(
    CHAPTER,
    "Latency of the shortest routes between all pairs, 18/2/1 and a cluster of 81",
    "ms",
    "networkx",
    1e-5,
    package="networkx",
)
def test_routes():
    ours, theirs = [], []
    for name, steps in (("18/2/1", range(3, 400, 40)), ("cluster", [7])):
        _, _, net = planned(name)
        for t in steps:
            lengths = dict(networkx.all_pairs_dijkstra_path_length(network_of(name, t)))
            u = net.of_step[t] if len(net.of_step) > 1 else 0
            ours += [net.latency_s[u, s, d] * 1000 for s in lengths for d in lengths]
            theirs += [lengths[s][d] * 1000 for s in lengths for d in lengths]
    return np.array(ours), np.array(theirs)


@compares(
    CHAPTER,
    "Latency of the routes to the ground over gateways, 18/2/1",
    "ms",
    "networkx",
    1e-5,
    package="networkx",
    note="Satellites in view of a gateway use their own link. Light times to gateways use gateway "
    "positions from Skyfield.",
)
def test_ways_to_the_ground():
    e, _, net = planned("18/2/1")
    site, distance = ground_contacts(e.sightings(25.0, e.steps), np.full(30, 15))
    routes = ground_routes(np.where(site >= 0, light_time_s(distance, HOP_S), np.inf), net)
    ours, theirs = [], []
    for t in range(5, 400, 13):
        graph = network_of("18/2/1", t)
        time = TIMESCALE.from_datetime(START + timedelta(minutes=t))
        for s in np.flatnonzero(site[t] >= 0).tolist():
            place = e.sites[site[t, s]]
            there = wgs84.latlon(place.latitude_deg, place.longitude_deg, place.altitude_m).at(time).position.m
            apart = np.linalg.norm(e.position_gcrs_m[t, s] - there)
            graph.add_edge(s, "ground", weight=apart / LIGHT_M_S + HOP_S)
        if "ground" not in graph:
            assert (routes.next_hop[t] == -1).all()
            continue
        lengths = networkx.single_source_dijkstra_path_length(graph, "ground")
        ours += (routes.latency_s[t] * 1000).tolist()
        theirs += [lengths[s] * 1000 for s in range(18)]
    return np.array(ours), np.array(theirs)
