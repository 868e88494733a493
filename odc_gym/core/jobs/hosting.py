"""A job takes accelerators of a satellite and gives them back. Scalar code between physics steps.

A gang spans several satellites: its row is followed by one row for each further satellite, see `gangs`.
"""

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.jobs.waiting import NOWHERE, gone_in_time, wake_s
from odc_gym.core.layout.state import X
from odc_gym.core.layout.work import FREE, RESULT, RUNNING, G, K, L
from odc_gym.core.network.routes import count_route, latency_s, walk
from odc_gym.core.network.storage import part_gb, source_of, use_model


@routine
def take_spare(e, row, first, s, now):
    """A row that will not leave in time takes of what the reservation of a satellite leaves over."""
    if not gone_in_time(e, first, s, now):
        e.x[X.spare, s] -= e.jobs[row]["width"]


@routine
def hold(e, row, first, s, now):
    """A row takes its accelerators on a satellite; they are held while its data comes, they wake up and it starts.

    `first` is the first row of its gang, or the row itself.
    """
    job, r = e.jobs[row], e.run[row]
    kind = job["class_id"]
    wake = wake_s(e, row, s)
    e.x[X.free, s] -= job["width"]
    e.classes[K.held, kind, s] += job["width"]
    r["delay_s"] = r["writing_s"] + wake + e.rules[G.init_s, kind]
    send_for(e, row, first, s)
    r["host"] = s
    r["since_s"] = now
    r["status"] = RUNNING


@routine
def send_for(e, row, first, s):
    """What a placement on a satellite must bring is put on the way."""
    tick, kind = e.head[0]["tick"], e.jobs[row]["class_id"]
    for part in range(RESULT):
        gb = part_gb(e, row, first, s, part)
        e.cargo[part, row] = gb
        if gb > 0.0:
            source = source_of(e, row, first, part)
            e.ledger[L.asked_gb, kind] += gb
            e.run[row]["delay_s"] += latency_s(e, source, s, tick)
            count_route(e, walk(e, source, s, tick), row)
    use_model(e, e.jobs[first]["model"], s)


@routine
def enter(e, row, s, now):
    """A job starts on a satellite."""
    take_spare(e, row, row, s, now)
    hold(e, row, row, s, now)
    run_from(e, row, now)


@routine
def run_from(e, row, now):
    """A job that has its accelerators joins those that run."""
    r = e.run[row]
    e.ledger[L.placed, e.jobs[row]["class_id"]] += 1.0
    r["order"] = FREE
    if r["started_s"] == np.inf:
        r["started_s"] = now
    e.lists[1, e.head[0]["running"]] = row
    e.head[0]["running"] += 1


@routine
def leave(e, row):
    """A job gives its accelerators back, a gang those of all its satellites."""
    for member in range(row, row + e.jobs[row]["num_satellites"]):
        job, r = e.jobs[member], e.run[member]
        s = r["host"]
        e.x[X.free, s] += job["width"]
        e.classes[K.held, job["class_id"], s] -= job["width"]
        for part in range(RESULT):
            e.ledger[L.dropped_gb, job["class_id"]] += e.cargo[part, member]
            e.cargo[part, member] = 0.0
        use_model(e, e.jobs[row]["model"], s)
        r["host"] = NOWHERE
        r["delay_s"] = 0.0
        r["reset_s"] = 0.0
        r["active"] = 0.0


@routine
def drop_running(e, k):
    """Take the k-th of the running rows out of their list."""
    e.head[0]["running"] -= 1
    for i in range(k, e.head[0]["running"]):
        e.lists[1, i] = e.lists[1, i + 1]
