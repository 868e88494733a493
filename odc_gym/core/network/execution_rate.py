"""How fast jobs go: alone as their satellite does, as a gang as its slowest member and its links allow.

The rows of a gang follow each other, see `gangs`; it has its hosts when its last row has one. Scalar code between
physics steps.
"""

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.layout.state import D, X
from odc_gym.core.layout.work import RUNNING, G, K
from odc_gym.core.network.routes import carry, count_route, route_rate, walk

LEAST = 1e-9  # of a rate: below it nothing goes on


@routine
def host_rate(e, row):
    """Work that the accelerators of one row of a job do in a second while they are active."""
    job, s = e.jobs[row], e.run[row]["host"]
    kind = job["class_id"]
    clock = e.classes[K.clock, kind, s]
    speed = e.p[D.speed, s] * clock / (e.rules[G.kappa, kind] + (1.0 - e.rules[G.kappa, kind]) * clock)
    return job["width"] * speed * e.x[X.duty, s]


@routine
def rate_of(e, row):
    """Work that a running job does in a second while it is active."""
    if e.jobs[row]["num_satellites"] == 1:
        return host_rate(e, row)
    slowest = np.inf
    for member in range(row, row + e.jobs[row]["num_satellites"]):
        slowest = min(slowest, host_rate(e, member))
    return e.jobs[row]["num_satellites"] * slowest * share_at_work(e, row, slowest)


@routine
def has_hosts(e, row):
    """Whether all rows of a gang have a host: they run, or were given one to see how they would."""
    return e.run[row + e.jobs[row]["num_satellites"] - 1]["host"] >= 0


@routine
def forecast_rate(e, row, s):
    """Work of an accelerator of a job on a satellite in a second, at the requested clocks.

    That of a gang which has its hosts is the one at which all of it would go there; before, it is known for `s` alone.
    """
    job = e.jobs[row]
    kind = job["class_id"]
    if job["num_satellites"] == 1 or not has_hosts(e, row):
        return e.classes[K.rate, kind, s]
    slowest = np.inf
    for member in range(row, row + job["num_satellites"]):
        slowest = min(slowest, e.classes[K.rate, kind, e.run[member]["host"]])
    return slowest * share_at_work(e, row, slowest * job["width"])


@routine
def next_in_ring(e, row, member):
    """Host of the member after one of a gang's rows, the first after the last."""
    after = member + 1 if member + 1 < row + e.jobs[row]["num_satellites"] else row
    return e.run[after]["host"]


@routine
def iteration(e, row, slowest):
    """Times of an iteration of a gang: compute of the slowest member, and exchange that shows [s].

    An iteration takes its compute on the slowest member and the part of the exchange that does not hide behind it. The
    exchange is a ring: each member sends and receives 2 (m - 1) / m of the gradients at the rate of the slowest way
    between neighbours, which it shares with the transfers that are counted: that of a running gang is one of them.

    Source: Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations", J. Parallel
    Distrib. Comput. 69 (2009).

    Args:
        e: the environment.
        row: the first of the gang; all have hosts.
        slowest: work of the accelerators of its slowest member in a second.
    """
    job, tick, rate_gb_s = e.jobs[row], e.head[0]["tick"], np.inf
    kind, more = job["class_id"], 0.0 if e.run[row]["status"] == RUNNING else 1.0
    for member in range(row, row + job["num_satellites"]):
        count = walk(e, e.run[member]["host"], next_in_ring(e, row, member), tick)
        rate_gb_s = min(rate_gb_s, route_rate(e, count, more, tick))
    compute_s = e.rules[G.iteration_s, kind] * job["width"] / max(slowest, LEAST)
    exchange_s = exchanged_gb(e, row) / max(rate_gb_s, LEAST)
    return compute_s, max(0.0, exchange_s - e.rules[G.overlap, kind] * compute_s)


@routine
def exchanged_gb(e, row):
    """What each member of a gang sends to the next in an iteration [GB]."""
    members = e.jobs[row]["num_satellites"]
    return 2.0 * (members - 1) / members * e.rules[G.sync_gb, e.jobs[row]["class_id"]]


@routine
def share_at_work(e, row, slowest):
    """Share of the time of a gang in which it computes: for the rest it waits for what of the exchange shows."""
    compute_s, shown_s = iteration(e, row, slowest)
    return compute_s / (compute_s + shown_s)


@routine
def count_exchange(e, row):
    """Count the exchange of a running gang on the links of its ring."""
    for member in range(row, row + e.jobs[row]["num_satellites"]):
        count = walk(e, e.run[member]["host"], next_in_ring(e, row, member), e.head[0]["tick"])
        count_route(e, count, member)


@routine
def carry_exchange(e, row, time_s):
    """Note what the ring of a gang carries in so much time at work."""
    slowest = np.inf
    for member in range(row, row + e.jobs[row]["num_satellites"]):
        slowest = min(slowest, host_rate(e, member))
    compute_s, shown_s = iteration(e, row, slowest)
    gb = exchanged_gb(e, row) * time_s / (compute_s + shown_s)
    for member in range(row, row + e.jobs[row]["num_satellites"]):
        carry(e, walk(e, e.run[member]["host"], next_in_ring(e, row, member), e.head[0]["tick"]), gb)
