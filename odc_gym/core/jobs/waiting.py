"""Waiting jobs: their rank in the queue, and the satellites that can take them.

A job is a row of the read-only table `env.jobs`, and of `env.run`, which holds its changing fields. `env.waiting` holds
the waiting rows in queue order. A payable point is a checkpoint or the end of a chunk: work up to it is paid. Times are
seconds since the start of the episode. Work is in reference accelerator-seconds.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import inline, routine
from odc_gym.core.jobs.checkpoints import payable_interval_work
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.state import UNBOUND_S
from odc_gym.core.layout.work import ABSENT, EARLIEST_DEADLINE, LEAST_SLACK, RESULT, VALUE, WAITING
from odc_gym.core.network.execution_rate import forecast_rate, has_hosts
from odc_gym.core.network.routes import transfer_end_s
from odc_gym.core.network.storage import item_gb, source_of
from odc_gym.physics.mathematics import LN_2, bounded_exp, clip

MIN_REMAINING_FRAC = 0.1  # share of the estimate: expected remaining work of a job beyond its estimate
NOWHERE = -1


@routine
def lateness_factor(env: Environment, row: int, now_s: float) -> float:
    """Return the share of a job's value that is still paid.

    It is 1 until the deadline, and falls linearly to 0 at expiry. For a class with `decay_s`, it falls exponentially
    with age, and is 0 from expiry on.
    """
    job, decay_s = env.jobs[row], env.rules.decay_s[env.jobs[row]["class_id"]]
    if decay_s > 0.0:
        return bounded_exp(-(now_s - job["arrival_s"]) / decay_s) if now_s < job["expiry_s"] else 0.0
    return clip((job["expiry_s"] - now_s) / max(job["expiry_s"] - job["deadline_s"], 1.0), 0.0, 1.0)


@routine
def remaining_estimate(job: np.void, run: np.void) -> float:
    """Return the estimated work less the work done, but at least a tenth of the estimate."""
    return max(
        job["estimate_s"] - run["checkpointed_s"] - run["uncheckpointed_s"], MIN_REMAINING_FRAC * job["estimate_s"]
    )


@routine
def is_replica(env: Environment, row: int) -> bool:
    """Return whether a row of the job table is a replica of a service."""
    return env.rules.service[env.jobs[row]["class_id"]] > 0.5


@routine
def set_rank_factors(env: Environment) -> None:
    """Write the factors of ranks that stay the same within a decision, by class and by tenant, to `env.work`.

    That of a class follows the urgency that the action sets. That of a tenant is its fair share:
    2^-(share of held accelerators / share by weight). Source: fair-share factor of Slurm's multifactor priority plugin.
    """
    held, factors = env.tenants.held, env.work.tenant_factor
    for c in range(env.num_classes):
        env.work.urgency_factor[c] = bounded_exp(2.0 * LN_2 * env.urgency[c])
    held_by_all = 0.0
    for i in range(held.shape[0]):
        held_by_all += held[i]
    for i in range(held.shape[0]):
        share = held[i] / max(held_by_all, 1e-9) / env.tenants.right[i]
        factors[i] = 1.0 if env.policy.fair_s == 0.0 else bounded_exp(-LN_2 * share)


@routine
def rank_of(env: Environment, row: int, now_s: float) -> float:
    """Return the rank of a row in the queue; higher ranks come first.

    A replica has no deadline. It is due at the time at which it was requested.
    """
    job, run, policy = env.jobs[row], env.run[row], env.policy
    class_id = job["class_id"]
    service = is_replica(env, row)
    arrival_s = run["since_s"] if service else job["arrival_s"]
    if policy.order == VALUE:
        fair = env.work.tenant_factor[job["tenant"]] if job["tenant"] >= 0 else 1.0
        ageing = (1.0 + max(now_s - arrival_s, 0.0) / policy.age_s) * fair
        return env.rules.queue_value[class_id] * job["price"] * env.work.urgency_factor[class_id] * ageing
    due_s = arrival_s if service else job["deadline_s"]
    if policy.order == EARLIEST_DEADLINE:
        return -due_s
    if policy.order == LEAST_SLACK:
        remaining_s = 0.0 if service else remaining_estimate(job, run) / job["total_accelerators"]
        return -(due_s - now_s - remaining_s)
    return -arrival_s


@routine
def placement_gb(env: Environment, row: int) -> float:
    """Return the data that a placement must bring where none of it is stored [GB].

    The data is the model, the input, and the state of a job that has one.
    """
    class_id = env.jobs[row]["class_id"]
    gb = env.model_gb[env.jobs[row]["model"]] + env.rules.data_gb[class_id]
    return gb + (env.rules.state_gb[class_id] if env.run[row]["checkpointed_s"] > 0.0 else 0.0)


@routine
def transfer_time_s(env: Environment, row: int, first_row: int, s: int) -> float:
    """Return the time until a satellite has all data of a row [s]; inf if a route does not last.

    The items arrive one after the other.

    Args:
        env: the environment.
        row: row of the job table.
        first_row: first row of its gang, or `row` itself.
        s: satellite.
    """
    end_s, tick = 0.0, env.scalars[0]["tick"]
    for item in range(RESULT):
        gb = item_gb(env, row, first_row, s, item)
        if gb > 0.0:
            end_s = transfer_end_s(env, source_of(env, row, first_row, item), s, gb, tick, end_s)
    return end_s


@routine
def time_to_wake_s(env: Environment, row: int, s: int) -> float:
    """Return the time until a job's accelerators are awake [s].

    It is 0 if enough accelerators are awake that no job holds.
    """
    awake_and_free = env.sat.awake[s] - (env.sat.living[s] - env.sat.free[s])
    return env.design.wake_s[s] if env.jobs[row]["width"] > awake_and_free else 0.0


@routine
def time_to_start_s(env: Environment, row: int, first_row: int, s: int) -> float:
    """Return the time from the placement of a row on a satellite to its first work [s].

    The time covers the writing of a checkpoint, transfer, waking up and start.

    Args:
        env: the environment.
        row: row of the job table.
        first_row: first row of its gang, or `row` itself.
        s: satellite.
    """
    transfer_s = transfer_time_s(env, row, first_row, s)
    return (
        env.run[row]["writing_s"]
        + transfer_s
        + time_to_wake_s(env, row, s)
        + env.rules.init_s[env.jobs[row]["class_id"]]
    )


@routine
def time_to_ready_s(env: Environment, row: int, s: int) -> float:
    """Return the time from the placement of a job on satellite `s` to its first work [s].

    For a gang with hosts, it is the time of the slowest member.
    """
    if env.jobs[row]["num_satellites"] == 1 or not has_hosts(env, row):
        return time_to_start_s(env, row, row, s)
    last_s = 0.0
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        last_s = max(last_s, time_to_start_s(env, member, row, env.run[member]["host"]))
    return last_s


@routine
def time_to_payable_s(env: Environment, row: int, s: int) -> float:
    """Return the forecast time of work to the next payable point, or to a nearer end [s]."""
    job, run = env.jobs[row], env.run[row]
    interval = payable_interval_work(env, row, s) - run["uncheckpointed_s"] / job["total_accelerators"]
    work_s = min(interval, remaining_estimate(job, run) / job["total_accelerators"])
    return work_s / max(forecast_rate(env, row, s), 1e-6)


@routine
def time_to_release_s(env: Environment, row: int, s: int, now_s: float) -> float:
    """Return the forecast time of work until a job releases its accelerators [s].

    A job that yields to the blocked job releases them at its next payable point.
    """
    job, run = env.jobs[row], env.run[row]
    class_id = job["class_id"]
    if env.rules.yields[class_id] > 0.5 and rank_of(env, row, now_s) < env.scalars[0]["blocked_rank"]:
        return time_to_payable_s(env, row, s)
    remaining = job["estimate_s"] - run["checkpointed_s"] - run["uncheckpointed_s"]
    remaining = (
        remaining if remaining > 0.0 else MIN_REMAINING_FRAC * job["estimate_s"]
    )  # an exact estimate stays exact
    remaining = remaining / job["total_accelerators"]
    num_checkpoints = np.floor(
        (run["uncheckpointed_s"] / job["total_accelerators"] + remaining) / payable_interval_work(env, row, s)
    )
    return remaining / max(forecast_rate(env, row, s), 1e-6) + num_checkpoints * env.rules.stall_s[class_id]


@routine
def pays_in_time(env: Environment, row: int, s: int, now_s: float) -> bool:
    """Return whether a job on satellite `s` reaches a payable point before it is worth nothing.

    The time to that point includes transfer, waking up and start. A replica only needs a route that lasts.
    """
    if is_replica(env, row):
        return transfer_time_s(env, row, row, s) < np.inf
    return now_s + time_to_ready_s(env, row, s) + time_to_payable_s(env, row, s) < env.jobs[row]["expiry_s"]


@routine
def leaves_before_reservation(env: Environment, row: int, s: int, now_s: float) -> bool:
    """Return whether a job on satellite `s` is expected to leave before the reserved job starts.

    The result is also True where no reservation binds, and for the reserved job itself. Replicas do not leave.
    """
    if env.sat.reserved_from_s[s] >= UNBOUND_S or row == env.scalars[0]["reserved_row"]:
        return True
    return (
        not is_replica(env, row)
        and now_s + time_to_ready_s(env, row, s) + time_to_release_s(env, row, s, now_s) <= env.sat.reserved_from_s[s]
    )


@routine
def respects_reservation(env: Environment, row: int, s: int, now_s: float) -> bool:
    """Return whether a job on satellite `s` does not delay the reserved job.

    The job leaves in time, or takes no more accelerators than the reservation leaves over. Source: Lifka, "The ANL/IBM
    SP scheduling system", JSSPP 1995.
    """
    return env.jobs[row]["width"] <= env.sat.extra_accelerators[s] or leaves_before_reservation(env, row, s, now_s)


@routine
def score_of(env: Environment, s: int, class_id: int, extra: int) -> float:
    """Return the bid less the weighted share of busy accelerators.

    Args:
        env: the environment.
        s: satellite.
        class_id: class of the job.
        extra: number of accelerators that count as busy in addition.
    """
    busy = (env.sat.living[s] - env.sat.free[s] + extra) / max(env.sat.living[s], 1.0)
    return env.classes.bid[class_id, s] - env.policy.load_weight * busy


@inline
def is_open(env: Environment, class_id: int, s: int) -> bool:
    """Return whether a satellite is open to a class by its bid, its compute and its memory."""
    capable = env.sat.off[s] == 0.0 and env.design.hbm_gb[s] >= env.rules.memory_gb[class_id]
    return capable and env.classes.bid[class_id, s] >= env.policy.close


@inline
def has_room(env: Environment, class_id: int, width: int, s: int) -> bool:
    """Return whether a satellite is open to a class and has `width` free accelerators."""
    return env.sat.free[s] >= width and is_open(env, class_id, s)


@routine
def feasible(env: Environment, row: int, s: int, now_s: float) -> bool:
    """Return whether a satellite other than the present host can take a job now.

    The satellite needs room, and the job must reach a payable point in time.
    """
    job = env.jobs[row]
    if s == env.run[row]["host"] or not has_room(env, job["class_id"], job["width"], s):
        return False
    return pays_in_time(env, row, s, now_s)


@routine
def may_host(env: Environment, row: int, s: int, now_s: float) -> bool:
    """Return whether a satellite has room for a job that respects the reservation there."""
    job = env.jobs[row]
    return has_room(env, job["class_id"], job["width"], s) and respects_reservation(env, row, s, now_s)


@routine
def enqueue(env: Environment, row: int) -> None:
    """Insert a row into the queue in descending order of rank; equal ranks keep their order."""
    env.work.search.spare[0] = row
    enqueue_all(env, 1)


@routine
def enqueue_all(env: Environment, count: int) -> None:
    """Insert `count` rows of equal rank from `search.spare` into the queue; they follow rows of the same rank."""
    if count == 0:
        return
    waiting, run, spare, length = env.waiting, env.run, env.work.search.spare, env.scalars[0]["waiting"]
    rank = run[spare[0]]["rank"]
    low, high = 0, length
    while low < high:  # the place after all rows of equal or higher rank
        middle = (low + high) // 2
        if run[waiting[middle]]["rank"] < rank:
            high = middle
        else:
            low = middle + 1
    for k in range(length - 1, low - 1, -1):
        waiting[k + count] = waiting[k]
    for k in range(count):
        row = spare[k]
        waiting[low + k] = row
        run[row]["status"] = WAITING
        run[row]["host"] = NOWHERE
    env.scalars[0]["waiting"] += count


@routine
def remove_waiting(env: Environment, k: int) -> None:
    """Remove the k-th of the waiting rows from the queue."""
    env.scalars[0]["waiting"] -= 1
    for i in range(k, env.scalars[0]["waiting"]):
        env.waiting[i] = env.waiting[i + 1]


@routine
def requeue(env: Environment, row: int, now_s: float) -> None:
    """Put a job back into the queue; a replica is absent until the autoscaler requests it."""
    if is_replica(env, row):
        env.run[row]["status"] = ABSENT
        env.run[row]["drain_s"] = 0.0
        return
    env.run[row]["rank"] = rank_of(env, row, now_s)
    enqueue(env, row)


@routine
def rerank(env: Environment, now_s: float) -> None:
    """Compute all ranks anew and sort the queue, once a decision; equal ranks keep their order."""
    num_waiting = env.scalars[0]["waiting"]
    for k in range(num_waiting):
        row = env.waiting[k]
        env.run[row]["rank"] = rank_of(env, row, now_s)
    length = 1
    while length < num_waiting:
        for begin in range(0, num_waiting - length, 2 * length):
            merge(env, begin, begin + length, min(begin + 2 * length, num_waiting))
        length *= 2


@routine
def merge(env: Environment, begin: int, middle: int, end: int) -> None:
    """Merge two adjacent parts of the queue, each in descending order of rank.

    Args:
        env: the environment.
        begin: index of the first part.
        middle: index of the second part.
        end: index after the second part.
    """
    waiting, spare, run = env.waiting, env.work.search.spare, env.run
    if run[waiting[middle - 1]]["rank"] >= run[waiting[middle]]["rank"]:
        return
    for k in range(begin, middle):
        spare[k] = waiting[k]
    left, right, k = begin, middle, begin
    while left < middle:
        if right < end and run[waiting[right]]["rank"] > run[spare[left]]["rank"]:
            waiting[k] = waiting[right]
            right += 1
        else:
            waiting[k] = spare[left]
            left += 1
        k += 1
