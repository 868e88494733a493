"""Gangs: jobs that span several satellites of one lasting neighbourhood, all of them or none, in step with each other.

The row of a gang in the job table is followed by one row for each further satellite, and `members` of the first counts
them all. Work, checkpoints and pay are kept in the first row; each row has a host and holds accelerators there. How
fast they go is in `pace`.
"""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine
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
from odc_gym.core.network.routes import topology


@routine
def neighbours(env: Environment, s: int, d: int, class_id: int) -> bool:
    """Whether own links join two satellites over as few hops, and for as long, as gangs of a class need."""
    k = topology(env, env.scalars[0]["tick"])
    hops = env.links.hops[k, s, d]
    lasts = env.links.expiry_step[k, s, d] - env.scalars[0]["tick"]
    return 0 <= hops <= env.rules.gang_hops[class_id] and lasts >= env.rules.lasting_steps[class_id]


@routine
def choose_gang_hosts(env: Environment, row: int, now_s: float) -> bool:
    """Choose the hosts of a gang and write them into its rows; whether there are enough.

    The first is the feasible satellite of the highest score that has enough feasible neighbours, the others are those
    of its neighbours with the highest scores.
    """
    job, able = env.jobs[row], 0
    for s in range(env.num_satellites):
        able += 1 if may_host(env, row, s, now_s) else 0
    if able < job["num_satellites"]:
        return False
    score, first = np.inf, NOWHERE
    for _ in range(able):
        score, first = next_best_host(env, row, score, first, now_s)
        if feasible(env, row, first, now_s) and choose_hosts_around(env, row, first, now_s):
            return True
    return False


@routine
def next_best_host(env: Environment, row: int, score: float, last: int, now_s: float) -> tuple[float, int]:
    """The satellite with room that follows the last one in falling order of scores, and its score."""
    best, found = -np.inf, NOWHERE
    for s in range(env.num_satellites):
        if may_host(env, row, s, now_s):
            own = score_of(env, s, env.jobs[row]["class_id"], env.jobs[row]["width"])
            if own > best and (own < score or (own == score and s > last)):
                best, found = own, s
    return best, found


@routine
def choose_hosts_around(env: Environment, row: int, first: int, now_s: float) -> bool:
    """Put the first row on a satellite and the others on its best neighbours; whether there are enough.

    To each a way must last for its part of the data, and the gang must be paid and keep promises as a whole: it goes on
    when its last member is ready, at the pace of all.
    """
    job = env.jobs[row]
    class_id, width, end = job["class_id"], job["width"], row + job["num_satellites"]
    env.run[row]["host"] = first
    for member in range(row + 1, end):
        best, chosen = -np.inf, NOWHERE
        for s in range(env.num_satellites):
            if may_host(env, row, s, now_s) and neighbours(env, first, s, class_id):
                score = score_of(env, s, class_id, width)
                if (
                    score > best
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
    """Whether a gang on the hosts in its rows is paid in time and delays nobody who has a reservation there."""
    kept = pays_in_time(env, row, env.run[row]["host"], now_s)
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        kept = kept and respects_reservation(env, row, env.run[member]["host"], now_s)
    return kept


@routine
def clear_hosts(env: Environment, row: int) -> None:
    """A gang that does not run has no hosts."""
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        env.run[member]["host"] = NOWHERE


@routine
def is_among_hosts(env: Environment, row: int, end: int, s: int) -> bool:
    """Whether one of the rows from `row` up to `end` is on a satellite."""
    count = 0
    for member in range(row, end):
        count += env.run[member]["host"] == s
    return count > 0


@routine
def start_gang(env: Environment, row: int, now_s: float) -> None:
    """A gang starts on the hosts in its rows; each brings its part of the data."""
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        use_extra_accelerators(env, member, row, env.run[member]["host"], now_s)
    for member in range(row, row + env.jobs[row]["num_satellites"]):
        take_accelerators(env, member, row, env.run[member]["host"], now_s)
    add_running(env, row, now_s)


@routine
def is_connected(env: Environment, row: int) -> bool:
    """Whether own links join all satellites of a running gang now."""
    k = topology(env, env.scalars[0]["tick"])
    for member in range(row + 1, row + env.jobs[row]["num_satellites"]):
        if env.links.hops[k, env.run[row]["host"], env.run[member]["host"]] < 0:
            return False
    return True


@routine
def disconnects_next(env: Environment, row: int) -> bool:
    """Whether the links of a running gang are known to part before the step after this one."""
    tick = env.scalars[0]["tick"]
    k = topology(env, tick)
    for member in range(row + 1, row + env.jobs[row]["num_satellites"]):
        if env.links.expiry_step[k, env.run[row]["host"], env.run[member]["host"]] <= tick + 1:
            return True
    return False
