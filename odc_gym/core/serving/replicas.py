"""Autoscaling: the number of replicas of each service follows its demand.

Replicas are rows of the job table and of the queue, see `core.jobs.dispatch`. A replica that is told to stop drains: it
takes up no more requests, and releases its accelerators when its batch is done. This is scalar code that runs between
physics steps.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from odc_gym.compilation.arguments import Array
from odc_gym.compilation.array_types import Float64x2, Float64x3, Int64x1
from odc_gym.compilation.decorators import routine
from odc_gym.compilation.kernel import kernel
from odc_gym.compilation.reference import by_reference, rows_of
from odc_gym.core.jobs.batches import begin_drain, release_replica
from odc_gym.core.jobs.host_search import build_heap, pop_heap, sift_down
from odc_gym.core.jobs.waiting import NOWHERE, enqueue_all, rank_of, score_of
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.records import JOB
from odc_gym.core.layout.state import Design, State
from odc_gym.core.layout.work import ABSENT, FREE, RUNNING, Classes, Rules
from odc_gym.core.layout.workspace import Workspace
from odc_gym.core.serving.slo_model import Pool, decode_step_times, request_times, set_capacities
from odc_gym.physics.mathematics import LN_2, bounded_exp, clip


@routine
def autoscale(env: Environment, planned: np.ndarray, dt_s: float, now_s: float) -> None:
    """Adjust the number of replicas to demand: add them at once, and retire them after a period of surplus.

    Args:
        env: environment.
        planned: tokens in the step that autoscalers plan with, (C,).
        dt_s: physics step [s].
        now_s: time since the start of the episode [s].
    """
    for c in range(env.num_classes):
        if env.rules.service[c] < 0.5:
            continue
        target = wanted_replicas(env, c, planned[c] / dt_s)
        count = serving_replicas(env, c)
        if count < target:
            count += resume_draining(env, c, target - count)
        if count < target:
            queue_replicas(env, c, target - count, now_s)
        surplus_s = env.services.surplus_s[c] + dt_s if count > target else 0.0
        if surplus_s >= env.rules.scale_down_s[c] or target == 0:
            retire_replicas(env, count - target, c, now_s)
            surplus_s = 0.0
        env.services.surplus_s[c] = surplus_s


@routine
def serving_replicas(env: Environment, c: int) -> int:
    """Return the number of replicas of service `c` that run or wait, without those that drain."""
    first, count = int(env.rules.first[c]), 0
    end = first + int(env.rules.replicas[c])
    for k in range(env.scalars[0]["waiting"]):
        count += 1 if first <= env.waiting[k] < end else 0
    for k in range(env.scalars[0]["running"]):
        row = env.running[k]
        if first <= row < end:
            count += 1 if env.run[row]["drain_s"] <= 0.0 else 0
    return count


@routine
def wanted_replicas(env: Environment, c: int, tokens_s: float) -> int:
    """Return the number of replicas for a demand [tokens/s], scaled by the urgency that the action sets.

    The demand is multiplied by 2 to the power of the urgency. Below the hold threshold, no replicas are wanted.
    """
    if env.urgency[c] < env.policy.hold:
        return 0
    return replicas_for(env, c, tokens_s * bounded_exp(LN_2 * env.urgency[c]))


class PlanningInputs(NamedTuple):
    """Fields of `Environment` that the planning of replicas reads, for a call before the episode begins."""

    jobs: np.ndarray
    sat: State
    design: Design
    classes: Classes
    rules: Rules
    num_satellites: int
    work: Workspace


@kernel
def initial_replicas(
    jobs: Annotated[np.ndarray, Array(JOB, 1)], state_block: Float64x2, design_block: Float64x2,
    class_block: Float64x3, rules_block: Float64x2, num_satellites: int, c: int, tokens_s: float, work: Workspace,
    count: Int64x1,
) -> None:  # fmt: skip
    """Compute the number of replicas of service `c` at the start of an episode.

    Args:
        jobs: job table, (J,).
        state_block: state of one environment, [field, P].
        design_block: design parameters, [field, P].
        class_block: state of classes, [field, C, P].
        rules_block: class parameters, [field, C].
        num_satellites: S.
        c: class of the service.
        tokens_s: demand [tokens/s].
        work: work arrays.
        count: number of replicas, (1,); written.
    """
    sat, design, classes = rows_of(State, state_block), rows_of(Design, design_block), rows_of(Classes, class_block)
    inputs = PlanningInputs(jobs, sat, design, classes, rows_of(Rules, rules_block), num_satellites, work)
    count[0] = replicas_for(by_reference(inputs), c, tokens_s)


@routine
def replicas_for(env: Environment, c: int, tokens_s: float) -> int:
    """Return the number of replicas that serve a demand [tokens/s] at the planned load.

    Each replica counts with the mean capacity over all satellites that have working accelerators.
    """
    capacity = env.work.capacity
    rate = prefill = decode = slots = hosts = 0.0
    set_capacities(env, c, 1.0)
    for s in range(env.num_satellites):
        if env.sat.living[s] > 0.0:
            replica_rate = capacity[0, s]
            hosts += 1.0
            rate += replica_rate
            prefill += replica_rate * capacity[1, s]
            decode += replica_rate * capacity[2, s]
            slots += capacity[3, s]
    if rate <= 0.0:
        return 0
    pool = Pool(1.0, rate / hosts, prefill / rate, decode / rate, slots / hosts, 0.0)
    requests_s = tokens_s / env.rules.request_tokens[c]
    return int(min(np.ceil(requests_s / (planned_load(env, c, pool) * pool.rate)), env.rules.replicas[c]))


@routine
def planned_load(env: Environment, c: int, pool: Pool) -> float:
    """Return the load that the autoscaler plans with: the headroom, or less if the mean TPOT would miss its target.

    Little's law gives the mean time per output token (TPOT). It is the time of a decode step with an empty batch over a
    share of time: the share without prefill and without the part of decoding that grows with the batch.
    """
    prefill, decode, base = request_times(env.rules, c, pool)
    at_target = (1.0 - decode_step_times(env.rules, c, pool)[0] / env.rules.token_target_s[c]) * (prefill + decode)
    return clip(at_target / max(prefill + decode - base, 1e-9), 0.1, env.rules.headroom[c])


@routine
def resume_draining(env: Environment, c: int, count: int) -> int:
    """Return up to `count` draining replicas to service, and return their number.

    Replicas on satellites whose bid asks to drain the class keep draining.
    """
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
    """Add up to `count` absent replicas of service `c` to the queue. All of them have the same rank."""
    first, spare, found = int(env.rules.first[c]), env.work.search.spare, 0
    for row in range(first, first + int(env.rules.replicas[c])):
        if found < count and env.run[row]["status"] == ABSENT:
            env.run[row]["since_s"] = now_s
            env.run[row]["rank"] = rank_of(env, row, now_s)
            spare[found] = row
            found += 1
    enqueue_all(env, found)


@routine
def retire_replicas(env: Environment, count: int, class_id: int, now_s: float) -> None:
    """Retire up to `count` replicas: first those that wait, then those on the satellites with the lowest scores."""
    retire_running(env, count - retire_waiting(env, count, class_id), class_id, now_s)


@routine
def retire_waiting(env: Environment, count: int, class_id: int) -> int:
    """Remove up to `count` replicas of a service from the queue, the last first, and return their number."""
    scalars, waiting = env.scalars[0], env.waiting
    num_retired = 0
    for k in range(scalars["waiting"] - 1, -1, -1):
        row = waiting[k]
        if num_retired < count and env.jobs[row]["class_id"] == class_id:
            env.run[row]["status"] = ABSENT
            env.run[row]["order"] = FREE
            waiting[k] = NOWHERE
            num_retired += 1
    if num_retired > 0:
        scalars["waiting"] = without_gaps(waiting, scalars["waiting"])
    return num_retired


@routine
def without_gaps(rows: np.ndarray, count: int) -> int:
    """Close the gaps of NOWHERE among the first `count` rows of a list, and return the number of rows left."""
    num_kept = 0
    for k in range(count):
        if rows[k] != NOWHERE:
            rows[num_kept] = rows[k]
            num_kept += 1
    return num_kept


@routine
def retire_running(env: Environment, count: int, class_id: int, now_s: float) -> None:
    """Drain up to `count` replicas, first those on the satellites with the lowest scores.

    Ties go to the replica that started first. A release raises the score of its satellite, so that a replica whose
    score has changed takes a later place.
    """
    scalars, running, search = env.scalars[0], env.running, env.work.search
    if count <= 0:
        return
    num_candidates, num_released = 0, 0
    for k in range(scalars["running"]):
        row = running[k]
        if env.jobs[row]["class_id"] == class_id and env.run[row]["drain_s"] <= 0.0:
            search.heap[num_candidates] = k
            search.key[num_candidates] = -score_of(env, env.run[row]["host"], class_id, 0)
            num_candidates += 1
    build_heap(env, num_candidates)
    while count > 0 and num_candidates > 0:
        row = running[search.heap[0]]
        key = -score_of(env, env.run[row]["host"], class_id, 0)
        if key != search.key[0]:
            search.key[0] = key
            sift_down(env, 0, num_candidates)
            continue
        k = pop_heap(env, num_candidates)
        num_candidates -= 1
        count -= 1
        if not begin_drain(env, row):
            release_replica(env, row, now_s)
            running[k] = NOWHERE
            num_released += 1
    if num_released > 0:
        scalars["running"] = without_gaps(running, scalars["running"])
