"""Reservation for the blocked job: its satellites and its expected start.

The policy is EASY backfilling. The blocked job is the highest-ranked job that fits nowhere. It is promised the
satellite on which enough accelerators will be free soonest. Visible estimates of the running jobs give these times. A
gang is promised the satellites of one neighbourhood. Jobs of lower rank start first where they do not delay it, see
`waiting.respects_reservation`. The promise keeps its satellites while the job stays the first. Estimates are wrong, and
a promise that moves is never kept.

Source: Lifka, "The ANL/IBM SP scheduling system", JSSPP 1995; Mu'alem and Feitelson, "Utilization, predictability,
workloads, and user runtime estimates in scheduling the IBM SP2 with backfilling", IEEE TPDS 12 (2001).

The code is scalar and runs between physics steps.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.jobs.gangs import are_neighbours, clear_hosts, is_among_hosts, satellites_around
from odc_gym.core.jobs.host_search import entry_of
from odc_gym.core.jobs.waiting import NOWHERE, is_open, is_replica, pays_in_time, time_to_release_s, transfer_time_s
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.search import NO_ROW
from odc_gym.core.layout.state import UNBOUND_S, fill
from odc_gym.core.layout.work import RESULT
from odc_gym.core.network.routes import transfer_end_s
from odc_gym.core.network.storage import source_of


@routine
def is_reserved_for_other(env: Environment, row: int) -> bool:
    """Return whether there is a reservation for another job than `row`."""
    reserved_row = env.scalars[0]["reserved_row"]
    return reserved_row != NOWHERE and reserved_row != row


@routine
def suspend_reservation(env: Environment) -> None:
    """Suspend the reservation until it is made again; its satellites stay marked."""
    fill(env.sat.reserved_from_s, UNBOUND_S)


@routine
def cancel_reservation(env: Environment) -> None:
    """Cancel the reservation."""
    suspend_reservation(env)
    fill(env.sat.reserved, 0.0)
    env.scalars[0]["reserved_row"] = NOWHERE


@routine
def reserve(env: Environment, row: int, now_s: float) -> bool:
    """Reserve the satellites on which a blocked job can start soonest, and return whether there are any.

    The reservation keeps its satellites as long as the job can start there. A satellite is excluded if it is closed,
    off, or too small beside its replicas, which never end. It is also excluded if it becomes free too late for the job
    to be paid. If none can be reserved for a class and a width, other jobs like it are not tried in the same step.
    """
    search = env.work.search
    entry = entry_of(env, env.jobs[row]["class_id"], env.jobs[row]["width"])
    if search.closed_phase[entry] == search.phase[0]:
        return False
    if not mark_candidates(env, row):
        search.closed_phase[entry] = search.phase[0]
        return False
    if env.scalars[0]["reserved_row"] == row and try_reserve(env, row, now_s, True):
        return True
    return try_reserve(env, row, now_s, False)


@routine
def try_reserve(env: Environment, row: int, now_s: float, same: bool) -> bool:
    """Reserve the satellites on which a job can start soonest, and return whether there are any.

    Args:
        env: the environment.
        row: first row of the job.
        now_s: time since the start of the episode [s].
        same: True to consider only satellites that are already reserved.
    """
    free_from_s, found = env.work.free_from_s, False
    for s in range(env.num_satellites):
        eligible = env.work.candidate[s] and (env.sat.reserved[s] > 0.0 or not same)
        free_from_s[s] = 0.0 if eligible else np.inf
        found |= eligible
    if not found:
        return False
    find_releases(env, now_s, free_from_s)
    set_free_times(env, env.jobs[row]["width"], now_s, free_from_s)
    first_host, reserved_from_s = NOWHERE, np.inf
    for s in range(env.num_satellites):
        if free_from_s[s] < reserved_from_s:
            ready_s = earliest_hosts_around(env, row, s, free_from_s)
            if ready_s < reserved_from_s and pays_in_time(env, row, s, ready_s):
                first_host, reserved_from_s = s, ready_s
    if first_host != NOWHERE:
        earliest_hosts_around(env, row, first_host, free_from_s)
        cancel_reservation(env)
        env.scalars[0]["reserved_row"] = row
        for member in range(row, row + env.jobs[row]["num_satellites"]):
            reserve_satellite(env, row, env.run[member]["host"], reserved_from_s)
    clear_hosts(env, row)
    return first_host != NOWHERE


@routine
def earliest_hosts_around(env: Environment, row: int, first_host: int, free_from_s: np.ndarray) -> float:
    """Assign a job to a satellite, and further members of a gang to the neighbours free soonest.

    To each member, a route must last long enough for its share of the data.

    Args:
        env: the environment.
        row: first row of the job.
        first_host: satellite of the first row.
        free_from_s: time at which each satellite has enough free accelerators, inf: never [s], (S,).

    Returns:
        Time at which all of these satellites are free [s], inf if there are too few.
    """
    clear_hosts(env, row)
    env.run[row]["host"] = first_host
    ready_s = free_from_s[first_host]
    if env.jobs[row]["num_satellites"] == 1:
        return np.float64(ready_s)
    num_near = satellites_around(env, first_host, env.rules.gang_hops[env.jobs[row]["class_id"]])
    for member in range(row + 1, row + env.jobs[row]["num_satellites"]):
        best = NOWHERE
        for k in range(num_near):
            s = env.work.search.near[k]
            if (
                free_from_s[s] < np.inf
                and (
                    best == NOWHERE
                    or free_from_s[s] < free_from_s[best]
                    or (free_from_s[s] == free_from_s[best] and s < best)
                )
                and not is_among_hosts(env, row, member, s)
            ):
                eligible = (
                    are_neighbours(env, first_host, s, env.jobs[row]["class_id"])
                    and transfer_time_s(env, member, row, s) < np.inf
                )
                best = s if eligible else best
        if best == NOWHERE:
            return np.inf
        env.run[member]["host"] = best
        ready_s = max(ready_s, free_from_s[best])
    return ready_s


@routine
def mark_candidates(env: Environment, row: int) -> bool:
    """Mark the satellites for which a blocked job may wait in `env.work.candidate`, and return whether there is one."""
    class_id, width = env.jobs[row]["class_id"], env.jobs[row]["width"]
    found = False
    for s in range(env.num_satellites):
        eligible = env.sat.living[s] >= width and is_open(env, class_id, s)
        eligible = eligible and releasable_accelerators(env, s) >= width
        env.work.candidate[s] = eligible
        found |= eligible
    return found


@routine
def releasable_accelerators(env: Environment, s: int) -> float:
    """Return the accelerators of a satellite that can become free: those without a replica."""
    count = env.sat.living[s]
    for c in range(env.num_classes):
        if env.rules.service[c] > 0.5:
            count -= env.classes.held[c, s]
    return count


@routine
def expected_release_s(env: Environment, row: int, now_s: float) -> float:
    """Return the time at which a running job is expected to release its accelerators [s].

    A gang works when its last member is ready.
    """
    tick, ready_s = env.scalars[0]["tick"], 0.0
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        run, end_s = env.run[member], 0.0
        if env.work.uses_links[row]:
            for item in range(RESULT):
                source = source_of(env, member, row, item)
                end_s = transfer_end_s(env, source, run["host"], env.pending_gb[item, member], tick, end_s)
        ready_s = max(ready_s, end_s + run["delay_s"])
    return now_s + ready_s + time_to_release_s(env, row, env.run[row]["host"], now_s)


@routine
def find_releases(env: Environment, now_s: float, marks: np.ndarray) -> None:
    """Write the expected releases on marked satellites to `env.work.releases`: time [s] and number of accelerators.

    `search.first_on` and `search.next_on` link those of each satellite in order of time.

    Args:
        env: the environment.
        now_s: time since the start of the episode [s].
        marks: finite for a marked satellite, inf for others, (S,).
    """
    releases, i = env.work.releases, 0
    for s in range(env.num_satellites):
        env.work.search.first_on[s] = NO_ROW
    for k in range(env.scalars[0]["running"]):
        first_row = env.running[k]
        if is_replica(env, first_row):
            continue
        end_s = np.inf
        for row in range(first_row, first_row + env.jobs[first_row]["num_satellites"]):
            s = env.run[row]["host"]
            if marks[s] < np.inf:
                end_s = expected_release_s(env, first_row, now_s) if end_s == np.inf else end_s
                releases[0, i], releases[1, i] = end_s, env.jobs[row]["width"]
                link_release(env, s, i)
                i += 1


@routine
def link_release(env: Environment, s: int, i: int) -> None:
    """Insert the i-th expected release into the list of its satellite, after those that come earlier."""
    time_s, first_on, next_on = env.work.releases[0], env.work.search.first_on, env.work.search.next_on
    before, after = NO_ROW, first_on[s]
    while after != NO_ROW and time_s[after] < time_s[i]:
        before, after = after, next_on[after]
    next_on[i] = after
    if before == NO_ROW:
        first_on[s] = i
    else:
        next_on[before] = i


@routine
def set_free_times(env: Environment, width: int, now_s: float, free_from_s: np.ndarray) -> None:
    """Set the estimated time at which enough accelerators of each marked satellite are free.

    Args:
        env: the environment.
        width: number of accelerators.
        now_s: time since the start of the episode [s].
        free_from_s: finite for a marked satellite; written: the time [s], inf: never, (S,).
    """
    releases, search = env.work.releases, env.work.search
    for s in range(env.num_satellites):
        if free_from_s[s] < np.inf:
            num_free, time_s, i = env.sat.free[s], now_s, search.first_on[s]
            while num_free < width and i != NO_ROW:
                num_free += releases[1, i]
                time_s = releases[0, i]
                i = search.next_on[i]
            free_from_s[s] = time_s if num_free >= width else np.inf


@routine
def reserve_satellite(env: Environment, row: int, s: int, reserved_from_s: float) -> None:
    """Reserve a satellite for a job from its expected start on.

    Args:
        env: the environment.
        row: first row of the job.
        s: satellite.
        reserved_from_s: time at which the job is expected to start [s].
    """
    width, releases, i = env.jobs[row]["width"], env.work.releases, env.work.search.first_on[s]
    extra = env.sat.free[s] - width
    while i != NO_ROW and releases[0, i] <= reserved_from_s:
        extra += releases[1, i]
        i = env.work.search.next_on[i]
    env.sat.reserved[s] = width
    env.sat.reserved_from_s[s] = reserved_from_s
    env.sat.extra_accelerators[s] = extra
