"""The batch of live requests that a replica holds: how long it takes to drain, and what is lost with it.

The fluid of `services` counts a request as served in the step that it is taken up. Scalar code between physics steps.
"""

from odc_gym._jit import routine
from odc_gym.core.jobs.hosting import leave
from odc_gym.core.layout.state import D, X
from odc_gym.core.layout.work import ABSENT, STATE, G, K, L, V
from odc_gym.physics.serving import residual_s, stretch


@routine
def steps_left(e, c):
    """Mean decode steps that a live request of a service still needs."""
    return residual_s(e.rules[G.steps, c], e.rules[G.decode_scv, c])


@routine
def drain_time_s(e, row):
    """Time until the batch of a replica is empty if it takes up nothing more [s].

    Of n requests with exponential rests, one ends after a share 1 / n of their mean rest; steps get shorter with the
    batch.
    """
    c, s = e.jobs[row]["class_id"], e.run[row]["host"]
    clock = e.classes[K.clock, c, s]
    if clock <= 0.0:
        return 0.0
    slow = stretch(e.rules[G.decode_kappa, c], clock) / (e.p[D.speed, s] * max(e.x[X.duty, s], 1e-3))
    shared = 0.0
    count = int(e.services[V.batch, c] + 0.5)
    for n in range(1, count + 1):
        shared += 1.0 / n
    takes = e.rules[G.base_s, c] * shared + e.rules[G.each_s, c] * count
    return slow * takes * steps_left(e, c) / e.rules[G.steps, c]


@routine
def live_gb(e, row):
    """Keys and values of the live requests of a replica [GB]; 0 of a job."""
    c = e.jobs[row]["class_id"]
    if e.rules[G.service, c] < 0.5 or e.run[row]["active"] <= 0.0:
        return 0.0
    return e.services[V.batch, c] * e.rules[G.context_gb, c]


@routine
def bring_batch(e, row, gb, source):
    """A replica that moved brings its live requests over the network."""
    if gb > 0.0:
        e.cargo[STATE, row] += gb
        e.run[row]["state_at"] = source
        e.ledger[L.asked_gb, e.jobs[row]["class_id"]] += gb


@routine
def lose_batch(e, row):
    """The batch of a replica is gone: its requests wait again, from their prompts on; the work that this costs.

    What the fluid had counted ahead is taken back.
    """
    c, r = e.jobs[row]["class_id"], e.run[row]
    if r["active"] <= 0.0:
        return 0.0
    r["active"] = 0.0
    rest = steps_left(e, c) / e.rules[G.steps, c]
    each_s = e.rules[G.base_s, c] / e.rules[G.batch, c] + e.rules[G.each_s, c]
    work = e.services[V.batch, c] * (e.rules[G.prefill_s, c] + each_s * rest) * e.jobs[row]["width"]
    tokens = work / e.rules[G.token_s, c]
    e.services[V.backlog, c] += tokens
    for account, share in (
        (L.served, 1.0),
        (L.in_target, e.services[V.both, c]),
        (L.first_met, e.services[V.first, c]),
    ):
        e.ledger[account, c] -= tokens * share
    e.ledger[L.pace_met, c] -= tokens * e.services[V.pace, c]
    e.ledger[L.credited_s, c] -= work
    e.ledger[L.lost_s, c] += work
    e.ledger[L.paid, c] -= e.rules[G.value, c] * work / 3600.0 * e.services[V.pay, c]
    return work


@routine
def begin_drain(e, row):
    """A replica takes up no more requests; whether it has a batch to finish."""
    r = e.run[row]
    if r["drain_s"] <= 0.0:
        r["drain_s"] = drain_time_s(e, row) if r["active"] > 0.0 else 0.0
    return r["drain_s"] > 0.0


@routine
def dismiss(e, row):
    """A replica without a batch gives its accelerators back; it is absent until the autoscaler wants it."""
    leave(e, row)
    e.run[row]["status"] = ABSENT
    e.run[row]["drain_s"] = 0.0


@routine
def stays(e, row, dt_s):
    """A step of a replica is over; whether it still holds its accelerators."""
    r = e.run[row]
    if r["drain_s"] <= 0.0:
        return True
    r["drain_s"] -= r["active"] * dt_s
    if r["drain_s"] > 0.0:
        return True
    dismiss(e, row)
    return False
