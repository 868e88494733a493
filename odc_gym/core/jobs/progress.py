"""Progress of running jobs: work is executed, checkpointed and paid, or lost.

The code is scalar and runs between physics steps.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.constants import HOUR_S
from odc_gym.core.jobs.batches import continue_replica, lose_batch
from odc_gym.core.jobs.checkpoints import payable_interval_work
from odc_gym.core.jobs.hosting import release_accelerators
from odc_gym.core.jobs.time_accounting import account_held, account_time
from odc_gym.core.jobs.waiting import NOWHERE, is_replica, lateness_factor, rank_of, requeue, time_to_payable_s
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.event_log import DELIVERED, EXPIRED_RUNNING, FINISHED, YIELDED, log_event
from odc_gym.core.layout.work import CANCELLED, DONE, EXPIRED, FAILED, RESULT, SENDING
from odc_gym.core.network.execution_rate import execution_rate


@routine
def value_of(env: Environment, row: int) -> float:
    """Return the value of a reference-accelerator-hour of a job: its class's value times its tier's price."""
    return env.rules.value[env.jobs[row]["class_id"]] * env.jobs[row]["price"]


@routine
def checkpoint_work(env: Environment, row: int, now_s: float) -> None:
    """Checkpoint a job's work, and pay the new work less the share held back.

    Work that was executed before the episode is not paid.
    """
    run, class_id = env.run[row], env.jobs[row]["class_id"]
    newly_checkpointed = run["checkpointed_s"] + run["uncheckpointed_s"] - max(run["checkpointed_s"], run["before_s"])
    if run["uncheckpointed_s"] > 0.0:
        for member in range(row, row + env.jobs[row]["num_satellites"]):
            env.run[member]["state_at"] = env.run[member]["host"]
    run["checkpointed_s"] += run["uncheckpointed_s"]
    run["uncheckpointed_s"] = 0.0
    if newly_checkpointed > 0.0:
        env.ledger.credited_s[class_id] += newly_checkpointed
        env.ledger.timely_s[class_id] += newly_checkpointed if now_s <= env.jobs[row]["deadline_s"] else 0.0
        env.ledger.paid[class_id] += (
            (1.0 - env.rules.hold_back[class_id])
            * value_of(env, row)
            * newly_checkpointed
            / HOUR_S
            * lateness_factor(env, row, now_s)
        )


@routine
def lose_uncheckpointed(env: Environment, row: int) -> float:
    """Discard uncheckpointed work, and return its amount [reference accelerator-seconds].

    The amount excludes work executed before the episode. Discarded work of that kind is paid when it is done again. A
    replica loses its batch.
    """
    if is_replica(env, row):
        return lose_batch(env, row)
    run = env.run[row]
    class_id = env.jobs[row]["class_id"]
    lost = run["uncheckpointed_s"] - max(0.0, run["before_s"] - run["checkpointed_s"])
    lost_s = lost / env.design.speed[run["host"]]
    env.ledger.lost_s[class_id] += lost
    env.ledger.useful_s[class_id] -= lost_s
    env.ledger.replay_s[class_id] += lost_s
    run["before_s"] = min(run["before_s"], run["checkpointed_s"])
    run["uncheckpointed_s"] = 0.0
    return lost


@routine
def count_stop(env: Environment, row: int, foreseen: bool) -> None:
    """Count a stop by an event on a satellite or by an order.

    The stop counts as foreseen if it was known ahead, and as forced otherwise.
    """
    class_id = env.jobs[row]["class_id"]
    if foreseen:
        env.ledger.foreseen[class_id] += 1.0
    else:
        env.ledger.forced[class_id] += 1.0
        env.scalars[0]["off_stops"] += 1.0


@routine
def stop_job(env: Environment, row: int, now_s: float) -> None:
    """Stop a job by an order: it writes a checkpoint if its class does, or drops its open chunk.

    A replica keeps its batch.
    """
    if is_replica(env, row):
        return
    if env.rules.saves[env.jobs[row]["class_id"]] > 0.5:
        checkpoint_before_stop(env, row, now_s)
    else:
        lose_uncheckpointed(env, row)


@routine
def checkpoint_before_stop(env: Environment, row: int, now_s: float) -> None:
    """Write a checkpoint before a foreseen stop.

    This requires a class that writes checkpoints, and uncheckpointed work. The work is checkpointed from the moment at
    which the job pauses. The writing time holds accelerators where the job runs next.
    """
    if env.rules.saves[env.jobs[row]["class_id"]] > 0.5 and env.run[row]["uncheckpointed_s"] > 0.0:
        checkpoint_work(env, row, now_s)
        pause_for_checkpoint(env, row)


@routine
def pause_for_checkpoint(env: Environment, row: int) -> None:
    """Pause a job while its checkpoint is written."""
    stall_s = env.rules.stall_s[env.jobs[row]["class_id"]]
    env.run[row]["delay_s"] += stall_s
    env.run[row]["writing_s"] += stall_s


@routine
def finish(env: Environment, row: int, now_s: float) -> None:
    """Finish a job whose work is done, and send its results to the ground if it has any."""
    checkpoint_work(env, row, now_s)
    gb = env.rules.result_gb[env.jobs[row]["class_id"]]
    if gb == 0.0:
        deliver(env, row, now_s)
        return
    run, scalars = env.run[row], env.scalars[0]
    run["status"] = SENDING
    run["state_at"] = run["host"]
    env.pending_gb[RESULT, row] = gb
    env.ledger.asked_gb[env.jobs[row]["class_id"]] += gb
    env.sending[scalars["sending"]] = row
    scalars["sending"] += 1


@routine
def deliver(env: Environment, row: int, now_s: float) -> None:
    """Complete a job: pay the share held back, and count how the job ended.

    The share is also paid for a job that ended early.
    """
    job, run = env.jobs[row], env.run[row]
    class_id = job["class_id"]
    held_back = env.rules.hold_back[class_id] * value_of(env, row) * max(job["work_s"] - run["before_s"], 0.0) / HOUR_S
    env.ledger.paid[class_id] += held_back * lateness_factor(env, row, now_s)
    if job["outcome"] == FAILED:
        env.ledger.failed[class_id] += 1.0
    elif job["outcome"] == CANCELLED:
        env.ledger.cancelled[class_id] += 1.0
    else:
        env.ledger.completed[class_id] += 1.0
    env.ledger.on_time[class_id] += 1.0 if now_s <= job["deadline_s"] else 0.0
    run["status"] = DONE
    run["finished_s"] = now_s
    log_event(env.log, DELIVERED, NOWHERE, row, 0.0, now_s)


@routine
def expire(env: Environment, row: int, now_s: float) -> None:
    """Remove a job that is worth nothing any more for good."""
    env.run[row]["status"] = EXPIRED
    env.run[row]["finished_s"] = now_s
    env.ledger.expired[env.jobs[row]["class_id"]] += 1.0


@routine
def should_yield(env: Environment, row: int, now_s: float) -> bool:
    """Return whether a job at a payable point makes room for the blocked job.

    The blocked job is the first job in the queue that fits nowhere.
    """
    scalars, job, s = env.scalars[0], env.jobs[row], env.run[row]["host"]
    if env.rules.yields[job["class_id"]] < 0.5 or scalars["blocked_rank"] == -np.inf:
        return False
    if env.policy.reserves:
        helps = env.sat.free[s] < scalars["blocked_width"] and delays_reservation(env, row, s, now_s)
    else:
        helps = env.sat.free[s] + job["width"] >= scalars["blocked_width"]
        helps = helps and env.classes.bid[scalars["blocked_class_id"], s] >= env.policy.close
    return helps and rank_of(env, row, now_s) < scalars["blocked_rank"]


@routine
def delays_reservation(env: Environment, row: int, s: int, now_s: float) -> bool:
    """Return whether a job would still hold reserved accelerators at its next payable point.

    A job that fits beside the reservation does not. Its accelerators are then deducted from those that the reservation
    leaves over.
    """
    if now_s + time_to_payable_s(env, row, s) <= env.sat.reserved_from_s[s]:
        return False
    if env.jobs[row]["width"] > env.sat.extra_accelerators[s]:
        return True
    env.sat.extra_accelerators[s] -= env.jobs[row]["width"]
    return False


@routine
def advance_job(env: Environment, row: int, dt_s: float, now_s: float) -> bool:
    """Execute a job for the step that physics has just done, and return whether it still runs.

    Args:
        env: the environment.
        row: row of the job.
        dt_s: physics step [s].
        now_s: end of the step, since the start of the episode [s].
    """
    job, run = env.jobs[row], env.run[row]
    class_id = job["class_id"]
    rate = execution_rate(env, row)
    remaining = job["work_s"] - run["checkpointed_s"] - run["uncheckpointed_s"]
    at_work_s = min(run["active"] * dt_s, remaining / max(rate, 1e-9))
    work = min(rate * run["active"] * dt_s, remaining)
    if run["uncheckpointed_s"] == 0.0:
        run["uncheckpointed_since_s"] = now_s - run["active"] * dt_s
    run["uncheckpointed_s"] += work
    env.ledger.executed_s[class_id] += work
    account_time(env, row, work, at_work_s, dt_s)
    if work >= remaining:
        finished_s = now_s - run["active"] * dt_s + at_work_s
        finish(env, row, finished_s)
        release_accelerators(env, row, finished_s, FINISHED)
        return False
    if job["expiry_s"] <= now_s:
        lose_uncheckpointed(env, row)
        release_accelerators(env, row, now_s, EXPIRED_RUNNING)
        expire(env, row, now_s)
        return False
    if run["uncheckpointed_s"] >= payable_interval_work(env, row, run["host"]) * job["total_accelerators"]:
        checkpoint_work(env, row, now_s)
        pause_for_checkpoint(env, row)
        if should_yield(env, row, now_s):
            release_accelerators(env, row, now_s, YIELDED)
            if not env.policy.reserves:
                env.scalars[0]["blocked_rank"] = -np.inf  # one job that yields is enough
            env.ledger.yielded[class_id] += 1.0
            requeue(env, row, now_s)
            return False
    return True


@routine
def advance_jobs(env: Environment, dt_s: float, now_s: float) -> None:
    """Advance all running jobs and replicas over the step that physics has just done.

    `now_s` is the end of the step.
    """
    scalars, running = env.scalars[0], env.running
    account_held(env, dt_s)
    num_before = scalars["running"]
    scalars["running"] = 0
    for k in range(num_before):
        row = running[k]
        scalars["hosted_s"] += env.jobs[row]["num_satellites"] * dt_s
        if continue_replica(env, row, dt_s, now_s) if is_replica(env, row) else advance_job(env, row, dt_s, now_s):
            running[scalars["running"]] = row
            scalars["running"] += 1
