"""Network of an environment: tables of routes and links, and work space for the transfers of a step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.compilation.array_types import (
    Float32x2,
    Float32x3,
    Float64x1,
    Float64x3,
    Int8x2,
    Int8x3,
    Int16x3,
    Int16x4,
    Int32x2,
    Int32x3,
    Int32x4,
    Int64x1,
    Int64x2,
    Int64x3,
)
from odc_gym.core.layout.rows import rows_of_environment

DIRECT_LINKS = 2  # links of a satellite with the ground side: up and down


class Links(NamedTuple):
    """Tables of the network of an episode, for E topologies, S satellites and N shells.

    T is the number of physics steps, or 1 where nothing changes. K is the largest number of links of a satellite. Node
    S is the ground side: the terrestrial network or a backbone. Where `bridged` is 1, satellites without a route over
    optical links are connected through the ground side.

    A small fleet has tables of the routes of all pairs of satellites. In these tables, Q is S. A large fleet has a
    grid, whose routes follow from planes and slots, see `core.network.grid_routes`. There, Q is 0. Both are empty
    without optical links.
    """

    epoch: Int32x2  # (T,) index of the topology in each physics step
    next_hop: Int16x4  # (E, Q, Q) next satellite on the route from first to second; diagonal: itself, -1: none
    hops: Int16x4  # (E, Q, Q) number of links of the route
    expiry_step: Int32x4  # (E, Q, Q) first physics step in which the first satellite cannot reach the second
    neighbours: Int32x4  # (E, S, K) satellites at the other ends of a satellite's links, then -1
    shell_of: Int32x2  # (S,) row of `shells`, -1: a shell without links; empty without a grid
    shells: Int64x3  # (N, 6) grid of each shell in the order of `GridShell`
    shell_link_s: Float64x3  # (N, 2) latency of a link along a plane, and of one across planes
    isl_up: Int8x3  # (T, S) 1: satellite and terminals work; empty without a grid
    ground_hop: Int32x3  # (T, S) next node on the route to the ground side; S: direct link, -1: no route
    ground_gb_s: Float32x3  # (T, S) rate of the satellite's direct link to the ground [GB/s], 0: none
    ground_hops: Int16x3  # (T, S) number of links of the route to the ground side
    ground_latency_s: Float32x3  # (T, S) latency of the route to the ground side
    ground_expiry_step: Int32x3  # (T, S) first physics step in which the satellite can no longer reach the ground side
    isl_gb_s: Float32x2  # (S,) rate of the satellite's optical links [GB/s]
    bridged: Int8x2  # (1,) 1: pairs without a route over optical links are connected through the ground side


class GridShell(NamedTuple):
    """Columns of `Links.shells`: planes and slots of a shell, and the links between them."""

    first: int  # first satellite
    planes: int
    slots: int
    phasing: int  # slot k of the last plane is beside slot k + phasing of the first
    closed: int  # 1: the last plane is beside the first
    crossed: int  # 1: there are links across planes


class Traffic(NamedTuple):
    """Work space for the transfers of the present step by link.

    Nodes 0 to S - 1 are satellites, and node S is the ground side. `core.network.routes.link_index` numbers the links
    that can exist: L = S (K + 2) for K links between satellites and two with the ground side.
    """

    transfers: Float64x1  # (L,) number of transfers that share the link
    carried_gb: Float64x1  # (L,) data that the link has carried
    stamp: Int64x1  # (L,) identifier of the transfer that was counted last on the link
    links: Int64x2  # (L, 3) links that carry transfers: first node, second node, and index
    used: Int64x1  # (1,) number of entries of `links`
    path: Int64x1  # (2 S + 2,) nodes of the route that was walked last


links_of = rows_of_environment(Links)
"""Compiled function that selects the network tables of one environment of a batch."""


def traffic_of(num_satellites: int, num_neighbours: int) -> Traffic:
    """Return empty work space for the transfers of a fleet.

    Args:
        num_satellites: S.
        num_neighbours: K, the largest number of links between a satellite and others.
    """
    count = num_satellites * (num_neighbours + DIRECT_LINKS)
    return Traffic(
        np.zeros(count), np.zeros(count), np.empty(count, np.int64), np.empty((count, 3), np.int64),
        np.zeros(1, np.int64), np.empty(2 * num_satellites + 2, np.int64),
    )  # fmt: skip
