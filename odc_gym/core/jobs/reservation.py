"""Reservation for the best job that fits nowhere: when it is expected to start, and where. Scalar code between steps.

EASY backfilling: the blocked job of the highest rank is promised the satellite on which enough accelerators will be
free soonest by the visible estimates of what runs there, a gang those of one neighbourhood. Jobs of lower rank start
before it where they do not delay it, see `waiting.keeps_promise`. The promise stays with its satellites while that job
stays the first, since estimates are wrong and a promise that moves is never kept.

Source: Lifka, "The ANL/IBM SP scheduling system", JSSPP 1995; Mu'alem and Feitelson, "Utilization, predictability,
workloads, and user runtime estimates in scheduling the IBM SP2 with backfilling", IEEE TPDS 12 (2001).
"""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.jobs.gangs import clear_hosts, is_among_hosts, neighbours
from odc_gym.core.jobs.waiting import NOWHERE, is_open, is_replica, pays_in_time, time_to_release_s, transfer_time_s
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.state import UNBOUND_S, fill
from odc_gym.core.layout.work import RESULT
from odc_gym.core.network.routes import transfer_end_s
from odc_gym.core.network.storage import source_of


@routine
def is_reserved_for_other(env: Environment, row: int) -> bool:
    """Whether there is a reservation for another job."""
    promised = env.scalars[0]["reserved_row"]
    return promised != NOWHERE and promised != row


@routine
def suspend_reservation(env: Environment) -> None:
    """The reservation binds nobody until it is made again; its satellites are remembered."""
    fill(env.sat.reserved_from_s, UNBOUND_S)


@routine
def cancel_reservation(env: Environment) -> None:
    """There is no reservation any more."""
    suspend_reservation(env)
    fill(env.sat.reserved, 0.0)
    env.scalars[0]["reserved_row"] = NOWHERE


@routine
def reserve(env: Environment, row: int, now_s: float) -> bool:
    """Promise a blocked job the satellites on which it can start soonest, the same as long as it can; whether it could.

    It cannot where all are closed, off, too small beside their replicas, which never end, or free too late to be paid.
    """
    if env.scalars[0]["reserved_row"] == row and try_reserve(env, row, now_s, True):
        return True
    return try_reserve(env, row, now_s, False)


@routine
def try_reserve(env: Environment, row: int, now_s: float, same: bool) -> bool:
    """Reserve the satellites on which a job can start soonest, of those reserved so far if `same`; whether it could."""
    times = np.empty(env.num_satellites)
    if not mark_candidates(env, row, same, times):
        return False
    releases = coming_releases(env, now_s, times)
    free_times(env, env.jobs[row]["width"], now_s, releases, times)
    first, reserved_from_s = NOWHERE, np.inf
    for s in range(env.num_satellites):
        if times[s] < reserved_from_s:
            ready_s = earliest_hosts_around(env, row, s, times)
            if ready_s < reserved_from_s and pays_in_time(env, row, s, ready_s):
                first, reserved_from_s = s, ready_s
    if first != NOWHERE:
        earliest_hosts_around(env, row, first, times)
        cancel_reservation(env)
        env.scalars[0]["reserved_row"] = row
        for member in range(row, row + env.jobs[row]["num_satellites"]):
            reserve_satellite(env, row, env.run[member]["host"], reserved_from_s, releases)
    clear_hosts(env, row)
    return first != NOWHERE


@routine
def earliest_hosts_around(env: Environment, row: int, first: int, times: np.ndarray) -> float:
    """Seat a job with its first row on a satellite, and those of a gang on the neighbours that are free soonest.

    Returns when all of them are free, inf if there are too few; to each a way must last for its part of the data.
    """
    clear_hosts(env, row)
    env.run[row]["host"] = first
    ready_s = times[first]
    for member in range(row + 1, row + env.jobs[row]["num_satellites"]):
        best = NOWHERE
        for s in range(env.num_satellites):
            if (
                times[s] < np.inf
                and (best == NOWHERE or times[s] < times[best])
                and not is_among_hosts(env, row, member, s)
            ):
                may = (
                    neighbours(env, first, s, env.jobs[row]["class_id"])
                    and transfer_time_s(env, member, row, s) < np.inf
                )
                best = s if may else best
        if best == NOWHERE:
            return np.inf
        env.run[member]["host"] = best
        ready_s = max(ready_s, times[best])
    return ready_s


@routine
def mark_candidates(env: Environment, row: int, same: bool, times: np.ndarray) -> bool:
    """Mark the satellites that a blocked job may wait for with 0, others with inf, (S,); whether there is one."""
    class_id, width = env.jobs[row]["class_id"], env.jobs[row]["width"]
    some = False
    for s in range(env.num_satellites):
        may = env.sat.living[s] >= width and is_open(env, class_id, s)
        may = may and (env.sat.reserved[s] > 0.0 or not same) and releasable_accelerators(env, s) >= width
        times[s] = 0.0 if may else np.inf
        some |= may
    return some


@routine
def releasable_accelerators(env: Environment, s: int) -> float:
    """Accelerators of a satellite that will be free at some time: those without a replica."""
    count = env.sat.living[s]
    for c in range(env.num_classes):
        if env.rules.service[c] > 0.5:
            count -= env.classes.held[c, s]
    return count


@routine
def release_s(env: Environment, row: int, now_s: float) -> float:
    """When a running job is expected to give its accelerators back: a gang works when its last member is ready."""
    tick, last_s = env.scalars[0]["tick"], 0.0
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        run, end_s = env.run[member], 0.0
        for item in range(RESULT):
            source = source_of(env, member, row, item)
            end_s = transfer_end_s(env, source, run["host"], env.pending_gb[item, member], tick, end_s)
        last_s = max(last_s, end_s + run["delay_s"])
    return now_s + last_s + time_to_release_s(env, row, env.run[row]["host"], now_s)


@routine
def coming_releases(env: Environment, now_s: float, times: np.ndarray) -> np.ndarray:
    """What satellites marked in `times` will get back: seconds, satellite, accelerators, in order of time, [3, R]."""
    count = 0
    for k in range(env.scalars[0]["running"]):
        count += env.jobs[env.running[k]]["num_satellites"]
    found = np.empty((3, count))
    i = 0
    for k in range(env.scalars[0]["running"]):
        first = env.running[k]
        if is_replica(env, first):
            continue
        end = np.inf
        for row in range(first, first + env.jobs[first]["num_satellites"]):
            s = env.run[row]["host"]
            if times[s] < np.inf:
                end = release_s(env, first, now_s) if end == np.inf else end
                found[0, i], found[1, i], found[2, i] = end, s, env.jobs[row]["width"]
                i += 1
    order = np.argsort(found[0, :i])
    return found[:, :i][:, order]


@routine
def free_times(env: Environment, width: int, now_s: float, releases: np.ndarray, times: np.ndarray) -> None:
    """When so many accelerators of each satellite marked in `times` are free by estimates [s], inf never, (S,)."""
    free = np.empty(env.num_satellites)
    for s in range(env.num_satellites):
        free[s] = env.sat.free[s]
        if times[s] < np.inf:
            times[s] = now_s if free[s] >= width else np.inf
    for i in range(releases.shape[1]):
        s = int(releases[1, i])
        free[s] += releases[2, i]
        if times[s] == np.inf and free[s] >= width:
            times[s] = releases[0, i]


@routine
def reserve_satellite(env: Environment, row: int, s: int, reserved_from_s: float, releases: np.ndarray) -> None:
    """Reserve a satellite from a time on."""
    width = env.jobs[row]["width"]
    spare = env.sat.free[s] - width
    for i in range(releases.shape[1]):
        if releases[1, i] == s and releases[0, i] <= reserved_from_s:
            spare += releases[2, i]
    env.sat.reserved[s] = width
    env.sat.reserved_from_s[s] = reserved_from_s
    env.sat.extra_accelerators[s] = spare
