"""Dispatcher of one environment: placement, migration, draining and eviction of jobs.

`env.waiting` holds the rows of waiting jobs in queue order, and `env.running` those of running jobs. The first rows of
the job table are replicas of services. A requested replica queues like a job.

The code is scalar and runs between physics steps.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.jobs.batches import begin_drain, live_requests_gb, move_batch
from odc_gym.core.jobs.gangs import choose_gang_hosts, disconnects_next, is_connected, start_gang
from odc_gym.core.jobs.host_search import best_host, most_free_accelerators, open_search
from odc_gym.core.jobs.hosting import release_accelerators, start_job
from odc_gym.core.jobs.progress import count_stop, expire, lose_uncheckpointed, stop_job
from odc_gym.core.jobs.reservation import cancel_reservation, is_reserved_for_other, reserve, suspend_reservation
from odc_gym.core.jobs.shed_warning import is_foreseen_shed
from odc_gym.core.jobs.waiting import NOWHERE, feasible, is_replica, requeue, score_of
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.event_log import DISCONNECTED, DRAINED, EVICTED, EXPIRED_WAITING, MOVED, log_event
from odc_gym.core.layout.work import FREE, HOLD

OUTAGE, TRIP, SHED = 1, 2, 3
"""Causes for which compute is off, as values of the event `evicted`."""


@routine
def drain_and_move(env: Environment, now_s: float) -> None:
    """Drain jobs from satellites with a low bid, and move jobs to clearly better satellites.

    The function runs once a decision. Drained and moved jobs bear the cost of a stop, see `progress.stop_job`.
    """
    scalars, running = env.scalars[0], env.running
    open_search(env)
    num_before = scalars["running"]
    scalars["running"] = 0
    for k in range(num_before):
        row = running[k]
        class_id = env.jobs[row]["class_id"]
        if must_drain(env, row) and finishes_batch_first(env, row):
            running[scalars["running"]] = row
            scalars["running"] += 1
        elif must_drain(env, row):
            stop_job(env, row, now_s)
            release_accelerators(env, row, now_s, DRAINED)
            env.ledger.drained[class_id] += 1.0
            count_stop(env, row, True)
            requeue(env, row, now_s)
        elif not move_if_better(env, row, now_s):
            running[scalars["running"]] = row
            scalars["running"] += 1


@routine
def must_drain(env: Environment, row: int) -> bool:
    """Return whether the agent's bid orders the class of a job to leave one of the job's satellites."""
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        if env.classes.bid[env.jobs[row]["class_id"], env.run[member]["host"]] < env.policy.drain:
            return True
    return False


@routine
def finishes_batch_first(env: Environment, row: int) -> bool:
    """Start to drain a replica that must leave, and return whether it has a batch to finish.

    The result is False for a job.
    """
    if not is_replica(env, row):
        return False
    starts_drain = env.run[row]["drain_s"] <= 0.0
    has_batch = begin_drain(env, row)
    if starts_drain and has_batch:
        env.ledger.drained[env.jobs[row]["class_id"]] += 1.0
        count_stop(env, row, True)
    return has_batch


@routine
def move_if_better(env: Environment, row: int, now_s: float) -> bool:
    """Move a job if a clearly better satellite can take it, and return whether it moved.

    Gangs, draining replicas and jobs that have just been placed do not move.
    """
    class_id, s = env.jobs[row]["class_id"], env.run[row]["host"]
    if env.rules.movable[class_id] < 0.5 or env.jobs[row]["num_satellites"] > 1:
        return False
    if now_s - env.run[row]["since_s"] < env.policy.min_stay_s or env.run[row]["drain_s"] > 0.0:
        return False
    floor = score_of(env, s, class_id, 0) + env.policy.migration_margin
    target = best_host(env, row, floor, now_s)
    if target == NOWHERE:
        return False
    stop_job(env, row, now_s)
    requests_gb = live_requests_gb(env, row)
    release_accelerators(env, row, now_s, MOVED, target)
    start_job(env, row, target, now_s)
    move_batch(env, row, requests_gb, s)
    env.ledger.moved[class_id] += 1.0
    return True


@routine
def cause_of_off(env: Environment, s: int) -> int:
    """Return the cause for which the compute of a satellite is off: OUTAGE, TRIP or SHED."""
    if env.sat.out[s] > 0.0:
        return OUTAGE
    return TRIP if env.sat.tripped[s] > 0.0 else SHED


@routine
def charge_loss(env: Environment, s: int, class_id: int, lost_s: float) -> None:
    """Charge lost work to the cause for which the compute of a satellite is off.

    Args:
        env: the environment.
        s: satellite.
        class_id: class of the job.
        lost_s: work that the job lost [reference accelerator-seconds].
    """
    cause = cause_of_off(env, s)
    if cause == OUTAGE:
        env.ledger.outage_lost_s[class_id] += lost_s
    elif cause == TRIP:
        env.ledger.trip_lost_s[class_id] += lost_s
    else:
        env.ledger.shed_lost_s[class_id] += lost_s


@routine
def evict_from_off_satellites(env: Environment, now_s: float) -> None:
    """Requeue the jobs of satellites whose compute is off.

    These jobs go back to their last payable point.
    """
    num_off = 0.0
    for s in range(env.num_satellites):
        num_off += env.sat.off[s]
    if num_off == 0.0:
        return
    scalars, running = env.scalars[0], env.running
    num_before = scalars["running"]
    scalars["running"] = 0
    for k in range(num_before):
        row = running[k]
        s = first_host_off(env, row)
        if s != NOWHERE:
            count_stop(env, row, is_foreseen_shed(env, s))
            charge_loss(env, s, env.jobs[row]["class_id"], lose_uncheckpointed(env, row))
            release_accelerators(env, row, now_s, EVICTED, cause_of_off(env, s))
            env.ledger.evicted[env.jobs[row]["class_id"]] += 1.0
            requeue(env, row, now_s)
            continue
        running[scalars["running"]] = row
        scalars["running"] += 1


@routine
def first_host_off(env: Environment, row: int) -> int:
    """Return the first of a job's satellites whose compute is off; NOWHERE if all are on."""
    found = NOWHERE
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        if found == NOWHERE and env.sat.off[env.run[member]["host"]] > 0.0:
            found = env.run[member]["host"]
    return found


@routine
def has_gangs(env: Environment) -> bool:
    """Return whether jobs of a class may span several satellites."""
    most_hops = 0.0
    for c in range(env.num_classes):
        most_hops = max(most_hops, env.rules.gang_hops[c])
    return most_hops > 0.0


@routine
def requeue_disconnected_gangs(env: Environment, now_s: float) -> None:
    """Requeue gangs whose members lose their links.

    A gang writes a checkpoint if the loss is known one step ahead. Otherwise, it loses its uncheckpointed work.
    """
    if not has_gangs(env):
        return
    scalars, running = env.scalars[0], env.running
    num_before = scalars["running"]
    scalars["running"] = 0
    for k in range(num_before):
        row = running[k]
        if env.jobs[row]["num_satellites"] > 1:
            connected = is_connected(env, row)
            if not connected or disconnects_next(env, row):
                count_stop(env, row, connected)
                if connected:
                    stop_job(env, row, now_s)
                else:  # unforeseen: a link or the backbone failed
                    env.ledger.outage_lost_s[env.jobs[row]["class_id"]] += lose_uncheckpointed(env, row)
                release_accelerators(env, row, now_s, DISCONNECTED)
                env.ledger.disconnected[env.jobs[row]["class_id"]] += 1.0
                requeue(env, row, now_s)
                continue
        running[scalars["running"]] = row
        scalars["running"] += 1


@routine
def choose_host(env: Environment, row: int, now_s: float) -> int:
    """Return the satellite to which a waiting job goes now, or NOWHERE.

    A job with an order goes to that satellite if it is feasible, and otherwise nowhere. A job without an order goes to
    the feasible satellite with the highest score.
    """
    order = env.run[row]["order"]
    if order == FREE:
        return best_host(env, row, -np.inf, now_s)
    if order != HOLD and feasible(env, row, order - 1, now_s):
        return order - 1
    return NOWHERE


@routine
def start_waiting(env: Environment, row: int, now_s: float) -> bool:
    """Start a waiting job if it can be placed now, and return whether it started."""
    if env.jobs[row]["num_satellites"] > 1:
        if env.run[row]["order"] == HOLD or not choose_gang_hosts(env, row, now_s):
            return False
        start_gang(env, row, now_s)
        return True
    s = choose_host(env, row, now_s)
    if s == NOWHERE:
        return False
    start_job(env, row, s, now_s)
    return True


@routine
def most_living_accelerators(env: Environment) -> float:
    """Return the highest number of living accelerators on one satellite."""
    most = 0.0
    for s in range(env.num_satellites):
        most = max(most, env.sat.living[s])
    return most


@routine
def place_waiting_jobs(env: Environment, now_s: float) -> None:
    """Place waiting jobs in queue order, and expire those that are worth nothing any more.

    The first job that fits nowhere becomes the blocked job, which gets a reservation. Jobs before it respect the
    reservation of the last step as long as they fit elsewhere.
    """
    scalars, waiting = env.scalars[0], env.waiting
    open_search(env)
    most_free, num_kept = most_free_accelerators(env), 0
    scalars["blocked_rank"] = -np.inf
    for k in range(scalars["waiting"]):
        row = waiting[k]
        job, run = env.jobs[row], env.run[row]
        class_id = job["class_id"]
        if job["expiry_s"] <= now_s:
            expire(env, row, now_s)
            log_event(env.log, EXPIRED_WAITING, NOWHERE, row, 0.0, now_s)
            continue
        if env.urgency[class_id] >= env.policy.hold:
            none_blocked = scalars["blocked_rank"] == -np.inf
            started = job["width"] <= most_free and start_waiting(env, row, now_s)
            if not started and job["width"] <= most_free and none_blocked and is_reserved_for_other(env, row):
                suspend_reservation(env)
                started = start_waiting(env, row, now_s)
            if started:
                if row == scalars["reserved_row"]:
                    cancel_reservation(env)
                most_free = most_free_accelerators(env)
                continue
            if none_blocked and run["order"] == FREE:
                block_queue(env, row, now_s)
        waiting[num_kept] = row
        num_kept += 1
    scalars["waiting"] = num_kept
    if scalars["blocked_rank"] == -np.inf and scalars["reserved_row"] != NOWHERE:
        cancel_reservation(env)


@routine
def block_queue(env: Environment, row: int, now_s: float) -> None:
    """Make a job that fits nowhere the blocked job if it can start later.

    With reservations, it must get one. Without reservations, a satellite must have enough living accelerators.
    """
    scalars, width = env.scalars[0], env.jobs[row]["width"]
    scalars["blocked_rank"] = env.run[row]["rank"]
    scalars["blocked_width"] = width
    scalars["blocked_class_id"] = env.jobs[row]["class_id"]
    can_start_later = reserve(env, row, now_s) if env.policy.reserves else width <= most_living_accelerators(env)
    if not can_start_later:
        scalars["blocked_rank"] = -np.inf
