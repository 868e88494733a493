"""Allocation of a satellite's accelerators to jobs, and their release.

A gang spans several satellites: one row for each further satellite follows its first row, see `core.jobs.gangs`.

The code is scalar and runs between physics steps.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.jobs.host_search import note_change
from odc_gym.core.jobs.waiting import NOWHERE, leaves_before_reservation, time_to_wake_s
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.event_log import PLACED, log_event
from odc_gym.core.layout.work import FREE, RESULT, RUNNING
from odc_gym.core.network.routes import count_route, latency_s, trace_route
from odc_gym.core.network.storage import item_gb, source_of, touch_model


@routine
def use_extra_accelerators(env: Environment, row: int, first_row: int, s: int, now_s: float) -> None:
    """Deduct a row's accelerators from those that a reservation leaves over.

    A job that leaves before the reserved time takes none of them.

    Args:
        env: the environment.
        row: row of the job table.
        first_row: first row of its gang, or `row` itself.
        s: satellite.
        now_s: time since the start of the episode [s].
    """
    if not leaves_before_reservation(env, first_row, s, now_s):
        env.sat.extra_accelerators[s] -= env.jobs[row]["width"]


@routine
def take_accelerators(env: Environment, row: int, first_row: int, s: int, now_s: float) -> None:
    """Allocate a row's accelerators on a satellite, and request its transfers.

    The row holds them while its data arrives, while they wake up, and while the job starts.

    Args:
        env: the environment.
        row: row of the job table.
        first_row: first row of its gang, or `row` itself.
        s: satellite.
        now_s: time since the start of the episode [s].
    """
    job, run = env.jobs[row], env.run[row]
    class_id = job["class_id"]
    wake_up_s = time_to_wake_s(env, row, s)
    env.sat.free[s] -= job["width"]
    note_change(env, s)
    env.classes.held[class_id, s] += job["width"]
    run["delay_s"] = run["writing_s"] + wake_up_s + env.rules.init_s[class_id]
    request_transfers(env, row, first_row, s)
    run["host"] = s
    run["since_s"] = now_s
    run["status"] = RUNNING
    log_event(env.log, PLACED, s, row, 0.0, now_s)


@routine
def request_transfers(env: Environment, row: int, first_row: int, s: int) -> None:
    """Request the data that a placement must bring.

    The function counts the routes of the transfers, and adds their latency to the delay of the row.

    Args:
        env: the environment.
        row: row of the job table.
        first_row: first row of its gang, or `row` itself.
        s: satellite.
    """
    tick, class_id = env.scalars[0]["tick"], env.jobs[row]["class_id"]
    for item in range(RESULT):
        gb = item_gb(env, row, first_row, s, item)
        env.pending_gb[item, row] = gb
        if gb > 0.0:
            source = source_of(env, row, first_row, item)
            env.ledger.asked_gb[class_id] += gb
            env.run[row]["delay_s"] += latency_s(env, source, s, tick)
            count_route(env, trace_route(env, source, s, tick), row)
    env.work.uses_links[first_row] = True
    touch_model(env, env.jobs[first_row]["model"], s)


@routine
def start_job(env: Environment, row: int, s: int, now_s: float) -> None:
    """Start a job of one satellite on satellite `s`."""
    use_extra_accelerators(env, row, row, s, now_s)
    take_accelerators(env, row, row, s, now_s)
    add_running(env, row, now_s)


@routine
def add_running(env: Environment, row: int, now_s: float) -> None:
    """Add a job that holds its accelerators to the running jobs."""
    run = env.run[row]
    env.ledger.placed[env.jobs[row]["class_id"]] += 1.0
    run["order"] = FREE
    if run["started_s"] == np.inf:
        run["started_s"] = now_s
    env.running[env.scalars[0]["running"]] = row
    env.scalars[0]["running"] += 1


@routine
def release_accelerators(env: Environment, row: int, now_s: float, cause: int, value: float = 0.0) -> None:
    """Release the accelerators of a job on all of its satellites.

    Transfers that are still pending are dropped.

    Args:
        env: the environment.
        row: row of the job table.
        now_s: time since the start of the episode [s].
        cause: kind of the event, one of `core.layout.event_log.LEAVES`.
        value: value of the event.
    """
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        job, run = env.jobs[member], env.run[member]
        s = run["host"]
        log_event(env.log, cause, s, member, value, now_s)
        env.sat.free[s] += job["width"]
        note_change(env, s)
        env.classes.held[job["class_id"], s] -= job["width"]
        for item in range(RESULT):
            env.ledger.dropped_gb[job["class_id"]] += env.pending_gb[item, member]
            env.pending_gb[item, member] = 0.0
        touch_model(env, env.jobs[row]["model"], s)
        run["host"] = NOWHERE
        run["delay_s"] = 0.0
        run["reset_s"] = 0.0
        run["active"] = 0.0


@routine
def remove_running(env: Environment, k: int) -> None:
    """Remove the k-th row from the running rows."""
    env.scalars[0]["running"] -= 1
    for i in range(k, env.scalars[0]["running"]):
        env.running[i] = env.running[i + 1]
