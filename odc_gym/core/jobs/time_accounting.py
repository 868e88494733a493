"""Where the time of held accelerators goes: useful work, or one of the causes for which it is lost.

Effective training time is the useful part over all that is held: steps that count, at the speed of an undisturbed
full clock. Source: Llama Team, The Llama 3 Herd of Models, arXiv 2407.21783 (2024), 3.3.4; Jiang et al., MegaScale,
NSDI 2024.
"""

from __future__ import annotations

from odc_gym._jit import routine
from odc_gym.core.layout.environment import Environment
from odc_gym.core.network.execution_rate import host_execution_rate


@routine
def account_held(env: Environment, dt_s: float) -> None:
    """Accelerator-seconds that each class holds in a step, and what surprises could strike meanwhile."""
    for c in range(env.num_classes):
        held = 0.0
        for s in range(env.num_satellites):
            held += env.classes.held[c, s]
        env.ledger.held_s[c] += held * dt_s
        env.scalars[0]["held_s"] += held * dt_s


@routine
def account_time(env: Environment, row: int, work: float, at_work_s: float, dt_s: float) -> None:
    """Divide the step of a job's accelerators between work and the causes of its loss.

    Where nothing runs, a checkpoint is written before a reset, and that comes before transfer, waking up and start;
    a transfer without a way waits.
    Work that a surprise takes later is moved by `progress.lose`.

    Args:
        env: the environment.
        row: the job.
        work: done in the step [reference accelerator-seconds].
        at_work_s: of the step, until the job's end if it has ended [s].
        dt_s: physics step [s].
    """
    job, run, ledger = env.jobs[row], env.run[row], env.ledger
    class_id, gang, s = job["class_id"], job["total_accelerators"], run["host"]
    idle_s = (1.0 - run["active"]) * dt_s
    writing_s = min(run["writing_s"], idle_s)
    reset_s = min(run["reset_s"], idle_s - writing_s)
    waits_s = reset_s + min(run["cut_s"], idle_s - writing_s - reset_s)
    run["writing_s"] -= writing_s
    run["reset_s"] -= reset_s
    run["cut_s"] = 0.0
    useful_s = work / env.design.speed[s]
    turning_s = at_work_s * gang * env.sat.duty[s] if work > 0.0 else 0.0
    clocked_s = useful_s
    if job["num_satellites"] > 1 and work > 0.0:
        turning_s, clocked_s = gang_busy_times(env, row, at_work_s)
    ledger.useful_s[class_id] += useful_s
    ledger.writing_s[class_id] += gang * writing_s
    ledger.restore_s[class_id] += gang * (idle_s - writing_s - waits_s)
    ledger.wait_s[class_id] += gang * (waits_s + run["active"] * dt_s) - turning_s + clocked_s - useful_s
    ledger.throttle_s[class_id] += turning_s - clocked_s


@routine
def gang_busy_times(env: Environment, row: int, at_work_s: float) -> tuple[float, float]:
    """Accelerator-seconds for which the chips of a gang turn, and what they could do in them at their clocks.

    What they do less than that is waiting for the slowest and for the exchange.
    """
    turning_s = clocked_s = 0.0
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        s = env.run[member]["host"]
        turning_s += at_work_s * env.jobs[member]["width"] * env.sat.duty[s]
        clocked_s += at_work_s * host_execution_rate(env, member) / env.design.speed[s]
    return turning_s, clocked_s
