"""The dispatcher of one environment: who goes where, who moves, who must leave. Scalar code between physics steps.

Waiting jobs are in `waiting`. Replicas of services are the first rows of the job table: a wanted replica queues like a
job. `lists[1]` holds the running rows.
"""

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.jobs.batches import begin_drain, bring_batch, live_gb
from odc_gym.core.jobs.gangs import enter_gang, is_joined, parts_next, seat_gang
from odc_gym.core.jobs.hosting import enter, leave
from odc_gym.core.jobs.progress import count_stop, expire, lose, stop
from odc_gym.core.jobs.reservation import binds, forget, lift, reserve
from odc_gym.core.jobs.shed_warning import foreseen
from odc_gym.core.jobs.waiting import NOWHERE, best_host, feasible, is_replica, requeue, score_of
from odc_gym.core.layout.state import X
from odc_gym.core.layout.work import FREE, HOLD, G, K, L


@routine
def drain_and_move(e, now):
    """Once a decision: jobs leave satellites that drain, and move to clearly better ones. Both pay for it."""
    head, running = e.head[0], e.lists[1]
    count = head["running"]
    head["running"] = 0
    for k in range(count):
        row = running[k]
        kind = e.jobs[row]["class_id"]
        if drains(e, row) and drains_alive(e, row):
            running[head["running"]] = row
            head["running"] += 1
        elif drains(e, row):
            stop(e, row, now)
            leave(e, row)
            e.ledger[L.drained, kind] += 1.0
            count_stop(e, row, True)
            requeue(e, row, now)
        elif not move(e, row, now):
            running[head["running"]] = row
            head["running"] += 1


@routine
def drains(e, row):
    """Whether the agent wants a job's class to leave one of its satellites."""
    for member in range(row, row + e.jobs[row]["num_satellites"]):
        if e.classes[K.bid, e.jobs[row]["class_id"], e.run[member]["host"]] < e.policy.drain:
            return True
    return False


@routine
def drains_alive(e, row):
    """A replica that is to leave finishes its batch first; whether it has one."""
    if not is_replica(e, row):
        return False
    new = e.run[row]["drain_s"] <= 0.0
    alive = begin_drain(e, row)
    if new and alive:
        e.ledger[L.drained, e.jobs[row]["class_id"]] += 1.0
        count_stop(e, row, True)
    return alive


@routine
def move(e, row, now):
    """A job moves if a clearly better satellite can take it; whether it did. Gangs stay together where they are."""
    kind, s = e.jobs[row]["class_id"], e.run[row]["host"]
    if e.rules[G.movable, kind] < 0.5 or e.jobs[row]["num_satellites"] > 1:
        return False
    if now - e.run[row]["since_s"] < e.policy.min_stay_s or e.run[row]["drain_s"] > 0.0:
        return False
    floor = score_of(e, s, kind, 0) + e.policy.migration_margin
    better = best_host(e, row, floor, now)
    if better == NOWHERE:
        return False
    stop(e, row, now)
    live = live_gb(e, row)
    leave(e, row)
    enter(e, row, better, now)
    bring_batch(e, row, live, s)
    e.ledger[L.moved, kind] += 1.0
    return True


@routine
def account_of_loss(e, s):
    """The account of the work that jobs lose as the compute of a satellite goes off."""
    if e.x[X.out, s] > 0.0:
        return L.outage_lost_s
    return L.trip_lost_s if e.x[X.tripped, s] > 0.0 else L.shed_lost_s


@routine
def evict(e, now):
    """Satellites whose compute is off lose their jobs, back to the last payable point."""
    off = 0.0
    for s in range(e.satellites):
        off += e.x[X.off, s]
    if off == 0.0:
        return
    head, running = e.head[0], e.lists[1]
    count = head["running"]
    head["running"] = 0
    for k in range(count):
        row = running[k]
        s = off_host(e, row)
        if s != NOWHERE:
            count_stop(e, row, foreseen(e, s))
            e.ledger[account_of_loss(e, s), e.jobs[row]["class_id"]] += lose(e, row)
            leave(e, row)
            e.ledger[L.evicted, e.jobs[row]["class_id"]] += 1.0
            requeue(e, row, now)
            continue
        running[head["running"]] = row
        head["running"] += 1


@routine
def off_host(e, row):
    """The first of a job's satellites whose compute is off; NOWHERE if all work."""
    off = NOWHERE
    for member in range(row, row + e.jobs[row]["num_satellites"]):
        if off == NOWHERE and e.x[X.off, e.run[member]["host"]] > 0.0:
            off = e.run[member]["host"]
    return off


@routine
def part(e, now):
    """Gangs whose links part go back to the queue: with a checkpoint if that was known a step ahead."""
    head, running = e.head[0], e.lists[1]
    count = head["running"]
    head["running"] = 0
    for k in range(count):
        row = running[k]
        if e.jobs[row]["num_satellites"] > 1:
            joined = is_joined(e, row)
            if not joined or parts_next(e, row):
                count_stop(e, row, joined)
                if joined:
                    stop(e, row, now)
                else:  # nobody foresaw it: a link or the backbone failed
                    e.ledger[L.outage_lost_s, e.jobs[row]["class_id"]] += lose(e, row)
                leave(e, row)
                e.ledger[L.parted, e.jobs[row]["class_id"]] += 1.0
                requeue(e, row, now)
                continue
        running[head["running"]] = row
        head["running"] += 1


@routine
def host_of(e, row, now):
    """Where a waiting job goes now: the satellite that the agent chose if it is feasible, else that of the best bid."""
    order = e.run[row]["order"]
    if order == FREE:
        return best_host(e, row, -np.inf, now)
    if order != HOLD and feasible(e, row, order - 1, now):
        return order - 1
    return NOWHERE


@routine
def start(e, row, now):
    """Start a waiting job where it goes now; whether there is such a place."""
    if e.jobs[row]["num_satellites"] > 1:
        if e.run[row]["order"] == HOLD or not seat_gang(e, row, now):
            return False
        enter_gang(e, row, now)
        return True
    s = host_of(e, row, now)
    if s == NOWHERE:
        return False
    enter(e, row, s, now)
    return True


@routine
def most_free(e):
    """Most accelerators that are free on one satellite whose compute is on: wider jobs need not look for a host."""
    most = 0.0
    for s in range(e.satellites):
        most = max(most, e.x[X.free, s] * (1.0 - e.x[X.off, s]))
    return most


@routine
def widest(e):
    """Most accelerators that work on one satellite."""
    most = 0.0
    for s in range(e.satellites):
        most = max(most, e.x[X.living, s])
    return most


@routine
def place(e, now):
    """Waiting jobs in queue order go to their satellites; only a worthless job leaves the queue.

    The first that fits nowhere is the blocked job, which gets a reservation. Jobs before it respect the reservation of
    the last step as long as they fit elsewhere.
    """
    head, waiting = e.head[0], e.lists[0]
    most, kept = most_free(e), 0
    head["blocked_rank"] = -np.inf
    for k in range(head["waiting"]):
        row = waiting[k]
        job, r = e.jobs[row], e.run[row]
        kind = job["class_id"]
        if job["expiry_s"] <= now:
            expire(e, row, now)
            continue
        if e.urgency[kind] >= e.policy.hold:
            first = head["blocked_rank"] == -np.inf
            started = job["width"] <= most and start(e, row, now)
            if not started and job["width"] <= most and first and binds(e, row):
                lift(e)
                started = start(e, row, now)
            if started:
                if row == head["reserved_row"]:
                    forget(e)
                most = most_free(e)
                continue
            if first and r["order"] == FREE:
                block(e, row, now)
        waiting[kept] = row
        kept += 1
    head["waiting"] = kept
    if head["blocked_rank"] == -np.inf and head["reserved_row"] != NOWHERE:
        forget(e)


@routine
def block(e, row, now):
    """A job that fits nowhere becomes the blocked one if it can be promised a satellite, or if nobody is."""
    head, width = e.head[0], e.jobs[row]["width"]
    head["blocked_rank"] = e.run[row]["rank"]
    head["blocked_width"] = width
    head["blocked_kind"] = e.jobs[row]["class_id"]
    promised = reserve(e, row, now) if e.policy.reserves > 0.5 else width <= widest(e)
    if not promised:
        head["blocked_rank"] = -np.inf
