"""Effects of radiation upsets and hardware failures on the jobs of one environment.

Each accelerator of a satellite has a position. The positions list those of running jobs, the free ones, awake before
gated, and then the dead ones. An event strikes one position.

The code is scalar and runs between physics steps.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.jobs.hosting import release_accelerators, remove_running
from odc_gym.core.jobs.progress import lose_uncheckpointed
from odc_gym.core.jobs.waiting import requeue
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.event_log import ACCELERATOR_FAILED, ACCELERATOR_LOST, RESET, UPSET, log_event
from odc_gym.core.layout.search import NO_ROW


@routine
def apply_upsets(env: Environment, events: np.ndarray, tick: int, now_s: float) -> None:
    """Apply the events of a physics step: upsets reset an accelerator, hard failures remove it for good.

    Args:
        env: the environment.
        events: events of the episode in order of time.
        tick: physics step.
        now_s: time since the start of the episode [s].
    """
    scalars, sat = env.scalars[0], env.sat
    is_listed = False
    while scalars["next_event"] < events.shape[0] and events[scalars["next_event"]]["tick"] <= tick:
        event = events[scalars["next_event"]]
        scalars["next_event"] += 1
        s, position = event["satellite"], event["accelerator"]
        if position >= sat.living[s]:
            continue  # the accelerator is already dead
        if not is_listed:
            list_rows_by_satellite(env)
            is_listed = True
        first_row = job_at_position(env, position, s)
        if event["hard"] == 0:
            sat.upsets[s] += 1.0
            log_event(env.log, UPSET, s, first_row, position, now_s)
            if first_row != NO_ROW:
                log_event(env.log, RESET, s, first_row, 0.0, now_s)
                reset_job(env, first_row)
            continue
        sat.failures[s] += 1.0
        log_event(env.log, ACCELERATOR_LOST, s, first_row, position, now_s)
        if position < sat.awake[s]:
            sat.awake[s] -= 1.0
        if first_row != NO_ROW:
            requeue_after_failure(env, first_row, now_s)
            is_listed = False
        sat.living[s] -= 1.0
        sat.free[s] -= 1.0


@routine
def list_rows_by_satellite(env: Environment) -> None:
    """List the rows on each satellite, in the order of the running jobs. An event reads only those on its satellite."""
    search = env.work.search
    for s in range(env.num_satellites):
        search.first_on[s] = NO_ROW
    for k in range(env.scalars[0]["running"] - 1, -1, -1):
        first_row = env.running[k]
        for row in range(first_row + env.jobs[first_row]["num_satellites"] - 1, first_row - 1, -1):
            search.next_on[row] = search.first_on[env.run[row]["host"]]
            search.first_on[env.run[row]["host"]] = row


@routine
def job_at_position(env: Environment, position: int, s: int) -> int:
    """Return the first row of the running job that holds a position; NO_ROW if it is free.

    The rows on each satellite must be listed.
    """
    search, end = env.work.search, 0
    row = search.first_on[s]
    while row != NO_ROW:
        end += env.jobs[row]["width"]
        if position < end:
            while env.jobs[row]["num_satellites"] == 0:  # further row of a gang
                row -= 1
            return int(row)
        row = search.next_on[row]
    return NO_ROW


@routine
def reset_job(env: Environment, row: int) -> None:
    """Roll a job back to its last payable point, and delay it by the reset and its start."""
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
def requeue_after_failure(env: Environment, row: int, now_s: float) -> None:
    """Roll a job that lost an accelerator for good back to its last payable point, and requeue it."""
    class_id = env.jobs[row]["class_id"]
    env.ledger.fault_lost_s[class_id] += lose_uncheckpointed(env, row)
    env.ledger.forced[class_id] += 1.0
    env.scalars[0]["chip_stops"] += 1.0
    release_accelerators(env, row, now_s, ACCELERATOR_FAILED)
    k = 0
    while env.running[k] != row:
        k += 1
    remove_running(env, k)
    requeue(env, row, now_s)
