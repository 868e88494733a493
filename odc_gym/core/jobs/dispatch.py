"""The dispatcher of one environment: who goes where, who moves, who must leave. Scalar code between physics steps.

Waiting jobs are in `waiting`. Replicas of services are the first rows of the job table: a wanted replica queues like a
job. `lists[1]` holds the running rows.
"""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.jobs.batches import begin_drain, live_gb, move_batch
from odc_gym.core.jobs.gangs import choose_gang_hosts, disconnects_next, is_connected, start_gang
from odc_gym.core.jobs.hosting import release_accelerators, start_job
from odc_gym.core.jobs.progress import count_stop, expire, lose_uncheckpointed, stop_job
from odc_gym.core.jobs.reservation import cancel_reservation, is_reserved_for_other, reserve, suspend_reservation
from odc_gym.core.jobs.shed_warning import is_foreseen_shed
from odc_gym.core.jobs.waiting import NOWHERE, best_host, feasible, is_replica, requeue, score_of
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.work import FREE, HOLD


@routine
def drain_and_move(env: Environment, now_s: float) -> None:
    """Once a decision: jobs leave satellites that drain, and move to clearly better ones. Both pay for it."""
    scalars, running = env.scalars[0], env.running
    count = scalars["running"]
    scalars["running"] = 0
    for k in range(count):
        row = running[k]
        class_id = env.jobs[row]["class_id"]
        if must_drain(env, row) and finishes_batch_first(env, row):
            running[scalars["running"]] = row
            scalars["running"] += 1
        elif must_drain(env, row):
            stop_job(env, row, now_s)
            release_accelerators(env, row)
            env.ledger.drained[class_id] += 1.0
            count_stop(env, row, True)
            requeue(env, row, now_s)
        elif not move_if_better(env, row, now_s):
            running[scalars["running"]] = row
            scalars["running"] += 1


@routine
def must_drain(env: Environment, row: int) -> bool:
    """Whether the agent wants a job's class to leave one of its satellites."""
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        if env.classes.bid[env.jobs[row]["class_id"], env.run[member]["host"]] < env.policy.drain:
            return True
    return False


@routine
def finishes_batch_first(env: Environment, row: int) -> bool:
    """A replica that is to leave finishes its batch first; whether it has one."""
    if not is_replica(env, row):
        return False
    new = env.run[row]["drain_s"] <= 0.0
    alive = begin_drain(env, row)
    if new and alive:
        env.ledger.drained[env.jobs[row]["class_id"]] += 1.0
        count_stop(env, row, True)
    return alive


@routine
def move_if_better(env: Environment, row: int, now_s: float) -> bool:
    """A job moves if a clearly better satellite can take it; whether it did. Gangs stay together where they are."""
    class_id, s = env.jobs[row]["class_id"], env.run[row]["host"]
    if env.rules.movable[class_id] < 0.5 or env.jobs[row]["num_satellites"] > 1:
        return False
    if now_s - env.run[row]["since_s"] < env.policy.min_stay_s or env.run[row]["drain_s"] > 0.0:
        return False
    floor = score_of(env, s, class_id, 0) + env.policy.migration_margin
    better = best_host(env, row, floor, now_s)
    if better == NOWHERE:
        return False
    stop_job(env, row, now_s)
    live = live_gb(env, row)
    release_accelerators(env, row)
    start_job(env, row, better, now_s)
    move_batch(env, row, live, s)
    env.ledger.moved[class_id] += 1.0
    return True


@routine
def charge_loss(env: Environment, s: int, class_id: int, lost_s: float) -> None:
    """Charge work that a job of a class lost to the cause for which the compute of satellite `s` is off."""
    if env.sat.out[s] > 0.0:
        env.ledger.outage_lost_s[class_id] += lost_s
    elif env.sat.tripped[s] > 0.0:
        env.ledger.trip_lost_s[class_id] += lost_s
    else:
        env.ledger.shed_lost_s[class_id] += lost_s


@routine
def evict_from_off_satellites(env: Environment, now_s: float) -> None:
    """Satellites whose compute is off lose their jobs, back to the last payable point."""
    off = 0.0
    for s in range(env.num_satellites):
        off += env.sat.off[s]
    if off == 0.0:
        return
    scalars, running = env.scalars[0], env.running
    count = scalars["running"]
    scalars["running"] = 0
    for k in range(count):
        row = running[k]
        s = first_host_off(env, row)
        if s != NOWHERE:
            count_stop(env, row, is_foreseen_shed(env, s))
            charge_loss(env, s, env.jobs[row]["class_id"], lose_uncheckpointed(env, row))
            release_accelerators(env, row)
            env.ledger.evicted[env.jobs[row]["class_id"]] += 1.0
            requeue(env, row, now_s)
            continue
        running[scalars["running"]] = row
        scalars["running"] += 1


@routine
def first_host_off(env: Environment, row: int) -> int:
    """The first of a job's satellites whose compute is off; NOWHERE if all work."""
    off = NOWHERE
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        if off == NOWHERE and env.sat.off[env.run[member]["host"]] > 0.0:
            off = env.run[member]["host"]
    return off


@routine
def requeue_disconnected_gangs(env: Environment, now_s: float) -> None:
    """Gangs whose links part go back to the queue: with a checkpoint if that was known a step ahead."""
    scalars, running = env.scalars[0], env.running
    count = scalars["running"]
    scalars["running"] = 0
    for k in range(count):
        row = running[k]
        if env.jobs[row]["num_satellites"] > 1:
            joined = is_connected(env, row)
            if not joined or disconnects_next(env, row):
                count_stop(env, row, joined)
                if joined:
                    stop_job(env, row, now_s)
                else:  # nobody foresaw it: a link or the backbone failed
                    env.ledger.outage_lost_s[env.jobs[row]["class_id"]] += lose_uncheckpointed(env, row)
                release_accelerators(env, row)
                env.ledger.disconnected[env.jobs[row]["class_id"]] += 1.0
                requeue(env, row, now_s)
                continue
        running[scalars["running"]] = row
        scalars["running"] += 1


@routine
def chosen_host(env: Environment, row: int, now_s: float) -> int:
    """Where a waiting job goes now: the satellite that the agent chose if it is feasible, else that of the best bid."""
    order = env.run[row]["order"]
    if order == FREE:
        return best_host(env, row, -np.inf, now_s)
    if order != HOLD and feasible(env, row, order - 1, now_s):
        return order - 1
    return NOWHERE


@routine
def start_waiting(env: Environment, row: int, now_s: float) -> bool:
    """Start a waiting job where it goes now; whether there is such a place."""
    if env.jobs[row]["num_satellites"] > 1:
        if env.run[row]["order"] == HOLD or not choose_gang_hosts(env, row, now_s):
            return False
        start_gang(env, row, now_s)
        return True
    s = chosen_host(env, row, now_s)
    if s == NOWHERE:
        return False
    start_job(env, row, s, now_s)
    return True


@routine
def most_free_accelerators(env: Environment) -> float:
    """Most accelerators that are free on one satellite whose compute is on: wider jobs need not look for a host."""
    most = 0.0
    for s in range(env.num_satellites):
        most = max(most, env.sat.free[s] * (1.0 - env.sat.off[s]))
    return most


@routine
def widest_satellite(env: Environment) -> float:
    """Most accelerators that work on one satellite."""
    most = 0.0
    for s in range(env.num_satellites):
        most = max(most, env.sat.living[s])
    return most


@routine
def place_waiting_jobs(env: Environment, now_s: float) -> None:
    """Waiting jobs in queue order go to their satellites; only a worthless job leaves the queue.

    The first that fits nowhere is the blocked job, which gets a reservation. Jobs before it respect the reservation of
    the last step as long as they fit elsewhere.
    """
    scalars, waiting = env.scalars[0], env.waiting
    most, kept = most_free_accelerators(env), 0
    scalars["blocked_rank"] = -np.inf
    for k in range(scalars["waiting"]):
        row = waiting[k]
        job, run = env.jobs[row], env.run[row]
        class_id = job["class_id"]
        if job["expiry_s"] <= now_s:
            expire(env, row, now_s)
            continue
        if env.urgency[class_id] >= env.policy.hold:
            first = scalars["blocked_rank"] == -np.inf
            started = job["width"] <= most and start_waiting(env, row, now_s)
            if not started and job["width"] <= most and first and is_reserved_for_other(env, row):
                suspend_reservation(env)
                started = start_waiting(env, row, now_s)
            if started:
                if row == scalars["reserved_row"]:
                    cancel_reservation(env)
                most = most_free_accelerators(env)
                continue
            if first and run["order"] == FREE:
                block_queue(env, row, now_s)
        waiting[kept] = row
        kept += 1
    scalars["waiting"] = kept
    if scalars["blocked_rank"] == -np.inf and scalars["reserved_row"] != NOWHERE:
        cancel_reservation(env)


@routine
def block_queue(env: Environment, row: int, now_s: float) -> None:
    """A job that fits nowhere becomes the blocked one if it can be promised a satellite, or if nobody is."""
    scalars, width = env.scalars[0], env.jobs[row]["width"]
    scalars["blocked_rank"] = env.run[row]["rank"]
    scalars["blocked_width"] = width
    scalars["blocked_kind"] = env.jobs[row]["class_id"]
    promised = reserve(env, row, now_s) if env.policy.reserves else width <= widest_satellite(env)
    if not promised:
        scalars["blocked_rank"] = -np.inf
