"""Gangs: jobs that span several satellites of one lasting neighbourhood and advance in step.

A gang gets all of its satellites or none. In the job table, one row for each further satellite follows its first row.
Column `num_satellites` of the first row counts these rows and itself. The first row holds work, checkpoints and pay.
Each row has a host and holds accelerators there. `core.network.execution_rate` computes the rate of a gang.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.jobs.host_search import build_heap, pop_heap
from odc_gym.core.jobs.hosting import add_running, take_accelerators, use_extra_accelerators
from odc_gym.core.jobs.waiting import (
    NOWHERE,
    feasible,
    may_host,
    pays_in_time,
    respects_reservation,
    score_of,
    transfer_time_s,
)
from odc_gym.core.layout.environment import Environment
from odc_gym.core.network.routes import isl_expiry_step, isl_hops, topology


@routine
def are_neighbours(env: Environment, s: int, other: int, class_id: int) -> bool:
    """Return whether inter-satellite links join two satellites as a class of gangs requires.

    The class limits the number of hops, and sets the number of steps for which the route must last.
    """
    tick = env.scalars[0]["tick"]
    hops = isl_hops(env, s, other, tick)
    if hops < 0 or hops > env.rules.gang_hops[class_id]:  # a call costs more than this test
        return False
    lasting_steps = isl_expiry_step(env, s, other, tick) - tick
    return lasting_steps >= env.rules.lasting_steps[class_id]


@routine
def satellites_around(env: Environment, s: int, most_hops: float) -> int:
    """Write the satellites within some links of a satellite to `search.near`, and return their number.

    The satellite itself comes first, and others in the order of their distance in links.
    """
    search, links = env.work.search, env.links
    epoch = topology(env, env.scalars[0]["tick"])
    search.walks[0] += 1
    walk, count, k = search.walks[0], 1, 0
    search.near[0], search.near_hops[0], search.mark[s] = s, 0, walk
    while k < count and search.near_hops[k] < most_hops:
        for j in range(links.neighbours.shape[2]):
            other = links.neighbours[epoch, search.near[k], j]
            if other >= 0 and search.mark[other] != walk:
                search.mark[other], search.near[count], search.near_hops[count] = walk, other, search.near_hops[k] + 1
                count += 1
        k += 1
    return count


@routine
def choose_gang_hosts(env: Environment, row: int, now_s: float) -> bool:
    """Choose the hosts of a gang, write them to its rows, and return whether there are enough.

    The first host is the feasible satellite with the highest score that has enough feasible neighbours. The other hosts
    are its neighbours with the highest scores.
    """
    job, num_candidates = env.jobs[row], 0
    class_id, width, search = job["class_id"], job["width"], env.work.search
    for s in range(env.num_satellites):
        if may_host(env, row, s, now_s):
            search.heap[num_candidates], search.key[num_candidates] = s, score_of(env, s, class_id, width)
            num_candidates += 1
    if num_candidates < job["num_satellites"]:
        return False
    build_heap(env, num_candidates)
    for count in range(num_candidates, 0, -1):
        first_host = pop_heap(env, count)
        if feasible(env, row, first_host, now_s) and choose_hosts_around(env, row, first_host, now_s):
            return True
    return False


@routine
def choose_hosts_around(env: Environment, row: int, first_host: int, now_s: float) -> bool:
    """Assign a gang to a satellite and its best neighbours, and return whether there are enough.

    To each member, a route must last long enough for its share of the data. The gang as a whole must be paid in time
    and respect reservations. It starts when its last member is ready, and works at the common execution rate.

    Args:
        env: the environment.
        row: first row of the gang.
        first_host: satellite of the first row.
        now_s: time since the start of the episode [s].
    """
    job = env.jobs[row]
    class_id, width, end = job["class_id"], job["width"], row + job["num_satellites"]
    env.run[row]["host"] = first_host
    num_near = satellites_around(env, first_host, env.rules.gang_hops[class_id])
    for member in range(row + 1, end):
        best, chosen = -np.inf, NOWHERE
        for k in range(num_near):
            s = env.work.search.near[k]
            if may_host(env, row, s, now_s) and are_neighbours(env, first_host, s, class_id):
                score = score_of(env, s, class_id, width)
                if (
                    (score > best or (score == best and s < chosen))
                    and not is_among_hosts(env, row, member, s)
                    and transfer_time_s(env, member, row, s) < np.inf
                ):
                    best, chosen = score, s
        env.run[member]["host"] = chosen
        if chosen == NOWHERE:
            break
    if env.run[end - 1]["host"] != NOWHERE and gang_can_start(env, row, now_s):
        return True
    clear_hosts(env, row)
    return False


@routine
def gang_can_start(env: Environment, row: int, now_s: float) -> bool:
    """Return whether a gang on the hosts in its rows is paid in time and respects reservations."""
    can_start = pays_in_time(env, row, env.run[row]["host"], now_s)
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        can_start = can_start and respects_reservation(env, row, env.run[member]["host"], now_s)
    return can_start


@routine
def clear_hosts(env: Environment, row: int) -> None:
    """Clear the hosts in the rows of a job that does not run."""
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        env.run[member]["host"] = NOWHERE


@routine
def is_among_hosts(env: Environment, row: int, end: int, s: int) -> bool:
    """Return whether a row from `row` up to, but not including, `end` has host `s`."""
    count = 0
    for member in range(row, end):
        count += env.run[member]["host"] == s
    return count > 0


@routine
def start_gang(env: Environment, row: int, now_s: float) -> None:
    """Start a gang on the hosts in its rows; each member brings its share of the data."""
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        use_extra_accelerators(env, member, row, env.run[member]["host"], now_s)
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        take_accelerators(env, member, row, env.run[member]["host"], now_s)
    add_running(env, row, now_s)


@routine
def is_connected(env: Environment, row: int) -> bool:
    """Return whether inter-satellite links connect all members of a running gang to its first."""
    tick, first_host = env.scalars[0]["tick"], env.run[row]["host"]
    for member in range(row + 1, row + env.jobs[row]["num_satellites"]):
        if isl_hops(env, first_host, env.run[member]["host"], tick) < 0:
            return False
    return True


@routine
def disconnects_next(env: Environment, row: int) -> bool:
    """Return whether the tables show that a running gang loses a route by the next step."""
    tick, first_host = env.scalars[0]["tick"], env.run[row]["host"]
    for member in range(row + 1, row + env.jobs[row]["num_satellites"]):
        if isl_expiry_step(env, first_host, env.run[member]["host"], tick) <= tick + 1:
            return True
    return False
