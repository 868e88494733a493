"""Jobs that wait: their rank in the queue, and where they could go.

A job is a row of the read-only table `jobs` and of `run`, which holds what changes. `lists[0]` holds the waiting rows
in queue order. Times are seconds since the episode's start, work is in reference accelerator-seconds.
"""

from odc_gym._jit import effect, routine
from odc_gym.physics.mathematics import LN_2, bounded_exp, clip
from odc_gym.simulation.state import ABSENT, WAITING, D, G, K, L, X

LEAST_REMAINING = 0.1  # of the estimate: what a job that outlives its estimate is still expected to need
NOWHERE = -1


@routine
def lateness(job, now):
    """Share of the value still paid: 1 until the deadline, linear to 0 at expiry."""
    return clip((job["expiry_s"] - now) / max(job["expiry_s"] - job["deadline_s"], 1.0), 0.0, 1.0)


@routine
def remaining_estimate(job, r):
    """Work that is visibly left: the estimate less what was done, never below a tenth of the estimate."""
    return max(job["estimate_s"] - r["safe_s"] - r["unsaved_s"], LEAST_REMAINING * job["estimate_s"])


@routine
def rank_of(job, r, rules, policy, urgency, now):
    """Place in the queue, higher first. A replica has no deadline of its own: it was due when it was wanted."""
    kind = job["kind"]
    service = rules[G.service, kind] > 0.5
    arrival = r["since_s"] if service else job["arrival_s"]
    if policy.order < 0.5:
        ageing = 1.0 + max(now - arrival, 0.0) / policy.age_s
        return rules[G.queue_value, kind] * bounded_exp(2.0 * LN_2 * urgency[kind]) * ageing
    due = arrival if service else job["deadline_s"]
    if policy.order < 1.5:
        return -due
    if policy.order < 2.5:
        left = 0.0 if service else remaining_estimate(job, r) / job["width"]
        return -(due - now - left)
    return -arrival


@routine
def link_gb(job, r, rules):
    """Data that a placement must bring: the input, and the state of a job that has one."""
    kind = job["kind"]
    return rules[G.data_gb, kind] + (rules[G.state_gb, kind] if r["safe_s"] > 0.0 else 0.0)


@routine
def wake_s(job, s, x, p):
    """Time until a job's accelerators are awake: none if enough of those that no job holds are."""
    ready = x[X.awake, s] - (x[X.living, s] - x[X.free, s])
    return p[D.wake_s, s] if job["width"] > ready else 0.0


@routine
def pays_in_time(job, r, rules, policy, rate, wake, now):
    """Whether transfer, waking up, start and the way to the next payable point end before the job is worthless."""
    kind = job["kind"]
    if rules[G.service, kind] > 0.5:
        return True
    unit = rules[G.unit_s, kind] - r["unsaved_s"] / job["width"]
    work_s = min(unit, remaining_estimate(job, r) / job["width"])
    start_s = policy.latency_s + link_gb(job, r, rules) / policy.link_gb_s + wake + rules[G.init_s, kind]
    return now + start_s + work_s / max(rate, 1e-6) < job["expiry_s"]


@routine
def score_of(s, kind, extra, x, classes, policy):
    """Bid less the weighted share of busy accelerators, `extra` more of them busy."""
    busy = (x[X.living, s] - x[X.free, s] + extra) / max(x[X.living, s], 1.0)
    return classes[K.bid, kind, s] - policy.load_weight * busy


@effect
def has_room(kind, width, s, x, classes, policy):
    """Whether a satellite is open to a class, its compute is on, and so many of its accelerators are free."""
    return x[X.free, s] >= width and x[X.off, s] == 0.0 and classes[K.bid, kind, s] >= policy.close


@routine
def feasible(job, r, s, x, p, classes, rules, policy, now):
    """Whether a satellite other than the present host can take a job now: there is room, and the job pays in time."""
    kind = job["kind"]
    if s == r["host"] or not has_room(kind, job["width"], s, x, classes, policy):
        return False
    return pays_in_time(job, r, rules, policy, classes[K.rate, kind, s], wake_s(job, s, x, p), now)


@routine
def best_host(job, r, floor, x, p, classes, rules, policy, now, n):
    """The feasible satellite of the highest score above `floor`, not the present host; ties go to the lower index."""
    best, kind, width = NOWHERE, job["kind"], job["width"]
    for s in range(n):
        if not has_room(kind, width, s, x, classes, policy):  # of most satellites no more need be asked
            continue
        score = score_of(s, kind, width, x, classes, policy)
        if score > floor and feasible(job, r, s, x, p, classes, rules, policy, now):
            floor = score
            best = s
    return best


@routine
def enqueue(row, head, waiting, run):
    """Insert a row in falling rank; equal ranks keep their order."""
    k = head["waiting"]
    while k > 0 and run[waiting[k - 1]]["rank"] < run[row]["rank"]:
        waiting[k] = waiting[k - 1]
        k -= 1
    waiting[k] = row
    head["waiting"] += 1
    run[row]["status"] = WAITING
    run[row]["host"] = NOWHERE


@routine
def requeue(row, head, jobs, run, lists, rules, policy, urgency, now):
    """Back to the queue; a replica is no longer wanted until the autoscaler says so."""
    r = run[row]
    if rules[G.service, jobs[row]["kind"]] > 0.5:
        r["status"] = ABSENT
        return
    r["rank"] = rank_of(jobs[row], r, rules, policy, urgency, now)
    enqueue(row, head, lists[0], run)


@routine
def rerank(head, jobs, run, waiting, rules, policy, urgency, now):
    """Sort the queue anew, once a decision."""
    count = head["waiting"]
    head["waiting"] = 0
    for k in range(count):
        row = waiting[k]
        run[row]["rank"] = rank_of(jobs[row], run[row], rules, policy, urgency, now)
        enqueue(row, head, waiting, run)


@routine
def admit(head, jobs, run, lists, ledger, rules, policy, urgency, now):
    """Arrivals join the queue."""
    while head["next_job"] < jobs.shape[0] and jobs[head["next_job"]]["arrival_s"] <= now:
        row = head["next_job"]
        run[row]["rank"] = rank_of(jobs[row], run[row], rules, policy, urgency, now)
        enqueue(row, head, lists[0], run)
        ledger[L.arrived_now, jobs[row]["kind"]] += jobs[row]["estimate_s"]
        head["next_job"] += 1
