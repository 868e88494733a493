"""Accounts of held accelerator time: useful work, and the causes of lost time.

Effective training time is the useful share of all held time. Useful time is that of steps that count, at the speed of
an undisturbed full clock. Source: Llama Team, The Llama 3 Herd of Models, arXiv 2407.21783 (2024), 3.3.4; Jiang et al.,
MegaScale, NSDI 2024.
"""

from __future__ import annotations

from odc_gym.compilation.decorators import routine
from odc_gym.core.layout.environment import Environment
from odc_gym.core.network.execution_rate import host_execution_rate


@routine
def account_held(env: Environment, dt_s: float) -> None:
    """Add the accelerator-seconds that each class holds in a step to its account.

    Their sum is the exposure to unforeseen stops of accelerators.
    """
    for c in range(env.num_classes):
        held = 0.0
        for s in range(env.num_satellites):
            held += env.classes.held[c, s]
        env.ledger.held_s[c] += held * dt_s
        env.scalars[0]["held_s"] += held * dt_s


@routine
def account_time(env: Environment, row: int, work: float, at_work_s: float, dt_s: float) -> None:
    """Divide a step of a job's accelerators into useful work and the causes of its loss.

    The idle part of a step begins with the writing of a checkpoint. A reset follows, and then transfer, waking up and
    start. A transfer without a route counts as waiting. `progress.lose_uncheckpointed` later moves the work that an
    unforeseen stop takes.

    Args:
        env: the environment.
        row: row of the job.
        work: work done in the step [reference accelerator-seconds].
        at_work_s: time at work in the step, up to the end of the job [s].
        dt_s: physics step [s].
    """
    job, run, ledger = env.jobs[row], env.run[row], env.ledger
    class_id, accelerators, s = job["class_id"], job["total_accelerators"], run["host"]
    waiting_s = account_idle(env, row, dt_s) if run["active"] < 1.0 else 0.0
    run["cut_s"] = 0.0
    useful_s = work / env.design.speed[s]
    busy_s = at_work_s * accelerators * env.sat.duty[s] if work > 0.0 else 0.0
    clock_limited_s = useful_s
    heat_limited_s = (busy_s - clock_limited_s) * clock_limited_by_heat(env, class_id, s)
    if job["num_satellites"] > 1 and work > 0.0:
        busy_s, clock_limited_s, heat_limited_s = gang_busy_times(env, row, at_work_s)
    ledger.useful_s[class_id] += useful_s
    ledger.wait_s[class_id] += accelerators * (waiting_s + run["active"] * dt_s) - busy_s + clock_limited_s - useful_s
    ledger.throttle_s[class_id] += busy_s - clock_limited_s
    ledger.heat_throttle_s[class_id] += heat_limited_s


@routine
def clock_limited_by_heat(env: Environment, class_id: int, s: int) -> float:
    """Return 1 if the heat limit of satellite `s` set the clock of a class or gated its chips, else 0."""
    if env.sat.heat_limits[s] == 0.0:
        return 0.0
    capped = env.classes.clock[class_id, s] >= env.sat.clock_cap[s] or env.sat.duty[s] < 1.0
    return env.sat.heat_limits[s] if capped else 0.0


@routine
def account_idle(env: Environment, row: int, dt_s: float) -> float:
    """Account the idle part of a step but for the time of waiting, and return that time [s]."""
    run, ledger, accelerators = env.run[row], env.ledger, env.jobs[row]["total_accelerators"]
    class_id = env.jobs[row]["class_id"]
    idle_s = (1.0 - run["active"]) * dt_s
    writing_s = min(run["writing_s"], idle_s)
    reset_s = min(run["reset_s"], idle_s - writing_s)
    waiting_s = reset_s + min(run["cut_s"], idle_s - writing_s - reset_s)
    run["writing_s"] -= writing_s
    run["reset_s"] -= reset_s
    ledger.writing_s[class_id] += accelerators * writing_s
    ledger.restore_s[class_id] += accelerators * (idle_s - writing_s - waiting_s)
    return waiting_s


@routine
def gang_busy_times(env: Environment, row: int, at_work_s: float) -> tuple[float, float, float]:
    """Return the busy time of a gang's accelerators, its full-clock equivalent, and the part that heat takes.

    The equivalent is the time in which full clocks do the work that the granted clocks allow. The gang does less work:
    its members wait for the slowest one and for the exchange. All are in accelerator-seconds.
    """
    busy_s = clock_limited_s = heat_limited_s = 0.0
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        s = env.run[member]["host"]
        member_busy_s = at_work_s * env.jobs[member]["width"] * env.sat.duty[s]
        member_limited_s = at_work_s * host_execution_rate(env, member) / env.design.speed[s]
        busy_s += member_busy_s
        clock_limited_s += member_limited_s
        heat_limited_s += (member_busy_s - member_limited_s) * clock_limited_by_heat(env, env.jobs[row]["class_id"], s)
    return busy_s, clock_limited_s, heat_limited_s
