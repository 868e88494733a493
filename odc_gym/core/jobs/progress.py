"""Work of running jobs: executed, made safe and paid, or lost. Scalar code between physics steps."""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine
from odc_gym.constants import HOUR_S
from odc_gym.core.jobs.batches import continue_replica, lose_batch
from odc_gym.core.jobs.checkpoints import unit_work
from odc_gym.core.jobs.hosting import release_accelerators
from odc_gym.core.jobs.time_accounting import account_held, account_time
from odc_gym.core.jobs.waiting import is_replica, lateness_factor, rank_of, requeue, time_to_payable_s
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.work import CANCELLED, DONE, EXPIRED, FAILED, RESULT, SENDING
from odc_gym.core.network.execution_rate import execution_rate


@routine
def value_of(env: Environment, row: int) -> float:
    """Value of a reference-accelerator-hour of a job: that of its class at the price of its tier."""
    return env.rules.value[env.jobs[row]["class_id"]] * env.jobs[row]["price"]


@routine
def checkpoint_work(env: Environment, row: int, now_s: float) -> None:
    """Unsaved work becomes safe; what was executed in the episode is paid, less the share held back."""
    run, class_id = env.run[row], env.jobs[row]["class_id"]
    new = run["checkpointed_s"] + run["uncheckpointed_s"] - max(run["checkpointed_s"], run["before_s"])
    if run["uncheckpointed_s"] > 0.0:
        for member in range(row, row + env.jobs[row]["num_satellites"]):
            env.run[member]["state_at"] = env.run[member]["host"]
    run["checkpointed_s"] += run["uncheckpointed_s"]
    run["uncheckpointed_s"] = 0.0
    if new > 0.0:
        env.ledger.credited_s[class_id] += new
        env.ledger.timely_s[class_id] += new if now_s <= env.jobs[row]["deadline_s"] else 0.0
        env.ledger.paid[class_id] += (
            (1.0 - env.rules.hold_back[class_id]) * value_of(env, row) * new / HOUR_S * lateness_factor(env, row, now_s)
        )


@routine
def lose_uncheckpointed(env: Environment, row: int) -> float:
    """Unsaved work is gone, and returned; what is done again later was not executed before the episode."""
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
def count_stop(env: Environment, row: int, known: bool) -> None:
    """A job stops where it runs by what happens there, or is told to: foreseen if that was known, else a surprise."""
    class_id = env.jobs[row]["class_id"]
    if known:
        env.ledger.foreseen[class_id] += 1.0
    else:
        env.ledger.forced[class_id] += 1.0
        env.scalars[0]["off_stops"] += 1.0


@routine
def stop_job(env: Environment, row: int, now_s: float) -> None:
    """A job that is told to stop keeps its work if its class writes checkpoints, else drops the open chunk.

    A replica takes its batch along.
    """
    if is_replica(env, row):
        return
    if env.rules.saves[env.jobs[row]["class_id"]] > 0.5:
        checkpoint_before_stop(env, row, now_s)
    else:
        lose_uncheckpointed(env, row)


@routine
def checkpoint_before_stop(env: Environment, row: int, now_s: float) -> None:
    """A job that sees its stop coming writes a checkpoint, if its class does and there is work to save.

    Work is safe from the moment that the job halts for it. The time of writing is held where the job runs next.
    """
    if env.rules.saves[env.jobs[row]["class_id"]] > 0.5 and env.run[row]["uncheckpointed_s"] > 0.0:
        checkpoint_work(env, row, now_s)
        pause_for_checkpoint(env, row)


@routine
def pause_for_checkpoint(env: Environment, row: int) -> None:
    """Work stands while a checkpoint is written."""
    stall_s = env.rules.stall_s[env.jobs[row]["class_id"]]
    env.run[row]["delay_s"] += stall_s
    env.run[row]["writing_s"] += stall_s


@routine
def finish(env: Environment, row: int, now_s: float) -> None:
    """The work of a job is done; its results, if it has any, are put on the way to the ground."""
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
    """A job ends: the share held back is paid, also where its user ended it early."""
    job, run = env.jobs[row], env.run[row]
    class_id = job["class_id"]
    held = env.rules.hold_back[class_id] * value_of(env, row) * max(job["work_s"] - run["before_s"], 0.0) / HOUR_S
    env.ledger.paid[class_id] += held * lateness_factor(env, row, now_s)
    if job["outcome"] == FAILED:
        env.ledger.failed[class_id] += 1.0
    elif job["outcome"] == CANCELLED:
        env.ledger.cancelled[class_id] += 1.0
    else:
        env.ledger.completed[class_id] += 1.0
    env.ledger.on_time[class_id] += 1.0 if now_s <= job["deadline_s"] else 0.0
    run["status"] = DONE
    run["finished_s"] = now_s


@routine
def expire(env: Environment, row: int, now_s: float) -> None:
    """A job that is worth nothing any more leaves for good."""
    env.run[row]["status"] = EXPIRED
    env.run[row]["finished_s"] = now_s
    env.ledger.expired[env.jobs[row]["class_id"]] += 1.0


@routine
def should_yield(env: Environment, row: int, now_s: float) -> bool:
    """Whether a job at a payable point makes room for the best job that fits nowhere."""
    scalars, job, s = env.scalars[0], env.jobs[row], env.run[row]["host"]
    if env.rules.yields[job["class_id"]] < 0.5 or scalars["blocked_rank"] == -np.inf:
        return False
    if env.policy.reserves:
        helps = env.sat.free[s] < scalars["blocked_width"] and delays_reservation(env, row, s, now_s)
    else:
        helps = env.sat.free[s] + job["width"] >= scalars["blocked_width"]
        helps = helps and env.classes.bid[scalars["blocked_kind"], s] >= env.policy.close
    return helps and rank_of(env, row, now_s) < scalars["blocked_rank"]


@routine
def delays_reservation(env: Environment, row: int, s: int, now_s: float) -> bool:
    """Whether a job at a payable point would hold accelerators that are promised when it reaches the next one."""
    if now_s + time_to_payable_s(env, row, s) <= env.sat.reserved_from_s[s]:
        return False
    if env.jobs[row]["width"] > env.sat.extra_accelerators[s]:
        return True
    env.sat.extra_accelerators[s] -= env.jobs[row]["width"]
    return False


@routine
def advance_job(env: Environment, row: int, dt_s: float, now_s: float) -> bool:
    """Work of one job in the step that physics just did; whether it still runs."""
    job, run = env.jobs[row], env.run[row]
    class_id = job["class_id"]
    rate = execution_rate(env, row)
    left = job["work_s"] - run["checkpointed_s"] - run["uncheckpointed_s"]
    at_work_s = min(run["active"] * dt_s, left / max(rate, 1e-9))
    work = min(rate * run["active"] * dt_s, left)
    if run["uncheckpointed_s"] == 0.0:
        run["uncheckpointed_since_s"] = now_s - run["active"] * dt_s
    run["uncheckpointed_s"] += work
    env.ledger.executed_s[class_id] += work
    account_time(env, row, work, at_work_s, dt_s)
    if work >= left:
        finish(env, row, now_s - run["active"] * dt_s + at_work_s)
        release_accelerators(env, row)
        return False
    if job["expiry_s"] <= now_s:
        lose_uncheckpointed(env, row)
        release_accelerators(env, row)
        expire(env, row, now_s)
        return False
    if run["uncheckpointed_s"] >= unit_work(env, row, run["host"]) * job["total_accelerators"]:
        checkpoint_work(env, row, now_s)
        pause_for_checkpoint(env, row)
        if should_yield(env, row, now_s):
            release_accelerators(env, row)
            if not env.policy.reserves:
                env.scalars[0]["blocked_rank"] = -np.inf  # one is enough
            env.ledger.yielded[class_id] += 1.0
            requeue(env, row, now_s)
            return False
    return True


@routine
def advance_jobs(env: Environment, dt_s: float, now_s: float) -> None:
    """Work of the step that physics just did: executed, made safe and paid, finished. `now_s` is the step's end."""
    scalars, running = env.scalars[0], env.running
    account_held(env, dt_s)
    count = scalars["running"]
    scalars["running"] = 0
    for k in range(count):
        row = running[k]
        scalars["hosted_s"] += env.jobs[row]["num_satellites"] * dt_s
        if continue_replica(env, row, dt_s) if is_replica(env, row) else advance_job(env, row, dt_s, now_s):
            running[scalars["running"]] = row
            scalars["running"] += 1
