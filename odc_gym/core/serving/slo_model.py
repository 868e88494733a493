"""How full the replicas of a service are, how long its requests wait, and which of them meet their targets.

Scalar code between physics steps; the tables are those of `serving_tables`. Requests come at random within a step, and
wait for the first replica that ends a step or a prefill with a slot free. The constants below were set on requests
that were simulated one by one, other ones than those of `tests/validation/test_serving.py`: see docs/model.md.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from odc_gym._jit import routine
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

FULLEST = 0.99  # load beyond which a queue counts as a fluid
CLOSE = 1e-7  # of the load of a step
TRIALS = 40
SCATTER = 1.7320508075688772  # nodes of a normal law with three points, in standard deviations
POOL_SCATTER = 2.16  # variance of the mean batch that requests see, over that of the number in the pool
OWN_SCATTER = 1.5  # the same, over that of a replica's batch in a large pool
SEEN, SEEN_MORE = 0.45, 1.9  # requests in the batch that a request sees above the mean of steps
CROWDED = 0.3  # more chance of full slots where all replicas prefill
ALONE, SHARED = 0.54, 0.44  # how far a wait for prefill and stalls have one cause, on one replica, and more on many
MOST, FULL_MOST = 0.47, 0.63  # of these at most; and where all slots are taken


class Pool(NamedTuple):
    """What the replicas of a service offer together in a step."""

    replicas: float  # that work, by their share of the step
    rate: float  # requests a second at full batches
    prefill: float  # time of a prefill over that at full clock on the reference
    decode: float  # the same of a step
    slots: float  # of a replica
    latency_s: float  # to the ground


class Law(NamedTuple):
    """How a pool stands at a load."""

    load: float
    full: float  # probability that all slots are taken
    delayed: float  # probability that all replicas prefill, where slots are free
    wait_rate: float  # of the exponential wait for a slot [1/s]
    delay_rate: float  # of that for a prefill
    boundary_s: float  # mean wait for the end of a step
    prefill: float  # share of the time that replicas prefill
    busy: float  # share of the time that they work
    batch: float  # mean of decode steps
    none_idle: float  # probability that all replicas work
    growth: float  # ratio of the probabilities of n + 1 and n requests in a large pool
    excess: float  # share of a large backlog that is prompts


@routine
def locate_in_knots(knots: np.ndarray, x: float) -> tuple[int, float]:
    """Interval of rising knots that holds a value, and the share of it that lies before the value."""
    k = 0
    while k < knots.shape[0] - 2 and x >= knots[k + 1]:
        k += 1
    return k, clip((x - knots[k]) / (knots[k + 1] - knots[k]), 0.0, 1.0)


@routine
def chance_all_taken(table: np.ndarray, servers: float, load: float) -> float:
    """Probability that all servers are taken, from one layer of the table of waits."""
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
    """Whether a satellite has a way to the ground in the present step."""
    return env.links.ground_hop[ground_row(env, env.scalars[0]["tick"]), s] >= 0


@routine
def replica_capacity(env: Environment, c: int, width: int, s: int, duty: float) -> tuple[float, float, float, float]:
    """What a replica offers while it works: requests a second, stretch of prefill and of steps, and slots; 0 if none.

    Clocks are those granted last; `duty` is the share of the time that its satellite computes.
    """
    clock = env.classes.clock[c, s]
    most = live_batch(
        env.design.hbm_gb[s] * width, env.rules.weights_gb[c], env.rules.context_gb[c], env.rules.batch[c]
    )
    if duty <= 0.0 or clock <= 0.0 or most < 1.0:
        return 0.0, 0.0, 0.0, 0.0
    speed = env.design.speed[s] * duty
    prefill = stretch(env.rules.prefill_kappa[c], clock) / speed
    decode = stretch(env.rules.decode_kappa[c], clock) / speed
    takes = request_s(
        prefill * env.rules.prefill_s[c], decode * env.rules.base_s[c], decode * env.rules.each_s[c], most
    )
    return 1.0 / takes, prefill, decode, most


@routine
def replica_pool(env: Environment, c: int) -> Pool:
    """The pool of a service: its replicas that are at work and have a way to the ground."""
    replicas = rate = prefill = decode = slots = latency = 0.0
    at = ground_row(env, env.scalars[0]["tick"])
    for k in range(env.scalars[0]["running"]):
        row = env.running[k]
        if env.jobs[row]["class_id"] != c or env.run[row]["active"] <= 0.0 or env.run[row]["drain_s"] > 0.0:
            continue
        s = env.run[row]["host"]
        if not reaches_ground(env, s):
            continue
        each, slow_prefill, slow_decode, most = replica_capacity(env, c, env.jobs[row]["width"], s, env.sat.duty[s])
        if each <= 0.0:
            continue
        share = env.run[row]["active"]
        replicas += share
        rate += share * each
        prefill += share * each * slow_prefill
        decode += share * each * slow_decode
        slots += share * most
        latency += share * each * env.links.ground_latency_s[at, s]
    if rate <= 0.0:
        return Pool(0.0, 0.0, 1.0, 1.0, 1.0, 0.0)
    return Pool(replicas, rate, prefill / rate, decode / rate, slots / replicas, latency / rate)


@routine
def times_of(rules: Rules, c: int, pool: Pool) -> tuple[float, float, float]:
    """Mean times of a request in a pool [s]: prefill, decoding at a full batch, and of that what a batch shares."""
    base = pool.decode * rules.base_s[c] / pool.slots
    return pool.prefill * rules.prefill_s[c], base + pool.decode * rules.each_s[c], base


@routine
def slots_taken(rules: Rules, serving: Serving, c: int, pool: Pool, load: float) -> tuple[float, float, float]:
    """Probability that all slots are taken, and which share of a large backlog is prompts."""
    prefill, decode, base = times_of(rules, c, pool)
    takes = prefill + decode
    scv = (prefill * prefill * rules.prefill_scv[c] + decode * decode * rules.decode_scv[c]) / (takes * takes)
    rest = residual_s(takes, scv)
    excess = prefill_excess(load, rest, load * prefill / takes, residual_s(prefill, rules.prefill_scv[c]))
    worth = worth_slots(pool.slots, excess, rest, prefill, residual_s(decode, rules.decode_scv[c]))
    servers = max(pool.replicas, 1.0) * worth
    i, f = locate_in_knots(BASES, base / takes)
    low, high = (
        chance_all_taken(serving.waits[1 + i], servers, load),
        chance_all_taken(serving.waits[2 + i], servers, load),
    )
    return low + f * (high - low), excess, 0.5 * (1.0 + scv)


@routine
def queue_length(rules: Rules, serving: Serving, c: int, pool: Pool, load: float) -> float:
    """Mean number of requests that wait for a slot at a load: Allen and Cunneen's correction of Erlang's queue.

    Source: Allen, Probability, Statistics and Queueing Theory, 2nd ed. (1990), section 5.3.
    """
    full, _, spread = slots_taken(rules, serving, c, pool, load)
    return full * spread * load / (1.0 - load)


@routine
def live_requests_at(rules: Rules, c: int, pool: Pool, load: float) -> float:
    """Mean number of live requests of a pool at a load."""
    prefill, decode, base = times_of(rules, c, pool)
    return pool.replicas * live_requests(load, base / (prefill + decode), pool.slots)


@routine
def load_of(rules: Rules, serving: Serving, c: int, pool: Pool, before: float, requests: float, dt_s: float) -> float:
    """Load at which those that still wait, those more that are live and those that are served make up the requests.

    The queue and the batches at the end of a step are the mean ones at the load served: the pointwise stationary fluid
    flow approximation, implicit in time; `before` is the load of the step before. Source: Wang, Tipper and Banerjee,
    A single node queueing model, INFOCOM 1996; false position by the Illinois rule, Dowell and Jarratt, BIT 11 (1971).
    """
    most = pool.rate * dt_s
    if most <= 0.0:
        return FULLEST
    total = requests + live_requests_at(rules, c, pool, before)
    above = (
        FULLEST * most
        + queue_length(rules, serving, c, pool, FULLEST)
        + live_requests_at(rules, c, pool, FULLEST)
        - total
    )
    if above <= 0.0:
        return FULLEST
    low, below, high, kept = 0.0, -total, FULLEST, 0
    load = min(FULLEST, requests / most)  # exact where nobody waits and nothing changes
    for _ in range(TRIALS):
        error = (
            load * most + queue_length(rules, serving, c, pool, load) + live_requests_at(rules, c, pool, load) - total
        )
        if abs(error) <= CLOSE * most:
            break
        if error > 0.0:  # an end that stays twice counts half: the Illinois rule
            below *= 0.5 if kept > 0 else 1.0
            high, above, kept = load, error, 1
        else:
            above *= 0.5 if kept < 0 else 1.0
            low, below, kept = load, error, -1
        load = (low * above - high * below) / (above - below)
    return load


@routine
def idle_share(serving: Serving, replicas: float, offered: float, growth: float) -> float:
    """Share of replicas that are idle, from the table of idle ones."""
    octave, low = 0, 1.0
    while octave < IDLE_OCTAVES - 2 and replicas >= 2.0 * low:
        octave += 1
        low *= 2.0
    a = clip(replicas / low - 1.0, 0.0, 1.0)
    i, b = locate_in_knots(OFFERED, offered)
    j, f = locate_in_knots(LOADS, growth)
    value = 0.0
    for d in range(2):
        table, item = serving.idles[octave + d], a if d == 1 else 1.0 - a
        first = table[i, j] + f * (table[i, j + 1] - table[i, j])
        second = table[i + 1, j] + f * (table[i + 1, j + 1] - table[i + 1, j])
        value += item * (first + b * (second - first))
    return decay_of(value)


@routine
def queueing_state(rules: Rules, serving: Serving, c: int, pool: Pool, load: float) -> Law:
    """How a pool stands at a load."""
    prefill, decode, base = times_of(rules, c, pool)
    takes = prefill + decode
    full, excess, spread = slots_taken(rules, serving, c, pool, load)
    replicas = max(pool.replicas, 1.0)
    step_rate = load / takes * rules.steps[c]
    step_s, each_s = steps_of(rules, c, pool)
    share, growth = load * prefill / takes, load * (1.0 - base / takes)
    offered = share + step_rate * (step_s + each_s)
    busy = 1.0 - idle_share(serving, replicas, offered, growth)
    batch = mean_batch(step_rate, step_s, each_s, busy, share, pool.slots)
    prefill_spread = 0.5 * (1.0 + rules.prefill_scv[c])
    return Law(
        load, full, chance_all_taken(serving.waits[0], replicas, share), (1.0 - load) * replicas / (takes * spread),
        (1.0 - share) * replicas / (prefill * prefill_spread),
        0.5 * (step_s + each_s * batch) / (replicas * (1.0 - share) + share), share, busy, batch,
        busy / (1.0 + (replicas - 1.0) * (1.0 - busy)), growth, excess,
    )  # fmt: skip


@routine
def steps_of(rules: Rules, c: int, pool: Pool) -> tuple[float, float]:
    """Time of a decode step of a batch of none, and what a request adds to it [s]."""
    steps = rules.steps[c]
    return pool.decode * rules.base_s[c] / steps, pool.decode * rules.each_s[c] / steps


@routine
def ttft_attainment(
    rules: Rules, serving: Serving, c: int, pool: Pool, law: Law, delay_s: float
) -> tuple[float, float]:
    """Share of requests whose first token comes in time, and the mean value left of those that are late.

    The first token comes after the way to the ground, the backlog ahead, the wait for a slot or a prefill, the end of a
    step, and the prefill.
    """
    target, patience = rules.target_s[c], rules.patience_s[c]
    full = law.full * (1.0 + CROWDED * (1.0 - law.full) * law.delayed)
    none = 1.0 - full
    delayed = none * math.sqrt(none) * law.delayed
    none -= delayed
    met = late = 0.0
    sent = pool.latency_s + delay_s + law.boundary_s
    for k in range(PROMPTS):
        share = serving.shares[c, k]
        start = sent + pool.prefill * serving.prompts[c, k]
        end = sent + pool.prefill * serving.prompts[c, k + 1]
        middle = 0.5 * (start + end)
        late += share * (
            full * late_value(middle, law.wait_rate, target, patience)
            + delayed * late_value(middle, law.delay_rate, target, patience)
        )
        inside = clip((target - start) / max(end - start, 1e-9), 0.0, 1.0)
        if inside < 1.0:
            after = 0.5 * (max(start, target) + end)
            late += share * (1.0 - inside) * none * clip((patience - after) / (patience - target), 0.0, 1.0)
        if inside > 0.0:
            left = target - 0.5 * (start + min(end, target))
            missed = full * decay_of(law.wait_rate * left) + delayed * decay_of(law.delay_rate * left)
            met += share * inside * (1.0 - missed)
    return met, late


@routine
def tpot_chance(serving: Serving, c: int, which: int, stretched: float, slack: float, load: float) -> float:
    """Probability that the time per token is met, from the table of paces."""
    if slack <= 0.0:  # but answers of one token
        slack, load = 0.0, FULLEST
    i, a = locate_in_knots(PREFILLS, stretched)
    j, b = locate_in_knots(SLACKS, slack)
    k, f = locate_in_knots(LOADS, load)
    table = serving.paces[c, which]
    odds = 0.0
    for di in range(2):
        wi = a if di == 1 else 1.0 - a
        for dj in range(2):
            w = wi * (b if dj == 1 else 1.0 - b)
            odds += w * (table[i + di, j + dj, k] * (1.0 - f) + table[i + di, j + dj, k + 1] * f)
    rest = decay_of(abs(odds))
    return (1.0 if odds > 0.0 else rest) / (1.0 + rest)


@routine
def tpot_attainment(rules: Rules, serving: Serving, c: int, pool: Pool, law: Law) -> float:
    """Share of requests whose time per token is in time.

    The batch scatters about its mean: as the number in the pool does, and as replicas differ. A request sees a larger
    one than a step does. While replicas are idle, prompts go to them and stall nobody. Where all slots are taken, the
    batch is full, and a prefill follows each request that ends.
    """
    step_s, each_s = steps_of(rules, c, pool)
    target = rules.token_target_s[c]
    replicas = max(pool.replicas, 1.0)
    base = times_of(rules, c, pool)[2] * pool.rate / max(pool.replicas, 1e-9)
    shape = 1.0 + replicas * pool.slots * base / max(1.0 - base, 1e-9)
    odds = law.growth / (1.0 - law.growth)
    below = 1.0 - law.full
    variance = POOL_SCATTER * shape * odds * (1.0 + odds) / (replicas * replicas)
    variance += OWN_SCATTER * law.batch * (1.0 - 1.0 / replicas)
    spread = SCATTER * math.sqrt(below * variance)
    at_full = law.full * math.sqrt(math.sqrt(law.full)) * (1.0 - law.excess)
    batch = max(1.0, (law.batch - at_full * pool.slots) / max(1.0 - at_full, 1e-9))
    batch += SEEN_MORE * below * odds / replicas + SEEN
    stalls = law.none_idle * law.prefill / max(law.busy - law.prefill, 1e-3)  # prefill time over that of steps
    crowded = stalls / (1.0 + stalls)
    alone = law.delayed / max(law.prefill, 1e-9)
    stretched = 1.0 / pool.prefill
    slack = 1.0 - (step_s + each_s * pool.slots) / target
    met = at_full * tpot_chance(serving, c, 2, stretched, slack, min(law.prefill / max(law.load, 1e-9), FULLEST))
    for k in range(-1, 2):
        seen = clip(batch + k * spread, 1.0, pool.slots)
        slack = 1.0 - (step_s + each_s * seen) / target
        share = (1.0 - at_full) * (2.0 / 3.0 if k == 0 else 1.0 / 6.0)
        one, many = (
            tpot_chance(serving, c, 0, stretched, slack, law.prefill),
            tpot_chance(serving, c, 1, stretched, slack, crowded),
        )
        met += share * (alone * one + (1.0 - alone) * many)
    return met


@routine
def joint_attainment(first: float, second: float, pool: Pool, law: Law) -> float:
    """Share of requests that meet both targets: what delays prompts also stalls answers.

    On top of what independent targets give, a share of what is left to the smaller of both.
    """
    prompts, alone = law.prefill / max(law.load, 1e-9), law.delayed / max(law.prefill, 1e-9)
    many = 1.0 - 1.0 / max(pool.replicas, 1.0)
    together = min(MOST, (ALONE + SHARED * many) * prompts * prompts * alone * alone)
    together += (FULL_MOST - together) * (0.83 + 0.12 * many) * math.sqrt(law.full)
    return first * second + together * (min(first, second) - first * second)
