"""Routes over planned links: shortest paths between satellites, and paths to the ground at each step.

The shortest route has the least latency: light time plus switching at each hop. Routes are stored once for each
topology, the set of links that are up together. A pattern that repeats itself needs one table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from odc_gym.constants import FOREVER, SPEED_OF_LIGHT_M_S
from odc_gym.orbits.frames import Array
from odc_gym.orbits.kernels import NO_ROUTE
from odc_gym.orbits.network import LinkPlan, neighbour_table

# latencies are rounded to this grid, so that sums are exact and equal routes stay equal on every machine
TIME_GRID_S = 2.0**-30


@dataclass(frozen=True)
class Topologies:
    """Topologies of T steps, and the routes over them, for U topologies and S satellites.

    Attributes:
        of_step: topology of each step, (T,); or (1,) where nothing changes.
        next_hop: next satellite on the route from the first to the second, (U, S, S). It is the satellite itself where
            both are the same, and `NO_ROUTE` if there is no route.
        hops: number of links of the route, (U, S, S), `NO_ROUTE` if none.
        latency_s: latency of the route [s], (U, S, S), inf if none.
        component: connected component of each satellite, (U, S).
        link_s: latency of each link of the plan [s], (U, L).
        neighbours: satellites at the other ends of a satellite's links, (U, S, K), then `NO_NEIGHBOUR`.
    """

    of_step: np.ndarray
    next_hop: np.ndarray
    hops: np.ndarray
    latency_s: np.ndarray
    component: np.ndarray
    link_s: np.ndarray
    neighbours: np.ndarray


@dataclass(frozen=True)
class GroundRoutes:
    """Routes of satellites to the ground at each of T steps; node S is the ground.

    Attributes:
        next_hop: next node, (T, S); `NO_ROUTE` if none.
        hops: number of links, the link to the ground included, (T, S); `NO_ROUTE` if none.
        latency_s: latency of the route [s], (T, S), inf if none.
        exit_satellite: satellite that sends to the ground, (T, S); `NO_ROUTE` if none.
    """

    next_hop: np.ndarray
    hops: np.ndarray
    latency_s: np.ndarray
    exit_satellite: np.ndarray


class PairTables(NamedTuple):
    """Routes between satellites, in E tables.

    `expiry_step` is the first step at which no route leads from the first satellite to the second any more. It is 0
    where there is no route now, and `FOREVER` where the route outlasts the tables.
    """

    of_step: np.ndarray  # (T,) table of each step, or (1,) where nothing changes
    next_hop: np.ndarray  # (E, S, S)
    hops: np.ndarray  # (E, S, S)
    expiry_step: np.ndarray  # (E, S, S)
    neighbours: np.ndarray  # (E, S, K) satellites at the other ends of a satellite's links


def light_time_s(distance_m: Array, hop_latency_s: float) -> Array:
    """Return the latency of a link [s]: light time and switching, rounded."""
    return np.asarray(np.round((distance_m / SPEED_OF_LIGHT_M_S + hop_latency_s) / TIME_GRID_S) * TIME_GRID_S)


def topologies(plan: LinkPlan, satellites: int, hop_latency_s: float, width: int) -> Topologies:
    """Compute the topologies of a plan of links, and the shortest routes over each.

    The latency of a link is its mean over the steps of a topology.

    Args:
        plan: links with their distances, and the steps at which they carry data.
        satellites: S.
        hop_latency_s: switching time at each hop [s].
        width: K, the most links of a satellite.
    """
    begins, topology = _topology_runs(plan.up)
    lengths = np.diff([*begins, len(plan.up)])
    metres = np.zeros((topology.max() + 1, len(plan.pairs)))
    np.add.at(metres, topology, np.add.reduceat(plan.distance_m, begins, axis=0))
    link_s = light_time_s(metres / np.bincount(topology, weights=lengths)[:, None], hop_latency_s)
    first = begins[np.unique(topology, return_index=True)[1]]
    of_step = topology.repeat(lengths) if len(begins) > 1 else topology
    return _route_topologies(of_step, plan.pairs, plan.up[first], link_s, (satellites, width))


def surviving_topologies(planned: Topologies, plan: LinkPlan, up: np.ndarray) -> Topologies:
    """Compute the topologies and routes that remain when links fail.

    Each topology belongs to one planned topology and takes its latencies. Routes before a failure are therefore the
    same as without it.

    Args:
        planned: topologies of the plan.
        plan: plan of links.
        up: whether each link carries data, (T, L); links that the plan has down stay down.
    """
    plan_of_step = np.broadcast_to(planned.of_step, len(up))
    begins, topology = _topology_runs(
        np.column_stack([up, plan_of_step[:, None] >> np.arange(16) & 1]).astype(np.bool_)
    )
    first = begins[np.unique(topology, return_index=True)[1]]
    of_step = topology.repeat(np.diff([*begins, len(up)]))
    return _route_topologies(
        of_step, plan.pairs, up[first], planned.link_s[plan_of_step[first]], planned.neighbours.shape[1:]
    )


def _topology_runs(up: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first steps of the runs of equal rows of (T, L), and the topology number of each run, (R,) both.

    Topologies are numbered in the order in which they first appear.
    """
    begins = run_starts(up)
    _, topology = np.unique(np.packbits(up[begins], axis=1), axis=0, return_inverse=True)
    order = np.argsort(np.unique(topology, return_index=True)[1])
    return begins, np.argsort(order)[topology]


def _route_topologies(
    of_step: np.ndarray, pairs: np.ndarray, up: np.ndarray, link_s: Array, shape: tuple[int, int]
) -> Topologies:
    """Compute shortest routes over the links that are `up` in each topology.

    `up` and the latencies `link_s` are (U, L). `shape` is that of a table of neighbours, (S, K).
    """
    from scipy.sparse import csr_array  # few scenarios need it, and its import takes a tenth of a second
    from scipy.sparse.csgraph import connected_components, dijkstra

    satellites = shape[0]
    size = (len(up), satellites, satellites)
    next_hop, latency, component = np.empty(size, np.int16), np.empty(size), np.empty(size[:2], np.int16)
    neighbours = np.empty((len(up), *shape), np.int32)
    for u, linked in enumerate(up):
        a, b = pairs[linked].T
        neighbours[u] = neighbour_table(pairs[linked], *shape)
        graph = csr_array((link_s[u, linked], (a, b)), shape=size[1:])
        component[u] = connected_components(graph, directed=False)[1]
        latency[u], before = dijkstra(graph, directed=False, return_predecessors=True)
        # the predecessor of s on the route from d is the next hop from s to d
        next_hop[u] = np.where(before < 0, NO_ROUTE, before).T
    home = np.arange(satellites)
    next_hop[:, home, home] = home
    return Topologies(of_step.astype(np.int32), next_hop, count_hops(next_hop), latency, component, link_s, neighbours)


def run_starts(table: np.ndarray) -> np.ndarray:
    """Return the first steps of the runs of equal rows of (T, L)."""
    return np.concatenate([[0], np.flatnonzero((table[1:] != table[:-1]).any(axis=1)) + 1])


def count_hops(next_hop: np.ndarray) -> np.ndarray:
    """Count the links of each route of (U, S, S), `NO_ROUTE` if none, by following all routes at once."""
    satellites = next_hop.shape[1]
    target = np.arange(satellites)
    reached = next_hop >= 0
    hops = np.where(reached, 0, NO_ROUTE).astype(np.int16)
    at = np.where(reached, np.arange(satellites)[:, None], target)
    every = np.arange(len(next_hop))[:, None, None]
    while (on_the_way := at != target).any():
        hops[on_the_way] += 1
        at = next_hop[every, at, target]
    return hops


def expiry_steps(reached: np.ndarray) -> np.ndarray:
    """Return the first step at which a present route is lost, (T, N) int32.

    It is 0 where there is no route, and `FOREVER` if the route lasts.
    """
    steps = len(reached)
    lost = np.where(reached, FOREVER, np.arange(steps)[:, None])
    ahead = np.minimum.accumulate(lost[::-1], axis=0)[::-1]
    return np.where(reached, ahead, 0).astype(np.int32)


def pair_tables(net: Topologies, planned: Topologies) -> PairTables:
    """Build tables of the routes between satellites, with the steps at which they expire as planned.

    Args:
        net: actual topologies.
        planned: topologies without unforeseen failures; `net` has all of their links or fewer.
    """
    now, plan = np.broadcast_arrays(net.of_step, planned.of_step)
    begins = run_starts(np.stack([now, plan], axis=1))
    known: dict[tuple[int, bytes], int] = {}
    expiry: list[np.ndarray] = []
    table_of = np.zeros(len(begins), np.int32)
    ahead = np.full((net.component.shape[1],) * 2, FOREVER, np.int32)
    for r in range(len(begins) - 1, -1, -1):
        t = begins[r]
        together = planned.component[plan[t]]
        ahead = np.where(together[:, None] == together, ahead, t)
        component = net.component[now[t]]
        table = np.where(component[:, None] == component, ahead, 0).astype(np.int32)
        table_of[r] = known.setdefault((int(now[t]), table.tobytes()), len(expiry))
        if table_of[r] == len(expiry):
            expiry.append(table)
    of = np.array([u for u, _ in known])
    of_step = table_of.repeat(np.diff([*begins, len(now)]))
    return PairTables(of_step, net.next_hop[of], net.hops[of], np.stack(expiry), net.neighbours[of])


def ground_routes(direct_s: Array, net: Topologies | None) -> GroundRoutes:
    """Find the fastest route of each satellite to the ground.

    A satellite with a link of its own to the ground uses it. The others use links between satellites to one that has
    it.

    Args:
        direct_s: latency of each satellite's own link to the ground [s], (T, S), inf if it has none.
        net: routes between satellites; None without links between satellites.
    """
    own, ground = np.isfinite(direct_s), direct_s.shape[1]
    everyone = np.arange(ground)
    hop = np.where(own, ground, NO_ROUTE).astype(np.int16)
    least_s = direct_s.copy()
    mixed = np.flatnonzero(own.any(axis=1) & ~own.all(axis=1))
    if net is not None and mixed.size:
        of_step = np.broadcast_to(net.of_step, len(own))
        for t in mixed:
            u, gates = of_step[t], np.flatnonzero(own[t])
            total = net.latency_s[u][:, gates] + direct_s[t, gates]
            best = total.argmin(axis=1)
            least_s[t] = total[everyone, best]
            hop[t] = np.where(own[t], ground, net.next_hop[u, everyone, gates[best]])
    # a route may meet a satellite with its own ground link before the chosen one, so the hops are followed
    at = np.where(hop >= 0, everyone, NO_ROUTE)
    hops = np.where(hop >= 0, 1, NO_ROUTE).astype(np.int16)
    while (on_the_way := (at >= 0) & ~np.take_along_axis(own, at, axis=1)).any():
        at = np.where(on_the_way, np.take_along_axis(hop, at, axis=1), at)
        hops += on_the_way
    ahead_s = np.subtract(least_s, direct_s, where=own, out=np.zeros_like(direct_s))
    rest = least_s - np.take_along_axis(ahead_s, at, axis=1)
    return GroundRoutes(hop, hops, np.where(at >= 0, np.where(own, direct_s, rest), np.inf), at.astype(np.int16))
