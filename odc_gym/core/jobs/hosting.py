"""A job takes accelerators of a satellite and gives them back. Scalar code between physics steps.

A gang spans several satellites: its row is followed by one row for each further satellite, see `gangs`.
"""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.jobs.waiting import NOWHERE, gone_in_time, wake_s
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.work import FREE, RESULT, RUNNING
from odc_gym.core.network.routes import count_route, latency_s, walk
from odc_gym.core.network.storage import part_gb, source_of, use_model


@routine
def take_spare(env: Environment, row: int, first: int, s: int, now: float) -> None:
    """A row that will not leave in time takes of what the reservation of a satellite leaves over."""
    if not gone_in_time(env, first, s, now):
        env.sat.spare[s] -= env.jobs[row]["width"]


@routine
def hold(env: Environment, row: int, first: int, s: int, now: float) -> None:
    """A row takes its accelerators on a satellite; they are held while its data comes, they wake up and it starts.

    `first` is the first row of its gang, or the row itself.
    """
    job, r = env.jobs[row], env.run[row]
    kind = job["class_id"]
    wake = wake_s(env, row, s)
    env.sat.free[s] -= job["width"]
    env.classes.held[kind, s] += job["width"]
    r["delay_s"] = r["writing_s"] + wake + env.rules.init_s[kind]
    send_for(env, row, first, s)
    r["host"] = s
    r["since_s"] = now
    r["status"] = RUNNING


@routine
def send_for(env: Environment, row: int, first: int, s: int) -> None:
    """What a placement on a satellite must bring is put on the way."""
    tick, kind = env.scalars[0]["tick"], env.jobs[row]["class_id"]
    for part in range(RESULT):
        gb = part_gb(env, row, first, s, part)
        env.pending_gb[part, row] = gb
        if gb > 0.0:
            source = source_of(env, row, first, part)
            env.ledger.asked_gb[kind] += gb
            env.run[row]["delay_s"] += latency_s(env, source, s, tick)
            count_route(env, walk(env, source, s, tick), row)
    use_model(env, env.jobs[first]["model"], s)


@routine
def enter(env: Environment, row: int, s: int, now: float) -> None:
    """A job starts on a satellite."""
    take_spare(env, row, row, s, now)
    hold(env, row, row, s, now)
    run_from(env, row, now)


@routine
def run_from(env: Environment, row: int, now: float) -> None:
    """A job that has its accelerators joins those that run."""
    r = env.run[row]
    env.ledger.placed[env.jobs[row]["class_id"]] += 1.0
    r["order"] = FREE
    if r["started_s"] == np.inf:
        r["started_s"] = now
    env.running[env.scalars[0]["running"]] = row
    env.scalars[0]["running"] += 1


@routine
def leave(env: Environment, row: int) -> None:
    """A job gives its accelerators back, a gang those of all its satellites."""
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        job, r = env.jobs[member], env.run[member]
        s = r["host"]
        env.sat.free[s] += job["width"]
        env.classes.held[job["class_id"], s] -= job["width"]
        for part in range(RESULT):
            env.ledger.dropped_gb[job["class_id"]] += env.pending_gb[part, member]
            env.pending_gb[part, member] = 0.0
        use_model(env, env.jobs[row]["model"], s)
        r["host"] = NOWHERE
        r["delay_s"] = 0.0
        r["reset_s"] = 0.0
        r["active"] = 0.0


@routine
def drop_running(env: Environment, k: int) -> None:
    """Take the k-th of the running rows out of their list."""
    env.scalars[0]["running"] -= 1
    for i in range(k, env.scalars[0]["running"]):
        env.running[i] = env.running[i + 1]
