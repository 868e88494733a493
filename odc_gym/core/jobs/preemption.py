"""Preemption: guaranteed jobs that fit nowhere else take the accelerators of spot jobs.

The code is scalar and runs between physics steps.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.jobs.host_search import entry_of, open_search
from odc_gym.core.jobs.hosting import release_accelerators, remove_running, start_job
from odc_gym.core.jobs.progress import count_stop, stop_job
from odc_gym.core.jobs.reservation import cancel_reservation
from odc_gym.core.jobs.waiting import NOWHERE, is_open, pays_in_time, remove_waiting, requeue, score_of
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.event_log import PREEMPTED
from odc_gym.core.layout.state import fill
from odc_gym.core.layout.work import FREE, GUARANTEED, SPOT


@routine
def preempt(env: Environment, now_s: float) -> None:
    """Start waiting guaranteed jobs in the place of spot jobs, in queue order.

    Gangs do not preempt other jobs.
    """
    if not env.policy.preempts:
        return
    count_spot_accelerators(env)
    open_search(env)
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
def count_spot_accelerators(env: Environment) -> None:
    """Count the accelerators that spot jobs hold on each satellite."""
    spot = env.work.spot_accelerators
    fill(spot, 0.0)
    for k in range(env.scalars[0]["running"]):
        if env.jobs[env.running[k]]["tier"] == SPOT:
            add_spot_accelerators(env, env.running[k], 1.0)


@routine
def add_spot_accelerators(env: Environment, row: int, sign: float) -> None:
    """Add the accelerators of a spot job to those of its satellites, or subtract them for a `sign` of -1."""
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        env.work.spot_accelerators[env.run[member]["host"]] += sign * env.jobs[member]["width"]


@routine
def cheapest_host(env: Environment, row: int, now_s: float) -> int:
    """Return the satellite on which a job displaces the fewest accelerators of spot jobs, or NOWHERE.

    Ties go to the satellite with the highest score. If no satellite has enough spot jobs for a class and a width, other
    jobs like it are not tried until accelerators become free.
    """
    class_id, width = env.jobs[row]["class_id"], env.jobs[row]["width"]
    search, spot = env.work.search, env.work.spot_accelerators
    entry, found = entry_of(env, class_id, width), False
    if search.spot_version[entry] == search.total_version[0]:
        return NOWHERE
    best, fewest, best_score = NOWHERE, np.inf, -np.inf
    for s in range(env.num_satellites):
        displaced, score = width - env.sat.free[s], score_of(env, s, class_id, 0)
        if spot[s] == 0.0 or spot[s] < displaced or not is_open(env, class_id, s):
            continue
        found = True
        if (displaced < fewest or (displaced == fewest and score > best_score)) and pays_in_time(env, row, s, now_s):
            best, fewest, best_score = s, displaced, score
    if not found:
        search.spot_version[entry] = search.total_version[0]
    return best


@routine
def preempt_spot_jobs(env: Environment, s: int, width: int, now_s: float) -> None:
    """Stop spot jobs on a satellite, the last to start first, until `width` accelerators are free."""
    k = env.scalars[0]["running"] - 1
    while env.sat.free[s] < width:
        row = env.running[k]
        if env.jobs[row]["tier"] == SPOT and runs_on(env, row, s):
            add_spot_accelerators(env, row, -1.0)
            stop_job(env, row, now_s)
            release_accelerators(env, row, now_s, PREEMPTED)
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
