"""Gangs: jobs that span several satellites of one lasting neighbourhood, all of them or none, in step with each other.

The row of a gang in the job table is followed by one row for each further satellite, and `members` of the first counts
them all. Work, checkpoints and pay are kept in the first row; each row has a host and holds accelerators there. How
fast they go is in `pace`.
"""

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.jobs.hosting import hold, run_from, take_spare
from odc_gym.core.jobs.waiting import NOWHERE, bring_s, feasible, keeps_promise, may_host, pays_in_time, score_of
from odc_gym.core.layout.work import G
from odc_gym.core.network.routes import topology


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
    if able < job["num_satellites"]:
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
            own = score_of(e, s, e.jobs[row]["class_id"], e.jobs[row]["width"])
            if own > best and (own < score or (own == score and s > last)):
                best, found = own, s
    return best, found


@routine
def seat_around(e, row, first, now):
    """Put the first row on a satellite and the others on its best neighbours; whether there are enough.

    To each a way must last for its part of the data, and the gang must be paid and keep promises as a whole: it goes on
    when its last member is ready, at the pace of all.
    """
    job = e.jobs[row]
    kind, width, end = job["class_id"], job["width"], row + job["num_satellites"]
    e.run[row]["host"] = first
    for member in range(row + 1, end):
        best, chosen = -np.inf, NOWHERE
        for s in range(e.satellites):
            if may_host(e, row, s, now) and neighbours(e, first, s, kind):
                score = score_of(e, s, kind, width)
                if score > best and not seated(e, row, member, s) and bring_s(e, member, row, s) < np.inf:
                    best, chosen = score, s
        e.run[member]["host"] = chosen
        if chosen == NOWHERE:
            break
    if e.run[end - 1]["host"] != NOWHERE and suits(e, row, now):
        return True
    unseat(e, row)
    return False


@routine
def suits(e, row, now):
    """Whether a gang on the hosts in its rows is paid in time and delays nobody who has a reservation there."""
    kept = pays_in_time(e, row, e.run[row]["host"], now)
    for member in range(row, row + e.jobs[row]["num_satellites"]):
        kept = kept and keeps_promise(e, row, e.run[member]["host"], now)
    return kept


@routine
def unseat(e, row):
    """A gang that does not run has no hosts."""
    for member in range(row, row + e.jobs[row]["num_satellites"]):
        e.run[member]["host"] = NOWHERE


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
    for member in range(row, row + e.jobs[row]["num_satellites"]):
        take_spare(e, member, row, e.run[member]["host"], now)
    for member in range(row, row + e.jobs[row]["num_satellites"]):
        hold(e, member, row, e.run[member]["host"], now)
    run_from(e, row, now)


@routine
def is_joined(e, row):
    """Whether own links join all satellites of a running gang now."""
    k = topology(e, e.head[0]["tick"])
    for member in range(row + 1, row + e.jobs[row]["num_satellites"]):
        if e.links.hops[k, e.run[row]["host"], e.run[member]["host"]] < 0:
            return False
    return True


@routine
def parts_next(e, row):
    """Whether the links of a running gang are known to part before the step after this one."""
    tick = e.head[0]["tick"]
    k = topology(e, tick)
    for member in range(row + 1, row + e.jobs[row]["num_satellites"]):
        if e.links.closes[k, e.run[row]["host"], e.run[member]["host"]] <= tick + 1:
            return True
    return False
