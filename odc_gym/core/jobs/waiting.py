"""Jobs that wait: their rank in the queue, and where they could go.

A job is a row of the read-only table `jobs` and of `run`, which holds what changes. `lists[0]` holds the waiting rows
in queue order. Times are seconds since the episode's start, work is in reference accelerator-seconds.
"""

import numpy as np

from odc_gym._jit import inline, routine
from odc_gym.core.jobs.checkpoints import unit_work
from odc_gym.core.layout.state import UNBOUND_S, D, X
from odc_gym.core.layout.work import ABSENT, RESULT, WAITING, G, K, Q
from odc_gym.core.network.execution_rate import forecast_rate, has_hosts
from odc_gym.core.network.routes import transfer_end_s
from odc_gym.core.network.storage import part_gb, source_of
from odc_gym.physics.mathematics import LN_2, bounded_exp, clip

LEAST_REMAINING = 0.1  # of the estimate: what a job that outlives its estimate is still expected to need
NOWHERE = -1


@routine
def lateness(e, row, now):
    """Share of the value still paid: 1 until the deadline, linear to 0 at expiry; or by age, until it is worthless."""
    job, decay_s = e.jobs[row], e.rules[G.decay_s, e.jobs[row]["class_id"]]
    if decay_s > 0.0:
        return bounded_exp(-(now - job["arrival_s"]) / decay_s) if now < job["expiry_s"] else 0.0
    return clip((job["expiry_s"] - now) / max(job["expiry_s"] - job["deadline_s"], 1.0), 0.0, 1.0)


@routine
def remaining_estimate(job, r):
    """Work that is visibly left: the estimate less what was done, never below a tenth of the estimate."""
    return max(job["estimate_s"] - r["safe_s"] - r["unsaved_s"], LEAST_REMAINING * job["estimate_s"])


@routine
def is_replica(e, row):
    """Whether a row of the job table is a replica of a service."""
    return e.rules[G.service, e.jobs[row]["class_id"]] > 0.5


@routine
def fair_share(e, tenant):
    """What a tenant's rank is multiplied by: 2^-(share of the accelerators that jobs hold / share by right).

    Source: fair-share factor of Slurm's multifactor priority plugin.
    """
    if e.policy.fair_s == 0.0 or tenant < 0:
        return 1.0
    held = 0.0
    for i in range(e.tenants.shape[1]):
        held += e.tenants[Q.held, i]
    return bounded_exp(-LN_2 * e.tenants[Q.held, tenant] / max(held, 1e-9) / e.tenants[Q.right, tenant])


@routine
def rank_of(e, row, now):
    """Place in the queue, higher first. A replica has no deadline of its own: it was due when it was wanted."""
    job, r, policy = e.jobs[row], e.run[row], e.policy
    kind = job["class_id"]
    service = is_replica(e, row)
    arrival = r["since_s"] if service else job["arrival_s"]
    if policy.order < 0.5:
        ageing = (1.0 + max(now - arrival, 0.0) / policy.age_s) * fair_share(e, job["tenant"])
        return e.rules[G.queue_value, kind] * job["price"] * bounded_exp(2.0 * LN_2 * e.urgency[kind]) * ageing
    due = arrival if service else job["deadline_s"]
    if policy.order < 1.5:
        return -due
    if policy.order < 2.5:
        left = 0.0 if service else remaining_estimate(job, r) / job["total_accelerators"]
        return -(due - now - left)
    return -arrival


@routine
def link_gb(e, row):
    """Data that a placement must bring where nothing of it lies: model, input, and the state of a job that has one."""
    kind = e.jobs[row]["class_id"]
    gb = e.models[e.jobs[row]["model"]] + e.rules[G.data_gb, kind]
    return gb + (e.rules[G.state_gb, kind] if e.run[row]["safe_s"] > 0.0 else 0.0)


@routine
def bring_s(e, row, first, s):
    """Time until all that a row needs is on a satellite, one part after the other [s]; inf if a way does not last.

    `first` is the first row of its gang, or the row itself.
    """
    end_s, tick = 0.0, e.head[0]["tick"]
    for part in range(RESULT):
        gb = part_gb(e, row, first, s, part)
        if gb > 0.0:
            end_s = transfer_end_s(e, source_of(e, row, first, part), s, gb, tick, end_s)
    return end_s


@routine
def wake_s(e, row, s):
    """Time until a job's accelerators are awake: none if enough of those that no job holds are."""
    ready = e.x[X.awake, s] - (e.x[X.living, s] - e.x[X.free, s])
    return e.p[D.wake_s, s] if e.jobs[row]["width"] > ready else 0.0


@routine
def start_s(e, row, first, s):
    """Time from the placement of a row on a satellite to its first work: transfer, waking up and start."""
    brought_s = bring_s(e, row, first, s)
    return e.run[row]["writing_s"] + brought_s + wake_s(e, row, s) + e.rules[G.init_s, e.jobs[row]["class_id"]]


@routine
def ready_s(e, row, s):
    """Time from the placement of a job on a satellite to its first work; of a gang with hosts that of its slowest."""
    if e.jobs[row]["num_satellites"] == 1 or not has_hosts(e, row):
        return start_s(e, row, row, s)
    last_s = 0.0
    for member in range(row, row + e.jobs[row]["num_satellites"]):
        last_s = max(last_s, start_s(e, member, row, e.run[member]["host"]))
    return last_s


@routine
def edge_s(e, row, s):
    """Forecast time of the work up to the next payable point, or to the end if that is nearer."""
    job, r = e.jobs[row], e.run[row]
    unit = unit_work(e, row, s) - r["unsaved_s"] / job["total_accelerators"]
    work_s = min(unit, remaining_estimate(job, r) / job["total_accelerators"])
    return work_s / max(forecast_rate(e, row, s), 1e-6)


@routine
def stay_s(e, row, s, now):
    """Forecast time of work until a job gives its accelerators back, or yields them to the blocked job."""
    job, r = e.jobs[row], e.run[row]
    kind = job["class_id"]
    if e.rules[G.yields, kind] > 0.5 and rank_of(e, row, now) < e.head[0]["blocked_rank"]:
        return edge_s(e, row, s)
    left = job["estimate_s"] - r["safe_s"] - r["unsaved_s"]
    left = left if left > 0.0 else LEAST_REMAINING * job["estimate_s"]  # an exact estimate stays exact
    left = left / job["total_accelerators"]
    stalls = np.floor((r["unsaved_s"] / job["total_accelerators"] + left) / unit_work(e, row, s))
    return left / max(forecast_rate(e, row, s), 1e-6) + stalls * e.rules[G.stall_s, kind]


@routine
def pays_in_time(e, row, s, now):
    """Whether transfer, waking up, start and the way to the next payable point end before the job is worthless."""
    if is_replica(e, row):
        return bring_s(e, row, row, s) < np.inf
    return now + ready_s(e, row, s) + edge_s(e, row, s) < e.jobs[row]["expiry_s"]


@routine
def gone_in_time(e, row, s, now):
    """Whether a job that enters a satellite is expected to leave before the job for which it is reserved starts."""
    if e.x[X.shadow_s, s] >= UNBOUND_S or row == e.head[0]["reserved_row"]:
        return True
    return not is_replica(e, row) and now + ready_s(e, row, s) + stay_s(e, row, s, now) <= e.x[X.shadow_s, s]


@routine
def keeps_promise(e, row, s, now):
    """Whether a job that enters a satellite does not delay the job for which it is reserved.

    It leaves in time, or takes no more than is left over. Source: Lifka, "The ANL/IBM SP scheduling system", JSSPP
    1995.
    """
    return e.jobs[row]["width"] <= e.x[X.spare, s] or gone_in_time(e, row, s, now)


@routine
def score_of(e, s, kind, extra):
    """Bid less the weighted share of busy accelerators, `extra` more of them busy."""
    busy = (e.x[X.living, s] - e.x[X.free, s] + extra) / max(e.x[X.living, s], 1.0)
    return e.classes[K.bid, kind, s] - e.policy.load_weight * busy


@inline
def is_open(e, kind, s):
    """Whether a satellite is open to a class: by its bid, with its compute on and memory enough."""
    able = e.x[X.off, s] == 0.0 and e.p[D.hbm_gb, s] >= e.rules[G.memory_gb, kind]
    return able and e.classes[K.bid, kind, s] >= e.policy.close


@inline
def has_room(e, kind, width, s):
    """Whether a satellite is open to a class and so many of its accelerators are free."""
    return e.x[X.free, s] >= width and is_open(e, kind, s)


@routine
def feasible(e, row, s, now):
    """Whether a satellite other than the present host can take a job now: there is room, and the job pays in time."""
    job = e.jobs[row]
    if s == e.run[row]["host"] or not has_room(e, job["class_id"], job["width"], s):
        return False
    return pays_in_time(e, row, s, now)


@routine
def may_host(e, row, s, now):
    """Whether a satellite has room for a job, and the job delays nobody who has a reservation there."""
    job = e.jobs[row]
    return has_room(e, job["class_id"], job["width"], s) and keeps_promise(e, row, s, now)


@routine
def best_host(e, row, floor, now):
    """The feasible satellite of the highest score above `floor`, not the present host; ties go to the lower index.

    Satellites on which the job would delay the one that has a reservation there are left out.
    """
    job = e.jobs[row]
    best, kind, width = NOWHERE, job["class_id"], job["width"]
    for s in range(e.satellites):
        if not has_room(e, kind, width, s):  # of most satellites no more need be asked
            continue
        score = score_of(e, s, kind, width)
        if score > floor and feasible(e, row, s, now) and keeps_promise(e, row, s, now):
            floor = score
            best = s
    return best


@routine
def enqueue(e, row):
    """Insert a row in falling rank; equal ranks keep their order."""
    waiting, run = e.lists[0], e.run
    k = e.head[0]["waiting"]
    while k > 0 and run[waiting[k - 1]]["rank"] < run[row]["rank"]:
        waiting[k] = waiting[k - 1]
        k -= 1
    waiting[k] = row
    e.head[0]["waiting"] += 1
    run[row]["status"] = WAITING
    run[row]["host"] = NOWHERE


@routine
def drop_waiting(e, k):
    """Take the k-th of the waiting rows out of the queue."""
    e.head[0]["waiting"] -= 1
    for i in range(k, e.head[0]["waiting"]):
        e.lists[0, i] = e.lists[0, i + 1]


@routine
def requeue(e, row, now):
    """Back to the queue; a replica is no longer wanted until the autoscaler says so."""
    if is_replica(e, row):
        e.run[row]["status"] = ABSENT
        e.run[row]["drain_s"] = 0.0
        return
    e.run[row]["rank"] = rank_of(e, row, now)
    enqueue(e, row)


@routine
def rerank(e, now):
    """Sort the queue anew, once a decision."""
    count = e.head[0]["waiting"]
    e.head[0]["waiting"] = 0
    for k in range(count):
        row = e.lists[0, k]
        e.run[row]["rank"] = rank_of(e, row, now)
        enqueue(e, row)
