"""What radiation and failures do to the jobs of one environment. Scalar code between physics steps.

The accelerators of a satellite stand in a row: those of its running jobs, then the free ones, awake before gated, then
the dead. An event strikes one place of that row.
"""

from odc_gym._jit import routine
from odc_gym.core.jobs.hosting import drop_running, leave
from odc_gym.core.jobs.progress import lose
from odc_gym.core.jobs.waiting import NOWHERE, requeue
from odc_gym.core.layout.state import X
from odc_gym.core.layout.work import G, L


@routine
def strike(e, events, tick, now):
    """The events of a physics step: an upset resets an accelerator, a hard failure takes it away for good."""
    head, x = e.head[0], e.x
    while head["next_event"] < events.shape[0] and events[head["next_event"]]["tick"] <= tick:
        event = events[head["next_event"]]
        head["next_event"] += 1
        s, place = event["satellite"], event["accelerator"]
        if place >= x[X.living, s]:
            continue  # dead already
        k = holder(e, place, s)
        if event["hard"] == 0:
            x[X.upsets, s] += 1.0
            if k != NOWHERE:
                interrupt(e, e.lists[1, k])
            continue
        x[X.failures, s] += 1.0
        if place < x[X.awake, s]:
            x[X.awake, s] -= 1.0
        if k != NOWHERE:
            throw_out(e, k, now)
        x[X.living, s] -= 1.0
        x[X.free, s] -= 1.0


@routine
def holder(e, place, s):
    """Which of the running jobs holds a place of a satellite's row of accelerators; NOWHERE if it is free."""
    end = 0
    for k in range(e.head[0]["running"]):
        first = e.lists[1, k]
        for row in range(first, first + e.jobs[first]["num_satellites"]):
            if e.run[row]["host"] == s:
                end += e.jobs[row]["width"]
                if place < end:
                    return k
    return NOWHERE


@routine
def interrupt(e, row):
    """A job goes back to its last payable point, and waits for the reset and its start where it is."""
    kind, r = e.jobs[row]["class_id"], e.run[row]
    e.ledger[L.fault_lost_s, kind] += lose(e, row)
    e.ledger[L.resets, kind] += 1.0
    e.ledger[L.forced, kind] += 1.0
    e.head[0]["chip_stops"] += 1.0
    r["delay_s"] = r["writing_s"] + max(r["delay_s"] - r["writing_s"], e.policy.reset_s + e.rules[G.init_s, kind])
    r["reset_s"] = e.policy.reset_s


@routine
def throw_out(e, k, now):
    """A job that lost an accelerator for good goes back to its last payable point, and to the queue."""
    row = e.lists[1, k]
    kind = e.jobs[row]["class_id"]
    e.ledger[L.fault_lost_s, kind] += lose(e, row)
    e.ledger[L.forced, kind] += 1.0
    e.head[0]["chip_stops"] += 1.0
    leave(e, row)
    drop_running(e, k)
    requeue(e, row, now)
