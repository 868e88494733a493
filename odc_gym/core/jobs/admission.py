"""Admission of arriving jobs, and records of the queue and of tenant usage.

The code is scalar and runs between physics steps.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.jobs.waiting import NOWHERE, enqueue, is_replica, rank_of, remaining_estimate
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.event_log import NOT_ADMITTED, log_event
from odc_gym.core.layout.state import fill
from odc_gym.core.layout.work import GUARANTEED, REFUSED


@routine
def admit_arrivals(env: Environment, now_s: float) -> None:
    """Queue the jobs that have arrived, and refuse those of a class whose backlog is full.

    A refusal is final. Guaranteed jobs are never refused.
    """
    scalars, jobs = env.scalars[0], env.jobs
    while scalars["next_job"] < jobs.shape[0] and jobs[scalars["next_job"]]["arrival_s"] <= now_s:
        row = scalars["next_job"]
        scalars["next_job"] += 1
        if jobs[row]["num_satellites"] == 0:  # further row of a gang
            continue
        class_id = jobs[row]["class_id"]
        env.ledger.arrived_now[class_id] += jobs[row]["estimate_s"]
        if jobs[row]["tier"] != GUARANTEED and is_backlog_full(env, class_id):
            env.run[row]["status"] = REFUSED
            env.run[row]["finished_s"] = now_s
            env.ledger.refused[class_id] += 1.0
            log_event(env.log, NOT_ADMITTED, NOWHERE, row, 0.0, now_s)
            continue
        env.run[row]["rank"] = rank_of(env, row, now_s)
        enqueue(env, row)


@routine
def is_backlog_full(env: Environment, class_id: int) -> bool:
    """Return whether the estimated work of a class's waiting jobs exceeds the class's limit."""
    limit_s = env.rules.backlog_most_s[class_id]
    if limit_s == np.inf:
        return False
    backlog_s = 0.0
    for k in range(env.scalars[0]["waiting"]):
        row = env.waiting[k]
        if env.jobs[row]["class_id"] == class_id:
            backlog_s += remaining_estimate(env.jobs[row], env.run[row])
    return backlog_s > limit_s


@routine
def record_queue(env: Environment, now_s: float) -> None:
    """Record each class's backlog and the age of its oldest waiting job.

    The function runs once a decision. It also updates the sums over decisions and the highest age. Replicas do not
    count.
    """
    ledger = env.ledger
    fill(ledger.backlog_now_s, 0.0)
    fill(ledger.oldest_now_s, 0.0)
    for k in range(env.scalars[0]["waiting"]):
        row = env.waiting[k]
        if is_replica(env, row):
            continue
        class_id = env.jobs[row]["class_id"]
        ledger.backlog_now_s[class_id] += remaining_estimate(env.jobs[row], env.run[row])
        ledger.oldest_now_s[class_id] = max(ledger.oldest_now_s[class_id], now_s - env.jobs[row]["arrival_s"])
    for c in range(env.num_classes):
        ledger.backlog_sum_s[c] += ledger.backlog_now_s[c]
        ledger.oldest_sum_s[c] += ledger.oldest_now_s[c]
        ledger.oldest_most_s[c] = max(ledger.oldest_most_s[c], ledger.oldest_now_s[c])


@routine
def update_tenant_usage(env: Environment, decision_period_s: float) -> None:
    """Update the exponential average of the accelerators that each tenant's jobs hold.

    The function runs once a decision. Without fair share (`fair_s` of 0), it does nothing.
    """
    if env.policy.fair_s == 0.0:
        return
    weight = min(1.0, decision_period_s / env.policy.fair_s)
    for i in range(env.tenants.held.shape[0]):
        env.tenants.held[i] *= 1.0 - weight
    for k in range(env.scalars[0]["running"]):
        job = env.jobs[env.running[k]]
        if job["tenant"] >= 0:
            env.tenants.held[job["tenant"]] += weight * job["total_accelerators"]
