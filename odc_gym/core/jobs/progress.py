"""Work of running jobs: executed, made safe and paid, or lost. Scalar code between physics steps."""

import numpy as np

from odc_gym._jit import routine
from odc_gym.constants import HOUR_S
from odc_gym.core.jobs.batches import lose_batch, stays
from odc_gym.core.jobs.checkpoints import unit_work
from odc_gym.core.jobs.hosting import leave
from odc_gym.core.jobs.time_accounting import account_held, account_time
from odc_gym.core.jobs.waiting import edge_s, is_replica, lateness, rank_of, requeue
from odc_gym.core.layout.state import D, X
from odc_gym.core.layout.work import CANCELLED, DONE, EXPIRED, FAILED, RESULT, SENDING, G, K, L
from odc_gym.core.network.execution_rate import rate_of


@routine
def value_of(e, row):
    """Value of a reference-accelerator-hour of a job: that of its class at the price of its tier."""
    return e.rules[G.value, e.jobs[row]["class_id"]] * e.jobs[row]["price"]


@routine
def secure(e, row, now):
    """Unsaved work becomes safe; what was executed in the episode is paid, less the share held back."""
    r, kind = e.run[row], e.jobs[row]["class_id"]
    new = r["safe_s"] + r["unsaved_s"] - max(r["safe_s"], r["before_s"])
    if r["unsaved_s"] > 0.0:
        for member in range(row, row + e.jobs[row]["num_satellites"]):
            e.run[member]["state_at"] = e.run[member]["host"]
    r["safe_s"] += r["unsaved_s"]
    r["unsaved_s"] = 0.0
    if new > 0.0:
        e.ledger[L.credited_s, kind] += new
        e.ledger[L.timely_s, kind] += new if now <= e.jobs[row]["deadline_s"] else 0.0
        e.ledger[L.paid, kind] += (
            (1.0 - e.rules[G.hold_back, kind]) * value_of(e, row) * new / HOUR_S * lateness(e, row, now)
        )


@routine
def lose(e, row):
    """Unsaved work is gone, and returned; what is done again later was not executed before the episode."""
    if is_replica(e, row):
        return lose_batch(e, row)
    r = e.run[row]
    kind = e.jobs[row]["class_id"]
    lost = r["unsaved_s"] - max(0.0, r["before_s"] - r["safe_s"])
    lost_s = lost / e.p[D.speed, r["host"]]
    e.ledger[L.lost_s, kind] += lost
    e.ledger[L.useful_s, kind] -= lost_s
    e.ledger[L.replay_s, kind] += lost_s
    r["before_s"] = min(r["before_s"], r["safe_s"])
    r["unsaved_s"] = 0.0
    return lost


@routine
def count_stop(e, row, known):
    """A job stops where it runs by what happens there, or is told to: foreseen if that was known, else a surprise."""
    kind = e.jobs[row]["class_id"]
    if known:
        e.ledger[L.foreseen, kind] += 1.0
    else:
        e.ledger[L.forced, kind] += 1.0
        e.head[0]["off_stops"] += 1.0


@routine
def stop(e, row, now):
    """A job that is told to stop keeps its work if its class writes checkpoints, else drops the open chunk.

    A replica takes its batch along.
    """
    if is_replica(e, row):
        return
    if e.rules[G.saves, e.jobs[row]["class_id"]] > 0.5:
        save_first(e, row, now)
    else:
        lose(e, row)


@routine
def save_first(e, row, now):
    """A job that sees its stop coming writes a checkpoint, if its class does and there is work to save.

    Work is safe from the moment that the job halts for it. The time of writing is held where the job runs next.
    """
    if e.rules[G.saves, e.jobs[row]["class_id"]] > 0.5 and e.run[row]["unsaved_s"] > 0.0:
        secure(e, row, now)
        halt_to_write(e, row)


@routine
def halt_to_write(e, row):
    """Work stands while a checkpoint is written."""
    stall_s = e.rules[G.stall_s, e.jobs[row]["class_id"]]
    e.run[row]["delay_s"] += stall_s
    e.run[row]["writing_s"] += stall_s


@routine
def finish(e, row, now):
    """The work of a job is done; its results, if it has any, are put on the way to the ground."""
    secure(e, row, now)
    gb = e.rules[G.result_gb, e.jobs[row]["class_id"]]
    if gb == 0.0:
        deliver(e, row, now)
        return
    r, head = e.run[row], e.head[0]
    r["status"] = SENDING
    r["state_at"] = r["host"]
    e.cargo[RESULT, row] = gb
    e.ledger[L.asked_gb, e.jobs[row]["class_id"]] += gb
    e.lists[2, head["sending"]] = row
    head["sending"] += 1


@routine
def deliver(e, row, now):
    """A job ends: the share held back is paid, also where its user ended it early."""
    job, r = e.jobs[row], e.run[row]
    kind = job["class_id"]
    held = e.rules[G.hold_back, kind] * value_of(e, row) * max(job["work_s"] - r["before_s"], 0.0) / HOUR_S
    e.ledger[L.paid, kind] += held * lateness(e, row, now)
    if job["outcome"] == FAILED:
        e.ledger[L.failed, kind] += 1.0
    elif job["outcome"] == CANCELLED:
        e.ledger[L.cancelled, kind] += 1.0
    else:
        e.ledger[L.completed, kind] += 1.0
    e.ledger[L.on_time, kind] += 1.0 if now <= job["deadline_s"] else 0.0
    r["status"] = DONE
    r["finished_s"] = now


@routine
def expire(e, row, now):
    """A job that is worth nothing any more leaves for good."""
    e.run[row]["status"] = EXPIRED
    e.run[row]["finished_s"] = now
    e.ledger[L.expired, e.jobs[row]["class_id"]] += 1.0


@routine
def must_yield(e, row, now):
    """Whether a job at a payable point makes room for the best job that fits nowhere."""
    head, job, s = e.head[0], e.jobs[row], e.run[row]["host"]
    if e.rules[G.yields, job["class_id"]] < 0.5 or head["blocked_rank"] == -np.inf:
        return False
    if e.policy.reserves > 0.5:
        helps = e.x[X.free, s] < head["blocked_width"] and overstays(e, row, s, now)
    else:
        helps = e.x[X.free, s] + job["width"] >= head["blocked_width"]
        helps = helps and e.classes[K.bid, head["blocked_kind"], s] >= e.policy.close
    return helps and rank_of(e, row, now) < head["blocked_rank"]


@routine
def overstays(e, row, s, now):
    """Whether a job at a payable point would hold accelerators that are promised when it reaches the next one."""
    if now + edge_s(e, row, s) <= e.x[X.shadow_s, s]:
        return False
    if e.jobs[row]["width"] > e.x[X.spare, s]:
        return True
    e.x[X.spare, s] -= e.jobs[row]["width"]
    return False


@routine
def work_on(e, row, dt_s, now):
    """Work of one job in the step that physics just did; whether it still runs."""
    job, r = e.jobs[row], e.run[row]
    kind = job["class_id"]
    rate = rate_of(e, row)
    left = job["work_s"] - r["safe_s"] - r["unsaved_s"]
    at_work_s = min(r["active"] * dt_s, left / max(rate, 1e-9))
    work = min(rate * r["active"] * dt_s, left)
    if r["unsaved_s"] == 0.0:
        r["unsaved_since_s"] = now - r["active"] * dt_s
    r["unsaved_s"] += work
    e.ledger[L.executed_s, kind] += work
    account_time(e, row, work, at_work_s, dt_s)
    if work >= left:
        finish(e, row, now - r["active"] * dt_s + at_work_s)
        leave(e, row)
        return False
    if job["expiry_s"] <= now:
        lose(e, row)
        leave(e, row)
        expire(e, row, now)
        return False
    if r["unsaved_s"] >= unit_work(e, row, r["host"]) * job["total_accelerators"]:
        secure(e, row, now)
        halt_to_write(e, row)
        if must_yield(e, row, now):
            leave(e, row)
            if e.policy.reserves < 0.5:
                e.head[0]["blocked_rank"] = -np.inf  # one is enough
            e.ledger[L.yielded, kind] += 1.0
            requeue(e, row, now)
            return False
    return True


@routine
def advance(e, dt_s, now):
    """Work of the step that physics just did: executed, made safe and paid, finished. `now` is the step's end."""
    head, running = e.head[0], e.lists[1]
    account_held(e, dt_s)
    count = head["running"]
    head["running"] = 0
    for k in range(count):
        row = running[k]
        head["hosted_s"] += e.jobs[row]["num_satellites"] * dt_s
        if stays(e, row, dt_s) if is_replica(e, row) else work_on(e, row, dt_s, now):
            running[head["running"]] = row
            head["running"] += 1
