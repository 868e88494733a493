"""Batches of live requests on replicas: the time to drain a batch, and the loss of one.

The fluid model of `core.serving.services` counts a request as served in the step in which a replica takes it up. The
accounts of a lost batch are therefore taken back.

The code is scalar and runs between physics steps.
"""

from __future__ import annotations

from odc_gym.compilation.decorators import routine
from odc_gym.core.jobs.hosting import release_accelerators
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.event_log import RETIRED
from odc_gym.core.layout.work import ABSENT, STATE
from odc_gym.physics.serving import residual_s, stretch


@routine
def mean_remaining_steps(env: Environment, c: int) -> float:
    """Return the mean number of decode steps that a live request of service `c` still needs."""
    return residual_s(env.rules.steps[c], env.rules.decode_scv[c])


@routine
def drain_time_s(env: Environment, row: int) -> float:
    """Return the time until a replica's batch is empty if it takes up no more requests [s].

    The remaining lengths of the n live requests are exponential. The next request ends after 1 / n of their mean
    remaining length. Decode steps become shorter as the batch shrinks. The time is 0 if the clock is 0.
    """
    c, s = env.jobs[row]["class_id"], env.run[row]["host"]
    clock = env.classes.clock[c, s]
    if clock <= 0.0:
        return 0.0
    slowdown = stretch(env.rules.decode_kappa[c], clock) / (env.design.speed[s] * max(env.sat.duty[s], 1e-3))
    harmonic_sum = 0.0
    num_requests = int(env.services.batch[c] + 0.5)
    for n in range(1, num_requests + 1):
        harmonic_sum += 1.0 / n
    full_decode_s = env.rules.base_s[c] * harmonic_sum + env.rules.each_s[c] * num_requests
    return slowdown * full_decode_s * mean_remaining_steps(env, c) / env.rules.steps[c]


@routine
def live_requests_gb(env: Environment, row: int) -> float:
    """Return the size of the keys and values of a replica's live requests [GB]; 0 for a job."""
    c = env.jobs[row]["class_id"]
    if env.rules.service[c] < 0.5 or env.run[row]["active"] <= 0.0:
        return 0.0
    return env.services.batch[c] * env.rules.context_gb[c]


@routine
def move_batch(env: Environment, row: int, gb: float, source: int) -> None:
    """Request the transfer of a moved replica's live requests.

    Args:
        env: the environment.
        row: row of the replica.
        gb: size of the keys and values [GB].
        source: satellite that the replica left.
    """
    if gb > 0.0:
        env.pending_gb[STATE, row] += gb
        env.run[row]["state_at"] = source
        env.ledger.asked_gb[env.jobs[row]["class_id"]] += gb


@routine
def lose_batch(env: Environment, row: int) -> float:
    """Drop a replica's batch, and return the work that its loss costs [reference accelerator-seconds].

    Its requests wait again, from their prompts on. The tokens and the pay that the fluid model counted ahead are taken
    back.
    """
    c, run = env.jobs[row]["class_id"], env.run[row]
    if run["active"] <= 0.0:
        return 0.0
    run["active"] = 0.0
    remaining_frac = mean_remaining_steps(env, c) / env.rules.steps[c]
    decode_s = env.rules.base_s[c] / env.rules.batch[c] + env.rules.each_s[c]
    work = env.services.batch[c] * (env.rules.prefill_s[c] + decode_s * remaining_frac) * env.jobs[row]["width"]
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
    """Stop a replica from taking up requests, and return whether it has a batch to finish."""
    run = env.run[row]
    if run["drain_s"] <= 0.0:
        run["drain_s"] = drain_time_s(env, row) if run["active"] > 0.0 else 0.0
    return run["drain_s"] > 0.0


@routine
def release_replica(env: Environment, row: int, now_s: float) -> None:
    """Release the accelerators of a replica without a batch.

    The replica is absent until the autoscaler requests it.
    """
    release_accelerators(env, row, now_s, RETIRED)
    env.run[row]["status"] = ABSENT
    env.run[row]["drain_s"] = 0.0


@routine
def continue_replica(env: Environment, row: int, dt_s: float, now_s: float) -> bool:
    """Advance the drain of a replica by a step that ends at `now_s`, and return whether it keeps its accelerators."""
    run = env.run[row]
    if run["drain_s"] <= 0.0:
        return True
    run["drain_s"] -= run["active"] * dt_s
    if run["drain_s"] > 0.0:
        return True
    release_replica(env, row, now_s)
    return False
