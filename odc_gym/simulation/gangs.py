"""Gangs: jobs that span several satellites of one lasting neighbourhood, all of them or none, in step with each other.

The row of a gang in the job table is followed by one row for each further satellite, and `members` of the first counts
them all. Work, checkpoints and pay are kept in the first row; each row has a host and holds accelerators there.
"""

import numpy as np

from odc_gym._jit import routine
from odc_gym.simulation.hosting import hold, run_from
from odc_gym.simulation.routes import carry, count_route, route_rate, topology, walk
from odc_gym.simulation.state import D, X
from odc_gym.simulation.waiting import NOWHERE, feasible, may_host, score_of
from odc_gym.simulation.work import G, K

LEAST = 1e-9  # of a rate: below it nothing goes on


@routine
def neighbours(e, s, d, kind):
    """Whether own links join two satellites over as few hops, and for as long, as gangs of a class need."""
    k = topology(e, e.head[0]["tick"])
    hops = e.links.hops[k, s, d]
    lasts = e.links.closes[k, s, d] - e.head[0]["tick"]
    return 0 <= hops <= e.rules[G.gang_hops, kind] and lasts >= e.rules[G.lasting_steps, kind]


@routine
def seat_gang(e, row, now):
    """Choose the hosts of a gang and write them into its rows; whether there are enough.

    The first is the feasible satellite of the highest score that has enough feasible neighbours, the others are those
    of its neighbours with the highest scores.
    """
    job, able = e.jobs[row], 0
    for s in range(e.satellites):
        able += 1 if may_host(e, row, s, now) else 0
    if able < job["members"]:
        return False
    score, first = np.inf, NOWHERE
    for _ in range(able):
        score, first = next_best(e, row, score, first, now)
        if feasible(e, row, first, now) and seat_around(e, row, first, now):
            return True
    return False


@routine
def next_best(e, row, score, last, now):
    """The satellite with room that follows the last one in falling order of scores, and its score."""
    best, found = -np.inf, NOWHERE
    for s in range(e.satellites):
        if may_host(e, row, s, now):
            own = score_of(e, s, e.jobs[row]["kind"], e.jobs[row]["width"])
            if own > best and (own < score or (own == score and s > last)):
                best, found = own, s
    return best, found


@routine
def seat_around(e, row, first, now):
    """Put the first row on a satellite and the others on its best neighbours; whether there are enough."""
    job = e.jobs[row]
    kind, width, end = job["kind"], job["width"], row + job["members"]
    e.run[row]["host"] = first
    for member in range(row + 1, end):
        best, chosen = -np.inf, NOWHERE
        for s in range(e.satellites):
            if may_host(e, row, s, now) and neighbours(e, first, s, kind):
                score = score_of(e, s, kind, width)
                if score > best and not seated(e, row, member, s):
                    best, chosen = score, s
        e.run[member]["host"] = chosen
        if chosen == NOWHERE:
            for other in range(row, end):
                e.run[other]["host"] = NOWHERE
            return False
    return True


@routine
def seated(e, row, end, s):
    """Whether one of the rows from `row` up to `end` is on a satellite."""
    count = 0
    for member in range(row, end):
        count += e.run[member]["host"] == s
    return count > 0


@routine
def enter_gang(e, row, now):
    """A gang starts on the hosts in its rows; each brings its part of the data."""
    for member in range(row, row + e.jobs[row]["members"]):
        hold(e, member, row, e.run[member]["host"], now)
    run_from(e, row, now)


@routine
def is_joined(e, row):
    """Whether own links join all satellites of a running gang now."""
    k = topology(e, e.head[0]["tick"])
    for member in range(row + 1, row + e.jobs[row]["members"]):
        if e.links.hops[k, e.run[row]["host"], e.run[member]["host"]] < 0:
            return False
    return True


@routine
def parts_next(e, row):
    """Whether the links of a running gang are known to part before the step after this one."""
    tick = e.head[0]["tick"]
    k = topology(e, tick)
    for member in range(row + 1, row + e.jobs[row]["members"]):
        if e.links.closes[k, e.run[row]["host"], e.run[member]["host"]] <= tick + 1:
            return True
    return False


@routine
def host_rate(e, row):
    """Work that the accelerators of one row of a job do in a second while they are active."""
    job, s = e.jobs[row], e.run[row]["host"]
    kind = job["kind"]
    clock = e.classes[K.clock, kind, s]
    speed = e.p[D.speed, s] * clock / (e.rules[G.kappa, kind] + (1.0 - e.rules[G.kappa, kind]) * clock)
    return job["width"] * speed * e.x[X.duty, s]


@routine
def rate_of(e, row):
    """Work that a job does in a second while it is active."""
    return host_rate(e, row) if e.jobs[row]["members"] == 1 else gang_rate(e, row)


@routine
def next_in_ring(e, row, member):
    """Host of the member after one of a gang's rows, the first after the last."""
    after = member + 1 if member + 1 < row + e.jobs[row]["members"] else row
    return e.run[after]["host"]


@routine
def iteration(e, row):
    """Pace of the slowest member of a gang, and times of an iteration: compute, and exchange that shows [s].

    An iteration takes its compute on the slowest member and the part of the exchange that does not hide behind it. The
    exchange is a ring: each member sends and receives 2 (m - 1) / m of the gradients at the rate of the slowest way
    between neighbours, which it shares with the transfers that are counted.

    Source: Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations", J. Parallel
    Distrib. Comput. 69 (2009).
    """
    job, tick = e.jobs[row], e.head[0]["tick"]
    kind = job["kind"]
    slowest, rate_gb_s = np.inf, np.inf
    for member in range(row, row + job["members"]):
        slowest = min(slowest, host_rate(e, member))
        count = walk(e, e.run[member]["host"], next_in_ring(e, row, member), tick)
        rate_gb_s = min(rate_gb_s, route_rate(e, count, 0.0, tick))
    compute_s = e.rules[G.iteration_s, kind] * job["width"] / max(slowest, LEAST)
    exchange_s = exchanged_gb(e, row) / max(rate_gb_s, LEAST)
    return slowest, compute_s, max(0.0, exchange_s - e.rules[G.overlap, kind] * compute_s)


@routine
def exchanged_gb(e, row):
    """What each member of a gang sends to the next in an iteration [GB]."""
    members = e.jobs[row]["members"]
    return 2.0 * (members - 1) / members * e.rules[G.sync_gb, e.jobs[row]["kind"]]


@routine
def gang_rate(e, row):
    """Work that a gang does in a second: all go at the pace of the slowest, and wait for what of the exchange shows."""
    slowest, compute_s, shown_s = iteration(e, row)
    return e.jobs[row]["members"] * slowest * compute_s / (compute_s + shown_s)


@routine
def count_exchange(e, row):
    """Count the exchange of a running gang on the links of its ring."""
    for member in range(row, row + e.jobs[row]["members"]):
        count = walk(e, e.run[member]["host"], next_in_ring(e, row, member), e.head[0]["tick"])
        count_route(e, count, member)


@routine
def carry_exchange(e, row, time_s):
    """Note what the ring of a gang carries in so much time at work."""
    _, compute_s, shown_s = iteration(e, row)
    gb = exchanged_gb(e, row) * time_s / (compute_s + shown_s)
    for member in range(row, row + e.jobs[row]["members"]):
        carry(e, walk(e, e.run[member]["host"], next_in_ring(e, row, member), e.head[0]["tick"]), gb)
