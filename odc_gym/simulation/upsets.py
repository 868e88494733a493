"""What radiation and failures do to the jobs of one environment. Scalar code between physics steps.

The accelerators of a satellite stand in a row: those of its running jobs, then the free ones, awake before gated, then
the dead. An event strikes one place of that row.
"""

from odc_gym._jit import routine
from odc_gym.simulation.dispatch import leave, lose
from odc_gym.simulation.state import G, L, X
from odc_gym.simulation.waiting import NOWHERE, requeue


@routine
def strike(head, events, jobs, run, lists, x, classes, ledger, rules, policy, urgency, tick, now):
    """The events of a physics step: an upset resets an accelerator, a hard failure takes it away for good."""
    while head["next_event"] < events.shape[0] and events[head["next_event"]]["tick"] <= tick:
        event = events[head["next_event"]]
        head["next_event"] += 1
        s, place = event["satellite"], event["accelerator"]
        if place >= x[X.living, s]:
            continue  # dead already
        k = holder(place, s, head, jobs, run, lists[1])
        if event["hard"] == 0:
            x[X.upsets, s] += 1.0
            if k != NOWHERE:
                interrupt(jobs[lists[1, k]], run[lists[1, k]], ledger, rules, policy)
            continue
        x[X.failures, s] += 1.0
        if place < x[X.awake, s]:
            x[X.awake, s] -= 1.0
        if k != NOWHERE:
            throw_out(k, head, jobs, run, lists, x, classes, ledger, rules, policy, urgency, now)
        x[X.living, s] -= 1.0
        x[X.free, s] -= 1.0


@routine
def holder(place, s, head, jobs, run, running):
    """Which of the running jobs holds a place of a satellite's row of accelerators; NOWHERE if it is free."""
    end = 0
    for k in range(head["running"]):
        if run[running[k]]["host"] == s:
            end += jobs[running[k]]["width"]
            if place < end:
                return k
    return NOWHERE


@routine
def interrupt(job, r, ledger, rules, policy):
    """A job goes back to its last payable point, and waits for the reset and its start where it is."""
    kind = job["kind"]
    ledger[L.fault_lost_s, kind] += lose(job, r, ledger)
    ledger[L.resets, kind] += 1.0
    r["delay_s"] = max(r["delay_s"], policy.reset_s + rules[G.init_s, kind])


@routine
def throw_out(k, head, jobs, run, lists, x, classes, ledger, rules, policy, urgency, now):
    """A job that lost an accelerator for good goes back to its last payable point, and to the queue."""
    row = lists[1, k]
    job, r = jobs[row], run[row]
    ledger[L.fault_lost_s, job["kind"]] += lose(job, r, ledger)
    leave(job, r, x, classes)
    head["running"] -= 1
    for i in range(k, head["running"]):
        lists[1, i] = lists[1, i + 1]
    requeue(row, head, jobs, run, lists, rules, policy, urgency, now)
