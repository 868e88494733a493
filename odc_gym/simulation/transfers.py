"""Data on its way to jobs: what is left of a step after transfer and start is work. Scalar code between steps."""

from odc_gym._jit import routine
from odc_gym.simulation.state import X, fill
from odc_gym.simulation.work import K


@routine
def transfer(e, dt_s):
    """Data comes over the links, shared equally; what is left of the step after transfer and start is active."""
    x, classes, policy = e.x, e.classes, e.policy
    fill(x[X.link_frac], 0.0)  # counts transfers first
    for c in range(e.rules.shape[1]):
        fill(classes[K.busy, c], 0.0)
        fill(classes[K.transfer_gb, c], 0.0)
    for k in range(e.head[0]["running"]):
        first = e.lists[1, k]
        for row in range(first, first + e.jobs[first]["members"]):
            r = e.run[row]
            if r["transfer_gb"] > 0.0:
                x[X.link_frac, r["host"]] += 1.0
                classes[K.transfer_gb, e.jobs[row]["kind"], r["host"]] += r["transfer_gb"]
    for k in range(e.head[0]["running"]):
        first = e.lists[1, k]
        active, end = 1.0, first + e.jobs[first]["members"]
        for row in range(first, end):
            active = min(active, active_frac(e, row, dt_s))
        for row in range(first, end):  # a gang goes on when its last member is ready
            job, r = e.jobs[row], e.run[row]
            r["active"] = active
            classes[K.busy, job["kind"], r["host"]] += job["width"] * active
    for s in range(e.satellites):
        gb = 0.0
        for c in range(e.rules.shape[1]):
            gb += classes[K.transfer_gb, c, s]
        x[X.link_frac, s] = min(1.0, gb / (policy.link_gb_s * dt_s))


@routine
def active_frac(e, row, dt_s):
    """Share of a step that is left to a row of a running job after its transfer and start, which go on."""
    r, left = e.run[row], dt_s
    if r["transfer_gb"] > 0.0:
        rate = e.policy.link_gb_s / e.x[X.link_frac, r["host"]]
        took = min(dt_s, r["transfer_gb"] / rate)
        left -= took
        r["transfer_gb"] = 0.0 if took < dt_s else max(r["transfer_gb"] - rate * dt_s, 0.0)
    waits = min(left, r["delay_s"])
    r["delay_s"] -= waits
    return (left - waits) / dt_s
