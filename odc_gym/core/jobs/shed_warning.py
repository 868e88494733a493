"""Stops that are seen coming: jobs write a checkpoint first, so that they lose next to nothing."""

from odc_gym._jit import routine
from odc_gym.core.jobs.progress import save_first
from odc_gym.core.layout.state import D, X

WARNED, NEWLY = 1.0, 2.0


@routine
def warn(e, dt_s, now):
    """Jobs write a checkpoint where another step like the last would bring the charge below the floor.

    They are told once: what a job does between the warning and the shed can be lost. `now` is the end of the step.
    """
    x, p = e.x, e.p
    news = False
    for s in range(e.satellites):
        if x[X.off, s] > 0.0:
            continue  # a shed remembers that it was foreseen
        ahead = x[X.charge_frac, s] + x[X.balance_w, s] * dt_s / (p[D.capacity_j, s] * x[X.capacity_left, s])
        if x[X.balance_w, s] >= 0.0 or ahead >= p[D.floor_frac, s]:
            x[X.warned, s] = 0.0
        elif x[X.warned, s] == 0.0:
            x[X.warned, s] = NEWLY
            news = True
    if not news:
        return
    for k in range(e.head[0]["running"]):
        row = e.lists[1, k]
        if warned_now(e, row):
            save_first(e, row, now)
    for s in range(e.satellites):
        x[X.warned, s] = min(x[X.warned, s], WARNED)


@routine
def warned_now(e, row):
    """Whether one of the satellites of a job has just been warned."""
    most = 0.0
    for member in range(row, row + e.jobs[row]["num_satellites"]):
        most = max(most, e.x[X.warned, e.run[member]["host"]])
    return most == NEWLY


@routine
def foreseen(e, s):
    """Whether the compute of a satellite is off by a shed that was seen coming."""
    return e.x[X.shed, s] > 0.0 and e.x[X.warned, s] > 0.0
