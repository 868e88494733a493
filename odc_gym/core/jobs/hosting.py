"""A job takes accelerators of a satellite and gives them back. Scalar code between physics steps.

A gang spans several satellites: its row is followed by one row for each further satellite, see `gangs`.
"""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.jobs.waiting import NOWHERE, leaves_before_reservation, wake_s
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.work import FREE, RESULT, RUNNING
from odc_gym.core.network.routes import count_route, latency_s, trace_route
from odc_gym.core.network.storage import item_gb, source_of, touch_model


@routine
def use_extra_accelerators(env: Environment, row: int, first: int, s: int, now_s: float) -> None:
    """A row that will not leave in time takes of what the reservation of a satellite leaves over."""
    if not leaves_before_reservation(env, first, s, now_s):
        env.sat.extra_accelerators[s] -= env.jobs[row]["width"]


@routine
def take_accelerators(env: Environment, row: int, first: int, s: int, now_s: float) -> None:
    """A row takes its accelerators on a satellite; they are held while its data comes, they wake up and it starts.

    `first` is the first row of its gang, or the row itself.
    """
    job, run = env.jobs[row], env.run[row]
    class_id = job["class_id"]
    wake = wake_s(env, row, s)
    env.sat.free[s] -= job["width"]
    env.classes.held[class_id, s] += job["width"]
    run["delay_s"] = run["writing_s"] + wake + env.rules.init_s[class_id]
    request_transfers(env, row, first, s)
    run["host"] = s
    run["since_s"] = now_s
    run["status"] = RUNNING


@routine
def request_transfers(env: Environment, row: int, first: int, s: int) -> None:
    """What a placement on a satellite must bring is put on the way."""
    tick, class_id = env.scalars[0]["tick"], env.jobs[row]["class_id"]
    for item in range(RESULT):
        gb = item_gb(env, row, first, s, item)
        env.pending_gb[item, row] = gb
        if gb > 0.0:
            source = source_of(env, row, first, item)
            env.ledger.asked_gb[class_id] += gb
            env.run[row]["delay_s"] += latency_s(env, source, s, tick)
            count_route(env, trace_route(env, source, s, tick), row)
    touch_model(env, env.jobs[first]["model"], s)


@routine
def start_job(env: Environment, row: int, s: int, now_s: float) -> None:
    """A job starts on a satellite."""
    use_extra_accelerators(env, row, row, s, now_s)
    take_accelerators(env, row, row, s, now_s)
    add_running(env, row, now_s)


@routine
def add_running(env: Environment, row: int, now_s: float) -> None:
    """A job that has its accelerators joins those that run."""
    run = env.run[row]
    env.ledger.placed[env.jobs[row]["class_id"]] += 1.0
    run["order"] = FREE
    if run["started_s"] == np.inf:
        run["started_s"] = now_s
    env.running[env.scalars[0]["running"]] = row
    env.scalars[0]["running"] += 1


@routine
def release_accelerators(env: Environment, row: int) -> None:
    """A job gives its accelerators back, a gang those of all its satellites."""
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        job, run = env.jobs[member], env.run[member]
        s = run["host"]
        env.sat.free[s] += job["width"]
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
    """Take the k-th of the running rows out of their list."""
    env.scalars[0]["running"] -= 1
    for i in range(k, env.scalars[0]["running"]):
        env.running[i] = env.running[i + 1]
