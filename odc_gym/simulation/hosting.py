"""A job takes accelerators of a satellite and gives them back. Scalar code between physics steps.

A gang spans several satellites: its row is followed by one row for each further satellite, see `gangs`.
"""

import numpy as np

from odc_gym._jit import routine
from odc_gym.simulation.state import X
from odc_gym.simulation.waiting import NOWHERE, link_gb, wake_s
from odc_gym.simulation.work import FREE, RUNNING, G, K, L


@routine
def hold(e, row, s, gb, now):
    """A row takes its accelerators on a satellite; they are held while its data comes, they wake up and it starts."""
    job, r = e.jobs[row], e.run[row]
    kind = job["kind"]
    wake = wake_s(e, row, s)
    e.x[X.free, s] -= job["width"]
    e.classes[K.held, kind, s] += job["width"]
    r["transfer_gb"] = gb
    r["delay_s"] = r["writing_s"] + e.policy.latency_s + wake + e.rules[G.init_s, kind]
    e.ledger[L.moved_gb, kind] += r["transfer_gb"]
    r["host"] = s
    r["since_s"] = now
    r["status"] = RUNNING


@routine
def enter(e, row, s, now):
    """A job starts on a satellite."""
    hold(e, row, s, link_gb(e, row), now)
    run_from(e, row, now)


@routine
def run_from(e, row, now):
    """A job that has its accelerators joins those that run."""
    r = e.run[row]
    e.ledger[L.placed, e.jobs[row]["kind"]] += 1.0
    r["order"] = FREE
    if r["started_s"] == np.inf:
        r["started_s"] = now
    e.lists[1, e.head[0]["running"]] = row
    e.head[0]["running"] += 1


@routine
def leave(e, row):
    """A job gives its accelerators back, a gang those of all its satellites."""
    for member in range(row, row + e.jobs[row]["members"]):
        job, r = e.jobs[member], e.run[member]
        s = r["host"]
        e.x[X.free, s] += job["width"]
        e.classes[K.held, job["kind"], s] -= job["width"]
        r["host"] = NOWHERE
        r["transfer_gb"] = 0.0
        r["delay_s"] = 0.0
        r["reset_s"] = 0.0
        r["active"] = 0.0


@routine
def drop_running(e, k):
    """Take the k-th of the running rows out of their list."""
    e.head[0]["running"] -= 1
    for i in range(k, e.head[0]["running"]):
        e.lists[1, i] = e.lists[1, i + 1]
