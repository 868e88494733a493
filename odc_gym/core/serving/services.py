"""Services of one environment: the fluid of requests that their replicas serve, what it takes and what it is paid.

Requests wait as a fluid ahead of the replicas, in tokens of the service. Of those that are served in a step, the laws
of `attainment` tell which meet their targets. Scalar code between physics steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym._jit import routine
from odc_gym.constants import HOUR_S
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.serving_grid import Serving
from odc_gym.core.layout.work import Rules
from odc_gym.core.serving.slo_model import (
    FULLEST,
    Law,
    Pool,
    joint_attainment,
    live_requests_at,
    load_of,
    queue_length,
    queueing_state,
    reaches_ground,
    replica_capacity,
    replica_pool,
    tpot_attainment,
    ttft_attainment,
)
from odc_gym.physics.mathematics import clip

MOMENTS = 4  # of a step in which a backlog grows or falls


class Outcome(NamedTuple):
    """What a pool served in a step. Shares are those of the requests served."""

    requests: float
    ttft_met: float  # first token in time
    tpot_met: float  # time per token in time
    slo_met: float
    value_frac: float  # mean share of the value
    prefill: float  # share of the time that replicas prefill
    busy: float  # that they work
    batch: float  # mean of decode steps
    load: float  # of the pool


@routine
def service_load(env: Environment, demand: np.ndarray, dt_s: float) -> None:
    """What replicas draw: each phase its own power, for its share of the time, at the clocks granted last."""
    for c in range(env.num_classes):
        if env.rules.service[c] < 0.5:
            continue
        for s in range(env.num_satellites):
            env.classes.busy[c, s] = 0.0
        pool = replica_pool(env, c)
        requests = (env.services.backlog[c] + demand[c]) / env.rules.request_tokens[c]
        load = load_of(env.rules, env.serving, c, pool, env.services.load[c], requests, dt_s)
        busy = queueing_state(env.rules, env.serving, c, pool, load).busy
        for k in range(env.scalars[0]["running"]):
            row = env.running[k]
            if env.jobs[row]["class_id"] == c:
                env.classes.busy[c, env.run[row]["host"]] += replica_draw(env, c, row, load, busy)


@routine
def replica_draw(env: Environment, c: int, row: int, load: float, busy: float) -> float:
    """Accelerators at the power of their class that a replica is worth in a step."""
    run, width = env.run[row], env.jobs[row]["width"]
    held = width * run["active"]
    if run["drain_s"] > 0.0:
        return held * env.rules.decode_power[c]
    rate, slow, _, _ = replica_capacity(env, c, width, run["host"], env.sat.duty[run["host"]])
    if rate <= 0.0 or not reaches_ground(env, run["host"]):
        return 0.0
    prefill = min(load * rate * slow * env.rules.prefill_s[c], busy)
    return held * (env.rules.prefill_power[c] * prefill + env.rules.decode_power[c] * (busy - prefill))


@routine
def serve_requests(env: Environment, demand: np.ndarray, dt_s: float) -> None:
    """Serve what the replicas can in the step that physics just did; requests that wait too long are gone."""
    for c in range(env.num_classes):
        if env.rules.service[c] < 0.5:
            continue
        pool, unit = replica_pool(env, c), env.rules.request_tokens[c]
        waiting = demand[c] + env.services.backlog[c]
        backlog, before = env.services.backlog[c] / unit, env.services.load[c]
        outcome = served_in(env.rules, env.serving, c, pool, before, backlog, waiting / unit, dt_s)
        env.services.load[c] = outcome.load
        served = min(outcome.requests * unit, waiting)
        account_service(env, c, demand[c], served, outcome)
        if pool.rate > 0.0:
            ready = pool.replicas * env.jobs[int(env.rules.first[c])]["width"] * dt_s
            env.services.batch[c] = outcome.batch
            env.ledger.ready_s[c] += ready
            env.ledger.prefill_s[c] += ready * outcome.prefill
            env.ledger.decode_s[c] += ready * (outcome.busy - outcome.prefill)
        left = waiting - served
        stay = max(pool.rate * dt_s * unit, demand[c]) * env.rules.patience_s[c] / dt_s
        env.services.backlog[c] = min(left, stay)
        env.ledger.abandoned[c] += left - env.services.backlog[c]


@routine
def served_in(
    rules: Rules, serving: Serving, c: int, pool: Pool, before: float, backlog: float, requests: float, dt_s: float
) -> Outcome:
    """What a pool serves in a step of the requests that are there or come, and how.

    Args:
        rules: class parameters.
        serving: tables.
        c: class.
        pool: its replicas.
        before: load of the pool in the step before: how full its batches are.
        backlog: requests that waited when the step began.
        requests: these and those that came.
        dt_s: length of the step.
    """
    most = pool.rate * dt_s
    if most <= 0.0:
        return Outcome(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    load = load_of(rules, serving, c, pool, before, requests, dt_s)
    crest = queue_length(rules, serving, c, pool, FULLEST)  # requests beyond it wait as a fluid
    if load >= FULLEST:
        room = live_requests_at(rules, c, pool, FULLEST) - live_requests_at(
            rules, c, pool, before
        )  # in batches that fill
        served = clip(requests - crest, load * most, most + max(room, 0.0))
    else:
        served = max(requests - queue_length(rules, serving, c, pool, load), 0.0)
    law = queueing_state(rules, serving, c, pool, load)
    before_s, after_s = max(backlog - crest, 0.0) / pool.rate, max(requests - served - crest, 0.0) / pool.rate
    first, late = mean_ttft_attainment(rules, serving, c, pool, law, before_s, after_s)
    tokens = tpot_attainment(rules, serving, c, pool, law)
    met = joint_attainment(first, tokens, pool, law)
    pay = met + rules.late_value[c] * (first - met + late)
    return Outcome(served, first, tokens, met, pay, law.prefill, law.busy, law.batch, load)


@routine
def mean_ttft_attainment(
    rules: Rules, serving: Serving, c: int, pool: Pool, law: Law, before_s: float, after_s: float
) -> tuple[float, float]:
    """First tokens in time, and the value left of late ones, as the backlog ahead goes from one length to another."""
    if before_s + after_s < 1e-3:
        return ttft_attainment(rules, serving, c, pool, law, 0.0)
    met = late = 0.0
    for k in range(MOMENTS):
        share = (k + 0.5) / MOMENTS
        now_met, now_late = ttft_attainment(rules, serving, c, pool, law, before_s + share * (after_s - before_s))
        met += now_met / MOMENTS
        late += now_late / MOMENTS
    return met, late


@routine
def account_service(env: Environment, c: int, arrived: float, served: float, outcome: Outcome) -> None:
    """Accounts of a step: tokens, work, and which of them met which target."""
    ledger, services = env.ledger, env.services
    work = served * env.rules.token_s[c]
    ledger.paid[c] += env.rules.value[c] * work / HOUR_S * outcome.value_frac
    ledger.executed_s[c] += work
    ledger.credited_s[c] += work
    ledger.arrived[c] += arrived
    ledger.served[c] += served
    ledger.ttft_met[c] += served * outcome.ttft_met
    ledger.tpot_met[c] += served * outcome.tpot_met
    ledger.slo_met[c] += served * outcome.slo_met
    ledger.arrived_now[c] += arrived
    ledger.served_now[c] += served
    services.ttft_met[c] = outcome.ttft_met
    services.tpot_met[c] = outcome.tpot_met
    services.slo_met[c] = outcome.slo_met
    services.value_frac[c] = outcome.value_frac
