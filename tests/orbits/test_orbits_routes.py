"""Routes: compared with networkx on random networks, followed hop by hop, and replayed to find their expiry."""

from functools import cache

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odc_gym.orbits.network import LinkPlan
from odc_gym.orbits.routes import (
    FOREVER,
    NO_ROUTE,
    expiry_steps,
    ground_routes,
    light_time_s,
    pair_tables,
    surviving_topologies,
    topologies,
)

HOP_S = 0.001
SEEDS = st.integers(0, 10**6)


@cache
def random_plan(seed, steps=30, satellites=9, density=0.25):
    """Return links that are up and down for random periods."""
    random = np.random.default_rng(seed)
    pairs = np.stack(np.triu_indices(satellites, 1), 1)
    up = np.repeat(random.random((-(-steps // 3), len(pairs))) < density, 3, axis=0)[:steps]
    distance = np.round(random.uniform(1e5, 5e6, (steps, len(pairs))) * 8) / 8
    return LinkPlan(pairs, up, up, distance)


def graph(plan, t, weights):
    g = networkx.Graph()
    g.add_nodes_from(range(int(plan.pairs.max()) + 1))
    g.add_weighted_edges_from((*plan.pairs[k], weights[k]) for k in np.flatnonzero(plan.up[t]))
    return g


def mean_weights(plan, t):
    """Return the mean latency of each link over the steps with the same links."""
    same = (plan.up == plan.up[t]).all(1)
    return light_time_s(plan.distance_m[same].mean(0), HOP_S)


def walk(next_hop, s, d):
    """Return the satellites from s to d, hop by hop."""
    way = [s]
    while way[-1] != d:
        way.append(int(next_hop[way[-1], d]))
        assert len(way) <= len(next_hop), "a loop"
    return way


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_routes_are_those_of_networkx(seed):
    plan = random_plan(seed)
    net = topologies(plan, 9, HOP_S, 8)
    for t in range(0, 30, 4):
        u, g = net.of_step[t], graph(plan, t, mean_weights(plan, t))
        lengths = dict(networkx.all_pairs_dijkstra_path_length(g))
        for s in range(9):
            for d in range(9):
                if d not in lengths[s]:
                    assert (net.next_hop[u, s, d], net.hops[u, s, d], net.latency_s[u, s, d]) == (-1, -1, np.inf)
                    continue
                assert net.latency_s[u, s, d] == pytest.approx(lengths[s][d], abs=1e-12)
                way = walk(net.next_hop[u], s, d)
                assert networkx.is_path(g, way)  # nothing over a link that is down
                assert networkx.path_weight(g, way, "weight") == pytest.approx(lengths[s][d], abs=1e-12)
                assert net.hops[u, s, d] == len(way) - 1
        assert (net.latency_s[u] == net.latency_s[u].T).all()


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_closing_is_honest(seed):
    """Replay step by step with networkx: the pair is connected before its expiry step, and not at it."""
    plan = random_plan(seed)
    net = topologies(plan, 9, HOP_S, 8)
    tables = pair_tables(net, net)
    joined = np.zeros((30, 9, 9), bool)
    for t in range(30):
        for part in networkx.connected_components(graph(plan, t, np.ones(len(plan.pairs)))):
            joined[t][np.ix_(list(part), list(part))] = True
    for t in range(30):
        closes = tables.expiry_step[tables.of_step[t]]
        assert ((closes > 0) == joined[t]).all()
        for s, d in np.argwhere(joined[t]):
            end = min(closes[s, d], 30)
            assert end > t and joined[t:end, s, d].all()
            assert closes[s, d] == FOREVER if end == 30 else not joined[end, s, d]
        u = tables.of_step[t]
        assert (tables.next_hop[u] == net.next_hop[net.of_step[t]]).all()


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_what_fails_is_not_foreseen(seed):
    """Routes use the links that are left; they expire as planned, whatever fails later."""
    plan = random_plan(seed, density=0.5)
    up = plan.up & (np.random.default_rng(seed + 1).random(plan.up.shape) < 0.7)
    planned = topologies(plan, 9, HOP_S, 8)
    net = surviving_topologies(planned, plan, up)
    tables, whole = pair_tables(net, planned), pair_tables(planned, planned)
    for t in range(30):
        now, closes = tables.next_hop[tables.of_step[t]], tables.expiry_step[tables.of_step[t]]
        assert (now == net.next_hop[net.of_step[t]]).all()
        assert ((closes > 0) == (now != NO_ROUTE)).all()
        whole_step = (up[t] == plan.up[t]).all()
        assert not whole_step or (now == planned.next_hop[planned.of_step[t]]).all()
        assert (closes == np.where(now != NO_ROUTE, whole.expiry_step[whole.of_step[t]], 0)).all()


def test_links_that_come_back_need_no_new_table():
    pairs = np.array([[0, 1], [1, 2]])
    up = np.array([[1, 1], [1, 0], [1, 1], [1, 0], [1, 1]], bool)
    plan = LinkPlan(pairs, up, up, np.array([[3e5, 3e5]] * 4 + [[6e5, 3e5]]))
    net = topologies(plan, 3, HOP_S, 2)
    assert net.of_step.tolist() == [0, 1, 0, 1, 0]
    assert net.latency_s[0, 0, 1] == pytest.approx(4e5 / 299792458 + HOP_S, abs=1e-9)  # mean of the three steps
    tables = pair_tables(net, net)
    assert [tables.expiry_step[e][0, 2] for e in tables.of_step] == [1, 0, 3, 0, FOREVER]
    lasting = up[:1].repeat(5, 0)
    still = topologies(LinkPlan(pairs, lasting, lasting, plan.distance_m), 3, HOP_S, 2)
    assert still.of_step.tolist() == [0] == pair_tables(still, still).of_step.tolist()


def test_no_links_at_all():
    plan = LinkPlan(np.zeros((0, 2), int), np.zeros((7, 0), bool), np.zeros((7, 0), bool), np.zeros((7, 0)))
    net = topologies(plan, 3, HOP_S, 2)
    assert net.next_hop.tolist() == [[[0, -1, -1], [-1, 1, -1], [-1, -1, 2]]]
    assert pair_tables(net, net).expiry_step.tolist() == [np.diag([FOREVER] * 3).tolist()]


@given(seed=SEEDS, forced=st.booleans())
@settings(max_examples=15, deadline=None)
def test_ways_to_the_ground_are_those_of_networkx(seed, forced):
    """A satellite with its own ground link uses it; the others take the shortest route to any such link."""
    plan, random = random_plan(seed), np.random.default_rng(seed)
    net = topologies(plan, 9, HOP_S, 8)
    spread = 0.1 if forced else 1e-9  # far apart, a way would rather go through another satellite's link
    own = random.random((30, 9)) < 0.3
    direct = np.where(own, 0.02 + spread * random.random((30, 9)), np.inf)
    routes = ground_routes(direct, net)
    for t in range(30):
        weights = mean_weights(plan, t)
        g = graph(plan, t, weights)
        g.add_weighted_edges_from((int(s), 9, direct[t, s]) for s in np.flatnonzero(own[t]))
        lengths = networkx.single_source_dijkstra_path_length(g, 9) if 9 in g else {}
        for s in range(9):
            if s not in lengths:
                assert (routes.next_hop[t, s], routes.hops[t, s], routes.exit_satellite[t, s]) == (-1, -1, -1)
                assert routes.latency_s[t, s] == np.inf
                continue
            way = [s]
            while way[-1] != 9:
                way.append(int(routes.next_hop[t, way[-1]]))
                assert len(way) < 12, "a loop"
            assert networkx.is_path(g, way)
            assert (routes.hops[t, s], routes.exit_satellite[t, s]) == (len(way) - 1, way[-2])
            length = networkx.path_weight(g, way, "weight")
            assert routes.latency_s[t, s] == pytest.approx(length, abs=1e-9)
            assert (len(way) == 2) == own[t, s]
            if not forced:
                assert length == pytest.approx(lengths[s], abs=1e-8)


def test_expiry_steps():
    reached = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 1]], bool)
    assert expiry_steps(reached).tolist() == [[2, 1, 0], [2, 0, 0], [0, FOREVER, FOREVER]]
