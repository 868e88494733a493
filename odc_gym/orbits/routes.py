"""Shortest routes over a plan of links: tables of next hops for each topology, and the way to the ground at each step.

A route is the one of least latency: light time and switching at each hop. Links that are up at the same time again
give the same topology, so that a pattern that repeats itself needs one table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from odc_gym.constants import SPEED_OF_LIGHT_M_S
from odc_gym.orbits.frames import Array
from odc_gym.orbits.network import LinkPlan

NO_ROUTE = -1
TIME_GRID_S = 2.0**-30  # latencies are rounded to it: sums are exact, and equal routes stay equal on every machine


@dataclass(frozen=True)
class Topologies:
    """Which links are up at each of T steps, and the routes over them. U topologies, S satellites.

    Attributes:
        of_step: topology of each step, (T,); one step stands for all where nothing changes, (1,).
        next_hop: next satellite from the first to the second, (U, S, S); itself at home, `NO_ROUTE` if none.
        hops: links of the route, (U, S, S), `NO_ROUTE` if none.
        latency_s: of the route [s], (U, S, S), inf if none.
        part: connected part that each satellite belongs to, (U, S).
    """

    of_step: np.ndarray
    next_hop: np.ndarray
    hops: np.ndarray
    latency_s: np.ndarray
    part: np.ndarray


@dataclass(frozen=True)
class GroundRoutes:
    """The way of each satellite to the ground at each of T steps; node S is the ground.

    Attributes:
        hop: next node, (T, S); `NO_ROUTE` if none.
        hops: links of the way, that to the ground included, (T, S); `NO_ROUTE` if none.
        latency_s: of the way [s], (T, S), inf if none.
        exit: satellite that sends to the ground, (T, S); `NO_ROUTE` if none.
    """

    hop: np.ndarray
    hops: np.ndarray
    latency_s: np.ndarray
    exit: np.ndarray


def light_time_s(distance_m: Array, hop_latency_s: float) -> Array:
    """Latency of a link [s]: light time and switching, rounded."""
    return np.asarray(np.round((distance_m / SPEED_OF_LIGHT_M_S + hop_latency_s) / TIME_GRID_S) * TIME_GRID_S)


def topologies(up: np.ndarray, plan: LinkPlan, satellites: int, hop_latency_s: float) -> Topologies:
    """Topologies of a plan and the shortest routes over each.

    Latencies are means over the steps of a topology.

    Args:
        up: links that carry data, (T, L): those of the plan, or fewer.
        plan: pairs and distances.
        satellites: S.
        hop_latency_s: switching at each hop [s].
    """
    begins = changes(up)
    _, kind = np.unique(np.packbits(up[begins], axis=1), axis=0, return_inverse=True)
    order = np.argsort(np.unique(kind, return_index=True)[1])  # topologies in the order of their first steps
    kind = np.argsort(order)[kind]
    lengths = np.diff([*begins, len(up)])
    steps = np.bincount(kind, weights=lengths)
    metres = np.zeros((kind.max() + 1, len(plan.pairs)))
    np.add.at(metres, kind, np.add.reduceat(plan.distance_m, begins, axis=0))
    latency = light_time_s(metres / steps[:, None], hop_latency_s)
    first = begins[np.unique(kind, return_index=True)[1]]
    size = (kind.max() + 1, satellites, satellites)
    next_hop, long, part = np.empty(size, np.int16), np.empty(size, np.float32), np.empty(size[:2], np.int16)
    for u, step in enumerate(first):
        mine = up[step]
        a, b = plan.pairs[mine].T
        graph = csr_array((latency[u, mine], (a, b)), shape=size[1:])
        part[u] = connected_components(graph, directed=False)[1]
        long[u], before = dijkstra(graph, directed=False, return_predecessors=True)
        next_hop[u] = np.where(before < 0, NO_ROUTE, before).T  # what comes before s on the way from d is next to d
    home = np.arange(satellites)
    next_hop[:, home, home] = home
    of_step = kind.repeat(lengths).astype(np.int32) if len(begins) > 1 else np.zeros(1, np.int32)
    return Topologies(of_step, next_hop, count_hops(next_hop), long, part)


def changes(table: np.ndarray) -> np.ndarray:
    """First steps of the runs of equal rows of (T, L)."""
    return np.concatenate([[0], np.flatnonzero((table[1:] != table[:-1]).any(axis=1)) + 1])


def count_hops(next_hop: np.ndarray) -> np.ndarray:
    """Number of links of each route of (U, S, S), `NO_ROUTE` if none: all walked at once."""
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


def closing_steps(reached: np.ndarray) -> np.ndarray:
    """First step from each one on at which a way is lost, (T, N) of bool to int32: 0 where there is none, T at the end."""
    steps = len(reached)
    closed = np.where(reached, steps, np.arange(steps)[:, None])
    ahead = np.minimum.accumulate(closed[::-1], axis=0)[::-1]
    return np.where(reached, ahead, 0).astype(np.int32)


def ground_routes(direct_s: Array, net: Topologies | None) -> GroundRoutes:
    """The fastest way of each satellite to the ground: its own link, or own links to a satellite that has one.

    Args:
        direct_s: latency of each satellite's own link to the ground [s], (T, S), inf if it has none.
        net: routes between satellites; None without own links.
    """
    own = np.isfinite(direct_s)
    here = np.where(own, np.arange(own.shape[1]), NO_ROUTE)
    hop = np.where(own, own.shape[1], NO_ROUTE).astype(np.int16)
    routes = GroundRoutes(hop, own.astype(np.int16) + NO_ROUTE * ~own, direct_s.copy(), here.astype(np.int16))
    if net is not None:
        for t in np.flatnonzero(own.any(axis=1) & ~own.all(axis=1)):
            _over_others(routes, t, np.flatnonzero(own[t]), net, net.of_step[min(t, len(net.of_step) - 1)])
    return routes


def _over_others(routes: GroundRoutes, t: int, gates: np.ndarray, net: Topologies, u: int) -> None:
    """Ways of one step of the satellites without a link of their own, over the `gates` that have one."""
    others = np.flatnonzero(routes.hop[t] < 0)
    total = net.latency_s[u][np.ix_(others, gates)] + routes.latency_s[t, gates]
    best = total.argmin(axis=1)
    least = total[np.arange(others.size), best]
    others, gate, least = (v[np.isfinite(least)] for v in (others, gates[best], least))
    routes.hop[t, others] = net.next_hop[u, others, gate]
    routes.hops[t, others] = net.hops[u, others, gate] + 1
    routes.latency_s[t, others] = least
    routes.exit[t, others] = gate
