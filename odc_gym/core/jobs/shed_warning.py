"""Warnings of load sheds: jobs write a checkpoint before a foreseen shed.

They therefore lose next to nothing.
"""

from __future__ import annotations

from odc_gym.compilation.decorators import routine
from odc_gym.core.jobs.progress import checkpoint_before_stop
from odc_gym.core.layout.environment import Environment

WARNED, NEWLY_WARNED = 1.0, 2.0


@routine
def checkpoint_before_shed(env: Environment, dt_s: float, now_s: float) -> None:
    """Checkpoint jobs where another step like the last would bring the charge below the floor.

    Jobs are warned once. Work between the warning and the shed can be lost. `now_s` is the end of the step.
    """
    sat, design = env.sat, env.design
    any_newly_warned = False
    for s in range(env.num_satellites):
        if sat.off[s] > 0.0:
            continue  # keep the flag: it tells that the shed was foreseen
        next_charge_frac = sat.charge_frac[s] + sat.balance_w[s] * dt_s / (design.capacity_j[s] * sat.capacity_left[s])
        if sat.balance_w[s] >= 0.0 or next_charge_frac >= design.floor_frac[s]:
            sat.warned[s] = 0.0
        elif sat.warned[s] == 0.0:
            sat.warned[s] = NEWLY_WARNED
            any_newly_warned = True
    if not any_newly_warned:
        return
    for k in range(env.scalars[0]["running"]):
        row = env.running[k]
        if is_newly_warned(env, row):
            checkpoint_before_stop(env, row, now_s)
    for s in range(env.num_satellites):
        sat.warned[s] = min(sat.warned[s], WARNED)


@routine
def is_newly_warned(env: Environment, row: int) -> bool:
    """Return whether one of the satellites of a job has just been warned."""
    warning = 0.0
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        warning = max(warning, env.sat.warned[env.run[member]["host"]])
    return warning == NEWLY_WARNED


@routine
def is_foreseen_shed(env: Environment, s: int) -> bool:
    """Return whether the compute of satellite `s` is off by a shed that was foreseen."""
    return env.sat.shed[s] > 0.0 and env.sat.warned[s] > 0.0
