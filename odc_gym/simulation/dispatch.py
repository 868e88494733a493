"""The dispatcher of one environment: placement, migration, progress. Scalar code between physics steps.

Waiting jobs are in `waiting`. Replicas of services are the first rows of the job table: a wanted replica queues like a
job. `lists[1]` holds the running rows. Blocks are indexed by the names of their rows, `x[X.free, s]`: see `state`.
"""

import numpy as np

from odc_gym._jit import routine
from odc_gym.simulation.state import DONE, EXPIRED, FREE, HOLD, RUNNING, D, G, K, L, X, fill
from odc_gym.simulation.waiting import (
    NOWHERE,
    best_host,
    feasible,
    lateness,
    link_gb,
    rank_of,
    requeue,
    score_of,
    wake_s,
)

HOUR_S = 3600.0


@routine
def enter(row, s, head, jobs, run, lists, x, p, classes, ledger, rules, policy, now):
    """A job takes its accelerators; they are held while its data comes, they wake up and it starts."""
    job, r = jobs[row], run[row]
    kind = job["kind"]
    wake = wake_s(job, s, x, p)
    x[X.free, s] -= job["width"]
    classes[K.held, kind, s] += job["width"]
    r["transfer_gb"] = link_gb(job, r, rules)
    r["delay_s"] = policy.latency_s + wake + rules[G.init_s, kind]
    ledger[L.moved_gb, kind] += r["transfer_gb"]
    ledger[L.placed, kind] += 1.0
    r["host"] = s
    r["since_s"] = now
    r["status"] = RUNNING
    r["order"] = FREE
    if r["started_s"] == np.inf:
        r["started_s"] = now
    lists[1, head["running"]] = row
    head["running"] += 1


@routine
def leave(job, r, x, classes):
    """A job gives its accelerators back."""
    s = r["host"]
    x[X.free, s] += job["width"]
    classes[K.held, job["kind"], s] -= job["width"]
    r["host"] = NOWHERE
    r["transfer_gb"] = 0.0
    r["delay_s"] = 0.0
    r["active"] = 0.0


@routine
def secure(job, r, ledger, rules, now):
    """Unsaved work becomes safe; what was executed in the episode is paid, less the share held back."""
    kind = job["kind"]
    new = r["safe_s"] + r["unsaved_s"] - max(r["safe_s"], r["before_s"])
    r["safe_s"] += r["unsaved_s"]
    r["unsaved_s"] = 0.0
    if new > 0.0:
        ledger[L.credited_s, kind] += new
        ledger[L.paid, kind] += (
            (1.0 - rules[G.hold_back, kind]) * rules[G.value, kind] * new / HOUR_S * lateness(job, now)
        )


@routine
def lose(job, r, ledger):
    """Unsaved work is gone, and returned; what is done again later was not executed before the episode."""
    lost = r["unsaved_s"] - max(0.0, r["before_s"] - r["safe_s"])
    ledger[L.lost_s, job["kind"]] += lost
    r["before_s"] = min(r["before_s"], r["safe_s"])
    r["unsaved_s"] = 0.0
    return lost


@routine
def stop(job, r, ledger, rules, now):
    """A job that is told to stop keeps its work if its class writes checkpoints, else drops the open chunk."""
    if rules[G.saves, job["kind"]] > 0.5:
        secure(job, r, ledger, rules, now)
    else:
        lose(job, r, ledger)


@routine
def drain_and_move(head, jobs, run, lists, x, p, classes, ledger, rules, policy, urgency, now, n):
    """Once a decision: jobs leave satellites that drain, and move to clearly better ones. Both pay for it."""
    count = head["running"]
    head["running"] = 0
    for k in range(count):
        row = lists[1, k]
        job, r = jobs[row], run[row]
        kind, s = job["kind"], r["host"]
        if classes[K.bid, kind, s] < policy.drain:
            stop(job, r, ledger, rules, now)
            leave(job, r, x, classes)
            ledger[L.drained, kind] += 1.0
            requeue(row, head, jobs, run, lists, rules, policy, urgency, now)
            continue
        if rules[G.movable, kind] > 0.5 and now - r["since_s"] >= policy.min_stay_s:
            floor = score_of(s, kind, 0, x, classes, policy) + policy.migration_margin
            better = best_host(job, r, floor, x, p, classes, rules, policy, now, n)
            if better != NOWHERE:
                stop(job, r, ledger, rules, now)
                leave(job, r, x, classes)
                enter(row, better, head, jobs, run, lists, x, p, classes, ledger, rules, policy, now)
                r["delay_s"] += rules[G.stall_s, kind]
                ledger[L.moved, kind] += 1.0
                continue
        lists[1, head["running"]] = row
        head["running"] += 1


@routine
def evict(head, jobs, run, lists, x, classes, ledger, rules, policy, urgency, now, n):
    """Satellites whose compute is off lose their jobs, back to the last payable point."""
    off = 0.0
    for s in range(n):
        off += x[X.off, s]
    if off == 0.0:
        return
    count = head["running"]
    head["running"] = 0
    for k in range(count):
        row = lists[1, k]
        job, r = jobs[row], run[row]
        if x[X.off, r["host"]] > 0.0:
            lose(job, r, ledger)
            leave(job, r, x, classes)
            ledger[L.evicted, job["kind"]] += 1.0
            requeue(row, head, jobs, run, lists, rules, policy, urgency, now)
            continue
        lists[1, head["running"]] = row
        head["running"] += 1


@routine
def host_of(job, r, x, p, classes, rules, policy, now, n):
    """Where a waiting job goes now: the satellite that the agent chose if it is feasible, else that of the best bid."""
    if r["order"] == FREE:
        return best_host(job, r, -np.inf, x, p, classes, rules, policy, now, n)
    s = r["order"] - 1
    if r["order"] != HOLD and feasible(job, r, s, x, p, classes, rules, policy, now):
        return s
    return NOWHERE


@routine
def most_free(x, n):
    """Most accelerators that are free on one satellite whose compute is on: wider jobs need not look for a host."""
    most = 0.0
    for s in range(n):
        most = max(most, x[X.free, s] * (1.0 - x[X.off, s]))
    return most


@routine
def place(head, jobs, run, lists, x, p, classes, ledger, rules, policy, urgency, now, n):
    """Waiting jobs in queue order go to their satellites; only a worthless job leaves the queue."""
    waiting = lists[0]
    most, widest = most_free(x, n), 0.0
    for s in range(n):
        widest = max(widest, x[X.living, s])
    head["blocked_rank"] = -np.inf
    kept = 0
    for k in range(head["waiting"]):
        row = waiting[k]
        job, r = jobs[row], run[row]
        kind = job["kind"]
        if job["expiry_s"] <= now:
            r["status"] = EXPIRED
            r["finished_s"] = now
            ledger[L.expired, kind] += 1.0
            continue
        if urgency[kind] >= policy.hold:
            s = NOWHERE
            if job["width"] <= most:
                s = host_of(job, r, x, p, classes, rules, policy, now, n)
            if s != NOWHERE:
                enter(row, s, head, jobs, run, lists, x, p, classes, ledger, rules, policy, now)
                most = most_free(x, n)
                continue
            if head["blocked_rank"] == -np.inf and r["order"] == FREE and job["width"] <= widest:
                head["blocked_rank"] = r["rank"]
                head["blocked_width"] = job["width"]
                head["blocked_kind"] = kind
        waiting[kept] = row
        kept += 1
    head["waiting"] = kept


@routine
def transfer(head, jobs, run, lists, x, classes, rules, policy, dt_s, n):
    """Data comes over the links, shared equally; what is left of the step after transfer and start is active."""
    fill(x[X.link_frac], 0.0)  # counts transfers first
    for c in range(rules.shape[1]):
        fill(classes[K.busy, c], 0.0)
        fill(classes[K.transfer_gb, c], 0.0)
    for k in range(head["running"]):
        row = lists[1, k]
        r = run[row]
        if r["transfer_gb"] > 0.0:
            x[X.link_frac, r["host"]] += 1.0
            classes[K.transfer_gb, jobs[row]["kind"], r["host"]] += r["transfer_gb"]
    for k in range(head["running"]):
        row = lists[1, k]
        job, r = jobs[row], run[row]
        left = dt_s
        if r["transfer_gb"] > 0.0:
            rate = policy.link_gb_s / x[X.link_frac, r["host"]]
            took = min(dt_s, r["transfer_gb"] / rate)
            left -= took
            r["transfer_gb"] = 0.0 if took < dt_s else max(r["transfer_gb"] - rate * dt_s, 0.0)
        waits = min(left, r["delay_s"])
        r["delay_s"] -= waits
        r["active"] = (left - waits) / dt_s
        classes[K.busy, job["kind"], r["host"]] += job["width"] * r["active"]
    for s in range(n):
        gb = 0.0
        for c in range(rules.shape[1]):
            gb += classes[K.transfer_gb, c, s]
        x[X.link_frac, s] = min(1.0, gb / (policy.link_gb_s * dt_s))


@routine
def finish(row, job, r, head, ledger, rules, now):
    """A job ends: the rest of its work and the share held back are paid."""
    kind = job["kind"]
    secure(job, r, ledger, rules, now)
    held = rules[G.hold_back, kind] * rules[G.value, kind] * max(job["work_s"] - r["before_s"], 0.0) / HOUR_S
    ledger[L.paid, kind] += held * lateness(job, now)
    ledger[L.completed, kind] += 1.0
    ledger[L.on_time, kind] += 1.0 if now <= job["deadline_s"] else 0.0
    r["status"] = DONE
    r["finished_s"] = now


@routine
def must_yield(job, r, head, x, classes, rules, policy, urgency, now):
    """Whether a job at a payable point makes room for the best job that fits nowhere."""
    s = r["host"]
    if rules[G.yields, job["kind"]] < 0.5 or head["blocked_rank"] == -np.inf:
        return False
    if x[X.free, s] + job["width"] < head["blocked_width"] or classes[K.bid, head["blocked_kind"], s] < policy.close:
        return False
    return rank_of(job, r, rules, policy, urgency, now) < head["blocked_rank"]


@routine
def advance(head, jobs, run, lists, x, p, classes, ledger, rules, policy, urgency, dt_s, now):
    """Work of the step that physics just did: executed, made safe and paid, finished. `now` is the step's end."""
    count = head["running"]
    head["running"] = 0
    for k in range(count):
        row = lists[1, k]
        job, r = jobs[row], run[row]
        kind, s = job["kind"], r["host"]
        if rules[G.service, kind] < 0.5:
            clock = classes[K.clock, kind, s]
            speed = p[D.speed, s] * clock / (rules[G.kappa, kind] + (1.0 - rules[G.kappa, kind]) * clock)
            rate = job["width"] * speed * x[X.duty, s]
            left = job["work_s"] - r["safe_s"] - r["unsaved_s"]
            work = min(rate * r["active"] * dt_s, left)
            r["unsaved_s"] += work
            ledger[L.executed_s, kind] += work
            if work >= left:
                end = now - r["active"] * dt_s + left / max(rate, 1e-9)
                finish(row, job, r, head, ledger, rules, min(end, now))
                leave(job, r, x, classes)
                continue
            if job["expiry_s"] <= now:
                lose(job, r, ledger)
                leave(job, r, x, classes)
                r["status"] = EXPIRED
                r["finished_s"] = now
                ledger[L.expired, kind] += 1.0
                continue
            if r["unsaved_s"] >= rules[G.unit_s, kind] * job["width"]:
                secure(job, r, ledger, rules, now)
                r["delay_s"] += rules[G.stall_s, kind]
                if must_yield(job, r, head, x, classes, rules, policy, urgency, now):
                    leave(job, r, x, classes)
                    head["blocked_rank"] = -np.inf
                    ledger[L.yielded, kind] += 1.0
                    requeue(row, head, jobs, run, lists, rules, policy, urgency, now)
                    continue
        lists[1, head["running"]] = row
        head["running"] += 1
