"""Jobs that wait: their rank in the queue, and where they could go.

A job is a row of the read-only table `jobs` and of `run`, which holds what changes. `lists[0]` holds the waiting rows
in queue order. Times are seconds since the episode's start, work is in reference accelerator-seconds.
"""

from __future__ import annotations

import numpy as np

from odc_gym._jit import inline, routine
from odc_gym.core.jobs.checkpoints import unit_work
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.state import UNBOUND_S
from odc_gym.core.layout.work import ABSENT, EARLIEST_DEADLINE, LEAST_SLACK, RESULT, VALUE, WAITING
from odc_gym.core.network.execution_rate import forecast_rate, has_hosts
from odc_gym.core.network.routes import transfer_end_s
from odc_gym.core.network.storage import item_gb, source_of
from odc_gym.physics.mathematics import LN_2, bounded_exp, clip

LEAST_REMAINING = 0.1  # of the estimate: what a job that outlives its estimate is still expected to need
NOWHERE = -1


@routine
def lateness_factor(env: Environment, row: int, now_s: float) -> float:
    """Share of the value still paid: 1 until the deadline, linear to 0 at expiry; or by age, until it is worthless."""
    job, decay_s = env.jobs[row], env.rules.decay_s[env.jobs[row]["class_id"]]
    if decay_s > 0.0:
        return bounded_exp(-(now_s - job["arrival_s"]) / decay_s) if now_s < job["expiry_s"] else 0.0
    return clip((job["expiry_s"] - now_s) / max(job["expiry_s"] - job["deadline_s"], 1.0), 0.0, 1.0)


@routine
def remaining_estimate(job: np.void, run: np.void) -> float:
    """Work that is visibly left: the estimate less what was done, never below a tenth of the estimate."""
    return max(job["estimate_s"] - run["checkpointed_s"] - run["uncheckpointed_s"], LEAST_REMAINING * job["estimate_s"])


@routine
def is_replica(env: Environment, row: int) -> bool:
    """Whether a row of the job table is a replica of a service."""
    return env.rules.service[env.jobs[row]["class_id"]] > 0.5


@routine
def fair_share(env: Environment, tenant: int) -> float:
    """What a tenant's rank is multiplied by: 2^-(share of the accelerators that jobs hold / share by right).

    Source: fair-share factor of Slurm's multifactor priority plugin.
    """
    if env.policy.fair_s == 0.0 or tenant < 0:
        return 1.0
    held = 0.0
    for i in range(env.tenants.held.shape[0]):
        held += env.tenants.held[i]
    return bounded_exp(-LN_2 * env.tenants.held[tenant] / max(held, 1e-9) / env.tenants.right[tenant])


@routine
def rank_of(env: Environment, row: int, now_s: float) -> float:
    """Place in the queue, higher first. A replica has no deadline of its own: it was due when it was wanted."""
    job, run, policy = env.jobs[row], env.run[row], env.policy
    class_id = job["class_id"]
    service = is_replica(env, row)
    arrival = run["since_s"] if service else job["arrival_s"]
    if policy.order == VALUE:
        ageing = (1.0 + max(now_s - arrival, 0.0) / policy.age_s) * fair_share(env, job["tenant"])
        return env.rules.queue_value[class_id] * job["price"] * bounded_exp(2.0 * LN_2 * env.urgency[class_id]) * ageing
    due = arrival if service else job["deadline_s"]
    if policy.order == EARLIEST_DEADLINE:
        return -due
    if policy.order == LEAST_SLACK:
        left = 0.0 if service else remaining_estimate(job, run) / job["total_accelerators"]
        return -(due - now_s - left)
    return -arrival


@routine
def placement_gb(env: Environment, row: int) -> float:
    """Data that a placement must bring where nothing of it lies: model, input, and the state of a job that has one."""
    class_id = env.jobs[row]["class_id"]
    gb = env.model_gb[env.jobs[row]["model"]] + env.rules.data_gb[class_id]
    return gb + (env.rules.state_gb[class_id] if env.run[row]["checkpointed_s"] > 0.0 else 0.0)


@routine
def transfer_time_s(env: Environment, row: int, first: int, s: int) -> float:
    """Time until all that a row needs is on a satellite, one part after the other [s]; inf if a way does not last.

    `first` is the first row of its gang, or the row itself.
    """
    end_s, tick = 0.0, env.scalars[0]["tick"]
    for item in range(RESULT):
        gb = item_gb(env, row, first, s, item)
        if gb > 0.0:
            end_s = transfer_end_s(env, source_of(env, row, first, item), s, gb, tick, end_s)
    return end_s


@routine
def wake_s(env: Environment, row: int, s: int) -> float:
    """Time until a job's accelerators are awake: none if enough of those that no job holds are."""
    ready = env.sat.awake[s] - (env.sat.living[s] - env.sat.free[s])
    return env.design.wake_s[s] if env.jobs[row]["width"] > ready else 0.0


@routine
def time_to_start_s(env: Environment, row: int, first: int, s: int) -> float:
    """Time from the placement of a row on a satellite to its first work: transfer, waking up and start."""
    brought_s = transfer_time_s(env, row, first, s)
    return env.run[row]["writing_s"] + brought_s + wake_s(env, row, s) + env.rules.init_s[env.jobs[row]["class_id"]]


@routine
def time_to_ready_s(env: Environment, row: int, s: int) -> float:
    """Time from the placement of a job on a satellite to its first work; of a gang with hosts that of its slowest."""
    if env.jobs[row]["num_satellites"] == 1 or not has_hosts(env, row):
        return time_to_start_s(env, row, row, s)
    last_s = 0.0
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        last_s = max(last_s, time_to_start_s(env, member, row, env.run[member]["host"]))
    return last_s


@routine
def time_to_payable_s(env: Environment, row: int, s: int) -> float:
    """Forecast time of the work up to the next payable point, or to the end if that is nearer."""
    job, run = env.jobs[row], env.run[row]
    unit = unit_work(env, row, s) - run["uncheckpointed_s"] / job["total_accelerators"]
    work_s = min(unit, remaining_estimate(job, run) / job["total_accelerators"])
    return work_s / max(forecast_rate(env, row, s), 1e-6)


@routine
def time_to_release_s(env: Environment, row: int, s: int, now_s: float) -> float:
    """Forecast time of work until a job gives its accelerators back, or yields them to the blocked job."""
    job, run = env.jobs[row], env.run[row]
    class_id = job["class_id"]
    if env.rules.yields[class_id] > 0.5 and rank_of(env, row, now_s) < env.scalars[0]["blocked_rank"]:
        return time_to_payable_s(env, row, s)
    left = job["estimate_s"] - run["checkpointed_s"] - run["uncheckpointed_s"]
    left = left if left > 0.0 else LEAST_REMAINING * job["estimate_s"]  # an exact estimate stays exact
    left = left / job["total_accelerators"]
    stalls = np.floor((run["uncheckpointed_s"] / job["total_accelerators"] + left) / unit_work(env, row, s))
    return left / max(forecast_rate(env, row, s), 1e-6) + stalls * env.rules.stall_s[class_id]


@routine
def pays_in_time(env: Environment, row: int, s: int, now_s: float) -> bool:
    """Whether transfer, waking up, start and the way to the next payable point end before the job is worthless."""
    if is_replica(env, row):
        return transfer_time_s(env, row, row, s) < np.inf
    return now_s + time_to_ready_s(env, row, s) + time_to_payable_s(env, row, s) < env.jobs[row]["expiry_s"]


@routine
def leaves_before_reservation(env: Environment, row: int, s: int, now_s: float) -> bool:
    """Whether a job that enters a satellite is expected to leave before the job for which it is reserved starts."""
    if env.sat.reserved_from_s[s] >= UNBOUND_S or row == env.scalars[0]["reserved_row"]:
        return True
    return (
        not is_replica(env, row)
        and now_s + time_to_ready_s(env, row, s) + time_to_release_s(env, row, s, now_s) <= env.sat.reserved_from_s[s]
    )


@routine
def respects_reservation(env: Environment, row: int, s: int, now_s: float) -> bool:
    """Whether a job that enters a satellite does not delay the job for which it is reserved.

    It leaves in time, or takes no more than is left over. Source: Lifka, "The ANL/IBM SP scheduling system", JSSPP
    1995.
    """
    return env.jobs[row]["width"] <= env.sat.extra_accelerators[s] or leaves_before_reservation(env, row, s, now_s)


@routine
def score_of(env: Environment, s: int, class_id: int, extra: int) -> float:
    """Bid less the weighted share of busy accelerators, `extra` more of them busy."""
    busy = (env.sat.living[s] - env.sat.free[s] + extra) / max(env.sat.living[s], 1.0)
    return env.classes.bid[class_id, s] - env.policy.load_weight * busy


@inline
def is_open(env: Environment, class_id: int, s: int) -> bool:
    """Whether a satellite is open to a class: by its bid, with its compute on and memory enough."""
    able = env.sat.off[s] == 0.0 and env.design.hbm_gb[s] >= env.rules.memory_gb[class_id]
    return able and env.classes.bid[class_id, s] >= env.policy.close


@inline
def has_room(env: Environment, class_id: int, width: int, s: int) -> bool:
    """Whether a satellite is open to a class and so many of its accelerators are free."""
    return env.sat.free[s] >= width and is_open(env, class_id, s)


@routine
def feasible(env: Environment, row: int, s: int, now_s: float) -> bool:
    """Whether a satellite other than the present host can take a job now: there is room, and the job pays in time."""
    job = env.jobs[row]
    if s == env.run[row]["host"] or not has_room(env, job["class_id"], job["width"], s):
        return False
    return pays_in_time(env, row, s, now_s)


@routine
def may_host(env: Environment, row: int, s: int, now_s: float) -> bool:
    """Whether a satellite has room for a job, and the job delays nobody who has a reservation there."""
    job = env.jobs[row]
    return has_room(env, job["class_id"], job["width"], s) and respects_reservation(env, row, s, now_s)


@routine
def best_host(env: Environment, row: int, floor: float, now_s: float) -> int:
    """The feasible satellite of the highest score above `floor`, not the present host; ties go to the lower index.

    Satellites on which the job would delay the one that has a reservation there are left out.
    """
    job = env.jobs[row]
    best, class_id, width = NOWHERE, job["class_id"], job["width"]
    for s in range(env.num_satellites):
        if not has_room(env, class_id, width, s):  # of most satellites no more need be asked
            continue
        score = score_of(env, s, class_id, width)
        if score > floor and feasible(env, row, s, now_s) and respects_reservation(env, row, s, now_s):
            floor = score
            best = s
    return best


@routine
def enqueue(env: Environment, row: int) -> None:
    """Insert a row in falling rank; equal ranks keep their order."""
    waiting, run = env.waiting, env.run
    k = env.scalars[0]["waiting"]
    while k > 0 and run[waiting[k - 1]]["rank"] < run[row]["rank"]:
        waiting[k] = waiting[k - 1]
        k -= 1
    waiting[k] = row
    env.scalars[0]["waiting"] += 1
    run[row]["status"] = WAITING
    run[row]["host"] = NOWHERE


@routine
def remove_waiting(env: Environment, k: int) -> None:
    """Take the k-th of the waiting rows out of the queue."""
    env.scalars[0]["waiting"] -= 1
    for i in range(k, env.scalars[0]["waiting"]):
        env.waiting[i] = env.waiting[i + 1]


@routine
def requeue(env: Environment, row: int, now_s: float) -> None:
    """Back to the queue; a replica is no longer wanted until the autoscaler says so."""
    if is_replica(env, row):
        env.run[row]["status"] = ABSENT
        env.run[row]["drain_s"] = 0.0
        return
    env.run[row]["rank"] = rank_of(env, row, now_s)
    enqueue(env, row)


@routine
def rerank(env: Environment, now_s: float) -> None:
    """Sort the queue anew, once a decision."""
    count = env.scalars[0]["waiting"]
    env.scalars[0]["waiting"] = 0
    for k in range(count):
        row = env.waiting[k]
        env.run[row]["rank"] = rank_of(env, row, now_s)
        enqueue(env, row)
