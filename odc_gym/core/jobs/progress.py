"""Work of running jobs: executed, made safe and paid, or lost. Scalar code between physics steps."""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine
from odc_gym.constants import HOUR_S
from odc_gym.core.jobs.batches import lose_batch, stays
from odc_gym.core.jobs.checkpoints import unit_work
from odc_gym.core.jobs.hosting import leave
from odc_gym.core.jobs.time_accounting import account_held, account_time
from odc_gym.core.jobs.waiting import edge_s, is_replica, lateness, rank_of, requeue
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.work import CANCELLED, DONE, EXPIRED, FAILED, RESULT, SENDING
from odc_gym.core.network.execution_rate import rate_of


@routine
def value_of(env: Environment, row: int) -> float:
    """Value of a reference-accelerator-hour of a job: that of its class at the price of its tier."""
    return env.rules.value[env.jobs[row]["class_id"]] * env.jobs[row]["price"]


@routine
def secure(env: Environment, row: int, now: float) -> None:
    """Unsaved work becomes safe; what was executed in the episode is paid, less the share held back."""
    r, kind = env.run[row], env.jobs[row]["class_id"]
    new = r["safe_s"] + r["unsaved_s"] - max(r["safe_s"], r["before_s"])
    if r["unsaved_s"] > 0.0:
        for member in range(row, row + env.jobs[row]["num_satellites"]):
            env.run[member]["state_at"] = env.run[member]["host"]
    r["safe_s"] += r["unsaved_s"]
    r["unsaved_s"] = 0.0
    if new > 0.0:
        env.ledger.credited_s[kind] += new
        env.ledger.timely_s[kind] += new if now <= env.jobs[row]["deadline_s"] else 0.0
        env.ledger.paid[kind] += (
            (1.0 - env.rules.hold_back[kind]) * value_of(env, row) * new / HOUR_S * lateness(env, row, now)
        )


@routine
def lose(env: Environment, row: int) -> float:
    """Unsaved work is gone, and returned; what is done again later was not executed before the episode."""
    if is_replica(env, row):
        return lose_batch(env, row)
    r = env.run[row]
    kind = env.jobs[row]["class_id"]
    lost = r["unsaved_s"] - max(0.0, r["before_s"] - r["safe_s"])
    lost_s = lost / env.design.speed[r["host"]]
    env.ledger.lost_s[kind] += lost
    env.ledger.useful_s[kind] -= lost_s
    env.ledger.replay_s[kind] += lost_s
    r["before_s"] = min(r["before_s"], r["safe_s"])
    r["unsaved_s"] = 0.0
    return lost


@routine
def count_stop(env: Environment, row: int, known: bool) -> None:
    """A job stops where it runs by what happens there, or is told to: foreseen if that was known, else a surprise."""
    kind = env.jobs[row]["class_id"]
    if known:
        env.ledger.foreseen[kind] += 1.0
    else:
        env.ledger.forced[kind] += 1.0
        env.scalars[0]["off_stops"] += 1.0


@routine
def stop(env: Environment, row: int, now: float) -> None:
    """A job that is told to stop keeps its work if its class writes checkpoints, else drops the open chunk.

    A replica takes its batch along.
    """
    if is_replica(env, row):
        return
    if env.rules.saves[env.jobs[row]["class_id"]] > 0.5:
        save_first(env, row, now)
    else:
        lose(env, row)


@routine
def save_first(env: Environment, row: int, now: float) -> None:
    """A job that sees its stop coming writes a checkpoint, if its class does and there is work to save.

    Work is safe from the moment that the job halts for it. The time of writing is held where the job runs next.
    """
    if env.rules.saves[env.jobs[row]["class_id"]] > 0.5 and env.run[row]["unsaved_s"] > 0.0:
        secure(env, row, now)
        halt_to_write(env, row)


@routine
def halt_to_write(env: Environment, row: int) -> None:
    """Work stands while a checkpoint is written."""
    stall_s = env.rules.stall_s[env.jobs[row]["class_id"]]
    env.run[row]["delay_s"] += stall_s
    env.run[row]["writing_s"] += stall_s


@routine
def finish(env: Environment, row: int, now: float) -> None:
    """The work of a job is done; its results, if it has any, are put on the way to the ground."""
    secure(env, row, now)
    gb = env.rules.result_gb[env.jobs[row]["class_id"]]
    if gb == 0.0:
        deliver(env, row, now)
        return
    r, scalars = env.run[row], env.scalars[0]
    r["status"] = SENDING
    r["state_at"] = r["host"]
    env.pending_gb[RESULT, row] = gb
    env.ledger.asked_gb[env.jobs[row]["class_id"]] += gb
    env.sending[scalars["sending"]] = row
    scalars["sending"] += 1


@routine
def deliver(env: Environment, row: int, now: float) -> None:
    """A job ends: the share held back is paid, also where its user ended it early."""
    job, r = env.jobs[row], env.run[row]
    kind = job["class_id"]
    held = env.rules.hold_back[kind] * value_of(env, row) * max(job["work_s"] - r["before_s"], 0.0) / HOUR_S
    env.ledger.paid[kind] += held * lateness(env, row, now)
    if job["outcome"] == FAILED:
        env.ledger.failed[kind] += 1.0
    elif job["outcome"] == CANCELLED:
        env.ledger.cancelled[kind] += 1.0
    else:
        env.ledger.completed[kind] += 1.0
    env.ledger.on_time[kind] += 1.0 if now <= job["deadline_s"] else 0.0
    r["status"] = DONE
    r["finished_s"] = now


@routine
def expire(env: Environment, row: int, now: float) -> None:
    """A job that is worth nothing any more leaves for good."""
    env.run[row]["status"] = EXPIRED
    env.run[row]["finished_s"] = now
    env.ledger.expired[env.jobs[row]["class_id"]] += 1.0


@routine
def must_yield(env: Environment, row: int, now: float) -> bool:
    """Whether a job at a payable point makes room for the best job that fits nowhere."""
    scalars, job, s = env.scalars[0], env.jobs[row], env.run[row]["host"]
    if env.rules.yields[job["class_id"]] < 0.5 or scalars["blocked_rank"] == -np.inf:
        return False
    if env.policy.reserves:
        helps = env.sat.free[s] < scalars["blocked_width"] and overstays(env, row, s, now)
    else:
        helps = env.sat.free[s] + job["width"] >= scalars["blocked_width"]
        helps = helps and env.classes.bid[scalars["blocked_kind"], s] >= env.policy.close
    return helps and rank_of(env, row, now) < scalars["blocked_rank"]


@routine
def overstays(env: Environment, row: int, s: int, now: float) -> bool:
    """Whether a job at a payable point would hold accelerators that are promised when it reaches the next one."""
    if now + edge_s(env, row, s) <= env.sat.shadow_s[s]:
        return False
    if env.jobs[row]["width"] > env.sat.spare[s]:
        return True
    env.sat.spare[s] -= env.jobs[row]["width"]
    return False


@routine
def work_on(env: Environment, row: int, dt_s: float, now: float) -> bool:
    """Work of one job in the step that physics just did; whether it still runs."""
    job, r = env.jobs[row], env.run[row]
    kind = job["class_id"]
    rate = rate_of(env, row)
    left = job["work_s"] - r["safe_s"] - r["unsaved_s"]
    at_work_s = min(r["active"] * dt_s, left / max(rate, 1e-9))
    work = min(rate * r["active"] * dt_s, left)
    if r["unsaved_s"] == 0.0:
        r["unsaved_since_s"] = now - r["active"] * dt_s
    r["unsaved_s"] += work
    env.ledger.executed_s[kind] += work
    account_time(env, row, work, at_work_s, dt_s)
    if work >= left:
        finish(env, row, now - r["active"] * dt_s + at_work_s)
        leave(env, row)
        return False
    if job["expiry_s"] <= now:
        lose(env, row)
        leave(env, row)
        expire(env, row, now)
        return False
    if r["unsaved_s"] >= unit_work(env, row, r["host"]) * job["total_accelerators"]:
        secure(env, row, now)
        halt_to_write(env, row)
        if must_yield(env, row, now):
            leave(env, row)
            if not env.policy.reserves:
                env.scalars[0]["blocked_rank"] = -np.inf  # one is enough
            env.ledger.yielded[kind] += 1.0
            requeue(env, row, now)
            return False
    return True


@routine
def advance(env: Environment, dt_s: float, now: float) -> None:
    """Work of the step that physics just did: executed, made safe and paid, finished. `now` is the step's end."""
    scalars, running = env.scalars[0], env.running
    account_held(env, dt_s)
    count = scalars["running"]
    scalars["running"] = 0
    for k in range(count):
        row = running[k]
        scalars["hosted_s"] += env.jobs[row]["num_satellites"] * dt_s
        if stays(env, row, dt_s) if is_replica(env, row) else work_on(env, row, dt_s, now):
            running[scalars["running"]] = row
            scalars["running"] += 1
