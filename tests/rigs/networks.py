"""Networks written by hand: tables of links for a few satellites, from the pairs with a line of sight."""

from typing import NamedTuple

import numpy as np

from odc_gym.core.layout.network import Links, Traffic, traffic_of
from odc_gym.core.layout.work import SCALARS
from odc_gym.orbits.grid import GridNet, ShellLinks
from odc_gym.tables.episode.links import no_grid, no_pairs

FOREVER = np.iinfo(np.int32).max


def hops_to(pairs, target, nodes):
    """Return the next node and the hops of a shortest route from each node to `target`, by breadth-first search."""
    following, hops, front = np.full(nodes, -1), np.full(nodes, -1), [target]
    following[target], hops[target] = target, 0
    while front:
        node = front.pop(0)
        for other in range(nodes):
            if hops[other] < 0 and ((other, node) in pairs or (node, other) in pairs):
                following[other], hops[other] = node, hops[node] + 1
                front.append(other)
    return following, hops


def links_of(epochs, satellites, isl_gb_s=1.0, ground_gb_s=2.0, latency_s=0.02, bridged=False):
    """Return the tables of a network that changes over time.

    Args:
        epochs: topologies as `(steps, pairs)`: number of physics steps, and pairs of nodes with a link. Node S is the
            ground side.
        satellites: number of satellites, S.
        isl_gb_s: rate of inter-satellite links [GB/s], one value or (S,).
        ground_gb_s: rate of links to the ground side [GB/s], one value or (S,).
        latency_s: latency of each hop to the ground [s].
        bridged: True if the ground side connects pairs without a route over inter-satellite links.
    """
    n, e = satellites, len(epochs)
    total = sum(steps for steps, _ in epochs)
    next_hop, hops = np.full((2, e, n, n), -1, np.int16)
    closes = np.zeros((e, n, n), np.int32)
    epoch = np.repeat(np.arange(e), [steps for steps, _ in epochs]).astype(np.int32)
    up, ground_hops = np.full((2, total, n), -1, np.int16)
    for k, (_, pairs) in enumerate(epochs):
        own = {pair for pair in pairs if n not in pair}
        for d in range(n):
            next_hop[k, :, d], hops[k, :, d] = hops_to(own, d, n)
        following, far = hops_to(set(pairs), n, n + 1)
        up[epoch == k], ground_hops[epoch == k] = following[:n], far[:n]
    ground_closes = np.zeros((total, n), np.int32)
    for k in range(e):
        for s in range(n):
            for d in range(n):
                lost = [tick for tick in range(total) if epoch[tick] >= k and next_hop[epoch[tick], s, d] < 0]
                closes[k, s, d] = min(lost, default=total)
    for tick in range(total):
        for s in range(n):
            lost = [later for later in range(tick, total) if up[later, s] < 0]
            ground_closes[tick, s] = min(lost, default=total)
    rate = np.where(up == n, np.broadcast_to(ground_gb_s, n), 0.0).astype(np.float32)
    latency = np.where(ground_hops >= 0, ground_hops * latency_s, np.inf).astype(np.float32)
    speed = np.broadcast_to(isl_gb_s, n).astype(np.float32)
    return Links(
        epoch, next_hop, hops, closes, neighbours_of(hops), *no_grid(), up.astype(np.int32), rate, ground_hops, latency,
        ground_closes, speed, np.array([bridged], np.int8),
    )  # fmt: skip


def neighbours_of(hops):
    """Return the satellites one link away from each satellite, then -1: (E, S, S) from numbers of links (E, S, S)."""
    beside = np.sort(np.where(hops == 1, np.arange(hops.shape[-1]), hops.shape[-1]), axis=-1)
    return np.where(beside < hops.shape[-1], beside, -1).astype(np.int32)


def grid_of(grids, satellites, isl_up=None, along_s=0.004, across_s=0.005, crossed=True):
    """Return the tables of a network with only the grids of large fleets.

    Args:
        grids: `ShellGrid` of each shell.
        satellites: number of satellites, S.
        isl_up: 1 where satellite and terminals work, (T, S).
        along_s: latency of links along planes [s].
        across_s: latency of links across planes [s].
        crossed: False for shells without links across planes.
    """
    net = GridNet([ShellLinks(grid, True, crossed, along_s, across_s) for grid in grids])
    isl_up = np.ones((1, satellites), np.int8) if isl_up is None else np.asarray(isl_up, np.int8)
    nothing = np.zeros((1, satellites), np.float32)
    none = np.full((1, satellites), -1, np.int32)
    return Links(
        *no_pairs(satellites, net), net.shell_of, net.numbers, net.link_s, isl_up, none, nothing, none, nothing, none,
        np.ones(satellites, np.float32), np.zeros(1, np.int8),
    )  # fmt: skip


class Numbers(NamedTuple):
    step_s: float = 60.0


class Work(NamedTuple):
    traffic: Traffic


class Net(NamedTuple):
    """Part of an environment that the routines of `core.network.routes` read."""

    links: Links
    work: Work
    policy: Numbers
    num_satellites: int
    scalars: np.ndarray


def net(epochs, satellites, **options):
    return net_of(links_of(epochs, satellites, **options), satellites)


def net_of(links, satellites):
    work = Work(traffic_of(satellites, links.neighbours.shape[2]))
    return Net(links, work, Numbers(), satellites, np.zeros(1, SCALARS))
