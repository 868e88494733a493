"""Replicas of services follow the demand: wanted, retired and drained. Scalar code between physics steps.

Replicas are rows of the job table and of the queue, see `dispatch`. One that is told to stop takes up no more requests,
and gives its accelerators back when its batch is done.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym._jit import kernel, routine
from odc_gym._reference import by_reference, rows_of
from odc_gym.core.jobs.batches import begin_drain, release_replica
from odc_gym.core.jobs.hosting import remove_running
from odc_gym.core.jobs.waiting import NOWHERE, enqueue, rank_of, remove_waiting, score_of
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.state import Design, State
from odc_gym.core.layout.work import ABSENT, FREE, RUNNING, WAITING, Classes, Rules
from odc_gym.core.serving.slo_model import Pool, replica_capacity, steps_of, times_of
from odc_gym.physics.mathematics import LN_2, bounded_exp, clip


@routine
def autoscale(env: Environment, planned: np.ndarray, dt_s: float, now_s: float) -> None:
    """Services want replicas for the demand they plan with: up at once, down after a while of surplus."""
    for c in range(env.num_classes):
        if env.rules.service[c] < 0.5:
            continue
        target = wanted_replicas(env, c, planned[c] / dt_s)
        have = serving_replicas(env, c)
        if have < target:
            have += keep_draining(env, c, target - have)
        if have < target:
            queue_replicas(env, c, target - have, now_s)
        surplus_s = env.services.surplus_s[c] + dt_s if have > target else 0.0
        if surplus_s >= env.rules.scale_down_s[c] or target == 0:
            retire_replicas(env, have - target, c)
            surplus_s = 0.0
        env.services.surplus_s[c] = surplus_s


@routine
def serving_replicas(env: Environment, c: int) -> int:
    """Replicas that run or wait, those that drain left out."""
    first = int(env.rules.first[c])
    have = 0
    for row in range(first, first + int(env.rules.replicas[c])):
        status = env.run[row]["status"]
        have += 1 if status == WAITING or (status == RUNNING and env.run[row]["drain_s"] <= 0.0) else 0
    return have


@routine
def wanted_replicas(env: Environment, c: int, tokens_s: float) -> int:
    """Replicas that a service wants for a demand of so many tokens a second, as urgent as the action says."""
    if env.urgency[c] < env.policy.hold:
        return 0
    return replicas_for(env, c, tokens_s * bounded_exp(LN_2 * env.urgency[c]))


class Hosts(NamedTuple):
    """The part of `Environment` that the planning of replicas reads."""

    jobs: np.ndarray
    sat: State
    design: Design
    classes: Classes
    rules: Rules
    num_satellites: int


@kernel
def first_replicas(
    jobs: np.ndarray, state: np.ndarray, design: np.ndarray, classes: np.ndarray, rules: np.ndarray,
    num_satellites: int, c: int, tokens_s: float,
) -> int:  # fmt: skip
    """Return the number of replicas that service `c` has as an episode begins.

    Args:
        jobs: job table, (J,).
        state: [field, P].
        design: [field, P].
        classes: [field, C, P].
        rules: class parameters, [field, C].
        num_satellites: S.
        c: the class.
        tokens_s: demand [tokens/s].
    """
    sat, at, of_classes = rows_of(State, state), rows_of(Design, design), rows_of(Classes, classes)
    hosts = Hosts(jobs, sat, at, of_classes, rows_of(Rules, rules), num_satellites)
    return replicas_for(by_reference(hosts), c, tokens_s)


@routine
def replicas_for(env: Environment, c: int, tokens_s: float) -> int:
    """Replicas that serve a demand of so many tokens a second at the planned load, at the fleet's mean rate."""
    first = int(env.rules.first[c])
    rate = prefill = decode = slots = hosts = 0.0
    for s in range(env.num_satellites):
        if env.sat.living[s] > 0.0:
            each, slow_prefill, slow_decode, most = replica_capacity(env, c, env.jobs[first]["width"], s, 1.0)
            hosts += 1.0
            rate += each
            prefill += each * slow_prefill
            decode += each * slow_decode
            slots += most
    if rate <= 0.0:
        return 0
    pool = Pool(1.0, rate / hosts, prefill / rate, decode / rate, slots / hosts, 0.0)
    wanted = tokens_s / env.rules.request_tokens[c]
    return int(min(np.ceil(wanted / (planned_load(env, c, pool) * pool.rate)), env.rules.replicas[c]))


@routine
def planned_load(env: Environment, c: int, pool: Pool) -> float:
    """Load that the autoscaler plans with: the headroom, less where the mean time per token would miss its target.

    By Little's law that time is the base of a step over the share of the time that neither prefill nor what grows with
    the batch takes.
    """
    prefill, decode, base = times_of(env.rules, c, pool)
    at_target = (1.0 - steps_of(env.rules, c, pool)[0] / env.rules.token_target_s[c]) * (prefill + decode)
    return clip(at_target / max(prefill + decode - base, 1e-9), 0.1, env.rules.headroom[c])


@routine
def keep_draining(env: Environment, c: int, count: int) -> int:
    """Replicas that drain take up requests again, where their satellite is not itself to be drained; how many do."""
    first, kept = int(env.rules.first[c]), 0
    for row in range(first, first + int(env.rules.replicas[c])):
        run = env.run[row]
        draining = kept < count and run["status"] == RUNNING and run["drain_s"] > 0.0
        if draining and env.classes.bid[c, run["host"]] >= env.policy.drain:
            run["drain_s"] = 0.0
            kept += 1
    return kept


@routine
def queue_replicas(env: Environment, c: int, count: int, now_s: float) -> None:
    """Replicas that are absent join the queue."""
    first = int(env.rules.first[c])
    for row in range(first, first + int(env.rules.replicas[c])):
        if count > 0 and env.run[row]["status"] == ABSENT:
            env.run[row]["since_s"] = now_s
            env.run[row]["rank"] = rank_of(env, row, now_s)
            enqueue(env, row)
            count -= 1


@routine
def retire_replicas(env: Environment, count: int, class_id: int) -> None:
    """Take `count` replicas away: waiting ones first, then those on the worst satellites."""
    for _ in range(count):
        if not retire_waiting(env, class_id) and not retire_running(env, class_id):
            return


@routine
def retire_waiting(env: Environment, class_id: int) -> bool:
    """The last waiting replica of a service leaves the queue; whether there was one."""
    scalars, waiting = env.scalars[0], env.waiting
    place = NOWHERE
    for k in range(scalars["waiting"]):
        if env.jobs[waiting[k]]["class_id"] == class_id:
            place = k
    if place == NOWHERE:
        return False
    env.run[waiting[place]]["status"] = ABSENT
    env.run[waiting[place]]["order"] = FREE
    remove_waiting(env, place)
    return True


@routine
def retire_running(env: Environment, class_id: int) -> bool:
    """The replica on the satellite of the lowest score drains; whether there was one."""
    last, worst = NOWHERE, np.inf
    for k in range(env.scalars[0]["running"]):
        row = env.running[k]
        if env.jobs[row]["class_id"] == class_id and env.run[row]["drain_s"] <= 0.0:
            score = score_of(env, env.run[row]["host"], class_id, 0)
            if score < worst:
                worst = score
                last = k
    if last == NOWHERE:
        return False
    row = env.running[last]
    if not begin_drain(env, row):
        release_replica(env, row)
        remove_running(env, last)
    return True
