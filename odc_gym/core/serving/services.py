"""Services of one environment: the fluid of requests that their replicas serve, what it takes and what it is paid.

Requests wait as a fluid ahead of the replicas, in tokens of the service. Of those that are served in a step, the laws
of `attainment` tell which meet their targets. Scalar code between physics steps.
"""

from typing import NamedTuple

from odc_gym._jit import routine
from odc_gym.constants import HOUR_S
from odc_gym.core.layout.state import X
from odc_gym.core.layout.work import G, K, L, V
from odc_gym.core.serving.slo_model import (
    FULLEST,
    both,
    first_tokens,
    law_at,
    live_at,
    load_of,
    offer,
    pace,
    pool_of,
    queue_at,
    reaches_ground,
)
from odc_gym.physics.mathematics import clip

MOMENTS = 4  # of a step in which a backlog grows or falls


class Outcome(NamedTuple):
    """What a pool served in a step. Shares are those of the requests served."""

    requests: float
    first: float  # first token in time
    pace: float  # time per token in time
    both: float
    pay: float  # mean share of the value
    prefill: float  # share of the time that replicas prefill
    busy: float  # that they work
    batch: float  # mean of decode steps
    load: float  # of the pool


@routine
def service_load(e, demand, dt_s):
    """What replicas draw: each phase its own power, for its share of the time, at the clocks granted last."""
    for c in range(e.rules.shape[1]):
        if e.rules[G.service, c] < 0.5:
            continue
        for s in range(e.satellites):
            e.classes[K.busy, c, s] = 0.0
        pool = pool_of(e, c)
        requests = (e.services[V.backlog, c] + demand[c]) / e.rules[G.request_tokens, c]
        load = load_of(e.rules, e.serving, c, pool, e.services[V.load, c], requests, dt_s)
        busy = law_at(e.rules, e.serving, c, pool, load).busy
        for k in range(e.head[0]["running"]):
            row = e.lists[1, k]
            if e.jobs[row]["class_id"] == c:
                e.classes[K.busy, c, e.run[row]["host"]] += drawn_by(e, c, row, load, busy)


@routine
def drawn_by(e, c, row, load, busy):
    """Accelerators at the power of their class that a replica is worth in a step."""
    r, width = e.run[row], e.jobs[row]["width"]
    held = width * r["active"]
    if r["drain_s"] > 0.0:
        return held * e.rules[G.decode_power, c]
    rate, slow, _, _ = offer(e, c, width, r["host"], e.x[X.duty, r["host"]])
    if rate <= 0.0 or not reaches_ground(e, r["host"]):
        return 0.0
    prefill = min(load * rate * slow * e.rules[G.prefill_s, c], busy)
    return held * (e.rules[G.prefill_power, c] * prefill + e.rules[G.decode_power, c] * (busy - prefill))


@routine
def serve(e, demand, dt_s):
    """Serve what the replicas can in the step that physics just did; requests that wait too long are gone."""
    for c in range(e.rules.shape[1]):
        if e.rules[G.service, c] < 0.5:
            continue
        pool, unit = pool_of(e, c), e.rules[G.request_tokens, c]
        waiting = demand[c] + e.services[V.backlog, c]
        backlog, before = e.services[V.backlog, c] / unit, e.services[V.load, c]
        outcome = served_in(e.rules, e.serving, c, pool, before, backlog, waiting / unit, dt_s)
        e.services[V.load, c] = outcome.load
        served = min(outcome.requests * unit, waiting)
        book(e, c, demand[c], served, outcome)
        if pool.rate > 0.0:
            ready = pool.replicas * e.jobs[int(e.rules[G.first, c])]["width"] * dt_s
            e.services[V.batch, c] = outcome.batch
            e.ledger[L.ready_s, c] += ready
            e.ledger[L.prefill_s, c] += ready * outcome.prefill
            e.ledger[L.decode_s, c] += ready * (outcome.busy - outcome.prefill)
        left = waiting - served
        stay = max(pool.rate * dt_s * unit, demand[c]) * e.rules[G.patience_s, c] / dt_s
        e.services[V.backlog, c] = min(left, stay)
        e.ledger[L.abandoned, c] += left - e.services[V.backlog, c]


@routine
def served_in(rules, serving, c, pool, before, backlog, requests, dt_s):
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
    crest = queue_at(rules, serving, c, pool, FULLEST)  # requests beyond it wait as a fluid
    if load >= FULLEST:
        room = live_at(rules, c, pool, FULLEST) - live_at(rules, c, pool, before)  # in batches that fill
        served = clip(requests - crest, load * most, most + max(room, 0.0))
    else:
        served = max(requests - queue_at(rules, serving, c, pool, load), 0.0)
    law = law_at(rules, serving, c, pool, load)
    before_s, after_s = max(backlog - crest, 0.0) / pool.rate, max(requests - served - crest, 0.0) / pool.rate
    first, late = in_time(rules, serving, c, pool, law, before_s, after_s)
    tokens = pace(rules, serving, c, pool, law)
    met = both(first, tokens, pool, law)
    pay = met + rules[G.late_value, c] * (first - met + late)
    return Outcome(served, first, tokens, met, pay, law.prefill, law.busy, law.batch, load)


@routine
def in_time(rules, serving, c, pool, law, before_s, after_s):
    """First tokens in time, and the value left of late ones, as the backlog ahead goes from one length to another."""
    if before_s + after_s < 1e-3:
        return first_tokens(rules, serving, c, pool, law, 0.0)
    met = late = 0.0
    for k in range(MOMENTS):
        share = (k + 0.5) / MOMENTS
        now_met, now_late = first_tokens(rules, serving, c, pool, law, before_s + share * (after_s - before_s))
        met += now_met / MOMENTS
        late += now_late / MOMENTS
    return met, late


@routine
def book(e, c, arrived, served, outcome):
    """Accounts of a step: tokens, work, and which of them met which target."""
    ledger, services = e.ledger, e.services
    work = served * e.rules[G.token_s, c]
    ledger[L.paid, c] += e.rules[G.value, c] * work / HOUR_S * outcome.pay
    ledger[L.executed_s, c] += work
    ledger[L.credited_s, c] += work
    ledger[L.arrived, c] += arrived
    ledger[L.served, c] += served
    ledger[L.first_met, c] += served * outcome.first
    ledger[L.pace_met, c] += served * outcome.pace
    ledger[L.in_target, c] += served * outcome.both
    ledger[L.arrived_now, c] += arrived
    ledger[L.served_now, c] += served
    services[V.first, c] = outcome.first
    services[V.pace, c] = outcome.pace
    services[V.both, c] = outcome.both
    services[V.pay, c] = outcome.pay
