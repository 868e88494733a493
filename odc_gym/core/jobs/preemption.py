"""Guaranteed jobs take the place of spot jobs where they fit nowhere else. Scalar code between physics steps."""

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.jobs.hosting import drop_running, enter, leave
from odc_gym.core.jobs.progress import count_stop, stop
from odc_gym.core.jobs.reservation import forget
from odc_gym.core.jobs.waiting import NOWHERE, drop_waiting, is_open, pays_in_time, requeue, score_of
from odc_gym.core.layout.state import X
from odc_gym.core.layout.work import FREE, GUARANTEED, SPOT, L


@routine
def preempt(e, now):
    """Waiting guaranteed jobs of one satellite, in queue order, start in the place of spot jobs."""
    if e.policy.preempts < 0.5:
        return
    k = 0
    while k < e.head[0]["waiting"]:
        row = e.lists[0, k]
        job = e.jobs[row]
        may = job["tier"] == GUARANTEED and job["num_satellites"] == 1 and e.run[row]["order"] == FREE
        s = cheapest(e, row, now) if may and e.urgency[job["class_id"]] >= e.policy.hold else NOWHERE
        if s == NOWHERE:
            k += 1
            continue
        drop_waiting(e, k)
        make_room(e, s, job["width"], now)
        if row == e.head[0]["reserved_row"]:
            forget(e)
        enter(e, row, s, now)


@routine
def cheapest(e, row, now):
    """The satellite that a job fits with the fewest accelerators taken from spot jobs, by score where equal."""
    kind, width = e.jobs[row]["class_id"], e.jobs[row]["width"]
    spot = np.zeros(e.satellites)
    for k in range(e.head[0]["running"]):
        first = e.lists[1, k]
        if e.jobs[first]["tier"] == SPOT:
            for member in range(first, first + e.jobs[first]["num_satellites"]):
                spot[e.run[member]["host"]] += e.jobs[member]["width"]
    best, least, highest = NOWHERE, np.inf, -np.inf
    for s in range(e.satellites):
        taken, score = width - e.x[X.free, s], score_of(e, s, kind, 0)
        if spot[s] == 0.0 or spot[s] < taken or not is_open(e, kind, s):
            continue
        if (taken < least or (taken == least and score > highest)) and pays_in_time(e, row, s, now):
            best, least, highest = s, taken, score
    return best


@routine
def make_room(e, s, width, now):
    """Spot jobs leave a satellite, the last to come first, until so many accelerators are free there."""
    k = e.head[0]["running"] - 1
    while e.x[X.free, s] < width:
        row = e.lists[1, k]
        if e.jobs[row]["tier"] == SPOT and is_on(e, row, s):
            stop(e, row, now)
            leave(e, row)
            drop_running(e, k)
            e.ledger[L.preempted, e.jobs[row]["class_id"]] += 1.0
            count_stop(e, row, True)
            requeue(e, row, now)
        k -= 1


@routine
def is_on(e, row, s):
    """Whether a running job holds accelerators of a satellite."""
    count = 0
    for member in range(row, row + e.jobs[row]["num_satellites"]):
        count += e.run[member]["host"] == s
    return count > 0
