"""Routes over grids: compared with networkx, link by link, with and without failures."""

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import grid_of, net_of

from odc_gym.constants import FOREVER
from odc_gym.core.network.grid_routes import trace_grid_route
from odc_gym.core.network.routes import isl_expiry_step, isl_hops, link_index
from odc_gym.orbits.grid import GridNet, ShellLinks, grid_ground_routes
from odc_gym.orbits.network import ShellGrid, grid_pairs

SHELLS = [ShellGrid(2, 6, 1, True), ShellGrid(1, 9, 0, False), ShellGrid(4, 1, 0, True)]


def graph(shells, across_s, along_s):
    """Return the links of a grid and their latencies."""
    g, first = networkx.Graph(), 0
    for shell in shells:
        for a, b in grid_pairs([shell]):
            in_plane = a // shell.slots == b // shell.slots
            g.add_edge(first + a, first + b, weight=along_s if in_plane else across_s)
        first += shell.planes * shell.slots
    return g, first


def path(e, source, destination, tick=0):
    return e.work.traffic.path[: trace_grid_route(e, source, destination, tick)].tolist()


@pytest.mark.parametrize(
    "shells",
    [
        [ShellGrid(9, 9, 1, True)],
        [ShellGrid(5, 8, 3, True)],
        [ShellGrid(6, 7, 0, False)],
        [ShellGrid(2, 6, 1, True), ShellGrid(1, 9, 0, False), ShellGrid(4, 1, 0, True)],
    ],
    ids=["9x9", "5x8 with phasing 3", "6x7 star", "three shells"],
)
@pytest.mark.parametrize(("across_s", "along_s"), [(0.004, 0.009), (0.009, 0.004), (0.005, 0.005)])
def test_routes_by_planes_and_slots_are_shortest(shells, across_s, along_s):
    g, total = graph(shells, across_s, along_s)
    e = net_of(grid_of(shells, total, along_s=along_s, across_s=across_s), total)
    lengths = dict(networkx.all_pairs_dijkstra_path_length(g))
    for s in range(total):
        assert set(e.links.neighbours[0, s][e.links.neighbours[0, s] >= 0].tolist()) == set(g[s])
        for d in range(total):
            way = path(e, s, d)
            assert isl_hops(e, s, d, 0) == len(way) - 1 and isl_expiry_step(e, s, d, 0) == (FOREVER if way else 0)
            assert bool(way) == (d in lengths[s])
            if way:
                assert (way[0], way[-1]) == (s, d) and networkx.is_path(g, way) and len(set(way)) == len(way)
                assert networkx.path_weight(g, way, "weight") == pytest.approx(lengths[s][d], abs=1e-12)


def test_links_have_indices_of_their_own():
    """Catches two links that share their transfers."""
    g, total = graph(SHELLS, 0.004, 0.005)
    e = net_of(grid_of(SHELLS, total), total)
    links = [
        *g.edges,
        *((b, a) for a, b in g.edges),
        *((s, total) for s in range(total)),
        *((total, s) for s in range(total)),
    ]
    indices = [link_index(e, a, b, 0) for a, b in links]
    assert len(set(indices)) == len(indices) and max(indices) < e.work.traffic.transfers.size


def test_a_shell_without_links_across_consists_of_rings():
    e = net_of(grid_of([ShellGrid(3, 8, 1, True)], 24, crossed=False), 24)
    assert path(e, 0, 3) == [0, 1, 2, 3] and path(e, 0, 6) == [0, 7, 6] and path(e, 0, 8) == []
    assert ((e.links.neighbours[0] >= 0).sum(1) == 2).all()


def test_routes_avoid_satellites_that_fail():
    """One satellite of a 5 x 5 grid fails after a step: routes through it go another way, and none ends at it."""
    up = np.ones((2, 25), np.int8)
    up[1, 12] = 0
    e = net_of(grid_of([ShellGrid(5, 5, 0, True)], 25, isl_up=up), 25)
    assert path(e, 11, 13) == [11, 12, 13] and 12 not in path(e, 11, 13, 1) and path(e, 11, 13, 1)[-1] == 13
    assert path(e, 7, 17, 1)[-1] == 17 and 12 not in path(e, 7, 17, 1)
    assert path(e, 12, 13, 1) == path(e, 13, 12, 1) == []


@given(seed=st.integers(0, 10**6), crossed=st.booleans())
@settings(max_examples=25, deadline=None)
def test_ways_to_the_ground_are_those_of_networkx(seed, crossed):
    """Satellites with a ground link of their own use it; the others take the fastest route to one of them."""
    random, total, ground = np.random.default_rng(seed), 25, 25
    rings = ShellLinks(ShellGrid(1, 9, 0, False), True, False, 0.005, 1.0)
    net = GridNet([ShellLinks(ShellGrid(4, 4, 1, True), True, crossed, 0.004, 0.006), rings])
    up, own = (random.random((3, total)) < 0.8).astype(np.int8), random.random((3, total)) < 0.2
    direct = np.where(own, 0.02 + 0.05 * random.random((3, total)), np.inf)
    routes = grid_ground_routes(direct, net, up)
    for t in range(3):
        g = networkx.DiGraph()
        g.add_nodes_from(range(total + 1))
        for a in range(total):
            for b, latency_s in zip(net.neighbours[a], net.neighbour_s[a], strict=True):
                if b >= 0 and up[t, a] and up[t, b] and not own[t, a]:
                    g.add_edge(a, int(b), weight=latency_s)
        g.add_weighted_edges_from((int(s), ground, direct[t, s]) for s in np.flatnonzero(own[t]))
        lengths = networkx.single_source_dijkstra_path_length(g.reverse(), ground)
        for s in range(total):
            if s not in lengths:
                assert (routes.next_hop[t, s], routes.hops[t, s], routes.exit_satellite[t, s]) == (-1, -1, -1)
                continue
            way = [s]
            while way[-1] != ground:
                way.append(int(routes.next_hop[t, way[-1]]))
            assert networkx.is_path(g, way) and len(way) - 1 == routes.hops[t, s]
            assert routes.exit_satellite[t, s] == way[-2]
            assert routes.latency_s[t, s] == pytest.approx(lengths[s], abs=1e-12)
            assert networkx.path_weight(g, way, "weight") == pytest.approx(lengths[s], abs=1e-12)
