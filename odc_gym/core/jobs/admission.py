"""Who may join the queue, and what is kept of its length and age. Scalar code between physics steps."""

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.jobs.waiting import enqueue, is_replica, rank_of, remaining_estimate
from odc_gym.core.layout.state import fill
from odc_gym.core.layout.work import GUARANTEED, REFUSED, G, L, Q


@routine
def admit(e, now):
    """Arrivals join the queue, or are refused for good where their class has too long a backlog."""
    head, jobs = e.head[0], e.jobs
    while head["next_job"] < jobs.shape[0] and jobs[head["next_job"]]["arrival_s"] <= now:
        row = head["next_job"]
        head["next_job"] += 1
        if jobs[row]["num_satellites"] == 0:  # part of the gang before it
            continue
        kind = jobs[row]["class_id"]
        e.ledger[L.arrived_now, kind] += jobs[row]["estimate_s"]
        if jobs[row]["tier"] != GUARANTEED and is_full(e, kind):
            e.run[row]["status"] = REFUSED
            e.run[row]["finished_s"] = now
            e.ledger[L.refused, kind] += 1.0
            continue
        e.run[row]["rank"] = rank_of(e, row, now)
        enqueue(e, row)


@routine
def is_full(e, kind):
    """Whether the estimated work of a class's waiting jobs exceeds what the scenario lets wait."""
    most = e.rules[G.backlog_most_s, kind]
    if most == np.inf:
        return False
    backlog = 0.0
    for k in range(e.head[0]["waiting"]):
        row = e.lists[0, k]
        if e.jobs[row]["class_id"] == kind:
            backlog += remaining_estimate(e.jobs[row], e.run[row])
    return backlog > most


@routine
def watch_queue(e, now):
    """Once a decision: sums for the means of each class's backlog and of the age of its oldest waiting job."""
    ledger = e.ledger
    fill(ledger[L.backlog_now_s], 0.0)
    fill(ledger[L.oldest_now_s], 0.0)
    for k in range(e.head[0]["waiting"]):
        row = e.lists[0, k]
        if is_replica(e, row):
            continue
        kind = e.jobs[row]["class_id"]
        ledger[L.backlog_now_s, kind] += remaining_estimate(e.jobs[row], e.run[row])
        ledger[L.oldest_now_s, kind] = max(ledger[L.oldest_now_s, kind], now - e.jobs[row]["arrival_s"])
    for c in range(ledger.shape[1]):
        ledger[L.backlog_sum_s, c] += ledger[L.backlog_now_s, c]
        ledger[L.oldest_sum_s, c] += ledger[L.oldest_now_s, c]
        ledger[L.oldest_most_s, c] = max(ledger[L.oldest_most_s, c], ledger[L.oldest_now_s, c])


@routine
def watch_tenants(e, decision_period_s):
    """Once a decision: exponential averages of the accelerators that the jobs of each tenant hold."""
    if e.policy.fair_s == 0.0:
        return
    weight = min(1.0, decision_period_s / e.policy.fair_s)
    for i in range(e.tenants.shape[1]):
        e.tenants[Q.held, i] *= 1.0 - weight
    for k in range(e.head[0]["running"]):
        job = e.jobs[e.lists[1, k]]
        if job["tenant"] >= 0:
            e.tenants[Q.held, job["tenant"]] += weight * job["total_accelerators"]
