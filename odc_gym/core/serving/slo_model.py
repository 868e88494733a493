"""Queueing model of a service: load and queue of its replica pool, and the share of requests that meet their targets.

Requests arrive at random within a step. Each waits for the first replica with a free slot that ends a step or a
prefill. The tables come from `odc_gym.tables.fleet.serving_tables`. The constants below were fitted to requests that
were simulated one by one; `tests/validation/test_serving.py` uses other requests. See docs/model.md. This is scalar
code that runs between physics steps.

Abbreviations: TTFT is the time to the first token, TPOT the time per further output token, and SCV the squared
coefficient of variation. A slot is the place of one request in the batch of a replica.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from odc_gym.compilation.decorators import inline, routine, simd_loop
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.serving_grid import (
    BASES,
    IDLE_OCTAVES,
    LOADS,
    OCTAVES,
    OFFERED,
    PREFILLS,
    PROMPTS,
    SLACKS,
    Serving,
)
from odc_gym.core.layout.work import Rules
from odc_gym.core.network.routes import ground_row
from odc_gym.physics.mathematics import clip, decay_of
from odc_gym.physics.serving import (
    late_value,
    live_batch,
    live_requests,
    mean_batch,
    prefill_excess,
    request_s,
    residual_s,
    stretch,
    worth_slots,
)

MAX_LOAD = 0.99  # largest load of the queueing formulas; requests beyond it wait in a backlog without randomness
LOAD_TOLERANCE = 1e-7  # error at which `solve_load` stops, over the requests that full batches serve in the step
MAX_ITERATIONS = 40  # of `solve_load`
QUADRATURE_NODE = 1.7320508075688772  # outer nodes of the three-point rule of a normal law [standard deviations]
POOL_VARIANCE = 2.16  # multiplies the variance of live requests of the pool, in the variance of the batch seen
REPLICA_VARIANCE = 1.5  # multiplies the mean batch of a replica in a large pool, in the variance of the batch seen
SEEN_EXTRA = 0.45  # requests that a request sees in its batch in addition to the mean batch of steps
SEEN_ODDS = 1.9  # multiplies `odds` x `slots_free` / replicas of `tpot_attainment`, in the batch that a request sees
PREFILL_CROWDING = 0.3  # multiplies P(all replicas prefill), in the increase of P(all slots busy) that it causes
SINGLE_DEPENDENCE = 0.54  # multiplies (`prefill_share` x `single`)^2 of `joint_attainment`, in the dependence
POOL_DEPENDENCE = 0.44  # is added to this factor in proportion to 1 - 1 / replicas
MAX_DEPENDENCE = 0.47  # largest dependence of both targets while slots are free
SLOTS_FULL_DEPENDENCE = 0.63  # value towards which the dependence moves as all slots fill up


class Pool(NamedTuple):
    """Replica pool of a service in one step."""

    replicas: float  # number of replicas that work, each weighted by its share of the step
    rate: float  # throughput at full batches [requests/s]
    prefill: float  # time of a prefill over that of the reference at full clock
    decode: float  # time of a decode step over that of the reference at full clock
    slots: float  # slots of a replica
    latency_s: float  # latency to the ground [s]


class QueueingState(NamedTuple):
    """Queueing state of a replica pool at a given load."""

    load: float  # load over the throughput at full batches
    slots_full: float  # probability that all slots are busy
    all_prefill: float  # probability that all replicas prefill while slots are free
    slot_wait_rate: float  # rate of the exponential wait for a slot [1/s]
    prefill_wait_rate: float  # rate of the exponential wait for the prefills of other requests [1/s]
    step_end_s: float  # mean wait for the end of a decode step [s]
    prefill: float  # share of the time in which a replica prefills
    busy: float  # share of the time in which a replica works
    batch: float  # mean batch of decode steps
    all_busy: float  # probability that all replicas work
    growth: float  # ratio of the probabilities of n + 1 and n requests in a large pool
    excess: float  # share of prompts in a large backlog


class SolvedLoad(NamedTuple):
    """Load of a step, and the state of the slots at it."""

    load: float  # load over the throughput at full batches
    slots_full: float  # probability that all slots are busy
    excess: float  # share of prompts in a large backlog
    max_queue: float  # requests that wait for a slot at `MAX_LOAD`


class PoolTimes(NamedTuple):
    """Quantities of a replica pool that do not depend on its load. Times are means of a request in [s]."""

    prefill: float  # time of a prefill
    decode: float  # time of decoding at a full batch
    base: float  # part of `decode` that the requests of a batch share
    request: float  # time of both
    residual: float  # residual of `request`
    prefill_residual: float  # residual of `prefill`
    decode_residual: float  # residual of `decode`
    variability: float  # (1 + SCV) / 2 of `request`
    layer: int  # layer of `Serving.waits` below the share of `base` in `request`
    between: float  # position of this share between the layer and the next, 0 to 1


@inline
def locate_in_knots(knots: np.ndarray, x: float) -> tuple[int, float]:
    """Return the interval of ascending knots that contains `x`, and the position of `x` in it, from 0 to 1.

    Values outside the knots are moved to the first or last knot. Counting knots compiles to SIMD code, a search does
    not.
    """
    k = 0
    for i in range(1, knots.shape[0] - 1):
        k += 1 if x >= knots[i] else 0
    return k, clip((x - knots[k]) / (knots[k + 1] - knots[k]), 0.0, 1.0)


@routine
def locate_in_octaves(servers: float) -> tuple[int, float]:
    """Return the octave of a number of servers, and the position of the number in it, from 0 to 1."""
    octave, low = 0, 1.0
    while octave < OCTAVES - 2 and servers >= 2.0 * low:
        octave += 1
        low *= 2.0
    return octave, clip(servers / low - 1.0, 0.0, 1.0)


@inline
def all_servers_busy(table: np.ndarray, octave: int, a: float, k: int, f: float) -> float:
    """Return the probability that all servers are busy, interpolated in one layer of `Serving.waits`.

    Args:
        table: layer of the table, (OCTAVES, LOADS).
        octave: octave of the number of servers.
        a: position of the number in the octave.
        k: interval of the utilisation in `LOADS`.
        f: position of the utilisation in the interval.
    """
    first = table[octave, k] + f * (table[octave, k + 1] - table[octave, k])
    second = table[octave + 1, k] + f * (table[octave + 1, k + 1] - table[octave + 1, k])
    return decay_of(first + a * (second - first))


@routine
def reaches_ground(env: Environment, s: int) -> bool:
    """Return whether satellite `s` has a route to the ground in the present step."""
    return env.links.ground_hop[ground_row(env, env.scalars[0]["tick"]), s] >= 0


CAPACITY_ROWS = 4  # rows of `Workspace.capacity`: see `replica_capacities`


@simd_loop
def replica_capacities(
    rate: np.ndarray, prefill: np.ndarray, decode: np.ndarray, slots: np.ndarray, clock: np.ndarray, duty: np.ndarray,
    hbm_gb: np.ndarray, speed: np.ndarray, least_duty: float, width: int, weights_gb: float, context_gb: float,
    max_batch: float, prefill_kappa: float, decode_kappa: float, prefill_s: float, base_s: float, each_s: float, n: int,
) -> None:  # fmt: skip
    """Compute the capacity of a replica on each satellite at the granted clocks; all are 0 where it has none.

    Args:
        rate: throughput at full batches [requests/s], (P,); written.
        prefill: time of a prefill over that of the reference at full clock, (P,); written.
        decode: the same of a decode step, (P,); written.
        slots: number of slots, (P,); written.
        clock: clocks that were granted last, (P,).
        duty: share of the time in which the satellite computes, (P,).
        hbm_gb: memory of an accelerator, (P,).
        speed: work rate of an accelerator relative to the reference, (P,).
        least_duty: lower limit of the duty; 1 for the capacity of satellites that are not interrupted.
        width: number of accelerators of the replica.
        weights_gb: rule of the class, as are the next seven arguments.
        context_gb: memory of a mean context.
        max_batch: largest batch.
        prefill_kappa: part of a prefill that the clock stretches.
        decode_kappa: part of a decode step that the clock stretches.
        prefill_s: time of a prefill at full clock.
        base_s: time of all decode steps without `each_s`.
        each_s: time that each request adds to all decode steps.
        n: number of satellites.
    """
    for s in range(n):
        share = max(duty[s], least_duty)
        most = live_batch(hbm_gb[s] * width, weights_gb, context_gb, max_batch)
        works = (share > 0.0) & (clock[s] > 0.0) & (most >= 1.0)
        pace = speed[s] * share
        slow_prefill, slow_decode = stretch(prefill_kappa, clock[s]) / pace, stretch(decode_kappa, clock[s]) / pace
        total_s = request_s(slow_prefill * prefill_s, slow_decode * base_s, slow_decode * each_s, most)
        rate[s] = 1.0 / total_s if works else 0.0
        prefill[s] = slow_prefill if works else 0.0
        decode[s] = slow_decode if works else 0.0
        slots[s] = most if works else 0.0


@routine
def set_capacities(env: Environment, c: int, least_duty: float) -> None:
    """Write the capacity of a replica of service `c` on each satellite to `env.work.capacity`.

    Args:
        env: environment.
        c: class of the service.
        least_duty: lower limit of the duty of satellites.
    """
    rules, design, capacity = env.rules, env.design, env.work.capacity
    replica_capacities(
        capacity[0], capacity[1], capacity[2], capacity[3], env.classes.clock[c], env.sat.duty, design.hbm_gb,
        design.speed, least_duty, env.jobs[int(rules.first[c])]["width"], rules.weights_gb[c], rules.context_gb[c],
        rules.batch[c], rules.prefill_kappa[c], rules.decode_kappa[c], rules.prefill_s[c], rules.base_s[c],
        rules.each_s[c], env.num_satellites,
    )  # fmt: skip


@routine
def replica_pool(env: Environment, c: int) -> Pool:
    """Return the pool of service `c`: its replicas that work, do not drain, and have a route to the ground.

    The capacities of its satellites are written to `env.work.capacity`.
    """
    set_capacities(env, c, 0.0)
    capacity = env.work.capacity
    replicas = rate = prefill = decode = slots = latency = 0.0
    at, first = ground_row(env, env.scalars[0]["tick"]), int(env.rules.first[c])
    end = first + int(env.rules.replicas[c])
    for k in range(env.scalars[0]["running"]):
        row = env.running[k]
        if not first <= row < end or env.run[row]["active"] <= 0.0 or env.run[row]["drain_s"] > 0.0:
            continue
        s = env.run[row]["host"]
        if not reaches_ground(env, s):
            continue
        replica_rate = capacity[0, s]
        if replica_rate <= 0.0:
            continue
        share = env.run[row]["active"]
        replicas += share
        rate += share * replica_rate
        prefill += share * replica_rate * capacity[1, s]
        decode += share * replica_rate * capacity[2, s]
        slots += share * capacity[3, s]
        latency += share * replica_rate * env.links.ground_latency_s[at, s]
    if rate <= 0.0:
        return Pool(0.0, 0.0, 1.0, 1.0, 1.0, 0.0)
    return Pool(replicas, rate, prefill / rate, decode / rate, slots / replicas, latency / rate)


@routine
def request_times(rules: Rules, c: int, pool: Pool) -> tuple[float, float, float]:
    """Return the mean times of a request in a pool [s]: prefill, decoding at a full batch, and the shared part of it.

    The requests of a batch share the part of the decode time that does not grow with the batch.
    """
    base = pool.decode * rules.base_s[c] / pool.slots
    return pool.prefill * rules.prefill_s[c], base + pool.decode * rules.each_s[c], base


@routine
def pool_times(rules: Rules, c: int, pool: Pool) -> PoolTimes:
    """Return the quantities of a pool that do not depend on its load."""
    prefill, decode, base = request_times(rules, c, pool)
    request = prefill + decode
    scv = (prefill * prefill * rules.prefill_scv[c] + decode * decode * rules.decode_scv[c]) / (request * request)
    layer, between = locate_in_knots(BASES, base / request)
    return PoolTimes(
        prefill, decode, base, request, residual_s(request, scv), residual_s(prefill, rules.prefill_scv[c]),
        residual_s(decode, rules.decode_scv[c]), 0.5 * (1.0 + scv), layer, between,
    )  # fmt: skip


@routine
def slot_occupancy(serving: Serving, pool: Pool, times: PoolTimes, load: float) -> tuple[float, float]:
    """Return the probability that all slots of a pool are busy, and the share of prompts in a large backlog.

    Args:
        serving: serving tables.
        pool: replica pool.
        times: times of its requests.
        load: load over the throughput at full batches.
    """
    excess = prefill_excess(load, times.residual, load * times.prefill / times.request, times.prefill_residual)
    worth = worth_slots(pool.slots, excess, times.residual, times.prefill, times.decode_residual)
    octave, a = locate_in_octaves(max(pool.replicas, 1.0) * worth)
    k, f = locate_in_knots(LOADS, load)
    low = all_servers_busy(serving.waits[1 + times.layer], octave, a, k, f)
    high = all_servers_busy(serving.waits[2 + times.layer], octave, a, k, f)
    return low + times.between * (high - low), excess


@inline
def queue_length(slots_full: float, times: PoolTimes, load: float) -> float:
    """Return the mean number of requests that wait for a slot, by Allen and Cunneen's correction of Erlang's queue.

    Source: Allen, Probability, Statistics and Queueing Theory, 2nd ed. (1990), section 5.3.

    Args:
        slots_full: probability that all slots are busy at this load.
        times: times of the requests of the pool.
        load: load over the throughput at full batches, below 1.
    """
    return slots_full * times.variability * load / (1.0 - load)


@routine
def live_requests_at(pool: Pool, times: PoolTimes, load: float) -> float:
    """Return the mean number of live requests of a pool at a load."""
    return pool.replicas * live_requests(load, times.base / times.request, pool.slots)


@routine
def solve_load(
    serving: Serving, pool: Pool, times: PoolTimes, previous_load: float, requests: float, dt_s: float
) -> SolvedLoad:
    """Return the load of a step at which requests are conserved.

    The requests of the step are served, wait at its end, or are live in addition to those at its beginning. Queue and
    batches at the end have their stationary means at the load of the step. This is the pointwise stationary fluid flow
    approximation, implicit in time. Its equation is solved by false position with the Illinois rule.

    Source: Wang, Tipper and Banerjee, A single node queueing model, INFOCOM 1996; Dowell and Jarratt, BIT 11 (1971).

    Args:
        serving: serving tables.
        pool: replica pool.
        times: times of its requests.
        previous_load: load of the step before.
        requests: requests that waited at the beginning of the step or arrive in it.
        dt_s: length of the step [s].
    """
    capacity = pool.rate * dt_s
    slots_full, excess = slot_occupancy(serving, pool, times, MAX_LOAD)
    max_queue = queue_length(slots_full, times, MAX_LOAD)
    if capacity <= 0.0:
        return SolvedLoad(MAX_LOAD, slots_full, excess, max_queue)
    total = requests + live_requests_at(pool, times, previous_load)
    above = MAX_LOAD * capacity + max_queue + live_requests_at(pool, times, MAX_LOAD) - total
    if above <= 0.0:
        return SolvedLoad(MAX_LOAD, slots_full, excess, max_queue)
    low, below, high, kept = 0.0, -total, MAX_LOAD, 0
    load = min(MAX_LOAD, requests / capacity)  # the solution if no request waits and the batches stay the same
    slots_full, excess = slot_occupancy(serving, pool, times, load)
    for _ in range(MAX_ITERATIONS):
        queue = queue_length(slots_full, times, load)
        error = load * capacity + queue + live_requests_at(pool, times, load) - total
        if abs(error) <= LOAD_TOLERANCE * capacity:
            break
        if error > 0.0:  # Illinois rule: the value at an end that is kept twice is halved
            below *= 0.5 if kept > 0 else 1.0
            high, above, kept = load, error, 1
        else:
            above *= 0.5 if kept < 0 else 1.0
            low, below, kept = load, error, -1
        load = (low * above - high * below) / (above - below)
        slots_full, excess = slot_occupancy(serving, pool, times, load)
    return SolvedLoad(load, slots_full, excess, max_queue)


@routine
def idle_frac(serving: Serving, replicas: float, offered: float, growth: float) -> float:
    """Return the share of idle replicas, interpolated in `Serving.idles`.

    Args:
        serving: serving tables.
        replicas: number of replicas of the pool.
        offered: offered work over the capacity of the replicas, if each request were decoded alone.
        growth: part of `offered` that grows with the batch.
    """
    octave, low = 0, 1.0
    while octave < IDLE_OCTAVES - 2 and replicas >= 2.0 * low:
        octave += 1
        low *= 2.0
    a = clip(replicas / low - 1.0, 0.0, 1.0)
    i, b = locate_in_knots(OFFERED, offered)
    j, f = locate_in_knots(LOADS, growth)
    value = 0.0
    for d in range(2):
        table, weight = serving.idles[octave + d], a if d == 1 else 1.0 - a
        first = table[i, j] + f * (table[i, j + 1] - table[i, j])
        second = table[i + 1, j] + f * (table[i + 1, j + 1] - table[i + 1, j])
        value += weight * (first + b * (second - first))
    return decay_of(value)


@routine
def queueing_state(
    rules: Rules, serving: Serving, c: int, pool: Pool, times: PoolTimes, solved: SolvedLoad
) -> QueueingState:
    """Return the queueing state of a pool at a load.

    Args:
        rules: class parameters.
        serving: serving tables.
        c: class of the service.
        pool: replica pool.
        times: times of its requests.
        solved: load, and the state of the slots at it.
    """
    load, slots_full, excess = solved.load, solved.slots_full, solved.excess
    replicas = max(pool.replicas, 1.0)
    step_rate = load / times.request * rules.steps[c]
    step_s, each_s = decode_step_times(rules, c, pool)
    prefill_share, growth = load * times.prefill / times.request, load * (1.0 - times.base / times.request)
    offered = prefill_share + step_rate * (step_s + each_s)
    busy = 1.0 - idle_frac(serving, replicas, offered, growth)
    batch = mean_batch(step_rate, step_s, each_s, busy, prefill_share, pool.slots)
    prefill_variability = 0.5 * (1.0 + rules.prefill_scv[c])
    octave, a = locate_in_octaves(replicas)
    k, f = locate_in_knots(LOADS, prefill_share)
    return QueueingState(
        load, slots_full, all_servers_busy(serving.waits[0], octave, a, k, f),
        (1.0 - load) * replicas / (times.request * times.variability),
        (1.0 - prefill_share) * replicas / (times.prefill * prefill_variability),
        0.5 * (step_s + each_s * batch) / (replicas * (1.0 - prefill_share) + prefill_share), prefill_share, busy,
        batch, busy / (1.0 + (replicas - 1.0) * (1.0 - busy)), growth, excess,
    )  # fmt: skip


@routine
def decode_step_times(rules: Rules, c: int, pool: Pool) -> tuple[float, float]:
    """Return the time of a decode step with an empty batch, and the time that each request adds to it [s]."""
    steps = rules.steps[c]
    return pool.decode * rules.base_s[c] / steps, pool.decode * rules.each_s[c] / steps


PROMPT_ROWS = 3  # rows of `Workspace.prompts`: see `prompt_terms`


@simd_loop
def prompt_terms(
    met: np.ndarray, late: np.ndarray, late_prompt: np.ndarray, shares: np.ndarray, starts: np.ndarray,
    ends: np.ndarray, before_s: float, prefill: float, target: float, patience: float, no_wait: float,
    slot_wait: float, slot_rate: float, prefill_wait: float, prefill_rate: float,
) -> None:  # fmt: skip
    """Compute the terms of the sums of `ttft_attainment`, one for each bin of prompts.

    Args:
        met: requests that meet the target, (PROMPTS,); written.
        late: value left to requests that wait for a slot or a prefill, (PROMPTS,); written.
        late_prompt: value left to requests whose prefill alone takes too long, (PROMPTS,); written.
        shares: share of requests in each bin, (PROMPTS,).
        starts: lower edges of the bins, prefill times at full clock [s], (PROMPTS,).
        ends: upper edges, (PROMPTS,).
        before_s: time before the prefill without waits [s].
        prefill: time of a prefill over that of the reference at full clock.
        target: latest time to the first token that meets the target [s].
        patience: time from which no value is left [s].
        no_wait: probability of no wait.
        slot_wait: probability of a wait for a slot.
        slot_rate: rate of this wait [1/s].
        prefill_wait: probability of a wait for a prefill.
        prefill_rate: rate of this wait [1/s].
    """
    for k in range(shares.shape[0]):
        start, end = before_s + prefill * starts[k], before_s + prefill * ends[k]
        middle = 0.5 * (start + end)
        late[k] = shares[k] * (
            slot_wait * late_value(middle, slot_rate, target, patience)
            + prefill_wait * late_value(middle, prefill_rate, target, patience)
        )
        in_time = clip((target - start) / max(end - start, 1e-9), 0.0, 1.0)
        late_middle = 0.5 * (max(start, target) + end)
        value = shares[k] * (1.0 - in_time) * no_wait * clip((patience - late_middle) / (patience - target), 0.0, 1.0)
        late_prompt[k] = value if in_time < 1.0 else 0.0
        left = target - 0.5 * (start + min(end, target))
        missed = slot_wait * decay_of(slot_rate * left) + prefill_wait * decay_of(prefill_rate * left)
        met[k] = shares[k] * in_time * (1.0 - missed) if in_time > 0.0 else 0.0


@routine
def ttft_attainment(
    rules: Rules, serving: Serving, c: int, pool: Pool, state: QueueingState, delay_s: float, terms: np.ndarray
) -> tuple[float, float]:
    """Return the share of requests that meet the TTFT target, and the mean share of value left to the others.

    The TTFT begins with the latency to the ground and the time to serve the backlog. The waits for a slot or a prefill
    and for the end of a step follow, and then the prefill itself. The second result counts requests that meet the
    target as 0.

    Args:
        rules: class parameters.
        serving: serving tables.
        c: class of the service.
        pool: replica pool.
        state: its queueing state.
        delay_s: time until the replicas have taken up the backlog [s].
        terms: work array, (PROMPT_ROWS, PROMPTS).
    """
    slot_wait = state.slots_full * (1.0 + PREFILL_CROWDING * (1.0 - state.slots_full) * state.all_prefill)
    no_wait = 1.0 - slot_wait
    prefill_wait = no_wait * math.sqrt(no_wait) * state.all_prefill
    no_wait -= prefill_wait
    prompt_terms(
        terms[0], terms[1], terms[2], serving.shares[c], serving.prompts[c, :PROMPTS], serving.prompts[c, 1:],
        pool.latency_s + delay_s + state.step_end_s, pool.prefill, rules.target_s[c], rules.patience_s[c], no_wait,
        slot_wait, state.slot_wait_rate, prefill_wait, state.prefill_wait_rate,
    )  # fmt: skip
    met = late = 0.0
    for k in range(PROMPTS):
        late += terms[1, k]
        late += terms[2, k]
        met += terms[0, k]
    return met, late


@routine
def tpot_probability(serving: Serving, c: int, case: int, stretched: float, slack: float, load: float) -> float:
    """Return the probability that a request meets the TPOT target, interpolated in `Serving.paces`.

    Args:
        serving: serving tables.
        c: class of the service.
        case: 0: single replica, 1: one of many replicas, 2: all slots busy.
        stretched: speed of prefills over that of the reference at full clock; it scales the target over the prefill.
        slack: share of the target that decode steps leave for prefills.
        load: load of prefills on a replica.
    """
    if slack <= 0.0:  # only answers of one token meet the target
        slack, load = 0.0, MAX_LOAD
    i, a = locate_in_knots(PREFILLS, stretched)
    j, b = locate_in_knots(SLACKS, slack)
    k, f = locate_in_knots(LOADS, load)
    table = serving.paces[c, case]
    odds = 0.0
    for di in range(2):
        wi = a if di == 1 else 1.0 - a
        for dj in range(2):
            w = wi * (b if dj == 1 else 1.0 - b)
            odds += w * (table[i + di, j + dj, k] * (1.0 - f) + table[i + di, j + dj, k + 1] * f)
    decayed = decay_of(abs(odds))
    return (1.0 if odds > 0.0 else decayed) / (1.0 + decayed)


@routine
def tpot_attainment(rules: Rules, serving: Serving, c: int, pool: Pool, state: QueueingState) -> float:
    """Return the share of requests that meet the TPOT target.

    The batch that a request sees varies about its mean, because the number of requests in the pool varies and because
    replicas differ. It is larger than the mean batch of steps. While some replicas are idle, prompts go to them and
    stall no answers. If all slots are busy, the batch is full, and a prefill follows each request that ends.

    Args:
        rules: class parameters.
        serving: serving tables.
        c: class of the service.
        pool: replica pool.
        state: its queueing state.
    """
    step_s, each_s = decode_step_times(rules, c, pool)
    target = rules.token_target_s[c]
    replicas = max(pool.replicas, 1.0)
    base = request_times(rules, c, pool)[2] * pool.rate / max(pool.replicas, 1e-9)
    shape = 1.0 + replicas * pool.slots * base / max(1.0 - base, 1e-9)
    odds = state.growth / (1.0 - state.growth)
    slots_free = 1.0 - state.slots_full
    variance = POOL_VARIANCE * shape * odds * (1.0 + odds) / (replicas * replicas)
    variance += REPLICA_VARIANCE * state.batch * (1.0 - 1.0 / replicas)
    deviation = QUADRATURE_NODE * math.sqrt(slots_free * variance)
    at_full = state.slots_full * math.sqrt(math.sqrt(state.slots_full)) * (1.0 - state.excess)
    batch = max(1.0, (state.batch - at_full * pool.slots) / max(1.0 - at_full, 1e-9))
    batch += SEEN_ODDS * slots_free * odds / replicas + SEEN_EXTRA
    stalls = state.all_busy * state.prefill / max(state.busy - state.prefill, 1e-3)  # prefill time over step time
    stall_load = stalls / (1.0 + stalls)
    single = state.all_prefill / max(state.prefill, 1e-9)  # 1 for a single replica, near 0 for a large pool
    stretched = 1.0 / pool.prefill
    slack = 1.0 - (step_s + each_s * pool.slots) / target
    met = at_full * tpot_probability(
        serving, c, 2, stretched, slack, min(state.prefill / max(state.load, 1e-9), MAX_LOAD)
    )
    for k in range(-1, 2):
        seen = clip(batch + k * deviation, 1.0, pool.slots)
        slack = 1.0 - (step_s + each_s * seen) / target
        weight = (1.0 - at_full) * (2.0 / 3.0 if k == 0 else 1.0 / 6.0)
        met_single, met_many = (
            tpot_probability(serving, c, 0, stretched, slack, state.prefill),
            tpot_probability(serving, c, 1, stretched, slack, stall_load),
        )
        met += weight * (single * met_single + (1.0 - single) * met_many)
    return met


@routine
def joint_attainment(ttft_met: float, tpot_met: float, pool: Pool, state: QueueingState) -> float:
    """Return the share of requests that meet both targets.

    Delays of prompts and stalls of answers have common causes. The result is therefore above that of independent
    targets. A dependence of 0 gives the product of both shares, and 1 gives the smaller one.

    Args:
        ttft_met: share of requests that meet the TTFT target.
        tpot_met: share of requests that meet the TPOT target.
        pool: replica pool.
        state: its queueing state.
    """
    prefill_share, single = state.prefill / max(state.load, 1e-9), state.all_prefill / max(state.prefill, 1e-9)
    many = 1.0 - 1.0 / max(pool.replicas, 1.0)
    dependence = min(
        MAX_DEPENDENCE,
        (SINGLE_DEPENDENCE + POOL_DEPENDENCE * many) * prefill_share * prefill_share * single * single,
    )
    # the step towards it was fitted as well: 0.83 of the way on one replica, up to 0.95 in large pools
    dependence += (SLOTS_FULL_DEPENDENCE - dependence) * (0.83 + 0.12 * many) * math.sqrt(state.slots_full)
    return ttft_met * tpot_met + dependence * (min(ttft_met, tpot_met) - ttft_met * tpot_met)
