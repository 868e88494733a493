"""What the scheduling routines work on: the arrays of one environment under one name, and its network."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.layout.serving_grid import Serving
from odc_gym.core.layout.work import Policy, policy_rows


class Links(NamedTuple):
    """Tables of the network of an episode. T physics steps or 1 row where nothing changes, E topologies, S satellites.

    Node S is the ground side: the terrestrial network or a backbone. A pair without a route over own links goes over
    the ground side where `bridged` is 1.
    """

    epoch: np.ndarray  # (T,) topology of each physics step
    next_hop: np.ndarray  # (E, S, S) next satellite on the way from the first to the second, itself at home, -1 none
    hops: np.ndarray  # (E, S, S)
    closes: np.ndarray  # (E, S, S) first physics step at which the second can no longer be reached
    ground_hop: np.ndarray  # (T, S) next node on the way to the ground side, S: it has a link of its own, -1 none
    ground_gb_s: np.ndarray  # (T, S) rate of that own link, 0 none
    ground_hops: np.ndarray  # (T, S)
    ground_latency_s: np.ndarray  # (T, S) along the way
    ground_closes: np.ndarray  # (T, S) first physics step without a way
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


@routine
def traffic_of(n):
    """Work space for `n` satellites."""
    nodes = n + 1
    return Traffic(
        np.zeros((nodes, nodes)), np.zeros((nodes, nodes)), np.empty((nodes, nodes), np.int64),
        np.empty((nodes * nodes, 2), np.int64), np.zeros(1, np.int64), np.empty(2 * nodes, np.int64),
    )  # fmt: skip


class Fleet(NamedTuple):
    """One environment: what changes, its tables and its parameters. Blocks are indexed by names: `e.x[X.free, s]`."""

    head: np.ndarray  # (1,) of HEAD: a record of its own cannot be part of a compiled tuple
    jobs: np.ndarray  # (J,) of JOB, read-only
    run: np.ndarray  # (J,) of RUN
    lists: np.ndarray  # (3, J): waiting rows in queue order, running rows, rows that send their results
    cargo: np.ndarray  # (4, J) of CARGO
    x: np.ndarray  # State
    p: np.ndarray  # Design
    classes: np.ndarray  # Classes
    ledger: np.ndarray  # Ledger
    services: np.ndarray  # Services
    resident: np.ndarray  # (M, P) last use of each model where it is stored, in physics steps from 1, 0: it is not
    models: np.ndarray  # (M,) [GB]; the first is none, of 0 GB
    tenants: np.ndarray  # Tenants
    rules: np.ndarray  # Rules
    policy: Policy
    urgency: np.ndarray  # (C,) of the action
    links: Links
    serving: Serving
    traffic: Traffic
    satellites: int


@routine
def shared(array, b):
    """The row of environment `b`, or the one row of all."""
    return array[b if array.shape[0] > 1 else 0]


@routine
def fleet(
    b, head, jobs, run, lists, state, design, classes, ledger, services, stores, rules, policies, urgency, links,
    serving, traffic, n,
):  # fmt: skip
    """The environment `b` of a batch.

    `stores` are cargo, resident, models and tenants; `links` and `serving` the arrays of `Links` and `Serving` with
    first axis B, or 1 where all share.
    """
    own = Links(
        shared(links[0], b), shared(links[1], b), shared(links[2], b), shared(links[3], b), shared(links[4], b),
        shared(links[5], b), shared(links[6], b), shared(links[7], b), shared(links[8], b), shared(links[9], b),
        shared(links[10], b),
    )  # fmt: skip
    waits, idles, paces = shared(serving[0], b), shared(serving[1], b), shared(serving[2], b)
    laws = Serving(waits, idles, paces, shared(serving[3], b), shared(serving[4], b))
    return Fleet(
        head[b : b + 1], jobs[b], run[b], lists[b], stores[0][b], state[b], design[b], classes[b], ledger[b],
        services[b], stores[1][b], stores[2][b], stores[3][b], rules[b], policy_rows(policies[b]), urgency, own, laws,
        traffic, n,
    )  # fmt: skip
