"""Reservation for the best job that fits nowhere: when it is expected to start, and where. Scalar code between steps.

EASY backfilling: the blocked job of the highest rank is promised the satellite on which enough accelerators will be
free soonest by the visible estimates of what runs there, a gang those of one neighbourhood. Jobs of lower rank start
before it where they do not delay it, see `waiting.keeps_promise`. The promise stays with its satellites while that job
stays the first, since estimates are wrong and a promise that moves is never kept.

Source: Lifka, "The ANL/IBM SP scheduling system", JSSPP 1995; Mu'alem and Feitelson, "Utilization, predictability,
workloads, and user runtime estimates in scheduling the IBM SP2 with backfilling", IEEE TPDS 12 (2001).
"""

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.jobs.gangs import neighbours, seated, unseat
from odc_gym.core.jobs.waiting import NOWHERE, bring_s, is_open, is_replica, pays_in_time, stay_s
from odc_gym.core.layout.state import UNBOUND_S, X, fill
from odc_gym.core.layout.work import RESULT, G, K
from odc_gym.core.network.routes import transfer_end_s
from odc_gym.core.network.storage import source_of


@routine
def binds(e, row):
    """Whether there is a reservation for another job."""
    promised = e.head[0]["reserved_row"]
    return promised != NOWHERE and promised != row


@routine
def lift(e):
    """The reservation binds nobody until it is made again; its satellites are remembered."""
    fill(e.x[X.shadow_s], UNBOUND_S)


@routine
def forget(e):
    """There is no reservation any more."""
    lift(e)
    fill(e.x[X.reserved], 0.0)
    e.head[0]["reserved_row"] = NOWHERE


@routine
def reserve(e, row, now):
    """Promise a blocked job the satellites on which it can start soonest, the same as long as it can; whether it could.

    It cannot where all are closed, off, too small beside their replicas, which never end, or free too late to be paid.
    """
    if e.head[0]["reserved_row"] == row and promise(e, row, now, True):
        return True
    return promise(e, row, now, False)


@routine
def promise(e, row, now, same):
    """Reserve the satellites on which a job can start soonest, of those reserved so far if `same`; whether it could."""
    times = np.empty(e.satellites)
    if not candidates(e, row, same, times):
        return False
    releases = coming_releases(e, now, times)
    free_times(e, e.jobs[row]["width"], now, releases, times)
    first, shadow_s = NOWHERE, np.inf
    for s in range(e.satellites):
        if times[s] < shadow_s:
            ready_s = choose_around(e, row, s, times)
            if ready_s < shadow_s and pays_in_time(e, row, s, ready_s):
                first, shadow_s = s, ready_s
    if first != NOWHERE:
        choose_around(e, row, first, times)
        forget(e)
        e.head[0]["reserved_row"] = row
        for member in range(row, row + e.jobs[row]["num_satellites"]):
            keep(e, row, e.run[member]["host"], shadow_s, releases)
    unseat(e, row)
    return first != NOWHERE


@routine
def choose_around(e, row, first, times):
    """Seat a job with its first row on a satellite, and those of a gang on the neighbours that are free soonest.

    Returns when all of them are free, inf if there are too few; to each a way must last for its part of the data.
    """
    unseat(e, row)
    e.run[row]["host"] = first
    ready_s = times[first]
    for member in range(row + 1, row + e.jobs[row]["num_satellites"]):
        best = NOWHERE
        for s in range(e.satellites):
            if times[s] < np.inf and (best == NOWHERE or times[s] < times[best]) and not seated(e, row, member, s):
                may = neighbours(e, first, s, e.jobs[row]["class_id"]) and bring_s(e, member, row, s) < np.inf
                best = s if may else best
        if best == NOWHERE:
            return np.inf
        e.run[member]["host"] = best
        ready_s = max(ready_s, times[best])
    return ready_s


@routine
def candidates(e, row, same, times):
    """Mark the satellites that a blocked job may wait for with 0, others with inf, (S,); whether there is one."""
    kind, width = e.jobs[row]["class_id"], e.jobs[row]["width"]
    some = False
    for s in range(e.satellites):
        may = e.x[X.living, s] >= width and is_open(e, kind, s)
        may = may and (e.x[X.reserved, s] > 0.0 or not same) and reach(e, s) >= width
        times[s] = 0.0 if may else np.inf
        some |= may
    return some


@routine
def reach(e, s):
    """Accelerators of a satellite that will be free at some time: those without a replica."""
    count = e.x[X.living, s]
    for c in range(e.rules.shape[1]):
        if e.rules[G.service, c] > 0.5:
            count -= e.classes[K.held, c, s]
    return count


@routine
def release_s(e, row, now):
    """When a running job is expected to give its accelerators back: a gang works when its last member is ready."""
    tick, last_s = e.head[0]["tick"], 0.0
    for member in range(row, row + e.jobs[row]["num_satellites"]):
        r, end_s = e.run[member], 0.0
        for part in range(RESULT):
            source = source_of(e, member, row, part)
            end_s = transfer_end_s(e, source, r["host"], e.cargo[part, member], tick, end_s)
        last_s = max(last_s, end_s + r["delay_s"])
    return now + last_s + stay_s(e, row, e.run[row]["host"], now)


@routine
def coming_releases(e, now, times):
    """What satellites marked in `times` will get back: seconds, satellite, accelerators, in order of time, [3, R]."""
    count = 0
    for k in range(e.head[0]["running"]):
        count += e.jobs[e.lists[1, k]]["num_satellites"]
    found = np.empty((3, count))
    i = 0
    for k in range(e.head[0]["running"]):
        first = e.lists[1, k]
        if is_replica(e, first):
            continue
        end = np.inf
        for row in range(first, first + e.jobs[first]["num_satellites"]):
            s = e.run[row]["host"]
            if times[s] < np.inf:
                end = release_s(e, first, now) if end == np.inf else end
                found[0, i], found[1, i], found[2, i] = end, s, e.jobs[row]["width"]
                i += 1
    order = np.argsort(found[0, :i])
    return found[:, :i][:, order]


@routine
def free_times(e, width, now, releases, times):
    """When so many accelerators of each satellite marked in `times` are free by estimates [s], inf never, (S,)."""
    free = np.empty(e.satellites)
    for s in range(e.satellites):
        free[s] = e.x[X.free, s]
        if times[s] < np.inf:
            times[s] = now if free[s] >= width else np.inf
    for i in range(releases.shape[1]):
        s = int(releases[1, i])
        free[s] += releases[2, i]
        if times[s] == np.inf and free[s] >= width:
            times[s] = releases[0, i]


@routine
def keep(e, row, s, shadow_s, releases):
    """Reserve a satellite from a time on."""
    width = e.jobs[row]["width"]
    spare = e.x[X.free, s] - width
    for i in range(releases.shape[1]):
        if releases[1, i] == s and releases[0, i] <= shadow_s:
            spare += releases[2, i]
    e.x[X.reserved, s] = width
    e.x[X.shadow_s, s] = shadow_s
    e.x[X.spare, s] = spare
