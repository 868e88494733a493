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

from odc_gym.compilation.decorators import routine
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


@routine
def locate_in_knots(knots: np.ndarray, x: float) -> tuple[int, float]:
    """Return the interval of ascending knots that contains `x`, and the position of `x` in it, from 0 to 1.

    Values outside the knots are moved to the first or last knot.
    """
    k = 0
    while k < knots.shape[0] - 2 and x >= knots[k + 1]:
        k += 1
    return k, clip((x - knots[k]) / (knots[k + 1] - knots[k]), 0.0, 1.0)


@routine
def all_servers_busy(table: np.ndarray, servers: float, load: float) -> float:
    """Return the probability that all servers are busy, interpolated in one layer of `Serving.waits`.

    Args:
        table: layer of the table, (OCTAVES, LOADS).
        servers: number of servers.
        load: utilisation of the servers.
    """
    octave, low = 0, 1.0
    while octave < OCTAVES - 2 and servers >= 2.0 * low:
        octave += 1
        low *= 2.0
    a = clip(servers / low - 1.0, 0.0, 1.0)
    k, f = locate_in_knots(LOADS, load)
    first = table[octave, k] + f * (table[octave, k + 1] - table[octave, k])
    second = table[octave + 1, k] + f * (table[octave + 1, k + 1] - table[octave + 1, k])
    return decay_of(first + a * (second - first))


@routine
def reaches_ground(env: Environment, s: int) -> bool:
    """Return whether satellite `s` has a route to the ground in the present step."""
    return env.links.ground_hop[ground_row(env, env.scalars[0]["tick"]), s] >= 0


@routine
def replica_capacity(env: Environment, c: int, width: int, s: int, duty: float) -> tuple[float, float, float, float]:
    """Return the capacity of a replica on satellite `s` at the clocks that were granted last; all 0 if it has none.

    Args:
        env: environment.
        c: class of the service.
        width: number of accelerators of the replica.
        s: satellite.
        duty: share of the time in which the satellite computes.

    Returns:
        Requests per second at full batches, prefill time and decode step time over those of the reference at full
        clock, and the number of slots.
    """
    clock = env.classes.clock[c, s]
    slots = live_batch(
        env.design.hbm_gb[s] * width, env.rules.weights_gb[c], env.rules.context_gb[c], env.rules.batch[c]
    )
    if duty <= 0.0 or clock <= 0.0 or slots < 1.0:
        return 0.0, 0.0, 0.0, 0.0
    speed = env.design.speed[s] * duty
    prefill = stretch(env.rules.prefill_kappa[c], clock) / speed
    decode = stretch(env.rules.decode_kappa[c], clock) / speed
    total_s = request_s(
        prefill * env.rules.prefill_s[c], decode * env.rules.base_s[c], decode * env.rules.each_s[c], slots
    )
    return 1.0 / total_s, prefill, decode, slots


@routine
def find_capacity(env: Environment, c: int, width: int, s: int) -> None:
    """Write the capacity of a replica on satellite `s`, the values of `replica_capacity`, to `search.capacity`.

    Replicas of a service are alike, so that it is computed once for each satellite after a call of `replica_pool`.
    """
    search = env.work.search
    if search.mark[s] != search.walks[0]:
        search.mark[s] = search.walks[0]
        rate, prefill, decode, slots = replica_capacity(env, c, width, s, env.sat.duty[s])
        capacity = search.capacity[s]
        capacity[0], capacity[1], capacity[2], capacity[3] = rate, prefill, decode, slots


@routine
def replica_pool(env: Environment, c: int) -> Pool:
    """Return the pool of service `c`: its replicas that work, do not drain, and have a route to the ground."""
    env.work.search.walks[0] += 1
    replicas = rate = prefill = decode = slots = latency = 0.0
    at = ground_row(env, env.scalars[0]["tick"])
    for k in range(env.scalars[0]["running"]):
        row = env.running[k]
        if env.jobs[row]["class_id"] != c or env.run[row]["active"] <= 0.0 or env.run[row]["drain_s"] > 0.0:
            continue
        s = env.run[row]["host"]
        if not reaches_ground(env, s):
            continue
        find_capacity(env, c, env.jobs[row]["width"], s)
        capacity = env.work.search.capacity[s]
        replica_rate = capacity[0]
        if replica_rate <= 0.0:
            continue
        share = env.run[row]["active"]
        replicas += share
        rate += share * replica_rate
        prefill += share * replica_rate * capacity[1]
        decode += share * replica_rate * capacity[2]
        slots += share * capacity[3]
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
def slot_occupancy(rules: Rules, serving: Serving, c: int, pool: Pool, load: float) -> tuple[float, float, float]:
    """Return how the slots of a pool fill up at a load.

    Args:
        rules: class parameters.
        serving: serving tables.
        c: class of the service.
        pool: replica pool.
        load: load over the throughput at full batches.

    Returns:
        Probability that all slots are busy, share of prompts in a large backlog, and (1 + SCV) / 2 of the time of a
        request.
    """
    prefill, decode, base = request_times(rules, c, pool)
    request_time = prefill + decode
    scv = (prefill * prefill * rules.prefill_scv[c] + decode * decode * rules.decode_scv[c]) / (
        request_time * request_time
    )
    residual = residual_s(request_time, scv)
    excess = prefill_excess(load, residual, load * prefill / request_time, residual_s(prefill, rules.prefill_scv[c]))
    worth = worth_slots(pool.slots, excess, residual, prefill, residual_s(decode, rules.decode_scv[c]))
    servers = max(pool.replicas, 1.0) * worth
    i, f = locate_in_knots(BASES, base / request_time)
    low, high = (
        all_servers_busy(serving.waits[1 + i], servers, load),
        all_servers_busy(serving.waits[2 + i], servers, load),
    )
    return low + f * (high - low), excess, 0.5 * (1.0 + scv)


@routine
def queue_length(rules: Rules, serving: Serving, c: int, pool: Pool, load: float) -> float:
    """Return the mean number of requests that wait for a slot, by Allen and Cunneen's correction of Erlang's queue.

    Source: Allen, Probability, Statistics and Queueing Theory, 2nd ed. (1990), section 5.3.

    Args:
        rules: class parameters.
        serving: serving tables.
        c: class of the service.
        pool: replica pool.
        load: load over the throughput at full batches, below 1.
    """
    slots_full, _, variability = slot_occupancy(rules, serving, c, pool, load)
    return slots_full * variability * load / (1.0 - load)


@routine
def live_requests_at(rules: Rules, c: int, pool: Pool, load: float) -> float:
    """Return the mean number of live requests of a pool at a load."""
    prefill, decode, base = request_times(rules, c, pool)
    return pool.replicas * live_requests(load, base / (prefill + decode), pool.slots)


@routine
def solve_load(
    rules: Rules, serving: Serving, c: int, pool: Pool, previous_load: float, requests: float, dt_s: float
) -> float:
    """Return the load of a step at which requests are conserved.

    The requests of the step are served, wait at its end, or are live in addition to those at its beginning. Queue and
    batches at the end have their stationary means at the load of the step. This is the pointwise stationary fluid flow
    approximation, implicit in time. Its equation is solved by false position with the Illinois rule.

    Source: Wang, Tipper and Banerjee, A single node queueing model, INFOCOM 1996; Dowell and Jarratt, BIT 11 (1971).

    Args:
        rules: class parameters.
        serving: serving tables.
        c: class of the service.
        pool: replica pool.
        previous_load: load of the step before.
        requests: requests that waited at the beginning of the step or arrive in it.
        dt_s: length of the step [s].
    """
    capacity = pool.rate * dt_s
    if capacity <= 0.0:
        return MAX_LOAD
    total = requests + live_requests_at(rules, c, pool, previous_load)
    above = (
        MAX_LOAD * capacity
        + queue_length(rules, serving, c, pool, MAX_LOAD)
        + live_requests_at(rules, c, pool, MAX_LOAD)
        - total
    )
    if above <= 0.0:
        return MAX_LOAD
    low, below, high, kept = 0.0, -total, MAX_LOAD, 0
    load = min(MAX_LOAD, requests / capacity)  # the solution if no request waits and the batches stay the same
    for _ in range(MAX_ITERATIONS):
        error = (
            load * capacity
            + queue_length(rules, serving, c, pool, load)
            + live_requests_at(rules, c, pool, load)
            - total
        )
        if abs(error) <= LOAD_TOLERANCE * capacity:
            break
        if error > 0.0:  # Illinois rule: the value at an end that is kept twice is halved
            below *= 0.5 if kept > 0 else 1.0
            high, above, kept = load, error, 1
        else:
            above *= 0.5 if kept < 0 else 1.0
            low, below, kept = load, error, -1
        load = (low * above - high * below) / (above - below)
    return load


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
def queueing_state(rules: Rules, serving: Serving, c: int, pool: Pool, load: float) -> QueueingState:
    """Return the queueing state of a pool at a load.

    Args:
        rules: class parameters.
        serving: serving tables.
        c: class of the service.
        pool: replica pool.
        load: load over the throughput at full batches, at most `MAX_LOAD`.
    """
    prefill, decode, base = request_times(rules, c, pool)
    request_time = prefill + decode
    slots_full, excess, variability = slot_occupancy(rules, serving, c, pool, load)
    replicas = max(pool.replicas, 1.0)
    step_rate = load / request_time * rules.steps[c]
    step_s, each_s = decode_step_times(rules, c, pool)
    prefill_share, growth = load * prefill / request_time, load * (1.0 - base / request_time)
    offered = prefill_share + step_rate * (step_s + each_s)
    busy = 1.0 - idle_frac(serving, replicas, offered, growth)
    batch = mean_batch(step_rate, step_s, each_s, busy, prefill_share, pool.slots)
    prefill_variability = 0.5 * (1.0 + rules.prefill_scv[c])
    return QueueingState(
        load, slots_full, all_servers_busy(serving.waits[0], replicas, prefill_share),
        (1.0 - load) * replicas / (request_time * variability),
        (1.0 - prefill_share) * replicas / (prefill * prefill_variability),
        0.5 * (step_s + each_s * batch) / (replicas * (1.0 - prefill_share) + prefill_share), prefill_share, busy,
        batch, busy / (1.0 + (replicas - 1.0) * (1.0 - busy)), growth, excess,
    )  # fmt: skip


@routine
def decode_step_times(rules: Rules, c: int, pool: Pool) -> tuple[float, float]:
    """Return the time of a decode step with an empty batch, and the time that each request adds to it [s]."""
    steps = rules.steps[c]
    return pool.decode * rules.base_s[c] / steps, pool.decode * rules.each_s[c] / steps


@routine
def ttft_attainment(
    rules: Rules, serving: Serving, c: int, pool: Pool, state: QueueingState, delay_s: float
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
    """
    target, patience = rules.target_s[c], rules.patience_s[c]
    slot_wait = state.slots_full * (1.0 + PREFILL_CROWDING * (1.0 - state.slots_full) * state.all_prefill)
    no_wait = 1.0 - slot_wait
    prefill_wait = no_wait * math.sqrt(no_wait) * state.all_prefill
    no_wait -= prefill_wait
    met = late = 0.0
    before_prefill_s = pool.latency_s + delay_s + state.step_end_s
    for k in range(PROMPTS):
        share = serving.shares[c, k]
        start = before_prefill_s + pool.prefill * serving.prompts[c, k]
        end = before_prefill_s + pool.prefill * serving.prompts[c, k + 1]
        middle = 0.5 * (start + end)
        late += share * (
            slot_wait * late_value(middle, state.slot_wait_rate, target, patience)
            + prefill_wait * late_value(middle, state.prefill_wait_rate, target, patience)
        )
        in_time = clip((target - start) / max(end - start, 1e-9), 0.0, 1.0)
        if in_time < 1.0:
            late_middle = 0.5 * (max(start, target) + end)
            late += share * (1.0 - in_time) * no_wait * clip((patience - late_middle) / (patience - target), 0.0, 1.0)
        if in_time > 0.0:
            left = target - 0.5 * (start + min(end, target))
            missed = slot_wait * decay_of(state.slot_wait_rate * left) + prefill_wait * decay_of(
                state.prefill_wait_rate * left
            )
            met += share * in_time * (1.0 - missed)
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
