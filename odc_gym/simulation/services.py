"""Services of one environment: replicas that follow the demand, and the fluid of tokens that they serve.

Replicas are rows of the job table and of the queue, see `dispatch`. Scalar code between physics steps.
"""

import numpy as np

from odc_gym._jit import routine
from odc_gym.physics.mathematics import LN_2, bounded_exp, clip
from odc_gym.simulation.gangs import rate_of
from odc_gym.simulation.hosting import drop_running, leave
from odc_gym.simulation.progress import HOUR_S
from odc_gym.simulation.routes import latency_s
from odc_gym.simulation.state import X
from odc_gym.simulation.waiting import NOWHERE, enqueue, rank_of, score_of
from odc_gym.simulation.work import ABSENT, FREE, RUNNING, WAITING, G, K, L, V


@routine
def autoscale(e, planned, dt_s, now):
    """Services want replicas for the demand they plan with: up at once, down after a while of surplus."""
    for c in range(e.rules.shape[1]):
        if e.rules[G.service, c] < 0.5:
            continue
        target = wanted_replicas(e, c, planned[c] / dt_s)
        first, most = int(e.rules[G.first, c]), int(e.rules[G.replicas, c])
        have = 0
        for row in range(first, first + most):
            have += 1 if e.run[row]["status"] == RUNNING or e.run[row]["status"] == WAITING else 0
        row = first
        while have < target:
            if e.run[row]["status"] == ABSENT:
                e.run[row]["since_s"] = now
                e.run[row]["rank"] = rank_of(e, row, now)
                enqueue(e, row)
                have += 1
            row += 1
        surplus_s = e.services[V.surplus_s, c] + dt_s if have > target else 0.0
        if surplus_s >= e.rules[G.scale_down_s, c] or target == 0:
            retire(e, have - target, c)
            surplus_s = 0.0
        e.services[V.surplus_s, c] = surplus_s


@routine
def wanted_replicas(e, c, tokens_s):
    """Replicas that serve a demand of so many tokens a second within the headroom, at the fleet's mean rate."""
    if e.urgency[c] < e.policy.hold:
        return 0
    speed = hosts = 0.0
    for s in range(e.satellites):
        if e.x[X.living, s] > 0.0:
            speed += e.classes[K.rate, c, s]
            hosts += 1.0
    replica_s = e.jobs[int(e.rules[G.first, c])]["width"] * speed / max(hosts, 1.0) / e.rules[G.token_s, c]
    wanted = tokens_s * bounded_exp(LN_2 * e.urgency[c]) / (e.rules[G.headroom, c] * replica_s)
    return int(min(np.ceil(wanted), e.rules[G.replicas, c]))


@routine
def retire(e, count, kind):
    """Take `count` replicas away: waiting ones first, then those on the worst satellites."""
    for _ in range(count):
        if not retire_waiting(e, kind) and not retire_running(e, kind):
            return


@routine
def retire_waiting(e, kind):
    """The last waiting replica of a service leaves the queue; whether there was one."""
    head, waiting = e.head[0], e.lists[0]
    place = NOWHERE
    for k in range(head["waiting"]):
        if e.jobs[waiting[k]]["kind"] == kind:
            place = k
    if place == NOWHERE:
        return False
    e.run[waiting[place]]["status"] = ABSENT
    e.run[waiting[place]]["order"] = FREE
    head["waiting"] -= 1
    for k in range(place, head["waiting"]):
        waiting[k] = waiting[k + 1]
    return True


@routine
def retire_running(e, kind):
    """The replica on the satellite of the lowest score gives its accelerators back; whether there was one."""
    last, worst = NOWHERE, np.inf
    for k in range(e.head[0]["running"]):
        row = e.lists[1, k]
        if e.jobs[row]["kind"] == kind:
            score = score_of(e, e.run[row]["host"], kind, 0)
            if score < worst:
                worst = score
                last = k
    if last == NOWHERE:
        return False
    row = e.lists[1, last]
    leave(e, row)
    e.run[row]["status"] = ABSENT
    drop_running(e, last)
    return True


@routine
def service_load(e, demand, dt_s):
    """Replicas work only as much as there is demand: scale their busy accelerators by the share of capacity in use."""
    for c in range(e.rules.shape[1]):
        if e.rules[G.service, c] > 0.5:
            capacity = 0.0
            for s in range(e.satellites):
                capacity += e.classes[K.busy, c, s] * e.classes[K.rate, c, s] * dt_s / e.rules[G.token_s, c]
            used = min(1.0, (e.services[V.backlog, c] + demand[c]) / max(capacity, 1e-9))
            for s in range(e.satellites):
                e.classes[K.busy, c, s] *= used


@routine
def serve(e, demand, dt_s):
    """Services as a fluid: the backlog drains at the replicas' speed; pay falls with the wait, and patience ends.

    Tokens of a step wait between the backlog found and the backlog left, over the capacity; pay is the mean of both
    ends.
    """
    ledger, rules, tick = e.ledger, e.rules, e.head[0]["tick"]
    for c in range(rules.shape[1]):
        if rules[G.service, c] < 0.5:
            continue
        capacity = latency = 0.0
        for k in range(e.head[0]["running"]):
            row = e.lists[1, k]
            if e.jobs[row]["kind"] == c:
                on_way_s = latency_s(e, e.run[row]["host"], e.satellites, tick)
                if on_way_s < np.inf:  # a replica without a way to the ground serves nobody
                    rate = rate_of(e, row) * e.run[row]["active"]
                    capacity += rate
                    latency += rate * on_way_s
        latency /= max(capacity, 1e-9)
        capacity *= dt_s / rules[G.token_s, c]
        arrived = demand[c]
        backlog = e.services[V.backlog, c]
        served = min(arrived + backlog, capacity)
        left = arrived + backlog - served
        first = latency + backlog / max(capacity, 1e-9) * dt_s
        last = latency + left / max(capacity, 1e-9) * dt_s
        target, span = rules[G.target_s, c], rules[G.patience_s, c] - rules[G.target_s, c]
        pay = 0.5 * (
            clip((rules[G.patience_s, c] - first) / span, 0.0, 1.0)
            + clip((rules[G.patience_s, c] - last) / span, 0.0, 1.0)
        )
        low, high = min(first, last), max(first, last)
        inside = 1.0 if high <= target else clip((target - low) / max(high - low, 1e-9), 0.0, 1.0)
        work = served * rules[G.token_s, c]
        ledger[L.paid, c] += rules[G.value, c] * work / HOUR_S * pay
        ledger[L.executed_s, c] += work
        ledger[L.credited_s, c] += work
        ledger[L.arrived, c] += arrived
        ledger[L.served, c] += served
        ledger[L.in_target, c] += served * inside
        ledger[L.arrived_now, c] += arrived
        ledger[L.served_now, c] += served
        most = max(capacity, arrived) * rules[G.patience_s, c] / dt_s
        e.services[V.backlog, c] = min(left, most)
        ledger[L.abandoned, c] += left - e.services[V.backlog, c]
