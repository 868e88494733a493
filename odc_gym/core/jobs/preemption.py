"""Guaranteed jobs take the place of spot jobs where they fit nowhere else. Scalar code between physics steps."""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.jobs.hosting import release_accelerators, remove_running, start_job
from odc_gym.core.jobs.progress import count_stop, stop_job
from odc_gym.core.jobs.reservation import cancel_reservation
from odc_gym.core.jobs.waiting import NOWHERE, is_open, pays_in_time, remove_waiting, requeue, score_of
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.work import FREE, GUARANTEED, SPOT


@routine
def preempt(env: Environment, now_s: float) -> None:
    """Waiting guaranteed jobs of one satellite, in queue order, start in the place of spot jobs."""
    if not env.policy.preempts:
        return
    k = 0
    while k < env.scalars[0]["waiting"]:
        row = env.waiting[k]
        job = env.jobs[row]
        may = job["tier"] == GUARANTEED and job["num_satellites"] == 1 and env.run[row]["order"] == FREE
        s = cheapest_host(env, row, now_s) if may and env.urgency[job["class_id"]] >= env.policy.hold else NOWHERE
        if s == NOWHERE:
            k += 1
            continue
        remove_waiting(env, k)
        preempt_spot_jobs(env, s, job["width"], now_s)
        if row == env.scalars[0]["reserved_row"]:
            cancel_reservation(env)
        start_job(env, row, s, now_s)


@routine
def cheapest_host(env: Environment, row: int, now_s: float) -> int:
    """The satellite that a job fits with the fewest accelerators taken from spot jobs, by score where equal."""
    class_id, width = env.jobs[row]["class_id"], env.jobs[row]["width"]
    spot = np.zeros(env.num_satellites)
    for k in range(env.scalars[0]["running"]):
        first = env.running[k]
        if env.jobs[first]["tier"] == SPOT:
            for member in range(first, first + env.jobs[first]["num_satellites"]):
                spot[env.run[member]["host"]] += env.jobs[member]["width"]
    best, least, highest = NOWHERE, np.inf, -np.inf
    for s in range(env.num_satellites):
        taken, score = width - env.sat.free[s], score_of(env, s, class_id, 0)
        if spot[s] == 0.0 or spot[s] < taken or not is_open(env, class_id, s):
            continue
        if (taken < least or (taken == least and score > highest)) and pays_in_time(env, row, s, now_s):
            best, least, highest = s, taken, score
    return best


@routine
def preempt_spot_jobs(env: Environment, s: int, width: int, now_s: float) -> None:
    """Spot jobs leave a satellite, the last to come first, until so many accelerators are free there."""
    k = env.scalars[0]["running"] - 1
    while env.sat.free[s] < width:
        row = env.running[k]
        if env.jobs[row]["tier"] == SPOT and runs_on(env, row, s):
            stop_job(env, row, now_s)
            release_accelerators(env, row)
            remove_running(env, k)
            env.ledger.preempted[env.jobs[row]["class_id"]] += 1.0
            count_stop(env, row, True)
            requeue(env, row, now_s)
        k -= 1


@routine
def runs_on(env: Environment, row: int, s: int) -> bool:
    """Whether a running job holds accelerators of a satellite."""
    count = 0
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        count += env.run[member]["host"] == s
    return count > 0
