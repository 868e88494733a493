"""What radiation and failures do to the jobs of one environment. Scalar code between physics steps.

The accelerators of a satellite stand in a row: those of its running jobs, then the free ones, awake before gated, then
the dead. An event strikes one place of that row.
"""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.jobs.hosting import release_accelerators, remove_running
from odc_gym.core.jobs.progress import lose_uncheckpointed
from odc_gym.core.jobs.waiting import NOWHERE, requeue
from odc_gym.core.layout.environment import Environment


@routine
def apply_upsets(env: Environment, events: np.ndarray, tick: int, now_s: float) -> None:
    """The events of a physics step: an upset resets an accelerator, a hard failure takes it away for good."""
    scalars, sat = env.scalars[0], env.sat
    while scalars["next_event"] < events.shape[0] and events[scalars["next_event"]]["tick"] <= tick:
        event = events[scalars["next_event"]]
        scalars["next_event"] += 1
        s, place = event["satellite"], event["accelerator"]
        if place >= sat.living[s]:
            continue  # dead already
        k = job_at_position(env, place, s)
        if event["hard"] == 0:
            sat.upsets[s] += 1.0
            if k != NOWHERE:
                reset_job(env, env.running[k])
            continue
        sat.failures[s] += 1.0
        if place < sat.awake[s]:
            sat.awake[s] -= 1.0
        if k != NOWHERE:
            requeue_after_failure(env, k, now_s)
        sat.living[s] -= 1.0
        sat.free[s] -= 1.0


@routine
def job_at_position(env: Environment, place: int, s: int) -> int:
    """Which of the running jobs holds a place of a satellite's row of accelerators; NOWHERE if it is free."""
    end = 0
    for k in range(env.scalars[0]["running"]):
        first = env.running[k]
        for row in range(first, first + env.jobs[first]["num_satellites"]):
            if env.run[row]["host"] == s:
                end += env.jobs[row]["width"]
                if place < end:
                    return k
    return NOWHERE


@routine
def reset_job(env: Environment, row: int) -> None:
    """A job goes back to its last payable point, and waits for the reset and its start where it is."""
    class_id, run = env.jobs[row]["class_id"], env.run[row]
    env.ledger.fault_lost_s[class_id] += lose_uncheckpointed(env, row)
    env.ledger.resets[class_id] += 1.0
    env.ledger.forced[class_id] += 1.0
    env.scalars[0]["chip_stops"] += 1.0
    run["delay_s"] = run["writing_s"] + max(
        run["delay_s"] - run["writing_s"], env.policy.reset_s + env.rules.init_s[class_id]
    )
    run["reset_s"] = env.policy.reset_s


@routine
def requeue_after_failure(env: Environment, k: int, now_s: float) -> None:
    """A job that lost an accelerator for good goes back to its last payable point, and to the queue."""
    row = env.running[k]
    class_id = env.jobs[row]["class_id"]
    env.ledger.fault_lost_s[class_id] += lose_uncheckpointed(env, row)
    env.ledger.forced[class_id] += 1.0
    env.scalars[0]["chip_stops"] += 1.0
    release_accelerators(env, row)
    remove_running(env, k)
    requeue(env, row, now_s)
