"""The batch of live requests that a replica holds: how long it takes to drain, and what is lost with it.

The fluid of `services` counts a request as served in the step that it is taken up. Scalar code between physics steps.
"""

from __future__ import annotations

from odc_gym._jit import routine
from odc_gym.core.jobs.hosting import release_accelerators
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.work import ABSENT, STATE
from odc_gym.physics.serving import residual_s, stretch


@routine
def steps_left(env: Environment, c: int) -> float:
    """Mean decode steps that a live request of a service still needs."""
    return residual_s(env.rules.steps[c], env.rules.decode_scv[c])


@routine
def drain_time_s(env: Environment, row: int) -> float:
    """Time until the batch of a replica is empty if it takes up nothing more [s].

    Of n requests with exponential rests, one ends after a share 1 / n of their mean rest; steps get shorter with the
    batch.
    """
    c, s = env.jobs[row]["class_id"], env.run[row]["host"]
    clock = env.classes.clock[c, s]
    if clock <= 0.0:
        return 0.0
    slow = stretch(env.rules.decode_kappa[c], clock) / (env.design.speed[s] * max(env.sat.duty[s], 1e-3))
    shared = 0.0
    count = int(env.services.batch[c] + 0.5)
    for n in range(1, count + 1):
        shared += 1.0 / n
    takes = env.rules.base_s[c] * shared + env.rules.each_s[c] * count
    return slow * takes * steps_left(env, c) / env.rules.steps[c]


@routine
def live_gb(env: Environment, row: int) -> float:
    """Keys and values of the live requests of a replica [GB]; 0 of a job."""
    c = env.jobs[row]["class_id"]
    if env.rules.service[c] < 0.5 or env.run[row]["active"] <= 0.0:
        return 0.0
    return env.services.batch[c] * env.rules.context_gb[c]


@routine
def move_batch(env: Environment, row: int, gb: float, source: int) -> None:
    """A replica that moved brings its live requests over the network."""
    if gb > 0.0:
        env.pending_gb[STATE, row] += gb
        env.run[row]["state_at"] = source
        env.ledger.asked_gb[env.jobs[row]["class_id"]] += gb


@routine
def lose_batch(env: Environment, row: int) -> float:
    """The batch of a replica is gone: its requests wait again, from their prompts on; the work that this costs.

    What the fluid had counted ahead is taken back.
    """
    c, run = env.jobs[row]["class_id"], env.run[row]
    if run["active"] <= 0.0:
        return 0.0
    run["active"] = 0.0
    rest = steps_left(env, c) / env.rules.steps[c]
    each_s = env.rules.base_s[c] / env.rules.batch[c] + env.rules.each_s[c]
    work = env.services.batch[c] * (env.rules.prefill_s[c] + each_s * rest) * env.jobs[row]["width"]
    tokens = work / env.rules.token_s[c]
    env.services.backlog[c] += tokens
    env.ledger.served[c] -= tokens
    env.ledger.slo_met[c] -= tokens * env.services.slo_met[c]
    env.ledger.ttft_met[c] -= tokens * env.services.ttft_met[c]
    env.ledger.tpot_met[c] -= tokens * env.services.tpot_met[c]
    env.ledger.credited_s[c] -= work
    env.ledger.lost_s[c] += work
    env.ledger.paid[c] -= env.rules.value[c] * work / 3600.0 * env.services.value_frac[c]
    return work


@routine
def begin_drain(env: Environment, row: int) -> bool:
    """A replica takes up no more requests; whether it has a batch to finish."""
    run = env.run[row]
    if run["drain_s"] <= 0.0:
        run["drain_s"] = drain_time_s(env, row) if run["active"] > 0.0 else 0.0
    return run["drain_s"] > 0.0


@routine
def release_replica(env: Environment, row: int) -> None:
    """A replica without a batch gives its accelerators back; it is absent until the autoscaler wants it."""
    release_accelerators(env, row)
    env.run[row]["status"] = ABSENT
    env.run[row]["drain_s"] = 0.0


@routine
def continue_replica(env: Environment, row: int, dt_s: float) -> bool:
    """A step of a replica is over; whether it still holds its accelerators."""
    run = env.run[row]
    if run["drain_s"] <= 0.0:
        return True
    run["drain_s"] -= run["active"] * dt_s
    if run["drain_s"] > 0.0:
        return True
    release_replica(env, row)
    return False
