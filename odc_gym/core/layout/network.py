"""Tables and work space of the network of an environment."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.layout.rows import rows_of_environment


class Links(NamedTuple):
    """Tables of the network of an episode. T physics steps or 1 row where nothing changes, E topologies, S satellites.

    Node S is the ground side: the terrestrial network or a backbone. A pair without a route over own links goes over
    the ground side where `bridged` is 1.
    """

    epoch: np.ndarray  # (T,) topology of each physics step
    next_hop: np.ndarray  # (E, S, S) next satellite on the way from the first to the second, itself at home, -1 none
    hops: np.ndarray  # (E, S, S)
    expiry_step: np.ndarray  # (E, S, S) first physics step at which the second can no longer be reached
    ground_hop: np.ndarray  # (T, S) next node on the way to the ground side, S: it has a link of its own, -1 none
    ground_gb_s: np.ndarray  # (T, S) rate of that own link, 0 none
    ground_hops: np.ndarray  # (T, S)
    ground_latency_s: np.ndarray  # (T, S) along the way
    ground_expiry_step: np.ndarray  # (T, S) first physics step without a way
    isl_gb_s: np.ndarray  # (S,) rate of a satellite's own optical links
    bridged: np.ndarray  # (1,)


class Traffic(NamedTuple):
    """Work space: transfers of the present step by link. Nodes 0 to S - 1 are satellites, node S is the ground side."""

    transfers: np.ndarray  # (S + 1, S + 1) transfers that share the link from the first node to the second
    carried_gb: np.ndarray  # (S + 1, S + 1) what it carried
    stamp: np.ndarray  # (S + 1, S + 1) who counted itself last
    links: np.ndarray  # (N, 2) links with transfers
    used: np.ndarray  # (1,) how many of them there are
    path: np.ndarray  # nodes of the route that was walked last


links_of = rows_of_environment(Links)
"""Compiled function that picks the network of an environment."""


@routine
def traffic_of(num_satellites: int) -> Traffic:
    """Return work space for the transfers of a fleet."""
    nodes = num_satellites + 1
    return Traffic(
        np.zeros((nodes, nodes)), np.zeros((nodes, nodes)), np.empty((nodes, nodes), np.int64),
        np.empty((nodes * nodes, 2), np.int64), np.zeros(1, np.int64), np.empty(2 * nodes, np.int64),
    )  # fmt: skip
