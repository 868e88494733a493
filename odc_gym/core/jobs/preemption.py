"""Preemption: guaranteed jobs that fit nowhere else take the accelerators of spot jobs.

The code is scalar and runs between physics steps.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.jobs.hosting import release_accelerators, remove_running, start_job
from odc_gym.core.jobs.progress import count_stop, stop_job
from odc_gym.core.jobs.reservation import cancel_reservation
from odc_gym.core.jobs.waiting import NOWHERE, is_open, pays_in_time, remove_waiting, requeue, score_of
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.state import fill
from odc_gym.core.layout.work import FREE, GUARANTEED, SPOT


@routine
def preempt(env: Environment, now_s: float) -> None:
    """Start waiting guaranteed jobs in the place of spot jobs, in queue order.

    Gangs do not preempt other jobs.
    """
    if not env.policy.preempts:
        return
    k = 0
    while k < env.scalars[0]["waiting"]:
        row = env.waiting[k]
        job = env.jobs[row]
        eligible = job["tier"] == GUARANTEED and job["num_satellites"] == 1 and env.run[row]["order"] == FREE
        s = cheapest_host(env, row, now_s) if eligible and env.urgency[job["class_id"]] >= env.policy.hold else NOWHERE
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
    """Return the satellite on which a job displaces the fewest accelerators of spot jobs, or NOWHERE.

    Ties go to the satellite with the highest score.
    """
    class_id, width = env.jobs[row]["class_id"], env.jobs[row]["width"]
    spot_accelerators = env.work.spot_accelerators
    fill(spot_accelerators, 0.0)
    for k in range(env.scalars[0]["running"]):
        first_row = env.running[k]
        if env.jobs[first_row]["tier"] == SPOT:
            for member in range(first_row, first_row + env.jobs[first_row]["num_satellites"]):
                spot_accelerators[env.run[member]["host"]] += env.jobs[member]["width"]
    best, fewest, best_score = NOWHERE, np.inf, -np.inf
    for s in range(env.num_satellites):
        displaced, score = width - env.sat.free[s], score_of(env, s, class_id, 0)
        if spot_accelerators[s] == 0.0 or spot_accelerators[s] < displaced or not is_open(env, class_id, s):
            continue
        if (displaced < fewest or (displaced == fewest and score > best_score)) and pays_in_time(env, row, s, now_s):
            best, fewest, best_score = s, displaced, score
    return best


@routine
def preempt_spot_jobs(env: Environment, s: int, width: int, now_s: float) -> None:
    """Stop spot jobs on a satellite, the last to start first, until `width` accelerators are free."""
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
    """Return whether a running job holds accelerators of satellite `s`."""
    count = 0
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        count += env.run[member]["host"] == s
    return count > 0
