"""Replicas of services follow the demand: wanted, retired and drained. Scalar code between physics steps.

Replicas are rows of the job table and of the queue, see `dispatch`. One that is told to stop takes up no more requests,
and gives its accelerators back when its batch is done.
"""

from typing import NamedTuple

import numpy as np

from odc_gym._jit import kernel, routine
from odc_gym.core.jobs.batches import begin_drain, dismiss
from odc_gym.core.jobs.hosting import drop_running
from odc_gym.core.jobs.waiting import NOWHERE, drop_waiting, enqueue, rank_of, score_of
from odc_gym.core.layout.state import X
from odc_gym.core.layout.work import ABSENT, FREE, RUNNING, WAITING, G, K, V
from odc_gym.core.serving.slo_model import Pool, offer, steps_of, times_of
from odc_gym.physics.mathematics import LN_2, bounded_exp, clip


@routine
def autoscale(e, planned, dt_s, now):
    """Services want replicas for the demand they plan with: up at once, down after a while of surplus."""
    for c in range(e.rules.shape[1]):
        if e.rules[G.service, c] < 0.5:
            continue
        target = wanted_replicas(e, c, planned[c] / dt_s)
        have = serving_replicas(e, c)
        if have < target:
            have += keep_draining(e, c, target - have)
        if have < target:
            want(e, c, target - have, now)
        surplus_s = e.services[V.surplus_s, c] + dt_s if have > target else 0.0
        if surplus_s >= e.rules[G.scale_down_s, c] or target == 0:
            retire(e, have - target, c)
            surplus_s = 0.0
        e.services[V.surplus_s, c] = surplus_s


@routine
def serving_replicas(e, c):
    """Replicas that run or wait, those that drain left out."""
    first = int(e.rules[G.first, c])
    have = 0
    for row in range(first, first + int(e.rules[G.replicas, c])):
        status = e.run[row]["status"]
        have += 1 if status == WAITING or (status == RUNNING and e.run[row]["drain_s"] <= 0.0) else 0
    return have


@routine
def wanted_replicas(e, c, tokens_s):
    """Replicas that a service wants for a demand of so many tokens a second, as urgent as the action says."""
    if e.urgency[c] < e.policy.hold:
        return 0
    return replicas_for(e, c, tokens_s * bounded_exp(LN_2 * e.urgency[c]))


class Hosts(NamedTuple):
    """What the planning of replicas reads of an environment, see `Fleet`."""

    jobs: np.ndarray
    x: np.ndarray
    p: np.ndarray
    classes: np.ndarray
    rules: np.ndarray
    satellites: int


@kernel
def first_replicas(jobs, x, p, classes, rules, satellites, c, tokens_s):
    """Replicas that a service has as an episode begins."""
    return replicas_for(Hosts(jobs, x, p, classes, rules, satellites), c, tokens_s)


@routine
def replicas_for(e, c, tokens_s):
    """Replicas that serve a demand of so many tokens a second at the planned load, at the fleet's mean rate."""
    first = int(e.rules[G.first, c])
    rate = prefill = decode = slots = hosts = 0.0
    for s in range(e.satellites):
        if e.x[X.living, s] > 0.0:
            each, slow_prefill, slow_decode, most = offer(e, c, e.jobs[first]["width"], s, 1.0)
            hosts += 1.0
            rate += each
            prefill += each * slow_prefill
            decode += each * slow_decode
            slots += most
    if rate <= 0.0:
        return 0
    pool = Pool(1.0, rate / hosts, prefill / rate, decode / rate, slots / hosts, 0.0)
    wanted = tokens_s / e.rules[G.request_tokens, c]
    return int(min(np.ceil(wanted / (planned_load(e, c, pool) * pool.rate)), e.rules[G.replicas, c]))


@routine
def planned_load(e, c, pool):
    """Load that the autoscaler plans with: the headroom, less where the mean time per token would miss its target.

    By Little's law that time is the base of a step over the share of the time that neither prefill nor what grows with
    the batch takes.
    """
    prefill, decode, base = times_of(e.rules, c, pool)
    at_target = (1.0 - steps_of(e.rules, c, pool)[0] / e.rules[G.token_target_s, c]) * (prefill + decode)
    return clip(at_target / max(prefill + decode - base, 1e-9), 0.1, e.rules[G.headroom, c])


@routine
def keep_draining(e, c, count):
    """Replicas that drain take up requests again, where their satellite is not itself to be drained; how many do."""
    first, kept = int(e.rules[G.first, c]), 0
    for row in range(first, first + int(e.rules[G.replicas, c])):
        r = e.run[row]
        draining = kept < count and r["status"] == RUNNING and r["drain_s"] > 0.0
        if draining and e.classes[K.bid, c, r["host"]] >= e.policy.drain:
            r["drain_s"] = 0.0
            kept += 1
    return kept


@routine
def want(e, c, count, now):
    """Replicas that are absent join the queue."""
    first = int(e.rules[G.first, c])
    for row in range(first, first + int(e.rules[G.replicas, c])):
        if count > 0 and e.run[row]["status"] == ABSENT:
            e.run[row]["since_s"] = now
            e.run[row]["rank"] = rank_of(e, row, now)
            enqueue(e, row)
            count -= 1


@routine
def retire(e, count, kind):
    """Take `count` replicas away: waiting ones first, then those on the worst satellites."""
    for _ in range(count):
        if not retire_waiting(e, kind) and not retire_running(e, kind):
            return


@routine
def retire_waiting(e, kind):
    """The last waiting replica of a service leaves the queue; whether there was one."""
    head, waiting = e.head[0], e.lists[0]
    place = NOWHERE
    for k in range(head["waiting"]):
        if e.jobs[waiting[k]]["class_id"] == kind:
            place = k
    if place == NOWHERE:
        return False
    e.run[waiting[place]]["status"] = ABSENT
    e.run[waiting[place]]["order"] = FREE
    drop_waiting(e, place)
    return True


@routine
def retire_running(e, kind):
    """The replica on the satellite of the lowest score drains; whether there was one."""
    last, worst = NOWHERE, np.inf
    for k in range(e.head[0]["running"]):
        row = e.lists[1, k]
        if e.jobs[row]["class_id"] == kind and e.run[row]["drain_s"] <= 0.0:
            score = score_of(e, e.run[row]["host"], kind, 0)
            if score < worst:
                worst = score
                last = k
    if last == NOWHERE:
        return False
    row = e.lists[1, last]
    if not begin_drain(e, row):
        dismiss(e, row)
        drop_running(e, last)
    return True
