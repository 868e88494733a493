"""Services of one environment: the requests that their replicas serve in a step, their power, and their payment.

Waiting requests form a backlog ahead of the replicas, measured in tokens of the service. It is a fluid: it has no
single requests. `slo_model` gives the shares of served requests that meet their targets. This is scalar code that runs
between physics steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.constants import HOUR_S
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.serving_grid import Serving
from odc_gym.core.layout.work import Rules
from odc_gym.core.serving.slo_model import (
    MAX_LOAD,
    Pool,
    QueueingState,
    joint_attainment,
    live_requests_at,
    pool_times,
    queue_length,
    queueing_state,
    reaches_ground,
    replica_pool,
    solve_load,
    tpot_attainment,
    ttft_attainment,
)
from odc_gym.physics.mathematics import clip

BACKLOG_SAMPLES = 4  # times of a step at which attainment is computed while a backlog grows or falls


class ServedStep(NamedTuple):
    """Requests that a pool serves in a step. Shares are of the served requests unless stated."""

    requests: float  # number of served requests
    ttft_met: float  # share whose first token comes in time
    tpot_met: float  # share whose time per token meets its target
    slo_met: float  # share that meets both targets
    value_frac: float  # mean share of the value that is paid
    prefill: float  # share of the time in which replicas prefill
    busy: float  # share of the time in which replicas work
    batch: float  # mean batch of decode steps
    load: float  # load of the pool over its throughput at full batches


@routine
def service_load(env: Environment, demand: np.ndarray, dt_s: float) -> None:
    """Set the load that the replicas of each service put on their satellites, as busy accelerators.

    Prefill and decoding draw different powers, each for its share of the time. Clocks are those granted last.

    Args:
        env: environment.
        demand: tokens that arrive in the step, (C,).
        dt_s: physics step [s].
    """
    for c in range(env.num_classes):
        if env.rules.service[c] < 0.5:
            continue
        for s in range(env.num_satellites):
            env.classes.busy[c, s] = 0.0
        pool = replica_pool(env, c)
        requests = (env.services.backlog[c] + demand[c]) / env.rules.request_tokens[c]
        times = pool_times(env.rules, c, pool)
        solved = solve_load(env.serving, pool, times, env.services.load[c], requests, dt_s)
        load, busy = solved.load, queueing_state(env.rules, env.serving, c, pool, times, solved).busy
        first = int(env.rules.first[c])
        end = first + int(env.rules.replicas[c])
        for k in range(env.scalars[0]["running"]):
            row = env.running[k]
            if first <= row < end:
                env.classes.busy[c, env.run[row]["host"]] += replica_load(env, c, row, load, busy)


@routine
def replica_load(env: Environment, c: int, row: int, load: float, busy: float) -> float:
    """Return the number of busy accelerators, at the class's utilisation, that draw as much power as a replica.

    The capacities of its satellites are in `env.work.capacity`.

    Args:
        env: environment.
        c: class of the service.
        row: row of the replica in the job table.
        load: load of the pool over its throughput at full batches.
        busy: share of the time in which replicas of the pool work.
    """
    run, width = env.run[row], env.jobs[row]["width"]
    held = width * run["active"]
    if run["drain_s"] > 0.0:
        return held * env.rules.decode_power[c]
    rate, slow_prefill = env.work.capacity[0, run["host"]], env.work.capacity[1, run["host"]]
    if rate <= 0.0 or not reaches_ground(env, run["host"]):
        return 0.0
    prefill = min(load * rate * slow_prefill * env.rules.prefill_s[c], busy)
    return held * (env.rules.prefill_power[c] * prefill + env.rules.decode_power[c] * (busy - prefill))


@routine
def serve_requests(env: Environment, demand: np.ndarray, dt_s: float) -> None:
    """Serve requests in the step that the physics has just advanced, and drop those beyond the service's patience.

    Args:
        env: environment.
        demand: tokens that arrive in the step, (C,).
        dt_s: physics step [s].
    """
    for c in range(env.num_classes):
        if env.rules.service[c] < 0.5:
            continue
        pool, request_tokens = replica_pool(env, c), env.rules.request_tokens[c]
        waiting = demand[c] + env.services.backlog[c]
        backlog, previous_load = env.services.backlog[c] / request_tokens, env.services.load[c]
        outcome = served_in(
            env.rules, env.serving, c, pool, previous_load, backlog, waiting / request_tokens, dt_s, env.work.prompts
        )
        env.services.load[c] = outcome.load
        served = min(outcome.requests * request_tokens, waiting)
        account_service(env, c, demand[c], served, outcome)
        if pool.rate > 0.0:
            ready_s = pool.replicas * env.jobs[int(env.rules.first[c])]["width"] * dt_s
            env.services.batch[c] = outcome.batch
            env.ledger.ready_s[c] += ready_s
            env.ledger.prefill_s[c] += ready_s * outcome.prefill
            env.ledger.decode_s[c] += ready_s * (outcome.busy - outcome.prefill)
        left = waiting - served
        max_backlog = max(pool.rate * dt_s * request_tokens, demand[c]) * env.rules.patience_s[c] / dt_s
        env.services.backlog[c] = min(left, max_backlog)
        env.ledger.abandoned[c] += left - env.services.backlog[c]


@routine
def served_in(
    rules: Rules,
    serving: Serving,
    c: int,
    pool: Pool,
    previous_load: float,
    backlog: float,
    requests: float,
    dt_s: float,
    terms: np.ndarray,
) -> ServedStep:
    """Return the number of requests that a pool serves in a step, and the shares that meet their targets.

    Args:
        rules: class parameters.
        serving: serving tables.
        c: class of the service.
        pool: replica pool.
        previous_load: load of the pool in the step before; it says how full its batches are.
        backlog: requests that waited when the step began.
        requests: requests that waited when the step began or arrive in it.
        dt_s: length of the step [s].
        terms: work array of `ttft_attainment`.
    """
    capacity = pool.rate * dt_s
    if capacity <= 0.0:
        return ServedStep(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    times = pool_times(rules, c, pool)
    solved = solve_load(serving, pool, times, previous_load, requests, dt_s)
    load, max_queue = solved.load, solved.max_queue  # requests beyond this queue wait in the backlog
    if load >= MAX_LOAD:
        # requests that the batches take up as they fill
        room = live_requests_at(pool, times, MAX_LOAD) - live_requests_at(pool, times, previous_load)
        served = clip(requests - max_queue, load * capacity, capacity + max(room, 0.0))
    else:
        served = max(requests - queue_length(solved.slots_full, times, load), 0.0)
    state = queueing_state(rules, serving, c, pool, times, solved)
    delay_before_s, delay_after_s = (
        max(backlog - max_queue, 0.0) / pool.rate,
        max(requests - served - max_queue, 0.0) / pool.rate,
    )
    ttft_met, late = mean_ttft_attainment(rules, serving, c, pool, state, delay_before_s, delay_after_s, terms)
    tpot_met = tpot_attainment(rules, serving, c, pool, state)
    slo_met = joint_attainment(ttft_met, tpot_met, pool, state)
    value_frac = slo_met + rules.late_value[c] * (ttft_met - slo_met + late)
    return ServedStep(served, ttft_met, tpot_met, slo_met, value_frac, state.prefill, state.busy, state.batch, load)


@routine
def mean_ttft_attainment(
    rules: Rules,
    serving: Serving,
    c: int,
    pool: Pool,
    state: QueueingState,
    delay_before_s: float,
    delay_after_s: float,
    terms: np.ndarray,
) -> tuple[float, float]:
    """Return the results of `ttft_attainment` as means over a step in which the backlog changes linearly.

    Args:
        rules: class parameters.
        serving: serving tables.
        c: class of the service.
        pool: replica pool.
        state: its queueing state.
        delay_before_s: time to serve the backlog at the beginning of the step [s].
        delay_after_s: time to serve the backlog at its end [s].
        terms: work array of `ttft_attainment`.
    """
    if delay_before_s + delay_after_s < 1e-3:
        return ttft_attainment(rules, serving, c, pool, state, 0.0, terms)
    met = late = 0.0
    for k in range(BACKLOG_SAMPLES):
        share = (k + 0.5) / BACKLOG_SAMPLES
        sample_met, sample_late = ttft_attainment(
            rules, serving, c, pool, state, delay_before_s + share * (delay_after_s - delay_before_s), terms
        )
        met += sample_met / BACKLOG_SAMPLES
        late += sample_late / BACKLOG_SAMPLES
    return met, late


@routine
def account_service(env: Environment, c: int, arrived: float, served: float, outcome: ServedStep) -> None:
    """Book the payment, work, tokens and attainment of a step.

    Args:
        env: environment.
        c: class of the service.
        arrived: tokens that arrived in the step.
        served: tokens that were served in it.
        outcome: requests that were served in it.
    """
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
