"""Network of an environment: tables of routes and links, and work space for the transfers of a step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.compilation.array_types import (
    Float32x2,
    Float32x3,
    Float64x2,
    Int8x2,
    Int16x3,
    Int16x4,
    Int32x2,
    Int32x3,
    Int32x4,
    Int64x1,
    Int64x2,
)
from odc_gym.core.layout.rows import rows_of_environment


class Links(NamedTuple):
    """Tables of the network of an episode, for E topologies and S satellites.

    T is the number of physics steps, or 1 where nothing changes. Node S is the ground side: the terrestrial network or
    a backbone. Where `bridged` is 1, satellites without a route over optical links are connected through the ground
    side.
    """

    epoch: Int32x2  # (T,) index of the topology in each physics step
    next_hop: Int16x4  # (E, S, S) next satellite on the route from first to second; diagonal: itself, -1: none
    hops: Int16x4  # (E, S, S) number of links of the route
    expiry_step: Int32x4  # (E, S, S) first physics step in which the first satellite cannot reach the second
    ground_hop: Int16x3  # (T, S) next node on the route to the ground side; S: direct link, -1: no route
    ground_gb_s: Float32x3  # (T, S) rate of the satellite's direct link to the ground [GB/s], 0: none
    ground_hops: Int16x3  # (T, S) number of links of the route to the ground side
    ground_latency_s: Float32x3  # (T, S) latency of the route to the ground side
    ground_expiry_step: Int32x3  # (T, S) first physics step in which the satellite can no longer reach the ground side
    isl_gb_s: Float32x2  # (S,) rate of the satellite's optical links [GB/s]
    bridged: Int8x2  # (1,) 1: pairs without a route over optical links are connected through the ground side


class Traffic(NamedTuple):
    """Work space for the transfers of the present step by link.

    Nodes 0 to S - 1 are satellites, and node S is the ground side.
    """

    transfers: Float64x2  # (S + 1, S + 1) number of transfers that share the link from the first node to the second
    carried_gb: Float64x2  # (S + 1, S + 1) data that the link has carried
    stamp: Int64x2  # (S + 1, S + 1) identifier of the transfer that was counted last on the link
    links: Int64x2  # (N, 2) links that carry transfers
    used: Int64x1  # (1,) number of entries of `links`
    path: Int64x1  # (2 S + 2,) nodes of the route that was walked last


links_of = rows_of_environment(Links)
"""Compiled function that selects the network tables of one environment of a batch."""


def traffic_of(num_satellites: int) -> Traffic:
    """Return empty work space for the transfers of a fleet."""
    nodes = num_satellites + 1
    return Traffic(
        np.zeros((nodes, nodes)), np.zeros((nodes, nodes)), np.empty((nodes, nodes), np.int64),
        np.empty((nodes * nodes, 2), np.int64), np.zeros(1, np.int64), np.empty(2 * nodes, np.int64),
    )  # fmt: skip
