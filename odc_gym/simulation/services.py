"""Services of one environment: replicas that follow the demand, and the fluid of tokens that they serve.

Replicas are rows of the job table and of the queue, see `dispatch`. Scalar code between physics steps.
"""

import numpy as np

from odc_gym._jit import routine
from odc_gym.physics.mathematics import LN_2, bounded_exp, clip
from odc_gym.simulation.dispatch import HOUR_S, leave
from odc_gym.simulation.state import ABSENT, FREE, RUNNING, WAITING, D, G, K, L, V, X
from odc_gym.simulation.waiting import NOWHERE, enqueue, rank_of, score_of


@routine
def autoscale(head, services, planned, jobs, run, lists, x, classes, rules, policy, urgency, dt_s, now, n):
    """Services want replicas for the demand they plan with: up at once, down after a while of surplus."""
    for c in range(rules.shape[1]):
        if rules[G.service, c] < 0.5:
            continue
        speed = hosts = 0.0
        for s in range(n):
            if x[X.living, s] > 0.0:
                speed += classes[K.rate, c, s]
                hosts += 1.0
        first, most = int(rules[G.first, c]), int(rules[G.replicas, c])
        tokens_s = jobs[first]["width"] * speed / max(hosts, 1.0) / rules[G.token_s, c]
        wanted = planned[c] / dt_s * bounded_exp(LN_2 * urgency[c]) / (rules[G.headroom, c] * tokens_s)
        target = 0 if urgency[c] < policy.hold else int(min(np.ceil(wanted), most))
        have = 0
        for row in range(first, first + most):
            have += 1 if run[row]["status"] == RUNNING or run[row]["status"] == WAITING else 0
        row = first
        while have < target:
            if run[row]["status"] == ABSENT:
                run[row]["since_s"] = now
                run[row]["rank"] = rank_of(jobs[row], run[row], rules, policy, urgency, now)
                enqueue(row, head, lists[0], run)
                have += 1
            row += 1
        services[V.surplus_s, c] = services[V.surplus_s, c] + dt_s if have > target else 0.0
        if services[V.surplus_s, c] >= rules[G.scale_down_s, c] or target == 0:
            retire(have - target, c, head, run, lists, x, classes, jobs, policy)
            services[V.surplus_s, c] = 0.0


@routine
def retire(count, kind, head, run, lists, x, classes, jobs, policy):
    """Take `count` replicas away: waiting ones first, then those on the worst satellites."""
    for _ in range(count):
        last, place = 0, NOWHERE
        for k in range(head["waiting"]):
            if jobs[lists[0, k]]["kind"] == kind:
                place = k
        if place != NOWHERE:
            run[lists[0, place]]["status"] = ABSENT
            run[lists[0, place]]["order"] = FREE
            head["waiting"] -= 1
            for k in range(place, head["waiting"]):
                lists[0, k] = lists[0, k + 1]
            continue
        worst = np.inf
        for k in range(head["running"]):
            row = lists[1, k]
            if jobs[row]["kind"] == kind:
                score = score_of(run[row]["host"], kind, 0, x, classes, policy)
                if score < worst:
                    worst = score
                    last = k
                    place = row
        if place == NOWHERE:
            return
        leave(jobs[place], run[place], x, classes)
        run[place]["status"] = ABSENT
        head["running"] -= 1
        for k in range(last, head["running"]):
            lists[1, k] = lists[1, k + 1]


@routine
def service_load(services, demand, classes, rules, dt_s, n):
    """Replicas work only as much as there is demand: scale their busy accelerators by the share of capacity in use."""
    for c in range(rules.shape[1]):
        if rules[G.service, c] > 0.5:
            capacity = 0.0
            for s in range(n):
                capacity += classes[K.busy, c, s] * classes[K.rate, c, s] * dt_s / rules[G.token_s, c]
            used = min(1.0, (services[V.backlog, c] + demand[c]) / max(capacity, 1e-9))
            for s in range(n):
                classes[K.busy, c, s] *= used


@routine
def serve(services, demand, head, jobs, run, lists, x, p, classes, ledger, rules, policy, dt_s):
    """Services as a fluid: the backlog drains at the replicas' speed; pay falls with the wait, and patience ends.

    Tokens of a step wait between the backlog found and the backlog left, over the capacity; pay is the mean of both
    ends.
    """
    for c in range(rules.shape[1]):
        if rules[G.service, c] < 0.5:
            continue
        capacity = 0.0
        for k in range(head["running"]):
            row = lists[1, k]
            if jobs[row]["kind"] == c:
                s = run[row]["host"]
                clock = classes[K.clock, c, s]
                speed = p[D.speed, s] * clock / (rules[G.kappa, c] + (1.0 - rules[G.kappa, c]) * clock)
                capacity += jobs[row]["width"] * run[row]["active"] * speed * x[X.duty, s]
        capacity *= dt_s / rules[G.token_s, c]
        arrived = demand[c]
        backlog = services[V.backlog, c]
        served = min(arrived + backlog, capacity)
        left = arrived + backlog - served
        first = policy.latency_s + backlog / max(capacity, 1e-9) * dt_s
        last = policy.latency_s + left / max(capacity, 1e-9) * dt_s
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
        services[V.backlog, c] = min(left, most)
        ledger[L.abandoned, c] += left - services[V.backlog, c]
